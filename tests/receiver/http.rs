//! OTLP/HTTP, point by point.

use std::io::Write;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use serde_json::{Value, json};
use spanspec::{Origin, Receiver, Span, Value as Attribute};

use crate::support::{
    JSON, PROTOBUF, answer, names, post, receiver, request, soon, span, trace_id, url,
};

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn status(protobuf: &[u8]) -> (i32, String) {
    let status = Status::decode(protobuf).unwrap();
    (status.code, status.message)
}

fn json_status(body: &[u8]) -> (i64, String) {
    let status: Value = serde_json::from_slice(body).unwrap();
    let message = status["message"].as_str().unwrap().to_owned();
    (status["code"].as_i64().unwrap(), message)
}

fn last_refusal(receiver: &Receiver) -> (String, String) {
    let stats = receiver.stats();
    let refusal = stats.refusals.back().unwrap();
    assert!(refusal.sender.peer.unwrap().ip().is_loopback());
    (refusal.endpoint.clone(), refusal.reason.clone())
}

fn one_span() -> Vec<u8> {
    request("shop", vec![span(1, 1, "GET /")])
}

async fn post_encoded(receiver: &Receiver, encoding: &str, body: Vec<u8>) -> (u16, String, Bytes) {
    let request = reqwest::Client::new()
        .post(url(receiver, "/v1/traces"))
        .header("content-type", PROTOBUF)
        .header("content-encoding", encoding)
        .body(body);
    answer(request).await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_empty_request_is_a_success_in_the_requests_encoding() {
    let receiver = receiver().await;
    for signal in ["traces", "logs", "metrics"] {
        let path = format!("/v1/{signal}");
        let protobuf = post(&receiver, &path, PROTOBUF, "").await;
        assert_eq!(protobuf, (200, PROTOBUF.to_owned(), Bytes::new()));
        let json = post(&receiver, &path, JSON, "{}").await;
        assert_eq!(json, (200, JSON.to_owned(), Bytes::from("{}")));
    }
    assert_eq!(
        (receiver.stats().requests, receiver.stats().refused),
        (6, 0)
    );
}

#[tokio::test]
async fn content_types_may_have_parameters() {
    let receiver = receiver().await;
    let typed = post(
        &receiver,
        "/v1/traces",
        "Application/JSON; charset=utf-8",
        "{}",
    )
    .await;
    assert_eq!((typed.0, &*typed.1), (200, JSON));
}

#[tokio::test]
async fn another_method_is_405_and_another_content_type_415() {
    let receiver = receiver().await;
    let got = soon(reqwest::get(url(&receiver, "/v1/traces")))
        .await
        .unwrap();
    assert_eq!(got.status(), 405);
    assert_eq!(got.headers()["allow"], "POST, OPTIONS");
    assert_eq!(last_refusal(&receiver).0, "GET /v1/traces");

    let text = post(&receiver, "/v1/traces", "text/plain", "hello").await;
    assert_eq!(text.0, 415);
    let (endpoint, reason) = last_refusal(&receiver);
    assert_eq!(endpoint, "POST /v1/traces");
    assert_eq!(
        reason,
        "content-type \"text/plain\": expected application/x-protobuf or application/json"
    );
    let none = reqwest::Client::new()
        .post(url(&receiver, "/v1/traces"))
        .body("x");
    assert_eq!(answer(none).await.0, 415);
}

#[tokio::test]
async fn chunked_bodies_without_a_length_are_normal() {
    let receiver = receiver().await;
    let body = one_span();
    let mut raw = b"POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-type: application/x-protobuf\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec();
    for chunk in body.chunks(7) {
        raw.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        raw.extend(chunk);
        raw.extend(b"\r\n");
    }
    raw.extend(b"0\r\n\r\n");
    let response = crate::hostile::converse(&receiver, &raw).await;
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    assert_eq!(names(&receiver, 1), ["GET /"]);
}

#[tokio::test]
async fn http_2_without_tls_is_served_on_the_same_port() {
    let receiver = receiver().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let request = client
        .post(url(&receiver, "/v1/traces"))
        .header("content-type", PROTOBUF);
    let response = soon(request.body(one_span()).send()).await.unwrap();
    assert_eq!(
        (response.version(), response.status().as_u16()),
        (http::Version::HTTP_2, 200)
    );
    assert_eq!(names(&receiver, 1), ["GET /"]);
}

#[tokio::test]
async fn gzip_zstd_deflate_and_identity_are_decoded() {
    let receiver = receiver().await;
    let bodies = [
        ("gzip", gzip(&request("s", vec![span(1, 1, "gzip")]))),
        (
            "zstd",
            zstd::encode_all(&request("s", vec![span(1, 2, "zstd")])[..], 3).unwrap(),
        ),
        ("deflate", zlib(&request("s", vec![span(1, 3, "deflate")]))),
        ("identity", request("s", vec![span(1, 4, "identity")])),
        ("GZIP", gzip(&request("s", vec![span(1, 5, "GZIP")]))),
        ("x-gzip", gzip(&request("s", vec![span(1, 6, "x-gzip")]))),
        ("", request("s", vec![span(1, 7, "none")])),
        ("identity, Zstd", {
            let body = request("s", vec![span(1, 8, "Zstd")]);
            zstd::encode_all(&body[..], 3).unwrap()
        }),
    ];
    for (encoding, body) in bodies {
        assert_eq!(
            post_encoded(&receiver, encoding, body).await.0,
            200,
            "{encoding}"
        );
    }
    let sent = [
        "gzip", "zstd", "deflate", "identity", "GZIP", "x-gzip", "none", "Zstd",
    ];
    assert_eq!(names(&receiver, 1), sent);
}

#[tokio::test]
async fn unknown_encodings_are_refused_with_the_known_ones_named() {
    let receiver = receiver().await;
    let (code, content_type, body) = post_encoded(&receiver, "br", one_span()).await;
    assert_eq!((code, &*content_type), (415, PROTOBUF));
    let expected = "unknown content-encoding \"br\": known are gzip, zstd, deflate and identity";
    assert_eq!(status(&body), (3, expected.to_owned()));
}

#[tokio::test]
async fn a_body_that_cannot_be_decompressed_is_400() {
    let receiver = receiver().await;
    for encoding in ["gzip", "zstd", "deflate"] {
        let (code, content_type, body) = post_encoded(&receiver, encoding, one_span()).await;
        assert_eq!((code, &*content_type), (400, PROTOBUF), "{encoding}");
        assert_eq!(status(&body).0, 3);
        assert!(
            last_refusal(&receiver)
                .1
                .starts_with(&format!("failed to decompress the body as {encoding}: "))
        );
    }
    let mut cut = gzip(&one_span());
    cut.truncate(cut.len() / 2);
    assert_eq!(post_encoded(&receiver, "gzip", cut).await.0, 400);
}

#[tokio::test]
async fn all_streams_of_a_compressed_body_are_read_and_nothing_else_may_follow() {
    let receiver = receiver().await;
    let bodies =
        |trace| [1, 2].map(|id| request("s", vec![span(trace, id, &format!("span {id}"))]));
    let zstd = |bytes: Vec<u8>| zstd::encode_all(&bytes[..], 1).unwrap();
    for (trace, encoding, streams) in [
        (1, "gzip", bodies(1).map(|body| gzip(&body))),
        (2, "zstd", bodies(2).map(zstd)),
        (3, "deflate", bodies(3).map(|body| zlib(&body))),
    ] {
        let answer = post_encoded(&receiver, encoding, streams.concat()).await;
        assert_eq!(answer.0, 200, "{encoding}");
        assert_eq!(names(&receiver, trace), ["span 1", "span 2"], "{encoding}");
    }
    let garbage = [gzip(&one_span()), b"and more".to_vec()].concat();
    assert_eq!(post_encoded(&receiver, "gzip", garbage).await.0, 400);
}

#[tokio::test]
async fn a_decompression_bomb_is_413() {
    let receiver = receiver().await;
    let zeros = vec![0; 80 << 20];
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("zstd", zstd::encode_all(&zeros[..], 1).unwrap()),
    ];
    for (encoding, bomb) in bombs {
        assert!(bomb.len() < 1 << 20);
        let (code, _, body) = post_encoded(&receiver, encoding, bomb).await;
        assert_eq!(code, 413, "{encoding}");
        assert_eq!(
            status(&body),
            (8, "more than 64 MiB after decompression".to_owned())
        );
    }
}

