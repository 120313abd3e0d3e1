//! Spans that were sent and are not in the trace: each is a hole, named with sender and remedy.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::trace::v1::Span;
use spanspec::internal::source::Follow;
use spanspec::{Hole, Origin, Receiver, Store};
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::support::{
    JSON, PROTOBUF, TRACES, answer, call, call_compressed, ingest, linked, post, receiver, request,
    soon, span, trace_id, url,
};

fn follow(receiver: &Receiver, trace: u8) -> Follow {
    receiver.follow(trace_id(trace), Origin::Foreign)
}

fn holes(follow: &mut Follow) -> Vec<Hole> {
    follow.snapshot().trace.holes().to_vec()
}

/// Ends after the name of the service.
const CUT_OFF: &str = r#"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]}, "#;

#[tokio::test]
async fn a_refused_export_is_a_hole_in_each_trace_that_is_followed() {
    let receiver = receiver().await;
    let (mut one, mut other) = (follow(&receiver, 1), follow(&receiver, 2));
    assert!(holes(&mut one).is_empty());
    let sent = reqwest::Client::new()
        .post(url(&receiver, "/v1/traces"))
        .header("content-type", JSON)
        .header("user-agent", "exporter/1.0")
        .body(CUT_OFF);
    assert_eq!(answer(sent).await.0, 400);
    soon(one.changed()).await;
    let found = holes(&mut one);
    assert_eq!(found, holes(&mut other));
    let [hole] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(
        hole.reason
            .starts_with("POST /v1/traces was refused: no OTLP/JSON"),
        "{hole}"
    );
    assert_eq!(hole.sender.service.as_deref(), Some("order"));
    assert!(hole.sender.peer.unwrap().ip().is_loopback());
    assert_eq!(hole.sender.user_agent.as_deref(), Some("exporter/1.0"));
    assert!(hole.remedy.contains("update the OpenTelemetry SDK"));
    // It was refused before this one began.
    assert!(holes(&mut follow(&receiver, 3)).is_empty());
}

#[tokio::test]
async fn each_way_to_refuse_an_export_of_traces_is_a_hole_with_a_remedy() {
    let receiver = receiver().await;
    let mut follow = follow(&receiver, 1);
    let encoded = reqwest::Client::new()
        .post(url(&receiver, "/v1/traces"))
        .header("content-type", PROTOBUF)
        .header("content-encoding", "br")
        .body("x");
    assert_eq!(answer(encoded).await.0, 415);
    let too_large = vec![0; (64 << 20) + 1];
    assert_eq!(
        post(&receiver, "/v1/traces", PROTOBUF, too_large).await.0,
        413
    );
    assert_eq!(
        post(&receiver, "/v1/traces", "text/plain", "x").await.0,
        415
    );
    let status = call(&receiver, TRACES, &b"\xff"[..]).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let remedies: Vec<String> = holes(&mut follow)
        .into_iter()
        .map(|hole| hole.remedy)
        .collect();
    for (remedy, expected) in remedies.iter().zip([
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "the header content-type",
        "update the OpenTelemetry SDK",
    ]) {
        assert!(remedy.contains(expected), "{remedy}");
    }
    assert_eq!(remedies.len(), 4);
}

#[tokio::test]
async fn spans_that_were_sent_to_a_wrong_path_are_a_hole() {
    let receiver = receiver().await;
    for (path, content_type) in [
        ("/api/v2/spans", JSON),
        ("/api/traces", JSON),
        ("/v0.4/traces", JSON),
        ("/v1/traces/v1/traces", JSON),
        ("/jaeger.api_v2.CollectorService/PostSpans", JSON),
        ("/", JSON),
        ("/otlp", PROTOBUF),
    ] {
        let mut follow = follow(&receiver, 1);
        assert_eq!(post(&receiver, path, content_type, "[{}]").await.0, 404);
        let [hole] = &holes(&mut follow)[..] else {
            panic!("{path}");
        };
        assert!(
            hole.reason.starts_with(&format!("POST {path} was refused")),
            "{hole:?}"
        );
    }
}

#[tokio::test]
async fn other_signals_and_probes_are_no_holes() {
    let receiver = receiver().await;
    let mut follow = follow(&receiver, 1);
    for path in [
        "/v1/metrics/v1/metrics",
        "/v0.7/config",
        "/v1development/profiles",
        "/v1/logs",
        "/v1/metrics",
    ] {
        assert_ne!(post(&receiver, path, JSON, "[").await.0, 200);
    }
    for path in ["/otlp/v1/metrics", "/v1development/profiles", "/otlp/logs"] {
        assert_eq!(post(&receiver, path, PROTOBUF, "[").await.0, 404);
    }
    let probes = [
        reqwest::Client::new().get(url(&receiver, "/v1/traces")),
        reqwest::Client::new().post(url(&receiver, "/v1/traces")),
        reqwest::Client::new().head(url(&receiver, "/v1/traces")),
    ];
    for probe in probes {
        assert_ne!(answer(probe).await.0, 200);
    }
    assert_eq!(receiver.stats().refused, 11);
    assert_eq!(holes(&mut follow), []);
    // Neither is an accepted export.
    let body = request("order", vec![span(1, 1, "it")]);
    call_compressed(&receiver, CompressionEncoding::Gzip, body)
        .await
        .unwrap();
    assert_eq!(holes(&mut follow), []);
}

