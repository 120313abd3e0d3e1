//! `spanspec lint --traces`: findings about the instrumentation in saved traces.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;
use snapbox::{Assert, Data};

const FAULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trace_lint/faults.json");

fn lint(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args(["lint", "--traces", FAULTS])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    let text = [err.as_slice(), out].concat();
    let code = output.status.code().unwrap_or(-1);
    format!("{}exit {code}\n", String::from_utf8(text).unwrap())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn each_finding_has_its_spans_and_its_remedy() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace_lint/faults.txt");
    let assert = Assert::new().action_env("SNAPSHOTS");
    let found = text(&lint(folder().path(), &[]));
    assert.eq(found, Data::read_from(&golden, None).raw());
}

#[test]
fn the_values_of_secrets_are_in_no_output() {
    let folder = folder();
    let reports = ["--report", "sarif=a.sarif,json=a.json", "--format", "json"];
    let output = lint(folder.path(), &reports);
    let written = ["a.sarif", "a.json"]
        .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
    for text in written.iter().chain([&text(&output)]) {
        assert!(text.contains("secret-in-attribute"), "{text}");
        assert!(!text.contains("abcdefghijklmnop1234"), "{text}");
    }
}

#[test]
fn sarif_has_a_rule_and_a_logical_place_for_each_result() {
    let folder = folder();
    let output = lint(folder.path(), &["--report", "sarif=out/a.sarif"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let text = std::fs::read(folder.path().join("out/a.sarif")).unwrap();
    let document: Json = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules: Vec<&Json> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        assert!(
            rules.iter().any(|rule| rule["id"] == result["ruleId"]),
            "{result}"
        );
        let place = &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
        assert!(place.as_str().unwrap().contains(" › "), "{result}");
    }
}

#[test]
fn flags_and_the_project_file_choose_rules_and_levels() {
    let folder = folder();
    let allowed = "--allow=broken-propagation,secret-in-attribute";
    let output = lint(folder.path(), &[allowed]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let output = lint(folder.path(), &[allowed, "--strict"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let project = "lint:
  levels: { broken-propagation: note }
  limits: { equal_children: 30 }
  ignore:
    - { rule: secret-in-attribute, service: shop, contains: audit.header, reason: a token of a test }
    - { rule: orphan, reason: none is expected }
";
    std::fs::write(folder.path().join("spanspec.yaml"), project).unwrap();
    let output = lint(folder.path(), &[]);
    let found = text(&output);
    assert_eq!(output.status.code(), Some(0), "{found}");
    assert!(found.contains("note[broken-propagation]"), "{found}");
    assert!(found.contains("(1 finding ignored)"), "{found}");
    assert!(
        found.contains("note: spanspec.yaml:6:7: no finding of orphan is ignored by this entry"),
        "{found}"
    );
    assert!(!found.contains("too-many-spans"), "{found}");
}

#[test]
fn what_is_wrong_in_the_settings_is_named_with_its_place() {
    for (wrong, message) in [
        ("lint: { rules: strict }", "unknown set of rules `strict`"),
        (
            "lint: { levels: { orphans: off } }",
            "unknown rule `orphans`",
        ),
        (
            "lint: { levels: { orphan: error } }",
            "unknown level `error`",
        ),
        ("lint: { ignore: [{ rule: orphan }] }", "missing `reason`"),
        ("lint: { ignore: [{ reason: x }] }", "missing `rule`"),
        (
            "lint: { limits: { equal_children: many } }",
            "`equal_children` cannot be `many`",
        ),
        (
            "lint: { limits: { spans_per_second: 0 } }",
            "`spans_per_second` cannot be `0`",
        ),
    ] {
        let folder = folder();
        std::fs::write(folder.path().join("spanspec.yaml"), wrong).unwrap();
        let output = lint(folder.path(), &[]);
        let found = text(&output);
        assert_eq!(output.status.code(), Some(2), "{found}");
        assert!(found.contains(message), "{found}");
        assert!(found.contains("spanspec.yaml:1:"), "{found}");
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let folder = folder();
    for (arguments, code, message) in [
        (["--allow", "orphans"], 2, "did you mean `orphan`"),
        (["--report", "html=a.html"], 2, "use sarif, junit or json"),
        (["--report", "sarif"], 2, "missing file"),
        (
            ["--report", "sarif=/dev/null/a.sarif"],
            1,
            "failed to write the report",
        ),
    ] {
        let output = lint(folder.path(), &arguments);
        let found = text(&output);
        assert_eq!(output.status.code(), Some(code), "{found}");
        assert!(found.contains(message), "{found}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args(["lint", "--strict"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn junit_has_a_case_for_each_rule_that_is_on() {
    let folder = folder();
    lint(
        folder.path(),
        &["--report", "junit=a.xml", "--allow", "orphan"],
    );
    let text = std::fs::read_to_string(folder.path().join("a.xml")).unwrap();
    assert!(text.contains("failures=\"2\""), "{text}");
    assert!(text.contains("name=\"broken-propagation\""), "{text}");
    assert!(
        text.contains("<failure message=\"shop: the trace ends between shop and payment"),
        "{text}"
    );
    // A warning is output of a case that passes, unless warnings fail.
    assert!(text.contains("warning[too-many-spans]"), "{text}");
    assert!(!text.contains("name=\"orphan\""), "{text}");
    assert!(!text.contains("abcdefghijklmnop1234"), "{text}");
    lint(folder.path(), &["--report", "junit=b.xml", "--strict"]);
    let text = std::fs::read_to_string(folder.path().join("b.xml")).unwrap();
    assert!(text.contains("failures=\"4\""), "{text}");
}

#[test]
fn annotations_have_a_rule_as_title_and_the_log_has_no_commands() {
    let folder = folder();
    let text = text(&lint(folder.path(), &["--format", "github"]));
    let start = text.lines().next().unwrap_or_default();
    assert!(start.starts_with("::stop-commands::spanspec-"), "{text}");
    assert!(
        text.contains("\n::error title=broken-propagation::shop: the trace ends"),
        "{text}"
    );
    assert!(
        text.contains("\n::warning title=too-many-spans::"),
        "{text}"
    );
}

/// A file with a span of `shop`, and a log record that was written inside it without the id of the trace.
fn with_log(folder: &Path) -> String {
    let resource = r#""resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}"#;
    let span = r#"{"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba90200", "name": "work", "kind": 2, "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000100000000"}"#;
    let record =
        r#"{"timeUnixNano": "1700000000050000001", "body": {"stringValue": "stock is low"}}"#;
    let text = format!(
        "{{\"resourceSpans\": [{{{resource}, \"scopeSpans\": [{{\"spans\": [{span}]}}]}}]}}\n{{\"resourceLogs\": [{{{resource}, \"scopeLogs\": [{{\"logRecords\": [{record}]}}]}}]}}\n"
    );
    let path = folder.join("all.jsonl");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn spanspec(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .arg("lint")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

#[test]
fn log_records_of_files_are_examined() {
    let folder = folder();
    let file = with_log(folder.path());
    let found = text(&spanspec(folder.path(), &["--traces", &file]));
    assert!(
        found.contains(
            "warning[uncorrelated-logs]: shop: log records inside spans have no trace id"
        ),
        "{found}"
    );
    assert!(found.contains("shop › work"), "{found}");
}

#[test]
fn a_rule_that_is_denied_and_cannot_be_judged_is_an_error() {
    let folder = folder();
    // Without a log record, nothing is known about their ids.
    let found = text(&lint(
        folder.path(),
        &["--rules", "none", "--deny", "uncorrelated-logs"],
    ));
    assert!(found.contains("error: `uncorrelated-logs` is denied, and cannot be judged: the source of the traces does not provide log records without a trace id"), "{found}");
    assert!(found.ends_with("exit 3\n"), "{found}");
    let found = text(&lint(
        folder.path(),
        &["--rules", "none", "--deny", "over-sampled"],
    ));
    assert!(
        found.contains("there is no limit of spans a second"),
        "{found}"
    );
    assert!(found.ends_with("exit 3\n"), "{found}");
    let found = text(&lint(folder.path(), &[]));
    assert!(!found.contains("not judged"), "{found}");
}

#[test]
fn nothing_that_arrives_is_an_error_and_not_a_trace_without_faults() {
    let folder = folder();
    std::fs::write(
        folder.path().join("spanspec.yaml"),
        "defaults: { wait: { flush: 10ms } }\n",
    )
    .unwrap();
    let output = spanspec(
        folder.path(),
        &["--observe", "50ms", "--listen", "127.0.0.1:0"],
    );
    let found = text(&output);
    assert!(found.contains("listening on 127.0.0.1:"), "{found}");
    assert!(
        found.contains("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:"),
        "{found}"
    );
    assert!(found.contains("error: no span arrived in "), "{found}");
    assert!(found.ends_with("exit 4\n"), "{found}");
}

#[test]
fn traces_that_arrive_are_examined() {
    use std::io::{BufRead, BufReader, Read};
    let folder = folder();
    std::fs::write(
        folder.path().join("spanspec.yaml"),
        "defaults: { wait: { flush: 1s } }\n",
    )
    .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args([
            "lint",
            "--observe",
            "3s",
            "--listen",
            "127.0.0.1:0",
            "--deny",
            "no-version",
        ])
        .current_dir(folder.path())
        .env_clear()
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("ENDPOINT=") {
        line.clear();
        assert!(err.read_line(&mut line).unwrap() > 0, "no address");
    }
    let endpoint = line.split("ENDPOINT=").nth(1).unwrap().trim().to_owned();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    let span = |id: &str, parent: &str, start: u128| {
        format!(
            r#"{{"traceId": "4bf92f3577b34da6a3ce929d0e0e473{}", "spanId": "00f067aa0ba9020{id}", "parentSpanId": "{parent}", "name": "work", "kind": 1, "startTimeUnixNano": "{start}", "endTimeUnixNano": "{}"}}"#,
            id,
            start + 1_000_000
        )
    };
    // The second trace began before, so that its missing parent is no finding.
    let spans = [
        span("1", "", now),
        span("2", "00f067aa0ba902ff", now - 60_000_000_000),
    ];
    let body = format!(
        r#"{{"resourceSpans": [{{"resource": {{"attributes": [{{"key": "service.name", "value": {{"stringValue": "shop"}}}}]}}, "scopeSpans": [{{"spans": [{}]}}]}}]}}"#,
        spans.join(",")
    );
    post(&endpoint, &body);
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    let mut rest = String::new();
    err.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("note: 1 trace began before this time or ended after it"),
        "{rest}"
    );
    assert!(out.contains("error[no-version]: shop"), "{out}");
    assert!(!out.contains("missing-entry"), "{out}");
    assert!(out.contains("in 2 traces with 2 spans"), "{out}");
    assert_eq!(child.wait().unwrap().code(), Some(1), "{out}");
}

/// Sends an export over HTTP.
fn post(endpoint: &str, body: &str) {
    use std::io::{Read, Write};
    let address = endpoint.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_weaver_that_is_not_installed_is_an_error_with_a_remedy() {
    let folder = folder();
    let found = text(&lint(folder.path(), &["--weaver-registry", "registry"]));
    assert!(
        found.contains("error: `weaver` is not installed, or not in PATH"),
        "{found}"
    );
    assert!(
        found.contains("help: install it from https://github.com/open-telemetry/weaver/releases"),
        "{found}"
    );
    assert!(found.ends_with("exit 3\n"), "{found}");
    let found = text(&lint(
        folder.path(),
        &["--rules", "none", "--deny", "weaver"],
    ));
    assert!(
        found.contains("error: `weaver` is denied, and cannot be judged: there is no registry"),
        "{found}"
    );
}

/// Runs with a program `weaver` that writes this.
#[cfg(unix)]
fn with_weaver(folder: &Path, script: &str, file: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("weaver");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .args([
            "lint",
            "--traces",
            file,
            "--weaver-registry",
            "conventions",
            "--rules",
            "none",
            "--warn",
            "weaver",
        ])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .output()
        .unwrap();
    text(&output)
}

#[cfg(unix)]
#[test]
fn findings_of_weaver_are_mapped_to_spans() {
    let folder = folder();
    let file = with_log(folder.path());
    // The format of weaver 0.25: the samples that were sent, with the advice about each part.
    let report = r#"{"samples": [
        {"resource": {"attributes": [{"name": "service.name", "value": "shop", "type": "string", "live_check_result": {"all_advice": [], "highest_advice_level": null}}], "live_check_result": null}},
        {"span": {"name": "work", "kind": "server", "status": {"code": "unset", "message": ""}, "attributes": [
            {"name": "hello", "value": "world", "type": "string", "live_check_result": {"all_advice": [
                {"id": "missing_attribute", "context": {"attribute_key": "hello"}, "message": "Attribute `hello` does not exist in the registry.", "level": "violation", "signal_type": "span", "signal_name": "work"},
                {"id": "missing_namespace", "context": {"attribute_key": "hello"}, "message": "Attribute `hello` has no namespace.", "level": "improvement", "signal_type": "span", "signal_name": "work"}
            ], "highest_advice_level": "violation"}}
        ], "span_events": [], "span_links": [], "live_check_result": {"all_advice": [], "highest_advice_level": null}}}
    ], "statistics": {"total_entities": 3}}"#;
    std::fs::write(folder.path().join("report.json"), report).unwrap();
    let script = "cat > sent.json; echo \"$@\" > words; cat report.json; exit 1";
    let found = with_weaver(folder.path(), script, &file);
    assert!(
        found.contains("error[weaver]: shop: Attribute `hello` does not exist in the registry."),
        "{found}"
    );
    assert!(
        found.contains("warning[weaver]: shop: Attribute `hello` has no namespace."),
        "{found}"
    );
    assert!(
        found.contains("shop › work (span 00f067aa0ba90200 of trace 4bf92f35): missing_attribute"),
        "{found}"
    );
    assert!(found.ends_with("exit 1\n"), "{found}");
    let sent: Json =
        serde_json::from_slice(&std::fs::read(folder.path().join("sent.json")).unwrap()).unwrap();
    assert_eq!(sent[0]["resource"]["attributes"][0]["name"], "service.name");
    assert_eq!(sent[1]["span"]["kind"], "server");
    let words = std::fs::read_to_string(folder.path().join("words")).unwrap();
    assert!(
        words.starts_with("registry live-check --registry conventions --input-source stdin"),
        "{words}"
    );
}

#[cfg(unix)]
#[test]
fn a_weaver_without_a_report_is_an_error_with_its_last_line() {
    let folder = folder();
    let file = with_log(folder.path());
    let script = "echo 'registry not found: conventions' >&2; exit 1";
    let found = with_weaver(folder.path(), script, &file);
    assert!(
        found.contains(
            "error: `weaver` wrote no report (exit status: 1): registry not found: conventions"
        ),
        "{found}"
    );
    assert!(found.ends_with("exit 3\n"), "{found}");
    let found = with_weaver(
        folder.path(),
        "cat > /dev/null; echo '{\"samples\": []}'",
        &file,
    );
    assert!(
        found.contains("the report of `weaver` is about 0 samples, and 2 were sent"),
        "{found}"
    );
}
