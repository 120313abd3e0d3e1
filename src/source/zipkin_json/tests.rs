mod soundness;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::source::otlp;
use crate::trace::any;

macro_rules! recorded {
    ($file:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/backends/",
            $file
        ))
    };
}

/// Keys of attributes for which Zipkin has fields, or of which the Collector makes copies.
const REWRITTEN: &[&str] = &[
    "http.status_code",
    "net.host.port",
    "net.peer.port",
    "network.local.address",
    "network.local.port",
    "network.peer.address",
];

fn to_micros(nanos: Nanos) -> u64 {
    (nanos + 500) / 1_000
}

/// Text as the Collector writes it into a tag.
fn tag_text(value: &Value) -> String {
    match plain(value) {
        Value::String(text) => text,
        other => other.to_json_text(),
    }
}

/// A value as JSON carries it: bytes are text, and a whole double is an integer.
fn plain(value: &Value) -> Value {
    match value {
        Value::Bytes(_) => serde_json::from_str::<String>(&value.to_json_text())
            .unwrap()
            .into(),
        Value::Double(double) if double.fract() == 0.0 => Value::Int(*double as i64),
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Map(all) => {
            let all = all.iter();
            Value::Map(all.map(|(key, of)| (key.clone(), plain(of))).collect())
        }
        other => other.clone(),
    }
}

fn plainly(attributes: &Attributes) -> Attributes {
    let entries = attributes.iter();
    let entries = entries.map(|(key, value)| (key.to_owned(), plain(value)));
    sorted(entries.collect()).with_dropped(attributes.dropped())
}

fn sorted(mut entries: Vec<(String, Value)>) -> Attributes {
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    entries.into_iter().collect()
}

/// The tags of a span as the Collector merges them: the resource, the scope, the span.
fn merged(span: &Span) -> Vec<(String, Value)> {
    let resource = span.resource.attributes.iter();
    let resource = resource.filter(|(key, _)| *key != "service.name");
    let all = resource
        .chain(span.scope.attributes.iter())
        .chain(span.attributes.iter());
    let mut merged: Vec<(String, Value)> = Vec::new();
    for (key, value) in all {
        merged.retain(|(other, _)| other != key);
        merged.push((key.to_owned(), Value::String(tag_text(value))));
    }
    merged
}

/// The span without what Zipkin loses.
fn lossy(span: &Span) -> Span {
    let mut attributes = merged(span);
    attributes.retain(|(key, _)| !REWRITTEN.contains(&key.as_str()));
    let service = span.resource.attributes.get("service.name").cloned();
    let service = service.map(|name| ("service.name".to_owned(), name));
    let start = 1_000 * to_micros(span.start);
    let events = span.events.iter().map(|event| Event {
        time: 1_000 * to_micros(event.time),
        attributes: plainly(&event.attributes),
        ..event.clone()
    });
    let links = span.links.iter().map(|link| Link {
        attributes: plainly(&link.attributes),
        ..link.clone()
    });
    Span {
        name: span.name.to_lowercase(),
        start,
        end: start + 1_000 * to_micros(span.end - span.start),
        attributes: sorted(attributes),
        events: events.collect(),
        dropped_events: 0,
        links: links.collect(),
        dropped_links: 0,
        resource: Resource {
            attributes: service.into_iter().collect(),
        }
        .into(),
        scope: Arc::default(),
        flags: 0,
        ..span.clone()
    }
}

/// A span that was read, without the fields that are declared as lost.
fn as_read(mut span: Span) -> Span {
    let attributes = span.attributes.iter();
    let attributes = attributes.filter(|(key, _)| !REWRITTEN.contains(key));
    let attributes = attributes.map(|(key, value)| (key.to_owned(), value.clone()));
    span.attributes = sorted(attributes.collect());
    let events = span.events.iter_mut();
    events.for_each(|event| event.attributes = plainly(&event.attributes));
    span.links
        .iter_mut()
        .for_each(|link| link.attributes = plainly(&link.attributes));
    // Zipkin sorts them.
    span.events.sort_by_key(|event| event.time);
    span.scope = Arc::default();
    span
}

fn json_of(attributes: &Attributes) -> String {
    let all = attributes.iter();
    let all = all.map(|(key, value)| (key.to_owned(), plain(value)));
    Value::Map(all.collect()).to_json_text()
}

