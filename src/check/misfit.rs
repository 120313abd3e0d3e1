//! Messages about values that a matcher cannot judge.

use crate::spec::{Matcher, Syntax, ValueType};
use crate::trace::Value;

/// A matcher and the reason why it cannot judge a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Misfit<'m> {
    matcher: &'m Matcher,
    found: MisfitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MisfitKind {
    Nothing,
    Type(ValueType),
    /// An array without elements.
    Empty,
    /// A string that is not JSON.
    NoJson,
    /// A string that is not a number.
    NoNumber,
    /// A string that is not a time.
    NoTime,
    /// A value of the right type with parts that cannot be compared, or NaN.
    Within,
}

impl<'m> Misfit<'m> {
    pub(super) fn absent(matcher: &'m Matcher) -> Self {
        let found = MisfitKind::Nothing;
        Self { matcher, found }
    }

    pub(super) fn of_type(matcher: &'m Matcher, kind: ValueType) -> Self {
        let found = MisfitKind::Type(kind);
        Self { matcher, found }
    }

    pub(super) fn within(matcher: &'m Matcher) -> Self {
        let found = MisfitKind::Within;
        Self { matcher, found }
    }

    pub(super) fn empty(matcher: &'m Matcher) -> Self {
        let found = MisfitKind::Empty;
        Self { matcher, found }
    }

    pub(super) fn no_json(matcher: &'m Matcher) -> Self {
        let found = MisfitKind::NoJson;
        Self { matcher, found }
    }

    pub(super) fn no_number(matcher: &'m Matcher) -> Self {
        let found = MisfitKind::NoNumber;
        Self { matcher, found }
    }

    pub(super) fn no_time(matcher: &'m Matcher) -> Self {
        let found = MisfitKind::NoTime;
        Self { matcher, found }
    }

    /// The actual type and the remedy; `None` for an absent value. `whole` is the matcher in the
    /// spec.
    pub(super) fn help(self, whole: &Matcher, syntax: Syntax) -> Option<String> {
        let key = key(self.matcher);
        let also = if whole.negates() {
            ", also under `not`"
        } else {
            ""
        };
        let kind = match self.found {
            MisfitKind::Nothing => return None,
            MisfitKind::Empty => {
                return Some(format!(
                    "`{key}` cannot judge an empty array: write {{ length: 0 }} to accept one"
                ));
            }
            MisfitKind::NoJson => {
                return Some("the string is not JSON, so `json` cannot judge it".into());
            }
            MisfitKind::NoTime => {
                return Some(format!(
                    "the string is not a time in RFC 3339, so `{key}` cannot judge it: write `=~ …` to check its form"
                ));
            }
            MisfitKind::NoNumber => {
                return Some("the string is not a number, so `number` cannot judge it: write a matcher for strings".into());
            }
            MisfitKind::Within
                if matches!(self.matcher, Matcher::Compare(..) | Matcher::Between(..)) =>
            {
                return Some(format!("`{key}` cannot judge NaN{also}"));
            }
            MisfitKind::Within => {
                return Some(format!(
                    "`{key}` cannot judge values of other types within this one{also}: check them with {{ json: {{ $.KEY: … }} }}"
                ));
            }
            MisfitKind::Type(kind) => kind,
        };
        let fact = format!(
            "{} was found, and `{key}` can only judge {}{also}",
            with_article(kind),
            self.matcher.domain().in_words(),
        );
        Some(match self.fix(kind, whole) {
            Some(fix) if syntax == Syntax::Yaml => format!("{fact}: write {fix}"),
            _ => fact,
        })
    }

    fn fix(self, kind: ValueType, whole: &Matcher) -> Option<String> {
        let negated = |fix: String| match whole {
            Matcher::Not(inner) if std::ptr::eq(&raw const **inner, self.matcher) => {
                format!("{{ not: {fix} }}")
            }
            _ if std::ptr::eq(whole, self.matcher) => fix,
            _ => format!("{fix} in its place"),
        };
        let own = written(self.matcher);
        if kind == ValueType::Null {
            return self.fix_for_null(whole);
        }
        let mut or = "";
        let fix = match (self.matcher, kind) {
            (Matcher::Compare(..) | Matcher::Between(..), ValueType::String) => {
                format!("{{ number: {} }}", own?)
            }
            (Matcher::Equal(value), ValueType::String) if value.is_number() => {
                or = ", or quote it";
                format!("{{ number: {value} }}")
            }
            (
                Matcher::Equal(Value::String(text)),
                ValueType::Int | ValueType::Double | ValueType::Number,
            ) if Value::number(text).is_some() => text.clone(),
            (Matcher::Equal(Value::String(text)), ValueType::Bool)
                if matches!(text.as_str(), "true" | "false") =>
            {
                text.clone()
            }
            (Matcher::Equal(Value::Bool(_)), ValueType::String) => {
                return Some("the string as found, in quotes".to_owned());
            }
            (Matcher::Equal(value), ValueType::Array) => {
                return Some(self.fix_for_array(value, whole));
            }
            (
                Matcher::Equal(_)
                | Matcher::Regex(_)
                | Matcher::Compare(..)
                | Matcher::Between(..)
                | Matcher::Contains(Value::String(_))
                | Matcher::StartsWith(_)
                | Matcher::EndsWith(_),
                ValueType::Map,
            ) => {
                format!("{{ json: {{ $.KEY: {} }} }}", own?)
            }
            (Matcher::Any(inner) | Matcher::All(inner), ValueType::String) => match &**inner {
                Matcher::Equal(part @ Value::String(_)) => format!("{{ contains: {part} }}"),
                inner => written(inner)?,
            },
            _ => return None,
        };
        Some(negated(fix) + or)
    }
}

