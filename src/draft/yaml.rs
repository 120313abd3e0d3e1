//! Writes values as YAML that the reader takes for the same values.

use crate::trace::Value;

/// Longer values stand on lines of their own.
const WIDTH: usize = 88;

/// A text behind a key, without quotes where they are not needed.
pub(super) fn block(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:${}=&?+@%() ,".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || "/_$".contains(c));
    let is_well = starts_well
        && text.chars().all(is_plain)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !is_word(text);
    if is_well {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A text inside brackets or braces.
pub(super) fn flow(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || "/_".contains(c));
    let is_well =
        starts_well && text.chars().all(is_plain) && !text.ends_with(' ') && !is_word(text);
    if is_well {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Words that mean something else than themselves.
fn is_word(text: &str) -> bool {
    matches!(text, "true" | "false" | "null" | "exists" | "absent")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A matcher that this text alone meets.
pub(super) fn equal_text(text: &str) -> String {
    let written = escaped(text);
    let is_sign =
        written.trim_start().starts_with(['<', '>']) || written.trim_start().starts_with("=~");
    if is_sign || written.trim() != written {
        return format!("{{ equals: {} }}", quoted(&written));
    }
    block(&written)
}

/// A matcher that this value alone meets; nothing for values that are not worth one.
pub(super) fn equal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(equal_text(text)),
        Value::Bool(_) | Value::Int(_) | Value::Null => Some(value.to_string()),
        Value::Double(double) if double.is_finite() => Some(value.to_string()),
        Value::Array(_) => {
            let written = json_flow(&value.to_json());
            (written.len() <= WIDTH).then(|| format!("{{ equals: {written} }}"))
        }
        Value::Double(_) | Value::Bytes(_) | Value::Map(_) => None,
    }
}

/// A literal `${` as the language wants it.
pub(super) fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// A span's description by its name alone.
pub(super) fn name(name: &str) -> String {
    if name.starts_with('$') {
        return format!("{{ name: {} }}", quoted(&escaped(name)));
    }
    equal_text(name)
}

/// One number, or the range of several.
pub(super) fn count(numbers: impl Iterator<Item = usize> + Clone) -> String {
    let least = numbers.clone().min().unwrap_or_default();
    let most = numbers.max().unwrap_or_default();
    if least == most {
        least.to_string()
    } else {
        format!("{least}..{most}")
    }
}

/// A JSON value behind a key, with what it holds indented by so much where it is long.
pub(super) fn json(value: &serde_json::Value, indent: usize) -> String {
    let short = json_flow(value);
    let pad = " ".repeat(indent);
    match value {
        serde_json::Value::Object(entries) if short.len() > WIDTH => entries
            .iter()
            .map(|(key, value)| format!("\n{pad}{}: {}", key_text(key), json(value, indent + 2)))
            .collect(),
        serde_json::Value::Array(items) if short.len() > WIDTH => items
            .iter()
            .map(|item| format!("\n{pad}- {}", json_flow(item)))
            .collect(),
        _ => short,
    }
}

fn json_flow(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => flow(text),
        serde_json::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(json_flow).collect();
            format!("[{}]", items.join(", "))
        }
        serde_json::Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        serde_json::Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", key_text(key), json_flow(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A key of the author's own.
pub(super) fn key_text(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let starts_well = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts_well && key.chars().all(is_plain) && !is_word(key) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_reads_as_something_else_is_quoted() {
        for (text, written) in [
            ("card", "card"),
            ("GET /orders/{id}", "GET /orders/{id}"),
            ("true", "\"true\""),
            ("42", "\"42\""),
            ("a: b", "\"a: b\""),
            ("- a", "\"- a\""),
            ("=~ x", "{ equals: \"=~ x\" }"),
            ("${x}", "$${x}"),
            ("", "\"\""),
        ] {
            assert_eq!(equal_text(text), written);
        }
    }

    #[test]
    fn json_is_short_where_it_fits() {
        let value = serde_json::json!({ "sku": "A1", "quantity": 2, "note": "a, b" });
        assert_eq!(json(&value, 4), "{ sku: A1, quantity: 2, note: \"a, b\" }");
    }
}
