//! The input and the parts of a draft.

use std::sync::Arc;

use crate::trace::{Response, Trace};

/// The result of one execution of the request.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The response of HTTP or gRPC; `None` if only the trace counts.
    pub response: Response,
    /// The complete trace.
    pub trace: Arc<Trace>,
}

/// Lines of a draft that are removed together if a recorded execution does not pass them.
#[derive(Clone, Debug)]
pub(super) struct DraftPart {
    pub(super) text: String,
    /// The line of the key above the first part with this key.
    pub(super) under: Option<&'static str>,
}

impl DraftPart {
    pub(super) fn fixed(text: String) -> Self {
        Self { text, under: None }
    }

    pub(super) fn under(key: &'static str, text: String) -> Self {
        Self {
            text,
            under: Some(key),
        }
    }
}
