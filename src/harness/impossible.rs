//! Conditions that no span can meet, and conditions that every span meets.
//!
//! An assertion that such a span exists always fails, but an assertion that there is none always
//! passes. So they are errors as soon as a pattern is made.

use crate::spec::{Ask, Bounds, Choice, Limits, LogAsk, LogCondition, Matcher};
use crate::trace::Value;

/// The reason why no span meets a condition, or why every span does.
pub(super) fn condition(ask: &Ask) -> Option<String> {
    match ask {
        Ask::Name(matcher)
        | Ask::Service(matcher)
        | Ask::Scope(matcher)
        | Ask::StatusMessage(matcher) => string(matcher, &ask.subject()),
        Ask::Attribute(_, matcher) | Ask::Resource(_, matcher) => value(matcher),
        Ask::Duration(range) | Ask::SelfTime(range) => limits(range),
        Ask::Event(event) => {
            let name = event.name.as_ref();
            name.and_then(|name| string(name, "name of an event"))
                .or_else(|| event.attributes.iter().find_map(|(_, of)| value(of)))
                .or_else(|| limits(&event.count))
        }
        Ask::LinkCount(count) => limits(count),
        Ask::Link(link) => limits(&link.count),
        Ask::Relation(relation) => limits(&relation.count),
        Ask::AnyOf(alternatives) => {
            let mut all = alternatives.iter().flatten();
            all.find_map(|one| condition(&one.ask))
        }
        Ask::Kind(_) | Ask::Type(_) | Ask::Status(_) => None,
    }
}

/// The reason why no span meets all conditions at once.
pub(super) fn together<'a>(asks: impl Iterator<Item = &'a Ask>) -> Option<String> {
    let asks: Vec<&Ask> = asks.collect();
    asks.iter().enumerate().find_map(|(at, one)| {
        let mut others = asks[at + 1..].iter();
        let other = others.find(|other| contradict(one, other))?;
        let (subject, one, other) = (one.subject(), one.expected(), other.expected());
        Some(format!(
            "no span meets both conditions on {subject}: {one} and {other}"
        ))
    })
}

/// The reason why no log record meets a condition, or why every one does.
pub(super) fn log_condition(ask: &LogAsk) -> Option<String> {
    match ask {
        LogAsk::Service(matcher) | LogAsk::Event(matcher) | LogAsk::Scope(matcher) => {
            string(matcher, &ask.subject())
        }
        LogAsk::Body(matcher) | LogAsk::Attribute(_, matcher) | LogAsk::Resource(_, matcher) => {
            value(matcher)
        }
        LogAsk::Severity(range) => limits(range),
        LogAsk::On(_) => None,
    }
}

/// The reason why no log record meets all conditions at once.
pub(super) fn logs_together(conditions: &[LogCondition]) -> Option<String> {
    conditions.iter().enumerate().find_map(|(at, one)| {
        let mut others = conditions[at + 1..].iter();
        let other = others.find(|other| logs_contradict(&one.ask, &other.ask))?;
        Some(format!(
            "no log record meets both conditions on {}: {} and {}",
            one.ask.subject(),
            one.ask.expected(),
            other.ask.expected()
        ))
    })
}

fn logs_contradict(one: &LogAsk, other: &LogAsk) -> bool {
    match (one, other) {
        (LogAsk::Service(a), LogAsk::Service(b))
        | (LogAsk::Body(a), LogAsk::Body(b))
        | (LogAsk::Event(a), LogAsk::Event(b))
        | (LogAsk::Scope(a), LogAsk::Scope(b)) => exclude(a, b),
        (LogAsk::Attribute(key, a), LogAsk::Attribute(other, b))
        | (LogAsk::Resource(key, a), LogAsk::Resource(other, b)) => key == other && exclude(a, b),
        (LogAsk::Severity(a), LogAsk::Severity(b)) => are_apart(a, b),
        _ => false,
    }
}

/// No value is in both.
fn are_apart<T: Copy + Ord>(a: &Limits<T>, b: &Limits<T>) -> bool {
    let mut pairs = a.ranges.iter();
    pairs.all(|a| b.ranges.iter().all(|b| is_empty(&both(*a, *b))))
}

fn contradict(one: &Ask, other: &Ask) -> bool {
    match (one, other) {
        (Ask::Name(a), Ask::Name(b))
        | (Ask::Service(a), Ask::Service(b))
        | (Ask::Scope(a), Ask::Scope(b))
        | (Ask::StatusMessage(a), Ask::StatusMessage(b)) => exclude(a, b),
        (Ask::Attribute(key, a), Ask::Attribute(other, b))
        | (Ask::Resource(key, a), Ask::Resource(other, b)) => key == other && exclude(a, b),
        (Ask::Kind(a), Ask::Kind(b)) => are_disjoint(a, b),
        (Ask::Status(a), Ask::Status(b)) => are_disjoint(a, b),
        (Ask::Duration(a), Ask::Duration(b)) | (Ask::SelfTime(a), Ask::SelfTime(b)) => {
            are_apart(a, b)
        }
        _ => false,
    }
}

