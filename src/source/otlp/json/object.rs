//! OTLP's messages as JSON objects.
//!
//! Unknown fields are ignored, as OTLP requires. What would lose data is refused: a repeated key, a
//! key in another case, spans below a key that has none, and a request in which no field is known.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use prost::Message;
use serde::de::{
    Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::value::RawValue;

use super::super::attribute;
use super::super::limit;
use super::super::message::{
    AnyValue, ArrayValue, EventMessage, KeyValue, KeyValueList, LinkMessage, ResourceMessage,
    ResourceSpans, ScopeMessage, ScopeSpans, SpanMessage, StatusMessage, TracesData, ValueKind,
};
use super::scalar::{
    Base64, JsonKey, JsonNumber, JsonSpanKind, JsonStatusCode, JsonText, SpanIdBytes, TraceIdBytes,
};
use super::source_text::{self, AttributeErrors};

/// An `ExportTraceServiceRequest`.
pub(in super::super) fn request(json: &str) -> Result<TracesData, serde_json::Error> {
    serde_json::from_str(json).map(|Read(request): Read<ExportRequest>| request.traces)
}

/// A JSON object whose fields are read one by one.
pub(in super::super) trait Object: Default {
    /// The name in error messages, such as `a span`.
    const NAME: &'static str;

    /// The keys that [`field`](Self::field) reads, in camelCase.
    const FIELDS: &'static [&'static str];

    /// Reads the value of a key of [`FIELDS`](Self::FIELDS).
    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error>;

    /// Reads the value of any other key.
    fn other<'de, M: MapAccess<'de>>(&mut self, _key: &str, map: &mut M) -> Result<(), M::Error> {
        ignore(map)
    }

    /// Called after the last key.
    fn check<E: Error>(&mut self) -> Result<(), E> {
        Ok(())
    }

    /// Reads an array instead of an object.
    fn array<'de, S: SeqAccess<'de>>(_: S) -> Result<Self, S::Error> {
        let expected = format!("{} as an object", Self::NAME);
        Err(S::Error::invalid_type(Unexpected::Seq, &&*expected))
    }
}

/// An [`Object`] for serde.
#[derive(Default)]
pub(in super::super) struct Read<T>(pub(in super::super) T);

impl<'de, T: Object> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as an object", T::NAME)
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<T, M::Error> {
        let mut object = T::default();
        // Has a bit for each key of `FIELDS`.
        let mut seen = 0_u32;
        while let Some(JsonKey(sent)) = map.next_key()? {
            let key = camel_case(&sent);
            match T::FIELDS.iter().position(|field| *field == key) {
                Some(at) if seen & 1 << at != 0 => {
                    let message = format_args!("`{key}` is repeated in {}", T::NAME);
                    return Err(M::Error::custom(message));
                }
                Some(at) => {
                    seen |= 1 << at;
                    object.field(&key, &mut map)?;
                }
                None => match T::FIELDS
                    .iter()
                    .find(|field| field.eq_ignore_ascii_case(&key))
                {
                    Some(field) => {
                        let sent = super::scalar::short(&sent);
                        let message = format_args!("found `{sent}`, expected `{field}`");
                        return Err(M::Error::custom(message));
                    }
                    None => object.other(&key, &mut map)?,
                },
            }
        }
        object.check()?;
        Ok(object)
    }
    fn visit_seq<S: SeqAccess<'de>>(self, items: S) -> Result<T, S::Error> {
        T::array(items)
    }
}

/// Converts `trace_id` to `traceId`. The Collector reads both.
pub(in super::super) fn camel_case(key: &str) -> Cow<'_, str> {
    if !key.as_bytes().contains(&b'_') {
        return Cow::Borrowed(key);
    }
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    Cow::Owned(words.fold(first, |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
        camel
    }))
}

/// A value, or its default for `null`.
pub(super) fn value<'de, T: Deserialize<'de> + Default, M: MapAccess<'de>>(
    map: &mut M,
) -> Result<T, M::Error> {
    Ok(map.next_value::<Option<T>>()?.unwrap_or_default())
}

