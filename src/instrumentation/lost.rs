//! Traces that should be part of another one: a service lost or changed the trace context.

use crate::trace::{Fit, Span, SpanKind, Trace, TraceId, distance, fit, roots, server_roots};

/// Maximum number of descriptions of one kind.
const MOST: usize = 6;

/// A call whose callee began a new trace.
struct LostContext {
    caller: String,
    call: String,
    callee: String,
    root: String,
    trace: TraceId,
    fit: Fit,
}

/// The remedy for trace ids that are cut to 64 bits.
pub(crate) const WHOLE_IDS: &str = "let it use 128-bit trace ids and the header `traceparent`: OTEL_PROPAGATORS=tracecontext,baggage, and for a proxy or tracer in between its setting for 128-bit ids";

/// Descriptions of the places where the context of this trace was lost, as far as other traces that
/// arrived show them.
pub(crate) fn contexts(trace: &Trace, unrelated: &[Trace]) -> Vec<String> {
    let cut = cut_id(trace.id(), unrelated).map(|cut| format!("{cut}; {WHOLE_IDS}"));
    let mut all: Vec<String> = cut.into_iter().collect();
    all.extend(lost_by_calls(trace, unrelated));
    all.extend(lost_in_a_service(trace, unrelated));
    all
}

/// Describes spans whose trace id has only half of the bits of this one.
pub(crate) fn cut_id(trace: TraceId, unrelated: &[Trace]) -> Option<String> {
    let decimal = unrelated.iter().find(|other| is_decimal(trace, other.id()));
    if let Some(span) = decimal.and_then(|other| other.spans().first()) {
        return Some(format!(
            "{} read the trace id as decimal digits: its span `{}` has the trace {}",
            span.service(),
            span.name,
            span.trace_id
        ));
    }
    let cut = unrelated.iter().find(|other| is_half(trace, other.id()))?;
    let first = cut.spans().first()?;
    Some(format!(
        "{} cut the trace id to 64 bits: its span `{}` has the trace {}",
        first.service(),
        first.name,
        cut.id()
    ))
}

/// Returns `true` if the digits are those of the lower 64 bits in decimal, as Datadog sends them.
fn is_decimal(whole: TraceId, other: TraceId) -> bool {
    let (_, low) = whole.as_bytes().split_at(8);
    let low = low
        .iter()
        .fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    format!("{low:0>32}") == other.to_string()
}

fn is_half(whole: TraceId, other: TraceId) -> bool {
    const ZEROS: [u8; 8] = [0; 8];
    let (high, low) = whole.as_bytes().split_at(8);
    let (other_high, other_low) = other.as_bytes().split_at(8);
    other != whole
        && (other_low == low
            || (other_high == ZEROS && other_low == high)
            || (other_low == ZEROS && other_high == high))
}

/// Calls that a service of this trace made at the time of its own spans, as roots of new traces.
fn lost_in_a_service(trace: &Trace, unrelated: &[Trace]) -> Vec<String> {
    let calls = roots(unrelated).filter_map(|call| {
        let cause = in_a_service(trace, call)?;
        Some(format!(
            "the trace context was lost inside {service}: `{call}` began a new trace ({id}) while `{cause}` of {service} ran; pass the context of the request to the call, not a new one such as `context.Background()`, and to threads and callbacks",
            service = call.service(),
            call = call.name,
            id = call.trace_id,
            cause = cause.name,
        ))
    });
    calls.take(MOST).collect()
}

/// The span of the same service during which a call began another trace.
pub(super) fn in_a_service<'t>(trace: &'t Trace, root: &Span) -> Option<&'t Span> {
    if !matches!(root.kind, SpanKind::Client | SpanKind::Producer) {
        return None;
    }
    let mut spans = trace.spans().iter();
    spans.find(|span| may_contain(span, root))
}

/// Returns `true` if a call can be part of the work of this span.
fn may_contain(span: &Span, call: &Span) -> bool {
    span.kind != SpanKind::Client
        && span.service() == call.service()
        && span.start <= call.start
        && span.known_end().is_none_or(|end| call.start <= end)
}

/// Root SERVER spans of other traces that a CLIENT span without children may have caused.
fn lost_by_calls(trace: &Trace, unrelated: &[Trace]) -> Vec<String> {
    server_roots(unrelated)
        .filter_map(|root| {
            let (call, fit) = lost_call(trace, root)?;
            Some(LostContext::new(call, root, fit).sentence())
        })
        .take(MOST)
        .collect()
}

/// The call without children that fits best to a root SERVER span of another trace.
fn lost_call<'t>(trace: &'t Trace, root: &Span) -> Option<(&'t Span, Fit)> {
    (0..trace.len())
        .filter(|&span| trace.children(span).is_empty())
        .map(|span| &trace.spans()[span])
        .filter_map(|client| Some((client, fit(client, root)?)))
        .min_by_key(|(client, _)| distance(client, root))
}

impl LostContext {
    fn new(client: &Span, root: &Span, fit: Fit) -> Self {
        Self {
            caller: client.service().to_owned(),
            call: client.name.clone(),
            callee: root.service().to_owned(),
            root: root.name.clone(),
            trace: root.trace_id,
            fit,
        }
    }

    fn sentence(&self) -> String {
        let Self {
            caller,
            call,
            callee,
            root,
            trace,
            fit,
        } = self;
        format!(
            "the trace context was lost between {caller} and {callee}: `{call}` of {caller} has no child, and `{root}` of {callee} began a new trace ({trace}) at that time (evidence: {}); is the HTTP client of {caller} instrumented, and does {callee} take over `traceparent`?",
            fit.evidence()
        )
    }
}
