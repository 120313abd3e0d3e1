//! The exporter for services in the process of their tests.

use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};
use prost::Message;
use spanspec::opentelemetry_0_33::Exporter;
use spanspec::{Origin, Store, otlp};

fn context(span: u64, state: &str) -> SpanContext {
    SpanContext::new(
        TraceId::from(0x4bf9_2f35),
        SpanId::from(span),
        TraceFlags::SAMPLED,
        false,
        state.parse().unwrap_or(TraceState::NONE),
    )
}

/// A span with a value in every field.
fn full(number: u64, kind: SpanKind, status: Status) -> SpanData {
    let time = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
    let mut events = SpanEvents::default();
    let attempts = vec![KeyValue::new("attempts", 2)];
    events.events = vec![Event::new("card.authorized", time(5), attempts, 0)];
    let mut links = SpanLinks::default();
    let reason = vec![KeyValue::new("reason", "retry")];
    links.links = vec![Link::new(context(99, "a=1"), reason, 0)];
    let scope = InstrumentationScope::builder("shop").with_version("1.2");
    SpanData {
        span_context: context(number, "vendor=1"),
        parent_span_id: SpanId::from(number - 1),
        parent_span_is_remote: false,
        span_kind: kind,
        name: "process_payment".into(),
        start_time: time(number),
        end_time: time(number + 10),
        attributes: vec![
            KeyValue::new("text", "card"),
            KeyValue::new("bool", true),
            KeyValue::new("int", -1),
            KeyValue::new("double", 0.5),
            KeyValue::new("texts", Value::Array(vec![StringValue::from("a")].into())),
            KeyValue::new("ints", Value::Array(vec![1_i64, 2].into())),
        ],
        dropped_attributes_count: 0,
        events,
        links,
        status,
        instrumentation_scope: scope.build(),
    }
}

fn batch() -> Vec<SpanData> {
    vec![
        full(1, SpanKind::Server, Status::Unset),
        full(2, SpanKind::Client, Status::error("refused")),
        full(3, SpanKind::Producer, Status::Ok),
        full(4, SpanKind::Consumer, Status::Unset),
        full(5, SpanKind::Internal, Status::Unset),
    ]
}

#[tokio::test]
async fn spans_are_those_that_the_sdks_own_exporter_would_send() {
    let resource = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "payment"))
        .build();
    let theirs = ExportTraceServiceRequest {
        resource_spans: group_spans_by_resource_and_scope(batch(), &(&resource).into()),
    };
    let theirs = otlp::read(&theirs.encode_to_vec()).unwrap().remove(0);

    let store = Store::new();
    let mut exporter = Exporter::new(&store);
    exporter.set_resource(&resource);
    exporter.export(batch()).await.unwrap();
    let ours = store.peek(theirs.id(), Origin::Foreign).trace;

    assert_eq!(ours.len(), 5);
    assert_eq!(ours.spans(), theirs.spans());
    assert_eq!(ours.services(), ["payment"].into());
}
