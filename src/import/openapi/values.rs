//! Example values: those of the description, or made up from a schema.

use super::reference::References;
use crate::draft::yaml;
use crate::import::{Content, Node};
use crate::trace::Value;

/// Maximum nesting of a value that is made up. Also ends schemas that contain themselves.
const MAX_DEPTH: usize = 6;

/// A value, and its origin.
pub(super) struct Example {
    /// Its strings are in our notation.
    pub(super) value: Value,
    pub(super) is_made_up: bool,
}

/// The value of a node, with literal texts.
pub(super) fn value(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Scalar { text, is_plain } => scalar(text, *is_plain),
        Content::List(items) => Value::Array(items.iter().map(value).collect()),
        Content::Map(entries) => {
            let entries = entries
                .iter()
                .filter_map(|(key, node)| Some((key.text()?.to_owned(), value(node))));
            Value::Map(entries.collect())
        }
    }
}

fn scalar(text: &str, is_plain: bool) -> Value {
    match text {
        "true" | "True" if is_plain => Value::Bool(true),
        "false" | "False" if is_plain => Value::Bool(false),
        _ => match Value::number(text).filter(|_| is_plain) {
            Some(number) => number,
            None => Value::String(yaml::escaped(text)),
        },
    }
}

/// The example of a parameter or of a media type.
pub(super) fn example<'a>(node: &'a Node, references: &mut References<'a>) -> Option<Example> {
    let given = |value| Example {
        value,
        is_made_up: false,
    };
    if let Some(example) = node.get("example") {
        return Some(given(value(example)));
    }
    let first = node.get("examples").and_then(|all| all.entries().first());
    if let Some((_, first)) = first
        && let Some(found) = references.resolve(first).and_then(|one| one.get("value"))
    {
        return Some(given(value(found)));
    }
    let schema = node.get("schema")?;
    of_schema(schema, references, 0)
}

/// A value for a schema.
pub(super) fn of_schema<'a>(
    schema: &'a Node,
    references: &mut References<'a>,
    depth: usize,
) -> Option<Example> {
    let schema = references.resolve(schema)?;
    for key in ["example", "default", "const"] {
        if let Some(node) = schema.get(key) {
            return Some(Example {
                value: value(node),
                is_made_up: false,
            });
        }
    }
    for key in ["examples", "enum"] {
        if let Some(node) = schema.get(key).and_then(|all| all.items().first()) {
            return Some(Example {
                value: value(node),
                is_made_up: key == "enum",
            });
        }
    }
    if depth > MAX_DEPTH {
        return None;
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(first) = schema.get(key).and_then(|all| all.items().first()) {
            return of_schema(first, references, depth + 1);
        }
    }
    let value = match kind(schema, references).as_deref() {
        Some("object") => return Some(object(schema, references, depth)),
        Some("array") => return Some(array(schema, references, depth)),
        Some("integer" | "number") => number(schema),
        Some("boolean") => Value::Bool(true),
        Some("null") => Value::Null,
        _ => text(schema),
    };
    Some(Example {
        value,
        is_made_up: true,
    })
}

/// The type of a schema, except `null`.
pub(super) fn kind<'a>(schema: &'a Node, references: &mut References<'a>) -> Option<String> {
    kind_within(schema, references, 0)
}

fn kind_within<'a>(
    schema: &'a Node,
    references: &mut References<'a>,
    depth: usize,
) -> Option<String> {
    let types = match schema.get("type") {
        Some(node) if !node.items().is_empty() => {
            node.items().iter().filter_map(Node::text).collect()
        }
        Some(node) => vec![node.text()?],
        None => Vec::new(),
    };
    if let Some(found) = types.iter().find(|name| **name != "null").or(types.first()) {
        return Some((*found).to_owned());
    }
    if schema.get("properties").is_some() {
        return Some("object".to_owned());
    }
    if schema.get("items").is_some() {
        return Some("array".to_owned());
    }
    // A schema can combine itself.
    if depth > MAX_DEPTH {
        return None;
    }
    let parts = schema.get("allOf").map_or(&[][..], Node::items);
    parts.iter().find_map(|part| {
        let part = references.resolve(part)?;
        kind_within(part, references, depth + 1)
    })
}

/// A property of a schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property<'a> {
    pub(super) name: &'a str,
    /// Its schema. `None` if it is only required.
    pub(super) schema: Option<&'a Node>,
    pub(super) is_required: bool,
}

