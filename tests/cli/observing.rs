//! `observe`: everything that arrives in a window, sent over sockets.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value as Json, json};

use super::system::{Project, Said};

/// Sends the exports of a folder, in the order of their names.
const SEND: &str = "for file in exports/*.json; do
  signal=${file%.json}
  curl -s -H 'content-type: application/json' --data @$file http://127.0.0.1:$1/v1/${signal##*.} >answers || exit 1
done
";

/// The time that many seconds ago, in nanoseconds.
fn ago(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let then = now.unwrap() - Duration::from_secs(seconds);
    then.as_nanos().to_string()
}

/// A time after the start of the window, which begins later than the test.
fn soon() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let then = now.unwrap() + Duration::from_secs(60);
    then.as_nanos().to_string()
}

fn resource(service: &str) -> Json {
    json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] })
}

/// A span: its service, trace, id, parent (0 for none), name, and the trace and id of a linked span.
struct SpanToSend<'a>(&'a str, u8, u8, u8, &'a str, Option<(u8, u8)>);

/// A span of this time.
fn span_of(span: &SpanToSend<'_>, time: String) -> Json {
    let SpanToSend(service, trace, id, parent, name, link) = span;
    let trace_id = |number: &u8| format!("{number:032x}");
    let span_id = |number: &u8| format!("{number:016x}");
    let links: Vec<Json> = link
        .iter()
        .map(|(trace, id)| json!({ "traceId": trace_id(trace), "spanId": span_id(id) }))
        .collect();
    let parent = match parent {
        0 => String::new(),
        parent => span_id(parent),
    };
    let is_wrong = name.starts_with("failed");
    json!({ "resourceSpans": [{
        "resource": resource(service),
        "scopeSpans": [{ "spans": [{
            "traceId": trace_id(trace),
            "spanId": span_id(id),
            "parentSpanId": parent,
            "name": name,
            "kind": 2,
            "startTimeUnixNano": time,
            "endTimeUnixNano": time,
            "links": links,
            "status": { "code": if is_wrong { 2 } else { 0 } },
        }] }],
    }] })
}

fn span(span: &SpanToSend<'_>) -> (&'static str, Json) {
    ("traces", span_of(span, soon()))
}

fn log(service: &str, severity: u8) -> (&'static str, Json) {
    let record = json!({ "timeUnixNano": ago(0), "severityNumber": severity, "body": { "stringValue": "a line" } });
    let logs = json!({ "resourceLogs": [{
        "resource": resource(service),
        "scopeLogs": [{ "logRecords": [record] }],
    }] });
    ("logs", logs)
}

fn metric(service: &str) -> (&'static str, Json) {
    let point = json!({ "timeUnixNano": ago(0), "asInt": "7" });
    let metrics = json!({ "resourceMetrics": [{
        "resource": resource(service),
        "scopeMetrics": [{ "metrics": [{ "name": "requests", "gauge": { "dataPoints": [point] } }] }],
    }] });
    ("metrics", metrics)
}

/// A project with a spec that sends these exports in its setup, and observes then.
async fn observing(observe: &str, expect: &str, exports: &[(&str, Json)]) -> Project {
    let project = Project::with(&[]).await;
    let port = project.system.otlp;
    let spec = format!(
        "name: presence
setup:
  - run: sh send.sh {port}
observe: {observe}
expect:
{expect}"
    );
    project.write("specs/presence.yaml", &spec);
    project.write("specs/send.sh", SEND);
    for (number, (signal, export)) in exports.iter().enumerate() {
        let path = format!("specs/exports/{number:02}.{signal}.json");
        project.write(&path, &export.to_string());
    }
    project
}

async fn observed(observe: &str, expect: &str, exports: &[(&str, Json)]) -> Said {
    unwrapped(observing(observe, expect, exports).await.run(&[]).await)
}

/// The output with one space for each gap, since lines are wrapped where the times in them permit.
fn unwrapped(said: Said) -> Said {
    let words: Vec<&str> = said.out.split_whitespace().collect();
    Said {
        out: words.join(" "),
        ..said
    }
}

