//! JSON documents as values, with all digits of their numbers.
//!
//! `serde_json` checks the syntax and reports errors. It does not read the values, because it
//! rounds numbers to doubles and rejects documents with a number that is too large.

use std::collections::HashMap;
use std::fmt::{self, Write};

use serde::de::IgnoredAny;

use super::{Number, Value};

/// Maximum depth of arrays and objects, the same as in `serde_json`.
const MAX_DEPTH: usize = 128;

impl Value {
    /// Reads a JSON document. If a key is repeated, the last value counts.
    ///
    /// # Errors
    /// The reason why it is not JSON, with line and column.
    pub fn from_json(document: &[u8]) -> Result<Self, String> {
        // A byte order mark is common in documents that Windows programs write.
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        serde_json::from_slice::<IgnoredAny>(document).map_err(|error| error.to_string())?;
        let mut reader = JsonReader { document, at: 0 };
        reader.value(0).ok_or_else(
            || match serde_json::from_slice::<serde_json::Value>(document) {
                Err(error) => error.to_string(),
                Ok(_) => "it cannot be read".to_owned(),
            },
        )
    }

    /// The value as a JSON document with all digits of numbers. Bytes become base64, NaN and the
    /// infinities their names, as in OTLP/JSON.
    #[must_use]
    pub fn to_json_text(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    pub(super) fn write_json(&self, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Number(number) => out.write_str(number.as_str()),
            Self::Array(items) => {
                out.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    out.write_str(if at > 0 { "," } else { "" })?;
                    item.write_json(out)?;
                }
                out.write_char(']')
            }
            Self::Map(entries) => {
                out.write_char('{')?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.write_str(if at > 0 { "," } else { "" })?;
                    write!(out, "{}:", serde_json::Value::from(key.as_str()))?;
                    value.write_json(out)?;
                }
                out.write_char('}')
            }
            scalar => write!(out, "{}", scalar.to_json()),
        }
    }
}

/// Reads a document whose syntax is valid.
struct JsonReader<'d> {
    document: &'d [u8],
    at: usize,
}

impl JsonReader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth >= MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        self.at += 1;
        while self.peek()? != b'}' {
            let key = self.string()?;
            self.skip(b':')?;
            let value = self.value(depth + 1)?;
            match known.get(&key) {
                Some(&earlier) => entries[earlier].1 = value,
                None => {
                    known.insert(key.clone(), entries.len());
                    entries.push((key, value));
                }
            }
            self.skip_comma()?;
        }
        self.at += 1;
        Some(Value::Map(entries))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.at += 1;
        while self.peek()? != b']' {
            items.push(self.value(depth + 1)?);
            self.skip_comma()?;
        }
        self.at += 1;
        Some(Value::Array(items))
    }

    /// `None` for an unpaired surrogate and for invalid UTF-8.
    fn string(&mut self) -> Option<String> {
        self.peek()?;
        let rest = self.document.get(self.at..)?;
        let mut end = 1;
        while *rest.get(end)? != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        self.at += end + 1;
        let inner = &rest[1..end];
        if inner.contains(&b'\\') {
            serde_json::from_slice(&rest[..=end]).ok()
        } else {
            String::from_utf8(inner.to_vec()).ok()
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Value> {
        let rest = &self.document[self.at..];
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        self.at += end;
        match &rest[..end] {
            b"true" => Some(Value::Bool(true)),
            b"false" => Some(Value::Bool(false)),
            b"null" => Some(Value::Null),
            digits => Value::number(std::str::from_utf8(digits).ok()?),
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.document.get(self.at..)?;
        self.at += rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        self.document.get(self.at).copied()
    }

    fn skip(&mut self, wanted: u8) -> Option<()> {
        let found = self.peek()?;
        self.at += 1;
        (found == wanted).then_some(())
    }

    fn skip_comma(&mut self) -> Option<()> {
        if self.peek()? == b',' {
            self.at += 1;
        }
        Some(())
    }
}

impl Value {
    /// Reads a number in JSON syntax: a 64-bit integer, or a number of any size and precision.
    pub(crate) fn number(text: &str) -> Option<Self> {
        if !Number::is_written(text) {
            return None;
        }
        // `-0` keeps its sign.
        if text != "-0"
            && let Ok(int) = text.parse()
        {
            return Some(Self::Int(int));
        }
        Number::parse(text).map(Self::Number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn a_document_is_written_as_it_was_read() {
        for text in [
            r#"{"id":18446744073709551615,"amount":1234.123456789012345678,"big":1e400,"z":-0}"#,
            r#"[1,1.0,1e2,1E+2,-0.0,"a\"\\b",true,false,null,{},[]]"#,
            r#""é""#,
        ] {
            assert_eq!(read(text).to_json_text(), text);
        }
        assert_eq!(
            read(" [ 1 , { \"a\" : \"\\u00e9\" } ] ").to_json_text(),
            r#"[1,{"a":"é"}]"#
        );
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert_eq!(read("\u{feff}[1]").to_json_text(), "[1]");
        assert!(Value::from_json("\u{feff}\u{feff}1".as_bytes()).is_err());
    }

    #[test]
    fn the_last_of_several_equal_keys_counts() {
        assert_eq!(
            read(r#"{"a":1,"b":2,"a":3}"#).to_json_text(),
            r#"{"a":3,"b":2}"#
        );
    }

    #[test]
    fn what_is_no_json_is_refused_with_the_place() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":01}",
            "NaN",
            "{\"a\": \"\\ud83d\"}",
            "[1] 2",
        ] {
            let why = Value::from_json(text.as_bytes()).unwrap_err();
            assert!(why.contains("line 1 column"), "{text}: {why}");
        }
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        assert!(
            Value::from_json(deep.as_bytes())
                .unwrap_err()
                .contains("recursion")
        );
        assert!(Value::from_json(b"\"\xff\"").is_err());
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "\\PC*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec(("\\PC*", inner), 0..6)
                    .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_document_is_read_as_serde_json_reads_it(json in any_json()) {
            let text = json.to_string();
            let value = read(&text);
            prop_assert_eq!(value.to_json_text(), text.clone());
            prop_assert!(value.same(&Value::from(json.clone())));
            prop_assert_eq!(read(&serde_json::to_string_pretty(&json).unwrap()), value);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in "[\\[\\]{}\":, 0-9eE.\\\\u-]{0,24}") {
            let ours = Value::from_json(bytes.as_bytes()).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&bytes);
            let too_large = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert_eq!(ours, theirs.is_ok() || too_large);
        }
    }
}
