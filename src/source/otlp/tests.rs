//! Our reading of OTLP against that of the opentelemetry-proto crate.

mod pdata;

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::trace::{
    Attributes, Event, Link, Origin, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode,
    Trace, TraceId, Value, last_of_each,
};

/// A value of the crate's types, with what it means.
fn value() -> BoxedStrategy<(common::AnyValue, Value)> {
    let leaf = prop_oneof![
        Just((None, Value::Null)),
        ".{0,8}".prop_map(|text| (Some(Any::StringValue(text.clone())), Value::String(text))),
        any::<bool>().prop_map(|bool| (Some(Any::BoolValue(bool)), Value::Bool(bool))),
        any::<i64>().prop_map(|int| (Some(Any::IntValue(int)), Value::Int(int))),
        any::<f64>().prop_map(|double| (Some(Any::DoubleValue(double)), Value::Double(double))),
        vec(any::<u8>(), 0..8)
            .prop_map(|bytes| (Some(Any::BytesValue(bytes.clone())), Value::Bytes(bytes))),
    ];
    leaf.prop_map(|(value, ours)| (common::AnyValue { value }, ours))
        .prop_recursive(3, 12, 3, |inner| {
            let array = vec(inner.clone(), 0..3).prop_map(|items| {
                let (values, ours): (Vec<_>, Vec<_>) = items.into_iter().unzip();
                (
                    Any::ArrayValue(common::ArrayValue { values }),
                    Value::Array(ours),
                )
            });
            let map = vec(("[a-z]{0,3}", inner), 0..3).prop_map(|entries| {
                let (values, ours) = key_values(entries);
                (
                    Any::KvlistValue(common::KeyValueList { values }),
                    Value::Map(ours),
                )
            });
            prop_oneof![array, map]
                .prop_map(|(value, ours)| (common::AnyValue { value: Some(value) }, ours))
        })
        .boxed()
}

type Entry = (String, (common::AnyValue, Value));

fn key_values(entries: Vec<Entry>) -> (Vec<common::KeyValue>, Vec<(String, Value)>) {
    // Of a repeated key, we read only the last.
    let pairs = last_of_each(entries)
        .0
        .into_iter()
        .map(|(key, (value, ours))| {
            let theirs = common::KeyValue {
                key: key.clone(),
                value: Some(value),
                ..Default::default()
            };
            (theirs, (key, ours))
        });
    pairs.unzip()
}

fn attributes() -> BoxedStrategy<(Vec<common::KeyValue>, Attributes)> {
    vec(("[a-z.]{1,9}", value()), 0..4)
        .prop_map(|entries| {
            let (theirs, ours) = key_values(entries);
            (theirs, ours.into_iter().collect())
        })
        .boxed()
}

fn link() -> BoxedStrategy<(proto::span::Link, Link)> {
    (1..=255_u8, "[a-z=]{0,5}", attributes(), any::<u32>())
        .prop_map(|(id, trace_state, (attributes, ours), dropped)| {
            let link = Link {
                trace_id: TraceId::from_bytes([id; 16]).unwrap(),
                span_id: SpanId::from_bytes([id; 8]).unwrap(),
                trace_state: trace_state.clone(),
                attributes: ours.with_dropped(dropped),
            };
            let theirs = proto::span::Link {
                dropped_attributes_count: dropped,
                trace_id: vec![id; 16],
                span_id: vec![id; 8],
                trace_state,
                attributes,
                ..Default::default()
            };
            (theirs, link)
        })
        .boxed()
}

fn event() -> BoxedStrategy<(proto::span::Event, Event)> {
    (any::<u64>(), ".{0,5}", attributes(), any::<u32>())
        .prop_map(|(time, name, (attributes, ours), dropped)| {
            let event = Event {
                name: name.clone(),
                time,
                attributes: ours.with_dropped(dropped),
            };
            let theirs = proto::span::Event {
                dropped_attributes_count: dropped,
                time_unix_nano: time,
                name,
                attributes,
            };
            (theirs, event)
        })
        .boxed()
}

