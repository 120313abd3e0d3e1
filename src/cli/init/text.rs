//! The contents of the files of a new project, and the text that is printed afterwards.

use std::path::Path;

use crate::schema::{PROJECT_URL, SPEC_URL};

use super::detect::{Found, Kind, Server, Service};

const SITE: &str = "https://github.com/spanspec/spanspec/blob/main/docs";

/// The project file: what is certain, and the services that were found as a comment.
pub(super) fn project(found: &Found) -> String {
    let services = &found.services;
    // One whose address is known, if there is any.
    let programs = || services.iter().filter(|one| one.is_program());
    let published = programs().find(|one| one.published.is_some());
    let first = published.or_else(|| programs().next());
    let name = first.map_or("app", |one| one.name.as_str());
    let port = first.and_then(|one| one.published).unwrap_or(8080);
    let heading = match services.as_slice() {
        [] => "The services that spanspec starts, for example:".to_owned(),
        services => format!("Found {}. The rest is guessed:", list(services)),
    };
    let blocks: String = match services.as_slice() {
        [] => service(&example(), false),
        services => services
            .iter()
            .map(|one| service(one, services.len() > 1))
            .collect(),
    };
    let blocks = format!("services:\n{blocks}");
    let commented: String = blocks.lines().map(|line| format!("# {line}\n")).collect();
    let notes: String = notes(found)
        .iter()
        .map(|note| format!("# {note}\n"))
        .collect();
    format!(
        "# yaml-language-server: $schema={PROJECT_URL}
# All keys: {SITE}/project.md
specs: [specs]
vars:
  # Services that run already; once spanspec starts them, see below, it is
  # BASE_URL: http://127.0.0.1:${{services.{name}.http}}
  BASE_URL: http://127.0.0.1:{port}

# {heading}
# Correct it and remove the `# ` before each line: `spanspec run` then starts and stops it.
# Instrumentation: {SITE}/instrument.md
{notes}{commented}"
    )
}

fn notes(found: &Found) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(file), [_, ..]) = (found.compose, found.omitted.as_slice()) {
        notes.push(format!(
            "Left out, because only a Dockerfile says how they start: {} of {file}.",
            found.omitted.join(", ")
        ));
    }
    if found.services.len() > 1 {
        notes.push(
            "A spec with `services: [a, b]` starts only these, and those that they depend on."
                .to_owned(),
        );
    }
    notes
}

