//! Refuses matchers that no value can meet, and matchers that every value meets.

use std::cmp::Ordering;

use regex::Regex;

use super::Reader;
use super::matcher::Scalars;
use crate::spec::scope::Filled;
use crate::spec::{Comparison, Domain, Matcher, TimeComparison, ValueType};
use crate::trace::Value;
use crate::yaml::{Entry, Kind, Node, Scalar, Style};

/// An unusual text. A regular expression that matches it and the empty text matches everything.
const ODD: &str = "\u{1}~";

impl Reader<'_> {
    /// Refuses a comparison of numbers for a value that is always a string.
    pub(super) fn in_a_string<T>(&self, node: &Node, written: &str) -> Option<T> {
        let is_range = written.contains("..");
        let help = if is_range { ", or quote it" } else { "" };
        self.wrong(
            node.place,
            format!("`{written}` compares numbers, but this value is always a string"),
            "never a number",
            format!("write `{{ number: {written} }}` to convert the string to a number{help}"),
        )
    }

    /// Refuses the matcher of a key if no value of this type can meet it.
    pub(super) fn applies(
        &self,
        matcher: Matcher,
        entry: &Entry,
        scalars: Scalars,
    ) -> Option<Matcher> {
        let (kind, here) = match scalars {
            Scalars::Typed => return Some(matcher),
            Scalars::Texts => (ValueType::String, "this value is always a string"),
            Scalars::Numbers => (ValueType::Number, "this value is always a number"),
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
            format!("`{}` applies to {about}, but {here}", entry.key.text),
            "never matches",
            match scalars {
                Scalars::Numbers => "write a number, `> 3`, `1..` or a list of these",
                _ => "write a text, `=~ regex`, or `{ contains: … }`",
            },
        )
    }

    /// Refuses an empty text. `None` means a variable without a value.
    pub(super) fn not_empty_text(&self, text: Option<String>, entry: &Entry) -> Option<String> {
        match text {
            Some(text) if text.is_empty() => self.always_met(&entry.key.text, &entry.value),
            text => Some(text.unwrap_or_default()),
        }
    }

    /// Refuses an empty text, list or map.
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

    /// Refuses a regular expression that matches every text because it, or a variable in it, is empty.
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
                format!("`{key}` matches every value, because a variable is empty"),
                "set the variable, or write `exists` if any value is correct",
            )
        } else {
            (
                format!("`{key}` matches every value, because it is empty"),
                match node.kind {
                    Kind::Scalar(_) => {
                        "write the expected text, or `exists` if any value is correct"
                    }
                    _ => "write the expected parts, or `exists` if any value is correct",
                },
            )
        };
        self.wrong(node.place, what, "matches everything", help)
    }

    /// Refuses an empty variable under `not`: nearly every value differs from an empty text.
    pub(super) fn not_emptied(&self, node: &Node) -> Option<()> {
        match &node.kind {
            Kind::Scalar(scalar) if self.is_emptied(scalar, node) => self.wrong(
                node.place,
                "`not` matches every value, because a variable is empty",
                "empty variable",
                "set the variable; to accept any text except the empty one, write `{ not: \"\" }`",
            ),
            Kind::Scalar(_) => Some(()),
            Kind::List(items) => self.all(items, |item| self.not_emptied(item)).map(drop),
            Kind::Map(entries) => self
                .all(entries, |entry| self.not_emptied(&entry.value))
                .map(drop),
        }
    }

    /// A condition on a name, which is never empty.
    pub(super) fn name_matcher(&self, node: &Node) -> Option<Matcher> {
        let matcher = self.for_names().text_matcher(node)?;
        let is_empty = |scalar: &Scalar, node: &Node| {
            let is_text = scalar.style != Style::Plain && scalar.text.is_empty();
            is_text || self.is_emptied(scalar, node)
        };
        let alternatives = node.items();
        let written = |one: &&Node| one.scalar().is_some_and(|scalar| is_empty(scalar, one));
        match alternatives.iter().find(written) {
            None => Some(matcher),
            Some(empty) => self.wrong(
                empty.place,
                "this name is empty, and no name is",
                "is empty",
                "write the name, or give the variable in it a value",
            ),
        }
    }

    /// Refuses keys of one map that no value meets together.
    pub(super) fn not_contradictory(
        &self,
        every: Vec<Matcher>,
        node: &Node,
    ) -> Option<Vec<Matcher>> {
        // The value of a variable can be unknown here; a placeholder stands for it.
        let is_open: Vec<bool> = match &node.kind {
            Kind::Map(entries) => entries.iter().map(|e| has_variable(&e.value)).collect(),
            _ => vec![has_variable(node); every.len()],
        };
        let parts: Vec<(&Matcher, bool)> = every.iter().zip(is_open).collect();
        let pairs = parts.iter().enumerate();
        let mut pairs = pairs.flat_map(|(at, one)| parts[..at].iter().map(move |two| (*two, *one)));
        let contradict = |(one, one_open): (&Matcher, bool), (two, two_open): (&Matcher, bool)| {
            let is_placeholder =
                one_open && has_kind_of_value(one) || two_open && has_kind_of_value(two);
            !is_placeholder && exclude(one, two)
                || !one_open && !two_open && exclude_value(one, two)
        };
        let found = pairs.find(|(one, two)| contradict(*one, *two) || contradict(*two, *one));
        match found.map(|((one, _), (other, _))| (one, other)) {
            None => Some(every),
            Some((one, other)) => self.wrong(
                node.place,
                format!("no value meets both `{one}` and `{other}`"),
                "can never hold",
                "write what one value can be, or a list of alternatives",
            ),
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

/// No value meets both: it would be more than a limit and less than one below, or of one type and
/// of another.
fn exclude(one: &Matcher, other: &Matcher) -> bool {
    match (one, other) {
        // These may hold for values of any type.
        (Matcher::Type(_), Matcher::Type(_) | Matcher::Exists | Matcher::Absent) => false,
        (Matcher::Type(_), Matcher::Not(_) | Matcher::OneOf(_) | Matcher::Every(_)) => false,
        (Matcher::Type(ValueType::Number), other) => {
            let kinds = [ValueType::Int, ValueType::Double];
            !kinds.iter().any(|kind| other.domain().contains(*kind))
        }
        (Matcher::Type(kind), other) => !other.domain().contains(*kind),
        (
            Matcher::Compare(least @ (Comparison::Greater | Comparison::GreaterOrEqual), limit),
            Matcher::Compare(most @ (Comparison::Less | Comparison::LessOrEqual), greatest),
        ) => {
            let permits_both = least.allows(Ordering::Equal) && most.allows(Ordering::Equal);
            let order = limit.compare(greatest);
            order.is_some_and(|order| order.is_gt() || order.is_eq() && !permits_both)
        }
        _ => false,
    }
}

/// No value meets both: one demands a value that the other refuses, or that there is none.
fn exclude_value(one: &Matcher, other: &Matcher) -> bool {
    if let (
        Matcher::Time(TimeComparison::After, least),
        Matcher::Time(TimeComparison::Before, most),
    ) = (one, other)
    {
        return least >= most;
    }
    let Matcher::Equal(value) = one else {
        let is_absence = matches!(one, Matcher::Not(inner) if matches!(**inner, Matcher::Exists));
        return is_absence && !other.allows_absence();
    };
    let is_met = match (other, value) {
        (Matcher::Type(kind), Value::Null) => Some(*kind == ValueType::Null),
        (Matcher::Type(ValueType::Int), Value::Double(number)) => Some(number.fract() == 0.0),
        (Matcher::Type(ValueType::Int), Value::Number(number)) => {
            Some(number.nearest_double().fract() == 0.0)
        }
        (Matcher::Compare(side, limit), _) => value.compare(limit).map(|order| side.allows(order)),
        (Matcher::StartsWith(start), Value::String(text)) => Some(text.starts_with(start)),
        (Matcher::EndsWith(end), Value::String(text)) => Some(text.ends_with(end)),
        (Matcher::Contains(Value::String(part)), Value::String(text)) => Some(text.contains(part)),
        (Matcher::Regex(regex), Value::String(text)) => Some(regex.is_match(text)),
        _ => None,
    };
    is_met == Some(false)
}

/// The types that these apply to depend on the given value.
fn has_kind_of_value(matcher: &Matcher) -> bool {
    use Matcher::{Contains, Equal, Includes, Type};
    matches!(matcher, Equal(_) | Includes(_) | Contains(_) | Type(_))
}

fn has_variable(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text.contains("${"),
        Kind::List(items) => items.iter().any(has_variable),
        Kind::Map(entries) => entries.iter().any(|entry| has_variable(&entry.value)),
    }
}
