use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::source::otlp;

macro_rules! fixture {
    ($file:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/backends/",
            $file
        ))
        .as_slice()
    };
}

/// The span as far as Jaeger's model keeps it.
pub(crate) fn kept(mut span: Span) -> Span {
    let micros = |nanos: u64| nanos / 1_000 * 1_000;
    let duration = span.end.saturating_sub(span.start);
    span.start = micros(span.start);
    span.end = span.start + micros(duration);
    span.attributes = kept_attributes(&span.attributes);
    span.dropped_events = 0;
    span.dropped_links = 0;
    span.flags = 0;
    for event in &mut span.events {
        event.time = micros(event.time);
        event.attributes = kept_attributes(&event.attributes);
    }
    let (trace, parent) = (span.trace_id, span.parent_id);
    span.links
        .retain(|link| link.trace_id != trace || Some(link.span_id) != parent);
    for link in &mut span.links {
        link.attributes = Attributes::default();
        link.trace_state = String::new();
    }
    let mut resource: Vec<(String, Value)> = kept_attributes(&span.resource.attributes)
        .iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    resource.sort_by(|(a, _), (b, _)| a.cmp(b));
    span.resource = Arc::new(Resource {
        attributes: resource.into_iter().collect(),
    });
    span.scope = Arc::new(Scope {
        attributes: Attributes::default(),
        ..Scope::clone(&span.scope)
    });
    span
}

fn kept_attributes(attributes: &Attributes) -> Attributes {
    let each = attributes.iter();
    each.map(|(key, value)| {
        let value = match value {
            Value::Array(_) | Value::Map(_) => Value::String(json_of(value).to_string()),
            other => other.clone(),
        };
        (key.to_owned(), value)
    })
    .collect()
}

/// JSON as Go writes it: `2` for 2.0.
fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Double(double) if double.fract() == 0.0 => {
            serde_json::from_str(&format!("{double:.0}")).unwrap()
        }
        Value::Array(items) => items.iter().map(json_of).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), json_of(value)))
            .collect(),
        other => other.to_json(),
    }
}

fn sorted(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.into_iter().map(kept).collect();
    spans.sort_by_key(|span| span.span_id);
    spans
}

#[test]
fn what_was_sent_comes_back_but_for_the_losses() {
    for (answer, sent) in [
        (
            fixture!("jaeger/legacy-trace-placed.json"),
            fixture!("sent/placed.json"),
        ),
        (
            fixture!("jaeger/legacy-trace-refused.json"),
            fixture!("sent/refused.json"),
        ),
    ] {
        let read = spans(answer).unwrap();
        assert_eq!(read.holes, []);
        let id = read.spans[0].trace_id;
        let sent = otlp::read(sent).unwrap();
        let sent = sent.into_iter().find(|trace| trace.id() == id).unwrap();
        assert_eq!(sorted(read.spans), sorted(sent.spans().to_vec()));
    }
}

#[test]
fn something_else_is_an_error_and_no_trace_is_none() {
    assert!(spans(b"{\"data\": 5}").is_err());
    assert!(spans(b"<html>").is_err());
    assert!(spans(b"{\"data\": [{\"spans\": [{\"traceID\": \"a\"}]}]}").is_err());
    let unknown = spans(fixture!("jaeger/legacy-trace-unknown.json")).unwrap();
    assert_eq!(unknown, JaegerSpans::default());
}

/// The spans of an answer with this span, which has ids unless they are given.
fn read_one(span: &serde_json::Value) -> JaegerSpans {
    let mut whole = json!({ "traceID": "a1", "spanID": "b1", "operationName": "work",
        "startTime": 1_790_000_000_000_000_u64, "duration": 5, "processID": "p1" });
    let entries = span.as_object().unwrap().clone();
    whole.as_object_mut().unwrap().extend(entries);
    let process = json!({ "serviceName": NO_SERVICE, "tags": [] });
    let answer =
        json!({ "data": [{ "traceID": "a1", "spans": [whole], "processes": { "p1": process } }] });
    spans(answer.to_string().as_bytes()).unwrap()
}

#[test]
fn a_span_with_an_invalid_id_leaves_a_hole() {
    let read = read_one(&json!({ "spanID": "xyz" }));
    assert_eq!(read.spans, []);
    assert_eq!(
        read.holes[0].reason,
        "the span `work` cannot be read: a span id is `xyz`"
    );
}