/// The span as the Collector sends it to Zipkin, and Zipkin answers with it.
fn written(span: &Span) -> serde_json::Value {
    let mut tags: Map<String, Json> = merged(span)
        .into_iter()
        .map(|(key, value)| (key, value.to_text().into()))
        .collect();
    tags.shift_remove("error");
    tags.shift_remove("net.peer.port");
    if let Some(code) = tags.get("http.response.status_code").cloned() {
        tags.entry("http.status_code").or_insert(code);
    }
    let mut tag = |key: &str, value: &str| {
        if !value.is_empty() {
            tags.insert(key.to_owned(), value.into());
        }
    };
    tag("otel.library.name", &span.scope.name);
    tag("w3c.tracestate", &span.trace_state);
    let kind = match span.kind {
        SpanKind::Internal => {
            tag("span.kind", "internal");
            None
        }
        SpanKind::Unspecified => None,
        kind => Some(kind.as_str().to_uppercase()),
    };
    match span.status.code {
        StatusCode::Unset => {}
        StatusCode::Ok => tag("otel.status_code", "STATUS_CODE_OK"),
        StatusCode::Error => {
            tag("otel.status_code", "STATUS_CODE_ERROR");
            tag("error", "true");
        }
    }
    tag("otel.status_description", &span.status.message);
    for (at, link) in span.links.iter().enumerate() {
        let Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
        } = link;
        let (json, dropped) = (json_of(attributes), attributes.dropped());
        let text = format!("{trace_id}|{span_id}|{trace_state}|{json}|{dropped}");
        tag(&format!("otlp.link.{at}"), &text);
    }
    let annotations = span.events.iter().map(|event| {
        let Event {
            name, attributes, ..
        } = event;
        let value = match attributes.is_empty() && attributes.dropped() == 0 {
            true => name.clone(),
            false => format!("{name}|{}|{}", json_of(attributes), attributes.dropped()),
        };
        json!({ "timestamp": to_micros(event.time), "value": value })
    });
    let service = span.resource.attributes.get("service.name");
    let service = service.map_or(NO_SERVICE.to_owned(), Value::to_text);
    json!({
        "traceId": span.trace_id.to_string(),
        "id": span.span_id.to_string(),
        "parentId": span.parent_id.map(|id| id.to_string()),
        "kind": kind,
        "name": span.name.to_lowercase(),
        "timestamp": to_micros(span.start),
        "duration": to_micros(span.end - span.start),
        "localEndpoint": { "serviceName": service },
        "annotations": annotations.collect::<Vec<_>>(),
        "tags": tags,
    })
}

/// The name of an event is text before `|{`, so one that itself has this form is not read back.
fn has_plain_events(span: &Span) -> bool {
    let mut names = span.events.iter().map(|event| &event.name);
    names.all(|name| !name.contains("|{") && !name.contains('"'))
}

proptest! {
    #[test]
    fn a_span_comes_back_but_for_the_declared_losses(span in any::span()) {
        prop_assume!(has_plain_events(&span));
        let read = read(&json!([written(&span)]).to_string()).unwrap();
        prop_assert_eq!(read.holes, []);
        let read: Vec<Span> = read.spans.into_iter().map(as_read).collect();
        prop_assert_eq!(read, [as_read(lossy(&span))]);
    }

    #[test]
    fn no_text_is_read_without_an_end_or_a_panic(text in "[\\[\\]{}\",:a-z0-9|]{0,60}") {
        let _ = read(&text);
        let _ = is_zipkin(&text);
    }
}

fn sent(file: &str, trace: TraceId) -> Vec<Span> {
    let traces = otlp::read(file.as_bytes()).unwrap();
    let trace = traces.iter().find(|one| one.id() == trace).unwrap();
    by_id(trace.spans().iter().map(lossy).map(as_read).collect())
}

fn by_id(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.span_id);
    spans
}

#[test]
fn the_traces_of_the_shop_come_back_but_for_the_declared_losses() {
    let placed = recorded!("sent/placed.json");
    let refused = recorded!("sent/refused.json");
    for (file, answer) in [
        (placed, recorded!("zipkin/trace-placed.json")),
        (placed, recorded!("zipkin/trace-linked.json")),
        (refused, recorded!("zipkin/trace-refused.json")),
    ] {
        assert!(is_zipkin(answer));
        let read = read(answer).unwrap();
        assert_eq!(read.holes, []);
        let spans = by_id(read.spans.into_iter().map(as_read).collect());
        let sent = sent(file, spans[0].trace_id);
        assert_eq!(spans, sent);
    }
}

fn one(span: &Json) -> Span {
    let mut all = json!({ "traceId": "1", "id": "a", "timestamp": 7, "duration": 2 });
    let entries = span.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(entries);
    let mut read = read(&all.to_string()).unwrap();
    assert_eq!(read.holes, []);
    read.spans.remove(0)
}