#[tokio::test]
async fn a_wrong_path_is_reported_with_its_remedy() {
    let receiver = receiver().await;
    for path in ["/api/v2/spans", "/v1/traces/v1/traces", "/"] {
        assert_eq!(post(&receiver, path, JSON, "[]").await.0, 404);
    }
    let stats = receiver.stats();
    let told: Vec<String> = stats.refusals.iter().map(|one| one.in_full()).collect();
    assert!(told[0].contains("it is Zipkin's path, not OTLP's; use an OTLP exporter"));
    assert!(told[1].contains("it has `/v1/traces` twice; set OTEL_EXPORTER_OTLP_ENDPOINT"));
    assert!(told[2].contains("the exporter's endpoint has no path; append `/v1/traces`"));
}

#[tokio::test]
async fn a_rejected_span_is_a_hole_in_its_trace_and_in_those_that_it_links_to() {
    let receiver = receiver().await;
    let (mut own, mut linking, mut other) = (
        follow(&receiver, 1),
        follow(&receiver, 2),
        follow(&receiver, 3),
    );
    let mut boom = linked(span(1, 0, "boom"), 2);
    boom.span_id = vec![0; 8];
    let body = request("payment", vec![span(1, 1, "fine"), boom]);
    assert_eq!(post(&receiver, "/v1/traces", PROTOBUF, body).await.0, 200);
    let found = holes(&mut own);
    let [hole] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        hole.reason,
        "the span `boom` was rejected: its span id has only zeros, expected 8 bytes (16 hex digits)"
    );
    assert_eq!(hole.sender.service.as_deref(), Some("payment"));
    assert!(hole.sender.peer.is_some());
    assert!(hole.remedy.contains("let the tracer make ids"));
    assert_eq!(holes(&mut linking), found);
    assert_eq!(holes(&mut other), []);
    assert_eq!(own.snapshot().trace.len(), 1);
    // It remains after the trace is closed.
    drop(own);
    assert_eq!(holes(&mut follow(&receiver, 1)), found);
}

#[tokio::test]
async fn a_span_without_a_valid_trace_id_may_be_of_any_trace_that_is_followed() {
    let receiver = receiver().await;
    let mut followed = follow(&receiver, 1);
    let mut nowhere = span(1, 1, "nowhere");
    nowhere.trace_id = vec![1; 8];
    call(&receiver, TRACES, request("payment", vec![nowhere]))
        .await
        .unwrap();
    let found = holes(&mut followed);
    assert!(
        found[0].reason.contains("trace id has 8 bytes"),
        "{found:?}"
    );
    assert_eq!(holes(&mut follow(&receiver, 2)), []);
}

#[test]
fn discarded_spans_are_a_hole_in_their_trace() {
    let store = Store::remembering(4 << 10);
    let peek = |trace: u8| store.peek(trace_id(trace), Origin::Foreign).trace;
    ingest(&store, "order", vec![span(1, 1, "first")]);
    let mut followed = store.follow(trace_id(1), Origin::Foreign);
    for id in 2..60 {
        ingest(&store, "order", vec![span(2, id, "more")]);
    }
    ingest(&store, "order", vec![span(3, 1, "last")]);
    // Its spans are kept for as long as it is followed.
    assert_eq!(followed.snapshot().trace.len(), 1);
    assert_eq!(holes(&mut followed), []);
    drop(followed);
    for trace in [1, 2] {
        let found = peek(trace);
        let reason = &found.holes()[0].reason;
        assert!(reason.contains("discarded to make room"), "{reason}");
    }
    assert!(!peek(2).is_empty());
    assert_eq!(peek(3).holes(), []);
    let mut again = store.follow(trace_id(1), Origin::Foreign);
    assert_eq!(holes(&mut again).len(), 1);
}

#[tokio::test]
async fn an_export_that_was_refused_after_a_trace_began_is_a_hole_whatever_its_clock_says() {
    let receiver = receiver().await;
    let wall_clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for (trace, ahead) in (1..).zip([0, 10, 3_600]) {
        let start = wall_clock + Duration::from_secs(ahead);
        let start = u64::try_from(start.as_nanos()).unwrap();
        let root = Span {
            start_time_unix_nano: start,
            end_time_unix_nano: start + 1_000,
            ..span(trace, 1, "root")
        };
        ingest(receiver.store(), "order", vec![root]);
        let refused = post(&receiver, "/v1/traces", JSON, "{bad").await;
        assert_eq!(refused.0, 400);
        let found = holes(&mut follow(&receiver, trace));
        assert!(!found.is_empty(), "{ahead} s ahead");
        let peeked = receiver.store().peek(trace_id(trace), Origin::Foreign);
        assert_eq!(peeked.trace.holes(), found);
    }
}
