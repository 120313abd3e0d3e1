//! OTLP as bytes: reads requests and saved files, writes files.
//!
//! Nothing outside sees the shape of OTLP's messages. How bytes arrive is `receiver`'s work.

mod answer;
mod attribute;
mod count;
mod decode;
mod file;
mod hint;
mod ids;
mod json;
pub(super) mod message;
#[cfg(feature = "run")]
mod pack;
mod read;
mod walk;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Encoding, partial, status, success};
pub(crate) use count::Signal;
pub(crate) use decode::{resource, scope, span};
pub(crate) use hint::service_hint;
pub use ids::WrongId;
#[cfg(feature = "run")]
pub(crate) use pack::pack;
pub(crate) use read::assemble;
pub use read::{ReadError, read};
#[cfg(feature = "run")]
pub(crate) use walk::is_server;
pub(crate) use walk::{LinkAt, SpanAt, Walk};
pub use write::write_json;
#[cfg(feature = "run")]
pub(crate) use write::write_json_with;

use prost::Message;

/// Why bytes are no OTLP request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Lengths, keys or numbers that make no sense.
    #[error("no OTLP protobuf: {0}")]
    Wire(&'static str),
    /// A message that cannot be decoded.
    #[error("no OTLP protobuf: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// An attribute whose arrays and maps are nested deeper than this number of levels.
    #[error("nested more than {0} levels deep")]
    TooDeep(u32),
    /// No JSON, or JSON of another shape.
    #[error("no OTLP/JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Malformed {
    fn wire(wrong: &'static str) -> Self {
        Self::Wire(wrong)
    }
}

/// The protobuf form of an OTLP/JSON trace request, so that what follows knows one form only.
pub(crate) fn traces_from_json(json: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = String::from_utf8_lossy(json);
    Ok(json::request(&text)?.encode_to_vec())
}

/// The number of spans that the walk finds in a protobuf request: for the benchmark, which sees
/// the public items only.
#[doc(hidden)]
pub fn walk(request: &[u8]) -> Result<usize, Malformed> {
    Ok(Walk::of(request)?.spans.len())
}
