//! Rows as spans.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::schema::Schema;
use crate::source::backend::json::{JsonInteger, JsonValue};
use crate::trace::{
    Attributes, Event, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, Value,
};

/// The type of each path of a column of type JSON.
type Types = HashMap<String, String>;

/// A span in the table.
#[derive(Deserialize)]
pub(super) struct Row {
    #[serde(rename = "TraceId")]
    trace_id: String,
    #[serde(rename = "SpanId")]
    span_id: String,
    #[serde(rename = "ParentSpanId")]
    parent_id: String,
    #[serde(rename = "TraceState")]
    trace_state: String,
    #[serde(rename = "SpanName")]
    name: String,
    #[serde(rename = "SpanKind")]
    kind: String,
    #[serde(rename = "ServiceName")]
    service: String,
    #[serde(rename = "ResourceAttributes")]
    resource: JsonValue,
    #[serde(rename = "ScopeName", default)]
    scope_name: String,
    #[serde(rename = "ScopeVersion", default)]
    scope_version: String,
    #[serde(rename = "SpanAttributes")]
    attributes: JsonValue,
    #[serde(rename = "Duration")]
    duration: JsonInteger,
    #[serde(rename = "StatusCode")]
    status: String,
    #[serde(rename = "StatusMessage")]
    status_message: String,
    #[serde(rename = "Events.Name")]
    event_names: Vec<String>,
    #[serde(rename = "Events.Attributes")]
    event_attributes: Vec<JsonValue>,
    #[serde(rename = "Links.TraceId")]
    link_traces: Vec<String>,
    #[serde(rename = "Links.SpanId")]
    link_spans: Vec<String>,
    #[serde(rename = "Links.TraceState")]
    link_states: Vec<String>,
    #[serde(rename = "Links.Attributes")]
    link_attributes: Vec<JsonValue>,
    #[serde(rename = "ts")]
    start: JsonInteger,
    #[serde(rename = "ets")]
    event_times: Vec<JsonInteger>,
    #[serde(default)]
    resource_types: Types,
    #[serde(default)]
    span_types: Types,
    #[serde(default)]
    event_types: Vec<Types>,
    #[serde(default)]
    link_types: Vec<Types>,
}

/// A row that is not a span.
#[derive(Debug, thiserror::Error)]
#[error("a row of the table is no span: {what}")]
pub(super) struct NoSpan {
    what: String,
    /// The value that was found.
    pub(super) of: String,
}

impl Row {
    pub(super) fn span(self, schema: &Schema) -> Result<Span, NoSpan> {
        let start = self.start.wrapped();
        let mut resource = attributes(self.resource, &self.resource_types, schema);
        if resource.get("service.name").is_none() && !self.service.is_empty() {
            let service = ("service.name".to_owned(), Value::String(self.service));
            resource = with(resource, [service]);
        }
        let attributes_of_span = attributes(self.attributes, &self.span_types, schema);
        let (attributes_of_span, scope) = match schema.has_scope {
            true => (attributes_of_span, [self.scope_name, self.scope_version]),
            false => without_scope(attributes_of_span),
        };
        let [name, version] = scope;
        let mut links = Vec::new();
        let mut dropped_links = 0;
        let parts = self
            .link_traces
            .iter()
            .zip(&self.link_spans)
            .zip(self.link_states);
        let types = self
            .link_types
            .into_iter()
            .chain(std::iter::repeat_with(Types::new));
        for ((((trace, span), trace_state), values), types) in
            parts.zip(self.link_attributes).zip(types)
        {
            match (trace.parse(), span.parse()) {
                (Ok(trace_id), Ok(span_id)) => links.push(Link {
                    trace_id,
                    span_id,
                    trace_state,
                    attributes: attributes(values, &types, schema),
                }),
                _ => dropped_links += 1,
            }
        }
        let types = self
            .event_types
            .into_iter()
            .chain(std::iter::repeat_with(Types::new));
        let events = self.event_names.into_iter().zip(self.event_times);
        let events = events.zip(self.event_attributes).zip(types);
        let span = Span {
            trace_id: id(&self.trace_id, "a trace id")?,
            span_id: id(&self.span_id, "a span id")?,
            parent_id: parent(&self.parent_id)?,
            name: self.name,
            kind: kind(&self.kind)?,
            start,
            // A span without an end has wrapped around, too.
            end: start.wrapping_add(self.duration.wrapped()),
            status: Status {
                code: status(&self.status)?,
                message: self.status_message,
            },
            attributes: attributes_of_span,
            events: events
                .map(|(((name, time), values), types)| Event {
                    name,
                    time: time.wrapped(),
                    attributes: attributes(values, &types, schema),
                })
                .collect(),
            dropped_events: 0,
            links,
            dropped_links,
            resource: Arc::new(Resource {
                attributes: resource,
            }),
            scope: Arc::new(Scope {
                name,
                version,
                attributes: Attributes::default(),
            }),
            trace_state: self.trace_state,
            flags: 0,
        };
        Ok(span.with_usual_limits())
    }
}

