//! Traces that are not complete: nothing passes that a further span could change.

use super::system::{Project, Said};

async fn said(spec: &str) -> Said {
    Project::with(&[("a.yaml", spec)]).await.run(&[]).await
}

/// A project of services whose flush bound is unknown.
async fn with_unknown_bound(spec: &str) -> Project {
    let project = Project::with(&[("a.yaml", spec)]).await;
    let url = &project.system.url;
    project.write("spanspec.yaml", &format!("vars: {{ URL: \"{url}\" }}\n"));
    project
}

#[tokio::test]
async fn a_root_that_is_no_child_of_the_request_is_not_its_entry() {
    let spec = "request: GET ${URL}/stray\nwait: { timeout: 1s }\nexpect: { errors: 0 }\n";
    said(spec).await.expect(
        3,
        &[
            "the trace is still incomplete 1 s after the response",
            "which was sent as `traceparent`",
            "holds so far, but the entry of the trace never arrived",
        ],
    );
}

#[tokio::test]
async fn a_span_after_the_flush_bound_starts_the_wait_again_and_is_noted() {
    let spec = "request: GET ${URL}/late\nexpect: { errors: 0 }\n";
    let said = said(spec).await;
    said.expect(
        1,
        &[
            "expected none, found 1: `work`   (back, span 00000000000000a2)",
            "note: spans arrived later after the response than the flush bound of 100 ms: back",
        ],
    );
    let all = said.out.replace("\n         ", " ");
    assert!(all.contains("; set `wait: { flush: "), "{all}");
}

#[tokio::test]
async fn at_a_timeout_below_the_flush_bound_nothing_that_is_open_passes_and_lint_warns() {
    let spec = "request: GET ${URL}/ok\nwait: { timeout: 50ms }\nexpect: { errors: 0 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.run(&[]).await.expect(
        3,
        &[
            "spans may arrive until 100 ms after the response, the flush bound",
            "help: set `wait: { timeout: … }` to more than 100ms",
            "holds so far, but `timeout` ended before the flush bound",
        ],
    );
    project.spanspec(&["lint"]).await.expect(
        0,
        &[
            "warning: a timeout of 50 ms ends before the flush bound of 100 ms",
            "specs/a.yaml:2:18",
            "help: set `timeout` to more than 100ms",
        ],
    );
}

#[tokio::test]
async fn lint_knows_the_flush_bound_of_services_and_of_those_it_does_not_know() {
    let spec =
        "request: GET ${URL}/ok\nwait: { timeout: 2s, tail: 1900ms }\nexpect: { errors: 0 }\n";
    let project = with_unknown_bound(spec).await;
    let unknown = "`tail` of 1.9 s and the flush bound, which is unknown and assumed to be 5.5 s";
    project.spanspec(&["lint"]).await.expect(0, &[unknown]);
    let services = "vars: { URL: http://127.0.0.1:1 }\nservices: { shop: { run: shop } }\n";
    project.write("spanspec.yaml", services);
    let known = "`tail` of 1.9 s and the flush bound of 350 ms";
    project.spanspec(&["lint"]).await.expect(0, &[known]);
}

#[tokio::test]
async fn orphans_with_a_limit_are_judged_when_the_trace_is_quiet() {
    let spec = |orphans: &str, errors: &str| {
        format!(
            "request: GET ${{URL}}/orphan\nwait: {{ timeout: 20s }}\nexpect: {{ orphans: {orphans}{errors} }}\n"
        )
    };
    said(&spec("1", "")).await.expect(0, &["1 passed"]);
    said(&spec("2..", ""))
        .await
        .expect(1, &["expected at least 2, found 1"]);
    // A parent that never arrived may have failed.
    let open = spec("1", ", errors: 0").replace("20s", "1s");
    said(&open).await.expect(
        3,
        &[
            "1 check could not be judged: holds so far, but the parent 00000000000000ff never arrived",
            "spans with status error: 0",
        ],
    );
}

#[tokio::test]
async fn a_capture_from_a_span_that_never_came_does_not_pass_in_a_spec_a_step_or_a_repetition() {
    const ASKS: &str = "wait: { timeout: 500ms }
capture: { id: { find: work, attribute: payment.id } }
expect: { status: 200 }
";
    let one = format!("request: GET ${{URL}}/nothing\n{ASKS}");
    said(&one)
        .await
        .expect(3, &["capture `id`", "there is no span of this trace"]);
    let step = one.trim_end().replace('\n', "\n    ");
    said(&format!("steps:\n  - {step}\n"))
        .await
        .expect(3, &["capture `id`", "there is no span of this trace"]);
    let many = format!("{one}repeat: {{ times: 3 }}\n");
    said(&many)
        .await
        .expect(3, &["3 of 3", "there is no span of this trace"]);
}

#[tokio::test]
async fn a_capture_below_a_missing_parent_does_not_pass() {
    let spec = "request: GET ${URL}/orphan
wait: { timeout: 1s }
capture: { id: { find: { service: back }, attribute: payment.method } }
expect: { status: 200 }
";
    let has_value = spec.replace("/orphan", "/ok");
    said(&has_value).await.expect(0, &["1 passed"]);
    said(spec)
        .await
        .expect(1, &["capture `id`", "has no `payment.method`"]);
}

#[tokio::test]
async fn an_unknown_flush_bound_is_waited_for_however_fast_the_spans_came() {
    let spec = "request: GET ${URL}/ok\nexpect: { errors: 0 }\n";
    let project = with_unknown_bound(spec).await;
    let start = std::time::Instant::now();
    let said = project.run(&[]).await;
    assert!(start.elapsed() >= std::time::Duration::from_millis(5_500));
    said.expect(
        0,
        &[
            "PASS  a",
            "note: the flush bound of the services is unknown: each trace waits up to 5.5 s",
            "\n         OTEL_BSP_SCHEDULE_DELAY=100\n",
            "\n         defaults: { wait: { flush: 350ms } }\n",
        ],
    );
    let early = "request: GET ${URL}/ok\nexpect: { spans: [{ find: work }] }\n";
    project.write("specs/a.yaml", early);
    let said = project.run(&[]).await;
    said.expect(0, &["1 passed"]);
    assert!(!said.out.contains("flush bound"), "{}", said.out);
}

#[tokio::test]
async fn a_call_of_a_traced_service_without_its_server_span_is_open_where_the_bound_is_unknown() {
    let spec = "request: GET ${URL}/unserved\nwait: { timeout: 6s }\nexpect: { errors: 0 }\n";
    let call = "`GET /part` of front got an answer from back, but no SERVER span of it arrived";
    let project = with_unknown_bound(spec).await;
    let said = project.run(&[]).await;
    said.expect(
        3,
        &["holds so far, but the SERVER span of a call never arrived"],
    );
    let line = |said: &Said| said.out.replace("\n   │ ", " ").replace("\n         ", " ");
    assert!(line(&said).contains(call), "{}", said.out);
    let known = Project::with(&[("a.yaml", spec)]).await.run(&[]).await;
    known.expect(0, &["1 passed"]);
    assert!(
        line(&known).contains(&format!("note: {call}")),
        "{}",
        known.out
    );
}
