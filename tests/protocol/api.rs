//! The HTTP API: wrong paths, queries, hosts, and specs.

use crate::target::{End, Target};

const PATHS: [&str; 30] = [
    "/api",
    "/api/",
    "/api/v1",
    "/api/v2/traces/x",
    "/api/v1/v1",
    "/api/nothing",
    "/api/traces",
    "/api/traces/",
    "/api/traces/xyz",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e473",
    "/api/traces/00000000000000000000000000000000",
    "/api/traces/%ff",
    "/api/traces/%00",
    "/api/traces/a/b/c",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?wait=x",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?wait=-1s",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?wait=99999999999h",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?wait=1ms&wait=2ms",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?format=x&wait=1ms",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?until=x&wait=1ms",
    "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?%ff=%fe&wait=1ms",
    "/api/traces/00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-zz?wait=1ms",
    "/api/traces/x/spans",
    "/api/health?x=1",
    "/api/sightings?age=x",
    "/api/sightings?age=99999999999999999999s",
    "/api/logs?age=-1s",
    "/api/events?x",
    "/api/metrics?x",
    "/api/openapi.yaml/x",
];

fn questions() -> Vec<String> {
    let question = |spec: &str| {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        serde_json::json!({ "trace": trace, "wait": "1ms", "spec": spec }).to_string()
    };
    let laughs: String = (1..30)
        .map(|n| {
            format!(
                "a{n}: &a{n} [{}]\n",
                vec![format!("*a{}", n - 1); 10].join(", ")
            )
        })
        .collect();
    let mut questions: Vec<String> = [
        "",
        "{}",
        "[]",
        "null",
        "7",
        "{",
        "{\"trace\":7}",
        "{\"trace\":\"x\",\"spec\":\"\"}",
        "{\"spec\":\"status: 200\"}",
        "{\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}",
        "{\"unknown\":1}",
        "\u{0}",
    ]
    .map(str::to_owned)
    .into();
    questions.extend([
        question(""),
        question("{"),
        question("spans: 7"),
        question("%YAML 9.9\n---\n"),
        question("--- a\n--- b\n"),
        question("spans: !!binary x"),
        question(&format!("a0: &a0 x\n{laughs}")),
        question(&"[".repeat(50_000)),
        question(&"{a: ".repeat(50_000)),
        question(&"- ".repeat(50_000)),
        question("services: [\"${env}\", \"${a.b.c}\", \"${\"]"),
        question("spans: [{ find: =~ \"(a+)+$\", attributes: { a: =~ \"(((((x{1000}){1000}){1000}\" } }]"),
        question(&format!("spans:\n{}", "  - find: x\n".repeat(60_000))),
        question(&"x".repeat(3 << 20)),
        "[".repeat(500_000),
    ]);
    questions
}

pub(crate) fn send(target: &Target) -> usize {
    let mut cases = 0;
    let mut refuses = |request: String, case: &str| {
        target.refuses(request.as_bytes(), End::Wait, case);
        cases += 1;
    };
    let request = |line: &str, more: &str, body: &str| {
        let length = body.len();
        format!(
            "{line} HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n{more}\r\n{body}"
        )
    };
    let host = "host: localhost\r\n";
    for path in PATHS {
        // These streams do not end.
        if !["/api/events?x", "/api/metrics?x"].contains(&path) {
            refuses(request(&format!("GET {path}"), host, ""), path);
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "X"] {
            refuses(request(&format!("{method} {path}"), host, "{}"), path);
        }
    }
    for question in questions() {
        let start: String = question.chars().take(80).collect();
        for kind in [
            "application/json",
            "text/plain",
            "application/x-protobuf",
            "application/grpc",
        ] {
            let more = format!("{host}content-type: {kind}\r\n");
            refuses(request("POST /api/judge", &more, &question), &start);
        }
    }
    for lines in [
        "",
        "host: evil.example\r\n",
        "host: localhost\r\nhost: evil.example\r\n",
        "host: \u{fc}\r\n",
        "host: [\r\n",
    ] {
        for path in [
            "/api/health",
            "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736?wait=1ms",
        ] {
            let request = request(&format!("GET {path}"), lines, "");
            let answers = target.send(request.as_bytes(), End::Wait).text();
            let is_refused =
                answers.starts_with("HTTP/1.1 403 ") || answers.starts_with("HTTP/1.1 400 ");
            assert!(is_refused, "{lines:?}: {answers}");
            cases += 1;
        }
    }
    cases
}
