//! The readings of a value in other types: `"503"` as a number, `["card"]` as the string in it.
//!
//! `matching` decides which readings a matcher accepts.

use crate::trace::Value;

/// The value as other types would have it. Exporters write numbers and booleans as strings and the
/// reverse, structures as JSON, and one value as an array of it.
pub(super) fn readings(value: &Value) -> Vec<Value> {
    let mut readings = Vec::new();
    readings.extend(whole(value));
    if let Value::String(text) = value
        && let Ok(parsed @ (Value::Array(_) | Value::Map(_))) = Value::from_json(text.as_bytes())
    {
        readings.extend(whole(&parsed));
        readings.push(parsed);
    }
    match value {
        Value::Array(items) => {
            let each = items.iter().flat_map(whole);
            readings.extend(each.chain(items.iter().cloned()));
        }
        _ => {
            let single = readings.iter().filter(|it| !matches!(it, Value::Array(_)));
            let arrays = single.cloned().chain([value.clone()]);
            let arrays: Vec<Value> = arrays.map(|it| Value::Array(vec![it])).collect();
            readings.extend(arrays);
        }
    }
    readings
}

/// The whole value with each string in it as the number or boolean that it spells, with each number
/// and boolean as a string, and as text.
fn whole(value: &Value) -> Vec<Value> {
    let mut readings = vec![map(value, &unquoted), map(value, &quoted)];
    readings.extend(
        match value {
            Value::Null => Some(String::new()),
            Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            Value::Array(_) | Value::Map(_) => Some(value.to_text()),
            _ => None,
        }
        .map(Value::String),
    );
    readings.retain(|reading| reading != value);
    readings
}

/// The value with each scalar in it changed.
fn map(value: &Value, change: &impl Fn(&Value) -> Option<Value>) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| map(item, change)).collect()),
        Value::Map(entries) => {
            let entries = entries.iter();
            Value::Map(
                entries
                    .map(|(key, value)| (key.clone(), map(value, change)))
                    .collect(),
            )
        }
        scalar => change(scalar).unwrap_or_else(|| scalar.clone()),
    }
}

/// The number or boolean that a string spells, as YAML and languages write it: `True`, `+503`, `0503`.
fn unquoted(value: &Value) -> Option<Value> {
    match value.as_str()?.trim() {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        text => Value::number(text).or_else(|| Value::number(&without_padding(text)?)),
    }
}

/// A number without its plus sign and the zeros that JSON does not permit at its start.
fn without_padding(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let trimmed = digits.trim_start_matches('0');
    let starts_with_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    match (starts_with_digit(digits), starts_with_digit(trimmed)) {
        (true, true) => Some(format!("{sign}{trimmed}")),
        (true, false) => Some(format!("{sign}0{trimmed}")),
        (false, _) => None,
    }
}

fn quoted(value: &Value) -> Option<Value> {
    let is_plain = value.is_number() || matches!(value, Value::Bool(_));
    is_plain.then(|| Value::String(value.to_text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_spell_numbers_and_booleans_as_yaml_and_languages_write_them() {
        let number = |text: &str| unquoted(&Value::from(text));
        for text in ["503", "+503", "0503", "000503", " 503 ", "503.0"] {
            let read = number(text).unwrap();
            assert!(read.same(&Value::Int(503)), "{text}: {read}");
        }
        assert_eq!(number("-007"), Some(Value::Int(-7)));
        assert_eq!(number("000"), Some(Value::Int(0)));
        assert_eq!(number("True"), Some(Value::Bool(true)));
        for text in ["", "+", "0x1F", "503a", "1_000", "yes", "--5", "+-5"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
