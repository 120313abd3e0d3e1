//! OTLP/HTTP, and what the other paths answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tonic::Code;
use tower_http::decompression::RequestDecompressionLayer;

use super::body::{self, BodyError, Rest, Turns};
use super::census::Ingested;
use super::cors::Origins;
use super::grpc;
use super::listener::{Arrival, Timeouts};
use super::store::Store;
use crate::source::otlp::{self, Encoding, Malformed, Signal};

/// What every handler has.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) turns: Arc<Turns>,
    pub(super) timeouts: Timeouts,
}

/// Everything that a port serves, `more` included.
pub(super) fn router(
    store: &Store,
    origins: Origins,
    timeouts: Timeouts,
    more: Option<Router>,
) -> Router {
    let mut http = Router::new();
    let mut grpc = Router::new();
    for signal in Signal::ALL {
        let posted = move |shared, arrival, request| export(signal, shared, arrival, request);
        http = http.route(signal.http_path(), any(posted));
        let called = move |shared, arrival, request| grpc::export(signal, shared, arrival, request);
        grpc = grpc.route(signal.grpc_path(), any(called));
    }
    // What cannot be decompressed is refused by the handler, which knows in which form.
    http.layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .merge(grpc)
        .route("/", get(greet).fallback(unknown_path))
        .route("/health", get(greet).fallback(unknown_path))
        .fallback(unknown_path)
        .with_state(Shared {
            store: store.clone(),
            turns: Arc::default(),
            timeouts,
        })
        .merge(more.unwrap_or_default())
        .layer(origins.layer())
}

/// What is to be said of a request that is refused.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: Code,
    reason: String,
}

impl Refused {
    fn new(status: StatusCode, code: Code, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            status,
            code,
            reason,
        }
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        let (status, code) = match error {
            BodyError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
            BodyError::TooSlow(_) => (StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
            BodyError::Broken(_) => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<Malformed> for Refused {
    fn from(error: Malformed) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            Code::InvalidArgument,
            error.to_string(),
        )
    }
}

async fn export(
    signal: Signal,
    State(shared): State<Shared>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let endpoint = format!("{} {}", request.method(), request.uri().path());
    let encoding = encoding(request.headers());
    let answered = match encoding {
        _ if request.method() != Method::POST => Err(wrong_method()),
        Some(encoding) => accept(signal, encoding, &shared, arrival, request).await,
        None => Err(wrong_content_type(request.headers())),
    };
    let encoding = encoding.unwrap_or(Encoding::Json);
    match answered {
        Ok(body) => answer(StatusCode::OK, encoding, body),
        Err(refused) => {
            shared
                .store
                .refuse(Some(arrival.peer), &endpoint, &refused.reason);
            refuse(encoding, &refused)
        }
    }
}

async fn accept(
    signal: Signal,
    encoding: Encoding,
    shared: &Shared,
    arrival: Arrival,
    request: Request<Body>,
) -> Result<Vec<u8>, Refused> {
    if let Some(unknown) = unknown_content_encoding(request.headers()) {
        return Err(unknown);
    }
    let busy = || {
        let reason = "too many requests at the same time";
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, reason)
    };
    let longest = shared.timeouts.request;
    let _turn = shared.turns.next(longest).await.ok_or_else(busy)?;
    let rest = if arrival.compressed {
        Rest::Leave
    } else {
        Rest::Drain
    };
    let body = body::read(request.into_body(), rest, longest).await?;
    Ok(take_in(signal, encoding, &shared.store, &body)?)
}

/// Takes in the request of either protocol and returns the body of the answer.
pub(super) fn take_in(
    signal: Signal,
    encoding: Encoding,
    store: &Store,
    request: &[u8],
) -> Result<Vec<u8>, Malformed> {
    match signal {
        Signal::Traces => take_in_traces(encoding, store, request),
        Signal::Logs => {
            store.count(signal.count(encoding, request)?, 0);
            Ok(otlp::success(encoding))
        }
        Signal::Metrics => {
            store.count(0, signal.count(encoding, request)?);
            Ok(otlp::success(encoding))
        }
    }
}

fn take_in_traces(encoding: Encoding, store: &Store, request: &[u8]) -> Result<Vec<u8>, Malformed> {
    let ingested = match encoding {
        Encoding::Protobuf => store.ingest(request)?,
        Encoding::Json => store.ingest(&otlp::traces_from_json(request)?)?,
    };
    Ok(match losses(&ingested) {
        None => otlp::success(encoding),
        Some(message) => otlp::partial(encoding, ingested.rejected, &message),
    })
}

