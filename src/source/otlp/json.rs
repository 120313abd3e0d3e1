//! Reads OTLP/JSON as the Collector does: ids in hex of either case, enums by number or name,
//! 64-bit integers as strings, `"NaN"`, unpaired surrogates, and `null` for defaults. `scalar` reads
//! ids and numbers, `object` reads messages.
//!
//! Answers of Tempo have ids in base64. A text is read as base64 if a character is not a hex digit.

mod logs;
pub(super) mod metrics;
mod object;
mod scalar;
mod source_text;

use bytes::Bytes;
use prost::Message;

use super::error::Malformed;
use super::limit;
use source_text::AttributeErrors;

#[cfg(feature = "run")]
pub(super) use object::camel_case;
pub(super) use object::{Object, Read, has_span, ignore, objects};
#[cfg(feature = "run")]
pub(super) use scalar::{JsonNumber, JsonTemporality, Numeric, SpanIdBytes, TraceIdBytes};

/// Converts an OTLP/JSON export request to protobuf.
pub(crate) fn traces_from_json(json: impl Into<Bytes>) -> Result<Vec<u8>, Malformed> {
    let traces = converted(json.into(), object::request)?;
    Ok(traces.encode_to_vec())
}

/// The same for benches, without the reason of a failure.
#[cfg(feature = "cli")]
pub fn protobuf_of_json(json: Bytes) -> Option<Vec<u8>> {
    traces_from_json(json).ok()
}

/// Converts an OTLP/JSON export request for logs to protobuf.
pub(crate) fn logs_from_json(json: impl Into<Bytes>) -> Result<Vec<u8>, Malformed> {
    let logs = converted(json.into(), logs::request)?;
    Ok(logs.encode_to_vec())
}

/// Converts an OTLP/JSON export request for metrics to protobuf.
pub(crate) fn metrics_from_json(json: impl Into<Bytes>) -> Result<Vec<u8>, Malformed> {
    let metrics = converted(json.into(), metrics::request)?;
    Ok(metrics.encode_to_vec())
}

/// Reads a request within its limits. Nearly all have attributes without errors, which need not be read twice.
fn converted<T>(
    json: Bytes,
    request: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<T, Malformed> {
    let text = text(json)?;
    let read = |errors| limit::bounded(|| source_text::within(&text, errors, |text| request(text)));
    let all = match read(AttributeErrors::FailRequest) {
        Ok(all) => all,
        Err(_) => read(AttributeErrors::DropAttribute)?,
    };
    Ok(all)
}

/// Maximum number of bytes that are no UTF-8. Each becomes U+FFFD, which has three.
const MOST_INVALID: usize = 1 << 20;

/// The text of a request, with U+FFFD in place of what is no UTF-8.
fn text(json: Bytes) -> Result<Bytes, Malformed> {
    // Faster than a search for what is invalid.
    if str::from_utf8(&json).is_ok() {
        return Ok(json);
    }
    let invalid = json
        .utf8_chunks()
        .filter(|chunk| !chunk.invalid().is_empty());
    match invalid.take(MOST_INVALID + 1).count() > MOST_INVALID {
        true => Err(Malformed::TooMany(MOST_INVALID, "bytes that are no UTF-8")),
        false => Ok(String::from_utf8_lossy(&json).into_owned().into()),
    }
}
