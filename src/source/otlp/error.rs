//! The errors of reading OTLP.

use super::ids::WrongId;

/// Bytes that are not an OTLP request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Invalid lengths, keys or numbers.
    #[error("no OTLP protobuf: {0}")]
    Wire(&'static str),
    /// A message that cannot be decoded.
    #[error("no OTLP protobuf: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// An attribute whose arrays and maps are nested deeper than this number of levels.
    #[error("nested more than {0} levels deep")]
    TooDeep(u32),
    /// More parts than a request may have.
    #[error("more than {0} {1}")]
    TooMany(usize, &'static str),
    /// Not JSON, or JSON of another shape.
    #[error("no OTLP/JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Malformed {
    pub(super) fn wire(wrong: &'static str) -> Self {
        Self::Wire(wrong)
    }
}

/// A file without traces that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is empty.
    #[error("empty: expected OTLP/JSON or OTLP protobuf")]
    Empty,
    /// It begins like JSON, but is not JSON, or its fields have wrong types.
    #[error("read as OTLP/JSON, for it begins with `{{` or `[`, and failed")]
    Json(#[source] serde_json::Error),
    /// JSON of something else.
    #[error(
        "JSON, but not OTLP/JSON: no document in it has the key `resourceSpans` (nor `scopeSpans`, \
         `batches`, `trace` or `result`, as the Java exporter, Tempo and Jaeger's API v3 write)"
    )]
    OtherJson,
    /// It does not begin like JSON, and is not protobuf.
    #[error("read as OTLP protobuf, for it does not begin with `{{`, and failed")]
    Protobuf(#[source] prost::DecodeError),
    /// It is valid protobuf without a trace.
    #[error("read as OTLP protobuf, for it does not begin with `{{`, and found no spans")]
    OtherProtobuf,
    /// Messages with length prefixes, of which the last is incomplete.
    #[error("read as messages of the Collector's file exporter, and the last one is cut off")]
    CutOff,
    /// Compressed and damaged.
    #[error("failed to decompress it as {0}")]
    Compressed(&'static str, #[source] std::io::Error),
    /// Compressed and too large.
    #[error("more than {} MiB after decompression", .0 >> 20)]
    TooLarge(u64),
    /// The ids of all spans are invalid.
    #[error("OTLP, but the ids of all {0} spans are invalid; the first: {1}")]
    InvalidIds(usize, #[source] WrongId),
}