/// A block with one span in one scope.
fn block() -> BoxedStrategy<(proto::ResourceSpans, Span)> {
    let times = (any::<u64>(), any::<u64>());
    let names = (".{0,9}", "[a-z=]{0,5}", ".{0,9}");
    let numbers = (1..=255_u8, 0..=255_u8, 0..6_usize, 0..3_usize);
    let lists = (vec(event(), 0..3), vec(link(), 0..3));
    (
        times,
        names,
        numbers,
        lists,
        attributes(),
        attributes(),
        attributes(),
        any::<[u32; 5]>(),
    )
        .prop_map(
            |(times, names, (id, parent, kind, code), lists, own, scope, resource, dropped)| {
                let (events, our_events): (Vec<_>, Vec<_>) = lists.0.into_iter().unzip();
                let (links, our_links): (Vec<_>, Vec<_>) = lists.1.into_iter().unzip();
                let ours = Span {
                    trace_id: TraceId::from_bytes([1; 16]).unwrap(),
                    span_id: SpanId::from_bytes([id; 8]).unwrap(),
                    parent_id: SpanId::from_bytes([parent; 8]),
                    name: names.0.clone(),
                    kind: SpanKind::ALL[kind],
                    start: times.0,
                    end: times.1,
                    status: Status {
                        code: StatusCode::ALL[code],
                        message: names.2.clone(),
                    },
                    attributes: own.1.with_dropped(dropped[0]),
                    events: our_events,
                    dropped_events: dropped[1],
                    links: our_links,
                    dropped_links: dropped[2],
                    resource: Arc::new(Resource {
                        attributes: resource.1.with_dropped(dropped[3]),
                    }),
                    scope: Arc::new(Scope {
                        name: names.0.clone(),
                        version: names.2.clone(),
                        attributes: scope.1.with_dropped(dropped[4]),
                    }),
                    trace_state: names.1.clone(),
                    flags: 257,
                };
                let span = proto::Span {
                    trace_id: vec![1; 16],
                    span_id: vec![id; 8],
                    trace_state: names.1,
                    parent_span_id: if parent == 0 {
                        Vec::new()
                    } else {
                        vec![parent; 8]
                    },
                    flags: 257,
                    name: names.0.clone(),
                    kind: kind as i32,
                    start_time_unix_nano: times.0,
                    end_time_unix_nano: times.1,
                    attributes: own.0,
                    dropped_attributes_count: dropped[0],
                    events,
                    dropped_events_count: dropped[1],
                    links,
                    dropped_links_count: dropped[2],
                    status: Some(proto::Status {
                        code: code as i32,
                        message: names.2.clone(),
                    }),
                };
                let scope = common::InstrumentationScope {
                    name: names.0,
                    version: names.2,
                    attributes: scope.0,
                    dropped_attributes_count: dropped[4],
                };
                let theirs = proto::ResourceSpans {
                    resource: Some(resource::Resource {
                        attributes: resource.0,
                        dropped_attributes_count: dropped[3],
                        ..Default::default()
                    }),
                    scope_spans: vec![proto::ScopeSpans {
                        scope: Some(scope),
                        spans: vec![span],
                        ..Default::default()
                    }],
                    ..Default::default()
                };
                (theirs, ours)
            },
        )
        .boxed()
}

fn trace_of(span: Span) -> Trace {
    Trace::assemble(span.trace_id, Origin::Foreign, [span])
}

proptest! {
    #[test]
    fn protobuf_means_what_the_crate_that_wrote_it_meant((block, span) in block()) {
        let traces = proto::TracesData { resource_spans: vec![block] };
        let read = read(&traces.encode_to_vec()).unwrap();
        prop_assert_eq!(read[0].spans(), [span]);
    }

    #[test]
    fn json_means_what_the_crate_that_wrote_it_meant((block, span) in block()) {
        // The crate writes NaN and the infinities as null.
        let traces = proto::TracesData { resource_spans: vec![block] };
        let json = serde_json::to_vec(&traces).unwrap();
        prop_assume!(!String::from_utf8_lossy(&json).contains("\"doubleValue\":null"));
        let read = read(&json).unwrap();
        prop_assert_eq!(read[0].spans(), [span]);
    }

    #[test]
    fn json_that_we_write_is_what_the_crate_and_we_ourselves_read((block, span) in block()) {
        let json = write_json(&trace_of(span.clone()));
        let ours = read(json.as_bytes()).unwrap();
        prop_assert_eq!(ours[0].spans(), std::slice::from_ref(&span));
        // The crate reads no NaN, and knows no value without a type.
        if let Ok(theirs) = serde_json::from_str::<proto::TracesData>(&json) {
            prop_assert_eq!(&theirs.resource_spans, &[block]);
        }
    }

    #[test]
    fn json_becomes_the_protobuf_that_means_the_same((block, span) in block()) {
        let json = write_json(&trace_of(span.clone()));
        let protobuf = traces_from_json(json).unwrap();
        let theirs = proto::TracesData::decode(&*protobuf).unwrap();
        let read = read(&protobuf).unwrap();
        prop_assert_eq!(read[0].spans(), [span]);
        let name = |traces: &proto::ResourceSpans| traces.scope_spans[0].spans[0].name.clone();
        prop_assert_eq!(name(&theirs.resource_spans[0]), name(&block));
    }

    #[test]
    fn no_text_makes_the_json_reader_panic(text in "[{}\\[\\]\",:a-zA-Z0-9 ]{0,80}") {
        let _ = traces_from_json(text.clone());
        let _ = logs_from_json(text.clone());
        let _ = metrics_from_json(text.clone());
        let _ = read(text.as_bytes());
    }
}