#[test]
fn leading_zeros_and_the_service_can_be_missing() {
    let read = read_one(&json!({}));
    let span = &read.spans[0];
    assert_eq!(span.trace_id.to_string(), format!("{:0>32}", "a1"));
    assert_eq!(span.span_id.to_string(), format!("{:0>16}", "b1"));
    assert_eq!(span.service(), "unknown_service");
    assert_eq!(span.kind, SpanKind::Unspecified);
}

#[test]
fn the_tag_error_is_a_status_where_there_is_no_other() {
    let with = |tags: serde_json::Value| read_one(&json!({ "tags": tags })).spans.remove(0);
    let error = json!({ "key": "error", "type": "bool", "value": true });
    let code = |code: &str| json!({ "key": "otel.status_code", "type": "string", "value": code });
    let failed = with(json!([error]));
    assert_eq!(failed.status.code, StatusCode::Error);
    assert!(failed.attributes.is_empty());
    let failed = with(json!([code("ERROR"), error]));
    assert_eq!(failed.status.code, StatusCode::Error);
    assert!(failed.attributes.is_empty());
    let fine = with(json!([error, code("OK")]));
    assert_eq!(fine.status.code, StatusCode::Ok);
    assert_eq!(fine.attributes.get("error"), Some(&Value::Bool(true)));
    let other = with(json!([{ "key": "error", "type": "string", "value": "card" }]));
    assert_eq!(other.status.code, StatusCode::Unset);
    assert_eq!(other.attributes.get("error"), Some(&Value::from("card")));
}

#[test]
fn a_reference_that_may_be_a_link_only_leaves_the_parent_in_doubt() {
    let reference = |kind: &str| json!({ "refType": kind, "traceID": "a1", "spanID": "c1" });
    let known = read_one(&json!({ "references": [reference("CHILD_OF")] }));
    assert!(!known.losses.contains(Field::Parents));
    let unknown = read_one(&json!({ "references": [reference("FOLLOWS_FROM")] }));
    assert!(unknown.losses.contains(Field::Parents));
    for read in [known, unknown] {
        let parent = read.spans[0].parent_id.unwrap();
        assert_eq!(parent.to_string(), format!("{:0>16}", "c1"));
        assert_eq!(read.spans[0].links, []);
    }
}

#[test]
fn a_span_with_as_many_attributes_as_sdks_permit_may_have_lost_some() {
    let tags = |number: usize| {
        let each = (0..number).map(|at| json!({ "key": format!("k{at}"), "value": "v" }));
        let read = read_one(&json!({ "tags": each.collect::<Vec<_>>() }));
        read.spans[0].attributes.dropped()
    };
    assert_eq!((tags(127), tags(128)), (0, 1));
}

/// A tag as Jaeger writes it.
fn tag(key: &str, value: &Value, binary: Binary) -> serde_json::Value {
    let (kind, value) = match value {
        Value::Int(int) if int.unsigned_abs() > 1 << 53 => ("int64", json!(int.to_string())),
        Value::Int(int) => ("int64", json!(int)),
        Value::Double(double) => ("float64", json!(double)),
        Value::Bool(bool) => ("bool", json!(bool)),
        Value::Bytes(bytes) => (
            "binary",
            json!(match binary {
                Binary::Base64 => base64::engine::general_purpose::STANDARD.encode(bytes),
                Binary::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            }),
        ),
        Value::String(text) => ("string", json!(text)),
        other => ("string", json!(json_of(other).to_string())),
    };
    json!({ "key": key, "type": kind, "value": value })
}

