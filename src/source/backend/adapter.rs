//! The contract of an adapter, which reads traces from one kind of backend.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::settings::SourceSettings;
use crate::spec::keys::Key;
use crate::trace::{Field, Hole, Sender, Span, TraceId};

/// A kind of backend.
pub(crate) struct Kind {
    /// The key under `source`, with the address as its value.
    pub(crate) key: Key,
    /// Its name in messages.
    pub(super) title: &'static str,
    /// The usual address, as an example in messages.
    pub(crate) example: &'static str,
    /// Creates its adapter.
    pub(super) adapter: fn(&SourceSettings) -> Result<Box<dyn Adapter>, FetchError>,
}

/// Reads the traces of one backend.
pub(super) trait Adapter: fmt::Debug + Send + Sync {
    /// The fields that spans lose in this backend.
    fn losses(&self) -> &'static [Field] {
        &[]
    }

    /// Reads the spans of a trace. None if the backend does not have the trace, or not yet.
    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>>;
}

/// The answer of a backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fetched {
    pub(super) spans: Vec<Span>,
    /// Spans that are missing from the answer.
    pub(super) holes: Vec<Hole>,
}

/// The reason why a trace could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FetchError {
    /// The next request may succeed.
    Later {
        why: String,
        /// The backend asks to wait this long.
        after: Option<Duration>,
        help: String,
    },
    /// Further requests fail, too.
    Refused { why: String, help: String },
}

impl FetchError {
    /// The time for which the backend asks.
    pub(super) fn after(&self) -> Duration {
        match self {
            Self::Later { after, .. } => after.unwrap_or_default(),
            Self::Refused { .. } => Duration::ZERO,
        }
    }
}

impl From<FetchError> for Hole {
    fn from(error: FetchError) -> Self {
        let (FetchError::Later { why, help, .. } | FetchError::Refused { why, help }) = error;
        Self {
            reason: why,
            sender: Sender::default(),
            remedy: help,
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.key.name == other.key.name
    }
}
