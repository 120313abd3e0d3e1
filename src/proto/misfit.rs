//! The part of a JSON value that does not fit a message.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::json;

use super::message::read;
use super::problem::{Misfit, PathStep};
use crate::trace::Value;

/// The first part that does not fit; `reason` is that of the whole.
pub(super) fn misfit(of: &MessageDescriptor, value: &Value, reason: String) -> Misfit {
    in_message(of, value, &[]).unwrap_or_else(|| plain(&[], reason))
}

fn plain(path: &[PathStep], what: String) -> Misfit {
    Misfit {
        path: path.to_vec(),
        is_key: false,
        what,
        unknown: None,
        known: Vec::new(),
    }
}

fn to(path: &[PathStep], step: PathStep) -> Vec<PathStep> {
    let mut path = path.to_vec();
    path.push(step);
    path
}

fn in_message(of: &MessageDescriptor, value: &Value, path: &[PathStep]) -> Option<Misfit> {
    if is_special(of) {
        let reason = read(of, value.to_json()).err()?;
        let name = of.full_name();
        return Some(plain(
            path,
            format!("invalid value of type {name}: {reason}"),
        ));
    }
    let Value::Map(entries) = value else {
        let what = format!("a message of type {} must be a map", of.full_name());
        return Some(plain(path, what));
    };
    entries.iter().find_map(|(key, value)| {
        let path = to(path, PathStep::Key(key.clone()));
        let by_json = of.get_field_by_json_name(key);
        match by_json.or_else(|| of.get_field_by_name(key)) {
            Some(field) => in_field(&field, value, &path),
            None => Some(unknown_field(of, key, path)),
        }
    })
}

fn unknown_field(of: &MessageDescriptor, key: &str, path: Vec<PathStep>) -> Misfit {
    Misfit {
        path,
        is_key: true,
        what: format!("message {} has no field `{key}`", of.full_name()),
        unknown: Some(key.to_owned()),
        known: of.fields().map(|field| field.name().to_owned()).collect(),
    }
}

fn in_field(field: &FieldDescriptor, value: &Value, path: &[PathStep]) -> Option<Misfit> {
    let kind = field.kind();
    match value {
        // The default of any field.
        Value::Null => None,
        Value::Map(entries) if field.is_map() => entries.iter().find_map(|(key, value)| {
            let path = to(path, PathStep::Key(key.clone()));
            let entry = kind.as_message()?;
            let inner = entry.map_entry_value_field();
            let found = match inner.kind() {
                Kind::Message(of) if !value.is_null() => in_message(&of, value, &path),
                _ => None,
            };
            let single = Value::Map(vec![(key.clone(), value.clone())]);
            found.or_else(|| alone(field, &single, &path))
        }),
        Value::Array(items) if field.is_list() => {
            items.iter().enumerate().find_map(|(at, item)| {
                let path = to(path, PathStep::Item(at));
                let found = match &kind {
                    Kind::Message(of) => in_message(of, item, &path),
                    _ => None,
                };
                found.or_else(|| alone(field, &Value::Array(vec![item.clone()]), &path))
            })
        }
        value => match &kind {
            Kind::Message(of) if !field.is_map() && !field.is_list() => in_message(of, value, path),
            _ => alone(field, value, path),
        },
    }
}

/// A field whose value does not fit although it is the only one.
fn alone(field: &FieldDescriptor, value: &Value, path: &[PathStep]) -> Option<Misfit> {
    let of = field.parent_message();
    let reason = read(of, json!({ field.name(): value.to_json() })).err()?;
    let (name, kind) = (field.name(), type_name(field));
    if let Kind::Enum(names) = field.kind() {
        let written = last_text(value);
        return Some(Misfit {
            what: match &written {
                Some(text) => format!("`{name}` has no value `{text}`: it is of type {kind}"),
                None => format!("invalid value of `{name}`, of type {kind}: {reason}"),
            },
            unknown: written,
            known: values(&names),
            ..plain(path, String::new())
        });
    }
    let what = format!("invalid value of `{name}`, of type {kind}: {reason}");
    Some(plain(path, what))
}

/// The text of a value, or of the only element of a list or map.
fn last_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.last().and_then(last_text),
        Value::Map(entries) => entries.last().and_then(|(_, value)| last_text(value)),
        _ => None,
    }
}

fn values(of: &EnumDescriptor) -> Vec<String> {
    of.values().map(|value| value.name().to_owned()).collect()
}

fn type_name(field: &FieldDescriptor) -> String {
    let name = match field.kind() {
        Kind::Message(of) if field.is_map() => {
            let value = of.map_entry_value_field();
            return format!("map of {}", kind_name(&value.kind()));
        }
        kind => kind_name(&kind),
    };
    match field.is_list() {
        true => format!("repeated {name}"),
        false => name,
    }
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(of) => of.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        // `Int32`, `Bool`: the name of the type in a `.proto` file, with another case.
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Messages of which proto3 JSON is not a map of their fields.
fn is_special(of: &MessageDescriptor) -> bool {
    let Some(name) = of.full_name().strip_prefix("google.protobuf.") else {
        return false;
    };
    matches!(
        name,
        "Any" | "Timestamp" | "Duration" | "FieldMask" | "Struct" | "Value" | "ListValue" | "Empty"
    ) || name.ends_with("Value")
}

impl Value {
    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}
