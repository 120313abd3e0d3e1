//! Content codings as exporters spell them: `GZIP`, `x-gzip`, `identity`, nothing at all.

use axum::http::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Rewrites the headers that name a coding to the spelling that the decoders know. Codings that
/// change nothing are removed.
pub(super) fn normalize(headers: &mut HeaderMap) {
    for name in [CONTENT_ENCODING, GRPC_ENCODING] {
        if !headers.contains_key(&name) {
            continue;
        }
        let values = headers.get_all(&name).iter();
        let Ok(values) = values
            .map(HeaderValue::to_str)
            .collect::<Result<Vec<_>, _>>()
        else {
            continue;
        };
        let codings: Vec<String> = values.iter().flat_map(|value| codings(value)).collect();
        headers.remove(&name);
        // Of characters that came in a header.
        if let Ok(value) = HeaderValue::from_str(&codings.join(", "))
            && !codings.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

fn codings(value: &str) -> impl Iterator<Item = String> {
    let codings = value
        .split(',')
        .map(|coding| coding.trim().to_ascii_lowercase());
    codings
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .map(|coding| match &*coding {
            "x-gzip" => "gzip".to_owned(),
            _ => coding,
        })
}
