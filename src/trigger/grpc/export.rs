//! Exports telemetry to an OTLP/gRPC endpoint.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use prost::Message;

use super::DETAILS;
use super::exchange::{Answer, Exchange, attempted};
use super::wire;
use crate::trace::{GrpcCode, GrpcEnding};
use crate::trigger::export::Exporter;
use crate::trigger::http::DEFAULT_TIMEOUT;
use crate::trigger::refused::{Refusal, Refused};
use crate::trigger::{Session, Stage, TriggerError};

/// `google.rpc.Status` in `grpc-status-details-bin`, with its details only.
#[derive(Clone, PartialEq, Message)]
struct StatusDetails {
    #[prost(message, repeated, tag = "3")]
    details: Vec<AnyDetail>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyDetail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`, by which OTLP tells exporters when to try again.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Sends one export request. Returns the export response.
pub(in crate::trigger) async fn export(
    exporter: &Exporter<'_>,
    path: &str,
    message: Vec<u8>,
    session: &Session,
) -> Result<Bytes, TriggerError> {
    let limit = exporter.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let mut headers = HeaderMap::new();
    for (name, value) in exporter.headers {
        headers.append(name, value.clone());
    }
    let exchange = Exchange {
        server: exporter.to,
        tls: exporter.tls,
        path,
        headers,
        messages: &[message.into()],
        limit,
    };
    let answer = exchange.run(session).await?;
    let attempted = attempted(exporter.to, path);
    match answer.code {
        GrpcCode::OK => Ok(answer.messages.into_iter().next().unwrap_or_default()),
        _ if answer.ending == GrpcEnding::Deadline => Err(TriggerError::Timeout {
            limit,
            stage: Stage::Waiting,
            attempted,
        }),
        code => Err(TriggerError::Export(Box::new(Refused {
            refusal: Refusal::Code(code),
            retry_after: retry_delay(&answer),
            message: answer.status_message,
            attempted,
        }))),
    }
}

/// The time after which the server may accept the request.
fn retry_delay(answer: &Answer) -> Option<Duration> {
    let bytes = wire::binary(answer.trailers.get(DETAILS)?)?;
    let status = StatusDetails::decode(bytes.as_slice()).ok()?;
    let mut details = status.details.iter();
    let info = details.find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    let seconds = u64::try_from(delay.seconds).ok()?;
    Some(Duration::new(seconds, u32::try_from(delay.nanos).ok()?))
}
