//! JSON for review: sorted keys, and several numbers per line.

use std::fmt::Write;

use serde_json::Value;

/// Maximum width of a line of numbers.
const WIDTH: usize = 100;

/// Writes a value, with a final line break.
pub(super) fn lay_out(value: &Value) -> String {
    let mut text = String::new();
    add(&mut text, value, 0);
    text.push('\n');
    text
}

fn add(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            block(text, ['{', '}'], depth, entries, |text, (key, value)| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{}: ", Value::from(key.as_str()));
                add(text, value, depth + 1);
            });
        }
        Value::Array(items) if items.iter().all(is_short) => fill(text, items, depth),
        Value::Array(items) => {
            block(text, ['[', ']'], depth, items, |text, item| {
                add(text, item, depth + 1)
            });
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn block<T>(
    text: &mut String,
    [open, close]: [char; 2],
    depth: usize,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut String, T),
) {
    text.push(open);
    for (at, one) in items.into_iter().enumerate() {
        text.push_str(if at > 0 { ",\n" } else { "\n" });
        text.push_str(&indent(depth + 1));
        item(text, one);
    }
    text.push('\n');
    text.push_str(&indent(depth));
    text.push(close);
}

/// Writes a list of short items, as many per line as fit.
fn fill(text: &mut String, items: &[Value], depth: usize) {
    let items: Vec<String> = items.iter().map(inline).collect();
    let whole = format!("[{}]", items.join(", "));
    if whole.len() + 2 * depth <= WIDTH {
        text.push_str(&whole);
        return;
    }
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if 2 * depth + line.len() + item.len() + 5 <= WIDTH => {
                line.push_str(", ");
                line.push_str(&item);
            }
            _ => lines.push(item),
        }
    }
    block(text, ['[', ']'], depth, lines, |text, line| {
        text.push_str(&line)
    });
}

fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// Returns `true` for a number or a pair of numbers.
fn is_short(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.len() <= 2 && items.iter().all(Value::is_number),
        other => other.is_number(),
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_numbers_share_lines() {
        let value =
            json!({ "b": [1, 2, 3], "a": { "z": [], "pairs": [[1, 2], [3, 4]], "y": null } });
        assert_eq!(
            lay_out(&value),
            "{\n  \"a\": {\n    \"pairs\": [[1, 2], [3, 4]],\n    \"y\": null,\n    \"z\": []\n  },\n  \"b\": [1, 2, 3]\n}\n"
        );
    }

    #[test]
    fn no_line_of_numbers_is_longer_than_a_hundred_columns() {
        let numbers: Vec<u64> = (100_000..101_000).collect();
        let value = json!({ "runs": [{ "samples": numbers }] });
        let text = lay_out(&value);
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(text.lines().count() < 100, "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
