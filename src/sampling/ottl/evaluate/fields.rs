//! The values of paths, and values behind indexes.

use std::borrow::Cow;

use super::super::datum::{Datum, Entries, expected, unknown};
use super::super::path::{EventField, Path, ResourceField, ScopeField, SpanField};
use super::super::record::{Fidelity, Record, Result, Stop};
use super::super::syntax::Key;
use super::value;
use crate::sampling::{attribute, state_value};
use crate::trace::{Attributes, SpanKind, Value};

pub(super) fn at_path<'t>(
    path: &'t Path,
    keys: &'t [Key],
    record: Record<'t>,
) -> Result<Datum<'t>> {
    let attributes = match path {
        Path::Span(SpanField::Attributes) => &record.span.attributes,
        Path::Span(field) => return of_span(field, keys, record),
        Path::Event(field) => {
            let Some(event) = record.event else {
                return Err(unknown("an event"));
            };
            match field {
                EventField::Attributes => &event.attributes,
                EventField::Name => return Ok(Datum::Text(Cow::Borrowed(&event.name))),
                EventField::Time => return Ok(Datum::Time(nanos(event.time))),
                EventField::TimeNanos => return Ok(Datum::Int(nanos(event.time))),
                // The processor does not pass it.
                EventField::Index => return Err(Stop::Error("no index of the event".to_owned())),
                EventField::DroppedAttributes => {
                    return dropped(event.attributes.dropped(), record);
                }
            }
        }
        Path::Scope(field) => match field {
            ScopeField::Attributes => &record.span.scope.attributes,
            ScopeField::Name => return Ok(Datum::Text(Cow::Borrowed(&record.span.scope.name))),
            ScopeField::Version => {
                return Ok(Datum::Text(Cow::Borrowed(&record.span.scope.version)));
            }
            ScopeField::DroppedAttributes => {
                return dropped(record.span.scope.attributes.dropped(), record);
            }
        },
        Path::Resource(ResourceField::Attributes) => &record.span.resource.attributes,
        Path::Resource(ResourceField::DroppedAttributes) => {
            return dropped(record.span.resource.attributes.dropped(), record);
        }
    };
    of_attributes(attributes, keys, record)
}

fn of_attributes<'t>(
    attributes: &'t Attributes,
    keys: &'t [Key],
    record: Record<'t>,
) -> Result<Datum<'t>> {
    let Some((first, rest)) = keys.split_first() else {
        return Ok(Datum::Map(Entries::Attributes(attributes)));
    };
    let found = match key(first, record)? {
        Datum::Text(name) => attribute(attributes, &name),
        other => return Err(expected("a string as the index", &other)),
    };
    match found {
        None => Ok(Datum::Nil),
        Some(value) if rest.is_empty() => Ok(Datum::of(value)),
        Some(value) => indexed(Datum::of(value), rest, record, Missing::Nil),
    }
}

fn of_span<'t>(field: &SpanField, keys: &'t [Key], record: Record<'t>) -> Result<Datum<'t>> {
    let span = record.span;
    let hex = |id: Option<String>, zeros: &str| Datum::text(id.unwrap_or_else(|| zeros.to_owned()));
    Ok(match field {
        SpanField::TraceId => Datum::TraceId(*span.trace_id.as_bytes()),
        SpanField::TraceIdText => Datum::text(span.trace_id.to_string()),
        SpanField::SpanId => Datum::SpanId(*span.span_id.as_bytes()),
        SpanField::SpanIdText => Datum::text(span.span_id.to_string()),
        SpanField::ParentId => {
            Datum::SpanId(span.parent_id.map_or([0; 8], |parent| *parent.as_bytes()))
        }
        SpanField::ParentIdText => hex(span.parent_id.map(|id| id.to_string()), "0000000000000000"),
        SpanField::TraceState => return state(keys, record),
        SpanField::Name => Datum::Text(Cow::Borrowed(&span.name)),
        SpanField::Kind => Datum::Int(nth(&SpanKind::ALL, &span.kind)),
        SpanField::KindText => Datum::text(capitalized(span.kind.as_str())),
        SpanField::KindConstant => Datum::text(format!(
            "SPAN_KIND_{}",
            span.kind.as_str().to_ascii_uppercase()
        )),
        SpanField::StartNanos => Datum::Int(nanos(span.start)),
        SpanField::EndNanos => Datum::Int(nanos(span.end)),
        SpanField::Start => Datum::Time(nanos(span.start)),
        SpanField::End => Datum::Time(nanos(span.end)),
        SpanField::Attributes => Datum::Map(Entries::Attributes(&span.attributes)),
        SpanField::DroppedAttributes => return dropped(span.attributes.dropped(), record),
        SpanField::Events => Datum::Records(span.events.len()),
        SpanField::DroppedEvents => return dropped(span.dropped_events, record),
        SpanField::Links => Datum::Records(span.links.len()),
        SpanField::DroppedLinks => return dropped(span.dropped_links, record),
        SpanField::Status => Datum::Status,
        SpanField::StatusCode => Datum::Int(nth(&crate::trace::StatusCode::ALL, &span.status.code)),
        SpanField::StatusMessage => Datum::Text(Cow::Borrowed(&span.status.message)),
        SpanField::Flags => Datum::Int(span.flags.into()),
    })
}

