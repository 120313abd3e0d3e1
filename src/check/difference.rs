//! Differences between the expected and the actual structure, by path.

use super::Difference;
use super::matching::includes;
use crate::spec::member;
use crate::trace::Value;

/// Upper limit of the differences that are listed.
const MOST: usize = 20;

/// Treatment of values that the expectation does not mention.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    Refused,
    Allowed,
}

pub(super) fn differences(expected: &Value, found: &Value, extra: Extra) -> Vec<Difference> {
    let mut all = Vec::new();
    compare("$", expected, Some(found), extra, &mut all);
    all
}

fn compare(
    path: &str,
    expected: &Value,
    found: Option<&Value>,
    extra: Extra,
    all: &mut Vec<Difference>,
) {
    if all.len() >= MOST {
        return;
    }
    match (expected, found) {
        (Value::Map(expected), Some(Value::Map(found))) => {
            for (key, expected) in expected {
                let value = found.iter().rfind(|(name, _)| name == key);
                let value = value.map(|(_, value)| value);
                compare(&member(path, key), expected, value, extra, all);
            }
            for (key, value) in found.iter().filter(|_| extra == Extra::Refused) {
                if !expected.iter().any(|(name, _)| name == key) {
                    push(
                        &member(path, key),
                        "nothing".to_owned(),
                        value.to_string(),
                        all,
                    );
                }
            }
        }
        (Value::Array(expected), Some(Value::Array(found))) if extra == Extra::Refused => {
            for at in 0..expected.len().max(found.len()) {
                let path = format!("{path}[{at}]");
                match (expected.get(at), found.get(at)) {
                    (Some(expected), found) => compare(&path, expected, found, extra, all),
                    (None, Some(value)) => {
                        push(&path, "nothing".to_owned(), value.to_string(), all);
                    }
                    (None, None) => {}
                }
            }
        }
        (expected, Some(found)) if extra == Extra::Allowed && includes(found, expected) => {}
        (expected, Some(found)) if found.same(expected) => {}
        (expected, found) => {
            let found = found.map_or_else(|| "nothing".to_owned(), Value::to_string);
            push(path, expected.to_string(), found, all);
        }
    }
}

fn push(path: &str, expected: String, found: String, all: &mut Vec<Difference>) {
    all.push(Difference {
        path: path.to_owned(),
        expected,
        found,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(expected: serde_json::Value, found: serde_json::Value, extra: Extra) -> Vec<String> {
        differences(&expected.into(), &found.into(), extra)
            .into_iter()
            .map(|difference| {
                let Difference {
                    path,
                    expected,
                    found,
                } = difference;
                format!("{path}: {expected} {found}")
            })
            .collect()
    }

    #[test]
    fn every_difference_is_named_by_its_path() {
        assert_eq!(
            paths(
                serde_json::json!({"order": {"sku": "A1", "n": [1, 2]}}),
                serde_json::json!({"order": {"sku": "B2", "n": [1]}, "a key": 0}),
                Extra::Refused
            ),
            [
                "$.order.sku: \"A1\" \"B2\"",
                "$.order.n[1]: 2 nothing",
                "$['a key']: nothing 0"
            ]
        );
    }

    #[test]
    fn of_a_part_only_what_is_missing_differs() {
        assert_eq!(
            paths(
                serde_json::json!({"order": {"sku": "A1"}}),
                serde_json::json!({"order": {"sku": "B2", "n": 1}, "more": 0}),
                Extra::Allowed
            ),
            ["$.order.sku: \"A1\" \"B2\""]
        );
    }
}
