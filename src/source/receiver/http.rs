//! OTLP/HTTP, and what the other paths answer.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tonic::Code;
use tower_http::decompression::RequestDecompressionLayer;

use super::body::{self, BodyError, Rest, Turns};
use super::census::{Carried, Ingested, Refusal};
use super::cors::Origins;
use super::grpc;
use super::listener::{Arrival, Timeouts};
use super::paths::Misdirected;
use super::store::Store;
use crate::source::otlp::{self, Encoding, Malformed, Signal};
use crate::trace::Sender;

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

/// The answer to a request that is refused.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: Code,
    reason: String,
    remedy: &'static str,
    /// The service that sent it, if its name can be read.
    service: Option<String>,
}

impl Refused {
    fn new(
        status: StatusCode,
        code: Code,
        reason: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            reason: reason.into(),
            remedy,
            service: None,
        }
    }
}

/// Remedies, in the imperative. Both protocols refuse exports for the same causes.
pub(super) mod remedy {
    pub(in super::super) const UNREADABLE: &str = "update the OpenTelemetry SDK or Collector that sent it, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf there";
    pub(in super::super) const TOO_LARGE: &str = "export smaller batches: set OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128, or limit attributes with OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";
    pub(in super::super) const COMPRESSION: &str =
        "set OTEL_EXPORTER_OTLP_COMPRESSION=gzip or none";
    pub(in super::super) const CONTENT_TYPE: &str =
        "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, and the header content-type as OTLP does";
    pub(in super::super) const METHOD: &str = "send exports with POST";
    pub(in super::super) const INTERRUPTED: &str = "let the service finish its last export before it ends, and check proxies between it and spanspec";
    pub(in super::super) const OVERLOAD: &str =
        "run fewer specs at the same time (`--jobs`), or give this machine less to do";
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        let (status, code, remedy) = match error {
            BodyError::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::ResourceExhausted,
                remedy::TOO_LARGE,
            ),
            BodyError::TooSlow(_) => (
                StatusCode::REQUEST_TIMEOUT,
                Code::DeadlineExceeded,
                remedy::OVERLOAD,
            ),
            BodyError::Broken(_) => (
                StatusCode::BAD_REQUEST,
                Code::InvalidArgument,
                remedy::INTERRUPTED,
            ),
        };
        Self::new(status, code, error.to_string(), remedy)
    }
}

impl From<Malformed> for Refused {
    fn from(error: Malformed) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            Code::InvalidArgument,
            error.to_string(),
            remedy::UNREADABLE,
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
    let sender = arrival.sender(request.headers());
    let carried = carried(signal, request.method(), arrival);
    let encoding = encoding(request.headers());
    let answered = match encoding {
        _ if request.method() != Method::POST => Err(wrong_method()),
        Some(encoding) => accept(signal, encoding, &shared, arrival, &sender, request).await,
        None => Err(wrong_content_type(request.headers())),
    };
    let encoding = encoding.unwrap_or(Encoding::Json);
    match answered {
        Ok(body) => answer(StatusCode::OK, encoding, body),
        Err(refused) => {
            shared.store.refuse(Refusal {
                at: Instant::now(),
                sender: Sender {
                    service: refused.service.clone(),
                    ..sender
                },
                endpoint,
                reason: refused.reason.clone(),
                remedy: refused.remedy.to_owned(),
                carried,
            });
            refuse(encoding, &refused)
        }
    }
}

/// Spans are lost with a refused export of traces. A request without a body is a probe, as is one
/// that only reads.
pub(super) fn carried(signal: Signal, method: &Method, arrival: Arrival) -> Carried {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE];
    let is_probe = reads.contains(method) || arrival.is_empty;
    match signal {
        Signal::Traces if !is_probe => Carried::Spans,
        _ => Carried::NoSpans,
    }
}

async fn accept(
    signal: Signal,
    encoding: Encoding,
    shared: &Shared,
    arrival: Arrival,
    sender: &Sender,
    request: Request<Body>,
) -> Result<Vec<u8>, Refused> {
    if let Some(unknown) = unknown_content_encoding(request.headers()) {
        return Err(unknown);
    }
    let busy = || {
        let reason = "too many requests at the same time";
        Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::Unavailable,
            reason,
            remedy::OVERLOAD,
        )
    };
    let longest = shared.timeouts.request;
    let _turn = shared.turns.next(longest).await.ok_or_else(busy)?;
    let rest = if arrival.compressed {
        Rest::Leave
    } else {
        Rest::Drain
    };
    let body = body::read(request.into_body(), rest, longest).await?;
    take_in(signal, encoding, &shared.store, &body, sender).map_err(|error| Refused {
        service: otlp::service_hint(&body),
        ..error.into()
    })
}

/// Takes in the request of either protocol and returns the body of the answer.
pub(super) fn take_in(
    signal: Signal,
    encoding: Encoding,
    store: &Store,
    request: &[u8],
    sender: &Sender,
) -> Result<Vec<u8>, Malformed> {
    match signal {
        Signal::Traces => take_in_traces(encoding, store, request, sender),
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

fn take_in_traces(
    encoding: Encoding,
    store: &Store,
    request: &[u8],
    sender: &Sender,
) -> Result<Vec<u8>, Malformed> {
    let ingested = match encoding {
        Encoding::Protobuf => store.ingest_from(request, sender)?,
        Encoding::Json => store.ingest_from(&otlp::traces_from_json(request)?, sender)?,
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
        remedy::COMPRESSION,
    ))
}

fn wrong_method() -> Refused {
    let reason = "OTLP/HTTP knows the method POST only";
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::Unimplemented,
        reason,
        remedy::METHOD,
    )
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
        remedy::CONTENT_TYPE,
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

/// Answers an exporter that was given a wrong path in its own protocol.
async fn unknown_path(
    State(shared): State<Shared>,
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
        shared.store.misdirected(sender, endpoint, misdirected);
    }
    if is_grpc {
        return grpc::refuse(Code::Unimplemented, reason);
    }
    reason.push_str("; OTLP/HTTP is served at /v1/traces, /v1/logs and /v1/metrics");
    let status = StatusCode::NOT_FOUND;
    match encoding(request.headers()) {
        Some(encoding) => {
            let body = otlp::status(encoding, Code::NotFound as i32, &reason);
            answer(status, encoding, body)
        }
        None => (status, format!("{reason}\n")).into_response(),
    }
}
