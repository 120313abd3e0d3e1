//! OTLP/gRPC: one unary call a signal, its message handed over as raw bytes.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Buf, BufMut, Bytes};
use tokio::time::timeout;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::server::Grpc;
use tonic::{Code, Status};

use super::body::MAX_BODY;
use super::http::{self, Shared};
use super::listener::Arrival;
use super::store::Store;
use crate::source::otlp::{Encoding, Signal};

/// Whether a request is a gRPC call, by its content type.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    message_format(headers).is_some()
}

/// What follows `application/grpc`: nothing, `+proto`, or a format that we do not read.
fn message_format(headers: &HeaderMap) -> Option<&str> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim();
    essence.strip_prefix("application/grpc")
}

/// An answer without a message.
pub(super) fn refuse(code: Code, reason: impl Into<String>) -> Response {
    Status::new(code, reason).into_http::<Body>()
}

pub(super) async fn export(
    signal: Signal,
    State(shared): State<Shared>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let response = match message_format(request.headers()) {
        Some("" | "+proto") => call(signal, &shared, request).await,
        _ => return not_grpc(signal, &shared.store, arrival),
    };
    if let Some(status) = Status::from_header_map(response.headers())
        && status.code() != Code::Ok
    {
        let reason = status.message();
        shared
            .store
            .refuse(Some(arrival.peer), signal.grpc_path(), reason);
    }
    response
}

/// The client cannot be expected to read a gRPC status.
fn not_grpc(signal: Signal, store: &Store, arrival: Arrival) -> Response {
    let reason = "this path is OTLP/gRPC's: expected the content-type application/grpc";
    store.refuse(Some(arrival.peer), signal.grpc_path(), reason);
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("{reason}\n")).into_response()
}

async fn call(signal: Signal, shared: &Shared, request: Request<Body>) -> Response {
    let longest = shared.timeouts.request;
    let Some(_turn) = shared.turns.next(longest).await else {
        return refuse(Code::Unavailable, "too many requests at the same time");
    };
    let store = shared.store.clone();
    let mut server = Grpc::new(Raw)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .accept_compressed(CompressionEncoding::Deflate)
        .max_decoding_message_size(MAX_BODY);
    let answered = timeout(longest, server.unary(Export { signal, store }, request)).await;
    match answered {
        Ok(response) => with_otlp_codes(response.map(Body::new)),
        Err(_) => {
            let reason = format!("not here after {} s", longest.as_secs());
            refuse(Code::DeadlineExceeded, reason)
        }
    }
}

/// tonic answers a message that is too long with a code that exporters retry, and one that
/// cannot be decompressed as if the fault were ours.
fn with_otlp_codes(mut response: Response) -> Response {
    let code = Status::from_header_map(response.headers()).map(|status| status.code());
    let better = match code {
        Some(Code::OutOfRange) => Code::ResourceExhausted,
        Some(Code::Internal) => Code::InvalidArgument,
        _ => return response,
    };
    let better = HeaderValue::from(better as i32);
    response.headers_mut().insert(Status::GRPC_STATUS, better);
    response
}

/// Takes in the message of one call.
struct Export {
    signal: Signal,
    store: Store,
}

impl Service<tonic::Request<Bytes>> for Export {
    type Response = tonic::Response<Vec<u8>>;
    type Error = Status;
    type Future = Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let message = request.into_inner();
        let answer = http::take_in(self.signal, Encoding::Protobuf, &self.store, &message);
        ready(match answer {
            Ok(answer) => Ok(tonic::Response::new(answer)),
            Err(error) => Err(Status::invalid_argument(error.to_string())),
        })
    }
}

/// Leaves messages as they are.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
