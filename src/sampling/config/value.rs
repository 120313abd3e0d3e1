//! Values of a Collector's configuration: YAML with its types, and with variables expanded.
//!
//! Types are those of Go's YAML library, which has integers such as `100_000` and `010`; `yes` is a
//! string. Expansion is that of `confmap`: a value that is only `${…}` has the type of its text.

use std::cell::RefCell;

use super::finding::{Finding, LintRule};
use crate::yaml::foreign::{self, Content, Node};
use crate::yaml::{Location, Source};

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) at: Location,
    pub(super) data: Data,
    /// The text of the variable that this value is. A string is this text, whatever it looks like.
    original: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Timestamp,
    Text(String),
    List(Vec<Value>),
    Map(Vec<(Key, Value)>),
    /// Depends on something that is not known here.
    Unknown,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) at: Location,
}

impl Data {
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

/// The maximum number of expansions within a value; the Collector permits 1,000.
const MOST_EXPANSIONS: usize = 100;

impl Value {
    /// The text, if the Collector accepts the value as a string.
    pub(super) fn text(&self) -> Option<&str> {
        match (&self.original, &self.data) {
            (Some(text), _) | (None, Data::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<(&Key, &Self)> {
        let found = self
            .entries()
            .iter()
            .rev()
            .find(|(name, _)| name.text == key);
        found.map(|(key, value)| (key, value))
    }

    pub(super) fn entries(&self) -> &[(Key, Self)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// An integer, cut as the Collector cuts it; 0 for other types.
    pub(super) fn as_integer(&self) -> i64 {
        match self.data {
            Data::Integer(number) => i64::try_from(number).unwrap_or(i64::MAX),
            Data::Float(number) => number as i64,
            _ => 0,
        }
    }

    /// A number; 0 for other types.
    pub(super) fn as_number(&self) -> f64 {
        match self.data {
            Data::Integer(number) => number as f64,
            Data::Float(number) => number,
            _ => 0.0,
        }
    }

    pub(super) fn as_flag(&self) -> bool {
        matches!(self.data, Data::Bool(true))
    }

    /// The strings of a list, or the parts of a string between commas, each with its place.
    pub(super) fn as_texts(&self) -> Vec<(String, Location)> {
        match self.text() {
            Some("") => Vec::new(),
            Some(text) => {
                let parts = text.split(',');
                parts
                    .map(|part| (part.to_owned(), self.at.clone()))
                    .collect()
            }
            None => {
                let items = self.items().iter();
                let text = |item: &Self| item.text().unwrap_or_default().to_owned();
                items.map(|item| (text(item), item.at.clone())).collect()
            }
        }
    }

    /// The first key of a map, or the value: a place that can be underlined.
    pub(super) fn place(&self) -> &Location {
        match self.entries().first() {
            Some((key, _)) => &key.at,
            None => &self.at,
        }
    }

    /// The type, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Integer(_) => "an integer",
            Data::Float(_) => "a number",
            Data::Timestamp => "a date",
            Data::Text(_) => "a string",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
            Data::Unknown => "unknown",
        }
    }

    /// The value as written in the file, and never the value of a variable.
    pub(super) fn written(&self) -> String {
        const MOST: usize = 60;
        let text = self.at.text().lines().next().unwrap_or_default().trim();
        match text.char_indices().nth(MOST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        }
    }
}

/// A text for messages: as written, if it depends on a variable.
pub(super) fn shown<'t>(text: &'t str, at: &'t Location) -> &'t str {
    match is_variable(at) {
        true => at.text().trim_matches(['"', '\'']),
        false => text,
    }
}

/// Returns `true` if the text at a place depends on a variable, so that its value is not written.
pub(super) fn is_variable(at: &Location) -> bool {
    at.text().contains("${")
}

/// Converts nodes to values. `environment` gives the variables.
pub(super) struct Expander<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    findings: RefCell<Vec<Finding>>,
}

impl<'a> Expander<'a> {
    pub(super) fn new(environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            environment,
            findings: RefCell::default(),
        }
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }

    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    pub(super) fn value(&self, node: &Node) -> Value {
        let data = match &node.content {
            Content::Null => Data::Null,
            Content::Scalar { text, is_plain } => {
                return self.scalar(&node.at, typed(text, *is_plain));
            }
            Content::List(items) => Data::List(items.iter().map(|item| self.value(item)).collect()),
            Content::Map(entries) => {
                self.find_duplicates(node, entries);
                let entries = entries.iter().map(|(key, value)| {
                    let text = key.text().unwrap_or_default().to_owned();
                    let at = key.at.clone();
                    (Key { text, at }, self.value(value))
                });
                Data::Map(entries.collect())
            }
        };
        Value {
            at: node.at.clone(),
            data,
            original: None,
        }
    }

