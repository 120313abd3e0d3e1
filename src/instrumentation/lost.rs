//! Traces that should be part of another one: a service lost or changed the trace context.

use crate::spec::SpanType;
use crate::trace::{Span, SpanKind, Trace, TraceId, Value};

/// Maximum number of descriptions of one kind.
const MOST: usize = 6;

/// Tolerated difference between the clocks of two services on one machine: 50 ms in nanoseconds.
const CLOCK_TOLERANCE: u64 = 50_000_000;

/// A call whose callee began a new trace.
struct LostContext {
    caller: String,
    call: String,
    callee: String,
    root: String,
    trace: TraceId,
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
    let cut = unrelated.iter().find(|other| is_half(trace, other.id()))?;
    let first = cut.spans().first()?;
    Some(format!(
        "{} cut the trace id to 64 bits: its span `{}` has the trace {}",
        first.service(),
        first.name,
        cut.id()
    ))
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

/// Root SERVER spans. A service that ignores `traceparent` begins a new trace with such a span.
pub(crate) fn server_roots(unrelated: &[Trace]) -> impl Iterator<Item = &Span> {
    roots(unrelated).filter(|root| root.kind == SpanKind::Server)
}

/// Spans without a parent.
pub(super) fn roots(unrelated: &[Trace]) -> impl Iterator<Item = &Span> {
    unrelated.iter().flat_map(|trace| {
        let roots = trace.roots().iter().map(|&root| &trace.spans()[root]);
        roots.filter(|root| root.parent_id.is_none())
    })
}

/// Root SERVER spans of other traces that a CLIENT span without children may have caused.
fn lost_by_calls(trace: &Trace, unrelated: &[Trace]) -> Vec<String> {
    server_roots(unrelated)
        .filter_map(|root| Some(LostContext::new(lost_call(trace, root)?, root).sentence()))
        .take(MOST)
        .collect()
}

/// The call without children that fits best to a root SERVER span of another trace.
pub(super) fn lost_call<'t>(trace: &'t Trace, root: &Span) -> Option<&'t Span> {
    (0..trace.len())
        .filter(|&span| trace.children(span).is_empty())
        .map(|span| &trace.spans()[span])
        .filter(|client| is_call_of_a_service(client) && may_have_called(client, root))
        .min_by_key(|client| distance(client, root))
}

/// Returns `true` for a call of a service that may be traced, so not of a database or broker.
pub(super) fn is_call_of_a_service(span: &Span) -> bool {
    let is_of = |kind: SpanType| {
        kind.identified_by()
            .iter()
            .any(|key| span.attributes.get(key).is_some())
    };
    span.kind == SpanKind::Client && !is_of(SpanType::Db) && !is_of(SpanType::Messaging)
}

fn may_have_called(client: &Span, server: &Span) -> bool {
    client.service() != server.service()
        && is_same_request(client, server)
        && is_same_address(client, server)
        && client.start.saturating_sub(CLOCK_TOLERANCE) <= server.start
        && ends_within(client, server)
}

/// A span without a known end may have ended in time.
fn ends_within(client: &Span, server: &Span) -> bool {
    match (client.known_end(), server.known_end()) {
        (Some(client), Some(server)) => server <= client.saturating_add(CLOCK_TOLERANCE),
        _ => true,
    }
}

/// Returns `true` unless method or path differ.
fn is_same_request(client: &Span, server: &Span) -> bool {
    let text = |span: &Span, keys: &[&str]| {
        let mut values = keys.iter().filter_map(|key| span.attributes.get(key));
        values.find_map(Value::as_str).map(str::to_owned)
    };
    let method = |span: &Span| text(span, &["http.request.method", "http.method"]);
    let called = text(client, &["url.full", "http.url"])
        .and_then(|url| url::Url::parse(&url).ok())
        .map(|url| url.path().to_owned());
    let handled = text(server, &["url.path", "http.target"])
        .map(|target| target.split('?').next().unwrap_or_default().to_owned());
    let agree = |a: Option<String>, b: Option<String>| a.is_none() || b.is_none() || a == b;
    agree(method(client), method(server)) && agree(called, handled)
}

/// Returns `true` unless the addresses differ that both ends give for the server.
fn is_same_address(client: &Span, server: &Span) -> bool {
    let port = |span: &Span, keys: &[&str]| {
        let mut values = keys.iter().filter_map(|key| span.attributes.get(key));
        values.find_map(|value| match value {
            Value::Int(port) => Some(*port),
            other => other.as_str()?.parse().ok(),
        })
    };
    let called = port(client, &["server.port", "net.peer.port"]);
    let served = port(server, &["server.port", "net.host.port"]);
    called.is_none() || served.is_none() || called == served
}

/// Distance in time between a call and its handling: the sum of both ends.
fn distance(client: &Span, server: &Span) -> u64 {
    client
        .start
        .abs_diff(server.start)
        .saturating_add(client.end.abs_diff(server.end))
}

impl LostContext {
    fn new(client: &Span, root: &Span) -> Self {
        Self {
            caller: client.service().to_owned(),
            call: client.name.clone(),
            callee: root.service().to_owned(),
            root: root.name.clone(),
            trace: root.trace_id,
        }
    }

    fn sentence(&self) -> String {
        let Self {
            caller,
            call,
            callee,
            root,
            trace,
        } = self;
        format!(
            "the trace context was lost between {caller} and {callee}: `{call}` of {caller} has no child, and `{root}` of {callee} began a new trace ({trace}) at that time; is the HTTP client of {caller} instrumented, and does {callee} take over `traceparent`?"
        )
    }
}
