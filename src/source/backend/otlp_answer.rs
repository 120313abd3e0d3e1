//! Answers in OTLP, as JSON or protobuf.

use super::adapter::Fetched;
use crate::source::otlp::{self, ReadError, UntiedFile};
use crate::trace::{Hole, Sender};

/// The spans of an answer in OTLP, with those of other traces.
pub(super) fn spans(body: &[u8]) -> Result<Fetched, ReadError> {
    match otlp::read_untied(body) {
        Ok(UntiedFile { traces, .. }) => Ok(Fetched {
            holes: traces
                .iter()
                .flat_map(|trace| trace.holes().iter().cloned())
                .collect(),
            spans: traces
                .iter()
                .flat_map(|trace| trace.spans().iter().cloned())
                .collect(),
            ..Fetched::default()
        }),
        Err(ReadError::Empty) => Ok(Fetched::default()),
        Err(error) => Err(error),
    }
}

/// A part of the trace that the backend does not give.
pub(super) fn partial(name: &str, why: &str) -> Hole {
    Hole {
        reason: format!("{name} gave a part of the trace only: {why}"),
        sender: Sender::default(),
        remedy: "raise its limits for one trace, or record fewer spans".to_owned(),
    }
}
