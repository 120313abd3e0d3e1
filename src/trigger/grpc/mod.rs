//! Calls a gRPC method: encodes the messages, sends them, and decodes the response.

mod exchange;
mod frames;
mod reflection;
mod schemas;
mod wire;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;

use self::exchange::{Answer, Exchange};
use super::{REQUEST_TIMEOUT, Session, TraceContext, TriggerError, hop};
use crate::proto::{Detail, Method, Schema, decode, details, encode};
use crate::spec::GrpcCall;
use crate::trace::{GrpcCode, GrpcResponse, Value};

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
        None => schemas::of_server(call, session).await?,
    };
    let method = method(call, &schema)?;
    let messages = messages(call, &method)?;
    let mut headers = metadata(call);
    hop::propagate(context, &mut headers)?;
    let answer = Exchange {
        call,
        path: &call.path(),
        headers,
        messages: &messages,
        limit,
    };
    let answer = answer.run(session).await?;
    response(call, answer, &method, &schema, session).await
}

/// The metadata of the call.
fn metadata(call: &GrpcCall) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &call.metadata {
        headers.append(name, value.clone());
    }
    headers
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
            attempted: exchange::attempted(call, &call.path()),
        });
    }
    let mut messages = Vec::with_capacity(answer.messages.len());
    for bytes in &answer.messages {
        let message = decode(&output, bytes);
        messages.push(message.map_err(|reason| TriggerError::NotAMessage {
            name: output.full_name().to_owned(),
            reason,
            attempted: exchange::attempted(call, &call.path()),
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
            (Ok(bytes), None) => schemas::with_details(call, session, schema, bytes).await,
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

/// The value of `grpc-timeout`: at most eight digits and a unit.
fn timeout_text(limit: Duration) -> String {
    const MOST: u128 = 99_999_999;
    let units = [
        ("m", 1_000_000),
        ("u", 1_000),
        ("n", 1),
        ("S", 1_000_000_000),
        ("M", 60_000_000_000),
        ("H", 3_600_000_000_000),
    ];
    let nanos = limit.as_nanos();
    let exact = |size: u128| nanos.is_multiple_of(size) && nanos / size <= MOST;
    let found = units.iter().find(|(_, size)| exact(*size));
    let fits = || units.iter().rev().find(|(_, size)| nanos / size > 0);
    let near = |of: &&(&str, u128)| nanos / of.1 <= MOST;
    match found.or_else(|| units[3..].iter().find(near)).or_else(fits) {
        Some((unit, size)) => format!("{}{unit}", (nanos / size).min(MOST)),
        None => "0n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_has_at_most_eight_digits() {
        for (limit, text) in [
            (Duration::from_millis(500), "500m"),
            (Duration::from_secs(30), "30000m"),
            (Duration::from_micros(1500), "1500u"),
            (Duration::from_nanos(1), "1n"),
            (Duration::from_secs(200_000), "200000S"),
            (Duration::ZERO, "0m"),
            (Duration::new(200_000, 1), "200000S"),
        ] {
            assert_eq!(timeout_text(limit), text);
        }
    }
}
