//! Reports, saved traces, and what never gets into either.

use std::io::Write;

use super::system::Project;

const WRONG: &str = "
name: the card is charged
request:
  post: ${URL}/ok
  headers: { Authorization: \"Bearer ${TOKEN}\" }
  body: token is ${TOKEN}
capture: { id: { json: $.id, secret: true } }
expect:
  status: 201
  spans:
    - find: work
      attributes: { payment.method: paypal, request.body: \"${id}\" }
";

#[tokio::test]
async fn secrets_never_reach_a_report_wherever_they_appear() {
    let project = Project::with(&[("a.yaml", WRONG)]).await;
    let said = project
        .run(&[
            "--var",
            "TOKEN=hunter2-hunter2",
            "--secret",
            "TOKEN",
            "--verbose",
            "--report",
            "junit=out/j.xml",
            "--report",
            "json=out/r.json",
            "--report",
            "html=out/r.html",
            "--save-traces",
            "out/traces",
        ])
        .await;
    said.expect(1, &["[masked]"]);
    let saved = std::fs::read_dir(project.path().join("out/traces")).unwrap();
    let saved = saved.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let all = [
        said.out,
        said.err,
        project.read("out/j.xml"),
        project.read("out/r.json"),
        project.read("out/r.html"),
    ];
    let all: Vec<String> = all.into_iter().chain(saved).collect();
    assert_eq!(all.len(), 6);
    for text in &all {
        for secret in ["hunter2", "order-7", "cookie-value-1"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn junit_and_json_tell_the_same_as_the_terminal() {
    let project = Project::with(&[("a.yaml", WRONG)]).await;
    let arguments = [
        "--var",
        "TOKEN=x",
        "--report",
        "junit=j.xml",
        "--report",
        "json=r.json",
    ];
    project
        .run(&arguments)
        .await
        .expect(1, &["FAIL  the card is charged"]);
    let junit = project.read("j.xml");
    for text in [
        "classname=\"specs.a\"",
        "file=\"specs/a.yaml\"",
        "line=\"2\"",
        "<failure ",
        "paypal",
        "trace_id",
    ] {
        assert!(junit.contains(text), "{text} is missing in {junit}");
    }
    let json: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["exit_code"], 1);
    assert_eq!(json["specs"][0]["name"], "the card is charged");
}

#[tokio::test]
async fn json_on_standard_output_is_nothing_but_json() {
    let project = Project::with(&[(
        "a.yaml",
        "request: GET ${URL}/fine\nexpect: { status: 200 }\n",
    )])
    .await;
    let said = project.run(&["--format", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["exit_code"], 0);
}

#[tokio::test]
async fn a_saved_trace_can_be_shown() {
    let project = Project::with(&[("a.yaml", WRONG)]).await;
    project
        .run(&["--var", "TOKEN=x", "--quiet"])
        .await
        .expect(1, &["trace saved: target/spanspec/"]);
    let mut folder = std::fs::read_dir(project.path().join("target/spanspec")).unwrap();
    let file = folder.next().unwrap().unwrap().path();
    let said = project.spanspec(&["show", file.to_str().unwrap()]).await;
    said.expect(0, &["2 spans, 2 services, 100 ms", "GET /it", "work"]);
    assert!(!said.out.contains("missing parent"), "{}", said.out);

    let compressed = project.path().join("trace.json.gz");
    let mut encoder = flate2::write::GzEncoder::new(
        std::fs::File::create(&compressed).unwrap(),
        flate2::Compression::fast(),
    );
    encoder.write_all(&std::fs::read(file).unwrap()).unwrap();
    encoder.finish().unwrap();
    let said = project.spanspec(&["show", "trace.json.gz"]).await;
    said.expect(0, &["2 spans, 2 services, 100 ms"]);
}

const SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736",
    "spanId":"00f067aa0ba902b7","name":"charge","startTimeUnixNano":"1000000","endTimeUnixNano":"9000000"}]}]}]}"#;
const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
    {"timeUnixNano":"2000000","severityNumber":13,"body":{"stringValue":"card declined"},
     "traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"},
    {"timeUnixNano":"2000000","body":{"stringValue":"elsewhere"}}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
    "scopeMetrics":[{"metrics":[{"name":"shop.orders","unit":"{order}","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
    {"timeUnixNano":"2000000","asInt":"4","attributes":[{"key":"a","value":{"stringValue":"b"}}],
     "exemplars":[{"asInt":"1","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"}]},
    {"timeUnixNano":"2000000","asInt":"1"}]}}]}]}]}"#;

