//! JSON Schema of specs and of the project file, for editors.
//!
//! An editor completes keys with it, shows what they mean, and marks the wrong ones while they are
//! typed. It knows less than `spanspec lint`: what a key may hold is described as far as JSON
//! Schema goes, and variables are not looked up. The reader in `spec` decides; a test holds the
//! keys of both against each other.
//!
//! Every place lists its keys itself instead of putting `allOf` and `unevaluatedProperties`
//! together: many editors understand only that.

mod keys;
mod shapes;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use keys::Key;

/// Where the schema of specs is published.
pub const SPEC_URL: &str =
    "https://raw.githubusercontent.com/spanspec/spanspec/main/docs/spec.schema.json";

/// Where the schema of the project file is published.
pub const PROJECT_URL: &str =
    "https://raw.githubusercontent.com/spanspec/spanspec/main/docs/project.schema.json";

/// The schema of a spec; of a file with several, each document is one.
#[must_use]
pub fn spec() -> Value {
    let mut schema = head(
        SPEC_URL,
        "spanspec spec",
        "What to fire, and what must hold of the response and of the trace.",
    );
    let mut root = map_of(&keys::all_of_spec());
    root.insert("oneOf".to_owned(), one_trigger());
    schema.extend(root);
    schema.insert("$defs".to_owned(), shapes::of_spec());
    Value::Object(schema)
}

/// The schema of the project file, `spanspec.yaml`.
#[must_use]
pub fn project() -> Value {
    let mut schema = head(
        PROJECT_URL,
        "spanspec project file",
        "Where specs are, which services there are, and what specs share.",
    );
    schema.extend(map_of(&keys::PROJECT));
    schema.insert("$defs".to_owned(), shapes::of_project());
    Value::Object(schema)
}

/// A schema as its file has it.
#[must_use]
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn head(url: &str, title: &str, description: &str) -> Map<String, Value> {
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": url,
        "title": title,
        "description": description,
    });
    object(head)
}

/// A map that may have these keys only.
fn map_of(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| (key.name.to_owned(), key.schema()))
        .collect();
    object(json!({ "type": "object", "additionalProperties": false, "properties": properties }))
}

/// A spec has one trigger and says what it expects or measures, or it has steps.
fn one_trigger() -> Value {
    let asks = json!([{ "required": ["expect"] }, { "required": ["budgets"] }]);
    let alone = keys::TRIGGERS
        .iter()
        .map(|key| json!({ "required": [key.name], "anyOf": asks }));
    alone
        .chain(std::iter::once(json!({ "required": ["steps"] })))
        .collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(entries) => entries,
        _ => Map::new(),
    }
}