#[test]
fn the_last_value_of_a_key_that_was_sent_twice_counts() {
    let double = |value: &str| format!(r#"{{"key":"a","value":{value}}}"#);
    let (one, two) = (double(r#"{"intValue":"1"}"#), double(r#"{"intValue":"2"}"#));
    let map = double(&format!(r#"{{"kvlistValue":{{"values":[{one},{two}]}}}}"#));
    // Of an invalid value, nothing is known.
    let invalid = double(r#"{"intValue":"x"}"#);
    for (sent, expected, dropped) in [
        (format!("{one},{two}"), Some(Value::Int(2)), 0),
        (
            map,
            Some(Value::Map(vec![("a".to_owned(), Value::Int(2))])),
            0,
        ),
        (format!("{one},{invalid}"), None, 1),
        (format!("{invalid},{one}"), Some(Value::Int(1)), 1),
    ] {
        let file = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","attributes":[{sent}]}}]}}]}}]}}"#
        );
        let traces = read(file.as_bytes()).unwrap();
        let attributes = &traces[0].spans()[0].attributes;
        assert_eq!(attributes.get("a"), expected.as_ref(), "{sent}");
        assert_eq!(attributes.dropped(), dropped, "{sent}");
    }
}

#[test]
fn a_written_trace_keeps_the_first_value_of_a_repeated_key_which_the_collector_reads() {
    let value = |value: &str| format!(r#"{{"key":"a","value":{{"intValue":"{value}"}}}}"#);
    for (sent, first, last) in [
        (["1", "2"], Some(Value::Int(1)), Some(Value::Int(2))),
        // What an invalid value replaced does not come back.
        (["1", "x"], None, None),
    ] {
        let sent = sent.map(value).join(",");
        let file = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","attributes":[{sent}]}}]}}]}}]}}"#
        );
        let written = write_json(&read(file.as_bytes()).unwrap()[0]);
        let again = read(written.as_bytes()).unwrap();
        let attributes = &again[0].spans()[0].attributes;
        assert_eq!(attributes.first("a"), first.as_ref(), "{sent}");
        assert_eq!(attributes.get("a"), last.as_ref(), "{sent}");
    }
}

fn error_of(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

#[test]
fn what_is_no_trace_file_is_refused_with_what_was_tried() {
    assert_eq!(
        error_of(b" \n"),
        "empty: expected OTLP/JSON or OTLP protobuf"
    );
    assert!(error_of(b"{\"data\": []}").starts_with("JSON, but not OTLP/JSON: no document"));
    assert!(error_of(b"{\"resourceSpans\": [").starts_with("read as OTLP/JSON"));
    assert!(error_of(b"name: a spec, not a trace\n").starts_with("read as OTLP protobuf"));
    let zeros = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00","spanId":""}]}]}]}"#;
    assert!(error_of(zeros).starts_with("OTLP, but the ids of all 1 spans are invalid"));
}

#[test]
fn several_documents_in_one_file_are_one_set_of_traces() {
    let line = |span: &str, trace: &str| {
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{trace}","spanId":"{span}"}}]}}]}}]}}"#
        )
    };
    let (one, two) = ("01".repeat(16), "02".repeat(16));
    let file = [
        line("0000000000000001", &one),
        line("0000000000000002", &two),
        r#"{"resourceLogs": []}"#.to_owned(),
        line("0000000000000003", &one),
    ]
    .join("\r\n");
    let traces = read(format!("\u{feff}{file}").as_bytes()).unwrap();
    let lengths: Vec<(String, usize)> = traces
        .iter()
        .map(|trace| (trace.id().to_string(), trace.len()))
        .collect();
    assert_eq!(lengths, [(one, 2), (two, 1)]);
}

#[test]
fn what_tempo_answers_for_a_trace_that_it_does_not_have_holds_no_traces() {
    assert_eq!(read(br#"{"trace":{},"metrics":{}}"#).unwrap().len(), 0);
    assert_eq!(read(br#"{"batches":null}"#).unwrap().len(), 0);
}

#[test]
fn protobuf_that_looks_like_json_at_first_is_read_all_the_same() {
    // A first field of 123 bytes: a line feed and an opening brace.
    let span = proto::Span {
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        name: "x".repeat(123 - 34),
        ..Default::default()
    };
    let scope_spans = vec![proto::ScopeSpans {
        spans: vec![span],
        ..Default::default()
    }];
    let block = proto::ResourceSpans {
        scope_spans,
        ..Default::default()
    };
    let bytes = proto::TracesData {
        resource_spans: vec![block],
    }
    .encode_to_vec();
    assert!(bytes.starts_with(b"\n{"), "{bytes:?}");
    assert_eq!(read(&bytes).unwrap()[0].len(), 1);
}