#[tokio::test]
async fn a_file_of_all_signals_is_shown_with_its_log_records() {
    let project = Project::with(&[]).await;
    project.write("all.json", &format!("{SPAN}\n{LOGS}\n{METRICS}\n"));
    project.spanspec(&["show", "all.json"]).await.expect(
        0,
        &[
            "1 span, 1 service",
            "· warn: card declined",
            "1 log record of `unknown_service`: 1 without a severity\n  without a trace: 1\n",
            "1 metric of `shop`\n  shop.orders: sum in {order}, 2 series, 2 points\n",
        ],
    );
    project.write("logs.json", LOGS);
    let said = project.spanspec(&["show", "logs.json"]).await;
    said.expect(
        0,
        &[
            "2 log records of `unknown_service`: 1 warn, 1 without a severity\n",
            "  trace 4bf92f3577b34da6a3ce929d0e0e4736: 1\n  without a trace: 1\n",
            "note: the file has no span: ",
        ],
    );
    project.write("metrics.json", METRICS);
    let said = project.spanspec(&["show", "metrics.json"]).await;
    said.expect(
        0,
        &["    exemplar in span 00f067aa0ba902b7 of trace 4bf92f3577b34da6a3ce929d0e0e4736: 1\n"],
    );
    project.write("none.json", r#"{"resourceMetrics":[{"scopeMetrics":[]}]}"#);
    let said = project.spanspec(&["show", "none.json"]).await;
    said.expect(4, &["none.json contains no span; "]);
}

#[tokio::test]
async fn a_text_that_is_no_utf_8_is_shown_and_named() {
    let project = Project::with(&[]).await;
    let mut file = SPAN.replace("charge", "char?e").into_bytes();
    let at = file.iter().position(|&byte| byte == b'?').unwrap();
    file[at] = 0xff;
    std::fs::write(project.path().join("latin.json"), file).unwrap();
    let said = project.spanspec(&["show", "latin.json"]).await;
    said.expect(
        0,
        &[
            "char\u{fffd}e",
            "note: `\u{fffd}` stands for bytes that are not UTF-8\n",
        ],
    );
}

#[tokio::test]
async fn a_run_names_an_attribute_that_cannot_be_decoded() {
    let spec = "request: GET ${URL}/undecodable\nexpect: { spans: [{ find: GET /it, attributes: { note: kept } }] }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.run(&[]).await.expect(
        0,
        &[
            "note: dropped 1 attribute that cannot be decoded, such as attribute `amount` of span `GET /it`",
            "front: `a lot` is not a signed 64-bit integer",
        ],
    );
}