#[tokio::test]
async fn a_large_body_is_accepted_up_to_64_mib_and_is_413_beyond() {
    let receiver = receiver().await;
    let name = "x".repeat(63 << 20);
    let large = post(
        &receiver,
        "/v1/traces",
        PROTOBUF,
        request("s", vec![span(1, 1, &name)]),
    )
    .await;
    assert_eq!(large.0, 200);
    let (code, content_type, body) =
        post(&receiver, "/v1/traces", PROTOBUF, vec![0; (64 << 20) + 1]).await;
    assert_eq!((code, &*content_type, status(&body).0), (413, PROTOBUF, 8));
}

#[tokio::test]
async fn bad_data_is_400_with_a_status_in_the_requests_encoding() {
    let receiver = receiver().await;
    let (code, content_type, body) = post(&receiver, "/v1/traces", PROTOBUF, "no protobuf").await;
    assert_eq!((code, &*content_type), (400, PROTOBUF));
    assert_eq!(status(&body).0, 3);
    assert!(
        status(&body).1.starts_with("no OTLP protobuf: "),
        "{}",
        status(&body).1
    );

    let broken = "{\"resourceSpans\": [\n{\"scopeSpans\": 3}]}";
    let (code, content_type, body) = post(&receiver, "/v1/traces", JSON, broken).await;
    assert_eq!((code, &*content_type), (400, JSON));
    let (code, message) = json_status(&body);
    assert_eq!(code, 3);
    assert!(
        message.contains("expected a sequence at line 2"),
        "{message}"
    );
    assert_eq!(
        last_refusal(&receiver),
        ("POST /v1/traces".to_owned(), message)
    );
    assert_eq!(receiver.stats().refused, 2);
    for path in ["/v1/logs", "/v1/metrics"] {
        assert_eq!(post(&receiver, path, PROTOBUF, "no protobuf").await.0, 400);
        assert_eq!(post(&receiver, path, JSON, "no json").await.0, 400);
    }
}

