//! Secrets stay secret wherever they turn up, and output of services cannot command a terminal or CI.

use super::system::{Project, Said, said};

/// Each of them as it is, and as base64 of `user:hunter2+x`.
const SHOWN: [&str; 3] = ["hunter2", "HUNTER2", "aHVudGVyMi"];

/// A project with one service; the receiver takes any port.
async fn project(service: &str, spec: &str) -> Project {
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.write(
        "spanspec.yaml",
        &format!(
            "vars: {{ DB: \"postgres://app:${{TOKEN}}@db/x\" }}\nsecrets: [TOKEN]\nreceiver: {{ listen: [127.0.0.1:0] }}\ndefaults: {{ wait: {{ flush: 100ms }} }}\n{service}"
        ),
    );
    project
}

async fn with_token(project: &Project, arguments: &[&str]) -> Said {
    let mut command = project.command(arguments);
    command.env("TOKEN", "hunter2+x");
    said(command).await
}

#[track_caller]
fn shows_no_secret(said: &Said) {
    let all = format!("{}{}", said.out, said.err);
    for secret in SHOWN {
        assert!(!all.contains(secret), "{secret} in:\n{all}");
    }
    assert!(all.contains("[masked]"), "{all}");
}

const SPEC: &str = "trace_id: 4bf92f3577b34da6a3ce929d0e0e4736\nexpect: { errors: 0 }\n";

