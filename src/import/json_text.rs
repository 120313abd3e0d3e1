//! JSON with `{{x}}` in and between its strings.

use super::http_request::json;
use super::template::from_mustache;
use crate::trace::Value;

/// Converts the name between `{{` and `}}` to an expression, without `${` and `}`.
pub(crate) type Expressions<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The value of a JSON text. A variable alone in a string is a text, and one between strings has its
/// own type.
pub(crate) fn templated(text: &str, expression: &Expressions<'_>) -> Option<Value> {
    json(&converted(text, expression))
}

fn converted(text: &str, expression: &Expressions<'_>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if character == '"' {
            let (string, after) = rest.split_at(string_end(rest));
            written.push_str(&converted_string(string, expression));
            rest = after;
            continue;
        }
        let variable = rest
            .strip_prefix("{{")
            .and_then(|inner| inner.split_once("}}"));
        match variable.and_then(|(name, after)| Some((expression(name.trim())?, after))) {
            Some((expression, after)) => {
                written.push_str(&format!("\"${{{expression}}}\""));
                rest = after;
            }
            None => {
                written.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    written
}

fn converted_string(string: &str, expression: &Expressions<'_>) -> String {
    let inner = string
        .strip_prefix("\"{{")
        .and_then(|inner| inner.strip_suffix("}}\""));
    let alone = inner.filter(|inner| !inner.contains("}}"));
    match alone.and_then(|name| expression(name.trim())) {
        Some(function) if function.contains('(') => format!("\"${{{function}}}\""),
        Some(name) => format!("\"${{text({name})}}\""),
        None => from_mustache(string, expression),
    }
}

/// The offset after the closing quote of a string.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
