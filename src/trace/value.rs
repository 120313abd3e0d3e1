//! Typed values of attributes, JSON documents and expectations.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;

use super::Number;

/// A value with its OTLP type.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// OTLP's empty value, JSON's `null`.
    #[default]
    Null,
    /// A string.
    String(String),
    /// A boolean.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A double, which may be NaN or infinite.
    Double(f64),
    /// A number of a document or spec that is not a 64-bit integer, with all its digits.
    Number(Number),
    /// Opaque bytes.
    Bytes(Vec<u8>),
    /// Values of any types, in order.
    Array(Vec<Value>),
    /// Keys and values in the order in which they were sent.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The name of the type in the `type` matcher and in messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::String(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Number(number) if number.is_integer() => "int",
            Self::Double(_) | Self::Number(_) => "double",
            Self::Bytes(_) => "bytes",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
        }
    }

    /// The string, if the value is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if this is a map; the last value if the key is repeated.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        lookup(entries, key)
    }

    /// Returns `true` if the value is a number of any type.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Double(_) | Self::Number(_))
    }

    /// Equality across number types and independent of the order of keys in maps. Values of other
    /// different types are not equal.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            _ if self.is_number() && other.is_number() => {
                self.compare(other) == Some(Ordering::Equal)
            }
            (Self::Array(a), Self::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(key, a)| lookup(b, key).is_some_and(|b| a.same(b)))
            }
            _ => self == other,
        }
    }

    /// The order of two numbers, exact also for integers that no double represents. `None` for
    /// other types and for NaN.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Int(a), Self::Double(b)) => compare_int_with_double(*a, *b),
            (Self::Double(a), Self::Int(b)) => {
                compare_int_with_double(*b, *a).map(Ordering::reverse)
            }
            (Self::Number(a), Self::Number(b)) => a.compare(b),
            (Self::Number(a), Self::Int(b)) => a.compare_with_int(*b),
            (Self::Number(a), Self::Double(b)) => a.compare_with_double(*b),
            (_, Self::Number(_)) => other.compare(self).map(Ordering::reverse),
            _ => None,
        }
    }

    /// The value as JSON; a number becomes the closest one of `serde_json`. Bytes become base64,
    /// NaN and the infinities their names, as in OTLP/JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use base64::Engine;
        match self {
            Self::Null => serde_json::Value::Null,
            Self::String(text) => text.as_str().into(),
            Self::Bool(bool) => (*bool).into(),
            Self::Int(int) => (*int).into(),
            Self::Double(double) => serde_json::Number::from_f64(*double)
                .map_or_else(|| double_name(*double).into(), serde_json::Value::Number),
            Self::Number(number) => {
                serde_json::from_str(number.as_str()).unwrap_or_else(|_| number.as_str().into())
            }
            Self::Bytes(bytes) => base64::engine::general_purpose::STANDARD
                .encode(bytes)
                .into(),
            Self::Array(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.to_json()))
                .collect(),
        }
    }

    /// The value as a string: strings without quotes, all others as JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            other => other.to_json_text(),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(bool) => Self::Bool(bool),
            serde_json::Value::Number(number) => Self::number(&number.to_string())
                .unwrap_or_else(|| Self::Double(number.as_f64().unwrap_or(f64::NAN))),
            serde_json::Value::String(text) => Self::String(text),
            serde_json::Value::Array(items) => {
                Self::Array(items.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(entries) => Self::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::String(text.clone())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<f64> for Value {
    fn from(double: f64) -> Self {
        Self::Double(double)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

/// Writes the value as JSON, so that `"42"` and `42` differ.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double(double) if double.fract() == 0.0 && double.abs() < 1e15 => {
                write!(f, "{double:.1}")
            }
            Self::Double(double) if !double.is_finite() => f.write_str(double_name(*double)),
            other => other.write_json(f),
        }
    }
}

/// The entries without those whose key is repeated later, and these.
pub(crate) fn last_of_each<V>(entries: Vec<(String, V)>) -> Entries<V> {
    /// Up to this number, comparing all with each other is faster than hashing.
    const FEW: usize = 16;
    let are_distinct = |entries: &[(String, V)]| {
        let mut before = entries.iter().enumerate();
        before.all(|(at, (key, _))| entries[..at].iter().all(|(other, _)| other != key))
    };
    if entries.len() <= FEW && are_distinct(&entries) {
        return (entries, Vec::new());
    }
    let mut known = HashSet::with_capacity(entries.len());
    let from_last = entries.iter().rev();
    let is_last: Vec<bool> = from_last.map(|(key, _)| known.insert(&**key)).collect();
    if is_last.iter().all(|is_last| *is_last) {
        return (entries, Vec::new());
    }
    let marked = is_last.into_iter().rev().zip(entries);
    let (last, replaced): (Vec<_>, Vec<_>) = marked.partition(|(is_last, _)| *is_last);
    let entries = |of: Vec<(bool, (String, V))>| of.into_iter().map(|(_, entry)| entry).collect();
    (entries(last), entries(replaced))
}

/// Entries, and those that later ones replace.
type Entries<V> = (Vec<(String, V)>, Vec<(String, V)>);

pub(super) fn lookup<'a>(entries: &'a [(String, Value)], key: &str) -> Option<&'a Value> {
    entries
        .iter()
        .rfind(|(name, _)| name == key)
        .map(|(_, value)| value)
}

fn double_name(double: f64) -> &'static str {
    if double.is_nan() {
        "NaN"
    } else if double > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Compares without rounding. 2^63 as a double is one above the largest integer.
fn compare_int_with_double(int: i64, double: f64) -> Option<Ordering> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= TWO_TO_63 {
        return Some(Ordering::Less);
    }
    if double < -TWO_TO_63 {
        return Some(Ordering::Greater);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is in range, as the two tests above say"
    )]
    let whole = double.trunc() as i64;
    let fraction = double.fract();
    Some(
        int.cmp(&whole)
            .then_with(|| 0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_equals_a_number_whatever_its_type_and_never_a_text() {
        assert!(Value::Int(42).same(&Value::Double(42.0)));
        assert!(!Value::Int(42).same(&Value::from("42")));
        assert!(!Value::Double(42.5).same(&Value::Int(42)));
    }

    #[test]
    fn integers_beyond_the_doubles_are_compared_exactly() {
        let big = (1_i64 << 53) + 1;
        assert!(!Value::Int(big).same(&Value::Double(9_007_199_254_740_992.0)));
        let greater = Some(Ordering::Greater);
        assert_eq!(
            Value::Int(big).compare(&Value::Double(9_007_199_254_740_992.0)),
            greater
        );
        assert_eq!(
            Value::Int(i64::MAX).compare(&Value::Double(9_223_372_036_854_775_808.0)),
            Some(Ordering::Less)
        );
        assert_eq!(Value::Int(-1).compare(&Value::Double(-1.5)), greater);
        assert_eq!(Value::Int(1).compare(&Value::Double(f64::NAN)), None);
    }

    #[test]
    fn maps_are_the_same_in_any_order() {
        let a = Value::from(serde_json::json!({"x": 1, "y": [1, 2]}));
        let b = Value::from(serde_json::json!({"y": [1.0, 2.0], "x": 1}));
        assert!(a.same(&b));
    }

    #[test]
    fn texts_are_quoted_and_doubles_keep_their_point() {
        assert_eq!(Value::from("42").to_string(), "\"42\"");
        assert_eq!(Value::Int(42).to_string(), "42");
        assert_eq!(Value::Double(42.0).to_string(), "42.0");
        assert_eq!(Value::Double(f64::NAN).to_string(), "NaN");
    }
}
