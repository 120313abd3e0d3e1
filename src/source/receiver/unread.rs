//! Refusals of requests that the router did not get, or did not get whole. Each may have been an export.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::remedy;
use super::tls::HandshakeError;
use crate::source::stats::{Carried, Refusal};
use crate::trace::Sender;

/// The refusal of a request whose client had sent nothing for a while, when another client needed its connection.
pub(super) fn displaced(peer: SocketAddr) -> Refusal {
    refusal(
        peer,
        "a request",
        "its connection ended for another client, because nothing came".to_owned(),
        remedy::INTERRUPTED,
    )
}

/// The refusal of a client that speaks TLS.
pub(super) fn tls_handshake(peer: SocketAddr) -> Refusal {
    refusal(
        peer,
        "a TLS handshake",
        "the client speaks TLS, and this receiver does not".to_owned(),
        "give it an http:// endpoint, or set OTEL_EXPORTER_OTLP_INSECURE=true",
    )
}

/// The refusal of a client whose TLS handshake failed.
pub(super) fn failed_handshake(peer: SocketAddr, failed: HandshakeError) -> Refusal {
    refusal(peer, "a TLS handshake", failed.reason, failed.remedy)
}

/// The refusal of a client whose TLS handshake was not complete in time.
pub(super) fn unfinished_handshake(peer: SocketAddr) -> Refusal {
    let reason = "it was not complete in time, or its connection ended for another client";
    refusal(
        peer,
        "a TLS handshake",
        reason.to_owned(),
        remedy::INTERRUPTED,
    )
}

/// The refusal of a request whose headers HTTP/2 does not allow.
pub(super) fn malformed(peer: SocketAddr) -> Refusal {
    refusal(
        peer,
        "a request",
        "HTTP/2 protocol error: a header is malformed, such as `:authority`".to_owned(),
        "an Envoy proxy sends the name of its cluster as `:authority`, which fails for names with `|` (Istio): set `authority: spanspec` in its `envoy_grpc`",
    )
}

/// The refusal of a request that hyper could not read, so that the router did not get it. `None` if
/// the connection ended for another reason.
pub(super) fn broken(
    error: &hyper::Error,
    requests: &AtomicUsize,
    peer: SocketAddr,
) -> Option<Refusal> {
    let is_cut_off = error.is_incomplete_message() && requests.load(Ordering::Relaxed) == 0;
    let cause = error.source();
    let is_of_http_2 = !error.is_user() && cause.is_some_and(|cause| !cause.is::<io::Error>());
    if !error.is_parse() && !is_cut_off && !is_of_http_2 {
        return None;
    }
    let remedy = match () {
        () if error.is_parse_too_large() => {
            "send at most 100 headers: check OTEL_EXPORTER_OTLP_HEADERS"
        }
        () if is_cut_off => remedy::INTERRUPTED,
        () => "send only OTLP, over HTTP or gRPC, to this port",
    };
    Some(refusal(peer, "a request", error.to_string(), remedy))
}

/// The refusal of an unknown request, which may have been an export.
fn refusal(peer: SocketAddr, endpoint: &str, reason: String, remedy: &str) -> Refusal {
    Refusal {
        at: Instant::now(),
        sender: Sender {
            peer: Some(peer),
            ..Sender::default()
        },
        endpoint: endpoint.to_owned(),
        reason,
        remedy: remedy.to_owned(),
        carried: Carried::Anything,
    }
}