pub(super) fn number<'de, T: super::scalar::Numeric, M: MapAccess<'de>>(
    map: &mut M,
) -> Result<T, M::Error> {
    Ok(value::<JsonNumber<T>, M>(map)?.0)
}

pub(super) fn object<'de, T: Object, M: MapAccess<'de>>(
    map: &mut M,
) -> Result<Option<T>, M::Error> {
    let read: Option<Read<T>> = map.next_value()?;
    Ok(read.map(|Read(object)| object))
}

pub(in super::super) fn objects<'de, T: Object, M: MapAccess<'de>>(
    map: &mut M,
) -> Result<Vec<T>, M::Error> {
    let read: Option<Items<T>> = map.next_value()?;
    Ok(read.map(|Items(items)| items).unwrap_or_default())
}

/// A list of objects, within the limit of the request.
struct Items<T>(Vec<T>);

impl<'de, T: Object> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(ItemsVisitor(PhantomData)).map(Self)
    }
}

struct ItemsVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ItemsVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<Vec<T>, S::Error> {
        let mut items = Vec::new();
        while let Some(Read(item)) = json.next_element()? {
            limit::push(&mut items, item)?;
        }
        Ok(items)
    }
}

pub(super) fn text<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Bytes, M::Error> {
    Ok(value::<JsonText, M>(map)?.0)
}

pub(in super::super) fn ignore<'de, M: MapAccess<'de>>(map: &mut M) -> Result<(), M::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// Ignores the value of an unknown key, unless spans would be lost with it.
fn refuse_spans<'de, M: MapAccess<'de>>(
    key: &str,
    map: &mut M,
    expected: &str,
) -> Result<(), M::Error> {
    if has_span(key, map)? {
        let key = super::scalar::short(key);
        let message = format_args!("found a span in `{key}`, expected it in `{expected}`");
        return Err(M::Error::custom(message));
    }
    Ok(())
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

/// Attributes, each of which is decoded separately.
pub(super) fn attributes<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Vec<Bytes>, M::Error> {
    let read: Option<KeyValues> = map.next_value()?;
    Ok(read.map(|KeyValues(items)| items).unwrap_or_default())
}

struct KeyValues(Vec<Bytes>);

impl<'de> Deserialize<'de> for KeyValues {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(KeyValuesVisitor).map(Self)
    }
}

struct KeyValuesVisitor;

impl<'de> Visitor<'de> for KeyValuesVisitor {
    type Value = Vec<Bytes>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut json: S) -> Result<Vec<Bytes>, S::Error> {
        /// The overhead of the allocation of its bytes.
        const OVERHEAD: usize = 16;
        let mut items = Vec::new();
        let mut next = || match source_text::attribute_errors() {
            AttributeErrors::FailRequest => {
                let read = json.next_element::<Read<KeyValue>>()?;
                Ok(read.map(|Read(key_value)| key_value.encode_to_vec().into()))
            }
            AttributeErrors::DropAttribute => {
                let raw = json.next_element::<&RawValue>()?;
                Ok(raw.map(|raw| key_value(raw.get())))
            }
        };
        while let Some(item) = next()? {
            limit::build(item.len() + OVERHEAD)?;
            limit::push(&mut items, item)?;
        }
        Ok(items)
    }
}

fn key_value(json: &str) -> Bytes {
    match serde_json::from_str::<Read<KeyValue>>(json) {
        Ok(Read(key_value)) => key_value.encode_to_vec().into(),
        Err(error) => {
            let key = serde_json::from_str(json).map(|Read(JustKey(key))| key);
            let message = error.to_string();
            // The position is relative to the attribute.
            let reason = message
                .rsplit_once(" at line ")
                .map_or(&*message, |(reason, _)| reason);
            attribute::mark(key.unwrap_or_default(), reason)
        }
    }
}

/// The key of an attribute with any value.
#[derive(Default)]
struct JustKey(Bytes);

impl Object for JustKey {
    const NAME: &'static str = "an attribute";
    const FIELDS: &'static [&'static str] = &["key"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.0 = text(map)?;
        Ok(())
    }
}

