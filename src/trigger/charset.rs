//! Converts text of a response to UTF-8.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Converts the body from the charset of its `content-type`, as the WHATWG Encoding Standard names
/// them. Without a charset, and with an unknown one, which is returned, the bytes stay as they are.
pub(super) fn to_utf8(headers: &HeaderMap, body: Vec<u8>) -> (Vec<u8>, Option<String>) {
    let Some(label) = label(headers) else {
        return (body, None);
    };
    match Encoding::for_label(label.as_bytes()) {
        None => (body, Some(label)),
        Some(encoding) if encoding == REPLACEMENT => (body, Some(label)),
        Some(encoding) if encoding == UTF_8 => (body, None),
        Some(encoding) => (encoding.decode(&body).0.into_owned().into_bytes(), None),
    }
}

/// The `charset` parameter of the `content-type`.
fn label(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = kind
        .split(';')
        .skip(1)
        .filter_map(|one| one.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(label.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(kind: &str, body: &[u8]) -> (String, Option<String>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]);
        let (body, unknown) = to_utf8(&headers, body.to_vec());
        (String::from_utf8_lossy(&body).into_owned(), unknown)
    }

    #[test]
    fn the_charset_of_the_content_type_is_decoded() {
        for (kind, body) in [
            ("text/plain; charset=ISO-8859-1", &b"gr\xfc\xdfe"[..]),
            (
                "text/plain;format=flowed;Charset=\"windows-1252\"",
                b"gr\xfc\xdfe",
            ),
            (
                "application/json; charset=utf-16le",
                b"g\0r\0\xfc\0\xdf\0e\0",
            ),
            ("text/plain; charset=utf-8", "gr\u{fc}\u{df}e".as_bytes()),
            ("text/plain", "gr\u{fc}\u{df}e".as_bytes()),
        ] {
            assert_eq!(
                converted(kind, body),
                ("gr\u{fc}\u{df}e".to_owned(), None),
                "{kind}"
            );
        }
    }

    #[test]
    fn an_unknown_charset_is_named() {
        for label in ["klingon", "utf-7", "hz-gb-2312"] {
            let (_, unknown) = converted(&format!("text/plain; charset={label}"), b"a");
            assert_eq!(unknown.as_deref(), Some(label));
        }
    }
}