#[tokio::test]
async fn log_records_in_json_are_kept_without_those_that_name_no_trace() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
    let id = trace_id(1).to_string();
    let record = |ids: Value, severity: Value| {
        let mut record = json!({
            "timeUnixNano": "0", "observedTimeUnixNano": "7", "severityNumber": severity,
            "severityText": "warning", "body": { "kvlistValue": { "values": [
                { "key": "sku", "value": { "stringValue": "A-1" } },
            ] } }, "attributes": null, "flags": 1, "eventName": "stock.low",
        });
        let fields = record.as_object_mut().unwrap();
        fields.extend(ids.as_object().unwrap().clone());
        record
    };
    let records = [
        record(
            json!({ "traceId": id, "spanId": "00000000000000ab" }),
            json!(13),
        ),
        record(
            json!({ "trace_id": id.to_uppercase(), "spanId": "00" }),
            json!("SEVERITY_NUMBER_WARN"),
        ),
        record(json!({ "traceId": id, "spanId": "" }), json!(0)),
        record(json!({ "traceId": "0".repeat(32) }), json!(9)),
        record(json!({ "traceId": "0102" }), json!(9)),
        record(json!({}), json!(9)),
    ];
    let resource = json!({ "attributes": [
        { "key": "service.name", "value": { "stringValue": "inventory" } },
    ] });
    let body = json!({ "resourceLogs": [
        { "resource": resource, "scopeLogs": [{ "logRecords": records }] },
    ] });
    let answer = post(&receiver, "/v1/logs", JSON, body.to_string()).await;
    assert_eq!((answer.0, &*answer.2), (200, &b"{}"[..]));
    assert_eq!(receiver.stats().log_records, 6);
    let trace = follow.snapshot().trace;
    let logs = trace.logs();
    let kept = logs
        .iter()
        .map(|log| (log.span_id.map(|id| id.to_string()), log.severity));
    let first = Some("00000000000000ab".to_owned());
    let expected = [(first, Some(13)), (None, Some(13)), (None, None)];
    assert_eq!(kept.collect::<Vec<_>>(), expected);
    let log = &logs[0];
    assert_eq!((log.time, log.event_name.as_str()), (7, "stock.low"));
    assert_eq!(log.body.to_string(), r#"{"sku":"A-1"}"#);
    assert_eq!(log.resource.service(), "inventory");
}

