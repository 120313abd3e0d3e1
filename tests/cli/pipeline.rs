//! `send`: telemetry through a small pipeline, with the faults that pipelines have.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::{BodyExt, Full};
use serde_json::json;
use spanspec::internal::service::free_port;

use super::system::Project;

/// The treatment of exports.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Drops what is not a marker.
    DropsAll,
    DropsMarkers,
    DropsMetrics,
    Doubles,
    /// Accepts nothing.
    Overloaded,
    /// Rejects a part.
    Rejects,
}

#[derive(Clone)]
struct Pipeline {
    fault: Fault,
    receiver: u16,
    client: reqwest::Client,
}

/// Starts a pipeline that exports to this port. Returns its address.
async fn pipeline(fault: Fault, receiver: u16) -> String {
    let state = Pipeline {
        fault,
        receiver,
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/v1/{signal}", any(accept))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(state);
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn accept(State(pipeline): State<Pipeline>, headers: HeaderMap, body: Bytes) -> Response {
    let is_marker = body.windows(15).any(|part| part == b"spanspec.marker");
    let times = match pipeline.fault {
        Fault::Overloaded => {
            let headers = [(header::RETRY_AFTER, "3")];
            return (StatusCode::SERVICE_UNAVAILABLE, headers, "queue is full").into_response();
        }
        Fault::Rejects => {
            let partial =
                json!({ "partialSuccess": { "rejectedSpans": "1", "errorMessage": "too old" } });
            return partial.to_string().into_response();
        }
        Fault::DropsMetrics => 0,
        Fault::DropsAll if !is_marker => 0,
        Fault::DropsMarkers if is_marker => 0,
        Fault::Doubles => 2,
        _ => 1,
    };
    for _ in 0..times {
        let url = format!("http://127.0.0.1:{}/v1/traces", pipeline.receiver);
        let export = pipeline.client.post(url).body(body.clone());
        let export = export.header(header::CONTENT_TYPE, headers[header::CONTENT_TYPE].clone());
        export.send().await.unwrap();
    }
    StatusCode::OK.into_response()
}

/// A project with a pipeline, and a spec with this input and these keys.
async fn project(fault: Fault, input: &str, rest: &str) -> Project {
    let project = Project::with(&[]).await;
    let to = pipeline(fault, project.system.otlp).await;
    let spec = format!("name: sent\nsend:\n  to: {to}\n  {input}\n{rest}\n");
    project.write("specs/a.yaml", &spec);
    project
}

const SPANS: &str =
    "spans: [{ name: POST /orders, service: shop, children: [{ name: charge, status: error }] }]";

async fn check(fault: Fault, expect: &str, code: i32, texts: &[&str]) {
    let rest = format!("wait: {{ timeout: 1s }}\nexpect: {{ {expect} }}");
    let project = project(fault, SPANS, &rest).await;
    project.run(&[]).await.expect(code, texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_output_of_a_pipeline_is_judged_with_fresh_ids() {
    let expect = "lost: 0, duplicated: 0, errors: 1, orphans: 0, spans: [{ find: charge, child_of: POST /orders, service: shop }]";
    check(Fault::None, expect, 0, &["1 passed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absence_is_proven_by_the_marker_and_by_nothing_else() {
    let gone = "span_count: 0, lost: 2";
    check(Fault::DropsAll, gone, 0, &["1 passed"]).await;
    let there = ["expected none, found 2"];
    check(Fault::None, "span_count: 0", 1, &there).await;
    let unknown = [
        "the marker did not come out of the pipeline within 1 s",
        "1 errored",
    ];
    check(
        Fault::DropsMarkers,
        "spans: [{ find: x, count: 0 }]",
        3,
        &unknown,
    )
    .await;
    // A span that is missing may still come, so that this is no failure.
    check(Fault::DropsMarkers, "spans: [x]", 3, &unknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_nothing_was_dropped_that_was_expected_it_is_a_failure() {
    let nothing = ["expected at least 1, found none"];
    check(Fault::DropsAll, "spans: [charge]", 1, &nothing).await;
    // Without spans, this would check nothing.
    let unjudged = ["1 errored", "no span of this trace arrived"];
    check(Fault::DropsAll, "errors: 0", 3, &unjudged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_that_is_exported_twice_is_a_duplicate() {
    let twice = [
        "expected none, found 2 of 2 spans",
        "POST /orders › charge",
        "2 arrivals",
    ];
    check(Fault::Doubles, "duplicated: 0", 1, &twice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_not_accepted_is_an_error_with_the_message_of_the_pipeline() {
    let overloaded = [
        "status 503",
        "queue is full",
        "`Retry-After` of 3 s",
        "memory_limiter",
    ];
    check(Fault::Overloaded, "span_count: 2", 3, &overloaded).await;
    let rejected = ["rejected 1 record of the export", "too old"];
    check(Fault::Rejects, "span_count: 2", 3, &rejected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_grpc_the_same_is_sent() {
    let project = Project::with(&[]).await;
    let otlp = project.system.otlp;
    let spec = format!(
        "send:\n  to: grpc://127.0.0.1:{otlp}\n  {SPANS}\nexpect: {{ lost: 0, duplicated: 0, spans: [{{ find: charge, child_of: POST /orders }}] }}\n"
    );
    project.write("specs/a.yaml", &spec);
    project.run(&[]).await.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_that_is_lost_or_arrives_twice_is_a_fault_of_mutate() {
    let spans = "spans: [{ name: POST /orders, service: shop, kind: server }]";
    let unnoticed = ["arrives twice", "duplicated: 0"];
    let rest = "expect: { errors: 0 }";
    let one = project(Fault::None, spans, rest).await;
    let listen = |project: &Project| format!("127.0.0.1:{}", project.system.otlp);
    let at = listen(&one);
    let said = one.spanspec(&["mutate", "--listen", &at]).await;
    said.expect(0, &unnoticed);
    let rest = "expect: { lost: 0, duplicated: 0 }";
    let both = project(Fault::None, spans, rest).await;
    let at = listen(&both);
    let said = both.spanspec(&["mutate", "--listen", &at]).await;
    said.expect(0, &["faults caught"]);
    for fault in ["arrives twice", "  span_gone"] {
        assert!(!said.out.contains(fault), "{}", said.out);
    }
}

/// Exports of the metrics of a shop, the second with an exemplar.
const METRICS: &str = include_str!("../pipelines/metrics.json");

/// A spec that sends metrics to the receiver itself, with these checks.
fn sending_metrics(otlp: u16, expect: &str) -> String {
    format!(
        "send:\n  to: grpc://127.0.0.1:{otlp}\n  metrics: m.json\nexpect:\n  metrics: {expect}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_that_were_sent_are_judged_when_their_marker_arrives() {
    let project = Project::with(&[]).await;
    let otlp = project.system.otlp;
    project.write("specs/m.json", METRICS);
    let check = async |expect: &str, code: i32, texts: &[&str]| {
        project.write("specs/a.yaml", &sending_metrics(otlp, expect));
        project.run(&[]).await.expect(code, texts);
    };
    let all = "[{ find: orders, value: 5, points: 2 }, { find: queue, value: 0.5 }, { find: { name: duration, service: shop }, count: 2, sum: 0.25, exemplar: this, points: 1 }, { find: gone, points: 0 }, { find: { resource: { service.name: spanspec } }, points: 0 }]";
    check(all, 0, &["1 passed"]).await;
    check("[{ find: orders, points: 0 }]", 1, &["found 2"]).await;
    // The marker proves that no such series comes.
    let absent = ["expected at least 1, found none", "`orders`", "1 failed"];
    check("[{ find: order, value: 5 }]", 1, &absent).await;
    check("[{ find: orders, value: 6 }]", 1, &["found 5"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_without_their_marker_are_unjudged() {
    // The pipeline passes on traces only.
    let project = Project::with(&[]).await;
    let to = pipeline(Fault::DropsMetrics, project.system.otlp).await;
    project.write("specs/m.json", METRICS);
    let spec = format!(
        "send: {{ to: \"{to}\", metrics: m.json }}\nwait: {{ timeout: 1s }}\nexpect: {{ metrics: [{{ find: orders, points: 0 }}] }}\n"
    );
    project.write("specs/a.yaml", &spec);
    let unknown = [
        "nothing came out of the pipeline",
        "the pipeline accepted 4 data points",
        "1 errored",
    ];
    project.run(&[]).await.expect(3, &unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_with_a_field_that_is_not_of_otlp_are_refused() {
    let project = Project::with(&[]).await;
    let spec = sending_metrics(project.system.otlp, "[{ find: orders, points: 2 }]");
    project.write("specs/a.yaml", &spec);
    project.write("specs/m.json", &METRICS.replace("bucketCounts", "buckets"));
    let unknown = [
        "m.json: a data point of a histogram has no field `buckets`",
        "correct the file",
    ];
    project.run(&[]).await.expect(2, &unknown);
    project.write("specs/m.json", &file(1, 1));
    project
        .run(&[])
        .await
        .expect(2, &["no data points of metrics in m.json"]);
}

/// Starts a gRPC server with this answer to each call. Returns its port.
async fn grpc_server(headers: &'static [(&'static str, &'static str)], message: &[u8]) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let length = u32::try_from(message.len()).unwrap();
    let frame = Bytes::from([&[0][..], &length.to_be_bytes(), message].concat());
    let router = Router::new().fallback(move || async move {
        let mut trailers = HeaderMap::new();
        for (name, value) in headers {
            trailers.insert(*name, value.parse().unwrap());
        }
        let body = Full::from(frame).with_trailers(std::future::ready(Some(Ok(trailers))));
        let kind = [(header::CONTENT_TYPE, "application/grpc")];
        (kind, axum::body::Body::new(body)).into_response()
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_status_is_an_error_with_the_message_of_the_pipeline() {
    // `RetryInfo` with 3 s, in base64.
    const RETRY: &str = "GjAKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SBAoCCAM";
    let busy: &[_] = &[
        ("grpc-status", "14"),
        ("grpc-message", "queue%20is%20full"),
        ("grpc-status-details-bin", RETRY),
    ];
    let partial = b"\x0a\x0b\x08\x01\x12\x07too old";
    for (headers, message, texts) in [
        (
            busy,
            &b""[..],
            [
                "status UNAVAILABLE",
                "queue is full",
                "`retry_delay` of 3 s",
                "memory_limiter",
            ],
        ),
        (
            &[("grpc-status", "8")],
            b"",
            ["status RESOURCE_EXHAUSTED", "max_recv_msg_size_mib", "", ""],
        ),
        (
            &[("grpc-status", "16")],
            b"",
            ["status UNAUTHENTICATED", "to `headers`", "", ""],
        ),
        (
            &[("grpc-status", "0")],
            partial,
            ["rejected 1 record of the export", "too old", "", ""],
        ),
    ] {
        let project = Project::with(&[]).await;
        let port = grpc_server(headers, message).await;
        let spec = format!(
            "send:\n  to: grpc://127.0.0.1:{port}\n  {SPANS}\nexpect: {{ span_count: 2 }}\n"
        );
        project.write("specs/a.yaml", &spec);
        project.run(&[]).await.expect(3, &texts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_another_protocol_is_an_error_that_names_the_scheme() {
    let project = Project::with(&[]).await;
    let address = pipeline(Fault::None, project.system.otlp).await;
    let address = address.trim_start_matches("http://");
    for (to, text) in [
        (format!("grpc://{address}"), "write `http://`"),
        (format!("grpcs://{address}"), "write `grpc://`"),
        (format!("https://{address}"), "write `http://`"),
    ] {
        let spec = format!("send:\n  to: {to}\n  {SPANS}\nexpect: {{ span_count: 2 }}\n");
        project.write("specs/a.yaml", &spec);
        project.run(&[]).await.expect(3, &[text]);
    }
}

/// A file with this number of traces and of spans in each.
fn file(traces: usize, spans: usize) -> String {
    let span = |trace: usize, number: usize| {
        json!({
            "traceId": format!("{:032x}", trace + 1),
            "spanId": format!("{:016x}", number + 1),
            "parentSpanId": if number == 0 { String::new() } else { format!("{:016x}", 1) },
            "name": "work",
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": "1700000000001000000",
        })
    };
    let all = (0..traces).flat_map(|trace| (0..spans).map(move |number| span(trace, number)));
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": all.collect::<Vec<_>>() }] }] })
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_spans_go_through_in_several_exports() {
    let rest = "expect: { span_count: 10000, lost: 0, duplicated: 0 }";
    let project = project(Fault::None, "traces: large.json", rest).await;
    project.write("specs/large.json", &file(1, 10_000));
    project.run(&[]).await.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_sent_is_an_error_before_anything_runs() {
    for (content, texts) in [
        (
            file(2, 1),
            [
                "the input has 2 traces, and a step sends one",
                "choose one: `trace: 0000",
            ],
        ),
        (
            String::new(),
            ["empty: expected OTLP/JSON", "save the traces again"],
        ),
        (
            "{\"resourceSpans\":[]}".to_owned(),
            ["no spans in a.json", "under `logs`"],
        ),
        (
            file(1, 1).replace("\"spanId\":\"0000000000000001\"", "\"spanId\":\"1\""),
            ["its span id is `1`", "correct the id"],
        ),
    ] {
        let project = project(Fault::None, "traces: a.json", "expect: { errors: 0 }").await;
        project.write("specs/a.json", &content);
        let said = project.run(&[]).await;
        assert_eq!(said.code, Some(2), "{}", said.err);
        for text in texts.iter().take(1) {
            assert!(said.err.contains(text), "{text}: {}", said.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_named_receiver_got_is_judged_alone() {
    let project = Project::with(&[]).await;
    let eu = free_port().unwrap();
    project.write(
        "spanspec.yaml",
        &format!("receivers: {{ eu: {eu}, us: auto }}\n"),
    );
    let to = pipeline(Fault::None, eu).await;
    let spec = |at: &str| format!("send:\n  to: {to}\n  {SPANS}\nexpect: {{ {at} }}\n");
    let kept = "lost: 0, at: { eu: { span_count: 2, spans: [charge], lost: 0 } }";
    project.write("specs/a.yaml", &spec(kept));
    project.run(&[]).await.expect(0, &["1 passed"]);
    project.write("specs/a.yaml", &spec("at: { eu: { span_count: 0 } }"));
    let found = ["expected none, found 2 at `eu`"];
    project.run(&[]).await.expect(1, &found);
    // No marker arrived there.
    project.write("specs/a.yaml", &spec("at: { us: { span_count: 0 } }"));
    let elsewhere = ["no marker arrived at `us`", "1 errored"];
    project.run(&[]).await.expect(3, &elsewhere);
    project.write("specs/a.yaml", &spec("at: { ue: { span_count: 0 } }"));
    let unknown = ["no receiver `ue` in the project file", "did you mean `eu`?"];
    project.run(&[]).await.expect(2, &unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_project_beside_a_collector_configuration_starts_the_collector() {
    let project = Project::with(&[]).await;
    std::fs::remove_file(project.path().join("spanspec.yaml")).unwrap();
    let config = "receivers: { otlp: { protocols: { http: {} } } }\nexporters: { debug: {} }\nservice: { pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }\n";
    project.write("otel-collector.yaml", config);
    project
        .spanspec(&["init"])
        .await
        .expect(0, &["created  spanspec.yaml"]);
    let text = project.read("spanspec.yaml");
    assert!(
        text.contains("otelcol-contrib --config otel-collector.yaml"),
        "{text}"
    );
    project
        .spanspec(&["lint"])
        .await
        .expect(0, &["1 spec in 1 file: no errors"]);
}
