//! Converts a JSON object to a message.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use super::super::shape::{FieldKind, Others, Shape, ShapeField, ShapeKind, common};
use super::field::FieldValue;
use super::key::{Key, KeyOf, Seen, has_span, short};
use super::output::{Output, UnknownFields};

/// An object whose fields are written.
///
/// Unknown fields are ignored. What would lose data is refused: a repeated key, a key in another case, spans
/// below a key that has none, and a request in which no field is known.
pub(super) struct Object<'o> {
    shape: &'static Shape,
    output: &'o mut Output,
}

impl<'o> Object<'o> {
    pub(super) fn of(shape: &'static Shape, output: &'o mut Output) -> Self {
        Self { shape, output }
    }

    pub(super) fn read<'de, D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }

    /// Reads all keys and values.
    fn fields<'de, M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Self { shape, output } = self;
        let (mut seen, mut next, mut unknown) = (Seen::default(), 0, Unknown::default());
        let mut values = 0;
        while let Some(key) = map.next_key_seed(KeyOf::new(shape, next))? {
            let at = match key {
                Key::Field(at) => at,
                Key::Other(key) => {
                    unknown.read(&key, &mut map, shape, output)?;
                    continue;
                }
            };
            let field = &shape.fields[at];
            seen.add(at, field.name, shape.name)?;
            next = at + 1;
            let before = output.bytes.len();
            map.next_value_seed(FieldValue::of(field, output))?;
            // `null` is no value.
            values += u32::from(output.bytes.len() > before);
            if shape.kind == ShapeKind::OneOf && values > 1 {
                return Err(M::Error::custom("found two values, expected one"));
            }
        }
        match shape.others {
            Others::OfTraceRequest if seen.is_empty() => unknown.check(),
            _ => Ok(()),
        }
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as an object", self.shape.name)
    }
    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<(), M::Error> {
        let Self { shape, output } = self;
        output.within(shape, |output| Object { shape, output }.fields(map))
    }
    fn visit_seq<S: SeqAccess<'de>>(self, _: S) -> Result<(), S::Error> {
        Err(match self.shape.others {
            Others::OfTraceRequest => S::Error::custom(format_args!(
                "found an array, {EXPECTED}: send one request for each of its items"
            )),
            _ => S::Error::invalid_type(Unexpected::Seq, &self),
        })
    }
}

/// An item of a list of messages.
pub(super) struct Item<'o> {
    pub(super) field: &'static ShapeField,
    pub(super) output: &'o mut Output,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let shape = match &self.field.kind {
            FieldKind::Messages(shape) | FieldKind::Points(shape) => shape,
            _ => &common::KEY_VALUE,
        };
        self.output
            .delimited(self.field.tag, |output| Object { shape, output }.read(json))
    }
}

/// Keys of other formats, and of other levels of OTLP, which would be lost.
const MISPLACED: [&str; 3] = ["batches", "scopeSpans", "spans"];

const EXPECTED: &str = "expected an object with `resourceSpans`";

/// The first unknown keys of a request.
#[derive(Default)]
struct Unknown(Vec<String>);

impl Unknown {
    /// Reads the value of an unknown key.
    #[cold]
    fn read<'de, M: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut M,
        shape: &Shape,
        output: &Output,
    ) -> Result<(), M::Error> {
        if output.how.unknown_fields == UnknownFields::Refused {
            let message = format_args!("{} has no field `{}`", shape.name, short(key));
            return Err(M::Error::custom(message));
        }
        match shape.others {
            Others::Ignored => map.next_value::<serde::de::IgnoredAny>().map(drop),
            Others::WithoutSpans(expected) => refuse_spans(key, map, expected),
            Others::WithoutLists(expected) => refuse_lists(key, map, expected),
            Others::OfTraceRequest => {
                if self.0.len() < 5 {
                    self.0.push(format!("`{}`", short(key)));
                }
                if MISPLACED.contains(&key) {
                    return Err(M::Error::custom(format_args!("found `{key}`, {EXPECTED}")));
                }
                refuse_spans(key, map, "resourceSpans")
            }
        }
    }

    /// Refuses a request of which no key is known, unless it is empty.
    fn check<E: Error>(&self) -> Result<(), E> {
        match self.0.is_empty() {
            true => Ok(()),
            false => {
                let found = self.0.join(", ");
                Err(E::custom(format_args!("found {found}, {EXPECTED}")))
            }
        }
    }
}

/// Ignores the value of an unknown key, unless spans would be lost with it.
fn refuse_spans<'de, M: MapAccess<'de>>(
    key: &str,
    map: &mut M,
    expected: &str,
) -> Result<(), M::Error> {
    if key == "spans" {
        let message = format_args!("found `spans` in `resourceSpans`, expected it in `{expected}`");
        return Err(M::Error::custom(message));
    }
    if has_span(key, map)? {
        let key = short(key);
        let message = format_args!("found a span in `{key}`, expected it in `{expected}`");
        return Err(M::Error::custom(message));
    }
    Ok(())
}

/// Ignores the value of an unknown key, unless log records could be lost with it: a list.
fn refuse_lists<'de, M: MapAccess<'de>>(
    key: &str,
    map: &mut M,
    expected: &str,
) -> Result<(), M::Error> {
    let value: &RawValue = map.next_value()?;
    if value.get().starts_with('[') && value.get() != "[]" {
        let key = short(key);
        let message = format_args!("found a list in `{key}`, expected it in `{expected}`");
        return Err(M::Error::custom(message));
    }
    Ok(())
}
