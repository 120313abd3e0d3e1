//! Converts the value of a key to a field.

use std::fmt;

use prost::encoding;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::ids;
use super::super::shape::{FieldKind, ShapeField};
use super::object::{Item, Object};
use super::output::{InvalidAttributes, Output, UnknownFields};
use super::scalar::{Base64, EnumNumber, Id, JsonNumber, Numeric, without_surrogates};

/// A value that is written as this field.
pub(in super::super) struct FieldValue<'o> {
    field: &'static ShapeField,
    output: &'o mut Output,
}

impl<'o> FieldValue<'o> {
    /// `null` is not written.
    pub(in super::super) fn of(
        field: &'static ShapeField,
        output: &'o mut Output,
    ) -> Nullable<Self> {
        Nullable(Self { field, output })
    }
}

/// A value that may be `null`, which is ignored.
pub(in super::super) struct Nullable<S>(pub(in super::super) S);

impl<'de, S: DeserializeSeed<'de, Value = ()>> DeserializeSeed<'de> for Nullable<S> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de, Value = ()>> Visitor<'de> for Nullable<S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        self.0.deserialize(json)
    }
}

impl<'de> DeserializeSeed<'de> for FieldValue<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        use FieldKind as K;
        let Self { field, output } = self;
        let tag = field.tag;
        match &field.kind {
            K::Text => json.deserialize_bytes(Text { tag, output }),
            K::Message(shape) => {
                output.delimited(tag, |output| Object::of(shape, output).read(json))
            }
            K::Messages(_) | K::Points(_) => json.deserialize_seq(Messages { field, output }),
            K::Attributes => json.deserialize_seq(Attributes { field, output }),
            K::TraceId => id::<16, D>(tag, output, json),
            K::SpanId => id::<8, D>(tag, output, json),
            _ => scalar(field, output, json),
        }
    }
}

/// Numbers, and what is rare. Zero is not written where it is the default.
fn scalar<'de, D: Deserializer<'de>>(
    field: &ShapeField,
    output: &mut Output,
    json: D,
) -> Result<(), D::Error> {
    use FieldKind as K;
    let (tag, to) = (field.tag, &mut output.bytes);
    match &field.kind {
        K::Time | K::Fixed64 => encoding::fixed64::encode(tag, &number(json)?, to),
        K::SFixed64 => encoding::sfixed64::encode(tag, &number(json)?, to),
        K::Double => encoding::double::encode(tag, &number(json)?, to),
        K::Int64 => encoding::int64::encode(tag, &number(json)?, to),
        K::Sint32 => encoding::sint32::encode(tag, &number(json)?, to),
        K::Bool => encoding::bool::encode(tag, &bool::deserialize(json)?, to),
        K::Uint32 => match number(json)? {
            0 => {}
            number => encoding::uint32::encode(tag, &number, to),
        },
        K::Fixed32 => match number(json)? {
            0 => {}
            number => encoding::fixed32::encode(tag, &number, to),
        },
        K::Enum(names) => match json.deserialize_any(EnumNumber(names))? {
            0 => {}
            number => encoding::int32::encode(tag, &number, to),
        },
        K::Base64 => output.text(tag, &Base64::deserialize(json)?.0),
        K::Texts => return json.deserialize_seq(Texts { tag, output }),
        K::Fixed64s => {
            return packed(tag, output, json, |item: u64, to| {
                to.extend_from_slice(&item.to_le_bytes());
            });
        }
        K::Doubles => {
            return packed(tag, output, json, |item: f64, to| {
                to.extend_from_slice(&item.to_le_bytes());
            });
        }
        K::Uint64s => {
            return packed(tag, output, json, |item: u64, to| {
                encoding::encode_varint(item, to);
            });
        }
        // They are written by the caller.
        K::Text
        | K::Message(_)
        | K::Messages(_)
        | K::Points(_)
        | K::Attributes
        | K::TraceId
        | K::SpanId => {}
    }
    Ok(())
}

fn number<'de, T: Numeric, D: Deserializer<'de>>(json: D) -> Result<T, D::Error> {
    JsonNumber::deserialize(json).map(|JsonNumber(number)| number)
}

/// Writes an id; if the text is none, the [substitute](ids::mark).
fn id<'de, const N: usize, D: Deserializer<'de>>(
    tag: u32,
    output: &mut Output,
    json: D,
) -> Result<(), D::Error> {
    match json.deserialize_bytes(Id::<N>)? {
        Ok(None) => {}
        Ok(Some(id)) => output.text(tag, &id),
        Err(text) if output.how.unknown_fields == UnknownFields::Refused => {
            let message = format_args!("`{}` is not an id of {N} bytes", super::key::short(&text));
            return Err(D::Error::custom(message));
        }
        Err(text) => output.text(tag, &ids::mark::<N>(&text)),
    }
    Ok(())
}

/// A string.
struct Text<'o> {
    tag: u32,
    output: &'o mut Output,
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    #[inline]
    fn visit_borrowed_bytes<E: Error>(self, text: &'de [u8]) -> Result<(), E> {
        // Without escapes, so it is a part of a text.
        self.output.text(self.tag, text);
        Ok(())
    }
    fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<(), E> {
        self.output.text(self.tag, &without_surrogates(text));
        Ok(())
    }
}

/// A list of messages.
struct Messages<'o> {
    field: &'static ShapeField,
    output: &'o mut Output,
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<(), S::Error> {
        let Self { field, output } = self;
        while let Some(()) = json.next_element_seed(Item { field, output })? {}
        Ok(())
    }
}

/// A list of attributes.
struct Attributes<'o> {
    field: &'static ShapeField,
    output: &'o mut Output,
}

impl<'de> Visitor<'de> for Attributes<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<(), S::Error> {
        let Self { field, output } = self;
        if output.how.attributes == InvalidAttributes::FailRequest {
            return Messages { field, output }.visit_seq(json);
        }
        while let Some(raw) = json.next_element::<&RawValue>()? {
            output.attribute(field.tag, raw.get())?;
        }
        Ok(())
    }
}

/// A list of strings.
struct Texts<'o> {
    tag: u32,
    output: &'o mut Output,
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<(), S::Error> {
        let Self { tag, output } = self;
        while let Some(()) = json.next_element_seed(Text { tag, output })? {
            output.check_size()?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_bytes(self)
    }
}

/// Writes a list of numbers as one field.
fn packed<'de, T: Numeric, D: Deserializer<'de>>(
    tag: u32,
    output: &mut Output,
    json: D,
    write: impl Fn(T, &mut Vec<u8>),
) -> Result<(), D::Error> {
    output.delimited(tag, |output| {
        json.deserialize_seq(Packed {
            output,
            write,
            item: std::marker::PhantomData,
        })
    })
}

struct Packed<'o, T, W> {
    output: &'o mut Output,
    write: W,
    item: std::marker::PhantomData<T>,
}

impl<'de, T: Numeric, W: Fn(T, &mut Vec<u8>)> Visitor<'de> for Packed<'_, T, W> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<(), S::Error> {
        while let Some(JsonNumber(item)) = json.next_element()? {
            (self.write)(item, &mut self.output.bytes);
            self.output.check_size()?;
        }
        Ok(())
    }
}
