//! Spans that a spec contains, as telemetry.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::source::otlp::{SavedTelemetry, Signal, write_gauge_json, write_json};
use crate::spec::SpanToSend;
use crate::trace::{
    Attributes, Event, Link, LogRecord, Nanos, Origin, Resource, Scope, Span, SpanId, Trace,
    TraceId, Value, marker_value, nanos_of, unix_nanos,
};

/// The start of spans of a spec, before they are shifted to the present: 1 s after the Unix epoch.
const START: Nanos = 1_000_000_000;

/// The attribute by which a marker is recognized, and the severity of its log record.
const MARKER: &str = "spanspec.marker";
const INFO: u8 = 9;

/// The spans of a spec, in a trace of their own.
pub(super) fn saved(spans: &[SpanToSend]) -> SavedTelemetry {
    let trace = TraceId::random();
    let mut all = Vec::new();
    for span in spans {
        add(span, trace, None, START, &Arc::default(), &mut all);
    }
    telemetry(&Trace::assemble(trace, Origin::Foreign, all))
}

/// A marker that ends now, in a trace of its own, as a record of each of these signals.
///
/// Samplers that decide by the trace id or by `sampling.priority` keep it. A trace without a root is complete
/// later than another one, so the marker of such a trace has no root either.
pub(super) fn marker(
    marker: &SpanToSend,
    has_root: bool,
    signals: &[Signal],
) -> (TraceId, SavedTelemetry) {
    let trace = kept_trace();
    let mut all = Vec::new();
    let start = unix_nanos(SystemTime::now()).saturating_sub(nanos_of(marker.duration));
    add(marker, trace, None, start, &Arc::default(), &mut all);
    for span in &mut all {
        let own = span.attributes.iter();
        let own = own.map(|(key, value)| (key.to_owned(), value.clone()));
        let marks = [
            (MARKER.to_owned(), Value::from(true)),
            ("sampling.priority".to_owned(), Value::from(1_i64)),
        ];
        span.attributes = marks.into_iter().chain(own).collect();
        span.trace_state = "spanspec=1".to_owned();
        span.parent_id = (!has_root).then(SpanId::random);
    }
    let mut metrics = SavedTelemetry::default();
    if signals.contains(&Signal::Metrics) {
        all.iter().for_each(|span| metrics.add(gauge(span)));
    }
    let records = all.iter().filter(|_| signals.contains(&Signal::Logs));
    let records: Vec<Arc<LogRecord>> = records.map(|span| Arc::new(record(span))).collect();
    if !signals.contains(&Signal::Traces) {
        all.clear();
    }
    let of_trace = Trace::assemble(trace, Origin::Foreign, all).with_logs(Arc::new(records));
    let mut saved = telemetry(&of_trace);
    saved.add(metrics);
    (trace, saved)
}

/// The metric of a marker, which is recognized by its value.
fn gauge(span: &Span) -> SavedTelemetry {
    let attributes = (&span.resource.attributes, &span.attributes);
    let value = marker_value(span.trace_id);
    let json = write_gauge_json(&span.name, attributes, value, span.end);
    SavedTelemetry::read_metrics(json.as_bytes()).expect("a written metric can be read")
}

/// The log record of a marker.
fn record(span: &Span) -> LogRecord {
    LogRecord {
        time: span.end,
        severity: Some(INFO),
        severity_text: "INFO".to_owned(),
        body: Value::from(MARKER),
        attributes: span.attributes.clone(),
        resource: Arc::clone(&span.resource),
        ..LogRecord::new(span.trace_id, span.span_id)
    }
}

/// A trace id with the highest randomness, which consistent samplers keep at any rate.
fn kept_trace() -> TraceId {
    let mut bytes = *TraceId::random().as_bytes();
    bytes[9..].fill(0xff);
    TraceId::from_bytes(bytes).expect("it is not zero")
}

/// The telemetry of a trace that was made here.
fn telemetry(trace: &Trace) -> SavedTelemetry {
    SavedTelemetry::read(write_json(trace).as_bytes()).expect("a written trace can be read")
}

fn add(
    span: &SpanToSend,
    trace: TraceId,
    parent: Option<SpanId>,
    from: Nanos,
    inherited: &Arc<Resource>,
    all: &mut Vec<Span>,
) {
    let id = SpanId::random();
    let start = later(from, span.start);
    let resource = match &span.resource {
        Some(own) => Arc::new(Resource {
            attributes: attributes(own),
        }),
        None => Arc::clone(inherited),
    };
    let events = span.events.iter().map(|event| Event {
        name: event.name.clone(),
        time: later(start, event.at),
        attributes: attributes(&event.attributes),
    });
    let links = span.links.iter().filter_map(|link| {
        Some(Link {
            trace_id: link.trace_id,
            span_id: link.span_id?,
            trace_state: String::new(),
            attributes: Attributes::default(),
        })
    });
    all.push(Span {
        parent_id: parent,
        kind: span.kind,
        start,
        end: later(start, span.duration),
        status: span.status.clone(),
        attributes: attributes(&span.attributes),
        events: events.collect(),
        links: links.collect(),
        resource: Arc::clone(&resource),
        scope: Arc::new(Scope {
            name: span.scope.clone(),
            ..Scope::default()
        }),
        ..Span::new(trace, id, span.name.clone())
    });
    for child in &span.children {
        add(child, trace, Some(id), start, &resource, all);
    }
}

fn later(from: Nanos, by: Duration) -> Nanos {
    from.saturating_add(nanos_of(by))
}

fn attributes(written: &[(String, Value)]) -> Attributes {
    written
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
