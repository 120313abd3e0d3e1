//! Whether a value is as a matcher wants it.

use crate::spec::{JsonPath, Matcher};
use crate::trace::Value;

/// Whether the value, or its absence, meets the matcher. What is absent meets only `absent` and
/// what says so in other words.
pub(super) fn meets(matcher: &Matcher, value: Option<&Value>) -> bool {
    match value {
        Some(value) => is_met_by(matcher, value),
        None => matcher.allows_absence(),
    }
}

/// As [`meets`], of a path in a document. A path that may give several nodes and gives none is
/// absent to `exists` and `absent`, and an empty list to all others.
pub(super) fn path_meets(path: &JsonPath, matcher: &Matcher, document: &serde_json::Value) -> bool {
    meets(matcher, path_value(path, matcher, document).as_ref())
}

/// What a matcher looks at under a path.
pub(super) fn path_value(
    path: &JsonPath,
    matcher: &Matcher,
    document: &serde_json::Value,
) -> Option<Value> {
    let value = path.value(document);
    match (&value, matcher) {
        (Some(Value::Array(nodes)), Matcher::Exists | Matcher::Absent | Matcher::Not(_))
            if nodes.is_empty() && !path.is_singular() =>
        {
            None
        }
        _ => value,
    }
}

fn is_met_by(matcher: &Matcher, value: &Value) -> bool {
    match matcher {
        Matcher::Equal(expected) => value.same(expected),
        Matcher::Regex(regex) => value.as_str().is_some_and(|text| regex.is_match(text)),
        Matcher::Compare(side, limit) => value
            .compare(limit)
            .is_some_and(|ordering| side.allows(ordering)),
        Matcher::Between(least, greatest) => is_between(value, least.as_ref(), greatest.as_ref()),
        Matcher::Exists => true,
        Matcher::Absent => false,
        Matcher::OneOf(any) => any.iter().any(|matcher| is_met_by(matcher, value)),
        Matcher::Not(inner) => !is_met_by(inner, value),
        Matcher::Contains(part) => contains(value, part),
        Matcher::StartsWith(start) => value.as_str().is_some_and(|text| text.starts_with(start)),
        Matcher::EndsWith(end) => value.as_str().is_some_and(|text| text.ends_with(end)),
        Matcher::Includes(part) => includes(value, part),
        Matcher::Length(limits) => length(value).is_some_and(|length| limits.contains(length)),
        Matcher::Type(kind) => kind.is_of(value),
        Matcher::Any(inner) => {
            matches!(value, Value::Array(items) if items.iter().any(|item| is_met_by(inner, item)))
        }
        Matcher::All(inner) => matches!(value, Value::Array(items)
            if !items.is_empty() && items.iter().all(|item| is_met_by(inner, item))),
        Matcher::Json(paths) => is_json(value, paths),
        Matcher::Every(all) => all.iter().all(|matcher| is_met_by(matcher, value)),
    }
}

fn is_between(value: &Value, least: Option<&Value>, greatest: Option<&Value>) -> bool {
    let is_number = matches!(value, Value::Int(_) | Value::Double(_));
    let within = |limit: Option<&Value>, allows: fn(std::cmp::Ordering) -> bool| {
        limit.is_none_or(|limit| value.compare(limit).is_some_and(allows))
    };
    is_number
        && within(least, std::cmp::Ordering::is_ge)
        && within(greatest, std::cmp::Ordering::is_le)
}

fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), part) => items.iter().any(|item| item.same(part)),
        _ => false,
    }
}

/// Whether `part` is a part of `whole`: of a map some entries, of an array, in order, elements of
/// which each includes its counterpart.
pub(super) fn includes(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Map(whole), Value::Map(part)) => part.iter().all(|(key, part)| {
            whole
                .iter()
                .any(|(name, value)| name == key && includes(value, part))
        }),
        (Value::Array(whole), Value::Array(part)) => {
            let mut rest = whole.iter();
            part.iter()
                .all(|part| rest.any(|value| includes(value, part)))
        }
        _ => whole.same(part),
    }
}

fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Array(items) => items.len(),
        Value::Map(entries) => entries.len(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) => return None,
    };
    u64::try_from(length).ok()
}

fn is_json(value: &Value, paths: &[(JsonPath, Matcher)]) -> bool {
    let document = value
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    document.is_some_and(|document: serde_json::Value| {
        paths
            .iter()
            .all(|(path, matcher)| path_meets(path, matcher, &document))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: serde_json::Value) -> Value {
        Value::from(value)
    }

    #[test]
    fn what_is_absent_satisfies_nothing_but_absence() {
        let paypal = Matcher::Equal(Value::from("paypal"));
        assert!(meets(&Matcher::Absent, None));
        assert!(meets(&Matcher::Not(Box::new(Matcher::Exists)), None));
        assert!(!meets(&Matcher::Not(Box::new(paypal.clone())), None));
        assert!(!meets(
            &Matcher::All(Box::new(paypal)),
            Some(&Value::Array(Vec::new()))
        ));
        assert!(!meets(&Matcher::Exists, None) && meets(&Matcher::Exists, Some(&Value::Null)));
    }

    #[test]
    fn a_part_of_a_structure_leaves_the_rest_open() {
        let whole = json(serde_json::json!({"order": {"sku": "A1", "lines": [1, 2, 3]}, "x": 1}));
        assert!(includes(
            &whole,
            &json(serde_json::json!({"order": {"lines": [1, 3]}}))
        ));
        assert!(!includes(
            &whole,
            &json(serde_json::json!({"order": {"lines": [3, 1]}}))
        ));
        assert!(!includes(
            &whole,
            &json(serde_json::json!({"order": {"sku": "B2"}}))
        ));
    }

    #[test]
    fn a_number_in_quotes_is_no_number() {
        let limit = Matcher::Compare(crate::spec::Comparison::Less, Value::Int(3));
        assert!(meets(&limit, Some(&Value::Double(2.9))));
        assert!(!meets(&limit, Some(&Value::from("2"))));
        let any = Matcher::Between(Some(Value::Int(1)), None);
        assert!(!meets(&any, Some(&Value::from("2"))) && meets(&any, Some(&Value::Int(2))));
    }
}
