//! Input that the Collector reads is read; rejected and dropped parts are named.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use prost::Message;
use serde_json::{Value, json};
use spanspec::{Origin, Receiver, Span, Value as Attribute};

use crate::support::{JSON, PROTOBUF, names, post, receiver, request, span, trace_id};

const TRACE: &str = "01010101010101010101010101010101";

/// Posts JSON and returns the status and the message: an error, or that of a partial success.
async fn post_json(receiver: &Receiver, body: impl ToString) -> (u16, String) {
    let (code, _, body) = post(receiver, "/v1/traces", JSON, body.to_string()).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let partial = &body["partialSuccess"]["errorMessage"];
    let message = body["message"].as_str().or(partial.as_str());
    (code, message.unwrap_or_default().to_owned())
}

fn of_spans(spans: &[Value]) -> Value {
    let service = json!({ "key": "service.name", "value": { "stringValue": "shop" } });
    json!({ "resourceSpans": [{
        "resource": { "attributes": [service] },
        "scopeSpans": [{ "spans": spans }],
    }] })
}

fn only_span(receiver: &Receiver) -> Span {
    let trace = receiver
        .follow(trace_id(1), Origin::Foreign)
        .snapshot()
        .trace;
    let [span] = trace.spans() else {
        panic!("{} spans", trace.len())
    };
    span.clone()
}

#[tokio::test]
async fn json_in_snake_case_is_read() {
    let receiver = receiver().await;
    let attributes = json!([
        { "key": "int", "value": { "int_value": "7" } },
        { "key": "list", "value": { "array_value": { "values": [{ "string_value": "a" }] } } },
    ]);
    let event = json!({
        "time_unix_nano": 5, "name": "retry", "dropped_attributes_count": 4,
    });
    let span = json!({
        "trace_id": TRACE, "span_id": "0202020202020202", "parent_span_id": "0303030303030303",
        "trace_state": "a=1", "name": "charge", "kind": 3,
        "start_time_unix_nano": "10", "end_time_unix_nano": 20,
        "attributes": attributes, "dropped_attributes_count": 1,
        "events": [event], "dropped_events_count": 2,
        "links": [{ "trace_id": TRACE, "span_id": "0404040404040404" }], "dropped_links_count": 3,
        "status": { "code": 2, "message": "boom" },
    });
    let body = json!({ "resource_spans": [{ "scope_spans": [{ "spans": [span] }] }] });
    assert_eq!(post_json(&receiver, body).await, (200, String::new()));

    let span = only_span(&receiver);
    assert_eq!(span.parent_id.unwrap().to_string(), "0303030303030303");
    assert_eq!((span.start, span.end), (10, 20));
    assert_eq!(span.kind.as_str(), "client");
    assert_eq!(span.status.code.as_str(), "error");
    assert_eq!(span.trace_state, "a=1");
    assert_eq!(span.attributes.get("int"), Some(&Attribute::Int(7)));
    let list = vec![Attribute::String("a".to_owned())];
    assert_eq!(span.attributes.get("list"), Some(&Attribute::Array(list)));
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.events[0].attributes.dropped(), 4);
    let dropped = (
        span.attributes.dropped(),
        span.dropped_events,
        span.dropped_links,
    );
    assert_eq!(dropped, (1, 2, 3));
}

#[tokio::test]
async fn enums_are_read_as_names_with_and_without_prefix_and_as_numbers() {
    let kinds = [
        json!("SPAN_KIND_SERVER"),
        json!("SERVER"),
        json!(2),
        json!("2"),
    ];
    let codes = [
        json!("STATUS_CODE_ERROR"),
        json!("ERROR"),
        json!(2),
        json!(2.0),
    ];
    for (kind, code) in kinds.into_iter().zip(codes) {
        let receiver = receiver().await;
        let span = json!({
            "traceId": TRACE, "spanId": "0202020202020202", "kind": kind, "status": { "code": code },
        });
        assert_eq!(post_json(&receiver, of_spans(&[span])).await.0, 200);
        let span = only_span(&receiver);
        let read = (span.kind.as_str(), span.status.code.as_str());
        assert_eq!(read, ("server", "error"), "{kind} {code}");
    }
}