    /// Keys of a map that occur twice. Keys that are merged from an anchor stand before the map.
    fn find_duplicates(&self, map: &Node, entries: &[(Node, Node)]) {
        let own = |key: &Node| key.at.place.start >= map.at.place.start;
        for (number, (key, _)) in entries.iter().enumerate().filter(|(_, (key, _))| own(key)) {
            let earlier = entries[..number].iter().find(|(other, _)| {
                own(other) && other.text().is_some() && other.text() == key.text()
            });
            if let Some((first, _)) = earlier {
                let name = key.text().unwrap_or_default();
                let what = format!("the key `{name}` occurs twice in this map");
                let finding = Finding::new(LintRule::DuplicateKey, &key.at, what)
                    .also(&first.at, "first here")
                    .help("remove one of them");
                self.note(finding);
            }
        }
    }

    fn scalar(&self, at: &Location, data: Data) -> Value {
        let mut value = Value {
            at: at.clone(),
            data,
            original: None,
        };
        for _ in 0..MOST_EXPANSIONS {
            let Data::Text(text) = &value.data else { break };
            let Some(range) = find_reference(text) else {
                break;
            };
            let reference = text[range.clone()].to_owned();
            let is_whole = range.len() == text.len();
            let Some(found) = self.resolve(&reference, at) else {
                value.data = Data::Unknown;
                value.original = None;
                return value;
            };
            if is_whole {
                value = found;
            } else {
                let part = found.text().unwrap_or_default();
                value.data = Data::Text(text.replace(&reference, part));
                value.original = None;
            }
        }
        unescape(&mut value);
        value
    }

    /// The value of `${…}`; a finding and `None` if it is unknown.
    fn resolve(&self, reference: &str, at: &Location) -> Option<Value> {
        let inner = &reference[2..reference.len() - 1];
        let (scheme, rest) = inner.split_once(':').unwrap_or(("env", inner));
        if scheme != "env" {
            self.note(of_scheme(scheme, inner, at));
            return None;
        }
        let (name, default) = match rest.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (rest, None),
        };
        if !is_name(name) {
            let what = format!("`{reference}` does not name a variable");
            let finding = Finding::new(LintRule::BadVariable, at, what)
                .help("a name has letters, digits and `_`; write `$$` for a dollar sign");
            self.note(finding);
            return None;
        }
        match (self.environment)(name).or_else(|| default.map(str::to_owned)) {
            Some(text) => Some(self.of_variable(&text, at)),
            None => {
                let what = format!("the variable {name} is not set");
                let finding = Finding::new(LintRule::UnresolvedVariable, at, what)
                    .label("the Collector takes it as empty")
                    .help(format!(
                        "set {name} for this command, or give a default: `${{env:{name}:-…}}`"
                    ));
                self.note(finding);
                None
            }
        }
    }

