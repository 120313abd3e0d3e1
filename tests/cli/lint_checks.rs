//! `lint` in `expect`: rules about the instrumentation, on the trace of a request.

use super::system::{Project, Said};

async fn project(lint: &str, path: &str) -> Project {
    let spec = format!(
        "name: it\nrequest: GET ${{URL}}/{path}\nwait: {{ timeout: 2s }}\nexpect:\n  lint: {lint}\n"
    );
    Project::with(&[("a.yaml", &spec)]).await
}

async fn said(lint: &str, path: &str) -> Said {
    project(lint, path).await.run(&[]).await
}

#[tokio::test]
async fn a_trace_without_faults_passes_the_recommended_rules() {
    said("recommended", "ok").await.expect(0, &["1 passed"]);
}

#[tokio::test]
async fn a_context_that_another_trace_continues_is_broken_propagation() {
    for lint in ["recommended", "{ broken-propagation: deny }"] {
        said(lint, "restarted").await.expect(
            1,
            &[
                "lint rule `broken-propagation`",
                "front: the trace ends between front and back: `GET` has no child",
                "continued by trace 00000000",
                "help: let the client of front send `traceparent`",
            ],
        );
    }
}

#[tokio::test]
async fn a_new_trace_that_only_fits_in_time_leaves_the_named_rule_open() {
    let named = said("{ broken-propagation: deny }", "lost").await;
    named.expect(3, &["trace at that time, perhaps of another request"]);
    let of_set = said("recommended", "lost").await;
    of_set.expect(0, &["lint rule `broken-propagation` is not judged"]);
}

#[tokio::test]
async fn fewer_calls_than_prove_a_lost_context_leave_the_named_rule_open() {
    let lint = "{ context-lost-in-callback: deny }";
    said(lint, "inside").await.expect(
        3,
        &[
            "`GET /back` of front began a new trace while `GET /it` ran",
            "pass the context of the request to this call",
        ],
    );
    // Of a set of rules, it is a note.
    said("recommended", "inside")
        .await
        .expect(0, &["lint rule `context-lost-in-callback` is not judged"]);
}

#[tokio::test]
async fn a_call_that_its_callee_did_not_record_fails() {
    let lint = "{ client-without-server: deny }";
    said(lint, "unserved")
        .await
        .expect(1, &["which recorded no span of it", "no SERVER span"]);
}

#[tokio::test]
async fn records_without_the_id_of_the_trace_fail() {
    said("{ uncorrelated-logs: deny }", "logs-uncorrelated")
        .await
        .expect(1, &["back: log records inside spans have no trace id"]);
    said("{ uncorrelated-logs: deny }", "logs")
        .await
        .expect(0, &["1 passed"]);
}

#[tokio::test]
async fn findings_that_the_project_accepts_are_noted_with_the_reason() {
    let project = project("{ broken-propagation: deny }", "restarted").await;
    let mut text = project.read("spanspec.yaml");
    text.push_str(
        "lint:\n  ignore:\n    - { rule: broken-propagation, service: front, reason: back is replaced in May }\n",
    );
    project.write("spanspec.yaml", &text);
    project.run(&[]).await.expect(
        0,
        &[
            "note: lint rule `broken-propagation`: front: the trace ends",
            "back is replaced in May",
        ],
    );
}

#[tokio::test]
async fn a_warning_is_noted_and_a_level_of_the_project_counts() {
    let project = project("recommended", "orphan-free").await;
    project
        .run(&[])
        .await
        .expect(3, &["there is no span of this trace"]);
    let unserved = self::project("recommended", "unserved").await;
    unserved.run(&[]).await.expect(
        0,
        &["note: lint warning `client-without-server`: front: `GET /part` got a response of back"],
    );
    let mut text = unserved.read("spanspec.yaml");
    text.push_str("lint: { levels: { client-without-server: deny } }\n");
    unserved.write("spanspec.yaml", &text);
    unserved
        .run(&[])
        .await
        .expect(1, &["lint rule `client-without-server`"]);
}
