//! Conditions on values.

use std::cmp::Ordering;
use std::fmt;

use regex::Regex;

use super::{JsonPath, Limits};
use crate::trace::Value;

/// A condition on a value. `check` evaluates it.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// Equal to this value. Numbers of different types can be equal.
    Equal(Value),
    /// A string that the regular expression matches anywhere.
    Regex(Regex),
    /// A number with this relation to the limit.
    Compare(Comparison, Value),
    /// A number in this inclusive range.
    Between(Option<Value>, Option<Value>),
    /// The value exists, even if null or empty.
    Exists,
    /// The value does not exist.
    Absent,
    /// At least one of these matches.
    OneOf(Vec<Matcher>),
    /// The value exists and does not match this.
    Not(Box<Matcher>),
    /// A string that contains this string, or an array with an equal element.
    Contains(Value),
    /// A string with this prefix.
    StartsWith(String),
    /// A string with this suffix.
    EndsWith(String),
    /// An array or map that includes this one.
    Includes(Value),
    /// Number of characters of a string, of bytes, or of entries of an array or map.
    Length(Limits<u64>),
    /// A value of this type.
    Type(ValueType),
    /// An array with an element that matches.
    Any(Box<Matcher>),
    /// A non-empty array in which every element matches.
    All(Box<Matcher>),
    /// A JSON string, an array or a map in which each path matches.
    Json(Vec<(JsonPath, Matcher)>),
    /// A number, or a string that contains one, that matches.
    Number(Box<Matcher>),
    /// An array with exactly these elements, in any order.
    SameItems(Vec<Value>),
    /// A string with a time after or before this one.
    Time(TimeComparison, jiff::Timestamp),
    /// All of these match.
    Every(Vec<Matcher>),
}

/// The order of two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeComparison {
    /// Later than the given time.
    After,
    /// Earlier than the given time.
    Before,
}

impl TimeComparison {
    /// Its key in specs.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Before => "before",
        }
    }
}

/// The types of values that a matcher can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// All types.
    Any,
    /// Strings.
    String,
    /// Integers and doubles.
    Number,
    /// Booleans.
    Bool,
    /// Bytes.
    Bytes,
    /// Arrays.
    Array,
    /// Maps.
    Map,
    /// Strings and arrays.
    StringOrArray,
    /// Strings and numbers.
    StringOrNumber,
    /// Values with a length: strings, bytes, arrays and maps.
    Sized,
    /// Strings, arrays and maps.
    Document,
}

impl Domain {
    /// The domain with the type of this value.
    fn like(value: &Value) -> Self {
        match value {
            Value::Null => Self::Any,
            Value::String(_) => Self::String,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) | Value::Double(_) | Value::Number(_) => Self::Number,
            Value::Bytes(_) => Self::Bytes,
            Value::Array(_) => Self::Array,
            Value::Map(_) => Self::Map,
        }
    }

    /// Returns `true` if it includes values of this type.
    #[must_use]
    pub fn contains(self, kind: ValueType) -> bool {
        use ValueType as Type;
        match self {
            Self::Any => true,
            Self::String => kind == Type::String,
            Self::Number => matches!(kind, Type::Int | Type::Double | Type::Number),
            Self::Bool => kind == Type::Bool,
            Self::Bytes => kind == Type::Bytes,
            Self::Array => kind == Type::Array,
            Self::Map => kind == Type::Map,
            Self::StringOrArray => matches!(kind, Type::String | Type::Array),
            Self::StringOrNumber => kind == Type::String || Self::Number.contains(kind),
            Self::Sized => matches!(kind, Type::String | Type::Bytes | Type::Array | Type::Map),
            Self::Document => matches!(kind, Type::String | Type::Array | Type::Map),
        }
    }

    /// In words, plural.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Any => "values of any type",
            Self::String => "strings",
            Self::Number => "numbers",
            Self::Bool => "booleans",
            Self::Bytes => "bytes",
            Self::Array => "arrays",
            Self::Map => "maps",
            Self::StringOrArray => "strings and arrays",
            Self::StringOrNumber => "strings and numbers",
            Self::Sized => "strings, bytes, arrays and maps",
            Self::Document => "JSON strings, arrays and maps",
        }
    }
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// The types of values, as the `type` matcher names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// A string.
    String,
    /// `true` or `false`.
    Bool,
    /// A 64-bit integer.
    Int,
    /// A double.
    Double,
    /// An integer or a double.
    Number,
    /// Bytes.
    Bytes,
    /// An array.
    Array,
    /// A map, or JSON object.
    Map,
    /// Null.
    Null,
}

impl Comparison {
    /// Returns `true` if a value with this ordering to the limit meets the comparison.
    #[must_use]
    pub fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// The operator as written in specs.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl ValueType {
    /// All types, with their names in specs.
    pub const ALL: [(&'static str, Self); 9] = [
        ("string", Self::String),
        ("bool", Self::Bool),
        ("int", Self::Int),
        ("double", Self::Double),
        ("number", Self::Number),
        ("bytes", Self::Bytes),
        ("array", Self::Array),
        ("map", Self::Map),
        ("null", Self::Null),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, each)| *each == self)
            .map_or("", |(name, _)| name)
    }

    /// The type of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let name = value.type_name();
        let found = Self::ALL.iter().find(|(each, _)| *each == name);
        found.map_or(Self::Null, |(_, kind)| *kind)
    }

    /// Returns `true` if the value has this type.
    #[must_use]
    pub fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Number => value.is_number(),
            _ => value.type_name() == self.name(),
        }
    }
}