fn list(services: &[Service]) -> String {
    let mut files: Vec<String> = Vec::new();
    for one in services {
        let file = match one.dir.as_str() {
            "" => one.file.to_owned(),
            dir => format!("{dir}/{}", one.file),
        };
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files.join(", ")
}

fn example() -> Service {
    Service {
        name: "app".to_owned(),
        dir: String::new(),
        file: "",
        kind: Kind::Node {
            script: "server.js".to_owned(),
        },
        port_variable: None,
        published: None,
        variables: Vec::new(),
        depends_on: Vec::new(),
    }
}

/// A service, as an entry of `services`.
fn service(service: &Service, has_dir: bool) -> String {
    let name = &service.name;
    let mut lines = vec![format!("  {name}:")];
    if let Kind::Image {
        image,
        port,
        environment,
    } = &service.kind
    {
        lines.extend(container(name, image, *port, environment));
    } else {
        lines.extend(program(service, has_dir));
    }
    if !service.depends_on.is_empty() {
        lines.push(format!(
            "    depends_on: [{}]",
            service.depends_on.join(", ")
        ));
    }
    lines.join("\n") + "\n"
}

fn program(service: &Service, has_dir: bool) -> Vec<String> {
    let name = &service.name;
    let port = format!("${{services.{name}.http}}");
    let start = start(service, &port);
    let mut lines: Vec<String> = start
        .notes
        .iter()
        .map(|note| format!("    # {note}"))
        .collect();
    if has_dir && !service.dir.is_empty() {
        lines.push(format!("    dir: {}", quoted(&service.dir)));
    }
    lines.extend(start.build.map(|build| format!("    build: {build}")));
    lines.push(format!("    run: {}", start.run));
    lines.push("    ports: { http: auto }".to_owned());
    lines.push("    env:".to_owned());
    lines.push(format!("      OTEL_SERVICE_NAME: {name}"));
    let more = start.env.into_iter();
    lines.extend(more.map(|(name, value)| format!("      {name}: {value}")));
    if !service.variables.is_empty() {
        let names = service.variables.join(", ");
        lines.push(format!("      # in Docker Compose also: {names}"));
    }
    lines.push(format!(
        "    ready: http://127.0.0.1:{port}/health   # or tcp://127.0.0.1:{port}"
    ));
    let timeout = start.timeout.into_iter();
    lines.extend(timeout.map(|timeout| format!("    start_timeout: {timeout}")));
    lines
}

/// A container of an image that is not built here, such as a database.
fn container(
    name: &str,
    image: &str,
    port: Option<u16>,
    environment: &[(String, String)],
) -> Vec<String> {
    let published = format!("${{services.{name}.tcp}}");
    let mut words = vec!["docker".to_owned(), "run".to_owned(), "--rm".to_owned()];
    if let Some(port) = port {
        words.extend(["-p".to_owned(), format!("127.0.0.1:{published}:{port}")]);
    }
    for (name, value) in environment {
        words.extend(["-e".to_owned(), format!("{name}={value}")]);
    }
    words.push(image.to_owned());
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let mut lines = vec![format!("    run: [{}]", words.join(", "))];
    match port {
        Some(_) => lines.extend([
            "    ports: { tcp: auto }".to_owned(),
            format!("    ready: tcp://127.0.0.1:{published}   # better: {{ log: =~ ready }}"),
        ]),
        None => lines.push("    ready: { log: =~ ready }".to_owned()),
    }
    lines.push("    start_timeout: 2m".to_owned());
    lines
}

/// A folder may be called as something that YAML reads as more than a text.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.');
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts_well && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

/// The commands that build and run a service with instrumentation.
#[derive(Default)]
struct Start {
    notes: Vec<String>,
    build: Option<String>,
    run: String,
    env: Vec<Variable>,
    timeout: Option<&'static str>,
}

fn start(service: &Service, port: &str) -> Start {
    let name = &service.name;
    let known = service.port_variable.as_deref();
    let of_port = |variable: &str| (variable.to_owned(), port.to_owned());
    let port_env = of_port(known.unwrap_or("PORT"));
    match &service.kind {
        Kind::Rust => Start {
            notes: in_code("opentelemetry_sdk, opentelemetry-otlp and a propagator"),
            build: Some("cargo build".to_owned()),
            run: format!("target/debug/{name}"),
            env: vec![port_env],
            timeout: None,
        },
        Kind::Go => Start {
            notes: in_code("otelhttp, autoexport and autoprop"),
            build: Some(format!("go build -o bin/{name} .")),
            run: format!("bin/{name}"),
            env: vec![port_env],
            timeout: None,
        },
        Kind::Node { script } => node(script, port_env),
        Kind::Python(server @ Server::Script { .. }) => python(server, port, Some(port_env)),
        Kind::Python(server) => python(server, port, known.map(of_port)),
        Kind::Maven { jar } => maven(name, jar.as_deref(), port, known.map(of_port)),
        Kind::Image { .. } => Start::default(),
        Kind::Gradle => java(
            "./gradlew -q assemble",
            &format!("build/libs/{name}.jar"),
            port,
            known.map(of_port),
        ),
    }
}

fn in_code(with: &str) -> Vec<String> {
    vec![format!("It is instrumented in its code, with {with}.")]
}

/// A variable of the environment, and its value.
type Variable = (String, String);

fn node(script: &str, port_env: Variable) -> Start {
    Start {
        notes: vec![
            "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node".to_owned(),
        ],
        build: None,
        run: format!("node --require @opentelemetry/auto-instrumentations-node/register {script}"),
        env: vec![
            port_env,
            (
                "OTEL_NODE_RESOURCE_DETECTORS".to_owned(),
                "env,host,os".to_owned(),
            ),
        ],
        timeout: None,
    }
}

fn python(server: &Server, port: &str, port_env: Option<Variable>) -> Start {
    let serve = match server {
        Server::Flask { module } => format!("flask --app {module} run --port {port}"),
        Server::Uvicorn { module } => format!("uvicorn {module}:app --port {port}"),
        Server::Django => format!("python manage.py runserver --noreload 127.0.0.1:{port}"),
        Server::Script { module } => format!("python {module}.py"),
    };
    let protocol = (
        "OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(),
        "http/protobuf".to_owned(),
    );
    Start {
        notes: vec![
            "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http".to_owned(),
            "opentelemetry-bootstrap -a install".to_owned(),
        ],
        build: None,
        run: format!("opentelemetry-instrument {serve}"),
        env: port_env.into_iter().chain([protocol]).collect(),
        timeout: None,
    }
}

fn maven(name: &str, jar: Option<&str>, port: &str, port_env: Option<Variable>) -> Start {
    let path = format!("target/{}.jar", jar.unwrap_or(name));
    let mut start = java("mvn -q -DskipTests package", &path, port, port_env);
    if jar.is_none() {
        let note = "pom.xml does not contain the version: correct the name of the jar";
        start.notes.push(note.to_owned());
    }
    start
}

fn java(build: &str, jar: &str, port: &str, port_env: Option<Variable>) -> Start {
    Start {
        notes: vec![
            "https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases"
                .to_owned(),
        ],
        build: Some(build.to_owned()),
        run: format!("java -javaagent:opentelemetry-javaagent.jar -jar {jar} --server.port={port}"),
        env: port_env.into_iter().collect(),
        timeout: Some("2m"),
    }
}

/// A first spec, which most services can pass once their address is right.
pub(super) fn spec() -> String {
    format!(
        "# yaml-language-server: $schema={SPEC_URL}
# A first spec; {SITE}/spec.md describes every key.
name: the service answers, and no span of the trace is an error
request: GET ${{BASE_URL}}/
expect:
  status: 2xx
  errors: 0
  # `spanspec run --verbose` shows the trace and its attributes. Then add checks:
  # services: [gateway, order]
  # spans:
  #   - find: process_payment
  #     attributes: {{ payment.method: card }}
  #     duration: < 600ms
"
    )
}

/// A workflow that runs the specs; `below` is the project's folder in the repository.
pub(super) fn github(below: &str) -> String {
    let folder = match below {
        "" => String::new(),
        below => format!(
            "        with:\n          working-directory: {}\n",
            quoted(below)
        ),
    };
    format!(
        "# Runs the specs: {SITE}/reports.md
name: spanspec
on:
  push: {{ branches: [main] }}
  pull_request:
permissions: {{ contents: read }}
jobs:
  specs:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      # Install here what the services of spanspec.yaml need to be built and run.
      - uses: spanspec/spanspec@v0
{folder}"
    )
}

/// A job that runs the specs; `below` is the project's folder in the repository.
pub(super) fn gitlab(below: &str) -> String {
    let (enter, folder) = match below {
        "" => (String::new(), String::new()),
        below => (format!("    - cd {}\n", quoted(below)), format!("{below}/")),
    };
    let report = quoted(&format!("{folder}target/spanspec.xml"));
    format!(
        "# Runs the specs: {SITE}/reports.md
specs:
  image: rust:1.95
  script:
    # Install here what the services of spanspec.yaml need to be built and run.
    - cargo install --locked --git https://github.com/spanspec/spanspec spanspec
{enter}    - spanspec run --report junit=target/spanspec.xml
  artifacts:
    when: always
    reports: {{ junit: {report} }}
"
    )
}

/// The next steps; `found` is in a comment of the project file, if it is new.
pub(super) fn next_steps(dir: &Path, found: Option<&Found>) -> String {
    let enter = match dir.to_string_lossy().as_ref() {
        "." | "" => String::new(),
        dir => format!("  cd {dir}\n"),
    };
    let number = found.map(|found| found.services.len());
    let edit = match number {
        None => "",
        Some(0) => {
            "  edit spanspec.yaml         say how your services are started, and where they are\n"
        }
        Some(_) => {
            "  edit spanspec.yaml         correct the services that were found, and remove the `# ` before them\n"
        }
    };
    let parts = match number {
        Some(2..) => {
            "  spanspec init DIR          instead, for a part of a repository: `spanspec run DIR/specs` uses its project file\n"
        }
        _ => "",
    };
    format!(
        "
Next:
{enter}{edit}{parts}  spanspec run --verbose     runs the first spec, and shows the trace
  spanspec record -o specs/order.yaml -- POST '${{BASE_URL}}/orders' '{{\"sku\": \"A1\"}}'
                             writes a spec from what a request does
  spanspec watch             runs specs again whenever they are saved
"
    )
}
