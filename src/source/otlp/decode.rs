//! Converts OTLP's messages to the trace model.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use super::attribute::{self, text};
use super::error::Malformed;
use super::ids::{SpanIds, WrongId, wrong_log_id};
use super::limit::Parts;
use super::message::{self, AnyValue, KeyValue, ValueKind};
use super::wire::Wire;
use crate::trace::{
    Attributes, Event, Hole, Link, LogRecord, Resource, Scope, Sender, Span, SpanId, SpanKind,
    Status, StatusCode, TraceId, Value, last_of_each,
};

/// A `Resource` message.
pub(crate) fn resource(protobuf: Bytes) -> Result<Resource, Malformed> {
    Ok(message::ResourceMessage::decode(protobuf)?.into())
}

/// The service of a `Resource` message, of which only the name of the service is decoded.
pub(crate) fn service_of(resource: &[u8]) -> Result<String, Malformed> {
    const KEY: &[u8] = b"service.name";
    let mut names = Vec::new();
    let mut wire = Wire(resource);
    while let Some((tag, field)) = wire.next()? {
        if tag != 1 {
            continue;
        }
        let attribute = field.message()?;
        if attribute.windows(KEY.len()).any(|part| part == KEY) {
            names.push(Bytes::copy_from_slice(attribute));
        }
    }
    let attributes = attributes(names, 0);
    Ok(Resource { attributes }.service().to_owned())
}

/// An `InstrumentationScope` message.
pub(crate) fn scope(protobuf: Bytes) -> Result<Scope, Malformed> {
    Ok(message::ScopeMessage::decode(protobuf)?.into())
}

/// A `Span` message with this resource and scope. `None` if its ids are invalid.
pub(crate) fn span(
    protobuf: Bytes,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
) -> Result<Option<Span>, Malformed> {
    let span = message::SpanMessage::decode(protobuf)?;
    let ids = SpanIds::read(&span.trace_id, &span.span_id, &span.parent_span_id);
    Ok(ids.ok().map(|ids| from_message(ids, span, resource, scope)))
}

/// A `LogRecord` message with this resource and scope.
pub(crate) fn log_record(
    protobuf: Bytes,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
) -> Result<LogRecord, Malformed> {
    let record = message::LogRecordMessage::decode(protobuf)?;
    Ok(log_from_message(record, resource, scope))
}

fn log_from_message(
    record: message::LogRecordMessage,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
) -> LogRecord {
    let severity = u8::try_from(record.severity_number).ok();
    LogRecord {
        trace_id: TraceId::from_slice(&record.trace_id),
        span_id: SpanId::from_slice(&record.span_id),
        time: match record.time_unix_nano {
            0 => record.observed_time_unix_nano,
            time => time,
        },
        severity: severity.filter(|number| (1..=24).contains(number)),
        severity_text: text(&record.severity_text),
        body: record.body.map_or(Value::Null, Value::from),
        event_name: text(&record.event_name),
        attributes: attributes(record.attributes, record.dropped_attributes_count),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        is_repeated: false,
    }
}

/// A span of a saved file that is left out because an id is invalid.
pub(super) struct Rejected {
    /// Its trace; `None` if that id is invalid.
    pub(super) trace: Option<TraceId>,
    /// The traces that its links refer to.
    pub(super) links: Vec<TraceId>,
    /// The hole that it leaves.
    pub(super) hole: Hole,
    pub(super) reason: WrongId,
}

/// All valid spans of these messages in order, and the rejected ones.
pub(super) fn spans(traces: message::TracesData) -> (Vec<Span>, Vec<Rejected>) {
    let (mut spans, mut rejected) = (Vec::new(), Vec::new());
    for block in traces.resource_spans {
        let resource: Arc<Resource> = Arc::new(block.resource.unwrap_or_default().into());
        let old = block.instrumentation_library_spans;
        for block in block.scope_spans.into_iter().chain(old) {
            let scope = Arc::new(block.scope.unwrap_or_default().into());
            for span in block.spans {
                match SpanIds::read(&span.trace_id, &span.span_id, &span.parent_span_id) {
                    Ok(ids) => spans.push(from_message(ids, span, &resource, &scope)),
                    Err(reason) => rejected.push(reject(&span, &resource, reason)),
                }
            }
        }
    }
    (spans, rejected)
}

/// All log records of these messages, in order, and the holes of those with an id of a wrong length.
pub(super) fn logs(logs: message::LogsData) -> (Vec<LogRecord>, Vec<Hole>) {
    let (mut records, mut holes) = (Vec::new(), Vec::new());
    for block in logs.resource_logs {
        let resource: Arc<Resource> = Arc::new(block.resource.unwrap_or_default().into());
        for block in block.scope_logs {
            let scope = Arc::new(block.scope.unwrap_or_default().into());
            for record in block.log_records {
                let lengths = (record.trace_id.len(), record.span_id.len());
                let record = log_from_message(record, &resource, &scope);
                if !matches!(lengths, (0 | 16, 0 | 8)) {
                    let hole = wrong_log_id(record.trace_id.is_some());
                    if !holes.contains(&hole) {
                        holes.push(hole);
                    }
                }
                records.push(record);
            }
        }
    }
    (records, holes)
}

