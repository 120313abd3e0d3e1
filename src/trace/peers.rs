//! Calls to services that export SERVER spans, where the SERVER span is missing.

use std::collections::HashSet;

use super::{Span, SpanId, SpanKind, StatusCode, Trace, Value};

/// Attributes of HTTP and RPC calls.
const CALL: [&str; 4] = [
    "http.request.method",
    "http.method",
    "rpc.system",
    "rpc.system.name",
];

/// Attributes of calls to databases and brokers, which have no SERVER span.
pub(super) const NO_SERVER: [&str; 3] = ["db.system", "db.system.name", "messaging.system"];

/// Attributes with the name of the called service.
const PEER_NAME: [&str; 4] = [
    "service.peer.name",
    "peer.service",
    "server.address",
    "net.peer.name",
];

const STATUS: [&str; 2] = ["http.response.status_code", "http.status_code"];

/// Status codes that a proxy sends in place of the service.
const OF_A_PROXY: [i64; 3] = [502, 503, 504];

/// The services with a SERVER span of an HTTP or RPC request. Another call to one of them must have
/// a SERVER span too.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    names: HashSet<String>,
    addresses: HashSet<(String, i64)>,
}

impl Peers {
    /// Adds the services of a trace.
    pub fn note(&mut self, trace: &Trace) {
        for span in trace.spans().iter().filter(|span| is_server(span)) {
            if !self.names.contains(span.service()) {
                self.names.insert(span.service().to_owned());
            }
            let address = address(span, "server.address", "server.port")
                .or_else(|| address(span, "net.host.name", "net.host.port"));
            self.addresses.extend(address);
        }
    }

    /// CLIENT spans with a response of a known service and no SERVER span below them.
    #[must_use]
    pub fn unanswered(&self, trace: &Trace) -> Vec<usize> {
        let served = served(trace);
        let halves: HashSet<SpanId> = servers(trace).map(|span| span.span_id).collect();
        let linked: HashSet<SpanId> = trace
            .linked()
            .iter()
            .flat_map(servers)
            .flat_map(|span| span.links.iter().map(|link| link.span_id))
            .collect();
        let is_unanswered = |&at: &usize| {
            let span = &trace.spans()[at];
            let is_served =
                served[at] || halves.contains(&span.span_id) || linked.contains(&span.span_id);
            !is_served && has_answer(span) && self.knows_peer_of(span)
        };
        (0..trace.len()).filter(is_unanswered).collect()
    }

    /// Returns `true` if the call names one of these services, or its address.
    pub(super) fn knows_peer_of(&self, client: &Span) -> bool {
        let by_name = PEER_NAME.iter().any(|key| {
            let name = client.attributes.get(key).and_then(Value::as_str);
            name.is_some_and(|name| self.names.contains(name))
        });
        let by_address = || {
            let address = address(client, "server.address", "server.port")
                .or_else(|| address(client, "net.peer.name", "net.peer.port"));
            address.is_some_and(|address| self.addresses.contains(&address))
        };
        by_name || by_address()
    }
}

/// The name of the called service in a call.
#[must_use]
pub fn peer_name(client: &Span) -> Option<&str> {
    let mut names = PEER_NAME
        .iter()
        .filter_map(|key| client.attributes.get(key));
    names.find_map(Value::as_str)
}

/// For each span, `true` if it or a descendant is a SERVER or CONSUMER span.
fn served(trace: &Trace) -> Vec<bool> {
    let is_entry = |span: &Span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer);
    let mut served: Vec<bool> = trace.spans().iter().map(is_entry).collect();
    for &at in trace.top_down().iter().rev() {
        if let Some(parent) = trace.parent(at).filter(|_| served[at]) {
            served[parent] = true;
        }
    }
    served
}

fn servers(trace: &Trace) -> impl Iterator<Item = &Span> {
    let spans = trace.spans().iter();
    spans.filter(|span| span.kind == SpanKind::Server)
}

fn is_server(span: &Span) -> bool {
    span.kind == SpanKind::Server && is_of(span, &CALL)
}

/// Returns `true` if the call has a response. A call without one may not have reached the service.
pub(super) fn has_answer(span: &Span) -> bool {
    if span.kind != SpanKind::Client || !is_of(span, &CALL) || is_of(span, &NO_SERVER) {
        return false;
    }
    if is_of(span, &CALL[..2]) {
        let mut statuses = STATUS.iter().filter_map(|key| span.attributes.get(key));
        return statuses
            .find_map(integer)
            .is_some_and(|status| !OF_A_PROXY.contains(&status));
    }
    span.status.code != StatusCode::Error
}

