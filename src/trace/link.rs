//! A span link.

use super::{Attributes, SpanId, TraceId};

/// A reference to a span that is not the parent, usually of another trace: the message that a
/// consumer handles, or the jobs of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The trace of the referenced span.
    pub trace_id: TraceId,
    /// The referenced span.
    pub span_id: SpanId,
    /// W3C `tracestate` of that span.
    pub trace_state: String,
    /// Its attributes.
    pub attributes: Attributes,
}
