//! JSON of backends as values of attributes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::trace::Value;

/// A value in JSON: whole numbers are integers, and a repeated key stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct JsonValue(pub(super) Value);

impl JsonValue {
    /// The entries of an object; none for other values.
    pub(super) fn into_entries(self) -> Vec<(String, Value)> {
        match self.0 {
            Value::Map(entries) => entries,
            _ => Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Int(value))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "no attribute has such an integer"
            )]
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(i64::try_from(value).map_or(Value::Double(value as f64), Value::Int))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Double(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::String(value.to_owned()))
            }
            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(Value::String(value))
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(JsonValue(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::Array(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, JsonValue(value))) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Value::Map(entries))
            }
        }
        deserializer.deserialize_any(Any).map(Self)
    }
}

/// An integer that is written as a number or as a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct JsonInteger(pub(super) i128);

impl JsonInteger {
    /// Its low 64 bits, as a number from 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the low bits"
    )]
    pub(super) fn wrapped(self) -> u64 {
        self.0 as u64
    }
}

impl<'de> Deserialize<'de> for JsonInteger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Integer;
        impl Visitor<'_> for Integer {
            type Value = i128;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer")
            }
            fn visit_i64<E>(self, value: i64) -> Result<i128, E> {
                Ok(value.into())
            }
            fn visit_u64<E>(self, value: u64) -> Result<i128, E> {
                Ok(value.into())
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<i128, E> {
                value
                    .parse()
                    .map_err(|_| E::custom(format!("`{value}` is not an integer")))
            }
        }
        deserializer.deserialize_any(Integer).map(Self)
    }
}