pub(super) fn is_of(span: &Span, keys: &[&str]) -> bool {
    keys.iter().any(|key| span.attributes.get(key).is_some())
}

fn address(span: &Span, name: &str, port: &str) -> Option<(String, i64)> {
    let name = span.attributes.get(name)?.as_str()?;
    let port = integer(span.attributes.get(port)?)?;
    Some((name.to_owned(), port))
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        other => other.as_str()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Origin, Resource, Status, TraceId};
    use super::*;

    fn span(n: u8, parent: Option<u8>, service: &str, kind: SpanKind) -> Span {
        let id = |n: u8| SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, n]).unwrap();
        let attributes = [("service.name", service)].into_iter().collect();
        Span {
            parent_id: parent.map(id),
            start: n.into(),
            kind,
            resource: Arc::new(Resource { attributes }),
            ..Span::new(trace_id(), id(n), "")
        }
    }

    fn trace_id() -> TraceId {
        TraceId::from_bytes([1; 16]).unwrap()
    }

    fn server(n: u8, parent: Option<u8>, service: &str) -> Span {
        let mut span = span(n, parent, service, SpanKind::Server);
        let facts = [
            ("http.request.method", Value::from("GET")),
            ("server.address", Value::from("127.0.0.1")),
            ("server.port", Value::Int(8082)),
        ];
        span.attributes = facts.into_iter().collect();
        span
    }

    fn client(n: u8, parent: u8, facts: Vec<(&'static str, Value)>) -> Span {
        let mut span = span(n, Some(parent), "order", SpanKind::Client);
        let method = ("http.request.method", Value::from("GET"));
        span.attributes = std::iter::once(method).chain(facts).collect();
        span
    }

    fn unanswered(spans: Vec<Span>) -> Vec<usize> {
        let mut peers = Peers::default();
        let known = vec![server(1, None, "stock")];
        peers.note(&Trace::assemble(trace_id(), Origin::Foreign, known));
        peers.unanswered(&Trace::assemble(trace_id(), Origin::Foreign, spans))
    }

    fn of_stock(status: i64) -> Vec<(&'static str, Value)> {
        vec![
            ("server.address", Value::from("stock")),
            ("http.response.status_code", Value::Int(status)),
        ]
    }

    #[test]
    fn an_answered_call_of_a_traced_service_needs_a_server_span_below_it() {
        let entry = || server(2, None, "order");
        assert_eq!(unanswered(vec![entry(), client(3, 2, of_stock(200))]), [1]);
        let by_address = vec![
            ("server.address", Value::from("127.0.0.1")),
            ("server.port", Value::Int(8082)),
            ("http.response.status_code", Value::Int(404)),
        ];
        assert_eq!(unanswered(vec![entry(), client(3, 2, by_address)]), [1]);
        let below = span(4, Some(3), "order", SpanKind::Internal);
        let whole = vec![
            entry(),
            client(3, 2, of_stock(200)),
            below,
            server(5, Some(4), "stock"),
        ];
        assert_eq!(unanswered(whole), [0; 0]);
    }

    #[test]
    fn calls_of_others_and_calls_without_an_answer_need_none() {
        let entry = || server(2, None, "order");
        let none = |facts| unanswered(vec![entry(), client(3, 2, facts)]).is_empty();
        let external = vec![
            ("server.address", Value::from("api.example.com")),
            ("http.response.status_code", Value::Int(200)),
        ];
        assert!(none(external));
        // Rejected, or answered by a proxy.
        assert!(none(vec![("server.address", Value::from("stock"))]));
        assert!(none(of_stock(503)));
        let database = [of_stock(200), vec![("db.system.name", Value::from("x"))]];
        assert!(none(database.concat()));
        let mut failed = span(3, Some(2), "order", SpanKind::Client);
        failed.attributes = [("rpc.system", "grpc"), ("server.address", "stock")]
            .into_iter()
            .collect();
        assert_eq!(unanswered(vec![entry(), failed.clone()]), [1]);
        failed.status = Status {
            code: StatusCode::Error,
            message: String::new(),
        };
        assert!(unanswered(vec![entry(), failed]).is_empty());
    }
}
