//! The contract of an adapter, which reads traces from one kind of backend.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::settings::SourceSettings;
pub(super) use crate::source::search::{SearchAnswer, SearchQuery};
use crate::spec::keys::Key;
use crate::trace::{Field, Hole, LogRecord, Losses, Nanos, Sender, Span, TraceId};

/// A kind of backend.
pub(crate) struct Kind {
    /// The key under `source`, with the address as its value.
    pub(crate) key: Key,
    /// Its name in messages.
    pub(super) title: &'static str,
    /// The usual address, as an example in messages.
    pub(crate) example: &'static str,
    /// The form of the address.
    pub(crate) address: AddressForm,
    /// Keys under `source` that only this kind has, with texts as values.
    pub(crate) options: &'static [Key],
    /// Variables of the environment with credentials or settings that its users know, such as `DD_API_KEY`.
    pub(crate) variables: &'static [&'static str],
    /// Creates its adapter.
    pub(super) adapter: fn(&SourceSettings) -> Result<Box<dyn Adapter>, FetchError>,
}

/// The form of the address of a backend.
#[derive(Clone, Copy)]
pub(crate) enum AddressForm {
    /// A URL.
    Url,
    /// A URL, also with one of these schemes.
    UrlWith(&'static [&'static str]),
    /// A URL, or a name such as a region, from which the URL is made.
    UrlOrName(fn(&str) -> String),
    /// A file or folder.
    Path,
}

/// Reads the traces of one backend.
pub(super) trait Adapter: fmt::Debug + Send + Sync {
    /// The fields that all spans lose in this backend. Those that only some answers lack are in
    /// [`Fetched::losses`].
    fn losses(&self) -> &'static [Field] {
        &[]
    }

    /// Returns `true` if its answers can have log records.
    fn reads_logs(&self) -> bool {
        false
    }

    /// Reads the spans of a trace. None if the backend does not have the trace, or not yet.
    fn fetch(&self, trace: TraceId) -> BoxFuture<'_, Result<Fetched, FetchError>>;

    /// Searches for traces.
    fn search<'a>(&'a self, _: &'a SearchQuery) -> BoxFuture<'a, Result<SearchAnswer, FetchError>> {
        let no = FetchError::Refused {
            why: "this backend cannot be searched".to_owned(),
            help: "use `trace_id` with the ids of traces".to_owned(),
        };
        std::future::ready(Err(no)).boxed()
    }

    /// The reason why a search can miss traces, if it can.
    fn search_gap(&self) -> Option<&'static str> {
        None
    }

    /// Returns `true` if its engine counts and orders all spans exactly, with `count_by` and `durations_at`.
    fn has_exact_engine(&self) -> bool {
        false
    }

    /// The number of traces with a span that meets a query, for each value of a resource attribute of such
    /// spans; empty where it is missing. Of all traces if the name of the attribute is empty.
    fn count_by<'a>(
        &'a self,
        _: &'a SearchQuery,
        _resource: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, u64)>, FetchError>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    /// The durations at these ranks, among the longest span that meets a query in each trace; rank 1 is the
    /// shortest. `count` is the number of these traces by `count_by`; if it has changed, [`FetchError::Later`].
    fn durations_at<'a>(
        &'a self,
        _: &'a SearchQuery,
        _count: u64,
        _ranks: &'a [u64],
    ) -> BoxFuture<'a, Result<Vec<Nanos>, FetchError>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    /// The shortest pause between two requests for one trace.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }

    /// Seconds by which the clock of the backend is ahead, once it has answered; negative if it is behind.
    fn seconds_ahead(&self) -> Option<i64> {
        None
    }

    /// The version of the backend, if its API has it.
    fn version(&self) -> BoxFuture<'_, Result<Option<String>, FetchError>> {
        std::future::ready(Ok(None)).boxed()
    }
}

/// The answer of a backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fetched {
    pub(super) spans: Vec<Span>,
    /// Spans that are missing from the answer.
    pub(super) holes: Vec<Hole>,
    /// Fields that these spans have lost, beside those that all spans lose in this backend.
    pub(super) losses: Losses,
    /// The log records of the trace; `None` if the backend has no log records at all. One that is marked as
    /// repeated may be the same as an equal one.
    pub(super) logs: Option<Vec<LogRecord>>,
    /// Log records that may be missing from the answer.
    pub(super) log_holes: Vec<Hole>,
    /// The answer is soon to have more, and confirms nothing.
    pub(super) is_partial: bool,
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
