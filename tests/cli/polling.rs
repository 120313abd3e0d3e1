//! `poll`: a step that is fired until its response meets a condition.

use std::sync::atomic::Ordering;

use super::system::{Project, Said, eventually};

async fn run(spec: &str, arguments: &[&str]) -> (Project, Said) {
    let project = Project::with(&[("a.yaml", spec)]).await;
    let said = project.run(arguments).await;
    (project, said)
}

/// The third answer of `/third` has status 200 and its trace only the entry; the traces of the
/// answers before contain `work` as well.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_try_is_judged_and_the_report_has_the_number_of_tries() {
    let spec = "request: GET ${URL}/third
poll: { until: { status: 200 }, every: 1ms, timeout: 60s }
capture: { number: $.number }
expect:
  span_count: 1
  json: { $.number: \"${number}\" }
";
    let (project, said) = run(spec, &["--report", "json=j.json", "--verbose"]).await;
    said.expect(0, &["1 passed", "3 tries, response after"]);
    let report: serde_json::Value = serde_json::from_str(&project.read("j.json")).unwrap();
    let step = &report["specs"][0]["attempts"][0]["steps"][0];
    assert_eq!(step["tries"], 3, "{step:#}");
    assert_eq!(step["response"]["status"], 200);
    assert_eq!(report["telemetry"]["late_spans"], 0, "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_an_earlier_try_do_not_satisfy_the_expectations_of_the_last() {
    let spec = "request: GET ${URL}/third
poll: { until: { status: 200 }, every: 1ms, timeout: 60s }
expect: { spans: [work] }
";
    let (project, said) = run(spec, &[]).await;
    said.expect(1, &["1 failed", "expected at least 1, found none"]);
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_until_misses_is_a_failure_with_its_line_and_the_number_of_tries() {
    let spec = "request: GET ${URL}/broken
poll: { until: { status: 200 }, every: 1ms, timeout: 2s }
expect: { errors: 0 }
";
    let (project, said) = run(spec, &["--report", "junit=j.xml"]).await;
    said.expect(
        1,
        &[
            "status of the response",
            "specs/a.yaml:2:26",
            "found 500",
            "`until` was not met within 2 s (",
            "response: 500 in",
            "1 failed",
        ],
    );
    let junit = project.read("j.xml");
    assert!(
        junit.contains("`until` was not met within 2 s ("),
        "{junit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_does_not_meet_until_and_without_any_response_the_spec_is_errored() {
    let spec = "request: GET http://127.0.0.1:1/
poll: { until: { status: 200 }, every: 1ms, timeout: 300ms }
expect: { errors: 0 }
";
    let (_, said) = run(spec, &[]).await;
    said.expect(
        3,
        &[
            "connection refused by 127.0.0.1:1",
            "`until` was not met within 300 ms (",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_hangs_ends_with_the_poll() {
    let spec = "request: GET ${URL}/hang
poll: { until: { status: 200 }, timeout: 300ms }
expect: { errors: 0 }
";
    let (_, said) = run(spec, &[]).await;
    said.expect(
        3,
        &[
            "no response before the end of all tries (GET ",
            "`until` was not met within 300 ms (1 try)",
            "increase `timeout` of `poll`",
            "for an event stream that does not end, set `request.timeout`",
        ],
    );
}

/// The first answer of `/once` has status 500; the others never come.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_response_shows_what_until_misses_although_a_further_try_hangs() {
    let spec = "request: GET ${URL}/once
poll: { until: { status: 200 }, every: 1ms, timeout: 2s }
expect: { errors: 0 }
";
    let (_, said) = run(spec, &[]).await;
    said.expect(
        1,
        &[
            "found 500",
            "`until` was not met within 2 s (2 tries)",
            "there was no response to a further try",
        ],
    );
}

/// The first connection is closed without an answer; on the others the answer never comes.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_error_is_reported_although_a_further_try_hangs() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        drop(listener.accept().await.unwrap());
        loop {
            open.push(listener.accept().await.unwrap());
        }
    });
    let spec = format!(
        "request: GET http://{address}/
poll: {{ until: {{ status: 200 }}, every: 1ms, timeout: 2s }}
expect: {{ errors: 0 }}
"
    );
    let (_, said) = run(&spec, &[]).await;
    said.expect(
        3,
        &[
            "the connection was closed before the response was complete",
            "`until` was not met within 2 s (2 tries)",
            "there was no response to a further try",
        ],
    );
    assert!(!said.out.contains("no response before"), "{}", said.out);
}

/// The service has no readiness check, so that a refused connection may mean that it is starting.
#[tokio::test(flavor = "multi_thread")]
async fn each_refused_connection_of_a_starting_service_is_a_try() {
    let spec = "request: GET http://127.0.0.1:1/
poll: { until: { status: 200 }, every: 1ms, timeout: 2s }
expect: { errors: 0 }
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let services = "services:\n  idle: { run: [sleep, \"600\"], start_timeout: 10m }\n";
    let file = project.read("spanspec.yaml") + services;
    project.write("spanspec.yaml", &file);
    let said = project.run(&[]).await;
    said.expect(
        3,
        &[
            "connection refused by 127.0.0.1:1",
            "`until` was not met within 2 s (",
        ],
    );
    assert!(!said.out.contains("(1 try)"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_and_commands_can_poll_and_until_replaces_the_default_checks() {
    let spec = "setup:
  - request: GET ${URL}/third
    poll: { until: { status: 200 }, every: 1ms, timeout: 60s }
  - request: GET ${URL}/broken
    poll: { until: { status: 500 } }
  - run: [sh, -c, \"echo x >> tries; test $(wc -l < tries) -ge 3 && exit 7\"]
    poll: { until: { exit_code: 7 }, every: 1ms, timeout: 60s }
request: GET ${URL}/ok
expect: { status: 200 }
";
    let (project, said) = run(spec, &[]).await;
    said.expect(0, &["1 passed"]);
    assert_eq!(project.read("specs/tries"), "x\nx\nx\n");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_tries_and_tells_what_until_missed_so_far() {
    let spec = "request: GET ${URL}/broken
poll: { until: { status: 200 }, every: 1ms, timeout: 60s }
expect: { errors: 0 }
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let child = project
        .run_command(&["--report", "json=j.json"])
        .spawn()
        .unwrap();
    let requests = &project.system.requests;
    eventually(|| requests.load(Ordering::SeqCst) > 1).await;
    super::exec::interrupt(&child);
    let output = child.wait_with_output().await.unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{out}");
    let report = project.read("j.json");
    for text in ["`until` was not met so far", "expected 200, found 500"] {
        assert!(report.contains(text), "{text} is missing in {report}");
    }
}
