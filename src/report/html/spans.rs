//! The compact form of a trace that the scripts of the page read.

use serde::Serialize;

use super::logs::PageLogs;
use super::shared::{AttributeRow, PageValues};
use crate::trace::{Nanos, Span, SpanExemplar, SpanKind, StatusCode, Trace, Value};

/// A trace; spans are in depth-first order, each after its parent.
#[derive(Serialize)]
pub(super) struct PageTrace {
    id: String,
    /// From the first start to the last end. All times are nanoseconds since that start.
    duration: Nanos,
    /// `true` if every span has a duration, so that this is the duration of the trace.
    ended: bool,
    spans: Vec<SpanRow>,
    /// For each part of the critical path: its span, start and length.
    critical: Vec<u64>,
    logs: PageLogs,
    exemplars: Vec<ExemplarRow>,
}

/// A span; references are indices in [`PageValues`].
#[derive(Serialize)]
struct SpanRow(
    String,         // 0: span id
    Option<usize>,  // 1: parent
    Option<String>, // 2: the id of a parent that never arrived
    usize,          // 3: service
    usize,          // 4: name
    &'static str,   // 5: kind
    Nanos,          // 6: start
    Option<Nanos>,  // 7: duration
    &'static str,   // 8: status
    usize,          // 9: status message
    usize,          // 10: resource
    usize,          // 11: scope
    AttributeRow,   // 12: attributes
    Vec<EventRow>,  // 13: events
    Vec<LinkRow>,   // 14: links
    usize,          // 15: trace state
    Vec<u32>,       // 16: numbers of dropped attributes, events and links, if there are any
);

/// An exemplar in a span; references are indices in [`PageValues`].
#[derive(Serialize)]
struct ExemplarRow(
    usize,        // 0: span
    usize,        // 1: metric
    usize,        // 2: value; empty if it is not known
    usize,        // 3: unit
    AttributeRow, // 4: attributes
);

#[derive(Serialize)]
struct EventRow(usize, i64, AttributeRow);

#[derive(Serialize)]
struct LinkRow(String, String, AttributeRow);

impl PageTrace {
    pub(super) fn of(trace: &Trace, exemplars: &[SpanExemplar], shared: &mut PageValues) -> Self {
        let zero = trace.spans().first().map_or(0, |span| span.start);
        let order = trace.top_down();
        let numbers = numbers(order);
        let rows = order.iter().map(|&at| {
            let span = &trace.spans()[at];
            let parent = trace.parent(at).map(|parent| numbers[parent]);
            let missing = span.parent_id.filter(|_| trace.is_orphan(at));
            row(span, parent, missing.map(|id| id.to_string()), zero, shared)
        });
        let spans = rows.collect();
        let path = trace.critical_path().unwrap_or_default();
        let critical = path.into_iter().flat_map(|part| {
            let number = numbers[part.span] as u64;
            [number, part.start - zero, part.end - part.start]
        });
        let exemplars = exemplars.iter().filter_map(|one| {
            let span = trace.find(one.span_id)?;
            Some(exemplar(numbers[span], one, shared))
        });
        let exemplars = exemplars.collect();
        Self {
            id: trace.id().to_string(),
            duration: extent(trace, zero),
            ended: trace.duration().is_some(),
            spans,
            critical: critical.collect(),
            logs: PageLogs::of(trace, zero, &numbers, shared),
            exemplars,
        }
    }
}

/// The index of each span in this order.
pub(super) fn numbers(order: &[usize]) -> Vec<usize> {
    let mut numbers = vec![0; order.len()];
    for (number, &span) in order.iter().enumerate() {
        numbers[span] = number;
    }
    numbers
}

fn row(
    span: &Span,
    parent: Option<usize>,
    missing: Option<String>,
    zero: Nanos,
    shared: &mut PageValues,
) -> SpanRow {
    let events = span.events.iter().map(|event| {
        let after = i64::try_from(i128::from(event.time) - i128::from(span.start));
        EventRow(
            shared.string(&event.name),
            after.unwrap_or(0),
            shared.attributes(&event.attributes),
        )
    });
    let events = events.collect();
    let links = span.links.iter().map(|link| {
        let attributes = shared.attributes(&link.attributes);
        LinkRow(
            link.trace_id.to_string(),
            link.span_id.to_string(),
            attributes,
        )
    });
    let links = links.collect();
    SpanRow(
        span.span_id.to_string(),
        parent,
        missing,
        shared.string(span.service()),
        shared.string(&span.name),
        kind(span.kind),
        span.start - zero,
        span.duration().ok(),
        status(span.status.code),
        shared.string(&span.status.message),
        shared.resource(&span.resource),
        shared.scope(&span.scope),
        shared.attributes(&span.attributes),
        events,
        links,
        shared.string(&span.trace_state),
        dropped(span),
    )
}

fn exemplar(span: usize, of: &SpanExemplar, shared: &mut PageValues) -> ExemplarRow {
    let value = match &of.value {
        Value::Null => String::new(),
        value => value.to_string(),
    };
    ExemplarRow(
        span,
        shared.string(&of.metric),
        shared.string(&value),
        shared.string(&of.unit),
        shared.attributes(&of.attributes),
    )
}

/// Up to the last start or end.
fn extent(trace: &Trace, zero: Nanos) -> Nanos {
    let times = trace.spans().iter().map(|span| span.end.max(span.start));
    times.max().unwrap_or(zero) - zero
}

fn dropped(span: &Span) -> Vec<u32> {
    let numbers = [
        span.attributes.dropped(),
        span.dropped_events,
        span.dropped_links,
    ];
    match numbers {
        [0, 0, 0] => Vec::new(),
        numbers => numbers.to_vec(),
    }
}

/// Empty for the usual kind.
fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal | SpanKind::Unspecified => "",
        other => other.as_str(),
    }
}

fn status(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "",
        other => other.as_str(),
    }
}
