//! Answers to an exporter: an export response, or a `google.rpc.RpcStatus`.

use prost::Message;
use serde_json::json;

/// The encoding of a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// The value of `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// `google.rpc.RpcStatus`, without details.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// `ExportTraceServiceResponse`; those of logs and metrics are the same on the wire.
#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// The export response if everything was accepted.
pub(crate) fn success(encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => Vec::new(),
        Encoding::Json => b"{}".to_vec(),
    }
}

/// The export response if some spans were rejected.
pub(crate) fn partial(encoding: Encoding, rejected: usize, message: &str) -> Vec<u8> {
    let rejected = i64::try_from(rejected).unwrap_or(i64::MAX);
    match encoding {
        Encoding::Protobuf => {
            let error_message = message.to_owned();
            let partial_success = Some(PartialSuccess {
                rejected,
                error_message,
            });
            ExportResponse { partial_success }.encode_to_vec()
        }
        Encoding::Json => json!({
            "partialSuccess": {
                "rejectedSpans": rejected.to_string(),
                "errorMessage": message,
            }
        })
        .to_string()
        .into_bytes(),
    }
}

/// A `google.rpc.RpcStatus` with a gRPC code.
pub(crate) fn status(encoding: Encoding, code: i32, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => {
            let message = message.to_owned();
            RpcStatus { code, message }.encode_to_vec()
        }
        Encoding::Json => json!({ "code": code, "message": message })
            .to_string()
            .into_bytes(),
    }
}

/// The number of rejected records of an export response in protobuf or JSON, and its message.
#[cfg(feature = "run")]
pub(crate) fn accepted(body: &[u8]) -> (u64, String) {
    let partial = match body.trim_ascii_start() {
        [b'{', ..] => json_partial(body),
        _ => ExportResponse::decode(body)
            .ok()
            .and_then(|answer| answer.partial_success),
    };
    let partial = partial.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected).unwrap_or(0);
    (rejected, partial.error_message)
}

#[cfg(feature = "run")]
fn json_partial(body: &[u8]) -> Option<PartialSuccess> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = answer.get("partialSuccess")?;
    let rejected = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];
    let rejected = rejected.iter().find_map(|key| partial.get(key));
    let rejected = rejected.and_then(|number| match number {
        serde_json::Value::String(text) => text.parse().ok(),
        number => number.as_i64(),
    });
    let message = partial.get("errorMessage").and_then(|text| text.as_str());
    Some(PartialSuccess {
        rejected: rejected.unwrap_or(0),
        error_message: message.unwrap_or_default().to_owned(),
    })
}

/// The message of an answer that refuses an export: that of a `google.rpc.RpcStatus`, or the text.
#[cfg(feature = "run")]
pub(crate) fn refusal(body: &[u8]) -> String {
    let text = match body.trim_ascii_start() {
        [b'{', ..] => serde_json::from_slice::<serde_json::Value>(body)
            .ok()
            .and_then(|status| Some(status.get("message")?.as_str()?.to_owned())),
        _ => RpcStatus::decode(body)
            .ok()
            .map(|status| status.message)
            .filter(|message| !message.is_empty()),
    };
    text.unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned())
}
