//! Execution of specs: verdicts, order, concurrency.

use std::sync::atomic::Ordering;

use super::system::Project;

const HOLDS: &str = "
name: it holds
request: GET ${URL}/ok
expect:
  status: 200
  errors: 0
  orphans: 0
  services: [front, back]
  edges: [front -> back]
  sequence: [GET /it, work]
  trace_duration: < 1s
  spans:
    - find: work
      count: 1
      below: { service: front }
      attributes: { payment.method: card, attempts: 1 }
      duration: < 60ms
    - find: never
      count: 0
";

#[tokio::test]
async fn a_spec_that_holds_passes_with_exit_code_0() {
    let project = Project::with(&[("a.yaml", HOLDS)]).await;
    let said = project.run(&[]).await;
    // The duration is 50 ms, and the limit above is not reached.
    said.expect(0, &["PASS  it holds", "1 passed"]);
}

#[tokio::test]
async fn specs_run_side_by_side_and_a_lock_keeps_them_apart() {
    let spec = |name: &str, body: &str, lock: &str| {
        format!("name: {name}\n{lock}request: GET ${{URL}}/company\nexpect: {{ body: {body} }}\n")
    };
    let free = [spec("one", "together", ""), spec("two", "together", "")].join("---\n");
    let project = Project::with(&[("a.yaml", &free)]).await;
    project.run(&[]).await.expect(0, &["2 passed"]);

    let lock = "lock: cart\n";
    let locked = [spec("one", "alone", lock), spec("two", "alone", lock)].join("---\n");
    let project = Project::with(&[("a.yaml", &locked)]).await;
    project.run(&[]).await.expect(0, &["2 passed"]);
}

#[tokio::test]
async fn with_one_job_specs_run_one_after_the_other() {
    let spec = "request: GET ${URL}/company\nexpect: { body: alone }\n";
    let project = Project::with(&[("a.yaml", spec), ("b.yaml", spec)]).await;
    let mut command = project.command(&["run", "--listen", "127.0.0.1:0"]);
    command.env("SPANSPEC_JOBS", "1");
    super::system::said(command).await.expect(0, &["2 passed"]);
}