/// A span as Jaeger writes it, with its process.
pub(crate) fn written(span: &Span, binary: Binary) -> serde_json::Value {
    let reference = |kind: &str, trace: TraceId, id: SpanId| json!({ "refType": kind, "traceID": trace.to_string(), "spanID": id.to_string() });
    let is_parent =
        |link: &Link| link.trace_id == span.trace_id && Some(link.span_id) == span.parent_id;
    let parent = span
        .parent_id
        .filter(|_| !span.links.iter().any(is_parent))
        .map(|id| reference("CHILD_OF", span.trace_id, id));
    let links = span.links.iter();
    let links = links.map(|link| reference("FOLLOWS_FROM", link.trace_id, link.span_id));
    let tags = |attributes: &Attributes| -> Vec<serde_json::Value> {
        let each = attributes.iter();
        each.map(|(key, value)| tag(key, value, binary)).collect()
    };
    let mut all = tags(&span.attributes);
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            all.push(tag(key, &Value::from(value), binary));
        }
    };
    add("otel.scope.name", &span.scope.name);
    add("otel.scope.version", &span.scope.version);
    add("w3c.tracestate", &span.trace_state);
    add("otel.status_description", &span.status.message);
    if span.kind != SpanKind::Unspecified {
        add("span.kind", span.kind.as_str());
    }
    match span.status.code {
        StatusCode::Unset => {}
        StatusCode::Ok => add("otel.status_code", "OK"),
        StatusCode::Error => {
            add("otel.status_code", "ERROR");
            all.push(tag("error", &Value::Bool(true), binary));
        }
    }
    let events = span.events.iter().map(|event| {
        let mut fields = vec![tag("event", &Value::from(event.name.as_str()), binary)];
        fields.extend(tags(&event.attributes));
        json!({ "timestamp": event.time / 1_000, "fields": fields })
    });
    let mut resource = tags(&span.resource.attributes);
    resource.retain(|tag| tag["key"] != "service.name");
    json!({
        "traceID": span.trace_id.to_string(),
        "spanID": span.span_id.to_string(),
        "operationName": span.name,
        "references": parent.into_iter().chain(links).collect::<Vec<_>>(),
        "startTime": span.start / 1_000,
        "duration": (span.end - span.start) / 1_000,
        "tags": all,
        "logs": events.collect::<Vec<_>>(),
        "process": { "serviceName": span.service(), "tags": resource },
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let simple = prop_oneof![
        any::<String>().prop_map(Value::String),
        "[0-9]{1,3}".prop_map(Value::String),
        any::<i64>().prop_map(Value::Int),
        (-1e9..1e9).prop_map(Value::Double),
        any::<bool>().prop_map(Value::Bool),
    ];
    prop_oneof![
        4 => simple.clone(),
        1 => prop::collection::vec(any::<u8>(), 0..5).prop_map(Value::Bytes),
        1 => prop::collection::vec(simple, 0..3).prop_map(Value::Array),
    ]
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    prop::collection::btree_map("[a-z]{1,3}\\.[a-zü]{1,3}", any_value(), 0..4)
        .prop_map(|all| all.into_iter().collect())
}

fn any_id() -> impl Strategy<Value = SpanId> {
    (1..u64::MAX).prop_map(|id| SpanId::from_bytes(id.to_be_bytes()).unwrap())
}

prop_compose! {
    fn any_event()(name in "[a-z]{1,5}", time in 0..2_000_000_000_000_000_000_u64,
        attributes in any_attributes()) -> Event {
        Event { name, time, attributes }
    }
}

prop_compose! {
    pub(crate) fn any_span()(
        (own, parent, links) in (any_id(), prop::option::of(any_id()), prop::collection::vec((any::<bool>(), any_id()), 0..3)),
        (name, kind, code, message) in (any::<String>(), 0..6_usize, 0..3_usize, "[a-z]{0,5}"),
        (start, duration) in (0..2_000_000_000_000_000_000_u64, 0..10_000_000_000_u64),
        (attributes, resource) in (any_attributes(), any_attributes()),
        events in prop::collection::vec(any_event(), 0..3),
        (scope, version, trace_state) in ("[a-z/:]{0,5}", "[0-9.]{0,3}", "(a=b)?"),
    ) -> Span {
        let (this, other) = (TraceId::from_bytes([1; 16]).unwrap(), TraceId::from_bytes([2; 16]).unwrap());
        let service = ("service.name".to_owned(), Value::from("shop"));
        let resource = resource.iter().map(|(key, value)| (key.to_owned(), value.clone()));
        let links = links.into_iter().map(|(is_own, span_id)| Link {
            trace_id: if is_own && parent.is_some() { this } else { other },
            span_id,
            trace_state: "x=y".to_owned(),
            attributes: [("lost", "a")].into_iter().collect(),
        });
        Span {
            parent_id: parent,
            kind: SpanKind::ALL[kind],
            start,
            end: start + duration,
            status: Status { code: StatusCode::ALL[code], message },
            attributes,
            events,
            links: links.collect(),
            resource: Arc::new(Resource { attributes: resource.chain([service]).collect() }),
            scope: Arc::new(Scope { name: scope, version, ..Scope::default() }),
            trace_state,
            ..Span::new(this, own, name)
        }
    }
}

proptest! {
    #[test]
    fn a_written_span_comes_back_but_for_the_losses(span in any_span(), is_hex in any::<bool>()) {
        let binary = if is_hex { Binary::Hex } else { Binary::Base64 };
        let json = serde_json::from_value(written(&span, binary)).unwrap();
        let mut read = JaegerSpans::default();
        read.add(json, None, binary);
        prop_assert_eq!(&read.holes, &[]);
        prop_assert_eq!(kept(read.spans.remove(0)), kept(span));
    }
}