/// An export request, with its unknown keys.
#[derive(Default)]
struct ExportRequest {
    traces: TracesData,
    is_known: bool,
    unknown: Vec<String>,
}

/// Keys of other formats, and of other levels of OTLP, which would be lost.
const MISPLACED: [&str; 3] = ["batches", "scopeSpans", "spans"];

const EXPECTED: &str = "expected an object with `resourceSpans`";

impl Object for ExportRequest {
    const NAME: &'static str = "an export request";
    const FIELDS: &'static [&'static str] = &["resourceSpans"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.is_known = true;
        self.traces.resource_spans = objects(map)?;
        Ok(())
    }

    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        if self.unknown.len() < 5 {
            self.unknown
                .push(format!("`{}`", super::scalar::short(key)));
        }
        if MISPLACED.contains(&key) {
            return Err(M::Error::custom(format_args!("found `{key}`, {EXPECTED}")));
        }
        refuse_spans(key, map, "resourceSpans")
    }

    fn check<E: Error>(&mut self) -> Result<(), E> {
        if self.is_known || self.unknown.is_empty() {
            return Ok(());
        }
        let found = self.unknown.join(", ");
        Err(E::custom(format_args!("found {found}, {EXPECTED}")))
    }

    fn array<'de, S: SeqAccess<'de>>(_: S) -> Result<Self, S::Error> {
        Err(S::Error::custom(format_args!(
            "found an array, {EXPECTED}: send one request for each of its items"
        )))
    }
}

impl Object for ResourceSpans {
    const NAME: &'static str = "an item of `resourceSpans`";
    const FIELDS: &'static [&'static str] = &[
        "resource",
        "scopeSpans",
        "instrumentationLibrarySpans",
        "deprecatedScopeSpans",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "resource" => self.resource = object(map)?,
            "scopeSpans" => self.scope_spans.extend(objects(map)?),
            "instrumentationLibrarySpans" | "deprecatedScopeSpans" => {
                self.instrumentation_library_spans.extend(objects(map)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        if key == "spans" {
            let message = "found `spans` in `resourceSpans`, expected it in `scopeSpans`";
            return Err(M::Error::custom(message));
        }
        refuse_spans(key, map, "scopeSpans")
    }
}

impl Object for ResourceMessage {
    const NAME: &'static str = "a resource";
    const FIELDS: &'static [&'static str] = &["attributes", "droppedAttributesCount"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "attributes" => self.attributes = attributes(map)?,
            "droppedAttributesCount" => self.dropped_attributes_count = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for ScopeSpans {
    const NAME: &'static str = "an item of `scopeSpans`";
    const FIELDS: &'static [&'static str] = &["scope", "instrumentationLibrary", "spans"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "scope" | "instrumentationLibrary" => self.scope = object(map)?.or(self.scope.take()),
            "spans" => self.spans.extend(objects(map)?),
            _ => {}
        }
        Ok(())
    }

    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        refuse_spans(key, map, "spans")
    }
}

