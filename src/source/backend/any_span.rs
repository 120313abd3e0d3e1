//! Arbitrary spans, for tests of what formats of backends lose.

use proptest::prelude::*;

use crate::trace::{
    Attributes, Event, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId,
    Value,
};

fn values() -> impl Strategy<Value = Value> {
    let simple = prop_oneof![
        "[a-zé \"\\\\\n]{0,6}".prop_map(Value::String),
        "-?[0-9]{1,3}".prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1000_i32..1000).prop_map(|number| Value::Double(f64::from(number) / 8.0)),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
    ];
    let array = prop::collection::vec(simple.clone(), 0..3).prop_map(Value::Array);
    prop_oneof![4 => simple, 1 => array]
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    prop::collection::btree_map("[a-z]{1,4}", values(), 0..4)
        .prop_map(|entries| entries.into_iter().collect())
}

pub(super) fn spans() -> impl Strategy<Value = Span> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<[u8; 8]>());
    let times = (0_u64..i64::MAX as u64 / 2, 0_u64..1 << 50, any::<bool>());
    let words = ("[a-zA-Z /]{0,8}", "[a-z]{0,4}", 0_usize..6, 0_usize..3);
    let parts = (any_attributes(), any_attributes(), any_attributes());
    (ids, times, words, parts).prop_map(
        |(
            (trace, id, parent),
            (start, length, is_ended),
            (name, text, kind, code),
            (own, of_resource, of_event),
        )| {
            let trace = TraceId::from_bytes(trace).unwrap_or_else(TraceId::random);
            let mut span = Span::new(
                trace,
                SpanId::from_bytes(id).unwrap_or_else(SpanId::random),
                name,
            );
            span.parent_id = SpanId::from_bytes(parent);
            span.kind = SpanKind::ALL[kind];
            span.start = start;
            span.end = if is_ended { start + length } else { 0 };
            span.status = Status {
                code: StatusCode::ALL[code],
                message: text.clone(),
            };
            span.attributes = own.clone().with_dropped(3);
            span.events = vec![Event {
                name: text.clone(),
                time: start,
                attributes: of_event.clone(),
            }];
            span.links = vec![Link {
                trace_id: trace,
                span_id: span.span_id,
                trace_state: text.clone(),
                attributes: of_event,
            }];
            span.resource = Resource {
                attributes: of_resource,
            }
            .into();
            span.scope = Scope {
                name: text.clone(),
                version: text,
                attributes: own,
            }
            .into();
            span
        },
    )
}
