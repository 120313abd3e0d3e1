//! The format `flat`: a trace as a list of spans with plain JSON values.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::spec::severity_name;
use crate::step::missing_spans;
use crate::trace::{self, Attributes, SpanKind, StatusCode};

/// A trace.
#[derive(Debug, Serialize)]
pub(super) struct FlatTrace<'a> {
    trace_id: String,
    complete: bool,
    /// Parents that did not arrive.
    missing: Vec<String>,
    /// The other reasons why it is incomplete.
    problems: Vec<String>,
    services: Vec<&'a str>,
    /// `null` if a span has no duration.
    duration_ns: Option<u64>,
    spans: Vec<FlatSpan<'a>>,
    /// By time.
    logs: Vec<FlatLog<'a>>,
    /// Traces that a link ties to it.
    linked: Vec<FlatTrace<'a>>,
}

#[derive(Debug, Serialize)]
struct FlatSpan<'a> {
    span_id: String,
    parent_id: Option<String>,
    service: &'a str,
    name: &'a str,
    kind: &'static str,
    status: &'static str,
    status_message: &'a str,
    start_ns: u64,
    /// `null` if it never ended, or ended before it started.
    duration_ns: Option<u64>,
    attributes: Map<String, Json>,
    resource: Map<String, Json>,
    scope: &'a str,
    events: Vec<FlatEvent<'a>>,
    links: Vec<FlatLink>,
    dropped: FlatDropped,
}

/// Numbers of dropped parts.
#[derive(Debug, Serialize)]
struct FlatDropped {
    attributes: u32,
    events: u32,
    links: u32,
}

#[derive(Debug, Serialize)]
struct FlatEvent<'a> {
    name: &'a str,
    time_ns: u64,
    attributes: Map<String, Json>,
}

#[derive(Debug, Serialize)]
struct FlatLog<'a> {
    span_id: Option<String>,
    service: &'a str,
    /// `null` if it is unspecified.
    severity: Option<String>,
    severity_number: Option<u8>,
    body: Json,
    event: &'a str,
    time_ns: u64,
    attributes: Map<String, Json>,
    resource: Map<String, Json>,
    scope: &'a str,
    /// Number of dropped attributes.
    dropped: u32,
}

#[derive(Debug, Serialize)]
struct FlatLink {
    trace_id: String,
    span_id: String,
    attributes: Map<String, Json>,
}

impl<'a> FlatTrace<'a> {
    pub(super) fn of(trace: &'a trace::Trace, is_complete: bool, problems: Vec<String>) -> Self {
        let missing = match is_complete {
            true => Vec::new(),
            false => missing_spans(trace),
        };
        Self {
            trace_id: trace.id().to_string(),
            complete: is_complete,
            missing,
            problems,
            services: trace.services().into_iter().collect(),
            duration_ns: trace.duration(),
            spans: trace
                .top_down()
                .iter()
                .map(|&span| FlatSpan::of(&trace.spans()[span]))
                .collect(),
            logs: logs(trace),
            linked: trace
                .linked()
                .iter()
                .map(|linked| Self::of(linked, is_complete, Vec::new()))
                .collect(),
        }
    }
}

impl<'a> FlatSpan<'a> {
    fn of(span: &'a trace::Span) -> Self {
        let events = span.events.iter().map(|event| FlatEvent {
            name: &event.name,
            time_ns: event.time,
            attributes: plain(&event.attributes),
        });
        let links = span.links.iter().map(|link| FlatLink {
            trace_id: link.trace_id.to_string(),
            span_id: link.span_id.to_string(),
            attributes: plain(&link.attributes),
        });
        Self {
            span_id: span.span_id.to_string(),
            parent_id: span.parent_id.map(|parent| parent.to_string()),
            service: span.service(),
            name: &span.name,
            kind: kind(span.kind),
            status: status(span.status.code),
            status_message: &span.status.message,
            start_ns: span.start,
            duration_ns: span.duration().ok(),
            attributes: plain(&span.attributes),
            resource: plain(&span.resource.attributes),
            scope: &span.scope.name,
            events: events.collect(),
            links: links.collect(),
            dropped: FlatDropped {
                attributes: span.attributes.dropped(),
                events: span.dropped_events,
                links: span.dropped_links,
            },
        }
    }
}

fn logs(trace: &trace::Trace) -> Vec<FlatLog<'_>> {
    let logs = trace.logs().iter().map(|record| FlatLog::of(record));
    let mut logs: Vec<FlatLog<'_>> = logs.collect();
    logs.sort_by_key(|record| record.time_ns);
    logs
}

impl<'a> FlatLog<'a> {
    fn of(record: &'a trace::LogRecord) -> Self {
        Self {
            span_id: record.span_id.map(|span| span.to_string()),
            service: record.service(),
            severity: record.severity.map(severity_name),
            severity_number: record.severity,
            body: record.body.to_json(),
            event: &record.event_name,
            time_ns: record.time,
            attributes: plain(&record.attributes),
            resource: plain(&record.resource.attributes),
            scope: &record.scope.name,
            dropped: record.attributes.dropped(),
        }
    }
}

fn plain(attributes: &Attributes) -> Map<String, Json> {
    let plain = attributes
        .iter()
        .map(|(key, value)| (key.to_owned(), value.to_json()));
    plain.collect()
}

fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "unspecified",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

fn status(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}
