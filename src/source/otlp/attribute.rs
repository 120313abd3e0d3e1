//! Decodes attributes, checks that they can be decoded, and marks those of OTLP/JSON that cannot.
//!
//! Only the attribute is dropped: its span, event, link, resource or scope is read without it, and
//! counts it as dropped.

use std::borrow::Cow;

use bytes::Bytes;
use prost::Message;

use super::error::Malformed;
use super::limit::Parts;
use super::message::KeyValue;
use super::wire::{Wire, WireField};
use crate::trace::{Value, last_of_each};

/// The deepest nesting of arrays and maps in one attribute. SDKs send one level; prost reads 33.
pub(super) const MOST_LEVELS: u32 = 30;

/// The key of a protobuf field with the number zero, which is invalid.
const NO_FIELD: u8 = 0;

/// An attribute that cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Undecodable<'a> {
    /// Its key; empty if it cannot be read.
    pub(super) key: &'a [u8],
    pub(super) reason: Cow<'a, str>,
}

/// The key and value of a `KeyValue` message. `None` if it cannot be decoded.
pub(super) fn decode(key_value: &Bytes) -> Option<(String, Value)> {
    plain_entry(key_value, 0).or_else(|| merged(key_value.clone()))
}

/// The same for messages with several values in one place, which protobuf merges.
#[cold]
fn merged(key_value: Bytes) -> Option<(String, Value)> {
    match check(&key_value, &mut Parts::default()) {
        Ok(Ok(())) => KeyValue::decode(key_value).ok().map(super::decode::entry),
        _ => None,
    }
}

/// The key and value of a message with one value. `None` for others, and if it cannot be decoded.
fn plain_entry(key_value: &[u8], level: u32) -> Option<(String, Value)> {
    let (mut key, mut value): (&[u8], _) = (&[], None);
    let mut wire = Wire(key_value);
    while let Some(field) = wire.next().ok()? {
        match field {
            (1, WireField::Bytes(text)) => key = text,
            (2, WireField::Bytes(message)) if value.is_none() => {
                value = Some(plain_value(message, level)?);
            }
            (1 | 2, _) => return None,
            _ => {}
        }
    }
    Some((text(key), value.unwrap_or(Value::Null)))
}

fn plain_value(message: &[u8], level: u32) -> Option<Value> {
    let mut value = None;
    let mut wire = Wire(message);
    while let Some((tag, field)) = wire.next().ok()? {
        match tag {
            1..=7 if value.is_none() => value = Some(plain_kind(tag, field, level)?),
            1..=7 => return None,
            _ => {}
        }
    }
    Some(value.unwrap_or(Value::Null))
}

fn plain_kind(tag: u32, field: WireField<'_>, level: u32) -> Option<Value> {
    Some(match (tag, field) {
        (1, WireField::Bytes(bytes)) => Value::String(text(bytes)),
        (2, WireField::Varint(number)) => Value::Bool(number != 0),
        (3, WireField::Varint(number)) => Value::Int(number.cast_signed()),
        (4, WireField::Fixed64(bytes)) => Value::Double(f64::from_le_bytes(bytes.try_into().ok()?)),
        (5, WireField::Bytes(list)) if level < MOST_LEVELS => {
            Value::Array(plain_items(list, |item| plain_value(item, level + 1))?)
        }
        (6, WireField::Bytes(list)) if level < MOST_LEVELS => {
            let entries = plain_items(list, |item| plain_entry(item, level + 1))?;
            Value::Map(last_of_each(entries).0)
        }
        (7, WireField::Bytes(bytes)) => Value::Bytes(bytes.to_vec()),
        _ => return None,
    })
}

/// The items of an array or map.
fn plain_items<T>(list: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
    let mut all = Vec::new();
    let mut wire = Wire(list);
    while let Some(field) = wire.next().ok()? {
        match field {
            (1, WireField::Bytes(item)) => all.push(read(item)?),
            (1, _) => return None,
            _ => {}
        }
    }
    Some(all)
}

/// Invalid UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    // Faster for valid text.
    str::from_utf8(bytes).map_or_else(
        |_| String::from_utf8_lossy(bytes).into_owned(),
        str::to_owned,
    )
}

/// A substitute for an attribute of OTLP/JSON that cannot be decoded, from a `KeyValue` message with its key: an
/// invalid message, which is dropped when the protobuf is read, with the reason.
pub(super) fn mark(mut key: Vec<u8>, reason: &str) -> Vec<u8> {
    key.push(NO_FIELD);
    key.extend_from_slice(reason.as_bytes());
    key
}

