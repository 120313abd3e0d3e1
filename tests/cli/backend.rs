//! Specs against a deployed system, whose traces are read from a backend.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::exec::collect;
use super::system::{Project, Said, said};

/// A shop that is deployed with a Jaeger: it remembers the parents that requests send, by trace id.
#[derive(Clone, Default)]
struct Deployed {
    parents: Arc<Mutex<HashMap<String, String>>>,
    tracestates: Arc<Mutex<Vec<String>>>,
    /// How often Jaeger was asked.
    asked: Arc<Mutex<usize>>,
}

async fn shop(State(deployed): State<Deployed>, headers: HeaderMap) -> &'static str {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let context = header("traceparent").unwrap();
    let mut parts = context.split('-').skip(1).map(str::to_owned);
    let (trace, parent) = (parts.next().unwrap(), parts.next().unwrap());
    deployed.parents.lock().unwrap().insert(trace, parent);
    let state = header("tracestate").unwrap_or_default().to_owned();
    deployed.tracestates.lock().unwrap().push(state);
    "ordered"
}

async fn jaeger(
    State(deployed): State<Deployed>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if headers
        .get("authorization")
        .is_none_or(|token| token != "Bearer s3cret-token")
    {
        let text = format!("the token {:?} is wrong", headers.get("authorization"));
        return (StatusCode::UNAUTHORIZED, text).into_response();
    }
    let number = {
        let mut asked = deployed.asked.lock().unwrap();
        *asked += 1;
        *asked
    };
    let parents = deployed.parents.lock().unwrap();
    let Some(parent) = parents.get(&id).filter(|_| number > 1) else {
        let unknown = json!({ "error": { "httpCode": 404, "message": "No traces found" } });
        return (StatusCode::NOT_FOUND, unknown.to_string()).into_response();
    };
    let span = json!({
        "traceId": id, "spanId": "00000000000000aa", "parentSpanId": parent, "name": "POST /orders",
        "kind": 2, "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000050000000",
        "attributes": [{ "key": "http.response.status_code", "value": { "intValue": "201" } }],
    });
    let resource =
        json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": "shop" } }] });
    let answer = json!({ "result": { "resourceSpans": [
        { "resource": resource, "scopeSpans": [{ "spans": [span] }] }
    ] } });
    answer.to_string().into_response()
}