fn are_disjoint<T: PartialEq>(a: &Choice<T>, b: &Choice<T>) -> bool {
    !a.allowed.iter().any(|one| b.allowed.contains(one))
}

/// No value meets both matchers.
fn exclude(a: &Matcher, b: &Matcher) -> bool {
    let is_absent = |matcher: &Matcher| matches!(matcher, Matcher::Absent);
    if is_absent(a) || is_absent(b) {
        return !(a.allows_absence() && b.allows_absence());
    }
    match (values(a), values(b), a, b) {
        (Some(a), Some(b), ..) => !a.iter().any(|one| b.iter().any(|other| one.same(other))),
        (Some(values), _, _, Matcher::Regex(regex))
        | (_, Some(values), Matcher::Regex(regex), _) => {
            let mut texts = values.iter().filter_map(|value| value.as_str());
            !texts.any(|text| regex.is_match(text))
        }
        _ => false,
    }
}

/// All values that meet a matcher, if it lists them.
fn values(matcher: &Matcher) -> Option<Vec<&Value>> {
    match matcher {
        Matcher::Equal(value) => Some(vec![value]),
        Matcher::OneOf(several) => {
            let several: Option<Vec<Vec<&Value>>> = several.iter().map(values).collect();
            several.map(|several| several.concat())
        }
        _ => None,
    }
}

fn both<T: Copy + Ord>(a: Bounds<T>, b: Bounds<T>) -> Bounds<T> {
    let greatest = [a.greatest, b.greatest].into_iter().flatten().min();
    Bounds {
        least: a.least.max(b.least),
        greatest,
    }
}

fn is_empty<T: Copy + Ord>(range: &Bounds<T>) -> bool {
    matches!((range.least, range.greatest), (Some(least), Some(greatest)) if least > greatest)
}

fn limits<T: Copy + Ord>(limits: &Limits<T>) -> Option<String> {
    let is_impossible = limits.ranges.iter().all(is_empty);
    is_impossible.then(|| format!("nothing is in the range {}", limits.written))
}

/// A matcher of a field that is always a string.
fn string(matcher: &Matcher, subject: &str) -> Option<String> {
    let other = match matcher {
        Matcher::Equal(expected) | Matcher::Contains(expected) => expected.as_str().is_none(),
        Matcher::Compare(..)
        | Matcher::Between(..)
        | Matcher::Includes(_)
        | Matcher::Any(_)
        | Matcher::All(_) => true,
        Matcher::OneOf(several) | Matcher::Every(several) => {
            let wrong = several.iter().find_map(|one| string(one, subject));
            return wrong.or_else(|| value(matcher));
        }
        Matcher::Not(inner) => return string(inner, subject).or_else(|| value(matcher)),
        _ => false,
    };
    if other {
        return Some(format!("{subject} is a string, and `{matcher}` is not"));
    }
    value(matcher)
}

/// A matcher of a value of any type.
fn value(matcher: &Matcher) -> Option<String> {
    match matcher {
        Matcher::Equal(Value::Double(number)) if number.is_nan() => {
            Some("nothing equals NaN".to_owned())
        }
        Matcher::Compare(_, Value::Double(number)) if number.is_nan() => {
            Some("nothing can be compared with NaN".to_owned())
        }
        Matcher::Between(Some(least), Some(greatest))
            if least
                .compare(greatest)
                .is_none_or(std::cmp::Ordering::is_gt) =>
        {
            Some(format!("nothing is in the range {matcher}"))
        }
        Matcher::OneOf(several) if several.is_empty() => {
            Some("nothing is one of an empty array".to_owned())
        }
        Matcher::Not(inner) if matches!(**inner, Matcher::Exists) => {
            Some("nothing meets `not(exists())`: write `absent()`".to_owned())
        }
        Matcher::Regex(regex) if regex.as_str().is_empty() => {
            Some("every string matches an empty regular expression: write `exists()`".to_owned())
        }
        Matcher::Contains(part) if part.as_str() == Some("") => Some(EMPTY.to_owned()),
        Matcher::StartsWith(part) | Matcher::EndsWith(part) if part.is_empty() => {
            Some(EMPTY.to_owned())
        }
        Matcher::Length(length) => limits(length),
        Matcher::Not(inner) | Matcher::Any(inner) | Matcher::All(inner) => value(inner),
        Matcher::OneOf(several) | Matcher::Every(several) => several.iter().find_map(value),
        Matcher::Json(paths) => paths.iter().find_map(|(_, matcher)| value(matcher)),
        _ => None,
    }
}

const EMPTY: &str = "every string contains an empty string: write `exists()`";
