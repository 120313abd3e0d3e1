//! Evaluates a matcher for a value: it matches, it differs, or the matcher cannot judge it.
//!
//! `misfit` describes the last case.

use std::cmp::Ordering;

use super::misfit::Misfit;
use super::readings::readings;
use crate::spec::{JsonPath, Matcher, TimeComparison, ValueType};
use crate::trace::Value;

/// The answer of a matcher about a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum MatchAnswer<'m> {
    /// The value matches.
    Matches,
    /// The value does not match.
    Differs,
    /// The matcher cannot judge the value, so neither the matcher nor its negation is met.
    DoesNotApply(Misfit<'m>),
}

/// The input of a matcher.
#[derive(Clone, Copy)]
pub(super) enum MatchInput<'v> {
    /// There is no value.
    Absent,
    /// No node of a path that can have several: absent for `exists`, `absent` and `not`, an empty
    /// array for all other matchers.
    NoNodes,
    /// An empty string in a field that OTLP cannot omit: absent for `exists`, `absent` and `not`,
    /// an empty string for all other matchers.
    NoText,
    /// A value.
    Value(&'v Value),
    /// A string outside a [`Value`].
    Text(&'v str),
}

const NO_NODES: Value = Value::Array(Vec::new());

pub(super) fn meets(matcher: &Matcher, value: Option<&Value>) -> bool {
    answer(matcher, MatchInput::of(value)).is_match()
}

/// Like [`meets`], for a string field of a span. OTLP does not distinguish an empty string from a
/// missing one.
pub(super) fn meets_text(matcher: &Matcher, text: &str) -> bool {
    let asked = match text {
        "" => MatchInput::NoText,
        text => MatchInput::Text(text),
    };
    answer(matcher, asked).is_match()
}

pub(super) fn answer<'m>(matcher: &'m Matcher, asked: MatchInput<'_>) -> MatchAnswer<'m> {
    match matcher {
        Matcher::Exists => MatchAnswer::of(asked.is_there()),
        Matcher::Absent => MatchAnswer::of(!asked.is_there()),
        Matcher::Not(inner) if asked.is_there() => answer(inner, asked).negated(),
        Matcher::Not(inner) => answer(inner, MatchInput::Absent).negated(),
        Matcher::OneOf(any) => one_of(any, asked),
        Matcher::Every(all) => every(all.iter().map(|matcher| answer(matcher, asked))),
        leaf => match asked {
            MatchInput::Absent => MatchAnswer::DoesNotApply(Misfit::absent(leaf)),
            MatchInput::NoNodes => about_value(leaf, &NO_NODES),
            MatchInput::NoText => about_text(leaf, ""),
            MatchInput::Value(value) => about_value(leaf, value),
            MatchInput::Text(text) => about_text(leaf, text),
        },
    }
}

/// The answer about a header with any number of values. One value must meet all matchers of a map;
/// a `not` must be met by all values.
pub(super) fn answer_of_several<'m>(matcher: &'m Matcher, values: &[&str]) -> MatchAnswer<'m> {
    let each = |matcher: &'m Matcher| {
        let values = values.iter();
        values.map(move |value| answer(matcher, MatchInput::Text(value)))
    };
    match matcher {
        _ if values.is_empty() => answer(matcher, MatchInput::Absent),
        Matcher::OneOf(any) => some(any.iter().map(|one| answer_of_several(one, values))),
        Matcher::Every(all) if matcher.negates() => {
            let (negative, positive): (Vec<&Matcher>, Vec<&Matcher>) =
                all.iter().partition(|one| one.negates());
            let positive = values.iter().map(|value| {
                every(
                    positive
                        .iter()
                        .map(|one| answer(one, MatchInput::Text(value))),
                )
            });
            let negative = negative.iter().map(|one| answer_of_several(one, values));
            every(negative.chain([some(positive)]))
        }
        _ if matcher.negates() => every(each(matcher)),
        _ => some(each(matcher)),
    }
}

