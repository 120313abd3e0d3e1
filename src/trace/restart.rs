//! Matches calls with SERVER spans that began other traces, in place of continuing the trace of the call.
//!
//! A match is evidence, never proof: another client may have sent the request. [`Fit`] states how strong it is.

use super::peers::{NO_SERVER, is_of, peer_name};
use super::{Span, SpanKind, Trace, Value};

/// Tolerated difference between the clocks of two services on one machine: 50 ms in nanoseconds.
const CLOCK_TOLERANCE: u64 = 50_000_000;

/// The evidence that a SERVER span belongs to a call of another trace, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// The time only. Nothing contradicts it.
    Time,
    /// Also the service that the call names.
    Name,
    /// Also method and path, or the method of an RPC.
    Request,
    /// The SERVER span has a link to the call.
    Link,
}

impl Fit {
    /// The evidence in words, for `it`, the SERVER span.
    pub(crate) fn evidence(self) -> &'static str {
        match self {
            Self::Time => "only its time, which is within that of the call",
            Self::Name => "the call names this service, and its time is within that of the call",
            Self::Request => {
                "the same request (method and path), and its time is within that of the call"
            }
            Self::Link => "it has a link to the call",
        }
    }
}

/// Root SERVER spans. A service that ignores the context of its caller begins a new trace with such a span.
pub(crate) fn server_roots(traces: &[Trace]) -> impl Iterator<Item = &Span> {
    roots(traces).filter(|root| root.kind == SpanKind::Server)
}

/// Spans without a parent.
pub(crate) fn roots(traces: &[Trace]) -> impl Iterator<Item = &Span> {
    traces.iter().flat_map(|trace| {
        let roots = trace.roots().iter().map(|&root| &trace.spans()[root]);
        roots.filter(|root| root.parent_id.is_none())
    })
}

/// The evidence that a SERVER span belongs to this call; `None` if it cannot.
pub(crate) fn fit(client: &Span, server: &Span) -> Option<Fit> {
    if !is_call_of_a_service(client) || client.service() == server.service() {
        return None;
    }
    let links = || server.links.iter();
    if links().any(|link| (link.trace_id, link.span_id) == (client.trace_id, client.span_id)) {
        return Some(Fit::Link);
    }
    if !is_same_address(client, server) || !is_within(client, server) {
        return None;
    }
    let requests = [is_same_method(client, server), is_same_path(client, server)];
    let rpc = is_same_rpc(client, server);
    if requests.contains(&Some(false)) || rpc == Some(false) {
        return None;
    }
    let is_same = requests == [Some(true); 2] || rpc == Some(true);
    Some(match is_same {
        true => Fit::Request,
        false if peer_name(client) == Some(server.service()) => Fit::Name,
        false => Fit::Time,
    })
}

/// Distance in time between a call and its handling: the sum of both ends, in nanoseconds.
pub(crate) fn distance(client: &Span, server: &Span) -> u64 {
    let starts = client.start.abs_diff(server.start);
    starts.saturating_add(client.end.abs_diff(server.end))
}

/// Returns `true` for a call of a service that may be traced, so not of a database or broker.
pub(crate) fn is_call_of_a_service(span: &Span) -> bool {
    span.kind == SpanKind::Client && !is_of(span, &NO_SERVER)
}

/// A span without a known end may have ended in time.
fn is_within(client: &Span, server: &Span) -> bool {
    client.start.saturating_sub(CLOCK_TOLERANCE) <= server.start
        && match (client.known_end(), server.known_end()) {
            (Some(client), Some(server)) => server <= client.saturating_add(CLOCK_TOLERANCE),
            _ => true,
        }
}

/// `None` if one of them does not tell its method.
fn is_same_method(client: &Span, server: &Span) -> Option<bool> {
    const METHOD: [&str; 2] = ["http.request.method", "http.method"];
    Some(text(client, &METHOD)? == text(server, &METHOD)?)
}

/// `None` if one of them does not tell its path.
fn is_same_path(client: &Span, server: &Span) -> Option<bool> {
    let called = match text(client, &["url.full", "http.url"]) {
        Some(url) => url::Url::parse(url).ok()?.path().to_owned(),
        None => path_of(text(client, &["url.path", "http.target"])?).to_owned(),
    };
    if let Some(target) = text(server, &["url.path", "http.target"]) {
        return Some(called == path_of(target));
    }
    let route = text(server, &["http.route"])?;
    Some(ends_with_route(&called, route))
}

fn is_same_rpc(client: &Span, server: &Span) -> Option<bool> {
    let method = |span| Some((text(span, &["rpc.service"]), text(span, &["rpc.method"])?));
    Some(method(client)? == method(server)?)
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Returns `true` if a path ends with a route such as `/orders/{id}`. A router that is mounted below a prefix
/// does not know the prefix.
pub(crate) fn ends_with_route(path: &str, route: &str) -> bool {
    fn segments(text: &str) -> Vec<&str> {
        text.split('/').filter(|part| !part.is_empty()).collect()
    }
    let (path, route) = (segments(path), segments(route));
    let is_variable = |part: &str| part.contains(['{', '<', '*', '(']) || part.starts_with(':');
    if route.iter().any(|part| part.contains("**")) {
        return true;
    }
    let Some(skipped) = path.len().checked_sub(route.len()) else {
        return false;
    };
    if route.is_empty() {
        return path.is_empty();
    }
    let pairs = path[skipped..].iter().zip(&route);
    pairs
        .into_iter()
        .all(|(part, of_route)| part == of_route || is_variable(of_route))
}

/// Returns `true` unless the ports differ that both ends give for the server.
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

fn text<'s>(span: &'s Span, keys: &[&str]) -> Option<&'s str> {
    let mut values = keys.iter().filter_map(|key| span.attributes.get(key));
    values.find_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_a_route_with_variables_and_one_below_a_prefix() {
        assert!(ends_with_route("/orders/7", "/orders/{id}"));
        assert!(ends_with_route("/api/orders/7", "/orders/:id"));
        assert!(ends_with_route("/orders/7", "/orders/<int:id>"));
        assert!(ends_with_route("/", "/"));
        assert!(!ends_with_route("/orders/7", "/"));
        assert!(!ends_with_route("/orders", "/orders/{id}"));
        assert!(!ends_with_route("/carts/7", "/orders/{id}"));
    }
}
