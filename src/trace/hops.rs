//! Calls of a trace, and where each of them continues.

use std::collections::{HashMap, HashSet};

use super::peers::{Peers, peer_name};
use super::restart::{Fit, distance, fit, is_call_of_a_service, roots};
use super::{Span, SpanId, SpanKind, Trace, Value};

/// A call of a trace, or a message that was sent, and its other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<'t> {
    /// The CLIENT or PRODUCER span.
    pub(crate) caller: &'t Span,
    /// The other end.
    pub(crate) end: HopEnd<'t>,
}

/// The other end of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HopEnd<'t> {
    /// A span elsewhere continues the trace, or a consumer has a link.
    Continued,
    /// A span of the callee is in the trace, below a parent that never arrived: something in between exports no
    /// spans.
    ContinuedUnseen,
    /// The callee began another trace with this span.
    Restarted(&'t Span, Fit),
    /// The call got a response of a service that records SERVER spans, and has none.
    Missing,
    /// This span began another trace at that time, and nothing shows if it is of this call.
    Unclear(&'t Span),
    /// The callee records SERVER spans, and the call got no response.
    NoAnswer,
    /// Nothing shows that the callee records spans.
    UnknownCallee,
    /// No span shows that the message was received.
    NotReceived,
}

/// The hops of a trace, in the order of its spans. `others` are traces of the same time.
pub(crate) fn hops<'t>(trace: &'t Trace, others: &'t [Trace], peers: &Peers) -> Vec<Hop<'t>> {
    let calls: Vec<usize> = (0..trace.len())
        .filter(|&at| is_hop(&trace.spans()[at]))
        .collect();
    let received = received(trace, others);
    let halves = halves(trace);
    let is_continued = |at: usize| {
        let id = &trace.spans()[at].span_id;
        continues(trace, at) || halves.contains(id) || received.contains(id)
    };
    let open: Vec<&Span> = calls
        .iter()
        .filter(|&&at| !is_continued(at))
        .map(|&at| &trace.spans()[at])
        .collect();
    let orphans = trace.orphans().map(|at| &trace.spans()[at]);
    let orphans = orphans.filter(|span| is_entry(span));
    let unseen = best_ends(&open, orphans);
    let is_unmet = |call: &&&Span| !unseen.contains_key(&call.span_id);
    let unmet: Vec<&Span> = open.iter().filter(is_unmet).copied().collect();
    let restarts = roots(others).chain(roots(trace.linked()));
    let restarts = best_ends(
        &unmet,
        restarts.filter(|root| root.kind == SpanKind::Server),
    );
    let end = |at: usize| {
        let call = &trace.spans()[at];
        if is_continued(at) {
            return HopEnd::Continued;
        }
        if unseen.contains_key(&call.span_id) {
            return HopEnd::ContinuedUnseen;
        }
        match call.kind {
            SpanKind::Producer => consumer_of(call, others).map_or(HopEnd::NotReceived, |root| {
                HopEnd::Restarted(root, Fit::Request)
            }),
            _ => end_of_call(call, restarts.get(&call.span_id).copied(), peers),
        }
    };
    let hop = |at: usize| Hop {
        caller: &trace.spans()[at],
        end: end(at),
    };
    calls.into_iter().map(hop).collect()
}

/// The end of a call that nothing in its trace continues.
fn end_of_call<'t>(call: &Span, restart: Option<(&'t Span, Fit)>, peers: &Peers) -> HopEnd<'t> {
    let is_known = peers.knows_peer_of(call);
    let has_answer = super::peers::has_answer(call);
    match restart {
        Some((root, fit @ (Fit::Request | Fit::Link))) => HopEnd::Restarted(root, fit),
        Some((root, Fit::Name)) if has_answer => HopEnd::Restarted(root, Fit::Name),
        _ if is_known && has_answer => HopEnd::Missing,
        Some((root, _)) => HopEnd::Unclear(root),
        None if is_known => HopEnd::NoAnswer,
        None => HopEnd::UnknownCallee,
    }
}

fn is_hop(span: &Span) -> bool {
    span.kind == SpanKind::Producer || is_call_of_a_service(span)
}

fn is_entry(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Server | SpanKind::Consumer)
}

/// Returns `true` if a span below a call continues the trace elsewhere. Spans of the same service in between can be
/// of a library below another one, but not a call of another address.
fn continues(trace: &Trace, call: usize) -> bool {
    let caller = &trace.spans()[call];
    let mut open: Vec<usize> = trace.children(call).to_vec();
    while let Some(at) = open.pop() {
        let span = &trace.spans()[at];
        if is_entry(span) || span.service() != caller.service() {
            return true;
        }
        if !is_hop(span) || is_same_peer(caller, span) {
            open.extend(trace.children(at));
        }
    }
    false
}

fn is_same_peer(one: &Span, other: &Span) -> bool {
    let port = |span: &Span| span.attributes.get("server.port").map(Value::to_text);
    let agree = |a: Option<String>, b: Option<String>| a.is_none() || b.is_none() || a == b;
    let name = |span: &Span| peer_name(span).map(str::to_owned);
    agree(name(one), name(other)) && agree(port(one), port(other))
}

/// The ids of SERVER spans, which they may share with the call.
fn halves(trace: &Trace) -> HashSet<SpanId> {
    let servers = trace.spans().iter().filter(|span| is_entry(span));
    servers.map(|span| span.span_id).collect()
}

