//! Parts of the gRPC protocol as text: statuses, deadlines, percent encoding, metadata.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode;

use crate::spec::GrpcCall;
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

/// The metadata of the call.
pub(super) fn metadata(call: &GrpcCall) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &call.metadata {
        headers.append(name, value.clone());
    }
    headers
}

/// The value of `grpc-timeout`: at most eight digits and a unit.
pub(super) fn timeout_text(limit: Duration) -> String {
    const MOST: u128 = 99_999_999;
    const UNITS: [(&str, u128); 6] = [
        ("n", 1),
        ("u", 1_000),
        ("m", 1_000_000),
        ("S", 1_000_000_000),
        ("M", 60_000_000_000),
        ("H", 3_600_000_000_000),
    ];
    let nanos = limit.as_nanos();
    let exactest = UNITS.iter().find(|(_, size)| nanos / size <= MOST);
    let (unit, size) = exactest.unwrap_or(&UNITS[5]);
    format!("{}{unit}", (nanos / size).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_has_at_most_eight_digits() {
        for (limit, text) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(1), "1n"),
            (Duration::from_millis(500), "500000u"),
            (Duration::from_secs(30), "30000000u"),
            (Duration::new(200_000, 1), "200000S"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(timeout_text(limit), text);
        }
    }
}
