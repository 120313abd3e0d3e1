//! A request becomes a spec that the system passes.

use std::sync::atomic::Ordering;

use super::system::{Project, Said};

const BODY: &str = r#"{"sku": "A1", "key": "${uuid()}"}"#;

/// `spanspec record` with these arguments, listening where the system exports to.
async fn record(project: &Project, arguments: &[&str]) -> Said {
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let all: Vec<&str> = ["record", "--listen", &listen]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    project.spanspec(&all).await
}

#[tokio::test]
async fn what_was_recorded_passes_when_it_is_run() {
    let project = Project::with(&[]).await;
    let said = record(
        &project,
        &["-o", "specs/ok.yaml", "--", "POST", "${URL}/ok", BODY],
    )
    .await;
    said.expect(0, &["sent twice", "written: specs/ok.yaml"]);
    assert_eq!(said.out, "", "the spec is in the file alone");
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 2);
    let spec = project.read("specs/ok.yaml");
    assert_eq!(
        spec,
        "# yaml-language-server: $schema=https://raw.githubusercontent.com/spanspec/spanspec/main/docs/spec.schema.json
# A draft by `spanspec record`: the request was sent twice; values that differed were left out.
# Ids, times, addresses, ports, threads, user agents and versions were left out, too.
name: POST /ok
request:
  post: ${URL}/ok
  json: { sku: A1, key: \"${uuid()}\" }
expect:
  status: 200
  headers:
    content-type: { starts_with: \"text/plain\" }
  json:
    $.id: order-7
  errors: 0
  services: [back, front]
  spans:
    - find: GET /it
      service: front
      count: 1
    - find: work
      service: back
      below: { service: front }
      count: 1
      attributes:
        attempts: 1
        payment.method: card
      # left out, because they vary: request.body
"
    );
    project.spanspec(&["lint"]).await.expect(0, &["no errors"]);
    project.run(&[]).await.expect(0, &["1 passed"]);
}

#[tokio::test]
async fn a_recorded_graphql_operation_passes_when_it_is_run() {
    let project = Project::with(&[]).await;
    let body = r#"{ "query": "query Order { order(id: 7) { id } }" }"#;
    let arguments = ["-o", "specs/g.yaml", "--", "POST", "${URL}/graphql", body];
    record(&project, &arguments).await.expect(0, &["written"]);
    let spec = project.read("specs/g.yaml");
    let expected = "\
name: query Order
graphql:
  url: ${URL}/graphql
  query: \"query Order { order(id: 7) { id } }\"
expect:
  status: 200
";
    assert!(spec.contains(expected), "{spec}");
    project.run(&[]).await.expect(0, &["1 passed"]);
}

#[tokio::test]
async fn a_draft_goes_to_standard_output_unless_a_file_is_named() {
    let project = Project::with(&[]).await;
    let said = record(
        &project,
        &["--times", "1", "--name", "it works", "${URL}/ok"],
    )
    .await;
    said.expect(0, &["sent once"]);
    assert!(
        said.out
            .contains("name: it works\nrequest: GET ${URL}/ok\n"),
        "{}",
        said.out
    );
    assert!(said.out.contains("only be guessed"), "{}", said.out);
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_address_that_has_a_name_is_written_by_it() {
    let project = Project::with(&[]).await;
    let url = project.system.url.clone();
    let base = format!("BASE_URL={url}/");
    let target = format!("{url}/ok?a=1");
    let said = record(&project, &["--times", "1", "--var", &base, &target]).await;
    said.expect(0, &["name: GET ok\nrequest: GET ${BASE_URL}ok?a=1\n"]);
    let base = format!("BASE_URL={url}");
    let said = record(&project, &["--times", "1", "--var", &base, &target]).await;
    said.expect(0, &["name: GET /ok\nrequest: GET ${BASE_URL}/ok?a=1\n"]);
    let said = record(&project, &["--times", "1", &target]).await;
    said.expect(0, &[&format!("request: GET {target}\n")]);
}

#[tokio::test]
async fn credentials_are_written_as_variables() {
    let project = Project::with(&[]).await;
    let arguments = [
        "-o",
        "specs/ok.yaml",
        "-H",
        "Authorization: Bearer s3cr3t-t0ken",
        "--body",
        "s3cr3t-t0ken",
        "--",
        "POST",
        "${URL}/ok",
    ];
    record(&project, &arguments).await.expect(0, &["written"]);
    let spec = project.read("specs/ok.yaml");
    assert!(spec.contains("Authorization: Bearer ${TOKEN}"), "{spec}");
    assert!(spec.contains("# TOKEN: the header Authorization"), "{spec}");
    assert!(!spec.contains("s3cr3t-t0ken"), "{spec}");
    project
        .run(&[])
        .await
        .expect(2, &["undefined variable `TOKEN`"]);
    project
        .run(&["--var", "TOKEN=other"])
        .await
        .expect(0, &["1 passed"]);
}

#[tokio::test]
async fn a_file_is_replaced_only_by_force_and_before_anything_is_fired() {
    let project = Project::with(&[("ok.yaml", "mine")]).await;
    let arguments = ["-o", "specs/ok.yaml", "${URL}/ok"];
    record(&project, &arguments).await.expect(
        2,
        &[
            "specs/ok.yaml is there already",
            "--force",
            "nothing was fired",
        ],
    );
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 0);
    assert_eq!(project.read("specs/ok.yaml"), "mine");
    let forced = ["--force", "-o", "specs/ok.yaml", "${URL}/ok"];
    record(&project, &forced).await.expect(0, &["written"]);
    assert!(project.read("specs/ok.yaml").contains("find: work"));
}

#[tokio::test]
async fn without_a_trace_nothing_is_written_and_the_reason_is_told() {
    let project = Project::with(&[]).await;
    let arguments = ["--timeout", "1s", "-o", "specs/fine.yaml", "${URL}/fine"];
    record(&project, &arguments).await.expect(
        3,
        &[
            "ERROR GET /fine",
            "no telemetry arrived at all",
            "nothing was written",
        ],
    );
    assert!(!project.path().join("specs/fine.yaml").exists());
}

#[tokio::test]
async fn a_request_that_cannot_be_understood_is_not_fired() {
    let project = Project::with(&[]).await;
    for (arguments, expected) in [
        (
            vec!["POST"],
            "`POST` is no request: write METHOD URL [JSON]",
        ),
        (vec!["grpc"], "or grpc HOST:PORT/SERVICE/METHOD [JSON]"),
        (
            vec!["--body", "x", "grpc", "127.0.0.1:1/a.B/C"],
            "--body is not for gRPC",
        ),
        (
            vec!["--proto", "a.proto", "${URL}/ok"],
            "--proto and --include are for gRPC",
        ),
        (vec!["${URL}/ok", "POST"], "is no request"),
        (vec!["POST", "${URL}/ok", "{"], "the body is not JSON"),
        (
            vec!["--body", "x", "POST", "${URL}/ok", "{}"],
            "there are two bodies",
        ),
        (vec!["${URI}/ok"], "undefined variable `URI`"),
        (vec!["ftp://x/ok"], "is not an http or https URL"),
        (vec!["-H", "novalue", "${URL}/ok"], "write 'NAME: VALUE'"),
        (
            vec!["-H", "traceparent: 1", "${URL}/ok"],
            "spanspec sends its own with each request",
        ),
    ] {
        record(&project, &arguments).await.expect(2, &[expected]);
    }
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 0);
}
