//! Specs are understood before anything is fired.

use std::sync::atomic::Ordering;

use super::system::Project;

#[tokio::test]
async fn all_mistakes_are_told_at_once_and_nothing_is_fired() {
    let spec = "
request: GET ${URL}/ok
expect:
  status: 2000ms
  spanz: []
  spans: [{ find: work, duration: 600 }]
";
    let good = "request: GET ${URL}/ok\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec), ("b.yaml", good)]).await;
    let said = project.run(&[]).await;
    said.expect(
        2,
        &[
            "a status code cannot be `2000ms`",
            "specs/a.yaml:5:3",
            "did you mean `spans`?",
            "write `< 600ms`",
            "3 errors; nothing was run",
        ],
    );
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 0);
    project.spanspec(&["lint"]).await.expect(2, &["3 errors"]);
}

#[tokio::test]
async fn an_error_in_one_part_of_the_project_file_does_not_hide_those_in_services() {
    let project = Project::with(&[]).await;
    let file = "
defaults: { wat: 1 }
services:
  shop: { run: serve && wait, ready: grpc://shop }
  stock: { run: serve, depends_on: [shop, bank], env: { A: \"${UNDEFINED}\" } }
";
    project.write("spanspec.yaml", file);
    project.spanspec(&["lint"]).await.expect(
        2,
        &[
            "unknown key `wat`",
            "`&&` has no meaning without a shell",
            "invalid `ready`: `grpc://shop`",
            "unknown service `bank`",
            "undefined variable `UNDEFINED`",
            "5 errors",
        ],
    );
}

#[tokio::test]
async fn an_address_of_metrics_is_the_url_of_a_service() {
    let project = Project::with(&[]).await;
    let file = "
services:
  shop: { run: serve, scrape: /metrics }
  stock: { run: serve, scrap: http://127.0.0.1:1/metrics }
  bank: { run: serve, scrape: [http://127.0.0.1:1/metrics] }
scrape: http://127.0.0.1:1/metrics
";
    project.write("spanspec.yaml", file);
    project.spanspec(&["lint"]).await.expect(
        2,
        &[
            "spanspec.yaml:3:31",
            "invalid `scrape`: `/metrics`",
            "write the URL of the metrics, such as `http://127.0.0.1:${services.shop.http}/metrics`",
            "spanspec.yaml:4:24",
            "did you mean `scrape`?",
            "`scrape` must be a single value, found a list",
            "unknown key `scrape` in a project file",
            "4 errors",
        ],
    );
}

#[tokio::test]
async fn a_variable_of_the_command_line_that_nothing_uses_is_warned_of() {
    let spec = "request: GET ${URL}/${kind}\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let warning = "warning: --var knd has no effect: no spec and no project file contains `${knd}`; did you mean `kind`?";
    let arguments = ["--var", "knd=fine", "--var", "kind=fine"];
    let ran = project.run(&arguments).await;
    ran.expect(0, &[warning]);
    assert!(!ran.err.contains("--var kind"), "{}", ran.err);
    let lint = [&["lint"][..], &arguments].concat();
    project.spanspec(&lint).await.expect(0, &[warning]);
}

#[tokio::test]
async fn variables_of_a_spec_that_nothing_uses_are_warned_of() {
    let spec = "vars: { path: \"f${end}\", end: ine, lost: 1, hidden: 2 }\nrequest: GET ${URL}/${path}\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let linted = project.spanspec(&["lint", "--secret", "hidden"]).await;
    linted.expect(
        0,
        &[
            "warning: nothing uses the variable `lost`\n --> specs/a.yaml:1:36",
            "help: remove it, or write `${lost}` where its value belongs",
        ],
    );
    assert_eq!(linted.err.matches("warning:").count(), 1, "{}", linted.err);
}

#[tokio::test]
async fn strings_that_are_nearly_matchers_are_warned_of() {
    let spec = "request: GET ${URL}/fine\nexpect:\n  headers: { a: present, b: \"present\", c: \"^x\" }\n  body: contains ok\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let linted = project.spanspec(&["lint"]).await;
    linted.expect(
        0,
        &[
            "warning: `present` is compared as a string\n --> specs/a.yaml:3:17",
            "help: write `exists`; for the string itself, write \"present\"",
            "help: write `=~ ^x`; for the string itself, write `{ equals: \"^x\" }`",
            "help: write `{ contains: ok }`; for the string itself, write \"contains ok\"",
        ],
    );
    assert_eq!(linted.err.matches("warning:").count(), 3, "{}", linted.err);
}

#[cfg(unix)]
#[tokio::test]
async fn a_variable_of_all_services_is_overridden_by_that_of_a_service() {
    let project = Project::with(&[]).await;
    let file = "
env: { A: all, B: all }
services:
  app:
    run: [sh, -c, \"echo has-$A-$B; exec sleep 60\"]
    env: { B: own }
    ready: { log: =~ has-all-own }
";
    project.write("spanspec.yaml", file);
    project
        .spanspec(&["exec", "--", "true"])
        .await
        .expect(0, &[]);
}

#[tokio::test]
async fn files_that_no_person_wrote_are_refused_quickly() {
    let project = Project::with(&[]).await;
    std::fs::create_dir(project.path().join("specs")).unwrap();
    std::fs::write(project.path().join("specs/a.yaml"), b"name: \xff").unwrap();
    project
        .spanspec(&["lint"])
        .await
        .expect(2, &["specs/a.yaml is not UTF-8 (byte 6, on line 1)"]);
    project.write("specs/a.yaml", &"[".repeat(5_000));
    project
        .spanspec(&["lint"])
        .await
        .expect(2, &["more than 64 levels of nesting"]);
    let large = std::fs::File::create(project.path().join("specs/a.yaml")).unwrap();
    large.set_len(100 << 20).unwrap();
    project
        .spanspec(&["lint"])
        .await
        .expect(2, &["specs/a.yaml is larger than 4 MiB"]);
}

#[tokio::test]
async fn lint_needs_no_ports_and_warns_of_services_that_do_not_say_when_they_are_ready() {
    let project = Project::with(&[(
        "a.yaml",
        "request: GET http://127.0.0.1:${services.app.http}/\nexpect: { status: 200 }\n",
    )])
    .await;
    project.write(
        "spanspec.yaml",
        "services: { app: { run: no-such-program, ports: { http: auto } } }\n",
    );
    let said = project.spanspec(&["lint"]).await;
    said.expect(0, &["1 spec in 1 file: no errors", "has no `ready`"]);
}

#[tokio::test]
async fn lint_warns_of_a_service_whose_sdk_ignores_our_variables() {
    let project = Project::with(&[(
        "a.yaml",
        "request: GET http://127.0.0.1:1/\nexpect: { status: 200 }\n",
    )])
    .await;
    project.write(
        "spanspec.yaml",
        "services:
  app:
    run: no-such-program
    ready: tcp://127.0.0.1:1
    env: { OTEL_CONFIG_FILE: otel.yaml }
",
    );
    let said = project.spanspec(&["lint"]).await;
    said.expect(
        0,
        &[
            "warning: `OTEL_CONFIG_FILE` makes the SDK of the service `app` ignore the variables that spanspec sets",
            "spanspec.yaml:5:12",
            "endpoint and export delay from that file",
        ],
    );
}

#[tokio::test]
async fn lint_warns_of_a_collector_that_exports_to_a_port_of_nobody() {
    let spec = "request: GET http://127.0.0.1:1/\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let file = "services:
  collector:
    run: otelcol --config collector.yaml
    ports: { otlp: 14317 }
    ready: tcp://127.0.0.1:14317
";
    project.write("spanspec.yaml", file);
    let collector = "exporters:
  debug: { endpoint: \"localhost:4318\" }
  otlp/self: { endpoint: \"localhost:14317\" }
  otlphttp/spanspec: { endpoint: \"${env:OTEL_EXPORTER_OTLP_ENDPOINT}\" }
  otlphttp:
    endpoint: http://127.0.0.1:4318
";
    project.write("collector.yaml", collector);
    let said = project.spanspec(&["lint"]).await;
    let warning = "warning: the exporter `otlphttp` of the service `collector` sends to a port that no part of this project listens on\n --> collector.yaml:6:15\n";
    let help = "help: write `${env:OTEL_EXPORTER_OTLP_ENDPOINT}`";
    said.expect(0, &[warning, help]);
    assert_eq!(said.err.matches("warning: ").count(), 1, "{}", said.err);
    let listening = format!("receiver: {{ listen: [4318] }}\n{file}");
    project.write("spanspec.yaml", &listening);
    let said = project.spanspec(&["lint"]).await;
    assert!(!said.err.contains("warning"), "{}", said.err);
}

#[tokio::test]
async fn lint_warns_of_a_budget_that_so_few_requests_cannot_prove() {
    let spec = "\
request: GET ${URL}/ok
repeat: { times: 20 }
budgets:
  - find: work
    p99: < 1s
    regression: none
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let said = project.spanspec(&["lint"]).await;
    said.expect(0, &["1 spec in 1 file: no errors"]);
    let warning = "\
warning: 20 requests cannot prove a p99: its bounds need 299
 --> specs/a.yaml:5:10
5 |     p99: < 1s
  |          ^^^^ not provable
  |
  = help: send at least 299 requests, or use p50
";
    assert!(said.err.contains(warning), "{}", said.err);
}

#[tokio::test]
async fn lint_prints_how_many_requests_prove_that_nothing_changed() {
    let spec = "\
name: work
request: GET ${URL}/ok
repeat: { times: 300 }
budgets: [{ find: work, regression: { p50: 20%, p95: 20% } }]
";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let said = project.spanspec(&["lint"]).await;
    said.expect(
        0,
        &[
            "specs/a.yaml › work: 300 requests are too few to prove OK if nothing changed: send about 490 for p50 of work, about 2,800 for p95 of work (estimated from typical durations)",
        ],
    );
}

#[tokio::test]
async fn a_variable_comes_from_the_command_line_before_all_files() {
    let spec = "vars: { WHAT: broken }\nrequest: GET ${URL}/${WHAT}\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.run(&[]).await.expect(1, &["found 500"]);
    project.write("vars.yaml", "WHAT: fine\n");
    project
        .run(&["--var-file", "vars.yaml"])
        .await
        .expect(0, &["1 passed"]);
    project
        .run(&["--var", "WHAT=fine"])
        .await
        .expect(0, &["1 passed"]);
    project
        .run(&["--var-file", "vars.yaml", "--var", "WHAT=broken"])
        .await
        .expect(1, &["found 500"]);
}

#[tokio::test]
async fn a_missing_variable_is_told_with_its_place() {
    let spec = "request: GET ${URL}/${WHTA}\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let said = project.run(&["--var", "WHAT=ok"]).await;
    said.expect(
        2,
        &[
            "undefined variable `WHTA`",
            "specs/a.yaml:1:21",
            "did you mean `WHAT`?",
        ],
    );
}

#[tokio::test]
async fn without_a_project_and_specs_the_user_reads_what_to_do() {
    let project = Project::with(&[]).await;
    std::fs::remove_file(project.path().join("spanspec.yaml")).unwrap();
    project.spanspec(&["run"]).await.expect(2, &["name a spec"]);
    project
        .spanspec(&["run", "nowhere"])
        .await
        .expect(2, &["no file, folder or match for `nowhere`"]);
}