/// A log record of trace 1 with this body.
fn log_request(body: &str) -> String {
    let record = json!({ "traceId": trace_id(1).to_string(), "body": { "stringValue": body } });
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record, record] }] }] }).to_string()
}

#[tokio::test]
async fn a_log_record_that_arrives_in_two_exports_is_marked_as_repeated() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
    for body in ["one", "two", "one"] {
        post(&receiver, "/v1/logs", JSON, log_request(body)).await;
    }
    let trace = follow.snapshot().trace;
    let logs = trace.logs().iter();
    let repeated: Vec<bool> = logs.map(|log| log.is_repeated).collect();
    // Equal records of one export were written twice.
    assert_eq!(repeated, [false, false, false, false, true, true]);
}

#[tokio::test]
async fn a_copy_with_another_time_of_observation_may_be_the_same_record() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
    let sdk = json!([{ "key": "telemetry.sdk.name", "value": { "stringValue": "opentelemetry" } }]);
    let cases = [
        ("of a log file", "5", json!([]), "", true),
        ("of a log file without time", "0", json!([]), "", true),
        ("of an SDK", "5", sdk.clone(), "", true),
        // This time is the only one.
        ("of an SDK without time", "0", sdk, "", false),
        ("printed twice", "5", json!([]), "stdout", false),
    ];
    for (body, time, resource, scope, _) in &cases {
        for observed in ["7", "8"] {
            let record = json!({
                "traceId": trace_id(1).to_string(), "body": { "stringValue": body },
                "timeUnixNano": time, "observedTimeUnixNano": observed,
            });
            let request = json!({ "resourceLogs": [{
                "resource": { "attributes": resource },
                "scopeLogs": [{ "scope": { "name": scope }, "logRecords": [record] }],
            }] });
            post(&receiver, "/v1/logs", JSON, request.to_string()).await;
        }
    }
    let trace = follow.snapshot().trace;
    let repeated: Vec<bool> = trace.logs().iter().map(|log| log.is_repeated).collect();
    let expected = cases.iter().flat_map(|(.., is_same)| [false, *is_same]);
    assert_eq!(repeated, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_long_body_and_text_that_is_no_utf_8_are_kept() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
    let long = "x".repeat(1 << 20);
    let answer = post(&receiver, "/v1/logs", JSON, log_request(&long)).await;
    assert_eq!(answer.0, 200);
    let spoilt = |request: Vec<u8>| -> Vec<u8> {
        let at = request.windows(2).position(|pair| pair == b"XY").unwrap();
        [&request[..at], b"\xff\xfe", &request[at + 2..]].concat()
    };
    let json = log_request("cafXY").replacen("cafXY", "caf..", 1);
    let answer = post(&receiver, "/v1/logs", JSON, spoilt(json.into_bytes())).await;
    assert_eq!(answer.0, 200);
    let record = LogRecord {
        trace_id: trace_id(1).as_bytes().to_vec(),
        body: Some(AnyValue {
            value: Some(any_value::Value::StringValue("cafXY".to_owned())),
        }),
        ..LogRecord::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    let answer = post(
        &receiver,
        "/v1/logs",
        PROTOBUF,
        spoilt(request.encode_to_vec()),
    )
    .await;
    assert_eq!(answer.0, 200);
    let trace = follow.snapshot().trace;
    let bodies: Vec<String> = trace.logs().iter().map(|log| log.body.to_text()).collect();
    let spoilt = "caf\u{fffd}\u{fffd}";
    assert_eq!(bodies, [long.as_str(), &long, "caf..", spoilt, spoilt]);
    assert_eq!(trace.log_holes(), []);
}

#[tokio::test]
async fn a_refused_export_leaves_a_hole_in_its_signal_only() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign).fresh();
    let mut holes = || {
        let trace = follow.snapshot().trace;
        (trace.holes().len(), trace.log_holes().len())
    };
    post(&receiver, "/v1/metrics", JSON, "{").await;
    assert_eq!(holes(), (0, 0));
    post(&receiver, "/v1/logs", JSON, "{").await;
    assert_eq!(holes(), (0, 1));
    post(&receiver, "/v1/traces", JSON, "{").await;
    assert_eq!(holes(), (1, 1));
    // Any signal may have been sent to a path that is not served.
    post(&receiver, "/", PROTOBUF, "x").await;
    assert_eq!(holes(), (2, 2));
    // Spans at the endpoint of logs.
    let spans = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{}] }] }] });
    let answer = post(&receiver, "/v1/logs", JSON, spans.to_string()).await;
    assert_eq!((answer.0, holes()), (400, (3, 3)));
    let spans = request("s", vec![span(1, 2, "at another endpoint")]);
    let answer = post(&receiver, "/v1/logs", PROTOBUF, spans).await;
    assert_eq!((answer.0, holes()), (400, (4, 4)));
    // Records under another key.
    for key in ["records", "instrumentationLibraryLogs"] {
        let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ key: [{}] }], key: [{}] }] });
        let answer = post(&receiver, "/v1/logs", JSON, logs.to_string()).await;
        assert_eq!(answer.0, 400, "{key}");
    }
}

