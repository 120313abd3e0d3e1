//! Other values of attributes and JSON documents.

use crate::trace::Value;

/// The name, service or text that replaces another one.
pub(super) const OTHER: &str = "other";

/// A value of the same type that differs. A status code of HTTP becomes that of an error, or of success.
pub(super) fn other_value(key: &str, value: &Value) -> Value {
    match value {
        Value::Int(code) if key.ends_with("status_code") && (100..600).contains(code) => {
            Value::Int(i64::from(other_status(*code)))
        }
        Value::Null => Value::from(OTHER),
        Value::String(text) => Value::from(other_text(text)),
        Value::Bool(is) => Value::Bool(!is),
        Value::Int(number) => Value::Int(number.wrapping_add(1)),
        Value::Double(number) => Value::Double(number + 1.0),
        Value::Number(_) => Value::Int(0),
        Value::Bytes(bytes) => Value::Bytes(bytes.iter().copied().chain([0]).collect()),
        Value::Array(items) => Value::Array(other_length(items)),
        Value::Map(entries) if entries.is_empty() => {
            Value::Map(vec![(OTHER.to_owned(), Value::Null)])
        }
        Value::Map(_) => Value::Map(Vec::new()),
    }
}

/// Another text.
pub(super) fn other_text(text: &str) -> String {
    match text {
        OTHER => "another".to_owned(),
        _ => OTHER.to_owned(),
    }
}

/// A status code of the other outcome.
pub(super) fn other_status<N: Into<i64> + Copy>(code: N) -> i32 {
    if code.into() < 400 { 500 } else { 200 }
}

fn other_length(items: &[Value]) -> Vec<Value> {
    match items {
        [] => vec![Value::Null],
        [_, rest @ ..] => rest.to_vec(),
    }
}

/// The value in another type with the same text; `None` if there is no such type.
pub(super) fn other_type(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Double(_) | Value::Number(_) | Value::Bool(_) => {
            Some(Value::from(value.to_text()))
        }
        Value::String(text) => {
            let number = text.parse().ok().map(Value::Int);
            // Not for `007` and `+1`, whose text would differ.
            number.filter(|number| number.to_text() == *text)
        }
        Value::Null | Value::Bytes(_) | Value::Array(_) | Value::Map(_) => None,
    }
}
