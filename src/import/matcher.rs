//! Matchers of an imported spec.

use super::{Map, Written};
use crate::draft::yaml;
use crate::trace::Value;

/// Special syntax, such as `exists` or `< 3`.
pub(crate) fn syntax(text: impl Into<String>) -> Written {
    Written::Syntax(text.into())
}

/// Matches this value. Its strings are texts with variables.
pub(crate) fn equal(value: &Value) -> Written {
    match value {
        Value::String(text) => Written::equal(text),
        Value::Array(_) | Value::Map(_) => keyed("equals", Written::json(value)),
        scalar => syntax(scalar.to_string()),
    }
}

/// Matches texts in which the regular expression is found.
pub(crate) fn regex(expression: &str) -> Written {
    syntax(format!("=~ {}", yaml::escaped(expression)))
}

/// Matches values that do not match, and have a type to which the matcher applies.
pub(crate) fn not(matcher: Written) -> Written {
    keyed("not", matcher)
}

/// A matcher with one key.
pub(crate) fn keyed(key: &str, value: impl Into<Written>) -> Written {
    Map::flow(key, value).into()
}

/// Matches values that match both.
pub(crate) fn both(first: Written, second: Written) -> Written {
    // A value that matches both is one that neither excludes.
    merged(&first, &second).unwrap_or_else(|| not(vec![not(first), not(second)].into()))
}

/// One plain matcher for both, if there is one.
pub(crate) fn merged(first: &Written, second: &Written) -> Option<Written> {
    let is_weaker =
        |weak: &Written, strong: &Written| *weak == syntax("exists") && !accepts_absence(strong);
    if first == second || is_weaker(second, first) {
        return Some(first.clone());
    }
    if is_weaker(first, second) {
        return Some(second.clone());
    }
    let (mut map, other) = (as_map(first)?, as_map(second)?);
    for (key, value) in other.values() {
        match map.get(key) {
            Some(known) if known != value => return None,
            Some(_) => {}
            None => map.put(key, value.clone()),
        }
    }
    Some(map.into())
}

/// Returns `true` for `absent`, also as one of several alternatives.
fn accepts_absence(matcher: &Written) -> bool {
    match matcher {
        Written::List(any) => any.iter().any(accepts_absence),
        matcher => *matcher == syntax("absent"),
    }
}

/// A matcher as a map, if it has this notation.
fn as_map(matcher: &Written) -> Option<Map> {
    match matcher {
        Written::Map(map) => Some(map.clone()),
        Written::Syntax(text) => {
            let bounds = [("<=", "lte"), (">=", "gte"), ("<", "lt"), (">", "gt")];
            bounds.iter().find_map(|(sign, key)| {
                let number = text.strip_prefix(sign)?.trim_start();
                Value::number(number)?;
                Some(Map::flow(key, syntax(number)))
            })
        }
        Written::Text(_) | Written::List(_) => None,
    }
}
