//! OTLP/gRPC: one unary call a signal, its message handed over as raw bytes.

use std::future::{Ready, ready};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

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
use super::census::Refusal;
use super::http::{self, Shared};
use super::listener::Arrival;
use super::store::Store;
use crate::source::otlp::{self, Encoding, Signal};
use crate::trace::Sender;

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
    let sender = arrival.sender(request.headers());
    let carried = http::carried(signal, request.method(), arrival);
    let service = Arc::new(OnceLock::new());
    let (response, refused) = match message_format(request.headers()) {
        Some("" | "+proto") => {
            let response = call(signal, &shared, &sender, &service, request).await;
            let status = Status::from_header_map(response.headers());
            (response, status.filter(|status| status.code() != Code::Ok))
        }
        _ => {
            let reason = "this path is OTLP/gRPC's: expected the content-type application/grpc";
            // The client cannot be expected to read a gRPC status.
            let answer = (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("{reason}\n"));
            let status = Status::new(Code::Unimplemented, reason);
            (answer.into_response(), Some(status))
        }
    };
    if let Some(status) = refused {
        shared.store.refuse(Refusal {
            at: Instant::now(),
            sender: Sender {
                service: service.get().cloned(),
                ..sender
            },
            endpoint: signal.grpc_path().to_owned(),
            reason: status.message().to_owned(),
            remedy: remedy(status.code()).to_owned(),
            carried,
        });
    }
    response
}

/// What prevents a refusal with this code.
fn remedy(code: Code) -> &'static str {
    match code {
        Code::ResourceExhausted => http::remedy::TOO_LARGE,
        Code::Unimplemented => http::remedy::COMPRESSION,
        Code::Unavailable | Code::DeadlineExceeded => http::remedy::OVERLOAD,
        Code::Cancelled | Code::Unknown => http::remedy::INTERRUPTED,
        _ => http::remedy::UNREADABLE,
    }
}

async fn call(
    signal: Signal,
    shared: &Shared,
    sender: &Sender,
    service: &Arc<OnceLock<String>>,
    request: Request<Body>,
) -> Response {
    let longest = shared.timeouts.request;
    let Some(_turn) = shared.turns.next(longest).await else {
        return refuse(Code::Unavailable, "too many requests at the same time");
    };
    let export = Export {
        signal,
        store: shared.store.clone(),
        sender: sender.clone(),
        service: Arc::clone(service),
    };
    let mut server = Grpc::new(Raw)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .accept_compressed(CompressionEncoding::Deflate)
        .max_decoding_message_size(MAX_BODY);
    let answered = timeout(longest, server.unary(export, request)).await;
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
    sender: Sender,
    /// Gets the name of the service if the message is refused and the name can be read.
    service: Arc<OnceLock<String>>,
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
        let Self { signal, store, .. } = self;
        let answer = http::take_in(*signal, Encoding::Protobuf, store, &message, &self.sender);
        ready(match answer {
            Ok(answer) => Ok(tonic::Response::new(answer)),
            Err(error) => {
                if let Some(name) = otlp::service_hint(&message) {
                    // It is set once only: the call has one message.
                    let _ = self.service.set(name);
                }
                Err(Status::invalid_argument(error.to_string()))
            }
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