impl Object for ScopeMessage {
    const NAME: &'static str = "a scope";
    const FIELDS: &'static [&'static str] =
        &["name", "version", "attributes", "droppedAttributesCount"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "name" => self.name = text(map)?,
            "version" => self.version = text(map)?,
            "attributes" => self.attributes = attributes(map)?,
            "droppedAttributesCount" => self.dropped_attributes_count = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for SpanMessage {
    const NAME: &'static str = "a span";
    const FIELDS: &'static [&'static str] = &[
        "traceId",
        "spanId",
        "traceState",
        "parentSpanId",
        "name",
        "kind",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "attributes",
        "droppedAttributesCount",
        "events",
        "droppedEventsCount",
        "links",
        "droppedLinksCount",
        "status",
        "flags",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "traceId" => self.trace_id = value::<TraceIdBytes, M>(map)?.0,
            "spanId" => self.span_id = value::<SpanIdBytes, M>(map)?.0,
            "traceState" => self.trace_state = text(map)?,
            "parentSpanId" => self.parent_span_id = value::<SpanIdBytes, M>(map)?.0,
            "name" => self.name = text(map)?,
            "kind" => self.kind = value::<JsonSpanKind, M>(map)?.0,
            "startTimeUnixNano" => self.start_time_unix_nano = number(map)?,
            "endTimeUnixNano" => self.end_time_unix_nano = number(map)?,
            "attributes" => self.attributes = attributes(map)?,
            "droppedAttributesCount" => self.dropped_attributes_count = number(map)?,
            "events" => self.events = objects(map)?,
            "droppedEventsCount" => self.dropped_events_count = number(map)?,
            "links" => self.links = objects(map)?,
            "droppedLinksCount" => self.dropped_links_count = number(map)?,
            "status" => self.status = object(map)?,
            "flags" => self.flags = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for EventMessage {
    const NAME: &'static str = "an event";
    const FIELDS: &'static [&'static str] = &[
        "timeUnixNano",
        "name",
        "attributes",
        "droppedAttributesCount",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "timeUnixNano" => self.time_unix_nano = number(map)?,
            "name" => self.name = text(map)?,
            "attributes" => self.attributes = attributes(map)?,
            "droppedAttributesCount" => self.dropped_attributes_count = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for LinkMessage {
    const NAME: &'static str = "a link";
    const FIELDS: &'static [&'static str] = &[
        "traceId",
        "spanId",
        "traceState",
        "attributes",
        "droppedAttributesCount",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "traceId" => self.trace_id = value::<TraceIdBytes, M>(map)?.0,
            "spanId" => self.span_id = value::<SpanIdBytes, M>(map)?.0,
            "traceState" => self.trace_state = text(map)?,
            "attributes" => self.attributes = attributes(map)?,
            "droppedAttributesCount" => self.dropped_attributes_count = number(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for StatusMessage {
    const NAME: &'static str = "a status";
    const FIELDS: &'static [&'static str] = &["message", "code"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "message" => self.message = text(map)?,
            "code" => self.code = value::<JsonStatusCode, M>(map)?.0,
            _ => {}
        }
        Ok(())
    }
}

impl Object for KeyValue {
    const NAME: &'static str = "an attribute";
    const FIELDS: &'static [&'static str] = &["key", "value"];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "key" => self.key = text(map)?,
            "value" => self.value = object(map)?,
            _ => {}
        }
        Ok(())
    }
}

impl Object for AnyValue {
    const NAME: &'static str = "an attribute value such as {\"stringValue\": \"text\"}";
    const FIELDS: &'static [&'static str] = &[
        "stringValue",
        "boolValue",
        "intValue",
        "doubleValue",
        "arrayValue",
        "kvlistValue",
        "bytesValue",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        let kind = match key {
            "stringValue" => map
                .next_value::<Option<JsonText>>()?
                .map(|text| ValueKind::String(text.0)),
            "boolValue" => map.next_value::<Option<bool>>()?.map(ValueKind::Bool),
            "intValue" => map
                .next_value::<Option<JsonNumber<i64>>>()?
                .map(|int| ValueKind::Int(int.0)),
            "doubleValue" => map
                .next_value::<Option<JsonNumber<f64>>>()?
                .map(|double| ValueKind::Double(double.0)),
            "arrayValue" => object(map)?.map(ValueKind::Array),
            "kvlistValue" => object(map)?.map(ValueKind::Map),
            "bytesValue" => map
                .next_value::<Option<Base64>>()?
                .map(|bytes| ValueKind::Bytes(bytes.0)),
            _ => None,
        };
        if kind.is_some() && self.kind.is_some() {
            return Err(M::Error::custom("found two values, expected one"));
        }
        self.kind = kind.or(self.kind.take());
        Ok(())
    }
}

impl Object for ArrayValue {
    const NAME: &'static str = "an array value such as {\"values\": []}";
    const FIELDS: &'static [&'static str] = &["values"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.values = objects(map)?;
        Ok(())
    }
}

impl Object for KeyValueList {
    const NAME: &'static str = "a map value such as {\"values\": []}";
    const FIELDS: &'static [&'static str] = &["values"];

    fn field<'de, M: MapAccess<'de>>(&mut self, _: &str, map: &mut M) -> Result<(), M::Error> {
        self.values = objects(map)?;
        Ok(())
    }
}