#[tokio::test]
async fn spans_with_invalid_ids_are_rejected_and_the_others_taken() {
    let receiver = receiver().await;
    let mut short = span(1, 2, "short trace id");
    short.trace_id.pop();
    let mut parent = span(1, 3, "short parent");
    parent.parent_span_id = vec![1; 7];
    let zeros = span(1, 0, "zeros");
    let mut root = span(1, 4, "parent of zeros");
    root.parent_span_id = vec![0; 8];
    let body = request("s", vec![short, parent, zeros, root]);
    let (code, _, body) = post(&receiver, "/v1/traces", PROTOBUF, body).await;
    let partial = ExportTraceServiceResponse::decode(body)
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!((code, partial.rejected_spans), (200, 3));
    assert_eq!(
        partial.error_message,
        "rejected 3 of 4 spans: \
         span `short trace id` of s: trace id has 15 bytes, expected 16 bytes (32 hex digits); \
         span `short parent` of s: parent span id has 7 bytes, expected 8 bytes (16 hex digits); \
         span `zeros` of s: span id has only zeros, expected 8 bytes (16 hex digits)"
    );
    assert_eq!(names(&receiver, 1), ["parent of zeros"]);
    let stats = receiver.stats();
    let of: Vec<_> = stats.rejections.iter().map(|of| of.trace_id).collect();
    assert_eq!(stats.rejected, 3);
    assert_eq!(of, [None, Some(trace_id(1)), Some(trace_id(1))]);

    let json = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "01", "spanId": "0102030405060708", "name": "short"},
    ]}]}]});
    let (code, _, body) = post(&receiver, "/v1/traces", JSON, json.to_string()).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (code, &body["partialSuccess"]["rejectedSpans"]),
        (200, &json!("1"))
    );
}

