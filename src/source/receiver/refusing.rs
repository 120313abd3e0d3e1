//! Refuses requests before their path matters: without the token, for another host, or without TLS.

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::export::Refused;
use super::listener::Arrival;
use super::{grpc, http, paths};
use crate::source::store::Store;

/// Records the refusal, and answers in the protocol of the client: gRPC, OTLP/HTTP, or, for the HTTP API and
/// browsers, RFC 9457. `kind` is the last part of the URN that identifies the problem.
pub(super) fn answer(
    store: &Store,
    arrival: Arrival,
    request: &Request<Body>,
    refused: &Refused,
    kind: &str,
) -> Response {
    let (headers, method) = (request.headers(), request.method());
    let path = request.uri().path();
    let carried = paths::carried(path, headers, method, arrival);
    let endpoint = format!("{method} {path}");
    store.refuse(refused.record(arrival.sender(headers), endpoint, carried));
    if grpc::is_grpc(headers) {
        return grpc::refuse(refused.code, refused.reason.as_str());
    }
    let encoding = http::encoding(headers).filter(|_| !paths::is_of_api(path));
    let mut response = match encoding {
        Some(encoding) => http::refuse(encoding, refused),
        None => problem(refused, kind),
    };
    if refused.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn problem(refused: &Refused, kind: &str) -> Response {
    let body = json!({
        "type": format!("urn:spanspec:problem:{kind}"),
        "title": refused.reason,
        "status": refused.status.as_u16(),
        "detail": refused.remedy,
    });
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (refused.status, content_type, format!("{body}\n")).into_response()
}
