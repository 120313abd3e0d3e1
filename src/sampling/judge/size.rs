//! The size of a trace in bytes, as the Collector computes it: that of its protobuf.
//!
//! Schema URLs are not known here, so that a trace with them is larger.

use crate::trace::{Attributes, Event, Field, Link, Losses, Span, SpanKind, StatusCode, Value};

/// A field that the source of a trace loses, and without which the size is not known.
pub(crate) fn lost_size(losses: &Losses) -> Option<Field> {
    let is_apart = |field: &Field| {
        matches!(
            field,
            Field::LinkingTraces | Field::LogRecords | Field::LogsWithoutTrace
        )
    };
    losses.iter().find(|field| !is_apart(field))
}

/// The size of spans in the order of their arrival: neighbours with one resource and scope share a block.
pub(crate) fn trace_size(spans: &[&Span]) -> i64 {
    let mut total = 0;
    let mut rest = spans;
    while let Some(first) = rest.first() {
        let same = |span: &&&Span| std::sync::Arc::ptr_eq(&span.resource, &first.resource);
        let length = rest.iter().take_while(same).count();
        let (block, after) = rest.split_at(length);
        total += message(resource_spans(block));
        rest = after;
    }
    i64::try_from(total).unwrap_or(i64::MAX)
}

fn resource_spans(spans: &[&Span]) -> usize {
    let resource = &spans[0].resource.attributes;
    let mut size = message(attributes(resource) + count(resource.dropped()));
    let mut rest = spans;
    while let Some(first) = rest.first() {
        let same = |span: &&&Span| std::sync::Arc::ptr_eq(&span.scope, &first.scope);
        let length = rest.iter().take_while(same).count();
        let (block, after) = rest.split_at(length);
        size += message(scope_spans(block));
        rest = after;
    }
    size
}

fn scope_spans(spans: &[&Span]) -> usize {
    let scope = &spans[0].scope;
    let own = text(&scope.name) + text(&scope.version);
    let own = own + attributes(&scope.attributes) + count(scope.attributes.dropped());
    let spans: usize = spans.iter().map(|span| message(of_span(span))).sum();
    message(own) + spans
}

fn of_span(span: &Span) -> usize {
    let ids = message(16) + message(8) + message(span.parent_id.map_or(0, |_| 8));
    let flags = if span.flags == 0 { 0 } else { 6 };
    let kind = match span.kind {
        SpanKind::Unspecified => 0,
        _ => 2,
    };
    let times = fixed(span.start) + fixed(span.end);
    let status = text(&span.status.message)
        + match span.status.code {
            StatusCode::Unset => 0,
            _ => 2,
        };
    let events: usize = span
        .events
        .iter()
        .map(|event| message(of_event(event)))
        .sum();
    let links: usize = span.links.iter().map(|link| message(of_link(link))).sum();
    let dropped =
        count(span.attributes.dropped()) + count(span.dropped_events) + count(span.dropped_links);
    ids + text(&span.trace_state)
        + flags
        + text(&span.name)
        + kind
        + times
        + attributes(&span.attributes)
        + events
        + links
        + dropped
        + message(status)
}

fn of_event(event: &Event) -> usize {
    fixed(event.time)
        + text(&event.name)
        + attributes(&event.attributes)
        + count(event.attributes.dropped())
}

fn of_link(link: &Link) -> usize {
    message(16)
        + message(8)
        + text(&link.trace_state)
        + attributes(&link.attributes)
        + count(link.attributes.dropped())
}

fn attributes(attributes: &Attributes) -> usize {
    let entries = attributes.iter();
    entries.map(|(key, value)| message(entry(key, value))).sum()
}

fn entry(key: &str, value: &Value) -> usize {
    text(key) + message(of_value(value))
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::String(text) => message(text.len()),
        Value::Bool(_) => 2,
        Value::Int(int) => 1 + varint(int.cast_unsigned()),
        Value::Double(_) | Value::Number(_) => 9,
        Value::Bytes(bytes) => message(bytes.len()),
        Value::Array(items) => message(items.iter().map(|item| message(of_value(item))).sum()),
        Value::Map(entries) => {
            let entries = entries.iter();
            message(entries.map(|(key, value)| message(entry(key, value))).sum())
        }
    }
}

/// A field with a length.
fn message(length: usize) -> usize {
    1 + varint(length as u64) + length
}

/// A string, which is not written if it is empty.
fn text(text: &str) -> usize {
    match text.len() {
        0 => 0,
        length => message(length),
    }
}

fn fixed(number: u64) -> usize {
    if number == 0 { 0 } else { 9 }
}

fn count(number: u32) -> usize {
    match number {
        0 => 0,
        number => 1 + varint(number.into()),
    }
}

/// The length of a number with seven bits in each byte.
fn varint(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}