impl Deployed {
    async fn start() -> (Self, String) {
        let deployed = Self::default();
        let app = Router::new()
            .route("/orders", get(shop))
            .route("/api/v3/traces/{id}", get(jaeger))
            .with_state(deployed.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (deployed, url)
    }
}

/// A project with the profile `staging`, in which the deployed system answers at this URL.
async fn project(url: &str, spec: &str, more: &str) -> Project {
    let project = Project::with(&[("order.yaml", spec)]).await;
    project.write(
        "spanspec.yaml",
        &format!(
            "secrets: [TOKEN]
vars: {{ BASE_URL: \"http://127.0.0.1:1\", TOKEN: s3cret-token }}
profiles:
  staging:
    vars: {{ BASE_URL: \"{url}\" }}
    source:
      jaeger: {url}
      headers: {{ Authorization: \"Bearer ${{TOKEN}}\" }}
      delay: 200ms
    {more}
"
        ),
    );
    project
}

async fn run(project: &Project, arguments: &[&str]) -> Said {
    let all: Vec<&str> = std::iter::once("run")
        .chain(arguments.iter().copied())
        .collect();
    said(project.command(&all)).await
}

const ORDER: &str = "
name: ordering
request: { get: \"${BASE_URL}/orders\", tracestate: vendor=1 }
expect:
  status: 200
  span_count: 1
  spans: [{ find: POST /orders, attributes: { http.response.status_code: 201 } }]
";

#[tokio::test]
async fn a_profile_reads_the_traces_of_a_deployed_system() {
    let (deployed, url) = Deployed::start().await;
    let project = project(&url, ORDER, "services: none").await;
    let passed = run(&project, &["--profile", "staging"]).await;
    passed.expect(0, &["1 passed", "1 span received"]);
    // The span was readable before the request that found it.
    assert!(!passed.out.contains("arrived later"), "{}", passed.out);
    assert_eq!(
        *deployed.tracestates.lock().unwrap(),
        ["spanspec=1,vendor=1"]
    );
    // 404, the span, and the same again after `delay`.
    assert!(*deployed.asked.lock().unwrap() >= 3);
}

#[tokio::test]
async fn a_deployed_system_that_contradicts_a_spec_fails_it() {
    let (_deployed, url) = Deployed::start().await;
    let wrong = ORDER.replace("201", "202");
    let project = project(&url, &wrong, "services: none").await;
    let failed = run(&project, &["--profile", "staging"]).await;
    failed.expect(1, &["found 201", "shop  POST /orders"]);
}

#[tokio::test]
async fn a_trace_that_the_backend_does_not_have_is_errored() {
    let (_deployed, url) = Deployed::start().await;
    let unknown = "
name: unknown
trace_id: 0af7651916cd43dd8448eb211c80319c
wait: { timeout: 1s }
expect: { spans: [{ find: never, count: 0 }] }
";
    let project = project(&url, unknown, "read_only: true").await;
    let errored = run(&project, &["--profile", "staging"]).await;
    let what = format!("Jaeger at {url}/ has no span of this trace");
    errored.expect(
        3,
        &[&what, "check that the services export to this backend"],
    );
}

#[tokio::test]
async fn a_source_and_another_receiver_exclude_each_other() {
    let (_deployed, url) = Deployed::start().await;
    let project = project(&url, ORDER, "services: none").await;
    let (_child, ready) = collect(&project).await;
    let receiver = ready["environment"]["SPANSPEC_RECEIVER"].as_str().unwrap();
    let refused = run(&project, &["--profile", "staging", "--receiver", receiver]).await;
    refused.expect(2, &["(SPANSPEC_RECEIVER) another"]);
}

#[tokio::test]
async fn a_backend_that_cannot_be_reached_is_the_reason() {
    let (_deployed, url) = Deployed::start().await;
    let project = project(&url, ORDER, "services: none").await;
    let closed = [
        "--profile",
        "staging",
        "--source",
        "jaeger=http://127.0.0.1:1",
        "--timeout",
        "1s",
    ];
    let errored = run(&project, &closed).await;
    errored.expect(
        3,
        &[
            "Jaeger at http://127.0.0.1:1/ cannot be reached: ",
            "check the address of `source`, and that the backend runs",
        ],
    );
}

#[tokio::test]
async fn traces_that_link_to_the_judged_one_are_unknown() {
    let (_deployed, url) = Deployed::start().await;
    let linked = "{ find: { name: consume, linked_to: POST /orders }, count: 0 }";
    let spec = ORDER.replace("[{ find", &format!("[{linked}, {{ find"));
    let project = project(&url, &spec, "services: none").await;
    let errored = run(&project, &["--profile", "staging"]).await;
    errored.expect(3, &["does not provide other traces that link to"]);
}

#[tokio::test]
async fn wrong_credentials_end_the_run_and_are_never_shown() {
    let (_deployed, url) = Deployed::start().await;
    let project = project(&url, ORDER, "services: none").await;
    let arguments = ["--profile", "staging", "--var", "TOKEN=other-s3cret"];
    let refused = run(&project, &arguments).await;
    refused.expect(
        3,
        &[
            "answers 401 Unauthorized",
            "check the credentials: `headers` of `source`",
        ],
    );
    assert!(!format!("{}{}", refused.out, refused.err).contains("other-s3cret"));
}

#[tokio::test]
async fn a_profile_that_only_reads_refuses_requests_before_any_is_sent() {
    let (deployed, url) = Deployed::start().await;
    let project = project(&url, ORDER, "read_only: true").await;
    let refused = run(&project, &["--profile", "staging"]).await;
    refused.expect(
        2,
        &[
            "this spec sends a request, which the profile does not permit (`read_only: true`)",
            "order.yaml:3",
        ],
    );
    assert_eq!(deployed.parents.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn specs_of_other_profiles_are_skipped_and_not_listed() {
    let (_deployed, url) = Deployed::start().await;
    let elsewhere = ORDER.replace(
        "name: ordering",
        "name: ordering\nprofiles: { not: [staging] }",
    );
    let project = project(&url, &elsewhere, "services: none").await;
    let skipped = run(&project, &["--profile", "staging"]).await;
    skipped.expect(0, &["1 skipped", "does not run under the profile staging"]);
    // Its variables need not exist there.
    project.write(
        "specs/other.yaml",
        "profiles: { not: [staging] }\nrequest: GET ${ONLY_ELSEWHERE}/\nexpect: { status: 200 }\n",
    );
    let skipped = run(&project, &["--profile", "staging"]).await;
    skipped.expect(0, &["2 skipped"]);
    std::fs::remove_file(project.path().join("specs/other.yaml")).unwrap();
    let listed = run(&project, &["--profile", "staging", "--list"]).await;
    listed.expect(0, &[]);
    assert_eq!(listed.out, "");
    run(&project, &["--list"]).await.expect(0, &["ordering"]);
}

#[tokio::test]
async fn mistakes_in_profiles_and_sources_name_their_place() {
    let (_deployed, url) = Deployed::start().await;
    let project = project(&url, ORDER, "services: none").await;
    let unknown = run(&project, &["--profile", "stagin"]).await;
    unknown.expect(2, &["unknown profile `stagin`: did you mean `staging`?"]);
    let kind = run(&project, &["--source", "jeager=http://127.0.0.1:1"]).await;
    kind.expect(
        2,
        &["unknown kind of source `jeager`: did you mean `jaeger`?"],
    );
    project.write(
        "spanspec.yaml",
        "profiles:\n  staging:\n    source: { url: http://a }\n    specs: [a]\n",
    );
    let linted = said(project.command(&["lint"])).await;
    linted.expect(
        2,
        &[
            "unknown key `specs` in the profile `staging`",
            "spanspec.yaml:4",
        ],
    );
    project.write(
        "spanspec.yaml",
        "profiles:\n  staging:\n    source: { tenant: a }\n",
    );
    project.write(
        "specs/order.yaml",
        "profiles: [prod]\nrequest: GET http://a/\nexpect: { status: 200 }\n",
    );
    let linted = said(project.command(&["lint"])).await;
    linted.expect(2, &["unknown profile `prod`"]);
    for (empty, place) in [("[]", "1:11"), ("{ not: [] }", "1:18")] {
        let spec =
            format!("profiles: {empty}\nrequest: GET http://a/\nexpect: {{ status: 200 }}\n");
        project.write("specs/order.yaml", &spec);
        let linted = said(project.command(&["lint"])).await;
        let place = format!("`profiles` names no profile\n --> specs/order.yaml:{place}\n");
        linted.expect(2, &[place.as_str()]);
    }
    project.write(
        "specs/order.yaml",
        "request: GET http://a/\nexpect: { status: 200 }\n",
    );
    let linted = said(project.command(&["lint"])).await;
    linted.expect(
        2,
        &[
            "under the profile `staging`:",
            "`source` names no backend",
            "spanspec.yaml:3",
        ],
    );
}

/// A project that reads traces from its folder `traces`.
async fn with_files(spec: &str) -> Project {
    let project = Project::with(&[("order.yaml", spec)]).await;
    project.write(
        "spanspec.yaml",
        "source: { files: traces/, delay: 200ms }\n",
    );
    project
}

const MESSAGE: &str = "
name: message
trace_id: 6b0af38e00000000d269b6330000000c
expect: { spans: [{ find: notify, attributes: { messaging.destination.name: orders } }] }
";

#[tokio::test]
async fn specs_are_judged_on_the_files_of_a_collector() {
    let lines = include_str!("../fixtures/backends/collector-file/fan.jsonl");
    let project = with_files(MESSAGE).await;
    project.write("traces/a.jsonl", lines);
    run(&project, &[]).await.expect(0, &["1 passed"]);
    let contradicted = with_files(&MESSAGE.replace(": orders", ": bills")).await;
    contradicted.write("traces/a.jsonl", lines);
    let said = run(&contradicted, &[]).await;
    said.expect(1, &["^^^^^ found \"orders\""]);
}

#[tokio::test]
async fn a_file_that_is_no_trace_is_the_reason() {
    let project = with_files(MESSAGE).await;
    let lines = include_str!("../fixtures/backends/collector-file/fan.jsonl");
    project.write("traces/a.jsonl", lines);
    project.write("traces/notes.md", "# notes");
    let foreign = run(&project, &[]).await;
    foreign.expect(3, &["notes.md is not a trace", "move it out of the folder"]);
}