/// The properties of a schema and of the schemas that it combines. Several of them can have one of the
/// same name, whose schemas all apply.
pub(super) fn properties<'a>(
    schema: &'a Node,
    references: &mut References<'a>,
) -> Vec<Property<'a>> {
    let (mut all, mut required) = (Vec::new(), Vec::new());
    for part in parts(schema, references) {
        let own = part.get("properties").map_or(&[][..], Node::entries);
        all.extend(own.iter().filter_map(|(name, schema)| {
            Some(Property {
                name: name.text()?,
                schema: Some(schema),
                is_required: false,
            })
        }));
        let names = part.get("required").map_or(&[][..], Node::items);
        required.extend(names.iter().filter_map(Node::text));
    }
    for property in &mut all {
        property.is_required = required.contains(&property.name);
    }
    for name in required {
        if all.iter().all(|property| property.name != name) {
            all.push(Property {
                name,
                schema: None,
                is_required: true,
            });
        }
    }
    all
}

/// The schema, and the schemas that it combines with `allOf`, those first.
pub(super) fn parts<'a>(schema: &'a Node, references: &mut References<'a>) -> Vec<&'a Node> {
    let mut all = Vec::new();
    add_parts(schema, references, 0, &mut all);
    all
}

fn add_parts<'a>(
    schema: &'a Node,
    references: &mut References<'a>,
    depth: usize,
    all: &mut Vec<&'a Node>,
) {
    // A schema can combine itself.
    let Some(schema) = references.resolve(schema).filter(|_| depth <= MAX_DEPTH) else {
        return;
    };
    let is_known = |all: &Vec<&Node>| all.iter().any(|known| std::ptr::eq(*known, schema));
    for part in schema.get("allOf").map_or(&[][..], Node::items) {
        if !is_known(all) {
            add_parts(part, references, depth + 1, all);
        }
    }
    if !is_known(all) {
        all.push(schema);
    }
}

fn object<'a>(schema: &'a Node, references: &mut References<'a>, depth: usize) -> Example {
    let mut entries = Vec::new();
    let mut is_made_up = false;
    for Property {
        name,
        schema,
        is_required,
    } in properties(schema, references)
    {
        let Some(property) = schema.and_then(|schema| references.resolve(schema)) else {
            continue;
        };
        let is_of_server = property.text_of("readOnly") == Some("true");
        let is_given = ["example", "default", "const"]
            .iter()
            .any(|key| property.get(key).is_some());
        if is_of_server || !(is_required || is_given) {
            continue;
        }
        if let Some(example) = of_schema(property, references, depth + 1) {
            is_made_up |= example.is_made_up;
            // The last schema of a name is the most specific one.
            entries.retain(|(known, _)| known != name);
            entries.push((name.to_owned(), example.value));
        }
    }
    Example {
        value: Value::Map(entries),
        is_made_up,
    }
}

fn array<'a>(schema: &'a Node, references: &mut References<'a>, depth: usize) -> Example {
    // A schema can contain itself.
    let is_short = depth > 2 && schema.get("minItems").is_none();
    let item = schema
        .get("items")
        .filter(|_| !is_short)
        .and_then(|items| of_schema(items, references, depth + 1));
    let is_made_up = item.as_ref().is_none_or(|item| item.is_made_up);
    let value = Value::Array(item.map(|item| item.value).into_iter().collect());
    Example { value, is_made_up }
}

fn number(schema: &Node) -> Value {
    let least = schema.text_of("minimum").and_then(Value::number);
    least.unwrap_or(Value::Int(1))
}

fn text(schema: &Node) -> Value {
    let text = match schema.text_of("format") {
        Some("date-time") => "${now()}".to_owned(),
        Some("uuid") => "${uuid()}".to_owned(),
        Some("date") => "2026-01-31".to_owned(),
        Some("email") => "user@example.com".to_owned(),
        Some("uri" | "url") => "https://example.com".to_owned(),
        Some("ipv4") => "192.0.2.1".to_owned(),
        _ => {
            let length = schema
                .text_of("minLength")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0);
            let most = schema
                .text_of("maxLength")
                .and_then(|length| length.parse().ok())
                .unwrap_or(usize::MAX);
            let text = format!(
                "text{}",
                "x".repeat(usize::min(length, 1_000).saturating_sub(4))
            );
            text.chars().take(most).collect()
        }
    };
    Value::String(text)
}
