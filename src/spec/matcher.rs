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
    /// A JSON text in which each path is like this.
    Json(Vec<(JsonPath, Matcher)>),
    /// It meets all of these.
    Every(Vec<Matcher>),
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

    /// Whether a value is of it.
    #[must_use]
    pub fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Number => matches!(value, Value::Int(_) | Value::Double(_)),
            _ => value.type_name() == self.name(),
        }
    }
}

impl Matcher {
    /// Whether it is met by what is not there: only `absent`, and what says so in other words.
    #[must_use]
    pub fn allows_absence(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Not(inner) => matches!(**inner, Self::Exists),
            Self::OneOf(any) => any.iter().any(Self::allows_absence),
            Self::Every(all) => all.iter().all(Self::allows_absence),
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
                f.write_str("a JSON text in which ")?;
                for (at, (path, matcher)) in paths.iter().enumerate() {
                    let and = if at > 0 { " and " } else { "" };
                    write!(f, "{and}`{path}` is {matcher}")?;
                }
                Ok(())
            }
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
