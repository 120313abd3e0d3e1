//! The documents of the Collector's `elasticsearch` exporter in its mode `otel`.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::document::{date, parsed, unread};
use super::engine::Documents;
use crate::source::backend::adapter::Fetched;
use crate::source::jaeger_json::{attribute_value, span_id, trace_id};
use crate::trace::{
    Attributes, Event, Field, Link, Nanos, Resource, Scope, Span, SpanKind, Status, StatusCode,
};

#[derive(Deserialize)]
struct Document<'d> {
    #[serde(rename = "@timestamp", borrow)]
    timestamp: &'d RawValue,
    trace_id: String,
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    #[serde(default)]
    trace_state: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    duration: Nanos,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    dropped_attributes_count: u32,
    #[serde(default)]
    dropped_events_count: u32,
    #[serde(default)]
    links: Vec<LinkJson>,
    #[serde(default)]
    dropped_links_count: u32,
    #[serde(default)]
    status: StatusJson,
    #[serde(default)]
    resource: Part,
    #[serde(default)]
    scope: Part,
}

#[derive(Deserialize)]
struct LinkJson {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    trace_state: String,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    dropped_attributes_count: u32,
}

#[derive(Default, Deserialize)]
struct StatusJson {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// A resource or a scope.
#[derive(Default, Deserialize)]
struct Part {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    dropped_attributes_count: u32,
}

/// A span event, or a log record.
#[derive(Deserialize)]
struct LogDocument<'d> {
    #[serde(rename = "@timestamp", borrow)]
    timestamp: &'d RawValue,
    #[serde(default)]
    span_id: String,
    #[serde(default)]
    event_name: String,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    dropped_attributes_count: u32,
    /// Only log records have it.
    #[serde(default)]
    observed_timestamp: Option<serde::de::IgnoredAny>,
}

/// A time, and whether its nanoseconds are those that were sent.
struct Time {
    nanos: Nanos,
    is_exact: bool,
}

/// The spans of documents, in which bytes are strings of hex digits, with the events among the documents of logs. Without an index of logs, events
/// are not known.
pub(super) fn read(spans: &Documents, events: Option<&Documents>) -> serde_json::Result<Fetched> {
    let mut all = Fetched::default();
    if spans.sources.is_empty() {
        return Ok(all);
    }
    let mut events_of = match events.filter(|events| events.has_index) {
        Some(events) => events_by_span(events, &mut all)?,
        None => {
            all.losses.add(&[Field::Events].into_iter().collect());
            HashMap::new()
        }
    };
    for document in parsed::<Document<'_>>(spans)? {
        let name = document.name.clone();
        let mut events = events_of.remove(&document.span_id).unwrap_or_default();
        // The engine has misread their times.
        events.sort_by_key(|event| event.time);
        match document.read(events) {
            Ok((span, is_exact)) => {
                all.spans.push(span);
                note_time(is_exact, &mut all);
            }
            Err(why) => all.holes.push(unread(&name, &why)),
        }
    }
    Ok(all)
}

fn note_time(is_exact: bool, all: &mut Fetched) {
    if !is_exact {
        all.losses.add(&[Field::Starts].into_iter().collect());
    }
}

fn events_by_span(
    documents: &Documents,
    all: &mut Fetched,
) -> serde_json::Result<HashMap<String, Vec<Event>>> {
    let mut events: HashMap<String, Vec<Event>> = HashMap::new();
    for mut log in parsed::<LogDocument<'_>>(documents)? {
        if log.observed_timestamp.is_some() {
            continue;
        }
        let added = log.attributes.get("event.name");
        if added.and_then(Json::as_str) == Some(&log.event_name) {
            log.attributes.remove("event.name");
        }
        match time(log.timestamp) {
            Ok(Time { nanos, is_exact }) => {
                note_time(is_exact, all);
                events.entry(log.span_id).or_default().push(Event {
                    name: log.event_name,
                    time: nanos,
                    attributes: attributes(log.attributes, log.dropped_attributes_count),
                });
            }
            Err(why) => all.holes.push(unread(&log.event_name, &why)),
        }
    }
    Ok(events)
}

impl Document<'_> {
    fn read(self, events: Vec<Event>) -> Result<(Span, bool), String> {
        let Time { nanos, is_exact } = time(self.timestamp)?;
        let parent = Some(self.parent_span_id.as_str()).filter(|id| !id.is_empty());
        let code = StatusCode::ALL.into_iter();
        let code = code
            .into_iter()
            .find(|code| code.as_str().eq_ignore_ascii_case(&self.status.code));
        let kind = SpanKind::ALL.into_iter();
        let kind = kind
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(&self.kind));
        let links = self.links.into_iter().map(LinkJson::read);
        let Part {
            attributes: of_resource,
            dropped_attributes_count: dropped,
            ..
        } = self.resource;
        let span = Span {
            parent_id: parent.map(span_id).transpose()?,
            kind: kind.unwrap_or_default(),
            start: nanos,
            end: nanos.saturating_add(self.duration),
            status: Status {
                code: code.unwrap_or_default(),
                message: self.status.message,
            },
            attributes: attributes(self.attributes, self.dropped_attributes_count),
            events,
            dropped_events: self.dropped_events_count,
            links: links.collect::<Result<_, _>>()?,
            dropped_links: self.dropped_links_count,
            resource: Arc::new(Resource {
                attributes: attributes(of_resource, dropped),
            }),
            scope: Arc::new(Scope {
                name: self.scope.name,
                version: self.scope.version,
                attributes: attributes(self.scope.attributes, self.scope.dropped_attributes_count),
            }),
            trace_state: self.trace_state,
            ..Span::new(
                trace_id(&self.trace_id)?,
                span_id(&self.span_id)?,
                self.name,
            )
        };
        Ok((span, is_exact))
    }
}

impl LinkJson {
    fn read(self) -> Result<Link, String> {
        Ok(Link {
            trace_id: trace_id(&self.trace_id)?,
            span_id: span_id(&self.span_id)?,
            trace_state: self.trace_state,
            attributes: attributes(self.attributes, self.dropped_attributes_count),
        })
    }
}

fn attributes(all: Map<String, Json>, dropped: u32) -> Attributes {
    let entries = all.into_iter();
    let entries: Attributes = entries
        .map(|(key, value)| (key, attribute_value(value)))
        .collect();
    entries.with_dropped(dropped)
}

/// The exporter writes `<milliseconds>.<nanoseconds within the millisecond, without leading zeros>`. Where the
/// engine writes the document again, it is a date, with nanoseconds that the engine has misread.
fn time(raw: &RawValue) -> Result<Time, String> {
    let text = raw.get().trim_matches('"');
    let (millis, rest) = text.split_once('.').unwrap_or((text, "0"));
    let known = millis.parse::<Nanos>().ok().zip(rest.parse::<Nanos>().ok());
    if let Some((millis, nanos)) = known.filter(|(_, nanos)| *nanos < 1_000_000) {
        return Ok(Time {
            nanos: millis.saturating_mul(1_000_000).saturating_add(nanos),
            // As a number, it can have lost zeros at its end.
            is_exact: raw.get().starts_with('"'),
        });
    }
    let nanos = date(text)?;
    Ok(Time {
        nanos,
        is_exact: nanos % 1_000_000 == 0,
    })
}
