//! Compares JSON with a published schema, in tests.

use serde_json::{Map, Value};

/// The violations of the schema by a value; supports the part of JSON Schema that ours uses. Unknown
/// keys are violations here, though readers must accept them.
pub(crate) fn wrong(value: &Value, schema: &Value, root: &Value, path: &str) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(target.trim_start_matches('#')).unwrap();
        return wrong(value, target, root, path);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let all: Vec<_> = any
            .iter()
            .map(|one| wrong(value, one, root, path))
            .collect();
        let fits = all.iter().any(Vec::is_empty);
        return if fits { Vec::new() } else { all.concat() };
    }
    if !has_type(value, &schema["type"]) {
        return vec![format!("{path}: {value} is no {}", schema["type"])];
    }
    let mut found = Vec::new();
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{path}: {value} is not {}", schema["const"]));
    }
    let allowed = schema["enum"].as_array();
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{path}: {value} is none of {}", schema["enum"]));
    }
    if let Value::Object(entries) = value
        && schema["additionalProperties"].is_object()
    {
        for (key, value) in entries {
            let of_all = &schema["additionalProperties"];
            found.extend(wrong(value, of_all, root, &format!("{path}.{key}")));
        }
    } else if let Value::Object(entries) = value {
        found.extend(wrong_keys(entries, schema, path));
        for (key, value) in entries {
            let below = &schema["properties"][key];
            found.extend(wrong(value, below, root, &format!("{path}.{key}")));
        }
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(wrong(
            item,
            &schema["items"],
            root,
            &format!("{path}[{at}]"),
        ));
    }
    found
}

fn wrong_keys(entries: &Map<String, Value>, schema: &Value, path: &str) -> Vec<String> {
    let known = schema["properties"].as_object().unwrap();
    let unknown = entries.keys().filter(|key| !known.contains_key(*key));
    let required = schema["required"].as_array().unwrap();
    let missing = required
        .iter()
        .filter(|key| !entries.contains_key(key.as_str().unwrap()));
    unknown
        .map(|key| format!("{path}: `{key}` is not in the schema"))
        .chain(missing.map(|key| format!("{path}: {key} is missing")))
        .collect()
}

fn has_type(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("a type that the schema should not use: {other}"),
    };
    match types {
        Value::Null => true,
        Value::Array(types) => types.iter().any(is),
        one => is(one),
    }
}