#[tokio::test]
async fn the_html_report_shows_a_failure_beside_the_last_trace_that_passed() {
    let spec = "name: it works\nrequest: GET ${URL}/ok\nexpect: { status: \"${STATUS}\", spans: [{ find: work }] }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let arguments = |status| {
        [
            "--var",
            status,
            "--save-traces",
            "traces",
            "--report",
            "html=r.html",
        ]
    };
    project
        .run(&arguments("STATUS=200"))
        .await
        .expect(0, &["1 passed"]);
    assert!(!project.read("r.html").contains("\"earlier\":{"));
    project
        .run(&arguments("STATUS=418"))
        .await
        .expect(1, &["1 failed"]);
    let page = project.read("r.html");
    assert!(page.contains("\"earlier\":{\"path\":\"traces/it-works-"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_report_to_standard_output_leaves_what_is_in_the_file_that_it_leads_to() {
    let spec = "request: GET ${URL}/fine\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    let log = project.write("log.txt", "earlier\n");
    let mut command = project.run_command(&["--report", "junit=/dev/stdout"]);
    let log = std::fs::File::options().append(true).open(log).unwrap();
    let status = command.stdout(log).status().await.unwrap();
    assert!(status.success());
    let log = project.read("log.txt");
    for part in ["earlier\n", "PASS  a", "<testsuites"] {
        assert!(log.contains(part), "`{part}` is missing in {log}");
    }
}

#[tokio::test]
async fn damaged_saved_traces_trouble_nobody() {
    let spec = "name: it works\nrequest: GET ${URL}/ok\nexpect: { status: 418, spans: [{ find: work }] }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project.write("traces/it-works-00000000.json", "{ \"spanspec\": {");
    let said = project
        .run(&["--save-traces", "traces", "--report", "html=r.html"])
        .await;
    said.expect(1, &["1 failed"]);
    assert_eq!(said.err, "");
}

#[tokio::test]
async fn a_trace_of_zipkin_is_shown_with_what_its_format_loses() {
    let project = Project::with(&[]).await;
    let trace = include_str!("../fixtures/backends/zipkin/trace-linked.json");
    project.write("zipkin.json", trace);
    let said = project.spanspec(&["show", "zipkin.json"]).await;
    said.expect(
        0,
        &[
            "trace 6b0af38e00000000d269b6330000000c   2 spans, 1 service, 48 µs\nnote: this format loses the types of attribute values, nanoseconds, ",
            "notification-send",
        ],
    );
    project.write(
        "broken.json",
        r#"[{"traceId":"1","id":"1","timestamp":"soon"}]"#,
    );
    project.write("ids.json", r#"{"traceId":"x","id":"1","name":"a"}"#);
    for (file, expected) in [
        (
            "broken.json",
            "broken.json is not a trace: read as JSON of Zipkin, and failed: invalid type: string \"soon\", expected u64",
        ),
        (
            "ids.json",
            "ids.json is not a trace: JSON of Zipkin, but no span can be read: the span `a` was left out: ",
        ),
    ] {
        project
            .spanspec(&["show", file])
            .await
            .expect(2, &[expected]);
    }
}

#[tokio::test]
async fn a_trace_of_jaegers_user_interface_is_shown_with_what_its_format_loses() {
    let project = Project::with(&[]).await;
    let trace = include_str!("../fixtures/backends/jaeger/legacy-trace-refused.json");
    project.write("jaeger.json", trace);
    let said = project.spanspec(&["show", "jaeger.json"]).await;
    said.expect(
        0,
        &[
            "trace 00f067aa0ba902b7d269b633813fc60d   18 spans, 4 services, ",
            "note: this format loses nanoseconds, ",
            "process_payment",
        ],
    );
    let broken = r#"{"data":[{"traceID":"a","spans":[{"traceID":"a"}]}]}"#;
    project.write("broken.json", broken);
    let said = project.spanspec(&["show", "broken.json"]).await;
    said.expect(
        2,
        &["broken.json is not a trace: read as JSON of Jaeger's old API, and failed: missing field "],
    );
}

#[tokio::test]
async fn what_is_no_trace_is_said_to_be_none() {
    let project = Project::with(&[]).await;
    let file = project.write("notes.txt", "hello");
    project
        .spanspec(&["show", file.to_str().unwrap()])
        .await
        .expect(2, &["notes.txt is not a trace: it is text, but not JSON; failed specs save their traces in target/spanspec"]);
    project.write(
        "specs/a.yaml",
        "request: GET http://a/\nexpect: { status: 200 }\n",
    );
    project.write("traces/t.json", "{ \"resourceSpans\": [] }");
    for (file, expected) in [
        ("nowhere.json", "cannot read nowhere.json: No such file"),
        (
            "nowhere.json",
            "; failed specs save their traces in target/spanspec",
        ),
        (
            "specs/a.yaml",
            "specs/a.yaml is a spec, not a trace: `spanspec run specs/a.yaml` runs it",
        ),
        (
            "spanspec.yaml",
            "spanspec.yaml is a project file, not a trace",
        ),
        ("specs", "specs is a folder without a saved trace"),
        (
            "traces",
            "traces is a folder: name one of its files, such as traces/t.json",
        ),
    ] {
        project
            .spanspec(&["show", file])
            .await
            .expect(2, &[expected]);
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_an_error_that_names_the_file() {
    let project = Project::with(&[(
        "a.yaml",
        "request: GET ${URL}/fine\nexpect: { status: 200 }\n",
    )])
    .await;
    std::fs::create_dir(project.path().join("j.xml")).unwrap();
    project
        .run(&["--report", "junit=j.xml"])
        .await
        .expect(3, &["1 passed", "j.xml"]);
}
