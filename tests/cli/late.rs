//! Spans that arrive after the verdict, most of them while the services are stopped.

use super::system::{Project, Said};

pub(crate) const NO_ERRORS: &str = "name: no errors
request: GET ${URL}/kept-error
expect:
  errors: 0
";

/// A project with a service whose spans are exported when it is asked to end.
pub(crate) async fn flushing(specs: &[(&str, &str)]) -> Project {
    let project = Project::with(specs).await;
    let url = &project.system.url;
    project.write(
        "spanspec.yaml",
        &format!(
            "vars: {{ URL: \"{url}\" }}
services:
  flushing:
    run: sh -c 'trap \"curl -s {url}/flush; exit 0\" TERM; echo up; while :; do sleep 0.02; done'
    ready: {{ log: =~ up }}
"
        ),
    );
    project
}

async fn run(project: &Project, arguments: &[&str]) -> Said {
    project.run(arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_is_overturned_by_a_span_that_is_exported_while_services_are_stopped() {
    let project = flushing(&[("a.yaml", NO_ERRORS)]).await;
    let said = run(&project, &[]).await;
    said.expect(
        3,
        &[
            "PASS  no errors",
            "ERROR no errors",
            "passed at first, but 1 span of `payment` arrived",
            "stopped, and contradicts it",
            "expected none, found 1: `charge`: declined   (payment, span",
            "1 errored in",
        ],
    );
    let (passed, errored) = (said.out.find("PASS"), said.out.find("ERROR"));
    assert!(passed < errored, "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_has_the_verdict_of_all_spans() {
    let project = flushing(&[("a.yaml", NO_ERRORS)]).await;
    let reports = ["junit=j.xml", "json=j.json", "md=j.md", "html=j.html"];
    let reports: Vec<&str> = reports.iter().flat_map(|one| ["--report", one]).collect();
    run(&project, &reports).await.expect(3, &[]);
    let junit = project.read("j.xml");
    assert!(junit.contains("failures=\"0\" errors=\"1\""), "{junit}");
    let json: serde_json::Value = serde_json::from_str(&project.read("j.json")).unwrap();
    assert_eq!(json["specs"][0]["verdict"], "errored");
    let step = &json["specs"][0]["attempts"][0]["steps"][0];
    assert_eq!(step["checks"][0]["outcome"], "unjudged", "{step:#}");
    assert_eq!(json["telemetry"]["late_spans"], 1);
    assert!(project.read("j.md").contains("1 errored"));
    assert!(
        project
            .read("j.html")
            .contains("passed at first, but 1 span")
    );
    let tap = run(&project, &["--format", "tap"]).await;
    tap.expect(3, &["not ok 1 - specs/a.yaml › no errors", "line: 4"]);
    let github = run(&project, &["--format", "github"]).await;
    github.expect(
        3,
        &["::error file=specs/a.yaml,line=4", "passed at first, but"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_late_spans_contradict_is_saved_whole_and_not_as_one_that_passed() {
    let project = flushing(&[("a.yaml", NO_ERRORS)]).await;
    run(&project, &["--save-traces", "traces"])
        .await
        .expect(3, &[]);
    let mut files = std::fs::read_dir(project.path().join("traces")).unwrap();
    let file = files.next().unwrap().unwrap().file_name();
    let saved = project.read(&format!("traces/{}", file.to_str().unwrap()));
    assert!(saved.contains("\"charge\""), "{saved}");
    assert!(saved.contains("\"verdict\": \"errored\""), "{saved}");
    assert!(files.next().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn late_spans_that_contradict_nothing_are_a_note_with_the_service() {
    let spec = "request: GET ${URL}/kept-work\nexpect: { errors: 0 }\n";
    let project = flushing(&[("a.yaml", spec)]).await;
    run(&project, &[]).await.expect(
        0,
        &[
            "1 passed",
            "1 span of `back` arrived while the services were stopped, and changed no verdict",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_stays_and_a_note_says_that_late_spans_would_have_changed_it() {
    let spec = "name: work is done
request: GET ${URL}/kept-work
expect: { spans: [{ find: work }] }
";
    let project = flushing(&[("a.yaml", spec)]).await;
    run(&project, &[]).await.expect(
        1,
        &[
            "FAIL  work is done",
            "`work is done`: 1 span of `back` arrived",
            "with them every check of the trace holds",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_does_not_make_a_contradicted_spec_pass() {
    let project = flushing(&[("a.yaml", NO_ERRORS)]).await;
    run(&project, &["--retries", "2"])
        .await
        .expect(3, &["1 errored"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_value_that_late_spans_make_ambiguous_is_no_pass() {
    let spec = "name: captures
request: GET ${URL}/kept-twin
capture: { method: { find: work, attribute: payment.method } }
expect: { status: 200 }
";
    let project = flushing(&[("a.yaml", spec)]).await;
    let said = run(&project, &[]).await;
    said.expect(
        3,
        &["passed at first, but 1 span of `back`", "capture `method`"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_repeat_are_judged_again_and_none_of_them_becomes_a_baseline() {
    let spec = "name: many
request: GET ${URL}/kept-error
expect: { errors: 0 }
repeat: { times: 20, concurrency: 4, failures: 10% }
budgets: [{ measure: response_time, p50: < 60s, regression: 1000% }]
";
    let project = flushing(&[("a.yaml", spec)]).await;
    let baseline = project.path().join("specs/baselines");
    for update in ["auto", "always"] {
        let said = run(&project, &["--update-baselines", update]).await;
        said.expect(
            3,
            &[
                "PASS  many",
                "ERROR many",
                "20 of 20 requests are contradicted by late spans (2 permitted)",
            ],
        );
        let files = std::fs::read_dir(&baseline).into_iter().flatten();
        let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        assert!(files.is_empty(), "{files:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_is_overturned_by_a_span_that_is_lost_while_services_are_stopped() {
    let spec = |path: &str| {
        format!("name: no errors\nrequest: GET ${{URL}}/{path}\nexpect: {{ errors: 0 }}\n")
    };
    for (path, reason) in [
        ("kept-invalid", "the span `work` was rejected: its"),
        ("kept-unreadable", "POST /v1/traces was refused"),
    ] {
        let project = flushing(&[("a.yaml", &spec(path))]).await;
        let said = run(&project, &["--report", "json=j.json"]).await;
        said.expect(
            3,
            &[
                "PASS  no errors",
                "ERROR no errors",
                "passed at first, but records of this trace may be missing since the verdict",
                reason,
            ],
        );
        let json: serde_json::Value = serde_json::from_str(&project.read("j.json")).unwrap();
        let step = &json["specs"][0]["attempts"][0]["steps"][0];
        assert_eq!(step["checks"][0]["outcome"], "unjudged", "{step:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_repeat_whose_spans_are_lost_later_are_no_pass() {
    let load = "repeat: { times: 3, concurrency: 1 }\n";
    let checks = format!(
        "name: checks\nrequest: GET ${{URL}}/kept-invalid\nexpect: {{ errors: 0 }}\n{load}"
    );
    let budget = "budgets: [{ measure: trace_duration, p50: < 60s }]\n";
    let budgets = format!("name: budget\nrequest: GET ${{URL}}/kept-invalid\n{load}{budget}");
    let project = flushing(&[("a.yaml", &checks), ("b.yaml", &budgets)]).await;
    let said = run(&project, &[]).await;
    said.expect(
        3,
        &[
            "ERROR checks",
            "ERROR budget",
            "3 of 3 requests cannot be judged (0 permitted)",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_span_whose_parent_is_missing_makes_the_trace_incomplete() {
    let spec = |orphans: &str| {
        format!(
            "name: no errors\nrequest: GET ${{URL}}/kept-orphan\nexpect: {{ errors: 0{orphans} }}\n"
        )
    };
    let project = flushing(&[("a.yaml", &spec(""))]).await;
    run(&project, &[]).await.expect(
        3,
        &[
            "PASS  no errors",
            "ERROR no errors",
            "holds so far, but the parent 00000000000000ff never arrived",
        ],
    );
    let tolerant = flushing(&[("a.yaml", &spec(", orphans: 0.."))]).await;
    run(&tolerant, &[]).await.expect(0, &["1 passed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_pass_is_overturned_by_a_changed_copy_of_a_span() {
    let spec = "name: no error
request: GET ${URL}/kept-copy
expect: { spans: [{ find: { name: GET /it, status: { not: error } } }] }
";
    let project = flushing(&[("a.yaml", spec)]).await;
    run(&project, &[]).await.expect(
        3,
        &[
            "PASS  no error",
            "ERROR no error",
            "passed at first, but 1 span of `front` arrived",
            "after the verdict and contradicts it",
            "add `orphans: 0`, so that the checks are judged when the trace is complete",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_pass_is_overturned_by_the_second_half_of_a_call_with_a_shared_id() {
    let of = |name: &str, expect: &str| {
        format!("name: {name}\nrequest: GET ${{URL}}/kept-half\nexpect: {{ {expect} }}\n")
    };
    let specs = [
        of("edge", "edges: [front -> back]"),
        of(
            "child",
            "spans: [{ find: { name: work, child_of: { service: front } } }]",
        ),
        of(
            "parent",
            "spans: [{ find: { name: call, service: front, parent_of: work } }]",
        ),
    ];
    let project = flushing(&[("a.yaml", &specs.join("---\n"))]).await;
    run(&project, &[]).await.expect(
        3,
        &["ERROR edge", "ERROR child", "ERROR parent", "3 errored"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn later_spans_that_an_early_pass_did_not_wait_for_are_not_reported_as_late() {
    let spec = "request: GET ${URL}/kept-work\nexpect: { spans: [GET /it] }\n";
    let project = flushing(&[("a.yaml", spec)]).await;
    let said = run(&project, &["--report", "json=j.json"]).await;
    said.expect(0, &["1 passed"]);
    assert!(!said.err.contains("after the verdict"), "{}", said.err);
    let json: serde_json::Value = serde_json::from_str(&project.read("j.json")).unwrap();
    assert_eq!(json["telemetry"]["late_spans"], 0);
}
