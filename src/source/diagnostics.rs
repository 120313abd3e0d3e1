//! Facts that explain why a trace is missing or incomplete.

use std::time::Duration;

use super::stats::ReceiverStats;
use crate::trace::{Trace, TraceId};

/// Facts about everything that a source received.
#[derive(Clone, Debug, Default)]
pub struct SourceDiagnostics {
    /// Counts of everything that was received.
    pub stats: ReceiverStats,
    /// The newest of the [unrelated](super::Store::unrelated) traces.
    pub unrelated: Vec<Trace>,
    /// Some spans of unrelated traces that arrived in this time are not among them.
    pub has_discarded: bool,
    /// See [`Store::late`](super::Store::late).
    pub late: Vec<LateTrace>,
}

/// Spans that arrived after the last [`Follow`](super::Follow) of their trace was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LateTrace {
    /// The trace.
    pub trace_id: TraceId,
    /// Number of late spans.
    pub spans: usize,
    /// Delay of the last of them, from the end of the watch.
    pub by: Duration,
}