/// The answer about the nodes of a path in a document.
pub(super) fn path_answer<'m>(
    path: &JsonPath,
    matcher: &'m Matcher,
    document: &Value,
) -> MatchAnswer<'m> {
    match path.value(document) {
        None => answer(matcher, MatchInput::Absent),
        Some(Value::Array(nodes)) if nodes.is_empty() && !path.is_singular() => {
            answer(matcher, MatchInput::NoNodes)
        }
        Some(value) => answer(matcher, MatchInput::Value(&value)),
    }
}

impl<'v> MatchInput<'v> {
    pub(super) fn of(value: Option<&'v Value>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }

    fn is_there(self) -> bool {
        matches!(self, Self::Value(_) | Self::Text(_))
    }
}

impl<'m> MatchAnswer<'m> {
    fn of(is_match: bool) -> Self {
        if is_match {
            Self::Matches
        } else {
            Self::Differs
        }
    }

    /// The answer of a comparison that cannot compare all values.
    fn of_known(is_match: Option<bool>, misfit: Misfit<'m>) -> Self {
        is_match.map_or(Self::DoesNotApply(misfit), Self::of)
    }

    pub(super) fn is_match(self) -> bool {
        matches!(self, Self::Matches)
    }

    /// The reason if the matcher could not judge the value.
    pub(super) fn misfit(self) -> Option<Misfit<'m>> {
        match self {
            Self::DoesNotApply(misfit) => Some(misfit),
            Self::Matches | Self::Differs => None,
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Matches => Self::Differs,
            Self::Differs => Self::Matches,
            misfit @ Self::DoesNotApply(_) => misfit,
        }
    }
}

/// One that differs decides, then one that does not apply.
fn every<'m>(answers: impl Iterator<Item = MatchAnswer<'m>>) -> MatchAnswer<'m> {
    let mut all = MatchAnswer::Matches;
    for answer in answers {
        match answer {
            MatchAnswer::Matches => {}
            MatchAnswer::Differs => return answer,
            MatchAnswer::DoesNotApply(_) => all = answer,
        }
    }
    all
}

/// One that matches decides, then one that does not apply.
fn some<'m>(answers: impl Iterator<Item = MatchAnswer<'m>>) -> MatchAnswer<'m> {
    let mut all = MatchAnswer::Differs;
    for answer in answers {
        match answer {
            MatchAnswer::Matches => return answer,
            MatchAnswer::Differs => {}
            MatchAnswer::DoesNotApply(_) => all = answer,
        }
    }
    all
}

/// The alternatives of a list can have different types. One that does not apply matters only if
/// none applies, or if the value would match it in another type: `[500..599, none]` and "503".
fn one_of<'m>(any: &'m [Matcher], asked: MatchInput<'_>) -> MatchAnswer<'m> {
    let mut misfits = Vec::new();
    let mut applies = false;
    for matcher in any {
        match answer(matcher, asked) {
            MatchAnswer::Matches => return MatchAnswer::Matches,
            MatchAnswer::Differs => applies = true,
            MatchAnswer::DoesNotApply(misfit) => misfits.push((matcher, misfit)),
        }
    }
    let counts = |(matcher, _): &(&Matcher, Misfit<'m>)| !applies || would_match(matcher, asked);
    match misfits.into_iter().find(counts) {
        Some((_, misfit)) => MatchAnswer::DoesNotApply(misfit),
        None => MatchAnswer::Differs,
    }
}

/// Returns `true` if the matcher would match one of the [readings] of the value.
pub(super) fn would_match(matcher: &Matcher, asked: MatchInput<'_>) -> bool {
    let value = match asked {
        MatchInput::Value(value) => value.clone(),
        MatchInput::Text(text) => Value::from(text),
        MatchInput::Absent | MatchInput::NoNodes | MatchInput::NoText => return false,
    };
    let readings = readings(&value);
    readings
        .iter()
        .any(|other| answer(matcher, MatchInput::Value(other)).is_match())
}

fn about_text<'m>(matcher: &'m Matcher, text: &str) -> MatchAnswer<'m> {
    // Fast path without a `Value`, because selectors evaluate these for every span.
    match matcher {
        Matcher::Equal(Value::String(expected)) => MatchAnswer::of(expected == text),
        Matcher::Regex(regex) => MatchAnswer::of(regex.is_match(text)),
        _ => about_value(matcher, &Value::from(text)),
    }
}

