//! The documents of Data Prepper: OTLP in camel case, with attributes as fields.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::document::{date, parsed, unread};
use super::engine::Documents;
use crate::source::backend::adapter::Fetched;
use crate::source::jaeger_json::{attribute_value, span_id, trace_id};
use crate::trace::{
    Attributes, Event, Field, Link, Resource, Scope, Span, SpanKind, Status, StatusCode, Value,
};

/// Arrays and maps are JSON in strings, and bytes are strings.
const LOSSES: [Field; 1] = [Field::Structures];

const SPAN: &str = "span.attributes.";
const RESOURCE: &str = "resource.attributes.";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    #[serde(default)]
    trace_state: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: String,
    start_time: String,
    #[serde(default)]
    end_time: Option<String>,
    #[serde(default)]
    /// Negative if the span has no end, or one before its start.
    duration_in_nanos: Option<i64>,
    #[serde(default)]
    service_name: Option<String>,
    #[serde(default)]
    events: Option<Vec<EventJson>>,
    #[serde(default)]
    links: Option<Vec<LinkJson>>,
    #[serde(default)]
    dropped_attributes_count: u32,
    #[serde(default)]
    dropped_events_count: u32,
    #[serde(default)]
    dropped_links_count: u32,
    /// Fields with dots in their names, and those that are objects in newer versions.
    #[serde(flatten)]
    others: Map<String, Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventJson {
    #[serde(default)]
    name: String,
    time: String,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    dropped_attributes_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkJson {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    trace_state: Option<String>,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    dropped_attributes_count: u32,
}

pub(super) fn read(documents: &Documents) -> serde_json::Result<Fetched> {
    let mut all = Fetched::default();
    if !documents.sources.is_empty() {
        all.losses.add(&LOSSES.into_iter().collect());
    }
    for document in parsed::<Document>(documents)? {
        let name = document.name.clone();
        match document.read() {
            Ok(span) => all.spans.push(span),
            Err(why) => all.holes.push(unread(&name, &why)),
        }
    }
    Ok(all)
}

impl Document {
    fn read(self) -> Result<Span, String> {
        let start = date(&self.start_time)?;
        let end = match (self.duration_in_nanos, &self.end_time) {
            (Some(duration), _) => start.saturating_add_signed(duration),
            (None, Some(end)) => date(end)?,
            (None, None) => 0,
        };
        let parent = Some(self.parent_span_id.as_str()).filter(|id| !id.is_empty());
        let events = self.events.into_iter().flatten().map(EventJson::read);
        let links = self.links.into_iter().flatten().map(LinkJson::read);
        let others = &self.others;
        let mut resource = with_prefix(others, RESOURCE);
        if let Some(service) = self.service_name.filter(|name| !name.is_empty())
            && !resource.iter().any(|(key, _)| key == "service.name")
        {
            resource.push(("service.name".to_owned(), Value::from(service)));
        }
        let scope = |part: &str| {
            let names = [
                format!("instrumentationScope.{part}"),
                format!("instrumentationLibrary.{part}"),
            ];
            names.iter().find_map(|name| text(others, name))
        };
        Ok(Span {
            parent_id: parent.map(span_id).transpose()?,
            kind: kind(&self.kind),
            start,
            end,
            status: Status {
                code: match field(others, "status.code").and_then(Json::as_u64) {
                    Some(1) => StatusCode::Ok,
                    Some(2) => StatusCode::Error,
                    _ => StatusCode::Unset,
                },
                message: text(others, "status.message").unwrap_or_default(),
            },
            attributes: with_prefix(others, SPAN)
                .into_iter()
                .collect::<Attributes>()
                .with_dropped(self.dropped_attributes_count),
            events: events.collect::<Result<_, _>>()?,
            dropped_events: self.dropped_events_count,
            links: links.collect::<Result<_, _>>()?,
            dropped_links: self.dropped_links_count,
            resource: Arc::new(Resource {
                attributes: resource.into_iter().collect(),
            }),
            scope: Arc::new(Scope {
                name: scope("name").unwrap_or_default(),
                version: scope("version").unwrap_or_default(),
                ..Scope::default()
            }),
            trace_state: self.trace_state.unwrap_or_default(),
            ..Span::new(
                trace_id(&self.trace_id)?,
                span_id(&self.span_id)?,
                self.name,
            )
        })
    }
}

impl EventJson {
    fn read(self) -> Result<Event, String> {
        Ok(Event {
            name: self.name,
            time: date(&self.time)?,
            attributes: attributes(self.attributes, self.dropped_attributes_count),
        })
    }
}

impl LinkJson {
    fn read(self) -> Result<Link, String> {
        Ok(Link {
            trace_id: trace_id(&self.trace_id)?,
            span_id: span_id(&self.span_id)?,
            trace_state: self.trace_state.unwrap_or_default(),
            attributes: attributes(self.attributes, self.dropped_attributes_count),
        })
    }
}

/// `SPAN_KIND_SERVER`.
fn kind(name: &str) -> SpanKind {
    let name = name.strip_prefix("SPAN_KIND_").unwrap_or(name);
    let mut all = SpanKind::ALL.into_iter();
    all.find(|kind| kind.as_str().eq_ignore_ascii_case(name))
        .unwrap_or_default()
}

fn attributes(all: Map<String, Json>, dropped: u32) -> Attributes {
    let each = all.into_iter();
    let each: Attributes = each
        .map(|(key, value)| (key.replace('@', "."), attribute_value(value)))
        .collect();
    each.with_dropped(dropped)
}

/// The fields with this prefix, in which `@` stands for dots.
fn with_prefix(others: &Map<String, Json>, prefix: &str) -> Vec<(String, Value)> {
    let each = others.iter();
    each.filter_map(|(key, value)| {
        let key = key.strip_prefix(prefix)?.replace('@', ".");
        Some((key, attribute_value(value.clone())))
    })
    .collect()
}

/// A field, as one key with dots or within objects.
fn field<'j>(others: &'j Map<String, Json>, path: &str) -> Option<&'j Json> {
    others.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        others.get(first)?.get(rest)
    })
}

fn text(others: &Map<String, Json>, path: &str) -> Option<String> {
    Some(field(others, path)?.as_str()?.to_owned())
}