fn no_span(text: &str, expected: &str) -> NoSpan {
    NoSpan {
        what: format!("`{text}` is not {expected}"),
        of: text.to_owned(),
    }
}

fn id<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, NoSpan> {
    text.parse().map_err(|_| no_span(text, expected))
}

fn parent(text: &str) -> Result<Option<SpanId>, NoSpan> {
    match text.is_empty() || text.bytes().all(|byte| byte == b'0') {
        true => Ok(None),
        false => id(text, "the id of a parent").map(Some),
    }
}

/// `Server` or `SPAN_KIND_SERVER`.
fn kind(text: &str) -> Result<SpanKind, NoSpan> {
    let name = text.strip_prefix("SPAN_KIND_").unwrap_or(text);
    if name.is_empty() {
        return Ok(SpanKind::Unspecified);
    }
    let mut all = SpanKind::ALL.into_iter();
    all.find(|kind| kind.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| no_span(text, "a span kind"))
}

/// `Error` or `STATUS_CODE_ERROR`.
fn status(text: &str) -> Result<StatusCode, NoSpan> {
    let name = text.strip_prefix("STATUS_CODE_").unwrap_or(text);
    if name.is_empty() {
        return Ok(StatusCode::Unset);
    }
    let mut all = StatusCode::ALL.into_iter();
    all.find(|code| code.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| no_span(text, "a status"))
}

/// The attributes of a map, or of a column of type JSON, where dots have become objects.
fn attributes(value: JsonValue, types: &Types, schema: &Schema) -> Attributes {
    if !schema.is_json {
        return value.into_entries().into_iter().collect();
    }
    let mut flat = Vec::new();
    flatten("", value.into_entries(), &mut flat);
    let all = flat.len();
    // ClickHouse took these strings for times, and writes them in its own form.
    let is_changed = |key: &str| {
        types
            .get(key)
            .is_some_and(|kind| kind.contains("Date") || kind.contains("Time"))
    };
    flat.retain(|(key, _)| !is_changed(key));
    let dropped = u32::try_from(all - flat.len()).unwrap_or(u32::MAX);
    flat.into_iter()
        .collect::<Attributes>()
        .with_dropped(dropped)
}

fn flatten(prefix: &str, entries: Vec<(String, Value)>, flat: &mut Vec<(String, Value)>) {
    for (key, value) in entries {
        let path = match prefix {
            "" => key,
            _ => format!("{prefix}.{key}"),
        };
        match value {
            Value::Map(entries) => flatten(&path, entries, flat),
            value => flat.push((path, value)),
        }
    }
}

/// The attributes without the scope that old exporters put among them.
fn without_scope(all: Attributes) -> (Attributes, [String; 2]) {
    let names = [
        ["otel.scope.name", "otel.library.name"],
        ["otel.scope.version", "otel.library.version"],
    ];
    let scope = names.each_ref().map(|names| {
        let mut values = names.iter().filter_map(|name| all.get(name)?.as_str());
        values.next().unwrap_or_default().to_owned()
    });
    let is_scope = |key: &str| names.as_flattened().contains(&key);
    let kept = all.iter().filter(|(key, _)| !is_scope(key));
    let kept = kept.map(|(key, value)| (key.to_owned(), value.clone()));
    let kept = kept.collect::<Attributes>().with_dropped(all.dropped());
    (kept, scope)
}

fn with(all: Attributes, more: impl IntoIterator<Item = (String, Value)>) -> Attributes {
    let known = all
        .iter()
        .map(|(key, value)| (key.to_owned(), value.clone()));
    let known = known.chain(more).collect::<Attributes>();
    known.with_dropped(all.dropped())
}