/// A frontend that calls a checkout, of which the child arrives first, and a consumer with a link.
fn shop() -> Vec<(&'static str, Json)> {
    vec![
        span(&SpanToSend("checkout", 1, 2, 1, "place order", None)),
        span(&SpanToSend("frontend", 1, 1, 0, "POST /orders", None)),
        span(&SpanToSend(
            "accounting",
            2,
            3,
            0,
            "orders process",
            Some((1, 2)),
        )),
        log("checkout", 9),
        metric("checkout"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_ends_as_soon_as_all_signals_and_edges_are_there() {
    let expect = "  signals: { checkout: [traces, metrics, logs], frontend: traces }
  services: [accounting]
  edges: [frontend -> checkout, { link: checkout -> accounting }]
  spans: [{ find: { service: checkout, name: place order } }]
  logs: [{ find: { service: checkout } }]
";
    let started = Instant::now();
    let said = observed("{ for: 110s, until: satisfied }", expect, &shop()).await;
    said.expect(0, &["PASS presence 9 checks, 3 services"]);
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_signal_and_edge_is_a_line_with_what_arrived_instead() {
    let expect = "  signals: { checkout: [traces, logs], frontend: [traces, logs], Accounting: traces, email: logs }
  edges: [frontend -> checkout, checkout -> accounting, accounting -> frontend, checkout -> frontend]
";
    let project = observing("1s", expect, &shop()).await;
    let reports = [
        "--report",
        "junit=j.xml",
        "--report",
        "json=j.json",
        "--junit-granularity",
        "check",
    ];
    let said = unwrapped(project.run(&reports).await);
    said.expect(
        1,
        &[
            "signals: 3 of 10 checks failed",
            "logs of frontend: expected at least 1 log record, found none; traces (last ",
            "set `OTEL_LOGS_EXPORTER=otlp` for frontend",
            "traces of Accounting: expected at least 1 span, found no telemetry of this service",
            "did you mean `accounting`?",
            "telemetry arrived from accounting, checkout, frontend",
            "edges: 3 of 10 checks failed",
            "edge checkout -> accounting: expected a span of accounting whose parent is a span of checkout",
            "accounting has a link to checkout: `{ link: checkout -> accounting }`",
            "the opposite was found: frontend -> checkout",
        ],
    );
    let junit = project.read("j.xml");
    let json: Json = serde_json::from_str(&project.read("j.json")).unwrap();
    let step = &json["specs"][0]["attempts"][0]["steps"][1];
    let edge = json!({ "from": "frontend", "to": "checkout", "by": "child" });
    let edges = step["response"]["traffic"]["edges"].as_array().unwrap();
    assert!(edges.contains(&edge), "{step:#}");
    // The setup has a check, too.
    assert!(
        junit.contains("tests=\"11\" skipped=\"0\" failures=\"6\" errors=\"0\""),
        "{junit}"
    );
    assert!(
        junit.contains("name=\"presence: logs of frontend\""),
        "{junit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_span_ids_in_two_traces_are_no_edge() {
    let exports = [
        span(&SpanToSend("frontend", 1, 1, 0, "POST /orders", None)),
        span(&SpanToSend("checkout", 2, 2, 1, "place order", None)),
    ];
    let said = observed("300ms", "  edges: [frontend -> checkout]\n", &exports).await;
    said.expect(1, &["no service has a parent of spans of checkout"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_signal_holds_for_the_whole_window_and_not_if_the_service_is_silent() {
    let expect = "  signals: { frontend: [traces, { not: [logs, metrics] }] }\n";
    let started = Instant::now();
    let project = observing("{ for: 1s, until: satisfied }", expect, &shop()).await;
    project.run(&[]).await.expect(0, &["PASS"]);
    assert!(started.elapsed() >= Duration::from_secs(1));
    let warned = project.spanspec(&["lint"]).await;
    warned.expect(
        0,
        &["`until: satisfied` has no effect: line 6 needs the whole window"],
    );
    let said = observed("1s", "  signals: { checkout: { not: logs } }\n", &shop()).await;
    said.expect(1, &["logs of checkout: expected none, found 1 log record"]);
    let said = observed("1s", "  signals: { email: { not: logs } }\n", &shop()).await;
    said.expect(
        3,
        &["email sent nothing, so that the absence of a signal proves nothing"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn if_nothing_arrives_the_spec_is_errored_and_says_so_once() {
    let expect = "  signals: { checkout: [traces, metrics, logs] }\n";
    let project = observing("300ms", expect, &[]).await;
    project.write("specs/send.sh", "");
    let said = project
        .run(&["--report", "junit=j.xml", "--junit-granularity", "check"])
        .await;
    said.expect(
        3,
        &[
            "nothing arrived in ",
            "listened on 127.0.0.1:",
            "`observe` sends no request",
            "3 checks could not be judged: nothing arrived",
        ],
    );
    let junit = project.read("j.xml");
    assert!(junit.contains("failures=\"0\" errors=\"4\""), "{junit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_earlier_run_and_refused_exports_prove_nothing() {
    let old = [(
        "traces",
        span_of(&SpanToSend("checkout", 1, 1, 0, "old", None), ago(3600)),
    )];
    let said = observed("300ms", "  signals: { checkout: traces }\n", &old).await;
    said.expect(
        3,
        &[
            "1 span of checkout arrived, and all are dated",
            "before the window",
        ],
    );
    let refused = [
        ("traces", json!({ "resourceSpans": 1 })),
        log("checkout", 9),
    ];
    let said = observed("300ms", "  signals: { checkout: traces }\n", &refused).await;
    said.expect(3, &["records may be missing: POST /v1/traces was refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_logs_and_metrics_of_all_traces_are_checked() {
    let mut exports = shop();
    exports.push(log("payment", 17));
    let expect = "  spans:
    - { find: { name: place order }, below: { service: frontend }, count: 1 }
    - { find: { name: refund }, count: 0 }
  logs:
    - { find: { severity: info }, count: 1 }
  metrics:
    - { find: { name: requests, service: checkout }, value: 7 }
";
    let said = observed("300ms", expect, &exports).await;
    said.expect(0, &["PASS"]);
    let expect = "  logs: [{ find: { severity: error.. }, count: 0 }]\n  metrics: [{ find: requests, value: < 5 }]\n";
    let said = observed("300ms", expect, &exports).await;
    said.expect(1, &["expected none, found 1", "found 7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trace_that_begins_in_the_window_is_judged_when_it_is_complete() {
    let mut exports = shop();
    for trace in 11..21 {
        let name = if trace == 13 { "failed order" } else { "order" };
        exports.push(span(&SpanToSend("checkout", trace, 1, 0, name, None)));
    }
    let expect = |failures: &str| {
        format!(
            "  each_trace:\n    find: {{ name: =~ order$ }}\n    errors: 0\n    failures: {failures}\n"
        )
    };
    // Shop has an order, too.
    let said = observed("300ms", &expect("10%"), &exports).await;
    said.expect(
        0,
        &["`each_trace`: 1 of 11 traces failed, and 0 have no verdict (10% permitted)"],
    );
    let said = observed("300ms", &expect("5%"), &exports).await;
    said.expect(
        1,
        &[
            "expected none, found 1 of 11",
            "failed in 1 trace",
            "failed order",
        ],
    );
    let none = "  each_trace: { find: refund, errors: 0 }\n";
    let said = observed("300ms", none, &exports).await;
    said.expect(3, &["no such trace began in the window"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_about_traces_are_applied_to_all_of_them() {
    let mut exports = shop();
    let orphan = SpanToSend("payment", 7, 2, 1, "charge", None);
    let rule = "  lint: { missing-entry: deny }\n";
    observed("300ms", rule, &exports).await.expect(0, &["PASS"]);
    exports.push(span(&orphan));
    observed("300ms", rule, &exports)
        .await
        .expect(1, &["payment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_cannot_be_observed() {
    let project = observing("1s", "  services: [checkout]\n", &[]).await;
    let said = project
        .spanspec(&["run", "--source", "jaeger=http://127.0.0.1:9"])
        .await;
    said.expect(
        2,
        &[
            "`observe` sees what arrives here, and traces are read from a backend",
            "use `search`",
        ],
    );
}
