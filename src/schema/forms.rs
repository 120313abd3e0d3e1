//! The forms of values, of which the definitions are built.

use serde_json::{Map, Value, json};

use crate::spec::keys::{self, Key, Keys};

/// A text. Any scalar is accepted as one.
pub(super) fn text() -> Value {
    json!({ "type": ["string", "number", "boolean", "null"] })
}

pub(super) fn variable() -> Value {
    pattern(r"\$\{")
}

pub(super) fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// A text with a pattern, and the message of editors for other texts (not standard JSON Schema).
pub(super) fn written(form: &str, help: &str) -> Value {
    json!({ "type": "string", "pattern": form, "patternErrorMessage": help })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// An array of any length.
pub(super) fn list(items: impl Into<Value>) -> Value {
    json!({ "type": "array", "items": items.into() })
}

/// An array with at least one item.
pub(super) fn filled(items: impl Into<Value>) -> Value {
    json!({ "type": "array", "minItems": 1, "items": items.into() })
}

/// A word of a closed set.
pub(super) fn word_of(words: impl Into<Value>) -> Value {
    json!({ "anyOf": [{ "enum": words.into() }, variable()] })
}

pub(super) fn one_or_more(one: Value) -> Value {
    json!({ "anyOf": [one, { "type": "array", "items": one }] })
}

pub(super) fn by_name(value: Value) -> Value {
    json!({ "type": "object", "additionalProperties": value })
}

pub(super) fn text_or(map: Map<String, Value>) -> Value {
    json!({ "anyOf": [text(), map] })
}

pub(super) fn with(list: Value, one: Value) -> Value {
    match list {
        Value::Array(mut all) => {
            all.push(one);
            all.into()
        }
        other => other,
    }
}

pub(super) fn not_empty(mut map: Map<String, Value>) -> Value {
    map.insert("minProperties".to_owned(), 1.into());
    map.into()
}

pub(super) fn requiring(map: Map<String, Value>, key: &str) -> Value {
    requires(map, key).into()
}

pub(super) fn requires(mut map: Map<String, Value>, key: &str) -> Map<String, Value> {
    map.insert("required".to_owned(), json!([key]));
    map
}

/// A word of a closed set, a list of words, or `{ not: … }`.
pub(super) fn choice(name: &str, words: &[&str]) -> Value {
    json!({ "anyOf": [
        { "enum": words },
        variable(),
        { "type": "array", "minItems": 1, "items": reference(name) },
        requiring(negating(map_of(keys::CHOICE), name), "not"),
    ] })
}

/// Lets `not` negate values of this definition.
pub(super) fn negating(mut map: Map<String, Value>, name: &str) -> Map<String, Value> {
    map["properties"]["not"]["$ref"] = format!("#/$defs/{name}").into();
    map
}

/// A map with exactly these keys.
pub(super) fn map_of(keys: Keys) -> Map<String, Value> {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| (key.name.to_owned(), described(key)))
        .collect();
    object(json!({ "type": "object", "additionalProperties": false, "properties": properties }))
}

fn described(key: &Key) -> Value {
    json!({
        "description": key.description,
        "$ref": format!("#/$defs/{}", key.shape),
    })
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(entries) => entries,
        _ => Map::new(),
    }
}
