//! Values while a condition is evaluated.

use std::borrow::Cow;

use super::number;
use super::record::Stop;
use crate::trace::{Attributes, Value};

/// A value of OTTL: those of attributes, and of fields.
#[derive(Clone, Debug)]
pub(super) enum Datum<'t> {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'t, str>),
    Bytes(Cow<'t, [u8]>),
    Map(Entries<'t>),
    List(Cow<'t, [Value]>),
    TraceId([u8; 16]),
    SpanId([u8; 8]),
    /// Nanoseconds since the epoch.
    Time(i64),
    /// Nanoseconds.
    Duration(i64),
    /// Events or links: only their number is known here.
    Records(usize),
    /// A status.
    Status,
}

/// The entries of a map.
#[derive(Clone, Debug)]
pub(super) enum Entries<'t> {
    Attributes(&'t Attributes),
    Values(Cow<'t, [(String, Value)]>),
}

impl Entries<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Attributes(attributes) => attributes.iter().len(),
            Self::Values(values) => values.len(),
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (&str, &Value)> + '_> {
        match self {
            Self::Attributes(attributes) => Box::new(attributes.iter()),
            Self::Values(values) => {
                Box::new(values.iter().map(|(key, value)| (key.as_str(), value)))
            }
        }
    }

    fn into_values(self) -> Vec<(String, Value)> {
        match self {
            Self::Attributes(attributes) => attributes
                .iter()
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect(),
            Self::Values(values) => values.into_owned(),
        }
    }

    /// Equality in any order of keys, with the types of values.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, value)| {
                let mut others = other.iter();
                others.any(|(name, other)| name == key && equals(value, other))
            })
    }
}

/// Equality of values with their types.
pub(super) fn equals(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => all_equal(a, b),
        (Value::Map(a), Value::Map(b)) => {
            Entries::Values(Cow::Borrowed(a)).equals(&Entries::Values(Cow::Borrowed(b)))
        }
        _ => a == b,
    }
}

pub(super) fn all_equal(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equals(a, b))
}

impl<'t> Datum<'t> {
    pub(super) fn of(value: &'t Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Int(int) => Self::Int(*int),
            Value::Double(double) => Self::Double(*double),
            Value::Number(number) => Self::Double(number.as_str().parse().unwrap_or(f64::NAN)),
            Value::Bytes(bytes) => Self::Bytes(Cow::Borrowed(bytes)),
            Value::Array(items) => Self::List(Cow::Borrowed(items)),
            Value::Map(entries) => Self::Map(Entries::Values(Cow::Borrowed(entries))),
        }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// The value as an item of a list or map.
    pub(super) fn into_value(self) -> Result<Value, Stop> {
        Ok(match self {
            Self::Nil => Value::Null,
            Self::Bool(bool) => Value::Bool(bool),
            Self::Int(int) => Value::Int(int),
            Self::Double(double) => Value::Double(double),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Bytes(bytes) => Value::Bytes(bytes.into_owned()),
            Self::List(items) => Value::Array(items.into_owned()),
            Self::Map(entries) => Value::Map(entries.into_values()),
            other => return Err(unknown(&format!("{} in a list or map", other.type_name()))),
        })
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Double(_) => "a double",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Map(_) => "a map",
            Self::List(_) => "a list",
            Self::TraceId(_) => "a trace id",
            Self::SpanId(_) => "a span id",
            Self::Time(_) => "a time",
            Self::Duration(_) => "a duration",
            Self::Records(_) => "a list of records",
            Self::Status => "a status",
        }
    }

    /// The string, where one is required.
    pub(super) fn into_text(self) -> Result<Cow<'t, str>, Stop> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(expected("a string", &other)),
        }
    }

    /// The integer, where one is required.
    pub(super) fn into_int(self) -> Result<i64, Stop> {
        match self {
            Self::Int(int) => Ok(int),
            other => Err(expected("an integer", &other)),
        }
    }

    /// The value as a string, if it is not nil.
    pub(super) fn like_text(self) -> Result<Option<Cow<'t, str>>, Stop> {
        Ok(Some(match self {
            Self::Nil => return Ok(None),
            Self::Text(text) => text,
            Self::Bytes(bytes) => {
                Cow::Owned(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
            }
            Self::Bool(bool) => Cow::Owned(bool.to_string()),
            Self::Int(int) => Cow::Owned(int.to_string()),
            Self::Double(double) => Cow::Owned(
                number::double(double)
                    .ok_or_else(|| Stop::Error(format!("{double} is not a number of JSON")))?,
            ),
            other => return Err(unknown(&format!("{} as a string", other.type_name()))),
        }))
    }

    /// The value as an integer, if it is not nil.
    pub(super) fn like_int(self) -> Result<Option<i64>, Stop> {
        Ok(Some(match self {
            Self::Nil => return Ok(None),
            Self::Int(int) => int,
            Self::Bool(bool) => bool.into(),
            Self::Text(text) => text.parse().map_err(|_| not_a(&text, "integer"))?,
            Self::Double(double) => {
                if !(-9.2e18..9.2e18).contains(&double) {
                    return Err(unknown("a double out of range as an integer"));
                }
                #[expect(clippy::cast_possible_truncation, reason = "it is in range")]
                let int = double as i64;
                int
            }
            other => return Err(expected("a number", &other)),
        }))
    }

    /// The value as a double, if it is not nil.
    pub(super) fn like_double(self) -> Result<Option<f64>, Stop> {
        Ok(Some(match self {
            Self::Nil => return Ok(None),
            Self::Int(int) => int as f64,
            Self::Double(double) => double,
            Self::Bool(bool) => f64::from(u8::from(bool)),
            Self::Text(text) if text.contains(['x', 'X', '_']) => {
                return Err(unknown("a hexadecimal string as a double"));
            }
            Self::Text(text) => text.parse().map_err(|_| not_a(&text, "number"))?,
            other => return Err(expected("a number", &other)),
        }))
    }

    /// The value as a boolean, if it is not nil.
    pub(super) fn like_bool(self) -> Result<Option<bool>, Stop> {
        Ok(Some(match self {
            Self::Nil => return Ok(None),
            Self::Bool(bool) => bool,
            Self::Int(int) => int != 0,
            Self::Double(double) => double != 0.0,
            Self::Text(text) => match &*text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
                "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
                other => return Err(not_a(other, "boolean")),
            },
            other => return Err(expected("a boolean", &other)),
        }))
    }
}

pub(super) fn expected(what: &str, found: &Datum<'_>) -> Stop {
    Stop::Error(format!("expected {what} but got {}", found.type_name()))
}

pub(super) fn unknown(what: &str) -> Stop {
    Stop::Unknown(format!("{what} is not evaluated by spanspec"))
}

fn not_a(text: &str, what: &str) -> Stop {
    Stop::Error(format!("`{}` is not a {what}", shortened(text)))
}

/// The begin of a text, for messages.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