impl Matcher {
    /// The types of values to which it applies. Other types never match, not even under `not`.
    /// `docs/spec.md` has the same table.
    #[must_use]
    pub fn domain(&self) -> Domain {
        match self {
            Self::Exists | Self::Absent | Self::Type(_) | Self::Equal(Value::Null) => Domain::Any,
            Self::Equal(value) | Self::Includes(value) => Domain::like(value),
            Self::Regex(_) | Self::StartsWith(_) | Self::EndsWith(_) | Self::Time(..) => {
                Domain::String
            }
            Self::Compare(..) | Self::Between(..) => Domain::Number,
            Self::Contains(Value::String(_)) => Domain::StringOrArray,
            Self::Contains(_) | Self::Any(_) | Self::All(_) | Self::SameItems(_) => Domain::Array,
            Self::Length(_) => Domain::Sized,
            Self::Json(_) => Domain::Document,
            Self::Number(_) => Domain::StringOrNumber,
            Self::Not(inner) => inner.domain(),
            // Each part has its own domain.
            Self::OneOf(_) | Self::Every(_) => Domain::Any,
        }
    }

    /// Returns `true` if a missing value matches: only for `absent` and its equivalents.
    #[must_use]
    pub fn allows_absence(&self) -> bool {
        self.of_absence() == Some(true)
    }

    /// The result for a missing value. `None` if it does not apply to one.
    fn of_absence(&self) -> Option<bool> {
        let all = |several: &[Self]| -> Vec<Option<bool>> {
            several.iter().map(Self::of_absence).collect()
        };
        match self {
            Self::Exists => Some(false),
            Self::Absent => Some(true),
            Self::Not(inner) => inner.of_absence().map(|is_met| !is_met),
            Self::OneOf(any) => all(any).into_iter().flatten().reduce(|a, b| a || b),
            Self::Every(every) => match all(every) {
                answers if answers.contains(&Some(false)) => Some(false),
                answers if answers.contains(&None) => None,
                _ => Some(true),
            },
            _ => None,
        }
    }

    /// Returns `true` if it has a `not`, at any depth.
    #[must_use]
    pub fn negates(&self) -> bool {
        match self {
            Self::Not(_) => true,
            Self::OneOf(several) | Self::Every(several) => several.iter().any(Self::negates),
            Self::Any(inner) | Self::All(inner) | Self::Number(inner) => inner.negates(),
            Self::Json(paths) => paths.iter().any(|(_, matcher)| matcher.negates()),
            Self::Length(limits) => limits.negates,
            _ => false,
        }
    }

    /// Its key in a spec; `None` for comparisons and plain values.
    pub(crate) fn key(&self) -> Option<&'static str> {
        match self {
            Self::Contains(_) => Some("contains"),
            Self::StartsWith(_) => Some("starts_with"),
            Self::EndsWith(_) => Some("ends_with"),
            Self::Includes(_) => Some("includes"),
            Self::Length(_) => Some("length"),
            Self::Any(_) => Some("any"),
            Self::All(_) => Some("all"),
            Self::Json(_) => Some("json"),
            Self::Number(_) => Some("number"),
            Self::SameItems(_) => Some("same_items"),
            Self::Time(order, _) => Some(order.key()),
            _ => None,
        }
    }

    /// Returns `true` if it distinguishes integers from doubles, or bytes or maps from other values.
    pub(crate) fn needs_exact_type(&self) -> bool {
        match self {
            Self::Type(_) | Self::Json(_) => true,
            Self::Equal(value) | Self::Contains(value) | Self::Includes(value) => {
                matches!(value, Value::Map(_) | Value::Bytes(_))
            }
            Self::Not(inner) => inner.needs_exact_type(),
            Self::OneOf(several) | Self::Every(several) => {
                several.iter().any(Self::needs_exact_type)
            }
            _ => false,
        }
    }
}

/// In words, as messages have it after `expected`.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(value) => write!(f, "{value}"),
            Self::Regex(regex) => write!(f, "=~ {regex}"),
            Self::Compare(side, limit) => write!(f, "{} {limit}", side.sign()),
            Self::Between(least, greatest) => {
                let end = |value: &Option<Value>| {
                    value.as_ref().map_or_else(String::new, Value::to_string)
                };
                write!(f, "{}..{}", end(least), end(greatest))
            }
            Self::Exists => f.write_str("any value"),
            Self::Absent => f.write_str("absence"),
            Self::OneOf(any) => write!(f, "one of {}", join(any, ", ")),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::Contains(value) => write!(f, "a value that contains {value}"),
            Self::StartsWith(text) => {
                write!(
                    f,
                    "a string that starts with {}",
                    Value::from(text.as_str())
                )
            }
            Self::EndsWith(text) => {
                write!(f, "a string that ends with {}", Value::from(text.as_str()))
            }
            Self::Includes(value) => write!(f, "a value that includes {value}"),
            Self::Length(limits) => write!(f, "a length of {limits}"),
            Self::Type(kind) => write!(f, "a value of type {}", kind.name()),
            Self::Any(inner) => write!(f, "an array with {inner}"),
            Self::All(inner) => write!(f, "an array with only {inner}"),
            Self::Json(paths) => {
                f.write_str("JSON in which ")?;
                for (at, (path, matcher)) in paths.iter().enumerate() {
                    let and = if at > 0 { " and " } else { "" };
                    write!(f, "{and}`{path}` is {matcher}")?;
                }
                Ok(())
            }
            Self::Number(inner) => write!(f, "a number {inner}"),
            Self::SameItems(items) => write!(
                f,
                "an array with the items {} in any order",
                Value::Array(items.clone())
            ),
            Self::Time(order, time) => write!(f, "a time {} {time}", order.key()),
            Self::Every(all) => f.write_str(&join(all, " and ")),
        }
    }
}

fn join(matchers: &[Matcher], separator: &str) -> String {
    matchers
        .iter()
        .map(Matcher::to_string)
        .collect::<Vec<_>>()
        .join(separator)
}