#[test]
fn spans_of_other_tracers_are_read() {
    let span = one(&json!({
        "traceId": "D269b633813fc60d", "id": "A1", "parentId": "", "kind": "CLIENT", "duration": null,
        "localEndpoint": null, "remoteEndpoint": { "serviceName": "db", "ipv6": "::1", "port": 5432 },
        "tags": { "error": "timed out", "retries": 3 }
    }));
    assert_eq!(
        span.trace_id.to_string(),
        "0000000000000000d269b633813fc60d"
    );
    assert_eq!(span.span_id.to_string(), "00000000000000a1");
    assert_eq!(
        (span.name.as_str(), span.service()),
        ("", "unknown_service")
    );
    assert_eq!((span.start, span.end), (7_000, 0));
    assert_eq!(span.status.code, StatusCode::Error);
    assert_eq!(span.status.message, "timed out");
    let attributes: Vec<(&str, String)> = span
        .attributes
        .iter()
        .map(|(key, value)| (key, value.to_text()))
        .collect();
    let expected = [
        ("retries", "3"),
        ("peer.service", "db"),
        ("network.peer.address", "::1"),
        ("network.peer.port", "5432"),
    ];
    assert_eq!(
        attributes,
        expected.map(|(key, value)| (key, value.to_owned()))
    );
}

#[test]
fn times_that_are_missing_are_unknown() {
    let span = one(&json!({ "timestamp": null, "duration": 5 }));
    assert_eq!((span.start, span.end), (0, 0));
}

#[test]
fn the_service_of_a_resource_without_a_name_keeps_its_key() {
    let span = one(&json!({
        "localEndpoint": { "serviceName": "resize" }, "tags": { "otlp.service.name.source": "faas.name" }
    }));
    assert_eq!(
        span.resource.attributes.get("faas.name"),
        Some(&"resize".into())
    );
    assert_eq!(span.service(), "unknown_service");
}

#[test]
fn events_have_the_form_of_the_collector_or_of_an_sdk() {
    let texts = [
        "cs",
        "a|b",
        "sql|{\"n\":1}|2",
        "\"sql\":{\"n\":1.5}",
        "a|{b|{\"c\":\"|{\"}|0",
        "a|{}|x",
    ];
    let annotations: Vec<Json> = texts.iter().map(|text| json!({ "value": text })).collect();
    let span = one(&json!({ "annotations": annotations }));
    let found: Vec<String> = span
        .events
        .iter()
        .map(|event| {
            let attributes = event
                .attributes
                .iter()
                .map(|(key, value)| format!("{key}={value}"));
            let attributes: Vec<String> = attributes.collect();
            format!(
                "{} [{}] {}",
                event.name,
                attributes.join(" "),
                event.attributes.dropped()
            )
        })
        .collect();
    let expected = [
        "cs [] 0",
        "a|b [] 0",
        "sql [n=1] 2",
        "sql [n=1.5] 0",
        "a|{b [c=\"|{\"] 0",
        "a|{}|x [] 0",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_link_that_cannot_be_read_is_a_dropped_one() {
    let span = one(&json!({ "tags": { "otlp.link.0": "0|0||{}|0", "otlp.link.1": "1|2||{}|0" } }));
    assert_eq!((span.links.len(), span.dropped_links), (1, 1));
}

#[test]
fn a_span_with_an_invalid_id_leaves_a_hole() {
    let text = r#"[{"traceId":"xyz","id":"1","name":"a","localEndpoint":{"serviceName":"shop"}},{"traceId":"1","id":"1"}]"#;
    let read = read(text).unwrap();
    assert_eq!(read.spans.len(), 1);
    assert_eq!(
        read.holes[0].to_string(),
        "the span `a` was left out: `00000000000000000000000000000xyz` is not 32 hex digits, not all of them zero (from service `shop`)"
    );
}

#[test]
fn documents_can_be_lines_traces_and_answers_of_searches() {
    let span = r#"{"traceId":"1","id":"1"}"#;
    for text in [
        format!("{span}\n{span}\n"),
        format!("[{span},{span}]"),
        format!("[[{span}],[{span}]]"),
        format!("[[],[{span},{span}]]"),
    ] {
        assert!(is_zipkin(&text), "{text}");
        assert_eq!(read(&text).unwrap().spans.len(), 2, "{text}");
    }
    for text in [
        "",
        "[]",
        "{}",
        r#"{"data":[]}"#,
        r#"{"resourceSpans":[]}"#,
        "[[",
        "no",
    ] {
        assert!(!is_zipkin(text), "{text}");
    }
    let error = read(r#"[{"traceId":"1","id":"1","timestamp":"soon"}]"#).unwrap_err();
    assert!(error.to_string().contains("expected u64"), "{error}");
}
