//! Finds the name of the service in an export that cannot be read.

/// Maximum length in characters.
const MAX_NAME: usize = 100;

/// `service.name` of the first resource, if the bytes resemble OTLP in either encoding.
pub(crate) fn service_hint(request: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"service.name";
    let at = request.windows(KEY.len()).position(|part| part == KEY)?;
    let rest = &request[at + KEY.len()..];
    let name = match rest {
        [b'"', ..] => in_json(rest)?,
        _ => in_protobuf(rest)?,
    };
    let name = String::from_utf8_lossy(name);
    let name: String = name.chars().take(MAX_NAME).collect();
    (!name.is_empty()).then_some(name)
}

/// The string after `stringValue` in `", "value": { "stringValue": "order" }`.
fn in_json(rest: &[u8]) -> Option<&[u8]> {
    let mut strings = rest.split(|&byte| byte == b'"').skip(1);
    // Between the strings are the colons and braces.
    let key = strings
        .by_ref()
        .take(6)
        .any(|text| [&b"stringValue"[..], b"string_value"].contains(&text));
    key.then(|| strings.nth(1)).flatten()
}

/// The `AnyValue` after the key of a `KeyValue`.
fn in_protobuf(rest: &[u8]) -> Option<&[u8]> {
    const VALUE: u8 = 0x12;
    const STRING: u8 = 0x0a;
    match rest {
        [VALUE, _, STRING, length, name @ ..] => name.get(..usize::from(*length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_found_in_exports_that_are_cut_off() {
        let json = br#"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]}, "scopeSp"#;
        assert_eq!(service_hint(json).unwrap(), "order");
        let protobuf = b"\x0a\xff\x0a\x17\x0a\x15\x0a\x0cservice.name\x12\x05\x0a\x03pay\x12";
        assert_eq!(service_hint(protobuf).unwrap(), "pay");
    }

    #[test]
    fn without_a_readable_name_there_is_no_hint() {
        for bytes in [
            &b"hello"[..],
            b"service.name",
            br#""service.name""#,
            br#""service.name", "value": {"intValue": "3"}, "a": "b", "c": "d", "e": "f""#,
            b"service.name\x12\x05\x0a\xff",
        ] {
            assert_eq!(service_hint(bytes), None);
        }
    }
}
