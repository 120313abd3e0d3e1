//! Converts OTLP/JSON to protobuf, field by field, as the Collector reads it: ids in hex of either case,
//! enums by number or name, 64-bit integers as strings, `"NaN"`, unpaired surrogates, and `null` for
//! defaults. `object` converts messages, `field` their fields, `scalar` ids and numbers; `key` finds the
//! fields.
//!
//! Answers of Tempo have ids in base64. A text is read as base64 if a character is not a hex digit.

mod field;
mod key;
mod object;
mod output;
mod scalar;

use bytes::Bytes;

use super::error::Malformed;
use super::shape::{Shape, logs, metrics, traces};
use object::Object;

pub(super) use field::{FieldValue, Nullable};
pub(super) use key::{Key, KeyOf, Seen, has_span};
pub(super) use output::{How, InvalidAttributes, Output, UnknownFields};

/// Converts an OTLP/JSON export request to protobuf.
pub(crate) fn traces_from_json(json: impl Into<Bytes>) -> Result<Vec<u8>, Malformed> {
    converted(json.into(), &traces::REQUEST)
}

/// The same for benches, without the reason of a failure.
#[cfg(feature = "cli")]
pub fn protobuf_of_json(json: Bytes) -> Option<Vec<u8>> {
    traces_from_json(json).ok()
}

/// Converts an OTLP/JSON export request for logs to protobuf.
pub(crate) fn logs_from_json(json: impl Into<Bytes>) -> Result<Vec<u8>, Malformed> {
    converted(json.into(), &logs::REQUEST)
}

/// Converts an OTLP/JSON export request for metrics to protobuf.
pub(crate) fn metrics_from_json(json: impl Into<Bytes>) -> Result<Vec<u8>, Malformed> {
    converted(json.into(), &metrics::REQUEST)
}

/// Nearly all requests have attributes without errors, which need not be read twice.
fn converted(json: Bytes, request: &'static Shape) -> Result<Vec<u8>, Malformed> {
    let text = text(json)?;
    let text = str::from_utf8(&text).unwrap_or_default();
    let read = |attributes| {
        let how = How {
            attributes,
            ..How::of_request()
        };
        let mut output = Output::new(how, text.len());
        let mut json = serde_json::Deserializer::from_str(text);
        Object::of(request, &mut output).read(&mut json)?;
        json.end()?;
        Ok(output.bytes)
    };
    read(InvalidAttributes::FailRequest).or_else(|_| read(InvalidAttributes::Dropped))
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
