//! OTLP/HTTP.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tonic::Code;

use super::coding::{Coding, KNOWN};
use super::export::{self, CodedMessage, HandlerState, Kind, Refused};
use super::listener::Arrival;
use super::remedy;
use crate::source::otlp::{self, Encoding, Signal};
use crate::trace::Sender;

pub(super) async fn export(
    signal: Signal,
    State(shared): State<HandlerState>,
    Extension(arrival): Extension<Arrival>,
    request: Request<Body>,
) -> Response {
    let endpoint = format!("{} {}", request.method(), request.uri().path());
    let sender = arrival.sender(request.headers());
    let carried = export::carried(signal.into(), request.method(), arrival);
    let encoding = encoding(request.headers());
    let answered = match encoding {
        _ if request.method() != Method::POST => Err(wrong_method()),
        Some(encoding) => accept(signal, encoding, &shared, &sender, request).await,
        None => Err(wrong_content_type(request.headers())),
    };
    let encoding = encoding.unwrap_or(Encoding::Json);
    match answered {
        Ok(body) => answer(StatusCode::OK, encoding, body),
        Err(refused) => {
            let record = refused.record(sender, endpoint, carried);
            shared.store.refuse(record);
            refuse(encoding, &refused)
        }
    }
}

async fn accept(
    signal: Signal,
    encoding: Encoding,
    shared: &HandlerState,
    sender: &Sender,
    request: Request<Body>,
) -> Result<Vec<u8>, Refused> {
    let coding = content_coding(request.headers())?;
    let kind = Kind {
        signal,
        encoding,
        sender: sender.clone(),
    };
    let message = |body: &Bytes| {
        Ok(CodedMessage {
            bytes: body.clone(),
            coding,
        })
    };
    export::store(shared, kind, request, message).await
}

/// The encoding of the body; parameters such as a charset do not matter.
pub(super) fn encoding(headers: &HeaderMap) -> Option<Encoding> {
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

fn content_coding(headers: &HeaderMap) -> Result<Option<Coding>, Refused> {
    let Some(named) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(None);
    };
    let coding = named.to_str().ok().and_then(Coding::named);
    coding.map(Some).ok_or_else(|| {
        let reason = format!("unknown content-encoding {named:?}: known are {KNOWN}");
        Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            reason,
            remedy::COMPRESSION,
        )
    })
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

pub(super) fn answer(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, encoding.content_type())],
        body,
    )
        .into_response()
}

pub(super) fn refuse(encoding: Encoding, refused: &Refused) -> Response {
    let body = otlp::status(encoding, refused.code as i32, &refused.reason);
    let mut response = answer(refused.status, encoding, body);
    if refused.status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = HeaderValue::from_static("POST, OPTIONS");
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
