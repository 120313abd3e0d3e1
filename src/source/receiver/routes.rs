//! The paths of a port.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Method, Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tonic::Code;

use super::certificates::ServerTls;
use super::cors::Origins;
use super::export::{HandlerState, Refused};
use super::hosts::{self, HostGuard, Hosts};
use super::listener::{Arrival, Timeouts};
use super::paths::{self, Misdirected};
use super::token::{self, Guard, Token};
use super::{grpc, http, refusing, remedy};
use crate::source::otlp::{self, Signal};
use crate::source::store::Store;

/// Who may send requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    pub(super) origins: Origins,
    pub(super) hosts: Hosts,
    /// If there is TLS, the certificates.
    pub(super) tls: Option<ServerTls>,
    /// The token that each request must have, if any.
    pub(super) token: Option<Token>,
}

/// Everything that a port serves, `more` included.
pub(super) fn router(
    store: &Store,
    access: Access,
    timeouts: Timeouts,
    name: Option<Arc<str>>,
    more: Option<Router>,
) -> Router {
    let mut router = Router::new();
    for signal in Signal::ALL {
        let posted = move |shared, arrival, request| http::export(signal, shared, arrival, request);
        let called = move |shared, arrival, request| grpc::export(signal, shared, arrival, request);
        router = router
            .route(signal.http_path(), any(posted))
            .route(signal.grpc_path(), any(called));
    }
    let router = router
        .route("/", get(greet).fallback(unknown_path))
        .route("/health", get(greet).fallback(unknown_path))
        .fallback(unknown_path)
        .with_state(HandlerState {
            store: store.clone(),
            name,
            room: Arc::default(),
            workers: Arc::default(),
            timeouts,
        })
        .merge(more.unwrap_or_default());
    let store = store.clone();
    let router = match access.token {
        None => {
            let hosts = access.hosts;
            router.layer(from_fn_with_state(HostGuard { hosts, store }, hosts::check))
        }
        // No web page has it.
        Some(token) => router.layer(from_fn_with_state(Guard { token, store }, token::check)),
    };
    router.layer(access.origins.layer())
}

/// Refuses every request, since the client does not speak TLS.
pub(super) fn without_tls(store: Store) -> Router {
    Router::new().fallback(require_tls).with_state(store)
}

async fn require_tls(
    State(store): State<Store>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let refused = Refused::new(
        StatusCode::BAD_REQUEST,
        Code::FailedPrecondition,
        "this receiver requires TLS, and the request came without",
        remedy::TLS,
    );
    refusing::answer(&store, arrival, &request, &refused, "no-tls")
}

/// A text for people who open the port in a browser.
async fn greet(State(shared): State<HandlerState>) -> String {
    let stats = shared.store.stats();
    format!(
        "spanspec's OTLP receiver is up: gRPC, and HTTP at /v1/traces, /v1/logs and /v1/metrics.\n\
         So far {} requests with {} spans, {} log records and {} metric points; {} refused.\n",
        stats.requests, stats.spans, stats.log_records, stats.metric_points, stats.refused
    )
}

/// Answers an exporter with a wrong path in its own protocol.
async fn unknown_path(
    State(shared): State<HandlerState>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let path = request.uri().path();
    let misdirected = Misdirected::to(path);
    let is_grpc = grpc::is_grpc(request.headers());
    let mut reason = format!("no such endpoint: {path}: {}", misdirected.reason);
    if is_grpc || [Method::POST, Method::PUT].contains(request.method()) {
        let sender = arrival.sender(request.headers());
        let endpoint = format!("{} {path}", request.method());
        let carried = paths::carried(path, request.headers(), request.method(), arrival);
        let refusal = misdirected.refusal(sender, endpoint, carried);
        shared.store.refuse(refusal);
    }
    if is_grpc {
        return grpc::refuse(Code::Unimplemented, reason);
    }
    reason.push_str("; OTLP/HTTP is served at /v1/traces, /v1/logs and /v1/metrics");
    let status = StatusCode::NOT_FOUND;
    match http::encoding(request.headers()) {
        Some(encoding) => {
            let body = otlp::status(encoding, Code::NotFound as i32, &reason);
            http::answer(status, encoding, body)
        }
        None => (status, format!("{reason}\n")).into_response(),
    }
}
