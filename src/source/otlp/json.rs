//! Reads OTLP/JSON as the Collector does: ids in hex of either case, enums by number or name,
//! 64-bit integers as strings, `"NaN"`, unpaired surrogates, and `null` for defaults. `scalar` reads
//! ids and numbers, `object` reads messages.
//!
//! Answers of Tempo have ids in base64. A text is read as base64 if a character is not a hex digit.

mod logs;
pub(super) mod metrics;
mod object;
mod scalar;

use prost::Message;

use super::error::Malformed;

#[cfg(feature = "run")]
pub(super) use object::camel_case;
pub(super) use object::{Object, Read, has_span, ignore, objects};
#[cfg(feature = "run")]
pub(super) use scalar::{JsonNumber, JsonTemporality, Numeric, SpanIdBytes, TraceIdBytes};

/// Converts an OTLP/JSON export request to protobuf.
pub(crate) fn traces_from_json(json: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = String::from_utf8_lossy(json);
    Ok(object::request(&text)?.encode_to_vec())
}

/// Converts an OTLP/JSON export request for logs to protobuf.
pub(crate) fn logs_from_json(json: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = String::from_utf8_lossy(json);
    Ok(logs::request(&text)?.encode_to_vec())
}