#[tokio::test]
async fn unknown_enum_names_are_refused_with_the_known_ones_named() {
    let receiver = receiver().await;
    let span =
        json!({ "traceId": TRACE, "spanId": "0202020202020202", "status": { "code": "FAILED" } });
    let (code, message) = post_json(&receiver, of_spans(&[span])).await;
    assert_eq!(code, 400);
    assert!(
        message.contains(
            "string \"FAILED\", expected a number or one of STATUS_CODE_UNSET, STATUS_CODE_OK, \
             STATUS_CODE_ERROR"
        ),
        "{message}"
    );
}

#[tokio::test]
async fn half_an_emoji_becomes_a_replacement_character() {
    let receiver = receiver().await;
    let span = r#"{
        "traceId": "01010101010101010101010101010101", "spanId": "0202020202020202",
        "name": "hi \ud83d", "status": {"message": "\ude00 \ud83d\ude00"},
        "attributes": [{"key": "no\ud83dte", "value": {"stringValue": "\ud83d\ud83d!"}}],
        "unknown \ud83d": "\ud83d"
    }"#;
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
    assert_eq!(post_json(&receiver, body).await, (200, String::new()));
    let span = only_span(&receiver);
    assert_eq!(span.name, "hi \u{fffd}");
    assert_eq!(span.status.message, "\u{fffd} \u{1f600}");
    let value = span.attributes.get("no\u{fffd}te").unwrap();
    assert_eq!(value.as_str(), Some("\u{fffd}\u{fffd}!"));
}

