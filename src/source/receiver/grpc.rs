//! OTLP/gRPC: one unary call for each signal.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tonic::{Code, Status};

use super::body::{BodyError, MAX_BODY};
use super::coding::{Coding, GRPC_ENCODING, KNOWN};
use super::export::{self, CodedMessage, HandlerState, Kind, Refused};
use super::listener::Arrival;
use super::remedy;
use crate::source::otlp::{Encoding, Signal};
use crate::trace::Sender;

/// Returns `true` for a gRPC call, by its content type.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    message_format(headers).is_some()
}

/// The suffix of `application/grpc`: empty, `+proto`, or an unsupported format.
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
    State(shared): State<HandlerState>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let sender = arrival.sender(request.headers());
    let carried = export::carried(signal.into(), request.method(), arrival);
    let answered = match message_format(request.headers()) {
        Some("" | "+proto") => accept(signal, &shared, &sender, request).await,
        _ => Err(wrong_content_type()),
    };
    match answered {
        Ok(message) => answer(&message),
        Err(refused) => {
            let endpoint = signal.grpc_path().to_owned();
            let record = refused.record(sender, endpoint, carried);
            shared.store.refuse(record);
            match refused.status {
                // The client cannot be expected to read a gRPC status.
                status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                    (status, format!("{}\n", refused.reason)).into_response()
                }
                _ => refuse(refused.code, refused.reason),
            }
        }
    }
}

async fn accept(
    signal: Signal,
    shared: &HandlerState,
    sender: &Sender,
    request: Request<Body>,
) -> Result<Vec<u8>, Refused> {
    let coding = request.headers().get(GRPC_ENCODING).cloned();
    let kind = Kind {
        signal,
        encoding: Encoding::Protobuf,
        sender: sender.clone(),
    };
    let message = |body: &Bytes| only_message(body, coding.as_ref());
    export::store(shared, kind, request, message).await
}

/// The message of a unary call. In the body, the flag of compression and four bytes with the length precede it.
fn only_message(body: &Bytes, coding: Option<&HeaderValue>) -> Result<CodedMessage, Refused> {
    const HEAD: usize = 5;
    let Some((&[flag, length @ ..], _)) = body.split_first_chunk::<HEAD>() else {
        return Err(match body.len() {
            0 => malformed("the call has no message", remedy::INTERRUPTED),
            _ => malformed("the message is cut off", remedy::INTERRUPTED),
        });
    };
    let end = HEAD + u32::from_be_bytes(length) as usize;
    if end > HEAD + MAX_BODY {
        return Err(BodyError::TooLarge.into());
    }
    if body.len() < end {
        return Err(malformed("the message is cut off", remedy::INTERRUPTED));
    }
    if body.len() > end {
        let reason = "the call has more than one message";
        return Err(malformed(reason, remedy::UNREADABLE));
    }
    let coding = match flag {
        0 => None,
        1 => Some(message_coding(coding)?),
        _ => {
            return Err(malformed(
                "the message has an unknown flag",
                remedy::UNREADABLE,
            ));
        }
    };
    Ok(CodedMessage {
        bytes: body.slice(HEAD..end),
        coding,
    })
}

/// The decompressed message of a call with this `grpc-encoding`.
#[cfg(feature = "_fuzzing")]
pub(crate) fn decoded_message(body: &[u8], encoding: Option<&str>) -> Result<Vec<u8>, String> {
    let encoding = encoding.map(HeaderValue::from_str).transpose();
    let encoding = encoding.map_err(|error| error.to_string())?;
    let body = Bytes::copy_from_slice(body);
    let message = only_message(&body, encoding.as_ref()).map_err(|refused| refused.reason)?;
    match message.coding {
        None => Ok(message.bytes.to_vec()),
        Some(coding) => coding
            .decode(&message.bytes)
            .map_err(|error| error.to_string()),
    }
}

fn message_coding(named: Option<&HeaderValue>) -> Result<Coding, Refused> {
    let Some(named) = named else {
        let reason = "the message is compressed, and there is no grpc-encoding";
        return Err(malformed(reason, remedy::COMPRESSION));
    };
    let coding = named.to_str().ok().and_then(Coding::named);
    coding.ok_or_else(|| {
        Refused::new(
            StatusCode::OK,
            Code::Unimplemented,
            format!("unknown grpc-encoding {named:?}: known are {KNOWN}"),
            remedy::COMPRESSION,
        )
    })
}

fn malformed(reason: &str, remedy: &'static str) -> Refused {
    Refused::new(StatusCode::OK, Code::InvalidArgument, reason, remedy)
}

fn wrong_content_type() -> Refused {
    Refused::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::Unimplemented,
        "this path is OTLP/gRPC's: expected the content-type application/grpc",
        remedy::GRPC_CONTENT_TYPE,
    )
}

/// A message, and the status in the trailers.
fn answer(message: &[u8]) -> Response {
    let length = u32::try_from(message.len()).expect("answers are short");
    let framed = [&[0][..], &length.to_be_bytes(), message].concat();
    let mut trailers = HeaderMap::new();
    let ok = HeaderValue::from(Code::Ok as i32);
    trailers.insert(Status::GRPC_STATUS, ok);
    let body = Full::from(framed).with_trailers(std::future::ready(Some(Ok(trailers))));
    let content_type = HeaderValue::from_static("application/grpc");
    ([(header::CONTENT_TYPE, content_type)], Body::new(body)).into_response()
}