#[tokio::test]
async fn json_is_read_as_leniently_as_the_specification_asks() {
    let receiver = receiver().await;
    let text = r#"{
        "resourceSpans": [{
            "resource": {"attributes": null, "unknown_field": {"a": [1]}},
            "scopeSpans": [{
                "scope": null,
                "spans": [{
                    "traceId": "01010101010101010101010101010101",
                    "spanId": "ABCDEFabcdef0102",
                    "parentSpanId": "",
                    "name": "lenient", "kind": "SPAN_KIND_SERVER", "flags": 257,
                    "startTimeUnixNano": 1795378145361000001,
                    "endTimeUnixNano": "1795378145378457985",
                    "events": null, "links": [{"traceId": null}],
                    "status": {"code": "STATUS_CODE_ERROR", "message": "out of stock"},
                    "droppedAttributesCount": null, "startTime": {"ignored": true},
                    "attributes": [
                        {"key": "int", "value": {"intValue": 42}},
                        {"key": "text int", "value": {"intValue": "-9223372036854775808"}},
                        {"key": "double", "value": {"doubleValue": 1}},
                        {"key": "nan", "value": {"doubleValue": "NaN"}},
                        {"key": "infinity", "value": {"doubleValue": "-Infinity"}},
                        {"key": "bytes", "value": {"bytesValue": "-_8"}},
                        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}, {}]}}},
                        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": null}]}}},
                        {"key": "nothing"},
                        {"key": "null", "value": {"stringValue": null}},
                        {"key": "later", "value": {"futureValue": 1}}
                    ]
                }]
            }]
        }, null]
    }"#;
    // A null in a list is too much.
    assert_eq!(post(&receiver, "/v1/traces", JSON, text).await.0, 400);
    let text = text.replace("}, null]", "}]");
    assert_eq!(post(&receiver, "/v1/traces", JSON, text).await.0, 200);

    let trace = receiver
        .follow(trace_id(1), Origin::Foreign)
        .snapshot()
        .trace;
    let [span] = trace.spans() else {
        panic!("{} spans", trace.len())
    };
    assert_eq!(span.span_id.to_string(), "abcdefabcdef0102");
    assert_eq!(
        (span.start, span.end),
        (1_795_378_145_361_000_001, 1_795_378_145_378_457_985)
    );
    assert_eq!(
        (span.kind.as_str(), span.status.code.as_str()),
        ("server", "error")
    );
    assert_eq!(
        (span.parent_id, span.events.len(), span.links.len()),
        (None, 0, 0)
    );
    assert_eq!(attribute(span, "int"), Attribute::Int(42));
    assert_eq!(attribute(span, "text int"), Attribute::Int(i64::MIN));
    assert_eq!(attribute(span, "double"), Attribute::Double(1.0));
    assert_eq!(attribute(span, "nan").to_string(), "NaN");
    assert_eq!(
        attribute(span, "infinity"),
        Attribute::Double(f64::NEG_INFINITY)
    );
    assert_eq!(attribute(span, "bytes"), Attribute::Bytes(vec![0xfb, 0xff]));
    let list = vec![Attribute::Bool(true), Attribute::Null];
    assert_eq!(attribute(span, "list"), Attribute::Array(list));
    let map = vec![("k".to_owned(), Attribute::Null)];
    assert_eq!(attribute(span, "map"), Attribute::Map(map));
    for key in ["nothing", "null", "later"] {
        assert_eq!(attribute(span, key), Attribute::Null, "{key}");
    }
}

fn attribute(span: &Span, key: &str) -> Attribute {
    span.attributes.get(key).unwrap().clone()
}

#[tokio::test]
async fn json_that_is_nested_too_deep_is_refused() {
    let receiver = receiver().await;
    let deep = "{\"resourceSpans\":".to_owned() + &"[".repeat(100_000);
    assert_eq!(post(&receiver, "/v1/traces", JSON, deep).await.0, 400);
}

#[tokio::test]
async fn text_that_is_no_utf_8_is_repaired_and_not_refused() {
    let receiver = receiver().await;
    let mut body = request("s", vec![span(1, 1, "cut: ??")]);
    let at = body.windows(2).position(|pair| pair == b"??").unwrap();
    body[at..at + 2].copy_from_slice(&[0xe2, 0x82]);
    assert_eq!(post(&receiver, "/v1/traces", PROTOBUF, body).await.0, 200);
    assert_eq!(names(&receiver, 1), ["cut: \u{fffd}"]);
}

async fn preflight(receiver: &Receiver, origin: &str) -> reqwest::Response {
    let request = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, url(receiver, "/v1/traces"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,traceparent,x-api-key",
        );
    soon(request.send()).await.unwrap()
}

