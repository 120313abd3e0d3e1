//! The W3C trace context of a trigger.

use crate::spec::Trigger;
use crate::trace::{SpanId, TraceId};

/// A trace context. Services adopt the trace id, and the parent id becomes the parent of their first
/// span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace of the spans.
    pub trace_id: TraceId,
    /// The parent of the first span. It is never exported.
    pub parent_id: SpanId,
    /// The sampled flag.
    pub sampled: bool,
    /// The W3C `tracestate`.
    pub trace_state: Option<String>,
    /// The W3C `baggage`, encoded.
    pub baggage: Option<String>,
}

/// The member of `tracestate` that marks requests of spanspec.
const MARK: &str = "spanspec=1";

impl TraceContext {
    /// A fresh, sampled context without `tracestate`.
    #[must_use]
    pub fn random() -> Self {
        let trace_id = TraceId::random();
        Self {
            trace_id,
            parent_id: SpanId::of_caller(trace_id),
            sampled: true,
            trace_state: None,
            baggage: None,
        }
    }

    /// A fresh context for the trigger: with what it propagates, or the trace id of an existing trace.
    #[must_use]
    pub fn of(trigger: &Trigger) -> Self {
        let fresh = Self::random();
        let existing = trigger.existing_trace();
        let sent = trigger.propagation().cloned().unwrap_or_default();
        Self {
            trace_id: existing.map_or(fresh.trace_id, |trace| trace.trace_id),
            parent_id: existing
                .and_then(|trace| trace.span_id)
                .unwrap_or(fresh.parent_id),
            sampled: sent.sampled,
            trace_state: sent.trace_state,
            baggage: sent.baggage,
        }
    }

    /// The same context in another trace, which it starts.
    pub(crate) fn starting(self, trace_id: TraceId) -> Self {
        Self {
            trace_id,
            parent_id: SpanId::of_caller(trace_id),
            ..self
        }
    }

    /// Adds `spanspec=1` to `tracestate`, before other members, by which samplers can keep the trace.
    pub(crate) fn mark(&mut self) {
        let own = self.trace_state.take().filter(|own| !own.trim().is_empty());
        self.trace_state = Some(match own {
            Some(own)
                if own
                    .split(',')
                    .any(|member| member.trim().starts_with("spanspec=")) =>
            {
                own
            }
            Some(own) => format!("{MARK},{own}"),
            None => MARK.to_owned(),
        });
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
    ///     baggage: None,
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

    /// The fields that propagate it, under the names of the W3C: headers, metadata, or, in upper case,
    /// variables of the environment.
    #[cfg(feature = "run")]
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let optional = [
            ("tracestate", &self.trace_state),
            ("baggage", &self.baggage),
        ];
        let optional = optional.map(|(name, value)| Some((name, value.clone()?)));
        std::iter::once(("traceparent", self.traceparent())).chain(optional.into_iter().flatten())
    }
}