#[tokio::test]
async fn captures_flow_from_step_to_step_and_cookies_with_them() {
    let project = Project::with(&[(
        "a.yaml",
        "
setup:
  - request: GET ${URL}/fine
steps:
  - request: GET ${URL}/ok
    capture: { order: $.id, method: { find: work, attribute: payment.method } }
    expect: { json: { $.id: \"${order}\" }, spans: [{ find: work, attributes: { payment.method: \"${method}\" } }] }
  - request: GET ${URL}/cookie?order=${order}&by=${method}
    expect: { body: session=cookie-value-1 }
",
    )])
    .await;
    project.run(&[]).await.expect(0, &["1 passed"]);
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_step_that_fails_ends_the_steps_but_not_the_teardown() {
    let project = Project::with(&[(
        "a.yaml",
        "
steps:
  - request: GET ${URL}/broken
    expect: { status: 200 }
  - request: GET ${URL}/fine
    expect: { status: 200 }
teardown:
  - request: GET ${URL}/fine
",
    )])
    .await;
    project
        .run(&[])
        .await
        .expect(1, &["found 500", "the response says: out of order"]);
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_setup_that_fails_makes_the_spec_errored_and_nothing_is_tested() {
    let project = Project::with(&[(
        "a.yaml",
        "
setup:
  - request: GET ${URL}/broken
request: GET ${URL}/fine
expect: { status: 200 }
",
    )])
    .await;
    project
        .run(&[])
        .await
        .expect(3, &["ERROR a", "setup", "found 500"]);
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_passes_at_a_second_attempt_is_passed_and_called_flaky() {
    let spec = "run: sh -c 'test -e flag || { touch flag; exit 1; }'\nexpect: { stdout: \"\" }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project
        .run(&["--retries", "1"])
        .await
        .expect(0, &["FLAKY", "1 passed (1 flaky)"]);
    std::fs::remove_file(project.path().join("specs/flag")).unwrap();
    project
        .run(&["--retries", "1", "--fail-flaky"])
        .await
        .expect(
            1,
            &[
                "FLAKY",
                "a spec passed only after a retry, which fails the run (--fail-flaky)",
            ],
        );
    std::fs::remove_file(project.path().join("specs/flag")).unwrap();
    project.run(&[]).await.expect(1, &["expected 0, found 1"]);
}

#[tokio::test]
async fn fail_fast_leaves_the_rest_unrun_and_says_so() {
    let spec = "request: GET ${URL}/broken\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec), ("b.yaml", spec), ("c.yaml", spec)]).await;
    let said = project.run(&["--fail-fast", "--jobs", "1"]).await;
    said.expect(1, &["1 failed", "2 not run", "--fail-fast"]);
}

#[tokio::test]
async fn a_request_that_is_not_sampled_may_leave_no_span() {
    let project = Project::with(&[(
        "a.yaml",
        "request: { get: \"${URL}/fine\", sampled: false }\nexpect: { span_count: 0 }\n",
    )])
    .await;
    project.run(&[]).await.expect(0, &["1 passed"]);
}

#[tokio::test]
async fn a_skipped_spec_is_told_with_its_reason_and_not_fired() {
    let project = Project::with(&[(
        "a.yaml",
        "skip: waits for the new API\nrequest: GET ${URL}/ok\nexpect: { status: 200 }\n",
    )])
    .await;
    project
        .run(&[])
        .await
        .expect(0, &["waits for the new API", "1 skipped"]);
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_stops_the_services_and_still_writes_the_reports() {
    use super::system::said;
    let project = Project::with(&[(
        "a.yaml",
        "request: GET ${URL}/hang\nexpect: { status: 200 }\nteardown: [{ run: touch cleaned-up }]\n",
    )])
    .await;
    let url = project.system.url.clone();
    project.write(
        "spanspec.yaml",
        &format!(
            "vars: {{ URL: \"{url}\" }}\nservices: {{ idle: {{ run: \"sh -c 'echo $$ > pid; exec sleep 600'\" }} }}\n"
        ),
    );
    let mut command =
        project.command(&["run", "--report", "junit=j.xml", "--report", "json=r.json"]);
    let child = command.spawn().unwrap();
    let pid = child.id().unwrap().to_string();
    let fired = || project.system.requests.load(Ordering::SeqCst) > 0;
    eventually("the request is fired", fired).await;
    let kill = |arguments: &[&str]| {
        let mut kill = tokio::process::Command::new("kill");
        kill.args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        kill
    };
    said(kill(&["-INT", &pid])).await;
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("interrupted: 1 stopped"), "{text}");
    assert!(
        project
            .read("j.xml")
            .contains("stopped: interrupted while it ran")
    );
    assert!(
        project.path().join("specs/cleaned-up").exists(),
        "teardown ran"
    );
    assert!(project.read("r.json").contains("\"interrupted\": true"));
    let service = project.read("pid");
    assert_ne!(
        said(kill(&["-0", service.trim()])).await.code,
        Some(0),
        "the service runs on"
    );
}

#[cfg(unix)]
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("still waiting: {what}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_service_that_sent_no_span_in_the_whole_run_is_noted() {
    let spec = "run: \"true\"\nexpect: { exit_code: 0 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let file = "
services:
  app:
    run: [sh, -c, \"echo ready; exec sleep 60\"]
    env: { OTEL_SERVICE_NAME: silent }
    ready: { log: =~ ready }
";
    project.write("spanspec.yaml", file);
    let note = "no span arrived with `service.name` `silent`: checks";
    let said = project.run(&[]).await;
    said.expect(0, &["1 passed"]);
    let text = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(note), "{}", said.out);
}

#[tokio::test]
async fn a_flag_can_be_set_by_1_in_the_environment() {
    let spec = "run: \"true\"\nexpect: { exit_code: 0 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let mut command = project.run_command(&[]);
    command.env("SPANSPEC_LIST", "1");
    super::system::said(command)
        .await
        .expect(0, &["specs/a.yaml"]);
}

#[cfg(unix)]
#[tokio::test]
async fn commands_have_the_defaults_of_the_project_file_unless_they_have_their_own() {
    let specs = r#"
name: the defaults
vars: { WHO: anna }
run: echo "$GREETING ${WHO} in $(basename "$PWD")" && echo "$MORE"
expect: { stdout: { equals: "hello to anna in scripts\nmore\n" } }
---
name: a list has no shell
run: [printf, "%s", "$GREETING && ${VALUE}"]
vars: { VALUE: a; b }
expect: { stdout: $GREETING && a; b }
---
name: its own
vars: { WHO: anna }
run:
  command: printenv GREETING MORE
  env: { GREETING: bye }
  dir: .
  shell: false
expect: { stdout: { equals: "bye\nmore\n" } }
---
name: values are quoted for the shell
vars: { VALUE: "a; echo b" }
run: { command: "echo ${VALUE} | tr a-z A-Z", shell: true }
expect: { stdout: { equals: "A; ECHO B\n" } }
"#;
    let project = Project::with(&[("a.yaml", specs)]).await;
    project.write("scripts/empty", "");
    project.write(
        "spanspec.yaml",
        "defaults:\n  run:\n    env: { GREETING: \"hello to\", MORE: more }\n    dir: scripts\n    shell: true\n",
    );
    project.run(&[]).await.expect(0, &["4 passed"]);

    project.write(
        "spanspec.yaml",
        "defaults:\n  run: { env: { GREETING: \"${WHOM}\" } }\n",
    );
    let said = project.run(&[]).await;
    said.expect(2, &["spanspec.yaml:2:28", "`WHOM`"]);
    assert_eq!(
        said.err.matches("spanspec.yaml:2:28").count(),
        1,
        "{}",
        said.err
    );
}
