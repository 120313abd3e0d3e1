//! Writes a trace as OTLP/JSON, with its log records.

use std::sync::Arc;

use base64::Engine;
use serde_json::{Value as Json, json};

use crate::trace::{
    Attributes, Event, Link, LogRecord, Resource, Scope, Span, SpanKind, Status, StatusCode, Trace,
    Value,
};

/// Writes a trace and the linked ones, with their log records, as an OTLP/JSON document. Spans and log
/// records are grouped by resource and scope.
#[must_use]
pub fn write_json(trace: &Trace) -> String {
    format!("{:#}\n", Json::from(document(trace)))
}

/// As [`write_json`], with another key before the spans.
#[cfg(feature = "run")]
pub(crate) fn write_json_with(trace: &Trace, key: &str, about: &impl serde::Serialize) -> String {
    let mut all = serde_json::Map::from_iter([(key.to_owned(), json!(about))]);
    all.extend(document(trace));
    format!("{:#}\n", Json::from(all))
}

/// Writes a log record as an OTLP/JSON document.
#[cfg(feature = "run")]
pub(crate) fn write_log_json(record: LogRecord) -> String {
    let record = Arc::new(record);
    let logs = grouped(
        std::iter::once(&record),
        ("scopeLogs", "logRecords"),
        |record| (&record.resource, &record.scope, log_record(record)),
    );
    json!({ "resourceLogs": logs }).to_string()
}

fn document(trace: &Trace) -> serde_json::Map<String, Json> {
    let all = || std::iter::once(trace).chain(trace.linked());
    let spans = all().flat_map(Trace::spans);
    let spans = grouped(spans, ("scopeSpans", "spans"), |span| {
        (&span.resource, &span.scope, span_json(span))
    });
    let mut document = serde_json::Map::new();
    document.insert("resourceSpans".to_owned(), spans.into());
    let logs = all().flat_map(Trace::logs);
    let logs = grouped(logs, ("scopeLogs", "logRecords"), |record| {
        (&record.resource, &record.scope, log_record(record))
    });
    if !logs.is_empty() {
        document.insert("resourceLogs".to_owned(), logs.into());
    }
    document
}

/// The resource and the scope of a record, and the record.
type Written<'a> = (&'a Arc<Resource>, &'a Arc<Scope>, Json);

/// Records in blocks with an equal resource and scope, in the order of their first appearance. `keys` are those
/// of scopes and of records.
fn grouped<'a, R>(
    records: impl Iterator<Item = R>,
    keys: (&str, &str),
    write: impl Fn(R) -> Written<'a>,
) -> Vec<Json> {
    let written = records.map(write);
    let of_resources = group(written, |(resource, ..)| resource);
    let blocks = of_resources.into_iter().map(|(described, records)| {
        let of_scopes = group(records.into_iter(), |(_, scope, _)| scope);
        let scopes = of_scopes.into_iter().map(|(described, records)| {
            let records = records.into_iter().map(|(.., record)| record);
            json!({ "scope": scope(described), keys.1: records.collect::<Vec<_>>() })
        });
        json!({ "resource": resource(described), keys.0: scopes.collect::<Vec<_>>() })
    });
    blocks.collect()
}

