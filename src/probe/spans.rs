//! The spans that services export for a request.

use std::time::Instant;

use crate::conformance::SeenSpan;
use crate::source::{Follow, TraceSource};
use crate::trace::{Origin, Span, Trace, TraceId, Value};

/// Follows the traces whose ids a request carries.
pub(super) struct SpanWatch(Vec<Follow>);

impl SpanWatch {
    pub(super) fn new(source: &dyn TraceSource, traces: &[TraceId]) -> Self {
        let follow = |id: &TraceId| source.follow(*id, Origin::Foreign).fresh();
        Self(traces.iter().map(follow).collect())
    }

    /// Waits until a span of the first trace has arrived. Returns `false` at the deadline.
    pub(super) async fn until_spans(&mut self, deadline: Instant) -> bool {
        loop {
            let Some(follow) = self.0.first_mut() else {
                return false;
            };
            if !follow.snapshot().trace.is_empty() {
                return true;
            }
            let changed = tokio::time::timeout_at(deadline.into(), follow.changed());
            if changed.await.is_err() {
                return false;
            }
        }
    }

    /// All spans so far.
    pub(super) fn seen(&mut self) -> Vec<SeenSpan> {
        let traces = self.0.iter_mut().map(|follow| follow.snapshot().trace);
        let traces: Vec<Trace> = traces.collect();
        let spans = traces.iter().flat_map(Trace::spans);
        spans.map(seen).collect()
    }

    /// Returns `true` if an attribute of a span contains this text.
    pub(super) fn has_text(&mut self, text: &str) -> bool {
        self.any(|span| contains(span, text))
    }

    /// Returns `true` if the `tracestate` of a span contains this member.
    pub(super) fn has_state(&mut self, member: &str) -> bool {
        self.any(|span| span.trace_state.contains(member))
    }

    fn any(&mut self, is: impl Fn(&Span) -> bool) -> bool {
        let mut traces = self.0.iter_mut().map(|follow| follow.snapshot().trace);
        traces.any(|trace| trace.spans().iter().any(&is))
    }
}

/// For each nonce, the spans of other traces whose attributes contain it, with their traces.
pub(super) async fn elsewhere(
    source: &dyn TraceSource,
    since: Instant,
    nonces: &[&str],
) -> Vec<Vec<(TraceId, SeenSpan)>> {
    let unrelated = source.diagnostics(since).await.unrelated;
    let spans: Vec<&Span> = unrelated.iter().flat_map(Trace::spans).collect();
    let of = |nonce: &&str| {
        let found = spans.iter().filter(|span| contains(span, nonce));
        found.map(|span| (span.trace_id, seen(span))).collect()
    };
    nonces.iter().map(of).collect()
}

fn seen(span: &Span) -> SeenSpan {
    SeenSpan {
        trace_id: span.trace_id,
        parent_id: span.parent_id,
        service: span.service().to_owned(),
        name: span.name.clone(),
        trace_state: span.trace_state.clone(),
    }
}

fn contains(span: &Span, text: &str) -> bool {
    let mut values = span.attributes.iter();
    values.any(|(_, value)| matches!(value, Value::String(value) if value.contains(text)))
}
