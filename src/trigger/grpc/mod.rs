//! Calls a gRPC method: encodes the messages, sends them, and decodes the response.

mod exchange;
mod export;
mod frames;
mod reflection;
mod schemas;
mod server;
mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;

use self::exchange::{Answer, Exchange};
use super::{REQUEST_TIMEOUT, Session, TraceContext, TriggerError, hop};
use crate::proto::{Detail, Method, Schema, decode, details, encode};
use crate::spec::GrpcCall;
use crate::trace::{GrpcCode, GrpcResponse, Value};

pub(super) use self::export::export;
pub(super) use self::schemas::Schemas;

/// The trailer with the details of a status.
const DETAILS: &str = "grpc-status-details-bin";

pub(super) async fn call(
    call: &GrpcCall,
    context: &TraceContext,
    session: &Session,
) -> Result<GrpcResponse, TriggerError> {
    let limit = call.timeout.unwrap_or(REQUEST_TIMEOUT);
    let schema = match &call.schema {
        Some(schema) => schema.clone(),
        None => server::of_server(call, session).await?,
    };
    let method = method(call, &schema)?;
    let messages = messages(call, &method)?;
    let mut headers = wire::metadata(call);
    hop::propagate(context, &mut headers)?;
    let answer = Exchange {
        server: &call.server,
        tls: &call.tls,
        path: &call.path(),
        headers,
        messages: &messages,
        limit,
    };
    let answer = answer.run(session).await?;
    response(call, answer, &method, &schema, session).await
}

fn method(call: &GrpcCall, schema: &Schema) -> Result<Method, TriggerError> {
    let method = schema.method(&call.service, &call.method);
    let method = method.map_err(|unknown| TriggerError::spec(call.unknown_method(&unknown)))?;
    match call.too_many_messages() {
        Some(error) if !method.takes_stream() => Err(TriggerError::spec(error)),
        _ => Ok(method),
    }
}

fn messages(call: &GrpcCall, method: &Method) -> Result<Vec<Bytes>, TriggerError> {
    let input = method.input();
    let encoded = call.messages.iter().map(|message| {
        let encoded = encode(&input, &message.value);
        encoded.map_err(|misfit| TriggerError::spec(call.misfit(message, &misfit)))
    });
    encoded.collect()
}

async fn response(
    call: &GrpcCall,
    answer: Answer,
    method: &Method,
    schema: &Schema,
    session: &Session,
) -> Result<GrpcResponse, TriggerError> {
    let (output, count) = (method.output(), answer.messages.len());
    if answer.code == GrpcCode::OK && !method.returns_stream() && count != 1 {
        return Err(TriggerError::NotOneMessage {
            count,
            attempted: exchange::attempted(&call.server, &call.path()),
        });
    }
    let mut messages = Vec::with_capacity(answer.messages.len());
    for bytes in &answer.messages {
        let message = decode(&output, bytes);
        messages.push(message.map_err(|reason| TriggerError::NotAMessage {
            name: output.full_name().to_owned(),
            reason,
            attempted: exchange::attempted(&call.server, &call.path()),
        })?);
    }
    let mut response = GrpcResponse {
        code: answer.code,
        status_message: answer.status_message,
        ending: answer.ending,
        metadata: listed(&answer.metadata),
        trailers: listed(&answer.trailers),
        messages,
        is_stream: method.returns_stream(),
        bytes: answer.messages.iter().map(Bytes::len).sum(),
        time: answer.time,
        ..GrpcResponse::default()
    };
    if let Some(sent) = answer.trailers.get(DETAILS) {
        let found = wire::binary(sent).ok_or_else(|| "it is not base64".to_owned());
        let schema = match (&found, &call.schema) {
            (Ok(bytes), None) => server::with_details(call, session, schema, bytes).await,
            _ => schema.clone(),
        };
        match found.and_then(|bytes| details(&bytes, &schema)) {
            Ok(found) => found.into_iter().for_each(|of| add(&mut response, of)),
            Err(_) => response
                .unknown_details
                .push("google.rpc.Status".to_owned()),
        }
    }
    Ok(response)
}

fn add(response: &mut GrpcResponse, detail: Detail) {
    match detail {
        Detail::Decoded(value) => response.details.push(value),
        Detail::Unknown { name, value } => {
            response.details.push(Value::Map(vec![
                ("@type".to_owned(), Value::from(&name)),
                ("value".to_owned(), Value::from(STANDARD.encode(value))),
            ]));
            response.unknown_details.push(name);
        }
    }
}

/// Names and values, without the status and the headers of HTTP.
fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_metadata = |name: &str| !matches!(name, "grpc-status" | "grpc-message" | DETAILS);
    let all = headers
        .iter()
        .filter(|(name, _)| is_metadata(name.as_str()));
    all.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    })
    .collect()
}
