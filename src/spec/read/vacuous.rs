//! Matchers that no value can meet where they stand, and those that every value meets.

use regex::Regex;

use super::Reader;
use super::matcher::Scalars;
use crate::spec::scope::Filled;
use crate::spec::yaml::{Entry, Kind, Node, Scalar};
use crate::spec::{Domain, Matcher, ValueType};
use crate::trace::Value;

/// No expression that is written for a purpose is found in this and in nothing at all.
const ODD: &str = "\u{1}~";

impl Reader<'_> {
    /// Refuses a comparison of numbers where only strings can be.
    pub(super) fn in_a_string<T>(&self, node: &Node, written: &str) -> Option<T> {
        let is_range = written.contains("..");
        let help = if is_range { ", or quote it" } else { "" };
        self.wrong(
            node.place,
            format!("`{written}` compares numbers, and this is always a string"),
            "never a number",
            format!("write {{ number: {written} }} to read the string as a number{help}"),
        )
    }

    /// Refuses the matcher of a key if it can judge no value that can be here.
    pub(super) fn applies(
        &self,
        matcher: Matcher,
        entry: &Entry,
        scalars: Scalars,
    ) -> Option<Matcher> {
        let (kind, here) = match scalars {
            Scalars::Typed => return Some(matcher),
            Scalars::Texts => (ValueType::String, "this is always a string"),
            Scalars::Numbers => (ValueType::Number, "`number` gives a number"),
        };
        let is_type = match &matcher {
            Matcher::Type(wanted) if kind == ValueType::Number => Domain::Number.contains(*wanted),
            Matcher::Type(wanted) => *wanted == kind,
            _ => true,
        };
        if is_type && matcher.domain().contains(kind) {
            return Some(matcher);
        }
        let about = match &matcher {
            Matcher::Type(wanted) => format!("values of type {}", wanted.name()),
            other => other.domain().in_words().to_owned(),
        };
        self.wrong(
            entry.key.place,
            format!("this `{}` is about {about}, and {here}", entry.key.text),
            "can never hold",
            match scalars {
                Scalars::Numbers => "write a number, > 3, 1.. or a list of these",
                _ => "write a text, =~ regex, or { contains: … }",
            },
        )
    }

    /// Refuses a text that is part of every text. Nothing stands for one that is not known yet.
    pub(super) fn not_empty_text(&self, text: Option<String>, entry: &Entry) -> Option<String> {
        match text {
            Some(text) if text.is_empty() => self.always_met(&entry.key.text, &entry.value),
            text => Some(text.unwrap_or_default()),
        }
    }

    /// Refuses what is part of every text or structure.
    pub(super) fn not_empty_part(&self, part: Value, entry: &Entry) -> Option<Value> {
        let is_empty = match &part {
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty() && entry.key.text == "includes",
            Value::Map(entries) => entries.is_empty() && entry.key.text == "includes",
            _ => false,
        };
        if is_empty {
            return self.always_met(&entry.key.text, &entry.value);
        }
        Some(part)
    }

    /// Refuses an expression that is found in every text because it, or a variable in it, is empty.
    pub(super) fn not_empty_regex(
        &self,
        regex: Regex,
        written: &str,
        node: &Node,
    ) -> Option<Regex> {
        let is_found_in_all = || regex.is_match("") && regex.is_match(ODD);
        if regex.as_str().is_empty() || (written.contains("${") && is_found_in_all()) {
            return self.always_met("=~", node);
        }
        Some(regex)
    }

    fn always_met<T>(&self, key: &str, node: &Node) -> Option<T> {
        let written = node.scalar().map_or("", |scalar| scalar.text.as_str());
        let (what, help) = if written.contains("${") {
            (
                format!("a variable is empty, so that `{key}` matches every value"),
                "give the variable a value, or write `exists` if any value is right",
            )
        } else {
            (
                format!("this `{key}` is empty, so that it matches every value"),
                "write what the value has, or `exists` if any value is right",
            )
        };
        self.wrong(node.place, what, "matches everything", help)
    }

    /// Refuses a variable under `not` that is empty: nearly every value differs from an empty text.
    pub(super) fn not_emptied(&self, node: &Node) -> Option<()> {
        match &node.kind {
            Kind::Scalar(scalar) if self.is_emptied(scalar, node) => self.wrong(
                node.place,
                "a variable is empty, so that `not` matches every value",
                "is empty",
                "give the variable a value; for any text but the empty one, write { not: \"\" }",
            ),
            Kind::Scalar(_) => Some(()),
            Kind::List(items) => self.all(items, |item| self.not_emptied(item)).map(drop),
            Kind::Map(entries) => self
                .all(entries, |entry| self.not_emptied(&entry.value))
                .map(drop),
        }
    }

    fn is_emptied(&self, scalar: &Scalar, node: &Node) -> bool {
        scalar.text.contains("${")
            && match self.fill(scalar, node.place) {
                Some(Filled::Text(text) | Filled::Value(Value::String(text))) => text.is_empty(),
                _ => false,
            }
    }
}