#[cfg(unix)]
#[tokio::test]
async fn output_of_services_and_builds_shows_no_secret() {
    let service = "services:
  app:
    build: [sh, -c, \"echo built with $TOKEN; echo ${TOKEN} | base64 >&2\"]
    run: [sh, -c, \"echo connecting to $DB; echo $TOKEN >&2; exec sleep 60\"]
    env: { DB: \"${DB}\" }
    ready: { log: =~ connecting }
";
    let project = project(service, SPEC).await;
    let exec = with_token(&project, &["exec", "--verbose", "--", "true"]).await;
    exec.expect(
        0,
        &["[app] built with [masked]", "postgres://app:[masked]@db/x"],
    );
    shows_no_secret(&exec);
    let run = with_token(&project, &["run", "--verbose", "--timeout", "1ms"]).await;
    run.expect(3, &["[app] built with [masked]", "[app] [masked]"]);
    shows_no_secret(&run);
}

#[cfg(unix)]
#[tokio::test]
async fn a_service_or_build_that_fails_shows_no_secret() {
    for service in [
        "services: { app: { run: \"sh -c 'echo ${TOKEN}; exit 3'\", ready: { log: =~ never } } }\n",
        "services: { app: { build: \"sh -c 'echo ${TOKEN}; exit 3'\", run: \"true\" } }\n",
        "services: { app: { run: \"no-such-${TOKEN}\" } }\n",
        "services: { app: { run: sleep 60, ready: \"http://127.0.0.1:1/${TOKEN}\", start_timeout: 10ms } }\n",
    ] {
        let project = project(service, SPEC).await;
        for command in [
            ["run", "--report=junit=r.xml", "--report=html=r.html"].as_slice(),
            &["exec", "--", "true"],
            &["record", "http://127.0.0.1:1/"],
        ] {
            let said = with_token(&project, command).await;
            assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
            shows_no_secret(&said);
        }
        for file in ["r.xml", "r.html"] {
            let text = project.read(file);
            assert!(SHOWN.iter().all(|secret| !text.contains(secret)), "{text}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_line_that_is_quoted_in_part_shows_no_part_of_a_secret() {
    // The secret begins five characters before the end of the quoted part.
    let before = format!("connection refused {}", "x".repeat(176));
    let service = format!(
        "services: {{ app: {{ run: \"sh -c 'echo {before}${{TOKEN}}; exit 3'\", ready: {{ log: =~ never }} }} }}\n"
    );
    let project = project(&service, SPEC).await;
    let said = with_token(&project, &["run"]).await;
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains("it wrote `connection refused"), "{all}");
    assert!(!all.contains("hunte"), "{all}");
}

#[tokio::test]
async fn an_error_that_quotes_a_secret_shows_neither_it_nor_its_length() {
    let spec = "vars: { STATUS: \"${TOKEN}\" }\nrequest: GET http://127.0.0.1:1/\nexpect: { status: \"${STATUS}\" }\n";
    let project = project("", spec).await;
    for command in ["run", "lint"] {
        let said = with_token(&project, &[command]).await;
        said.expect(2, &["`[masked]`"]);
        shows_no_secret(&said);
    }
    project.write(
        "specs/a.yaml",
        "request: GET http://127.0.0.1:1/\nexpect: { status: hunter2+x }\n",
    );
    let said = with_token(&project, &["run"]).await;
    said.expect(2, &["status: [masked]", "          ^^^^^^^^ "]);
    shows_no_secret(&said);
}

#[tokio::test]
async fn a_name_of_a_secret_that_stands_for_nothing_is_an_error() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    project.write("spanspec.yaml", "vars: { TOKEN: x }\nsecrets: [TOKN]\n");
    for command in [["run"].as_slice(), &["exec", "--", "true"], &["lint"]] {
        let said = project.spanspec(command).await;
        said.expect(
            2,
            &[
                "error: undefined secret `TOKN`",
                "spanspec.yaml:2:11",
                "did you mean `TOKEN`?",
            ],
        );
    }
    project.write("spanspec.yaml", "vars: { TOKEN: x }\n");
    let said = project.spanspec(&["run", "--secret", "NO_SUCH"]).await;
    said.expect(2, &["undefined secret `NO_SUCH`", "--secret"]);
    // A spec has it, also where another one is selected.
    project.write("specs/b.yaml", &format!("vars: {{ OWN: abc }}\n{SPEC}"));
    let said = project
        .spanspec(&["lint", "specs/a.yaml", "--secret", "OWN"])
        .await;
    said.expect(0, &["no errors"]);
}

#[cfg(unix)]
#[tokio::test]
async fn output_of_services_obeys_neither_a_terminal_nor_a_ci_system() {
    let service = r#"services:
  app:
    run: [sh, -c, "printf '::error::x\\n##[error]y\\na\\rb\\v\\f\\a\\033[31mred\\302\\233c\\n'; exec sleep 60"]
    ready: { log: =~ red }
"#;
    let project = project(service, SPEC).await;
    let mut command = project.command(&["exec", "--verbose", "--", "true"]);
    command
        .env("TOKEN", "unused-here")
        .env("GITHUB_ACTIONS", "true");
    let said = said(command).await;
    said.expect(
        0,
        &[
            "[app] ::error::x\n",
            "[app] #\\#[error]y\n",
            r"[app] a\rb\u{c}red\u{9b}c",
        ],
    );
    let is_obeyed = |char: char| char.is_control() && char != '\n';
    assert!(!said.err.contains(is_obeyed), "{:?}", said.err);
    assert!(
        !said
            .err
            .lines()
            .any(|line| line.trim_start().starts_with("::"))
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_last_lines_of_a_service_that_died_are_no_commands_to_ci() {
    let service = "services: { app: { run: [sh, -c, \"echo ::error::x; exit 3\"], ready: { log: =~ never } } }\n";
    let project = project(service, SPEC).await;
    let mut command = project.command(&["exec", "--", "true"]);
    command.env("TOKEN", "unused-here");
    let said = said(command).await;
    said.expect(3, &["::error::x"]);
    assert!(
        !said
            .err
            .lines()
            .any(|line| line.trim_start().starts_with("::")),
        "{}",
        said.err
    );
}

#[tokio::test]
async fn run_and_record_know_the_same_credentials() {
    let project = Project::with(&[(
        "a.yaml",
        "request: { post: \"${URL}/ok\", headers: { api-key: k3y-7-echoed }, body: 'k3y-7-echoed' }\nexpect: { spans: [{ find: work, attributes: { request.body: x } }] }\n",
    )])
    .await;
    let run = project.run(&["--verbose"]).await;
    run.expect(1, &["[masked]"]);
    assert!(!run.out.contains("k3y-7"), "{}", run.out);
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    for header in ["api-key", "X-Api-Key", "X-Session-Id"] {
        let header = format!("{header}: k3y-7-echoed");
        let said = project
            .spanspec(&[
                "record",
                "--listen",
                &listen,
                "-H",
                &header,
                "--body",
                "it is k3y-7-echoed",
                "--",
                "POST",
                "${URL}/ok",
            ])
            .await;
        said.expect(0, &["sent twice"]);
        assert!(!said.out.contains("k3y-7"), "{}", said.out);
    }
}
