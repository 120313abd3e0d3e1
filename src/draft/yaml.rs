//! Writes values as YAML that the reader converts to the same values.

use crate::trace::Value;

/// Maximum width of a value on the line of its key.
const WIDTH: usize = 88;

/// A text after a key, quoted if necessary.
pub(super) fn block(text: &str) -> String {
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
pub(super) fn flow(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || "/_".contains(c));
    let is_well =
        starts_well && text.chars().all(is_plain) && !text.ends_with(' ') && !is_word(text);
    if is_well {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Returns `true` for words with a meaning in the language.
fn is_word(text: &str) -> bool {
    matches!(text, "true" | "false" | "null" | "exists" | "absent")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A matcher for exactly this text.
pub(super) fn equal_text(text: &str) -> String {
    let written = escaped(text);
    let is_sign =
        written.trim_start().starts_with(['<', '>']) || written.trim_start().starts_with("=~");
    if is_sign || written.trim() != written {
        return format!("{{ equals: {} }}", quoted(&written));
    }
    block(&written)
}

/// A matcher for exactly this value. `None` for long values.
pub(super) fn equal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(equal_text(text)),
        Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Null => Some(value.to_string()),
        Value::Double(double) if double.is_finite() => Some(value.to_string()),
        Value::Array(_) => {
            let written = json_flow(&value.to_json());
            (written.len() <= WIDTH).then(|| format!("{{ equals: {written} }}"))
        }
        Value::Double(_) | Value::Bytes(_) | Value::Map(_) => None,
    }
}

/// The text with each literal `${` escaped.
pub(super) fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// A selector with only the name.
pub(super) fn name(name: &str) -> String {
    let written = equal_text(name);
    if name.starts_with('$') {
        return format!("{{ name: {} }}", quoted(&escaped(name)));
    }
    if written.starts_with('{') {
        return format!("{{ name: {written} }}");
    }
    written
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

/// A JSON value after a key. Long values are indented by `indent` on lines of their own.
pub(super) fn json(value: &serde_json::Value, indent: usize) -> String {
    let short = json_flow(value);
    let pad = " ".repeat(indent);
    match value {
        serde_json::Value::Object(entries) if short.len() > WIDTH => entries
            .iter()
            .map(|(key, value)| format!("\n{pad}{}: {}", key_text(key), json(value, indent + 2)))
            .collect(),
        serde_json::Value::Array(items) if short.len() > WIDTH => items
            .iter()
            .map(|item| format!("\n{pad}- {}", json_flow(item)))
            .collect(),
        _ => short,
    }
}

fn json_flow(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => flow(text),
        serde_json::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(json_flow).collect();
            format!("[{}]", items.join(", "))
        }
        serde_json::Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        serde_json::Value::Object(entries) => {
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
pub(super) fn key_text(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let starts_well = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts_well && key.chars().all(is_plain) && !is_word(key) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(json(&value, 4), "{ sku: A1, quantity: 2, note: \"a, b\" }");
    }

    use proptest::prelude::*;
    use std::path::Path;

    use crate::check::{Evidence, Outcome, judge};
    use crate::spec::{Context, Source, Spec};
    use crate::trace::{Attributes, Origin, Response, Span, SpanId, Trace, TraceId};

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
        fn whatever_a_span_says_can_be_written_and_is_met_by_it(
            name in "[ -~äλ]{1,20}|[<>=~!&*?|%@`'\"#,:{}$\\[\\]-]{1,4}[a-z0-9 ]{0,3}",
            key in "[a-z._${}: #-]{1,12}",
            text in any::<String>(),
            number in any::<i64>(),
            double in any::<f64>(),
        ) {
            let values = [Value::from(text.as_str()), number.into(), double.into()];
            for value in values {
                let Some(written) = equal(&value) else { continue };
                let mut span = Span::new(TraceId::random(), SpanId::random(), name.clone());
                span.attributes = Attributes::from_iter([(key.clone(), value)]);
                let find = super::name(&name);
                let key = key_text(&escaped(&key));
                let lines = format!("    - find: {find}\n      attributes:\n        {key}: {written}\n");
                prop_assert_eq!(passes(&lines, span), Ok(true), "{}", lines);
            }
        }

        #[test]
        fn whatever_json_is_sent_can_be_written(text in any::<String>(), key in any::<String>(), number in any::<i64>()) {
            let sent = serde_json::json!({ key: { "a": [text, number, null], "b": {} }, "x": "y".repeat(80) });
            let text = format!("request:\n  post: http://x\n  json: {}\nexpect: {{ status: 200 }}\n", json(&sent, 4));
            // Variables are substituted; everything else is unchanged.
            if !text.contains("${") {
                let specs = Spec::read_all(&Source::new("a.yaml", text.as_str()), Path::new("."), &Context::default());
                let specs = specs.map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
                let trigger = specs[0].steps[0].trigger(&specs[0].scope()).unwrap();
                let crate::spec::Trigger::Request(request) = trigger else { unreachable!() };
                let crate::spec::Body::Json(read) = request.body else { unreachable!() };
                prop_assert_eq!(read, Value::from(sent));
            }
        }
    }
}
