//! Writes values as YAML that the reader converts to the same values.

use crate::spec::{is_almost_a_word, is_almost_an_operator};
use crate::trace::Value;

/// Maximum width of a value on the line of its key.
const WIDTH: usize = 88;

/// A text after a key, quoted if necessary.
pub(crate) fn block(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:${}=&?+@%() ,".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || "/_$".contains(c));
    let is_well = starts_well
        && text.chars().all(is_plain)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !is_word(text);
    if is_well {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A text inside brackets or braces, quoted if necessary.
pub(crate) fn flow(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    let is_start = |c: char| c.is_ascii_alphabetic() || "/_".contains(c);
    let starts_well = text.starts_with(is_start) || text.starts_with("../");
    let is_well =
        starts_well && text.chars().all(is_plain) && !text.ends_with(' ') && !is_word(text);
    if is_well {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Returns `true` for words with a meaning in the language, or in YAML 1.1.
fn is_word(text: &str) -> bool {
    ["exists", "absent"].contains(&text.to_ascii_lowercase().as_str())
        || is_yaml_word(text)
        || is_almost_a_word(text)
}

/// Returns `true` for words with a meaning in YAML 1.1.
fn is_yaml_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A double-quoted scalar. In addition to the escapes of JSON, characters are escaped that YAML
/// does not permit, or takes for the end of a line.
pub(crate) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut written = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            special if is_escaped(special) => {
                written.push_str(&format!("\\u{:04x}", u32::from(special)));
            }
            other => written.push(other),
        }
    }
    written
}

/// Returns `true` for texts that a matcher without `equals` takes for an operator, or trims.
pub(crate) fn needs_equals(text: &str) -> bool {
    let start = text.trim_start();
    let is_operator = start.starts_with(['<', '>']) || start.starts_with("=~");
    is_operator || is_almost_an_operator(text) || text.trim() != text
}

/// Characters that YAML does not permit, or takes for the end of a line.
fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A matcher for exactly this text.
pub(super) fn equal_text(text: &str) -> String {
    let written = escaped(text);
    if needs_equals(&written) {
        return format!("{{ equals: {} }}", quoted(&written));
    }
    block(&written)
}

/// A matcher for exactly this name. An empty name in quotes is an error in a spec.
pub(super) fn equal_name(name: &str) -> String {
    match name {
        "" => "{ equals: \"\" }".to_owned(),
        name => equal_text(name),
    }
}

/// As [`equal_name`], inside brackets or braces.
pub(super) fn flow_name(name: &str) -> String {
    let written = equal_name(name);
    if written.starts_with('{') {
        written
    } else {
        flow(&escaped(name))
    }
}

/// A matcher for exactly this value. `None` for long values.
pub(super) fn equal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(equal_text(text)),
        Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Null => Some(value.to_string()),
        Value::Double(double) if double.is_finite() => Some(value.to_string()),
        Value::Array(_) if !is_finite(value) => None,
        Value::Array(_) => {
            let written = json_flow(&with_texts(value, &escaped));
            (written.len() <= WIDTH).then(|| format!("{{ equals: {written} }}"))
        }
        Value::Double(_) | Value::Bytes(_) | Value::Map(_) => None,
    }
}

/// Returns `false` if a number in a value is infinite or NaN, or if it contains bytes. YAML has no
/// notation for them.
fn is_finite(value: &Value) -> bool {
    match value {
        Value::Double(double) => double.is_finite(),
        Value::Bytes(_) => false,
        Value::Array(items) => items.iter().all(is_finite),
        Value::Map(entries) => entries.iter().all(|(_, value)| is_finite(value)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// A value with `change` applied to each string, except keys.
pub(crate) fn with_texts(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| with_texts(item, change)).collect())
        }
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), with_texts(value, change)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The text with each literal `${` escaped.
pub(crate) fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// A selector with only the name.
pub(super) fn name(name: &str) -> String {
    let written = equal_name(name);
    if name.starts_with('$') {
        return format!("{{ name: {} }}", quoted(&escaped(name)));
    }
    if written.starts_with('{') {
        return format!("{{ name: {written} }}");
    }
    written
}

/// A text after the colon of its key. Several lines are written as such, and get a line end.
pub(super) fn lines(text: &str, indent: usize) -> String {
    let is_fit = |line: &str| line.trim_end() == line && !line.chars().any(is_escaped);
    // The first line sets the indentation.
    let is_block = text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with('\n')
        && text.split('\n').all(is_fit);
    if !is_block {
        return format!(" {}", block(text));
    }
    let pad = " ".repeat(indent);
    let lines = text.split('\n').map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("\n{pad}{line}"),
    });
    format!(" |{}", lines.collect::<String>())
}

/// One number, or the range of several.
pub(super) fn count(numbers: impl Iterator<Item = usize> + Clone) -> String {
    let least = numbers.clone().min().unwrap_or_default();
    let most = numbers.max().unwrap_or_default();
    if least == most {
        least.to_string()
    } else {
        format!("{least}..{most}")
    }
}

