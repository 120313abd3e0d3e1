//! What a value should be like.

use std::cmp::Ordering;
use std::fmt;

use regex::Regex;

use super::{JsonPath, Limits};
use crate::trace::Value;

/// A condition on one value. Whether it is met is `check`'s work.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// It is this value; a number equals a number whatever its type.
    Equal(Value),
    /// It is a text in which the expression is found.
    Regex(Regex),
    /// It is a number on this side of another.
    Compare(Comparison, Value),
    /// It is a number from the one to the other, both included.
    Between(Option<Value>, Option<Value>),
    /// It is there, even if null or empty.
    Exists,
    /// It is not there.
    Absent,
    /// It meets one of these.
    OneOf(Vec<Matcher>),
    /// It is there and does not meet this.
    Not(Box<Matcher>),
    /// A text that contains this text, or an array with an equal element.
    Contains(Value),
    /// A text that starts so.
    StartsWith(String),
    /// A text that ends so.
    EndsWith(String),
    /// A structure of which this is a part.
    Includes(Value),
    /// A text of so many characters, bytes of such a number, an array or map of so many entries.
    Length(Limits<u64>),
    /// A value of this type.
    Type(ValueType),
    /// An array some element of which is like this.
    Any(Box<Matcher>),
    /// An array that has elements, each of which is like this.
    All(Box<Matcher>),
    /// A JSON string or a structure in which each path is like this.
    Json(Vec<(JsonPath, Matcher)>),
    /// A number, or a string that is one, which is like this.
    Number(Box<Matcher>),
    /// An array with these elements in any order, and no others.
    SameItems(Vec<Value>),
    /// It meets all of these.
    Every(Vec<Matcher>),
}

/// The types of values that a matcher can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// All of them.
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
    /// What has a length: strings, bytes, arrays and maps.
    Sized,
    /// Strings, arrays and maps.
    Document,
}

impl Domain {
    /// The values of the type of this one.
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

    /// Whether a value of this type is in it.
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

    /// In words, in the plural.
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

/// A side of a number.
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
    /// A text.
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
    /// Whether `value`, which compares so with the limit, is on this side.
    #[must_use]
    pub fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// The sign.
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
    /// All types with their names.
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

    /// Whether a value is of it.
    #[must_use]
    pub fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Number => value.is_number(),
            _ => value.type_name() == self.name(),
        }
    }
}

impl Matcher {
    /// The types of values that it can judge; about all others it has no answer, also under `not`.
    /// This is the table of `docs/spec.md`.
    #[must_use]
    pub fn domain(&self) -> Domain {
        match self {
            Self::Exists | Self::Absent | Self::Type(_) | Self::Equal(Value::Null) => Domain::Any,
            Self::Equal(value) | Self::Includes(value) => Domain::like(value),
            Self::Regex(_) | Self::StartsWith(_) | Self::EndsWith(_) => Domain::String,
            Self::Compare(..) | Self::Between(..) => Domain::Number,
            Self::Contains(Value::String(_)) => Domain::StringOrArray,
            Self::Contains(_) | Self::Any(_) | Self::All(_) | Self::SameItems(_) => Domain::Array,
            Self::Length(_) => Domain::Sized,
            Self::Json(_) => Domain::Document,
            Self::Number(_) => Domain::StringOrNumber,
            Self::Not(inner) => inner.domain(),
            // Each of the parts has its own.
            Self::OneOf(_) | Self::Every(_) => Domain::Any,
        }
    }

    /// Whether a missing value meets it: only `absent` and its equivalents.
    #[must_use]
    pub fn allows_absence(&self) -> bool {
        self.of_absence() == Some(true)
    }

    /// The answer about a missing value; nothing if it does not apply to one.
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

    /// Whether a `not` is in it, at any depth.
    #[must_use]
    pub fn negates(&self) -> bool {
        match self {
            Self::Not(_) => true,
            Self::OneOf(several) | Self::Every(several) => several.iter().any(Self::negates),
            Self::Any(inner) | Self::All(inner) | Self::Number(inner) => inner.negates(),
            Self::Json(paths) => paths.iter().any(|(_, matcher)| matcher.negates()),
            _ => false,
        }
    }
}

/// In words, as a message needs it behind `expected`.
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
            Self::Contains(value) => write!(f, "something that contains {value}"),
            Self::StartsWith(text) => {
                write!(f, "a text that starts with {}", Value::from(text.as_str()))
            }
            Self::EndsWith(text) => {
                write!(f, "a text that ends with {}", Value::from(text.as_str()))
            }
            Self::Includes(value) => write!(f, "a structure that includes {value}"),
            Self::Length(limits) => write!(f, "a length of {limits}"),
            Self::Type(kind) => write!(f, "a value of type {}", kind.name()),
            Self::Any(inner) => write!(f, "an array with {inner}"),
            Self::All(inner) => write!(f, "an array of nothing but {inner}"),
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