#[tokio::test]
async fn pages_of_localhost_may_send_and_others_by_name() {
    let receiver = Receiver::builder()
        .listen([([127, 0, 0, 1], 0).into()])
        .cors_origin("https://shop.example")
        .start()
        .await
        .unwrap();
    for origin in ["http://localhost:3000", "https://shop.example"] {
        let answer = preflight(&receiver, origin).await;
        assert_eq!(answer.status(), 200);
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], origin);
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        assert_eq!(allowed, "content-type,traceparent,x-api-key");
        assert!(
            headers["access-control-allow-methods"]
                .to_str()
                .unwrap()
                .contains("POST")
        );
        let request = reqwest::Client::new()
            .post(url(&receiver, "/v1/traces"))
            .header("origin", origin)
            .header("content-type", JSON)
            .body("{}");
        let answer = soon(request.send()).await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-origin"], origin);
    }
    let stranger = preflight(&receiver, "https://evil.example").await;
    assert!(
        !stranger
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn requests_without_the_token_are_refused_with_the_remedy() {
    let receiver = Receiver::builder()
        .listen([([127, 0, 0, 1], 0).into()])
        .token("s3cret")
        .start()
        .await
        .unwrap();
    let send = async |path: &str, token: Option<&str>| {
        let mut request = reqwest::Client::new()
            .post(url(&receiver, path))
            .header("content-type", PROTOBUF)
            .body(one_span());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        answer(request).await
    };
    for (token, reason) in [(None, "has no header"), (Some("other"), "is not that of")] {
        let (code, _, body) = send("/v1/traces", token).await;
        let (grpc_code, message) = status(&body);
        assert_eq!((code, grpc_code), (401, 16));
        assert!(message.contains(reason), "{message}");
        let refusal = receiver.stats().refusals.back().cloned().unwrap();
        assert_eq!(refusal.reason, message);
        let remedy = refusal.remedy;
        assert!(remedy.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{remedy}");
    }
    assert_eq!(send("/", None).await.0, 401);
    assert_eq!(receiver.stats().spans, 0);
    assert_eq!(send("/v1/traces", Some("s3cret")).await.0, 200);
    assert_eq!(receiver.stats().spans, 1);
    assert_eq!(preflight(&receiver, "http://localhost").await.status(), 200);
}

#[tokio::test]
async fn a_page_of_another_host_cannot_send_but_an_exporter_with_its_name_can() {
    let receiver = Receiver::builder()
        .listen([([127, 0, 0, 1], 0).into()])
        .host("spans.example")
        .start()
        .await
        .unwrap();
    let send = async |host: &str, origin: Option<&str>| {
        let mut request = reqwest::Client::new()
            .post(url(&receiver, "/v1/traces"))
            .header("host", host)
            .header("content-type", PROTOBUF)
            .body(one_span());
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        answer(request).await
    };
    let page = Some("http://evil.example:4318");
    let (code, _, body) = send("evil.example:4318", page).await;
    let (grpc_code, message) = status(&body);
    assert_eq!((code, grpc_code), (403, 7));
    assert_eq!(message, "`evil.example:4318` is no name of this receiver");
    let refusal = receiver.stats().refusals.back().cloned().unwrap();
    assert!(refusal.remedy.contains("hosts"), "{refusal:?}");
    assert!(refusal.hole().is_some());
    assert_eq!(receiver.stats().spans, 0);
    for (host, origin) in [
        ("evil.example:4318", None),
        ("spans.example", Some("https://spans.example")),
        ("localhost:4318", page),
    ] {
        assert_eq!(send(host, origin).await.0, 200, "{host}");
    }
}

#[tokio::test]
async fn the_root_path_describes_the_receiver_and_its_counts() {
    let receiver = receiver().await;
    post(&receiver, "/v1/traces", PROTOBUF, one_span()).await;
    for path in ["/", "/health"] {
        let response = soon(reqwest::get(url(&receiver, path))).await.unwrap();
        assert_eq!(response.status(), 200);
        let text = response.text().await.unwrap();
        assert!(text.starts_with("spanspec's OTLP receiver is up"), "{text}");
        assert!(text.contains("1 requests with 1 spans"), "{text}");
    }
}

#[tokio::test]
async fn the_answer_to_a_wrong_path_names_the_right_ones() {
    let receiver = receiver().await;
    for path in ["/", "/v1/trace", "/v1/traces/"] {
        let (code, _, body) = post(&receiver, path, JSON, "{}").await;
        assert_eq!(code, 404, "{path}");
        assert!(String::from_utf8_lossy(&body).contains("/v1/traces"));
    }
    assert_eq!(receiver.stats().refused, 3);
    let (endpoint, reason) = last_refusal(&receiver);
    assert_eq!(endpoint, "POST /v1/traces/");
    assert_eq!(reason, "it is `/v1/traces` with a slash too many");
}