/// Checks that a `KeyValue` message can be decoded, and counts it and the items of its value.
///
/// # Errors
/// Too many parts. That is not an error of the attribute.
pub(super) fn check<'a>(
    key_value: &'a [u8],
    parts: &mut Parts,
) -> Result<Result<(), Undecodable<'a>>, Malformed> {
    parts.add()?;
    let mut key: &[u8] = &[];
    let mut wire = Wire(key_value);
    loop {
        if let [NO_FIELD, reason @ ..] = wire.0 {
            let reason = String::from_utf8_lossy(reason);
            return Ok(Err(Undecodable { key, reason }));
        }
        match key_value_field(&mut wire, 0, parts) {
            Ok(None) => return Ok(Ok(())),
            Ok(Some(None)) => {}
            Ok(Some(Some(found))) => key = found,
            Err(limit @ Malformed::TooMany(..)) => return Err(limit),
            Err(malformed) => {
                let reason = Cow::Owned(malformed.to_string());
                return Ok(Err(Undecodable { key, reason }));
            }
        }
    }
}

/// Reads the next field; returns its value if it is the key. `None` at the end.
fn key_value_field<'a>(
    wire: &mut Wire<'a>,
    level: u32,
    parts: &mut Parts,
) -> Result<Option<Option<&'a [u8]>>, Malformed> {
    let Some((tag, field)) = wire.next()? else {
        return Ok(None);
    };
    match tag {
        1 => return Ok(Some(Some(field.message()?))),
        2 => any_value(field.message()?, level, parts)?,
        _ => {}
    }
    Ok(Some(None))
}

/// Checks that an `AnyValue` message outside of an attribute can be decoded.
pub(super) fn check_value(message: &[u8], parts: &mut Parts) -> Result<(), Malformed> {
    any_value(message, 0, parts)
}

fn any_value(message: &[u8], level: u32, parts: &mut Parts) -> Result<(), Malformed> {
    let mut wire = Wire(message);
    while let Some((tag, field)) = wire.next()? {
        match tag {
            1 | 7 => drop(field.message()?),
            2 | 3 => field.varint()?,
            4 => field.fixed64()?,
            5 | 6 if level == MOST_LEVELS => return Err(Malformed::TooDeep(MOST_LEVELS)),
            5 => items(field.message()?, |item| {
                parts.add()?;
                any_value(item, level + 1, parts)
            })?,
            6 => items(field.message()?, |entry| {
                parts.add()?;
                let mut wire = Wire(entry);
                while key_value_field(&mut wire, level + 1, parts)?.is_some() {}
                Ok(())
            })?,
            _ => {}
        }
    }
    Ok(())
}

/// The items of an array or map, whose tags are both 1.
fn items(
    list: &[u8],
    mut check: impl FnMut(&[u8]) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut wire = Wire(list);
    while let Some((tag, field)) = wire.next()? {
        if tag == 1 {
            check(field.message()?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Bytes that are often valid messages: fields with small tags and nested lengths.
    fn bytes() -> BoxedStrategy<Vec<u8>> {
        let field = |tag: u8, payload: Vec<u8>| {
            let length = u8::try_from(payload.len()).unwrap_or(0x7f);
            [vec![tag << 3 | 2, length], payload].concat()
        };
        vec(any::<u8>(), 0..6)
            .prop_recursive(6, 24, 3, move |inner| {
                vec((1..8_u8, inner), 0..3).prop_map(move |fields| {
                    let fields = fields.into_iter();
                    fields.flat_map(|(tag, of)| field(tag, of)).collect()
                })
            })
            .boxed()
    }

    proptest! {
        #[test]
        fn what_passes_the_check_can_be_decoded_and_nothing_else(bytes in bytes()) {
            let passes = check(&bytes, &mut Parts::default()).unwrap().is_ok();
            prop_assert_eq!(passes, KeyValue::decode(&*bytes).is_ok());
        }

        #[test]
        fn a_message_with_one_value_in_each_place_means_what_prost_decodes(bytes in bytes()) {
            if let Some(plain) = plain_entry(&bytes, 0) {
                prop_assert_eq!(Some(plain), merged(bytes.into()));
            }
        }
    }

    #[test]
    fn a_marked_attribute_keeps_key_and_reason() {
        let key = KeyValue {
            key: Bytes::from("amount"),
            value: None,
        };
        let marked = mark(key.encode_to_vec(), "`a lot` is not an integer");
        let checked = check(&marked, &mut Parts::default()).unwrap();
        let Undecodable { key, reason } = checked.unwrap_err();
        assert_eq!(
            (key, &*reason),
            (&b"amount"[..], "`a lot` is not an integer")
        );
        assert!(decode(&marked.into()).is_none());
    }
}
