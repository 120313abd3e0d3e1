//! Nodes of a YAML document.

use super::Place;
use crate::trace::Value;

/// A scalar, list or map with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: EntryKey,
    pub(crate) value: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EntryKey {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A scalar, unquoted and unescaped. `style` is its original notation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    Block,
}

impl Entry {
    /// A generated entry.
    pub(crate) fn of(key: &str, value: Node) -> Self {
        Self {
            key: EntryKey {
                text: key.to_owned(),
                place: value.place,
            },
            value,
        }
    }

    /// A generated entry with a text as its value.
    pub(crate) fn text(key: &str, text: &str) -> Self {
        let scalar = Scalar {
            text: text.to_owned(),
            style: Style::Quoted,
        };
        let value = Node {
            place: Place::default(),
            kind: Kind::Scalar(scalar),
        };
        Self::of(key, value)
    }
}

impl Node {
    /// A generated map.
    pub(crate) fn map(place: Place, entries: Vec<Entry>) -> Self {
        Self {
            place,
            kind: Kind::Map(entries),
        }
    }

    /// The kind of node, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The elements of a list, or the node itself.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(self),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|entry| entry.key.text == key)
                .map(|entry| &entry.value),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }
}

impl Scalar {
    /// The typed value of a scalar, or help if it is ambiguous.
    ///
    /// Only `true` and `false` are booleans and only JSON numbers are numbers, so that `NO` and
    /// `on` are strings. Texts that other YAML parsers read as numbers are refused.
    pub(crate) fn value(&self) -> Result<Value, String> {
        if self.style != Style::Plain {
            return Ok(Value::String(self.text.clone()));
        }
        let text = self.text.as_str();
        match text {
            "null" => return Ok(Value::Null),
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            "~" => return Err("write `null`, or quote it: \"~\"".to_owned()),
            _ => {}
        }
        if let Some(number) = Value::number(text) {
            return Ok(number);
        }
        if is_number_elsewhere(text) {
            let number = text.trim_start_matches('+').replace('_', "");
            return Err(match Value::number(&number) {
                Some(_) => format!("write `{number}`, or quote the string: \"{text}\""),
                None => format!("write the number as in JSON, or quote the string: \"{text}\""),
            });
        }
        Ok(Value::String(text.to_owned()))
    }
}

/// Returns `true` for `010`, `1_000`, `0x1f`, `0o17`, `+1`, `1.` and `.5`: some YAML parsers read
/// them as numbers, octal or decimal depending on the version.
fn is_number_elsewhere(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() - unsigned.len() > 1 {
        return false;
    }
    let radix = |prefix: &str, radix: u32| {
        unsigned.strip_prefix(prefix).is_some_and(|digits| {
            !digits.is_empty() && digits.chars().all(|c| c == '_' || c.is_digit(radix))
        })
    };
    let decimal = || {
        let has_digit = unsigned.contains(|c: char| c.is_ascii_digit());
        let one_point = unsigned.matches('.').count() <= 1;
        has_digit
            && one_point
            && unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && unsigned
                .chars()
                .all(|c| c.is_ascii_digit() || c == '_' || c == '.')
    };
    radix("0x", 16) || radix("0o", 8) || radix("0b", 2) || decimal()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Result<Value, String> {
        Scalar {
            text: text.to_owned(),
            style: Style::Plain,
        }
        .value()
    }

    #[test]
    fn only_true_and_false_are_booleans_and_norway_is_a_text() {
        assert_eq!(plain("true"), Ok(Value::Bool(true)));
        for text in [
            "NO",
            "yes",
            "True",
            "on",
            "2026-11-22",
            "1.2.3",
            "1..",
            "card",
            "-",
            "+",
            ".",
        ] {
            assert_eq!(plain(text), Ok(Value::from(text)), "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_json() {
        assert_eq!(plain("42"), Ok(Value::Int(42)));
        for text in [
            "-0.5e3",
            "1e999",
            "9223372036854775808",
            "0.1000000000000000055",
        ] {
            let number = plain(text).unwrap();
            assert!(number.is_number() && number.to_text() == text, "{text}");
        }
        for text in [
            "010", "1_000", "0x1F", "0o17", "+1", ".5", "1.", "00", "-01", "~",
        ] {
            assert!(plain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_quoted_number_is_a_text() {
        let quoted = Scalar {
            text: "010".to_owned(),
            style: Style::Quoted,
        };
        assert_eq!(quoted.value(), Ok(Value::from("010")));
    }
}