impl Misfit<'_> {
    /// The alternatives to which the matcher belongs, perhaps under `not`. `None` if it is a part of
    /// another matcher.
    fn alternatives(self, whole: &Matcher) -> Option<&[Matcher]> {
        let inner = match whole {
            Matcher::Not(inner) => inner,
            whole => whole,
        };
        let all = match inner {
            Matcher::OneOf(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut each = all.iter();
        each.any(|one| std::ptr::eq(one, self.matcher))
            .then_some(all)
    }

    fn fix_for_null(self, whole: &Matcher) -> Option<String> {
        let Some(all) = self.alternatives(whole) else {
            // Under `not`, another alternative would refuse null.
            let own = written(self.matcher).filter(|_| !whole.negates())?;
            return Some(format!("[null, {own}] in its place to accept null"));
        };
        let own: Vec<String> = all.iter().map(written).collect::<Option<_>>()?;
        let own = match (whole, own.as_slice()) {
            (Matcher::Not(_), [one]) => format!("{{ not: {one} }}"),
            (Matcher::Not(_), own) => format!("{{ not: [{}] }}", own.join(", ")),
            (_, own) => own.join(", "),
        };
        Some(format!("[null, {own}] to accept null"))
    }

    fn fix_for_array(self, value: &Value, whole: &Matcher) -> String {
        let values = |all: &[Matcher]| all.iter().map(equal_value).collect::<Option<Vec<_>>>();
        let values = self.alternatives(whole).and_then(values);
        let is_negated = values.is_some() && matches!(whole, Matcher::Not(_));
        let place = if values.is_some() {
            ""
        } else {
            " in its place"
        };
        let items = Value::Array(values.unwrap_or_else(|| vec![value.clone()]));
        let element = match &items {
            Value::Array(items) if items.len() == 1 => value,
            items => items,
        };
        let written = |fix: String| match is_negated {
            true => format!("{{ not: {fix} }}"),
            false => fix,
        };
        format!(
            "{}{place} for the whole array, or {} for one element",
            written(format!("{{ equals: {items} }}")),
            written(format!("{{ any: {element} }}"))
        )
    }
}

/// The value that a matcher demands; `None` for other matchers.
fn equal_value(matcher: &Matcher) -> Option<Value> {
    match matcher {
        Matcher::Equal(value) => Some(value.clone()),
        _ => None,
    }
}

fn with_article(kind: ValueType) -> &'static str {
    match kind {
        ValueType::String => "a string",
        ValueType::Bool => "a boolean",
        ValueType::Int | ValueType::Double | ValueType::Number => "a number",
        ValueType::Bytes => "a value of bytes",
        ValueType::Array => "an array",
        ValueType::Map => "a map",
        ValueType::Null => "null",
    }
}

/// The key of a matcher in messages, or the matcher itself if it has no key.
fn key(matcher: &Matcher) -> String {
    let key = matcher.key().map(str::to_owned);
    key.unwrap_or_else(|| super::words::excerpt(&matcher.to_string()))
}

/// A short matcher as YAML within `{ }`.
fn written(matcher: &Matcher) -> Option<String> {
    Some(match matcher {
        Matcher::Equal(value @ (Value::Array(_) | Value::Map(_))) => {
            format!("{{ equals: {value} }}")
        }
        Matcher::Equal(value) => value.to_string(),
        Matcher::Regex(_) | Matcher::Compare(..) => Value::from(matcher.to_string()).to_string(),
        Matcher::Between(..) => matcher.to_string(),
        Matcher::StartsWith(text) => format!("{{ starts_with: {} }}", Value::from(text)),
        Matcher::EndsWith(text) => format!("{{ ends_with: {} }}", Value::from(text)),
        Matcher::Contains(value) => format!("{{ contains: {value} }}"),
        Matcher::Length(limits) => format!("{{ length: {limits} }}"),
        Matcher::Any(inner) => format!("{{ any: {} }}", written(inner)?),
        Matcher::All(inner) => format!("{{ all: {} }}", written(inner)?),
        _ => return None,
    })
}
