//! Parts of the gRPC protocol as text: statuses, percent encoding, binary metadata.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode;

use crate::trace::GrpcCode;

/// The status in trailers, if they have one.
pub(super) fn status(trailers: &HeaderMap) -> Option<(GrpcCode, String)> {
    let code = trailers.get("grpc-status")?.to_str().ok()?;
    let code = GrpcCode(code.trim().parse().ok()?);
    let message = trailers.get("grpc-message").map(HeaderValue::as_bytes);
    let message = percent_decode(message.unwrap_or_default()).decode_utf8_lossy();
    Some((code, message.into_owned()))
}

/// The bytes of binary metadata, which may be padded.
pub(super) fn binary(value: &HeaderValue) -> Option<Vec<u8>> {
    let text = value.to_str().ok()?;
    STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()
}
