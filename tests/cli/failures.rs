//! Error messages and their exit codes.

use super::system::Project;

async fn said(spec: &str) -> super::system::Said {
    Project::with(&[("a.yaml", spec)]).await.run(&[]).await
}

#[tokio::test]
async fn a_wrong_attribute_points_at_the_spec_and_at_the_span() {
    let spec = "
request: GET ${URL}/ok
expect:
  spans:
    - find: work
      attributes: { payment.method: paypal }
";
    let said = said(spec).await;
    said.expect(
        1,
        &[
            "attribute `payment.method` of span `work`",
            "--> specs/a.yaml:6:37",
            "^^^^^^ found \"card\"   (back, span 00000000000000a2)",
            "← payment.method = \"card\"",
            "trace saved: target/spanspec/a-",
        ],
    );
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error_and_no_failure() {
    let said = said("request: GET http://127.0.0.1:1/orders\nexpect: { status: 200 }\n").await;
    said.expect(
        3,
        &[
            "ERROR a",
            "connection refused by 127.0.0.1:1",
            "start the service, or let `services` in",
            "spanspec.yaml",
        ],
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_owner_and_the_way_out() {
    let project =
        Project::with(&[("a.yaml", "request: GET ${URL}/ok\nexpect: { errors: 0 }\n")]).await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", project.system.otlp)).unwrap();
    let said = project.run(&[]).await;
    drop(taken);
    let port = format!("port {} is taken", project.system.otlp);
    said.expect(
        3,
        &[&port, "receiver: { listen: [127.0.0.1:0] }", "1 not run"],
    );
}

const QUICK: &str = "wait: { timeout: 1s }\n";

#[tokio::test]
async fn where_nothing_comes_the_variables_to_set_are_told() {
    let said = said(&format!(
        "{QUICK}request: GET ${{URL}}/fine\nexpect: {{ errors: 0 }}\n"
    ))
    .await;
    said.expect(
        3,
        &[
            "no telemetry arrived at all",
            "listened on 127.0.0.1:",
            "OTEL_EXPORTER_OTLP_ENDPOINT=http",
        ],
    );
}

#[tokio::test]
async fn a_refused_export_leaves_unjudged_what_its_spans_could_change() {
    let spec = "
name: absence
request: GET ${URL}/half
expect:
  spans: [{ find: work, count: 0 }]
---
name: presence
request: GET ${URL}/half
expect:
  spans: [GET /it]
---
name: a capture
request: GET ${URL}/half
capture: { route: { find: GET /it, attribute: http.route } }
expect: { status: 200 }
---
name: many
request: GET ${URL}/half
expect: { errors: 0 }
repeat: { times: 3 }
";
    said(spec).await.expect(
        3,
        &[
            "ERROR absence",
            "spans of this trace may be missing, so what holds so far may not be all",
            "POST /v1/traces was refused: no OTLP/JSON",
            "from service `back`, 127.0.0.1:",
            "help: update the OpenTelemetry SDK or Collector that sent it",
            "PASS  presence",
            "ERROR a capture",
            "ERROR many",
            "export requests refused, the first: POST /v1/traces from service `back`",
        ],
    );
}

#[tokio::test]
async fn where_only_other_traces_come_their_services_are_told() {
    let said = said(&format!(
        "{QUICK}request: GET ${{URL}}/other\nexpect: {{ errors: 0 }}\n"
    ))
    .await;
    said.expect(
        3,
        &[
            "but 1 of other traces",
            "clock (1 spans)",
            "OTEL_PROPAGATORS",
        ],
    );
}

#[tokio::test]
async fn who_asks_for_no_recording_is_told_that_no_span_can_come() {
    let said = said(
        "wait: { flush: 10ms }\nrequest: { get: \"${URL}/fine\", sampled: false }\nexpect: { errors: 0 }\n",
    )
    .await;
    said.expect(
        3,
        &[
            "the request asked services not to record spans",
            "only `span_count: 0`",
        ],
    );
}

#[tokio::test]
async fn a_command_that_keeps_its_context_to_itself_is_asked_about_it() {
    let spec = format!("{QUICK}run: sh -c 'true'\nexpect: {{ errors: 0 }}\n");
    let project = Project::with(&[
        ("a.yaml", &spec),
        (
            "b.yaml",
            &format!("{QUICK}request: GET ${{URL}}/other\nexpect: {{ status: 200 }}\n"),
        ),
    ])
    .await;
    project.run(&[]).await.expect(
        3,
        &["check that the command sends its environment variable `TRACEPARENT`"],
    );
}

#[tokio::test]
async fn traces_that_cannot_be_saved_are_an_error() {
    let project =
        Project::with(&[("a.yaml", "request: GET ${URL}/ok\nexpect: { errors: 0 }\n")]).await;
    project.write("afile", "");
    let said = project.run(&["--save-traces", "afile"]).await;
    said.expect(3, &["1 passed", "cannot save traces in afile"]);
}

#[tokio::test]
async fn a_first_service_that_ignores_the_context_is_named() {
    let said = said(&format!(
        "{QUICK}request: GET ${{URL}}/first\nexpect: {{ errors: 0 }}\n"
    ))
    .await;
    said.expect(
        3,
        &["`GET` of front began a new trace instead", "`traceparent`"],
    );
}

#[tokio::test]
async fn a_service_that_loses_the_context_is_named_with_the_one_that_called_it() {
    let said = said("request: GET ${URL}/lost\nexpect: { spans: [GET /back] }\n").await;
    said.expect(
        1,
        &[
            "expected at least 1, found none",
            "the trace context was lost between front and back",
        ],
    );
}

#[tokio::test]
async fn a_service_that_calls_with_a_new_context_is_named_with_its_span() {
    let said = said("request: GET ${URL}/inside\nexpect: { spans: [GET /back] }\n").await;
    said.expect(
        1,
        &[
            "the trace context was lost inside front: `GET /back` began a new trace",
            "while `GET /it` of front ran",
            "`context.Background()`",
        ],
    );
}

#[tokio::test]
async fn a_service_that_cuts_trace_ids_is_named() {
    let cut = said("request: GET ${URL}/cut\nexpect: { spans: [GET /back] }\n").await;
    let texts = [
        "back cut the trace id to 64 bits: its span `GET /back` has the trace",
        "let it use 128-bit trace ids",
    ];
    cut.expect(1, &texts);
    let first = said(&format!(
        "{QUICK}request: GET ${{URL}}/cut-first\nexpect: {{ errors: 0 }}\n"
    ))
    .await;
    first.expect(
        3,
        &["no span of this trace arrived: front cut the trace id to 64 bits"],
    );
}

#[tokio::test]
async fn a_missing_consumer_has_the_hint_to_wait_for_it() {
    let spec =
        "request: GET ${URL}/ok\nexpect: { spans: [{ find: { kind: consumer }, count: 1 }] }\n";
    let hint = "work after the response is not waited for: `wait: { tail: 2s }`";
    said(spec).await.expect(1, &[hint]);
    let patient = said(&format!("wait: {{ tail: 10ms }}\n{spec}")).await;
    patient.expect(1, &["expected exactly 1, found none"]);
    assert!(!patient.out.contains(hint), "{}", patient.out);
}

#[tokio::test]
async fn parents_that_never_arrive_make_what_holds_so_far_inconclusive() {
    let said = said(&format!(
        "{QUICK}request: GET ${{URL}}/orphan\nexpect: {{ spans: [{{ find: never, count: 0 }}] }}\n"
    ))
    .await;
    said.expect(
        3,
        &[
            "still incomplete 1 s after the response",
            "the span 00000000000000ff never arrived",
            "`work` of back",
        ],
    );
}

#[tokio::test]
async fn orphans_that_the_author_forbids_fail_and_those_that_he_allows_do_not() {
    let forbidden = said("request: GET ${URL}/orphan\nexpect: { orphans: 0 }\n").await;
    forbidden.expect(
        1,
        &["number of spans whose parent never arrived", "found 1"],
    );
    let allowed = said(
        "request: GET ${URL}/orphan\nexpect: { orphans: 0.., spans: [{ find: never, count: 0 }] }\n",
    )
    .await;
    allowed.expect(0, &["1 passed"]);
}

#[tokio::test]
async fn malformed_otlp_is_refused_and_told_and_the_run_goes_on() {
    let spec = "request: GET ${URL}/malformed\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let said = project.run(&["--verbose"]).await;
    said.expect(
        0,
        &[
            "1 passed",
            "1 export request refused",
            "POST /v1/traces from 127.0.0.1",
        ],
    );
}

#[tokio::test]
async fn a_service_that_dies_is_told_with_the_end_of_its_output() {
    let project = Project::with(&[(
        "a.yaml",
        "request: GET ${URL}/hang\nexpect: { status: 200 }\n",
    )])
    .await;
    let url = project.system.url.clone();
    project.write(
        "spanspec.yaml",
        &format!(
            "vars: {{ URL: \"{url}\" }}\nservices: {{ frail: {{ run: \"sh -c 'echo out of memory; exit 7'\", ready: {{ log: =~ never }} }} }}\n"
        ),
    );
    let said = project.spanspec(&["run"]).await;
    said.expect(
        3,
        &["service `frail` ended with exit code 7", "out of memory"],
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_started_service_that_listens_elsewhere_has_its_own_remedy() {
    let spec = "request: http://127.0.0.1:1/\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let file = "
services: { app: { run: [sh, -c, \"echo up; exec sleep 60\"], ready: { log: =~ up } } }
";
    project.write("spanspec.yaml", file);
    let remedy = "start the service; if spanspec.yaml starts it, pass it this port";
    project
        .run(&[])
        .await
        .expect(3, &["connection refused", remedy]);
}