fn about_value<'m>(matcher: &'m Matcher, value: &Value) -> MatchAnswer<'m> {
    let kind = ValueType::of(value);
    if !matcher.domain().contains(kind) {
        return MatchAnswer::DoesNotApply(Misfit::of_type(matcher, kind));
    }
    let on_text = |is_match: &dyn Fn(&str) -> bool| value.as_str().map(is_match);
    let known = match matcher {
        Matcher::Equal(expected) => equal(expected, value),
        Matcher::Regex(regex) => on_text(&|text| regex.is_match(text)),
        Matcher::StartsWith(start) => on_text(&|text| text.starts_with(start.as_str())),
        Matcher::EndsWith(end) => on_text(&|text| text.ends_with(end.as_str())),
        Matcher::Compare(side, limit) => value.compare(limit).map(|order| side.allows(order)),
        Matcher::Between(least, greatest) => is_between(value, least.as_ref(), greatest.as_ref()),
        Matcher::Contains(part) => contains(value, part),
        Matcher::Includes(part) => is_part(part, value),
        Matcher::Length(limits) => length(value).map(|length| limits.contains(length)),
        Matcher::Type(kind) => Some(kind.is_of(value)),
        Matcher::SameItems(items) => same_items(items, value),
        Matcher::Any(inner) => return some(elements(inner, value)),
        Matcher::All(_) if value == &NO_NODES => {
            return MatchAnswer::DoesNotApply(Misfit::empty(matcher));
        }
        Matcher::All(inner) => return every(elements(inner, value)),
        Matcher::Json(paths) => return in_json(matcher, paths, value),
        Matcher::Number(inner) => return as_number(matcher, inner, value),
        Matcher::Time(order, limit) => return as_time(matcher, *order, *limit, value),
        // Not leaves: `answer` handles them.
        Matcher::Exists | Matcher::Absent | Matcher::Not(_) => None,
        Matcher::OneOf(_) | Matcher::Every(_) => None,
    };
    MatchAnswer::of_known(known, Misfit::within(matcher))
}

fn as_time<'m>(
    matcher: &'m Matcher,
    order: TimeComparison,
    limit: jiff::Timestamp,
    value: &Value,
) -> MatchAnswer<'m> {
    let time = value.as_str().and_then(|text| text.parse().ok());
    let is_met = time.map(|time: jiff::Timestamp| match order {
        TimeComparison::After => time > limit,
        TimeComparison::Before => time < limit,
    });
    MatchAnswer::of_known(is_met, Misfit::no_time(matcher))
}

fn elements<'m, 'v>(
    matcher: &'m Matcher,
    array: &'v Value,
) -> impl Iterator<Item = MatchAnswer<'m>> + use<'m, 'v> {
    let items = match array {
        Value::Array(items) => items.as_slice(),
        _ => &[],
    };
    items
        .iter()
        .map(move |item| answer(matcher, MatchInput::Value(item)))
}

fn in_json<'m>(
    matcher: &'m Matcher,
    paths: &'m [(JsonPath, Matcher)],
    value: &Value,
) -> MatchAnswer<'m> {
    let parsed;
    let document = match value {
        Value::String(text) => match Value::from_json(text.as_bytes()) {
            Ok(document) => {
                parsed = document;
                &parsed
            }
            Err(_) => return MatchAnswer::DoesNotApply(Misfit::no_json(matcher)),
        },
        structure => structure,
    };
    every(
        paths
            .iter()
            .map(|(path, inner)| path_answer(path, inner, document)),
    )
}