/// `tracestate`, or the value of one of its keys.
fn state<'t>(keys: &'t [Key], record: Record<'t>) -> Result<Datum<'t>> {
    let header = &record.span.trace_state;
    match keys {
        [Key::Text(key)] => Ok(state_value::value(header, key)
            .map_or(Datum::Nil, |value| Datum::Text(Cow::Borrowed(value)))),
        _ => Ok(Datum::Text(Cow::Borrowed(header))),
    }
}

fn dropped(number: u32, record: Record<'_>) -> Result<Datum<'static>> {
    match record.fidelity {
        Fidelity::Whole => Ok(Datum::Int(number.into())),
        Fidelity::Partial => Err(Stop::Unknown(
            "the source of the trace may lose the numbers of dropped records".to_owned(),
        )),
    }
}

fn nth<T: PartialEq>(all: &[T], one: &T) -> i64 {
    let at = all.iter().position(|known| known == one);
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or(0)
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|char| char.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn nanos(time: u64) -> i64 {
    time.cast_signed()
}

/// What a missing key of a map is.
#[derive(Clone, Copy)]
pub(super) enum Missing {
    Nil,
    Error,
}

fn key<'t>(key: &'t Key, record: Record<'t>) -> Result<Datum<'t>> {
    match key {
        Key::Text(text) => Ok(Datum::Text(Cow::Borrowed(text))),
        Key::Int(int) => Ok(Datum::Int(*int)),
        Key::Expression(expression) => value(expression, record),
    }
}

/// The value behind further indexes.
pub(super) fn indexed<'t>(
    mut datum: Datum<'t>,
    keys: &'t [Key],
    record: Record<'t>,
    missing: Missing,
) -> Result<Datum<'t>> {
    for of in keys {
        let index = key(of, record)?;
        datum = match (datum, index, missing) {
            (Datum::Map(entries), Datum::Text(key), _) => match entry(entries, &key) {
                Some(value) => value,
                None if matches!(missing, Missing::Nil) => return Ok(Datum::Nil),
                None => return Err(Stop::Error(format!("no key `{key}` in the map"))),
            },
            (Datum::List(items), Datum::Int(at), _) => item(items, at)?,
            (Datum::Bytes(bytes), Datum::Int(_), Missing::Error) => {
                let _ = bytes;
                return Err(unknown("an index of bytes"));
            }
            (datum, index, _) => {
                let (index, of) = (index.type_name(), datum.type_name());
                return Err(Stop::Error(format!("{index} is no index of {of}")));
            }
        };
    }
    Ok(datum)
}

/// The first entry with a key, as the Collector finds it.
fn entry<'t>(entries: Entries<'t>, key: &str) -> Option<Datum<'t>> {
    match entries {
        Entries::Attributes(attributes) => attribute(attributes, key).map(Datum::of),
        Entries::Values(Cow::Borrowed(values)) => {
            let found = values.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| Datum::of(value))
        }
        Entries::Values(Cow::Owned(values)) => {
            let found = values.into_iter().find(|(name, _)| name == key);
            found.map(|(_, value)| owned(value))
        }
    }
}

fn item(items: Cow<'_, [Value]>, at: i64) -> Result<Datum<'_>> {
    let out_of_bounds = || Stop::Error(format!("index {at} is out of bounds"));
    let index = usize::try_from(at).map_err(|_| out_of_bounds())?;
    match items {
        Cow::Borrowed(items) => items.get(index).map(Datum::of),
        Cow::Owned(items) => items.into_iter().nth(index).map(owned),
    }
    .ok_or_else(out_of_bounds)
}

fn owned<'t>(value: Value) -> Datum<'t> {
    match value {
        Value::String(text) => Datum::Text(Cow::Owned(text)),
        Value::Bytes(bytes) => Datum::Bytes(Cow::Owned(bytes)),
        Value::Array(items) => Datum::List(Cow::Owned(items)),
        Value::Map(entries) => Datum::Map(Entries::Values(Cow::Owned(entries))),
        Value::Bool(bool) => Datum::Bool(bool),
        Value::Int(int) => Datum::Int(int),
        Value::Double(double) => Datum::Double(double),
        Value::Number(_) | Value::Null => Datum::Nil,
    }
}