/// Calls and messages to which a consumer has a link. A SERVER span with a link began a new trace.
fn received(trace: &Trace, others: &[Trace]) -> HashSet<SpanId> {
    let all = std::iter::once(trace).chain(trace.linked()).chain(others);
    let spans = all.flat_map(Trace::spans);
    let spans = spans.filter(|span| span.kind == SpanKind::Consumer);
    let links = spans.flat_map(|span| &span.links);
    let own = links.filter(|link| link.trace_id == trace.id());
    own.map(|link| link.span_id).collect()
}

/// For calls, the span that fits best. Each span is the end of one call only.
fn best_ends<'t>(
    calls: &[&'t Span],
    ends: impl Iterator<Item = &'t Span>,
) -> HashMap<SpanId, (&'t Span, Fit)> {
    let mut pairs: Vec<(Fit, u64, &Span, &Span)> = Vec::new();
    for end in ends {
        let fitting = calls
            .iter()
            .filter_map(|call| Some((fit(call, end)?, distance(call, end), *call, end)));
        pairs.extend(fitting);
    }
    pairs.sort_by_key(|(fit, distance, ..)| (std::cmp::Reverse(*fit), *distance));
    let mut best = HashMap::new();
    let mut used = HashSet::new();
    for (fit, _, call, end) in pairs {
        if !best.contains_key(&call.span_id) && used.insert((end.trace_id, end.span_id)) {
            best.insert(call.span_id, (end, fit));
        }
    }
    best
}

/// A span that processes messages of the same destination in a new trace, without a link.
fn consumer_of<'t>(producer: &Span, others: &'t [Trace]) -> Option<&'t Span> {
    let text = |span: &Span, keys: &[&str]| {
        let mut values = keys.iter().filter_map(|key| span.attributes.get(key));
        values.find_map(Value::as_str).map(str::to_owned)
    };
    let destination = |span: &Span| {
        text(
            span,
            &["messaging.destination.name", "messaging.destination"],
        )
    };
    let sent = destination(producer)?;
    let processes = |span: &Span| {
        let operation = text(span, &["messaging.operation.type", "messaging.operation"]);
        operation.as_deref() == Some("process")
    };
    roots(others).find(|root| {
        root.kind == SpanKind::Consumer
            && root.links.is_empty()
            && root.dropped_links == 0
            && root.start >= producer.start
            && processes(root)
            && destination(root).as_ref() == Some(&sent)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Origin, Resource, TraceId};
    use super::*;

    fn id(n: u8) -> SpanId {
        SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, n]).unwrap()
    }

    fn trace_id() -> TraceId {
        TraceId::from_bytes([1; 16]).unwrap()
    }

    fn span(n: u8, parent: Option<u8>, service: &str, kind: SpanKind) -> Span {
        let attributes = [("service.name", service)].into_iter().collect();
        Span {
            parent_id: parent.map(id),
            start: u64::from(n),
            end: 100,
            kind,
            resource: Arc::new(Resource { attributes }),
            ..Span::new(trace_id(), id(n), "")
        }
    }

    /// A call of a service with this response.
    fn call(n: u8, parent: u8, callee: &str, status: Option<i64>) -> Span {
        let mut call = span(n, Some(parent), "order", SpanKind::Client);
        let facts = [
            ("http.request.method", Value::from("GET")),
            ("server.address", Value::from(callee)),
        ];
        let status = status.map(|status| ("http.response.status_code", Value::Int(status)));
        call.attributes = facts.into_iter().chain(status).collect();
        call
    }

    fn server(n: u8, parent: u8, service: &str) -> Span {
        let mut server = span(n, Some(parent), service, SpanKind::Server);
        let method = ("http.request.method", Value::from("GET"));
        server.attributes = [method].into_iter().collect();
        server
    }

    fn ends(spans: Vec<Span>) -> Vec<String> {
        let trace = Trace::assemble(trace_id(), Origin::Injected(id(200)), spans);
        let mut peers = Peers::default();
        peers.note(&trace);
        hops(&trace, &[], &peers)
            .iter()
            .map(|hop| format!("{:?}", hop.end))
            .collect()
    }

    #[test]
    fn a_call_below_another_one_of_another_address_does_not_continue_that() {
        let token = call(3, 2, "auth", Some(200));
        let spans = vec![
            server(1, 200, "order"),
            call(2, 1, "stock", Some(200)),
            token,
            server(4, 3, "auth"),
            call(5, 1, "stock", Some(200)),
            server(6, 5, "stock"),
        ];
        assert_eq!(ends(spans), ["Missing", "Continued", "Continued"]);
    }

    #[test]
    fn a_call_below_another_one_of_the_same_address_is_that_of_a_library() {
        let spans = vec![
            server(1, 200, "order"),
            call(2, 1, "stock", Some(200)),
            call(3, 2, "stock", Some(200)),
            server(4, 3, "stock"),
        ];
        assert_eq!(ends(spans), ["Continued", "Continued"]);
    }

    #[test]
    fn a_proxy_that_exports_no_spans_continues_a_call() {
        let spans = vec![
            server(1, 200, "order"),
            call(2, 1, "stock", Some(200)),
            server(4, 99, "stock"),
        ];
        assert_eq!(ends(spans), ["ContinuedUnseen"]);
    }

    #[test]
    fn a_call_without_a_response_may_not_have_arrived() {
        let spans = |status| {
            vec![
                server(1, 200, "order"),
                call(2, 1, "stock", Some(200)),
                server(4, 2, "stock"),
                call(5, 1, "stock", status),
                call(6, 1, "elsewhere", status),
            ]
        };
        assert_eq!(ends(spans(None))[1..], ["NoAnswer", "UnknownCallee"]);
        assert_eq!(ends(spans(Some(503)))[1..], ["NoAnswer", "UnknownCallee"]);
        assert_eq!(ends(spans(Some(500)))[1..], ["Missing", "UnknownCallee"]);
    }
}
