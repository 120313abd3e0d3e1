//! A span that a report names.

use super::{Span, SpanId, TraceId};

/// A span that violates an expectation or a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// Its trace: the judged trace or a linked one.
    pub trace_id: TraceId,
    /// Its span id.
    pub span_id: SpanId,
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The mark in the waterfall: `payment.method = "paypal"`.
    pub mark: String,
}

impl Witness {
    pub(crate) fn new(span: &Span, mark: impl Into<String>) -> Self {
        Self {
            trace_id: span.trace_id,
            span_id: span.span_id,
            service: span.service().to_owned(),
            name: span.name.clone(),
            mark: mark.into(),
        }
    }
}
