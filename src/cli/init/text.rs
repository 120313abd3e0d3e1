//! The contents of the files of a new project, and the text that is printed afterwards.

use std::path::Path;

use crate::schema::{PROJECT_URL, SPEC_URL};

use super::detect::{Kind, Server, Service};

const SITE: &str = "https://github.com/spanspec/spanspec/blob/main/docs";

/// The project file: what is certain, and the services that were found as a comment.
pub(super) fn project(services: &[Service]) -> String {
    let first = services.first().map_or("app", |one| one.name.as_str());
    let found = match services {
        [] => "The services that spanspec starts, for example:".to_owned(),
        services => format!("Found {}. The rest is guessed:", list(services)),
    };
    let blocks: String = match services {
        [] => service(&example(), false),
        services => services
            .iter()
            .map(|one| service(one, services.len() > 1))
            .collect(),
    };
    let blocks = format!("services:\n{blocks}");
    let commented: String = blocks.lines().map(|line| format!("# {line}\n")).collect();
    format!(
        "# yaml-language-server: $schema={PROJECT_URL}
# All keys: {SITE}/project.md
specs: [specs]
vars:
  # Services that run already; once spanspec starts them, see below, it is
  # BASE_URL: http://127.0.0.1:${{services.{first}.http}}
  BASE_URL: http://127.0.0.1:8080

# {found}
# Correct it and remove the `# ` before each line: `spanspec run` then starts and stops it.
# Instrumentation: {SITE}/instrument.md
{commented}"
    )
}

fn list(services: &[Service]) -> String {
    let files: Vec<String> = services
        .iter()
        .map(|one| match one.dir.as_str() {
            "" => one.file.to_owned(),
            dir => format!("{dir}/{}", one.file),
        })
        .collect();
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
    }
}

/// A service, as an entry of `services`.
fn service(service: &Service, has_dir: bool) -> String {
    let name = &service.name;
    let port = format!("${{services.{name}.http}}");
    let start = start(service, &port);
    let mut lines = vec![format!("  {name}:")];
    lines.extend(start.notes.iter().map(|note| format!("    # {note}")));
    if has_dir {
        lines.push(format!("    dir: {}", quoted(&service.dir)));
    }
    lines.extend(start.build.map(|build| format!("    build: {build}")));
    lines.push(format!("    run: {}", start.run));
    lines.push("    ports: { http: auto }".to_owned());
    lines.push("    env:".to_owned());
    lines.push(format!("      OTEL_SERVICE_NAME: {name}"));
    let more = start.env.into_iter();
    lines.extend(more.map(|(name, value)| format!("      {name}: {value}")));
    lines.push(format!(
        "    ready: http://127.0.0.1:{port}/health   # or tcp://127.0.0.1:{port}"
    ));
    lines.extend(
        start
            .timeout
            .map(|timeout| format!("    start_timeout: {timeout}")),
    );
    lines.join("\n") + "\n"
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
    env: Vec<(&'static str, String)>,
    timeout: Option<&'static str>,
}

fn start(service: &Service, port: &str) -> Start {
    let name = &service.name;
    match &service.kind {
        Kind::Rust => Start {
            notes: in_code("opentelemetry_sdk, opentelemetry-otlp and a propagator"),
            build: Some("cargo build".to_owned()),
            run: format!("target/debug/{name}"),
            env: vec![("PORT", port.to_owned())],
            timeout: None,
        },
        Kind::Go => Start {
            notes: in_code("otelhttp, autoexport and autoprop"),
            build: Some(format!("go build -o bin/{name} .")),
            run: format!("bin/{name}"),
            env: vec![("PORT", port.to_owned())],
            timeout: None,
        },
        Kind::Node { script } => node(script, port),
        Kind::Python(server) => python(server, port),
        Kind::Maven => java(
            "mvn -q -DskipTests package",
            &format!("target/{name}.jar"),
            port,
        ),
        Kind::Gradle => java(
            "./gradlew -q assemble",
            &format!("build/libs/{name}.jar"),
            port,
        ),
    }
}

fn in_code(with: &str) -> Vec<String> {
    vec![format!("It is instrumented in its code, with {with}.")]
}

fn node(script: &str, port: &str) -> Start {
    Start {
        notes: vec![
            "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node".to_owned(),
        ],
        build: None,
        run: format!("node --require @opentelemetry/auto-instrumentations-node/register {script}"),
        env: vec![
            ("PORT", port.to_owned()),
            ("OTEL_NODE_RESOURCE_DETECTORS", "env,host,os".to_owned()),
        ],
        timeout: None,
    }
}

fn python(server: &Server, port: &str) -> Start {
    let serve = match server {
        Server::Flask { module } => format!("flask --app {module} run --port {port}"),
        Server::Uvicorn { module } => format!("uvicorn {module}:app --port {port}"),
        Server::Django => format!("python manage.py runserver --noreload 127.0.0.1:{port}"),
        Server::Script { module } => format!("python {module}.py"),
    };
    let own_port = matches!(server, Server::Script { .. }).then(|| ("PORT", port.to_owned()));
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned());
    Start {
        notes: vec![
            "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http".to_owned(),
            "opentelemetry-bootstrap -a install".to_owned(),
        ],
        build: None,
        run: format!("opentelemetry-instrument {serve}"),
        env: own_port.into_iter().chain([protocol]).collect(),
        timeout: None,
    }
}

fn java(build: &str, jar: &str, port: &str) -> Start {
    Start {
        notes: vec![
            "https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases"
                .to_owned(),
        ],
        build: Some(build.to_owned()),
        run: format!("java -javaagent:opentelemetry-javaagent.jar -jar {jar} --server.port={port}"),
        env: Vec::new(),
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

/// The next steps; `services` are those in a comment of the project file, if it is new.
pub(super) fn next_steps(dir: &Path, services: Option<&[Service]>) -> String {
    let enter = match dir.to_string_lossy().as_ref() {
        "." | "" => String::new(),
        dir => format!("  cd {dir}\n"),
    };
    let edit = match services {
        None => "",
        Some([]) => {
            "  edit spanspec.yaml         say how your services are started, and where they are\n"
        }
        Some(_) => {
            "  edit spanspec.yaml         correct the services that were found, and remove the `# ` before them\n"
        }
    };
    format!(
        "
Next:
{enter}{edit}  spanspec run --verbose     runs the first spec, and shows the trace
  spanspec record -o specs/order.yaml -- POST '${{BASE_URL}}/orders' '{{\"sku\": \"A1\"}}'
                             writes a spec from what a request does
  spanspec watch             runs specs again whenever they are saved
"
    )
}
