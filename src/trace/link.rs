//! A span link.

use super::{Attributes, SpanId, TraceId};

/// A reference to a span that is no parent, most often of another trace: the message that a
/// consumer handles, the jobs that a batch was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The trace of the span that is referred to.
    pub trace_id: TraceId,
    /// The span that is referred to.
    pub span_id: SpanId,
    /// W3C `tracestate` of that span.
    pub trace_state: String,
    /// What the service said about the link.
    pub attributes: Attributes,
}
