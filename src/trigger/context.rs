//! The W3C trace context that a trigger carries.

use crate::spec::Trigger;
use crate::trace::{SpanId, TraceId};

/// What makes the services' spans ours: they take over the trace id, and name the parent id as
/// the parent of their first span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace that the services' spans will belong to.
    pub trace_id: TraceId,
    /// The span that they will hang below. It is never exported: nobody but us knows it.
    pub parent_id: SpanId,
    /// The trace flag that asks services to record.
    pub sampled: bool,
    /// The W3C `tracestate`.
    pub trace_state: Option<String>,
}

impl TraceContext {
    /// A fresh, sampled context without `tracestate`.
    #[must_use]
    pub fn random() -> Self {
        Self {
            trace_id: TraceId::random(),
            parent_id: SpanId::random(),
            sampled: true,
            trace_state: None,
        }
    }

    /// A fresh context as the trigger wants it: sampled or not, with its `tracestate`, and of the
    /// trace that it names if it names one.
    #[must_use]
    pub fn of(trigger: &Trigger) -> Self {
        let fresh = Self::random();
        let existing = trigger.existing_trace();
        Self {
            trace_id: existing.map_or(fresh.trace_id, |trace| trace.trace_id),
            parent_id: existing
                .and_then(|trace| trace.span_id)
                .unwrap_or(fresh.parent_id),
            sampled: trigger.is_sampled(),
            trace_state: trigger.trace_state().map(str::to_owned),
        }
    }

    /// The value of the `traceparent` header, version 00.
    ///
    /// ```
    /// use spanspec::internal::trigger::TraceContext;
    ///
    /// let context = TraceContext {
    ///     trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".parse()?,
    ///     parent_id: "00f067aa0ba902b7".parse()?,
    ///     sampled: true,
    ///     trace_state: None,
    /// };
    /// assert_eq!(
    ///     context.traceparent(),
    ///     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    /// );
    /// # Ok::<(), spanspec::InvalidId>(())
    /// ```
    #[must_use]
    pub fn traceparent(&self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{}-{}-{flags:02x}", self.trace_id, self.parent_id)
    }
}
