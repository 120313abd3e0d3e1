//! Writes a trace as OTLP/JSON.

use std::sync::Arc;

use base64::Engine;
use serde_json::{Value as Json, json};

use crate::trace::{
    Attributes, Event, Link, Resource, Scope, Span, SpanKind, Status, StatusCode, Trace, Value,
};

/// Writes a trace and the linked ones as an OTLP/JSON document. Spans are grouped by resource and
/// scope.
#[must_use]
pub fn write_json(trace: &Trace) -> String {
    let document = json!({ "resourceSpans": all_resource_spans(trace) });
    format!("{document:#}\n")
}

/// As [`write_json`], with another key before the spans.
#[cfg(feature = "run")]
pub(crate) fn write_json_with(trace: &Trace, key: &str, about: &impl serde::Serialize) -> String {
    let document = json!({ key: about, "resourceSpans": all_resource_spans(trace) });
    format!("{document:#}\n")
}

fn all_resource_spans(trace: &Trace) -> Vec<Json> {
    let spans = trace
        .spans()
        .iter()
        .chain(trace.linked().iter().flat_map(Trace::spans));
    group(spans, |span| &span.resource)
        .into_iter()
        .map(|(resource, spans)| resource_spans(resource, spans))
        .collect()
}

/// Spans with an equal resource or scope, in the order of their first appearance.
fn group<'a, T: PartialEq + 'a>(
    spans: impl IntoIterator<Item = &'a Span>,
    key: impl Fn(&'a Span) -> &'a Arc<T>,
) -> Vec<(&'a T, Vec<&'a Span>)> {
    let mut groups: Vec<(&Arc<T>, Vec<&Span>)> = Vec::new();
    for span in spans {
        let wanted = key(span);
        let known = groups
            .iter_mut()
            .find(|(found, _)| Arc::ptr_eq(found, wanted) || found == &wanted);
        match known {
            Some((_, spans)) => spans.push(span),
            None => groups.push((wanted, vec![span])),
        }
    }
    groups
        .into_iter()
        .map(|(key, spans)| (&**key, spans))
        .collect()
}

fn resource_spans(resource: &Resource, spans: Vec<&Span>) -> Json {
    let scope_spans: Vec<Json> = group(spans, |span| &span.scope)
        .into_iter()
        .map(|(scope, spans)| scope_spans(scope, spans))
        .collect();
    json!({
        "resource": with_dropped(
            json!({ "attributes": attributes(&resource.attributes) }),
            &[("droppedAttributesCount", resource.attributes.dropped())],
        ),
        "scopeSpans": scope_spans,
    })
}

fn scope_spans(scope: &Scope, spans: Vec<&Span>) -> Json {
    let described = json!({
        "name": scope.name,
        "version": scope.version,
        "attributes": attributes(&scope.attributes),
    });
    let dropped = [("droppedAttributesCount", scope.attributes.dropped())];
    json!({
        "scope": with_dropped(described, &dropped),
        "spans": spans.into_iter().map(span).collect::<Vec<_>>(),
    })
}

fn span(span: &Span) -> Json {
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
    ];
    with_dropped(written, &dropped)
}

/// Adds the counts that are not zero to an object.
fn with_dropped(mut object: Json, counts: &[(&str, u32)]) -> Json {
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
    with_dropped(written, &dropped)
}

fn link(link: &Link) -> Json {
    let written = json!({
        "traceId": link.trace_id.to_string(),
        "spanId": link.span_id.to_string(),
        "traceState": link.trace_state,
        "attributes": attributes(&link.attributes),
    });
    let dropped = [("droppedAttributesCount", link.attributes.dropped())];
    with_dropped(written, &dropped)
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
        .iter()
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
