//! The keys of JSON objects.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::shape::{Shape, ShapeField};
use super::scalar::without_surrogates;

/// A key that was read.
pub(in super::super) enum Key<'de> {
    /// That of the field with this index.
    Field(usize),
    /// Another one, in camelCase.
    Other(Cow<'de, str>),
}

/// The key of an object of this shape. It has two words, which are passed in registers.
#[derive(Clone, Copy)]
pub(in super::super) struct KeyOf {
    shape: &'static Shape,
    /// The index of the field whose key is most likely next.
    next: usize,
}

impl KeyOf {
    pub(in super::super) fn new(shape: &'static Shape, next: usize) -> Self {
        Self { shape, next }
    }

    fn find<E: Error>(self, sent: Cow<'_, str>) -> Result<Key<'_>, E> {
        let key = match sent.contains('_') {
            true => Cow::Owned(camel_case(&sent)),
            false => sent.clone(),
        };
        let mut fields = self.shape.fields.iter();
        if let Some(at) = fields.clone().position(|field| field.name == key) {
            return Ok(Key::Field(at));
        }
        match fields.find(|field| field.name.eq_ignore_ascii_case(&key)) {
            None => Ok(Key::Other(key)),
            Some(ShapeField { name, .. }) => {
                let sent = short(&sent);
                Err(E::custom(format_args!("found `{sent}`, expected `{name}`")))
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for KeyOf {
    type Value = Key<'de>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Key<'de>, D::Error> {
        // As bytes, because a string of JSON may contain half of a surrogate pair.
        json.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for KeyOf {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    #[inline]
    fn visit_borrowed_bytes<E: Error>(self, key: &'de [u8]) -> Result<Key<'de>, E> {
        match self.shape.fields.get(self.next) {
            Some(field) if field.name.as_bytes() == key => Ok(Key::Field(self.next)),
            _ => self.find(String::from_utf8_lossy(key)),
        }
    }
    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Key<'de>, E> {
        let key = without_surrogates(key);
        self.find(Cow::Owned(String::from_utf8_lossy(&key).into_owned()))
    }
}

/// The fields of an object whose keys were read.
#[derive(Default)]
pub(in super::super) struct Seen(u32);

impl Seen {
    /// Adds the field with this index.
    #[inline]
    pub(in super::super) fn add<E: Error>(
        &mut self,
        at: usize,
        name: &str,
        of: &str,
    ) -> Result<(), E> {
        if self.0 & 1 << at != 0 {
            return Err(E::custom(format_args!("`{name}` is repeated in {of}")));
        }
        self.0 |= 1 << at;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

/// Converts `trace_id` to `traceId`. The Collector reads both.
fn camel_case(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
        camel
    })
}

/// Skips the value of a key. Returns `true` if it contains a span, or the key is a key of a span.
pub(in super::super) fn has_span<'de, M: MapAccess<'de>>(
    key: &str,
    map: &mut M,
) -> Result<bool, M::Error> {
    let value: &RawValue = map.next_value()?;
    Ok(is_span_id(key.as_bytes()) || keys(value.get()).any(is_span_id))
}

/// Returns `true` for the key of a span id in any spelling.
fn is_span_id(key: &[u8]) -> bool {
    let letters = key.iter().filter(|&&byte| byte != b'_');
    letters.map(u8::to_ascii_lowercase).eq(*b"spanid")
}

/// The keys of all objects in a JSON text, as they are written.
fn keys(json: &str) -> impl Iterator<Item = &[u8]> {
    let mut rest = json.as_bytes();
    std::iter::from_fn(move || {
        loop {
            let start = rest.iter().position(|&byte| byte == b'"')? + 1;
            rest = &rest[start..];
            let mut end = 0;
            while rest.get(end).is_some_and(|&byte| byte != b'"') {
                end += if rest[end] == b'\\' { 2 } else { 1 };
            }
            let text = rest.get(..end)?;
            rest = rest.get(end + 1..)?;
            if rest.trim_ascii_start().first() == Some(&b':') {
                return Some(text);
            }
        }
    })
}

/// The beginning of a text, for messages.
pub(in super::super) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
