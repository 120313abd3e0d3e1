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