    /// The value of a variable's text. All places are those of the reference, so that no snippet shows the text.
    fn of_variable(&self, text: &str, at: &Location) -> Value {
        let documents = foreign::read(&Source::new("", text));
        let parsed = match (documents.error, documents.roots.into_iter().next()) {
            (None, Some(node)) => relocated(&node, at),
            (None, None) => Value::null(at),
            (Some(_), _) => Value::of_text(text, at),
        };
        match parsed.data {
            Data::Text(_) => Value::of_text(text, at),
            data => Value {
                data,
                original: Some(text.to_owned()),
                at: at.clone(),
            },
        }
    }
}

impl Value {
    fn of_text(text: &str, at: &Location) -> Self {
        Self {
            at: at.clone(),
            data: Data::Text(text.to_owned()),
            original: None,
        }
    }

    fn null(at: &Location) -> Self {
        Self {
            at: at.clone(),
            data: Data::Null,
            original: None,
        }
    }
}

fn relocated(node: &Node, at: &Location) -> Value {
    let data = match &node.content {
        Content::Null => Data::Null,
        Content::Scalar { text, is_plain } => typed(text, *is_plain),
        Content::List(items) => Data::List(items.iter().map(|item| relocated(item, at)).collect()),
        Content::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let text = key.text().unwrap_or_default().to_owned();
                let at_key = at.clone();
                (Key { text, at: at_key }, relocated(value, at))
            });
            Data::Map(entries.collect())
        }
    };
    Value {
        at: at.clone(),
        data,
        original: None,
    }
}

fn of_scheme(scheme: &str, inner: &str, at: &Location) -> Finding {
    if let Some((name, default)) = inner.split_once(":-").filter(|(name, _)| is_name(name)) {
        return Finding::new(
            LintRule::BadVariable,
            at,
            format!("the Collector takes `{name}` in `${{{inner}}}` for the name of a provider"),
        )
        .help(format!("write `${{env:{name}:-{default}}}`"));
    }
    let what = format!("`${{{scheme}:…}}` is not evaluated");
    Finding::new(LintRule::UnknownValue, at, what)
        .help("check the configuration that the Collector prints with `print-config`")
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// The first reference that is not escaped by `$`.
fn find_reference(text: &str) -> Option<std::ops::Range<usize>> {
    let mut from = 0;
    while let Some(end) = text[from..].find('}').map(|end| from + end + 1) {
        let start = text[from..end].rfind("${").map(|start| from + start);
        let is_escaped = |start: usize| {
            let dollars = text[..start].bytes().rev().take_while(|byte| *byte == b'$');
            dollars.count() % 2 == 1
        };
        match start {
            Some(start) if !is_escaped(start) => return Some(start..end),
            _ => from = end,
        }
    }
    None
}

fn unescape(value: &mut Value) {
    let texts = match &mut value.data {
        Data::Text(text) => Some(text),
        _ => None,
    };
    for text in texts.into_iter().chain(&mut value.original) {
        if text.contains("$$") {
            *text = text.replace("$$", "$");
        }
    }
}

/// A scalar with the type that Go's YAML library gives it.
fn typed(text: &str, is_plain: bool) -> Data {
    if !is_plain {
        return Data::Text(text.to_owned());
    }
    match text {
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Data::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Data::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Data::Float(f64::NAN),
        _ => {}
    }
    let may_be_number = text.starts_with(|first: char| "0123456789+-.".contains(first));
    if !may_be_number {
        return Data::Text(text.to_owned());
    }
    if is_date(text) {
        return Data::Timestamp;
    }
    let plain = text.replace('_', "");
    if let Some(number) = integer(&plain) {
        return Data::Integer(number);
    }
    let is_decimal = plain
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match plain.parse().ok().filter(|_| is_decimal) {
        Some(number) => Data::Float(number),
        None => Data::Text(text.to_owned()),
    }
}

fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()? * sign;
    (number >= i128::from(i64::MIN) && number <= i128::from(u64::MAX)).then_some(number)
}

