//! JSON Schema of specs and of the project file, for editors.
//!
//! An editor completes keys with it, shows what they mean, and marks the wrong ones while they are
//! typed. It checks less than `spanspec lint`: values only as far as JSON Schema can describe them,
//! and no variables. The keys come from `spec::keys`.
//!
//! Every map lists all its keys. `allOf` with `unevaluatedProperties` would be shorter, but many
//! editors do not support it.

mod forms;
mod shapes;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::spec::keys;
use forms::{map_of, object};

/// URL of the schema of specs.
pub const SPEC_URL: &str =
    "https://raw.githubusercontent.com/spanspec/spanspec/main/docs/spec.schema.json";

/// URL of the schema of the project file.
pub const PROJECT_URL: &str =
    "https://raw.githubusercontent.com/spanspec/spanspec/main/docs/project.schema.json";

/// The schema of a spec. In a file with several specs, it describes each document.
#[must_use]
pub fn spec() -> Value {
    let mut schema = head(
        SPEC_URL,
        "spanspec spec",
        "A request, and expectations for its response and its trace.",
    );
    let mut root = map_of(keys::SPEC);
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
        "Specs, services, and defaults for all specs.",
    );
    schema.extend(map_of(keys::PROJECT));
    schema.insert("$defs".to_owned(), shapes::of_project());
    Value::Object(schema)
}

/// The text of the schema's file.
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

/// A spec has one trigger with `expect` or `budgets`, or it has `steps`. The cases of `conformance` are checks.
fn one_trigger() -> Value {
    let asks = json!([{ "required": ["expect"] }, { "required": ["budgets"] }]);
    let alone = keys::TRIGGERS.iter().map(|key| match key.name {
        "conformance" => json!({ "required": [key.name] }),
        name => json!({ "required": [name], "anyOf": asks }),
    });
    alone
        .chain(std::iter::once(json!({ "required": ["steps"] })))
        .collect()
}