/// A JSON value after the colon of its key. Long values are indented by `indent` on lines of their
/// own.
pub(crate) fn json(value: &Value, indent: usize) -> String {
    let short = json_flow(value);
    let pad = " ".repeat(indent);
    match value {
        Value::Map(entries) if short.len() > WIDTH => entries
            .iter()
            .map(|(key, value)| format!("\n{pad}{}:{}", key_text(key), json(value, indent + 2)))
            .collect(),
        Value::Array(items) if short.len() > WIDTH => items
            .iter()
            .map(|item| format!("\n{pad}- {}", json_flow(item)))
            .collect(),
        _ => format!(" {short}"),
    }
}

fn json_flow(value: &Value) -> String {
    match value {
        Value::String(text) => flow(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(json_flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", key_text(key), json_flow(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A user-defined key.
pub(crate) fn key_text(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.$".contains(c);
    // Also a path such as `$.order.id`.
    let starts_well = key.starts_with(|c: char| c.is_ascii_alphabetic() || "_$".contains(c));
    if starts_well && key.chars().all(is_plain) && !is_yaml_word(key) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

#[cfg(test)]
pub(in crate::draft) mod tests {
    use super::*;

    #[test]
    fn a_text_that_reads_as_something_else_is_quoted() {
        for (text, written) in [
            ("card", "card"),
            ("GET /orders/{id}", "GET /orders/{id}"),
            ("true", "\"true\""),
            ("42", "\"42\""),
            ("a: b", "\"a: b\""),
            ("- a", "\"- a\""),
            ("=~ x", "{ equals: \"=~ x\" }"),
            ("${x}", "$${x}"),
            ("", "\"\""),
        ] {
            assert_eq!(equal_text(text), written);
        }
    }

    #[test]
    fn json_is_short_where_it_fits() {
        let value = serde_json::json!({ "sku": "A1", "quantity": 2, "note": "a, b" });
        assert_eq!(
            json(&value.into(), 4),
            " { sku: A1, quantity: 2, note: \"a, b\" }"
        );
    }

    use proptest::prelude::*;
    use std::path::Path;

    use crate::check::{Evidence, Outcome, judge};
    use crate::spec::{Context, Source, Spec};
    use crate::trace::{Attributes, Origin, Response, Span, SpanId, Trace, TraceId};

    /// Texts that YAML, the language or terminals interpret, and any others.
    pub(in crate::draft) fn texts() -> impl Strategy<Value = String> {
        const PIECES: [&str; 64] = [
            "true", "NO", "~", "null", "exists", "absent", "-", "- ", "?", "? ", ":", ": ", " :",
            " #", "#", "&a", "*a", "!", "!!str", "|", ">", ">-", "%", "@", "`", "'", "\"", "\\",
            "\n", "\r\n", "\t", " ", "\u{85}", "\u{a0}", "\u{2028}", "\u{feff}", "\u{ffff}",
            "\u{7f}", "\0", "${", "$", "}", "{", "[", "]", ",", "=~", "<", "<= ", "1", "0x1",
            "1e3", "1_0", "..", ".inf", "---", "...", "<<", "=", "ä", "😀", "a", "/", "name",
        ];
        let piece = prop::sample::select(PIECES.as_slice());
        prop_oneof![
            any::<String>(),
            prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat()),
        ]
    }

    /// Returns `true` if a spec with these lines in `spans` passes for this span.
    fn passes(spans: &str, span: Span) -> Result<bool, String> {
        let text = format!("request: GET http://x\nexpect:\n  spans:\n{spans}");
        let source = Source::new("a.yaml", text);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default());
        let specs = specs.map_err(|errors| errors.to_string())?;
        let expect = specs[0].steps[0].expect(&specs[0].scope()).unwrap();
        let trace = Trace::assemble(span.trace_id, Origin::Foreign, [span]);
        let judgements = judge(&expect, &Evidence::new(&Response::None, Some(&trace), true));
        Ok(judgements
            .iter()
            .all(|one| one.judged.outcome == Outcome::Pass))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_a_span_says_can_be_written_and_is_met_by_it_alone(
            name in texts(),
            key in texts().prop_filter("`|` separates alternatives", |key| !key.contains('|')),
            text in texts(),
            number in any::<i64>(),
            double in any::<f64>(),
        ) {
            let array = Value::Array(vec![text.as_str().into(), number.into(), double.into()]);
            for value in [text.as_str().into(), number.into(), double.into(), array] {
                let Some(written) = equal(&value) else { continue };
                let find = super::name(&name);
                let written_key = key_text(&escaped(&key));
                let lines = format!("    - find: {find}\n      attributes:\n        {written_key}: {written}\n");
                let span = |name: &str, value| {
                    let mut span = Span::new(TraceId::random(), SpanId::random(), name);
                    span.attributes = Attributes::from_iter([(key.clone(), value)]);
                    span
                };
                let other = Value::from(format!("{text} "));
                prop_assert_eq!(passes(&lines, span(&name, value.clone())), Ok(true), "{}", lines);
                prop_assert_eq!(passes(&lines, span(&name, other)), Ok(false), "{}", lines);
                prop_assert_eq!(passes(&lines, span(&format!("{name} "), value)), Ok(false), "{}", lines);
            }
        }
    }
}
