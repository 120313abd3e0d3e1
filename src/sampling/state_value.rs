//! W3C `tracestate`, as OpenTelemetry's Go API reads it.

/// Maximum number of members.
const MOST_MEMBERS: usize = 32;

/// The value of a key: empty if it is missing, `None` if the header is invalid.
pub(super) fn value<'t>(header: &'t str, key: &str) -> Option<&'t str> {
    let mut found = "";
    let mut keys: Vec<&str> = Vec::new();
    for member in header.split(',').filter(|member| !member.is_empty()) {
        let (name, value) = self::member(member)?;
        if keys.contains(&name) || keys.len() == MOST_MEMBERS {
            return None;
        }
        keys.push(name);
        if name == key {
            found = value;
        }
    }
    Some(found)
}

fn member(member: &str) -> Option<(&str, &str)> {
    let (key, value) = member.split_once('=')?;
    let key = key.trim_start_matches([' ', '\t']);
    let value = value.trim_end_matches([' ', '\t']);
    (is_key(key) && is_value(value)).then_some((key, value))
}

fn is_value(value: &str) -> bool {
    let is_char = |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b',' | b'=');
    (1..=256).contains(&value.len()) && value.bytes().all(is_char) && !value.ends_with(' ')
}

fn is_key(key: &str) -> bool {
    match key.split_once('@') {
        None => starts_lower(key) && has_rest(key, 255),
        Some((tenant, system)) => {
            let starts = tenant.starts_with(|char: char| is_lower_or_digit(char));
            starts && has_rest(tenant, 240) && starts_lower(system) && has_rest(system, 13)
        }
    }
}

fn starts_lower(key: &str) -> bool {
    key.starts_with(|char: char| char.is_ascii_lowercase())
}

/// At most this number of characters after the first, which are those of a key.
fn has_rest(key: &str, most: usize) -> bool {
    let is_rest = |char| is_lower_or_digit(char) || matches!(char, '_' | '-' | '*' | '/');
    key.len() <= most + 1 && key.chars().skip(1).all(is_rest)
}

fn is_lower_or_digit(char: char) -> bool {
    char.is_ascii_lowercase() || char.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_value_is_found_and_a_missing_one_is_empty() {
        assert_eq!(value("other=1,vendor=keep", "vendor"), Some("keep"));
        assert_eq!(value(" a=1 , b=2\t", "b"), Some("2"));
        assert_eq!(value("a=1", "b"), Some(""));
        assert_eq!(value("", "b"), Some(""));
        assert_eq!(value("1t@sys=x", "1t@sys"), Some("x"));
    }

    #[test]
    fn an_invalid_header_has_no_values() {
        for header in ["a", "A=1", "a=", "a=1,a=2", "a=1=2", "é=1", "a=ü", "1a=2"] {
            assert_eq!(value(header, "a"), None, "{header}");
        }
        let members = |number| (0..number).map(|at| format!("k{at}=1")).collect::<Vec<_>>();
        assert_eq!(value(&members(32).join(","), "k31"), Some("1"));
        assert_eq!(value(&members(33).join(","), "k1"), None);
    }
}