#[tokio::test]
async fn requests_of_another_shape_are_refused_with_what_was_found_and_expected() {
    let receiver = receiver().await;
    let expected = "expected an object with `resourceSpans`";
    for (body, found) in [
        (r#"{"spans": []}"#, "found `spans`, "),
        (r#"{"batches": [{"scopeSpans": []}]}"#, "found `batches`, "),
        (r#"{"resourceSpans": [], "spans": [{}]}"#, "found `spans`, "),
        (r#"{"data": 1, "traces": []}"#, "found `data`, `traces`, "),
        (r#"{"resourceLogs": []}"#, "found `resourceLogs`, "),
        ("[]", "found an array, "),
        (r#"[{"resourceSpans": []}]"#, "found an array, "),
    ] {
        let (code, message) = post_json(&receiver, body).await;
        assert_eq!(code, 400, "{body}");
        let text = format!("{found}{expected}");
        assert!(message.contains(&text), "{body}: {message}");
    }
    for (body, text) in [
        ("7", "expected an export request as an object"),
        (
            r#"{"resourceSpans": [[]]}"#,
            "expected an item of `resourceSpans` as an object",
        ),
        (
            r#"{"resourceSpans": [{"spans": []}]}"#,
            "found `spans` in `resourceSpans`, expected it in `scopeSpans`",
        ),
        (
            r#"{"resourceSpans": [{"scopeSpans": {}}]}"#,
            "expected a sequence",
        ),
    ] {
        let (code, message) = post_json(&receiver, body).await;
        assert_eq!(code, 400, "{body}");
        assert!(message.contains(text), "{body}: {message}");
    }
    assert_eq!(receiver.stats().refused, 11);
}

#[tokio::test]
async fn spans_where_none_are_expected_repeated_keys_and_keys_in_another_case_are_refused() {
    let receiver = receiver().await;
    let span = format!(r#"{{"traceId": "{TRACE}", "spanId": "0202020202020202"}}"#);
    let in_scope = |scope: &str| format!(r#"{{"resourceSpans": [{{"scopeSpans": [{scope}]}}]}}"#);
    let in_span = |more: &str| in_scope(&format!(r#"{{"spans": [{{"name": "a", {more}}}]}}"#));
    let attributes = |value: &str| format!(r#""attributes": [{{"key": "{value}"}}]"#);
    for (body, text) in [
        (
            in_scope(&span),
            "found a span in `spanId`, expected it in `spans`",
        ),
        (
            format!(r#"{{"resourceSpans": [{span}]}}"#),
            "found a span in `spanId`, expected it in `scopeSpans`",
        ),
        (
            r#"{"resourceSpans": [], "data": [{"x": {"Span_ID": "\ud83d"}}]}"#.to_owned(),
            "found a span in `data`, expected it in `resourceSpans`",
        ),
        (
            in_scope(r#"{"Spans": []}"#),
            "found `Spans`, expected `spans`",
        ),
        (
            r#"{"resourceSpans": [{"ScopeSpans": []}]}"#.to_owned(),
            "found `ScopeSpans`, expected `scopeSpans`",
        ),
        (
            in_span(r#""Status": {}"#),
            "found `Status`, expected `status`",
        ),
        (
            in_span(r#""traceId": "01", "trace_id": "02""#),
            "`traceId` is repeated in a span",
        ),
        (
            in_span(&format!("{}, {}", attributes("a"), attributes("b"))),
            "`attributes` is repeated in a span",
        ),
    ] {
        let (code, message) = post_json(&receiver, &body).await;
        assert_eq!(code, 400, "{body}");
        assert!(message.contains(text), "{body}: {message}");
    }
    // Input that does not look like telemetry is ignored.
    let unknown = r#"{"resourceSpans": [], "data": [{"x": "spanId", "y": "\": {\"spanId\":"}]}"#;
    assert_eq!(post_json(&receiver, unknown).await.0, 200);
}

#[tokio::test]
async fn hex_that_is_cut_off_is_no_base64() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
    let span = |trace: &str, id: &str, parent: &str| json!({ "traceId": trace, "spanId": id, "parentSpanId": parent });
    let body = of_spans(&[
        span(&TRACE[..22], "0202020202020202", ""),
        span(TRACE, "02020202020", ""),
        span(TRACE, "0202020202020202", "03030303030"),
        // This one is base64, as Tempo writes it.
        span(TRACE, "BAQEBAQEBAQ=", ""),
    ]);
    let (code, message) = post_json(&receiver, body).await;
    assert_eq!(code, 200);
    assert!(message.starts_with("rejected 3 of 4 spans"), "{message}");
    let trace = follow.snapshot().trace;
    assert_eq!(trace.len(), 1);
    assert_eq!(trace.holes().len(), 3);
}

#[tokio::test]
async fn spans_of_old_libraries_are_read_beside_those_of_scopes() {
    let receiver = receiver().await;
    let span = |id: &str, name| json!({ "traceId": TRACE, "spanId": id, "name": name });
    let body = json!({ "resourceSpans": [{
        "instrumentationLibrarySpans": [{
            "instrumentationLibrary": { "name": "lib" },
            "spans": [span("0101010101010101", "old")],
        }],
        "scopeSpans": [{ "spans": [span("0202020202020202", "new")] }],
    }] });
    assert_eq!(post_json(&receiver, body).await.0, 200);
    let mut found = names(&receiver, 1);
    found.sort();
    assert_eq!(found, ["new", "old"]);
}

#[tokio::test]
async fn ids_of_json_that_are_no_ids_reject_their_span_by_name() {
    let receiver = receiver().await;
    let span = |id: &str, parent: &str, name| json!({ "traceId": TRACE, "spanId": id, "parentSpanId": parent, "name": name });
    let body = of_spans(&[
        span("0101010101010101", TRACE, "agent run"),
        span("020202020202020", "", "odd"),
        span("no hex!!", "", "text"),
        span("0000000000000000", "", "zeros"),
        span("", "", "none"),
        span("0303030303030303", "0000000000000000", "root"),
    ]);
    let (code, message) = post_json(&receiver, body).await;
    assert_eq!(code, 200);
    assert_eq!(
        message,
        "rejected 5 of 6 spans: \
         span `agent run` of shop: parent span id is `01010101010101010101010101010101`, expected 8 bytes (16 hex digits); \
         span `odd` of shop: span id is `020202020202020`, expected 8 bytes (16 hex digits); \
         span `text` of shop: span id is `no hex!!`, expected 8 bytes (16 hex digits); \
         span `zeros` of shop: span id has only zeros, expected 8 bytes (16 hex digits); \
         span `none` of shop: span id is missing, expected 8 bytes (16 hex digits)"
    );
    assert_eq!(names(&receiver, 1), ["root"]);
    let stats = receiver.stats();
    let last = stats.rejections.back().unwrap();
    assert_eq!((last.trace_id, &*last.name), (Some(trace_id(1)), "none"));
}

/// A value inside this number of arrays, as JSON.
fn nested(levels: usize) -> String {
    let before = r#"{"arrayValue":{"values":["#.repeat(levels);
    format!(
        r#"{before}{{"stringValue":"leaf"}}{}"#,
        "]}}".repeat(levels)
    )
}

#[tokio::test]
async fn an_attribute_of_json_that_cannot_be_decoded_is_dropped_alone() {
    let receiver = receiver().await;
    let attribute = |key: &str, value: Value| json!({ "key": key, "value": value });
    let span = json!({
        "traceId": TRACE, "spanId": "0202020202020202", "name": "charge",
        "attributes": [
            attribute("amount", json!({ "intValue": "a lot" })),
            attribute("kept", json!("<30>")),
            attribute("deep", json!("<31>")),
            attribute("deeper", json!("<5000>")),
            attribute("plain", json!("text")),
        ],
        "droppedAttributesCount": 2,
        "events": [{ "name": "e", "attributes": [attribute("flag", json!({ "boolValue": 1 }))] }],
    });
    let mut body = of_spans(&[span]).to_string();
    for levels in [30, 31, 5000] {
        body = body.replace(&format!("\"<{levels}>\""), &nested(levels));
    }
    let (code, message) = post_json(&receiver, body).await;
    assert_eq!(code, 200);
    assert_eq!(
        message,
        "dropped 5 attributes: \
         attribute `amount` of span `charge` of shop: `a lot` is not a signed 64-bit integer; \
         attribute `deep` of span `charge` of shop: nested more than 30 levels deep; \
         attribute `deeper` of span `charge` of shop: nested more than 30 levels deep; \
         attribute `plain` of span `charge` of shop: invalid type: string \"text\", expected an attribute value such as {\"stringValue\": \"text\"} as an object; \
         attribute `flag` of an event of span `charge` of shop: invalid type: integer `1`, expected a boolean"
    );
    let span = only_span(&receiver);
    assert!(span.attributes.get("kept").is_some() && span.attributes.get("deep").is_none());
    assert_eq!(span.attributes.dropped(), 6);
    assert_eq!(span.events[0].attributes.dropped(), 1);
    let stats = receiver.stats();
    assert_eq!(
        (stats.dropped_attributes, stats.drops.len(), stats.spans),
        (5, 5, 1)
    );
}

#[tokio::test]
async fn an_attribute_of_protobuf_that_cannot_be_decoded_is_dropped_alone() {
    let receiver = receiver().await;
    let leaf = AnyValue {
        value: Some(Any::BoolValue(true)),
    };
    let deep = (0..40).fold(leaf.clone(), |value, _| AnyValue {
        value: Some(Any::ArrayValue(ArrayValue {
            values: vec![value],
        })),
    });
    let attribute = |key: &str, value: &AnyValue| KeyValue {
        key: key.to_owned(),
        value: Some(value.clone()),
        ..KeyValue::default()
    };
    let mut sent = span(1, 2, "charge");
    sent.attributes = vec![
        attribute("deep", &deep),
        attribute("damaged", &leaf),
        attribute("kept", &leaf),
    ];
    let mut body = request("shop", vec![sent]);
    // The tag of the boolean becomes that of a string whose length is missing.
    let at = body.windows(7).position(|part| part == b"damaged").unwrap();
    assert_eq!(body[at + 7..at + 11], [0x12, 2, 0x10, 1]);
    body[at + 9] = 0x0a;
    let (code, _, answer) = post(&receiver, "/v1/traces", PROTOBUF, Bytes::from(body)).await;
    let answer = ExportTraceServiceResponse::decode(answer).unwrap();
    let partial = answer.partial_success.unwrap();
    assert_eq!((code, partial.rejected_spans), (200, 0));
    assert_eq!(
        partial.error_message,
        "dropped 2 attributes: \
         attribute `deep` of span `charge` of shop: nested more than 30 levels deep; \
         attribute `damaged` of span `charge` of shop: no OTLP protobuf: a field that is longer than the rest"
    );
    let span = only_span(&receiver);
    assert_eq!(span.attributes.iter().len(), 1);
    assert_eq!(span.attributes.dropped(), 2);
}