/// What is missing of a request that was accepted, for its sender. Without rejected spans, OTLP
/// calls such a message a warning.
fn losses(ingested: &Ingested) -> Option<String> {
    let Ingested {
        spans, rejected, ..
    } = ingested;
    let rejections = (*rejected > 0).then(|| {
        let names = first(&ingested.rejections, *rejected);
        format!("rejected {rejected} of {} spans: {names}", rejected + spans)
    });
    let dropped = ingested.dropped_attributes;
    let drops = (dropped > 0).then(|| {
        let s = if dropped == 1 { "" } else { "s" };
        format!(
            "dropped {dropped} attribute{s}: {}",
            first(&ingested.drops, dropped)
        )
    });
    let messages: Vec<String> = rejections.into_iter().chain(drops).collect();
    (!messages.is_empty()).then(|| messages.join("; "))
}

/// The first of so many things.
fn first(things: &[impl ToString], all: usize) -> String {
    const MOST_NAMED: usize = 5;
    let mut named: Vec<String> = things
        .iter()
        .take(MOST_NAMED)
        .map(ToString::to_string)
        .collect();
    if all > named.len() {
        named.push(format!("and {} more", all - named.len()));
    }
    named.join("; ")
}

/// How the request says that its body is written; parameters such as a charset do not matter.
fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim();
    if essence.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Encoding::Protobuf)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Some(Encoding::Json)
    } else {
        None
    }
}

/// The decompression has taken away the header of an encoding that it knows.
fn unknown_content_encoding(headers: &HeaderMap) -> Option<Refused> {
    let encoding = headers.get(header::CONTENT_ENCODING)?;
    let reason = format!(
        "unknown content-encoding {encoding:?}: known are gzip, zstd, deflate and identity"
    );
    Some(Refused::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::InvalidArgument,
        reason,
    ))
}

fn wrong_method() -> Refused {
    let reason = "OTLP/HTTP knows the method POST only";
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented, reason)
}

fn wrong_content_type(headers: &HeaderMap) -> Refused {
    let found = match headers.get(header::CONTENT_TYPE) {
        Some(found) => format!("content-type {found:?}"),
        None => "no content-type".to_owned(),
    };
    let reason = format!("{found}: expected application/x-protobuf or application/json");
    Refused::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::InvalidArgument,
        reason,
    )
}

fn answer(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, encoding.content_type())],
        body,
    )
        .into_response()
}

fn refuse(encoding: Encoding, refused: &Refused) -> Response {
    let body = otlp::status(encoding, refused.code as i32, &refused.reason);
    let mut response = answer(refused.status, encoding, body);
    if refused.status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = axum::http::HeaderValue::from_static("POST, OPTIONS");
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// Tells a person what this is and what it has seen.
async fn greet(State(shared): State<Shared>) -> String {
    let census = shared.store.census();
    format!(
        "spanspec's OTLP receiver is up: gRPC, and HTTP at /v1/traces, /v1/logs and /v1/metrics.\n\
         So far {} requests with {} spans, {} log records and {} metric points; {} refused.\n",
        census.requests, census.spans, census.log_records, census.metric_points, census.refused
    )
}

/// An exporter that was given a wrong path is told so in its own protocol.
async fn unknown_path(
    State(shared): State<Shared>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let path = request.uri().path();
    let reason = format!("no such endpoint: {path}");
    let is_grpc = grpc::is_grpc(request.headers());
    if is_grpc || request.method() == Method::POST {
        let endpoint = format!("{} {path}", request.method());
        shared.store.refuse(Some(arrival.peer), &endpoint, &reason);
    }
    if is_grpc {
        return grpc::refuse(Code::Unimplemented, reason);
    }
    let hint = "OTLP/HTTP is served at /v1/traces, /v1/logs and /v1/metrics";
    match encoding(request.headers()) {
        Some(encoding) => {
            let reason = format!("{reason}; {hint}");
            refuse(
                encoding,
                &Refused::new(StatusCode::NOT_FOUND, Code::NotFound, reason),
            )
        }
        None => (StatusCode::NOT_FOUND, format!("{reason}; {hint}\n")).into_response(),
    }
}
