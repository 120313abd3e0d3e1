//! The parts of a response that an expression of a script names.

use std::collections::HashMap;

use super::script::bracket;
use crate::spec::member;
use crate::trace::Value;

/// A part of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Json(String),
    /// The length of the value at a path.
    Length(String),
    Code,
    /// The reason phrase of the status.
    StatusText,
    Time,
    Body,
    Header(String),
}

/// Names that the script declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) subjects: HashMap<String, Subject>,
    pub(super) values: HashMap<String, Value>,
}

impl Names {
    /// The subject of an expression, if it is one.
    pub(super) fn subject(&self, expression: &str) -> Option<Subject> {
        let expression = expression.trim();
        const FIXED: [(&str, Subject); 7] = [
            ("pm.response.code", Subject::Code),
            ("responseCode.code", Subject::Code),
            ("pm.response.status", Subject::StatusText),
            ("pm.response.responseTime", Subject::Time),
            ("responseTime", Subject::Time),
            ("pm.response.text()", Subject::Body),
            ("responseBody", Subject::Body),
        ];
        if let Some((_, subject)) = FIXED.iter().find(|(text, _)| *text == expression) {
            return Some(subject.clone());
        }
        for start in ["pm.response.headers.get", "postman.getResponseHeader"] {
            if let Some(rest) = expression.strip_prefix(start) {
                let (argument, rest) = bracket(rest)?;
                let name = string(argument)?;
                return rest.trim().is_empty().then_some(Subject::Header(name));
            }
        }
        for start in [
            "pm.response.json()",
            "JSON.parse(responseBody)",
            "JSON.parse(pm.response.text())",
        ] {
            if let Some(rest) = expression.strip_prefix(start) {
                return accessed("$".to_owned(), rest);
            }
        }
        let end = expression.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
        let (name, rest) = expression.split_at(end.unwrap_or(expression.len()));
        match (self.subjects.get(name)?, rest) {
            (subject, "") => Some(subject.clone()),
            (Subject::Json(path), rest) => accessed(path.clone(), rest),
            _ => None,
        }
    }

    /// The value of a literal, a constant or a variable of Postman.
    pub(super) fn value(&self, expression: &str) -> Option<Value> {
        let expression = expression.trim();
        if let Some(value) = self.values.get(expression) {
            return Some(value.clone());
        }
        if let Some(name) = variable_read(expression) {
            return Some(Value::String(format!(
                "${{{}}}",
                crate::import::template::variable_name(&name)
            )));
        }
        literal(expression)
    }
}

/// The name in `pm.environment.get("name")`.
fn variable_read(expression: &str) -> Option<String> {
    const SCOPES: [&str; 4] = [
        "pm.environment.get",
        "pm.collectionVariables.get",
        "pm.globals.get",
        "pm.variables.get",
    ];
    let rest = SCOPES
        .iter()
        .find_map(|scope| expression.strip_prefix(scope))?;
    let (argument, rest) = bracket(rest)?;
    rest.is_empty().then(|| string(argument))?
}

/// A value of JSON, a text in single quotes, or a list of these. The texts are in our notation.
pub(super) fn literal(expression: &str) -> Option<Value> {
    if let Some(text) = string(expression) {
        return Some(Value::String(crate::import::template::literal(&text)));
    }
    if let Some(items) = expression
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let items = match items.trim() {
            "" => Vec::new(),
            items => super::script::split(items, b','),
        };
        return items
            .into_iter()
            .map(literal)
            .collect::<Option<Vec<_>>>()
            .map(Value::Array);
    }
    let value = Value::from_json(expression.as_bytes()).ok()?;
    Some(crate::draft::yaml::with_texts(
        &value,
        &crate::import::template::literal,
    ))
}

/// The content of a string literal without variables.
pub(super) fn string(expression: &str) -> Option<String> {
    let expression = expression.trim();
    let sign = expression
        .chars()
        .next()
        .filter(|sign| "\"'`".contains(*sign))?;
    let inner = expression.strip_prefix(sign)?.strip_suffix(sign)?;
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                // Rare escapes are not read.
                'u' | 'x' => return None,
                other => text.push(other),
            },
            // Another string begins after this one.
            _ if character == sign => return None,
            '$' if sign == '`' && characters.as_str().starts_with('{') => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

/// The subject after `.name`, `["name"]` and `[0]`.
fn accessed(mut path: String, accessors: &str) -> Option<Subject> {
    let mut rest = accessors.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("?.").or_else(|| rest.strip_prefix('.')) {
            let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
            let (name, after) = inner.split_at(end.unwrap_or(inner.len()));
            if name.is_empty() || after.starts_with('(') {
                return None;
            }
            if name == "length" && after.is_empty() {
                return Some(Subject::Length(path));
            }
            path = member(&path, name);
            rest = after;
        } else if rest.starts_with('[') {
            let (index, after) = bracket(rest)?;
            path = match (string(index), index.trim().parse::<u32>()) {
                (Some(name), _) => member(&path, &name),
                (None, Ok(number)) => format!("{path}[{number}]"),
                (None, Err(_)) => return None,
            };
            rest = after;
        } else {
            return None;
        }
    }
    Some(Subject::Json(path))
}
