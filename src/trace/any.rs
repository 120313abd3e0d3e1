//! Spans with everything that OTLP can carry, for tests of formats.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    Attributes, Event, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId,
    Value,
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z.]{1,8}", "[ -~äöü☕|{}\"\n]{0,12}"]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1_000_000_i64..1_000_000).prop_map(|eighths| Value::Double(eighths as f64 / 8.0)),
        vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => scalar(),
        1 => vec(scalar(), 0..3).prop_map(Value::Array),
    ]
}

/// Attributes whose keys are different, and have this prefix.
fn attributes(prefix: &'static str) -> impl Strategy<Value = Attributes> {
    (vec(value(), 0..4), 0..3_u32).prop_map(move |(values, dropped)| {
        let entries = values.into_iter().enumerate();
        let entries = entries.map(|(at, value)| (format!("{prefix}.{at}"), value));
        entries.collect::<Attributes>().with_dropped(dropped)
    })
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    (1_u128..).prop_map(|number| TraceId::from_bytes(number.to_be_bytes()).unwrap())
}

fn span_id() -> impl Strategy<Value = SpanId> {
    (1_u64..).prop_map(|number| SpanId::from_bytes(number.to_be_bytes()).unwrap())
}

fn event() -> impl Strategy<Value = Event> {
    (text(), 0..2_000_000_000_u64, attributes("e")).prop_map(|(name, time, attributes)| Event {
        name,
        time,
        attributes,
    })
}

fn trace_state() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("a=b|{c,d=e".to_owned())]
}

fn link() -> impl Strategy<Value = Link> {
    let parts = (trace_id(), span_id(), trace_state(), attributes("l"));
    parts.prop_map(|(trace_id, span_id, trace_state, attributes)| Link {
        trace_id,
        span_id,
        trace_state,
        attributes,
    })
}

fn status() -> impl Strategy<Value = Status> {
    let code = prop::sample::select(StatusCode::ALL.to_vec());
    (code, text()).prop_map(|(code, message)| Status {
        message: match code {
            StatusCode::Error => message,
            _ => String::new(),
        },
        code,
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    (prop::option::of("[a-z-]{1,8}"), attributes("r")).prop_map(|(service, others)| {
        let service = service.map(|name| ("service.name".to_owned(), Value::String(name)));
        let others = others.iter();
        let others = others.map(|(key, value)| (key.to_owned(), value.clone()));
        Resource {
            attributes: service.into_iter().chain(others).collect(),
        }
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    (text(), text()).prop_map(|(name, version)| Scope {
        name,
        version,
        attributes: Attributes::default(),
    })
}

/// A span that has ended, with attributes `a.0` …, of a resource with `r.0` ….
pub(crate) fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), span_id(), prop::option::of(span_id()));
    let kind = prop::sample::select(SpanKind::ALL.to_vec());
    let times = (1_000_u64..2_000_000_000, 1_000_u64..1_000_000_000);
    let lists = (
        attributes("a"),
        vec(event(), 0..3),
        0..2_u32,
        vec(link(), 0..3),
        0..2_u32,
    );
    let process = (resource(), scope(), trace_state());
    (ids, text(), kind, times, status(), lists, process).prop_map(
        |(ids, name, kind, (start, taken), status, lists, (resource, scope, trace_state))| {
            let (attributes, events, dropped_events, links, dropped_links) = lists;
            Span {
                parent_id: ids.2.filter(|&parent| parent != ids.1),
                kind,
                start,
                end: start + taken,
                status,
                attributes,
                events,
                dropped_events,
                links,
                dropped_links,
                resource: resource.into(),
                scope: scope.into(),
                trace_state,
                ..Span::new(ids.0, ids.1, name)
            }
        },
    )
}
