//! Log records as evidence.

use super::late::flushing;
use super::system::{Project, Said};

/// Runs a spec with this trigger and `expect`.
async fn run(path: &str, expect: &str) -> (Project, Said) {
    let spec = format!("name: it\nrequest: GET ${{URL}}/{path}\nexpect:\n{expect}");
    let project = Project::with(&[("a.yaml", &spec)]).await;
    let said = project.run(&["--report", "json=j.json"]).await;
    (project, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn log_records_are_found_by_service_severity_body_and_span() {
    let expect = "  logs:
    - answered
    - find: { service: back, severity: error.., on: work, event: exception }
      attributes: { exception.type: CardDeclined }
      count: 1
    - { find: { severity: fatal }, count: 0 }
  logs_correlated: [front, back]
";
    let (_, said) = run("logs", expect).await;
    said.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_record_is_reported_with_the_nearest_and_with_those_of_each_span() {
    let expect = "  logs:\n    - find: { service: back, body: =~ ^charged }\n";
    let (project, said) = run("logs", expect).await;
    said.expect(
        1,
        &[
            "number of log records that match { service \"back\", body =~ ^charged }",
            "back › charge failed (span 00000000000000a2)",
            "body is \"charge failed\", not =~ ^charged",
            "· error: charge failed (CardDeclined)",
        ],
    );
    let json: serde_json::Value = serde_json::from_str(&project.read("j.json")).unwrap();
    let check = &json["specs"][0]["attempts"][0]["steps"][0]["checks"][0];
    assert_eq!(
        check["failure"]["nearest"][0]["name"], "charge failed",
        "{check:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_in_a_log_record_counts_as_an_event_of_its_span() {
    let expect = "  spans:\n    - { find: work, events: [exception] }\n";
    let (_, said) = run("logs", expect).await;
    said.expect(
        0,
        &["the exception of `work` of back is a log record, not an event"],
    );
    let expect = "  spans:\n    - { find: work, events: [{ name: exception, count: 0 }] }\n";
    let (_, said) = run("logs", expect).await;
    said.expect(
        1,
        &[
            "expected none",
            "one log record of the span is an exception",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_trace_id_inside_a_span_fails_the_correlation() {
    let (_, said) = run("logs-uncorrelated", "  logs_correlated: [back]\n").await;
    said.expect(
        1,
        &[
            "expected the trace id in each",
            "found 1 of 2 without it, first `stock is low`",
        ],
    );
    let (_, said) = run("logs-uncorrelated", "  logs_correlated: true\n").await;
    said.expect(1, &["first `stock is low` (service back)"]);
    let (_, said) = run("ok", "  logs_correlated: true\n").await;
    said.expect(1, &["found no log record with it"]);
    // The record may be the one that the spec expects.
    let expect = "  logs: [{ find: { service: back, body: stock is low } }]\n";
    let (_, said) = run("logs-uncorrelated", expect).await;
    said.expect(1, &["1 log record without a trace id would meet this"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_that_cannot_be_read_leave_checks_of_logs_open_and_no_others() {
    let expect = "  logs: [{ find: { severity: error.. }, count: 0 }]\n  errors: 0\n";
    let (project, said) = run("logs-unreadable", expect).await;
    said.expect(
        3,
        &["log records of this trace may be missing: POST /v1/logs was refused"],
    );
    let json: serde_json::Value = serde_json::from_str(&project.read("j.json")).unwrap();
    let checks = &json["specs"][0]["attempts"][0]["steps"][0]["checks"];
    assert_eq!(checks[0]["outcome"], "unjudged", "{checks:#}");
    assert_eq!(checks[1]["outcome"], "pass", "{checks:#}");
    let (_, said) = run("logs-unreadable", "  errors: 0\n").await;
    said.expect(0, &["1 passed"]);
}

const NO_ERROR: &str = "name: nothing is logged
request: GET ${URL}/kept-log
expect:
  logs: [{ find: { severity: error.. }, count: 0 }]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_is_overturned_by_a_record_that_arrives_after_the_verdict() {
    let project = flushing(&[("a.yaml", NO_ERROR)]).await;
    project.run(&[]).await.expect(
        3,
        &[
            "passed at first, but 1 log record of `front` arrived",
            "and contradicts it",
            "overrides `OTEL_BLRP_SCHEDULE_DELAY`",
        ],
    );
    let spec = NO_ERROR.replace(
        "logs: [{ find: { severity: error.. }, count: 0 }]",
        "errors: 0",
    );
    let project = flushing(&[("a.yaml", &spec)]).await;
    project.run(&[]).await.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_is_overturned_by_a_late_record_without_trace_id() {
    let spec = "name: it
request: GET ${URL}/kept-uncorrelated
expect:
  logs_correlated: [front]
";
    let project = flushing(&[("a.yaml", spec)]).await;
    let said = project.run(&[]).await;
    said.expect(3, &["passed at first, but 1 log record of `front` arrived"]);
    // Another request may have caused it.
    let spec = spec.replace("kept-uncorrelated", "kept-outside");
    let said = flushing(&[("a.yaml", &spec)]).await.run(&[]).await;
    said.expect(0, &["1 passed"]);
    assert!(!said.out.contains("arrived"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_an_invalid_id_leaves_checks_of_logs_open() {
    let expect = "  logs: [{ find: { severity: error.. }, count: 0 }]\n";
    let (_, said) = run("logs-invalid", expect).await;
    said.expect(3, &["may be missing: the trace id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_the_id_of_another_trace_is_named() {
    let (_, said) = run("logs-strayed", "  logs: [order placed]\n").await;
    said.expect(
        1,
        &[
            "front › order placed (span 00000000000000a1)",
            "trace id is 00000000000000000000000000000bad, not ",
            "take both ids from the current span, and keep neither",
        ],
    );
    let (_, said) = run("logs-strayed", "  logs: [order lost]\n").await;
    assert!(!said.out.contains("000bad"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_the_id_of_another_trace_is_correlated_only_with_a_span_of_that_trace() {
    let check = "  logs_correlated: [front]\n";
    let (_, said) = run("logs-strayed", check).await;
    said.expect(
        1,
        &[
            "1 of 1 without it, first `order placed`",
            "take both ids from the current span, and keep neither",
        ],
    );
    for path in ["logs-foreign", "logs-kept-context"] {
        let (_, said) = run(path, check).await;
        said.expect(
            3,
            &[
                "`order placed` of front was written inside a span of this trace",
                "00000000000000000000000000000bad",
                "stop other work of front while this spec runs",
            ],
        );
    }
    let (_, said) = run("logs-of-others", check).await;
    said.expect(
        0,
        &[
            "`logs_correlated` does not include 1 log record with the ids of spans of other traces",
            "`polled` of front",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_span_that_never_arrives_leaves_open_checks_unjudged() {
    let spec = "name: it
request: GET ${URL}/logs-orphan
wait: { timeout: 1s }
expect:
  errors: 0
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.run(&[]).await.expect(
        3,
        &[
            "the span in which `working` of front was written did not arrive",
            "the span 00000000000000fe never arrived, in which log record `working` of front was written",
            "`orphans: 0..` in `expect` accepts that the spans of log records are missing",
        ],
    );
    let expect = "  errors: 0\n  orphans: 0..\n";
    let (_, said) = run("logs-orphan", expect).await;
    said.expect(0, &["1 passed"]);
    // No further span can change it.
    let (_, said) = run("logs-orphan", "  spans: [GET /it]\n").await;
    said.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_correlation_of_a_request_that_leaves_no_spans_is_not_judged() {
    let spec = "name: it
request: { get: \"${URL}/nothing\", sampled: false }
expect:
  logs_correlated: [front]
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.run(&[]).await.expect(
        3,
        &[
            "the request asked services not to record spans, which show what",
            "remove `sampled: false`, or expect the records with `logs`",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_and_a_capture_wait_for_exceptions_in_log_records() {
    let spec = "name: it
request: GET ${URL}/logs-exception
capture: { id: { find: { events: [exception] }, attribute: id } }
expect:
  sequence: [{ events: [{ name: exception, count: 0 }] }, GET /it]
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let said = project.run(&[]).await;
    // Both see the record: the capture finds the span, and the sequence does not.
    said.expect(1, &["the span that matches has no `id`"]);
    let (_, said) = run(
        "logs-unreadable",
        "  sequence: [{ events: [{ name: exception, count: 0 }] }, { kind: server, status: unset }]\n",
    )
    .await;
    said.expect(3, &["log records of this trace may be missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_in_another_process_sends_log_records_too() {
    let spec = "name: it
request: GET ${URL}/logs-uncorrelated
expect:
  logs: [working]
  logs_correlated: [back]
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let run = super::system::SPANSPEC;
    let said = project
        .spanspec(&["exec", "--listen", &listen, "--", run, "run"])
        .await;
    said.expect(1, &["found 1 of 2 without it, first `stock is low`"]);
    assert!(!said.out.contains("match `working`"), "{}", said.out);
}

/// A service that answers on this port, exports nothing, and prints two lines for each request: one with the ids of
/// the request, and one without.
const PRINTING: &str = r#"
import http.server, json, os, sys
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        context = self.headers.get("traceparent", "").split("-")
        if len(context) == 4:
            print(json.dumps({"level": "info", "msg": "order placed", "trace_id": context[1], "sku": "A1"}))
            print("WARNING stock is low", file=sys.stderr)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
"#;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn lines_that_a_service_prints_are_log_records() {
    let spec = "name: it
request: GET http://127.0.0.1:${services.shop.http}/
expect:
  logs:
    - find: { service: printer, severity: info, body: order placed, scope: stdout }
      attributes: { sku: A1 }
      count: 1
    - find: { service: printer, body: \"WARNING stock is low\" }
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.write("shop.py", PRINTING);
    project.write(
        "spanspec.yaml",
        "services:
  shop:
    run: python3 shop.py
    ports: { http: auto }
    env: { PORT: \"${services.shop.http}\", OTEL_SERVICE_NAME: printer }
    ready: http://127.0.0.1:${services.shop.http}/
    logs: [stdout, stderr]
defaults: { wait: { timeout: 2s } }
",
    );
    project.run(&[]).await.expect(
        1,
        &[
            "number of log records that match",
            "printer › order placed",
            "without a trace id would meet this",
        ],
    );
    let said = project.run(&[]).await;
    assert!(!said.out.contains("severity info"), "{}", said.out);
}