fn as_number<'m>(matcher: &'m Matcher, inner: &'m Matcher, value: &Value) -> MatchAnswer<'m> {
    match value {
        Value::String(text) => match Value::number(text.trim()) {
            Some(number) => answer(inner, MatchInput::Value(&number)),
            None => MatchAnswer::DoesNotApply(Misfit::no_number(matcher)),
        },
        number => answer(inner, MatchInput::Value(number)),
    }
}

/// Equality of two values; `None` if their types cannot be compared. An expected null differs from
/// every other value.
fn equal(expected: &Value, found: &Value) -> Option<bool> {
    match (expected, found) {
        (Value::Null, found) => Some(*found == Value::Null),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            all_known(expected.iter().zip(found).map(|(a, b)| equal(a, b)))
        }
        (Value::Map(expected), Value::Map(entries)) if expected.len() == entries.len() => {
            all_known(expected.iter().map(|(key, expected)| {
                let found = found.get(key);
                found.map_or(Some(false), |found| equal(expected, found))
            }))
        }
        _ if expected.is_number() && found.is_number() => Some(expected.same(found)),
        _ => {
            let is_same_type = ValueType::of(expected) == ValueType::of(found);
            is_same_type.then(|| expected == found)
        }
    }
}

fn is_between(value: &Value, least: Option<&Value>, greatest: Option<&Value>) -> Option<bool> {
    let within = |limit: Option<&Value>, allows: fn(Ordering) -> bool| {
        limit.map_or(Some(true), |limit| value.compare(limit).map(allows))
    };
    all_known(
        [
            within(least, Ordering::is_ge),
            within(greatest, Ordering::is_le),
        ]
        .into_iter(),
    )
}

fn contains(value: &Value, part: &Value) -> Option<bool> {
    match (value, part) {
        (Value::String(text), Value::String(part)) => Some(text.contains(part.as_str())),
        (Value::Array(items), part) => any_known(items.iter().map(|item| equal(part, item))),
        _ => None,
    }
}

/// Returns `true` if `part` is a part of `whole`: some entries of a map, or elements of an array in
/// this order, recursively.
pub(super) fn includes(whole: &Value, part: &Value) -> bool {
    is_part(part, whole) == Some(true)
}

fn is_part(part: &Value, whole: &Value) -> Option<bool> {
    match (whole, part) {
        (Value::Map(_), Value::Map(part)) => all_known(part.iter().map(|(key, part)| {
            let value = whole.get(key);
            value.map_or(Some(false), |value| is_part(part, value))
        })),
        (Value::Array(whole), Value::Array(part)) => {
            let mut rest = whole.iter();
            let is_found = part
                .iter()
                .all(|part| rest.any(|value| includes(value, part)));
            if is_found {
                return Some(true);
            }
            // A part without a counterpart decides, unless it cannot be compared with some element.
            all_known(
                part.iter()
                    .map(|part| any_known(whole.iter().map(|value| is_part(part, value)))),
            )
            .map(|_| false)
        }
        _ => equal(part, whole),
    }
}

/// Equality of the elements in any order.
fn same_items(expected: &[Value], value: &Value) -> Option<bool> {
    let Value::Array(found) = value else {
        return None;
    };
    let mut left: Vec<&Value> = found.iter().collect();
    let mut missing = Vec::new();
    for item in expected {
        match left.iter().position(|value| item.same(value)) {
            Some(at) => drop(left.swap_remove(at)),
            None => missing.push(item),
        }
    }
    if left.len() != missing.len() {
        return Some(false);
    }
    all_known(
        missing
            .iter()
            .map(|item| any_known(left.iter().map(|value| equal(item, value)))),
    )
}

fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Array(items) => items.len(),
        Value::Map(entries) => entries.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}

/// One that is false decides, then one that is not known.
pub(super) fn all_known(mut all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_known = true;
    let decides = all.any(|one| {
        is_known &= one.is_some();
        one == Some(false)
    });
    if decides {
        Some(false)
    } else {
        is_known.then_some(true)
    }
}

/// One that is true decides, then one that is not known.
pub(super) fn any_known(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all_known(all.map(|one| one.map(|is| !is))).map(|is| !is)
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