fn reject(span: &message::SpanMessage, resource: &Resource, reason: WrongId) -> Rejected {
    let sender = Sender {
        service: Some(resource.service().to_owned()),
        ..Sender::default()
    };
    let links = span.links.iter();
    Rejected {
        trace: TraceId::from_slice(&span.trace_id),
        links: links
            .filter_map(|link| TraceId::from_slice(&link.trace_id))
            .collect(),
        hole: reason.hole(&span.name, sender),
        reason,
    }
}

fn from_message(
    ids: SpanIds,
    span: message::SpanMessage,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
) -> Span {
    let sent = span.links.len();
    let links: Vec<Link> = span.links.into_iter().filter_map(link).collect();
    let lost = u32::try_from(sent - links.len()).unwrap_or(u32::MAX);
    Span {
        trace_id: ids.trace,
        span_id: ids.span,
        parent_id: ids.parent,
        name: text(&span.name),
        kind: kind(span.kind),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        status: span.status.map(Status::from).unwrap_or_default(),
        attributes: attributes(span.attributes, span.dropped_attributes_count),
        events: span.events.into_iter().map(Event::from).collect(),
        dropped_events: span.dropped_events_count,
        dropped_links: span.dropped_links_count.saturating_add(lost),
        links,
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        trace_state: text(&span.trace_state),
        flags: span.flags,
    }
}

/// `None` for a link with invalid ids.
fn link(link: message::LinkMessage) -> Option<Link> {
    Some(Link {
        trace_id: TraceId::from_slice(&link.trace_id)?,
        span_id: SpanId::from_slice(&link.span_id)?,
        trace_state: text(&link.trace_state),
        attributes: attributes(link.attributes, link.dropped_attributes_count),
    })
}

impl From<message::ResourceMessage> for Resource {
    fn from(resource: message::ResourceMessage) -> Self {
        Self {
            attributes: attributes(resource.attributes, resource.dropped_attributes_count),
        }
    }
}

impl From<message::ScopeMessage> for Scope {
    fn from(scope: message::ScopeMessage) -> Self {
        Self {
            name: text(&scope.name),
            version: text(&scope.version),
            attributes: attributes(scope.attributes, scope.dropped_attributes_count),
        }
    }
}

impl From<message::EventMessage> for Event {
    fn from(event: message::EventMessage) -> Self {
        Self {
            name: text(&event.name),
            time: event.time_unix_nano,
            attributes: attributes(event.attributes, event.dropped_attributes_count),
        }
    }
}

impl From<message::StatusMessage> for Status {
    fn from(status: message::StatusMessage) -> Self {
        Self {
            code: nth(&StatusCode::ALL, status.code).unwrap_or_default(),
            message: text(&status.message),
        }
    }
}

impl From<AnyValue> for Value {
    fn from(value: AnyValue) -> Self {
        match value.kind {
            None => Self::Null,
            Some(ValueKind::String(bytes)) => Self::String(text(&bytes)),
            Some(ValueKind::Bool(bool)) => Self::Bool(bool),
            Some(ValueKind::Int(int)) => Self::Int(int),
            Some(ValueKind::Double(double)) => Self::Double(double),
            Some(ValueKind::Bytes(bytes)) => Self::Bytes(bytes.to_vec()),
            Some(ValueKind::Array(array)) => {
                Self::Array(array.values.into_iter().map(Self::from).collect())
            }
            Some(ValueKind::Map(map)) => {
                Self::Map(last_of_each(map.values.into_iter().map(entry).collect()).0)
            }
        }
    }
}

/// The attributes that can be decoded. The others are counted as dropped.
pub(super) fn attributes(sent: Vec<Bytes>, dropped: u32) -> Attributes {
    let mut undecodable: u32 = 0;
    let entries = sent.iter().map(|key_value| {
        if let Some((key, value)) = attribute::decode(key_value) {
            return (key, Some(value));
        }
        undecodable = undecodable.saturating_add(1);
        // It replaces an earlier value of its key.
        let checked = attribute::check(key_value, &mut Parts::default());
        let key = match checked {
            Ok(Err(undecodable)) => undecodable.key,
            _ => &[],
        };
        (text(key), None)
    });
    let (last, replaced) = last_of_each(entries.collect());
    let decoded = |entries: Vec<(String, Option<Value>)>| {
        let entries = entries.into_iter();
        let decoded = entries.filter_map(|(key, value)| Some((key, value?)));
        decoded.collect()
    };
    Attributes::of_distinct(decoded(last))
        .with_replaced(decoded(replaced))
        .with_dropped(dropped.saturating_add(undecodable))
}

pub(super) fn entry(entry: KeyValue) -> (String, Value) {
    let value = entry.value.map_or(Value::Null, Value::from);
    (text(&entry.key), value)
}

fn kind(number: i32) -> SpanKind {
    nth(&SpanKind::ALL, number).unwrap_or_default()
}

fn nth<T: Copy>(all: &[T], number: i32) -> Option<T> {
    all.get(usize::try_from(number).ok()?).copied()
}
