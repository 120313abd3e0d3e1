//! Reads OTLP/JSON as the Collector does: ids in hex of either case, enums by number or name,
//! 64-bit integers as strings, `"NaN"`, unpaired surrogates, and `null` for defaults. `scalar` reads
//! ids and numbers, `object` reads messages.
//!
//! Answers of Tempo have ids in base64. A text is read as base64 if a character is not a hex digit.

mod logs;
pub(super) mod metrics;
mod object;
mod scalar;

use std::borrow::Cow;

use prost::Message;

use super::error::Malformed;
use super::limit;

#[cfg(feature = "run")]
pub(super) use object::camel_case;
pub(super) use object::{Object, Read, has_span, ignore, objects};
#[cfg(feature = "run")]
pub(super) use scalar::{JsonNumber, JsonTemporality, Numeric, SpanIdBytes, TraceIdBytes};

/// Converts an OTLP/JSON export request to protobuf.
pub(crate) fn traces_from_json(json: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = text(json)?;
    let traces = limit::bounded(|| object::request(&text))?;
    Ok(traces.encode_to_vec())
}

/// Converts an OTLP/JSON export request for logs to protobuf.
pub(crate) fn logs_from_json(json: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = text(json)?;
    let logs = limit::bounded(|| logs::request(&text))?;
    Ok(logs.encode_to_vec())
}

/// Maximum number of bytes that are no UTF-8. Each becomes U+FFFD, which has three.
const MOST_INVALID: usize = 1 << 20;

/// The text of a request, with U+FFFD in place of what is no UTF-8.
fn text(json: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    let invalid = json
        .utf8_chunks()
        .filter(|chunk| !chunk.invalid().is_empty());
    match invalid.take(MOST_INVALID + 1).count() > MOST_INVALID {
        true => Err(Malformed::TooMany(MOST_INVALID, "bytes that are no UTF-8")),
        false => Ok(String::from_utf8_lossy(json)),
    }
}
