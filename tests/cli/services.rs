//! Services of the project file: which of them start, and what is said if they do not.

use super::system::Project;

/// Each service adds its name to the file `started`.
const SERVICES: &str = r#"
services:
  db: { run: [sh, -c, "echo db >> started; echo up; exec sleep 600"], ready: { log: =~ up } }
  shop:
    run: [sh, -c, "echo shop >> started; echo up; exec sleep 600"]
    ready: { log: =~ up }
    ports: { http: auto }
    depends_on: [db]
  mail:
    run: [sh, -c, "echo mail >> started; echo up; exec sleep 600"]
    ready: { log: =~ up }
    ports: { http: auto }
    env: { OTEL_SERVICE_NAME: mailer }
"#;

/// A spec that needs these services.
fn needing(services: &str) -> String {
    format!("services: {services}\nrequest: GET ${{URL}}/fine\nexpect: {{ status: 200 }}\n")
}

pub(super) async fn project(specs: &[(&str, &str)]) -> Project {
    let project = Project::with(specs).await;
    let file = project.read("spanspec.yaml") + SERVICES;
    project.write("spanspec.yaml", &file);
    project
}

/// The services that were started since the last call, sorted.
pub(super) fn started(project: &Project) -> Vec<String> {
    let path = project.path().join("started");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = std::fs::remove_file(path);
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[tokio::test]
async fn only_services_that_the_selected_specs_need_are_started() {
    let skipped = format!("skip: later\n{}", needing("[mail]"));
    let specs = [
        ("shop.yaml", needing("shop")),
        ("mail.yaml", needing("[mail]")),
        ("none.yaml", needing("[]")),
        ("all.yaml", needing("[]").replace("services: []\n", "")),
        ("skipped.yaml", skipped),
    ];
    let specs: Vec<(&str, &str)> = specs.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let project = project(&specs).await;
    for (files, services) in [
        (&["shop", "skipped"][..], &["db", "shop"][..]),
        (&["mail", "none"], &["mail"]),
        (&["mail", "shop"], &["db", "mail", "shop"]),
        (&["none"], &[]),
        (&["none", "all"], &["db", "mail", "shop"]),
    ] {
        let files: Vec<String> = files
            .iter()
            .map(|file| format!("specs/{file}.yaml"))
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        project.run(&files).await.expect(0, &["passed"]);
        assert_eq!(started(&project), services, "{files:?}");
    }
    let exec = project.spanspec(&["exec", "--", "true"]).await;
    exec.expect(0, &[]);
    assert_eq!(started(&project), ["db", "mail", "shop"]);
}

#[tokio::test]
async fn a_service_that_is_not_there_or_not_listed_is_an_error_with_its_place() {
    let unknown = needing("[db, shp]");
    let port = "services: [shop]\nrequest: GET http://127.0.0.1:${services.mail.http}/\nexpect: { status: 200 }\n";
    let through_vars = "services: [db]\nrequest: GET ${SHOP}/\nexpect: { status: 200 }\n";
    let absent = "services: [shop]\nrequest: GET ${URL}/ok\nexpect:\n  services: [mailer]\n  edges: [shop -> mailer]\n  spans:\n    - { find: { service: mailer }, count: 0 }\n    - { find: { service: [shop, mailer] }, count: 1.. }\n    - { find: { service: =~ ^mail }, count: 0 }\n    - { find: { service: =~ shop|mail }, count: 1.. }\n";
    let lists = "services: [db]
request: GET ${URL}/ok
expect:
  spans:
    - { find: { resource: { service.name: mailer } }, count: 0 }
    - { find: { service: [=~ ^mail] }, count: 0 }
    - { find: { service: [mailer, =~ ^sh] }, count: 0 }
    - { find: { service: { starts_with: mail, not: mailman } }, count: 0 }
    - { find: { service: [mailer, =~ ^db] }, count: 0 }
    - { find: { service: [mailer, elsewhere] }, count: 0 }
    - { find: { service: { not: db } }, count: 0 }
";
    let specs = [
        ("a.yaml", unknown.as_str()),
        ("b.yaml", port),
        ("c.yaml", through_vars),
        ("d.yaml", absent),
        ("e.yaml", lists),
    ];
    let project = project(&specs).await;
    let file = project.read("spanspec.yaml");
    let vars = "SHOP: \"http://127.0.0.1:${services.shop.http}\", URL";
    project.write("spanspec.yaml", &file.replacen("URL", vars, 1));
    let said = project.spanspec(&["lint"]).await;
    said.expect(
        2,
        &[
            "error: unknown service `shp`\n --> specs/a.yaml:1:16\n",
            "help: did you mean `shop`?",
            "`services.mail.http` is a port of a service that is not started for this spec\n --> specs/b.yaml:2:",
            "help: add the service to `services` of the spec",
            " --> specs/c.yaml:2:10\n",
            "the service `mail` is not started for this spec\n --> specs/d.yaml:4:14\n",
            " --> specs/d.yaml:5:11\n",
            " --> specs/d.yaml:7:26\n",
            " --> specs/d.yaml:9:26\n",
            "help: add `mail` to `services` of the spec, or remove this condition",
            " --> specs/e.yaml:5:43\n",
            " --> specs/e.yaml:6:26\n",
            " --> specs/e.yaml:7:26\n",
            " --> specs/e.yaml:8:26\n",
            "11 errors",
        ],
    );
}

#[tokio::test]
async fn a_captured_name_of_a_service_that_is_not_started_is_an_error() {
    let spec = "
services: [shop]
steps:
  - run: printf mailer
    capture: { svc: { stdout: \"=~ .+\" } }
  - request: GET ${URL}/ok
    expect:
      spans: [ { find: { service: \"${svc}\" }, count: 0 } ]
";
    let project = project(&[("a.yaml", spec)]).await;
    project.spanspec(&["lint"]).await.expect(0, &["no errors"]);
    project.run(&[]).await.expect(
        3,
        &[
            "the service `mail` is not started for this spec",
            "specs/a.yaml:8",
        ],
    );
}

#[tokio::test]
async fn a_call_that_fails_names_the_services_that_are_not_started() {
    let spec = "services: [shop]\nrequest: GET ${URL}/refused\nexpect: { errors: 0 }\n";
    let project = project(&[("a.yaml", spec)]).await;
    let hint = "not started for this spec: `mail`; if the call that failed needs one of them, add";
    project.run(&[]).await.expect(1, &[hint]);
    project.write("specs/a.yaml", &spec.replace("services: [shop]\n", ""));
    let all = project.run(&[]).await;
    all.expect(1, &["connection refused"]);
    assert!(!all.out.contains("not started"), "{}", all.out);
}

#[tokio::test]
async fn the_flush_bound_of_started_services_does_not_apply_without_services() {
    let spec = |services| {
        format!(
            "services: {services}\nrequest: GET ${{URL}}/ok\nwait: {{ timeout: 2s }}\nexpect: {{ errors: 0 }}\n"
        )
    };
    let project = project(&[("a.yaml", &spec("[db]")), ("b.yaml", &spec("[]"))]).await;
    let file = project.read("spanspec.yaml");
    let defaults = file
        .lines()
        .find(|line| line.starts_with("defaults"))
        .unwrap();
    project.write("spanspec.yaml", &file.replace(defaults, ""));
    let said = project.spanspec(&["lint"]).await;
    said.expect(0, &["assumed to be 5.5 s\n --> specs/b.yaml:3:18"]);
    assert!(!said.err.contains("specs/a.yaml"), "{}", said.err);
}