fn group<'a, T: PartialEq + 'a>(
    records: impl Iterator<Item = Written<'a>>,
    key: impl Fn(&Written<'a>) -> &'a Arc<T>,
) -> Vec<(&'a T, Vec<Written<'a>>)> {
    let mut groups: Vec<(&Arc<T>, Vec<Written<'_>>)> = Vec::new();
    for record in records {
        let wanted = key(&record);
        let known = groups
            .iter_mut()
            .find(|(found, _)| Arc::ptr_eq(found, wanted) || found == &wanted);
        match known {
            Some((_, records)) => records.push(record),
            None => groups.push((wanted, vec![record])),
        }
    }
    let groups = groups.into_iter();
    groups.map(|(key, records)| (&**key, records)).collect()
}

fn resource(resource: &Resource) -> Json {
    let described = json!({ "attributes": attributes(&resource.attributes) });
    let dropped = [("droppedAttributesCount", resource.attributes.dropped())];
    with_numbers(described, &dropped)
}

fn scope(scope: &Scope) -> Json {
    let described = json!({
        "name": scope.name,
        "version": scope.version,
        "attributes": attributes(&scope.attributes),
    });
    let dropped = [("droppedAttributesCount", scope.attributes.dropped())];
    with_numbers(described, &dropped)
}

fn log_record(record: &Arc<LogRecord>) -> Json {
    let id = |id: Option<String>| id.unwrap_or_default();
    let written = json!({
        "timeUnixNano": record.time.to_string(),
        "severityNumber": record.severity.unwrap_or_default(),
        "severityText": record.severity_text,
        "body": any_value(&record.body),
        "attributes": attributes(&record.attributes),
        "traceId": id(record.trace_id.map(|id| id.to_string())),
        "spanId": id(record.span_id.map(|id| id.to_string())),
        "eventName": record.event_name,
    });
    let dropped = [("droppedAttributesCount", record.attributes.dropped())];
    with_numbers(written, &dropped)
}

fn span_json(span: &Span) -> Json {
    let written = json!({
        "traceId": span.trace_id.to_string(),
        "spanId": span.span_id.to_string(),
        "traceState": span.trace_state,
        "parentSpanId": span.parent_id.map_or_else(String::new, |parent| parent.to_string()),
        "name": span.name,
        "kind": number(&SpanKind::ALL, &span.kind),
        "startTimeUnixNano": span.start.to_string(),
        "endTimeUnixNano": span.end.to_string(),
        "attributes": attributes(&span.attributes),
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "status": status(&span.status),
    });
    let dropped = [
        ("droppedAttributesCount", span.attributes.dropped()),
        ("droppedEventsCount", span.dropped_events),
        ("droppedLinksCount", span.dropped_links),
        ("flags", span.flags),
    ];
    with_numbers(written, &dropped)
}

/// Adds the numbers that are not zero to an object.
fn with_numbers(mut object: Json, counts: &[(&str, u32)]) -> Json {
    for (key, count) in counts.iter().filter(|(_, count)| *count > 0) {
        object[key] = json!(count);
    }
    object
}

fn event(event: &Event) -> Json {
    let written = json!({
        "timeUnixNano": event.time.to_string(),
        "name": event.name,
        "attributes": attributes(&event.attributes),
    });
    let dropped = [("droppedAttributesCount", event.attributes.dropped())];
    with_numbers(written, &dropped)
}

fn link(link: &Link) -> Json {
    let written = json!({
        "traceId": link.trace_id.to_string(),
        "spanId": link.span_id.to_string(),
        "traceState": link.trace_state,
        "attributes": attributes(&link.attributes),
    });
    let dropped = [("droppedAttributesCount", link.attributes.dropped())];
    with_numbers(written, &dropped)
}

fn status(status: &Status) -> Json {
    json!({ "code": number(&StatusCode::ALL, &status.code), "message": status.message })
}

/// The number of an enum: its index in OTLP's order.
fn number<T: PartialEq>(all: &[T], wanted: &T) -> usize {
    all.iter().position(|one| one == wanted).unwrap_or(0)
}

fn attributes(attributes: &Attributes) -> Vec<Json> {
    attributes
        .all_sent()
        .map(|(key, value)| key_value(key, value))
        .collect()
}

fn key_value(key: &str, value: &Value) -> Json {
    json!({ "key": key, "value": any_value(value) })
}

fn any_value(value: &Value) -> Json {
    match value {
        Value::Null => json!({}),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(bool) => json!({ "boolValue": bool }),
        Value::Int(int) => json!({ "intValue": int.to_string() }),
        Value::Double(_) | Value::Number(_) => json!({ "doubleValue": value.to_json() }),
        Value::Bytes(bytes) => {
            let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
            json!({ "bytesValue": base64 })
        }
        Value::Array(items) => {
            let values: Vec<Json> = items.iter().map(any_value).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Value::Map(entries) => {
            let values: Vec<Json> = entries
                .iter()
                .map(|(key, value)| key_value(key, value))
                .collect();
            json!({ "kvlistValue": { "values": values } })
        }
    }
}

/// An export request with one gauge of this value at this time, in OTLP/JSON.
#[cfg(feature = "run")]
pub(crate) fn write_gauge_json(
    name: &str,
    (resource, of_point): (&Attributes, &Attributes),
    value: i64,
    time: crate::trace::Nanos,
) -> String {
    let point = json!({
        "timeUnixNano": time.to_string(),
        "asInt": value.to_string(),
        "attributes": attributes(of_point),
    });
    let metric = json!({ "name": name, "gauge": { "dataPoints": [point] } });
    json!({ "resourceMetrics": [{
        "resource": { "attributes": attributes(resource) },
        "scopeMetrics": [{ "metrics": [metric] }],
    }] })
    .to_string()
}