fn is_date(text: &str) -> bool {
    let day = text.split(['T', 't', ' ']).next().unwrap_or_default();
    let mut parts = day.split('-').map(|part| {
        let is_digits = part.bytes().all(|byte| byte.is_ascii_digit());
        if is_digits { part.len() } else { 0 }
    });
    let lengths = [parts.next(), parts.next(), parts.next(), parts.next()];
    matches!(lengths, [Some(4), Some(1 | 2), Some(1 | 2), None])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> (Value, Vec<String>) {
        let environment = |name: &str| match name {
            "TEN" => Some("10".to_owned()),
            "WORD" => Some("pay${env:TEN}".to_owned()),
            "MAP" => Some("{ a: [1, x] }".to_owned()),
            _ => None,
        };
        let expander = Expander::new(&environment);
        let documents = foreign::read(&Source::new("a.yaml", text));
        let value = expander.value(&documents.roots[0]);
        let findings = expander.into_findings().into_iter();
        (value, findings.map(|finding| finding.what).collect())
    }

    #[test]
    fn numbers_are_those_of_go() {
        for (text, expected) in [
            ("100_000", 100_000),
            ("010", 8),
            ("0o17", 15),
            ("0x1F", 31),
            ("-5", -5),
            ("+5", 5),
        ] {
            assert!(
                matches!(expanded(text).0.data, Data::Integer(number) if number == expected),
                "{text}"
            );
        }
        for text in ["1e3", "1.5", ".5", "-.inf", "1."] {
            assert!(matches!(expanded(text).0.data, Data::Float(_)), "{text}");
        }
        for text in ["yes", "'1'", "1.2.3", "10s", "0b2", "e5"] {
            assert!(matches!(expanded(text).0.data, Data::Text(_)), "{text}");
        }
        assert!(matches!(expanded("2024-01-02").0.data, Data::Timestamp));
    }

    #[test]
    fn variables_have_the_type_of_their_text_and_are_strings_where_a_string_is_needed() {
        let (ten, _) = expanded("${env:TEN}");
        assert!(matches!(ten.data, Data::Integer(10)));
        assert_eq!(ten.text(), Some("10"));
        assert_eq!(ten.written(), "${env:TEN}");
        for (text, expected) in [
            ("${WORD}", "pay10"),
            ("a-${env:TEN}-${TEN}", "a-10-10"),
            ("${env:NONE:-x y}", "x y"),
            ("a$$b $${env:TEN}", "a$b ${env:TEN}"),
            ("cost: $5", ""),
        ] {
            let (value, findings) = expanded(text);
            assert_eq!(value.text().unwrap_or_default(), expected, "{text}");
            assert!(findings.is_empty(), "{findings:?}");
        }
        let (map, _) = expanded("${MAP}");
        assert_eq!(map.get("a").map(|list| list.items().len()), Some(2));
        assert_eq!(
            map.get("a").map(|list| list.written()).as_deref(),
            Some("${MAP}")
        );
    }

    #[test]
    fn references_that_cannot_be_resolved_are_named() {
        for (text, expected) in [
            ("${env:NONE}", "the variable NONE is not set"),
            ("x${2}", "`${2}` does not name a variable"),
            (
                "${HOST:-a}",
                "the Collector takes `HOST` in `${HOST:-a}` for the name of a provider",
            ),
            ("${file:a.yaml}", "`${file:…}` is not evaluated"),
        ] {
            let (value, findings) = expanded(text);
            assert!(matches!(value.data, Data::Unknown), "{text}");
            assert_eq!(findings, [expected]);
        }
    }

    #[test]
    fn a_duplicate_key_is_found_and_a_merged_one_is_not() {
        assert_eq!(
            expanded("a: 1\nb: 2\na: 3").1,
            ["the key `a` occurs twice in this map"]
        );
        let text = "base: &b { x: 1, y: 2 }\nmore:\n  <<: *b\n  y: 3";
        assert!(expanded(text).1.is_empty());
    }
}
