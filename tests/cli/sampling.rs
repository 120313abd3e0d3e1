//! `spanspec sampling`: findings about samplers, with the exact texts.
//!
//! `tests/sampling/lint` has a configuration for each group of rules, and the text about it. A first line such as
//! `# --collector-version 0.140.1` gives further arguments.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use snapbox::{Assert, Data};

fn sampling(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spanspec"))
        .arg("sampling")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs([
            ("SPANSPEC_TEST_POLICY", "hunter2hunter2"),
            ("SPANSPEC_TEST_CODE", "hunter2hunter2"),
            ("SPANSPEC_TEST_SHARE", "hunter2hunter2"),
        ])
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    let text = [err.as_slice(), out].concat();
    let code = output.status.code().unwrap_or(-1);
    format!("{}exit {code}\n", String::from_utf8(text).unwrap())
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sampling")
        .join(folder);
    let entries = std::fs::read_dir(dir).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|end| end != "txt"))
        .collect();
    cases.sort();
    cases
}

#[test]
fn findings_have_the_texts_that_are_written_beside_the_configurations() {
    let assert = Assert::new().action_env("SNAPSHOTS");
    for file in cases("lint") {
        let content = std::fs::read_to_string(&file).unwrap();
        let first = content.lines().next().unwrap_or_default();
        let arguments = first.strip_prefix("# --").map(|rest| format!("--{rest}"));
        let arguments = arguments.unwrap_or_default();
        let name = format!(
            "tests/sampling/lint/{}",
            file.file_name().unwrap().display()
        );
        let mut all = vec!["lint", name.as_str()];
        all.extend(arguments.split_whitespace());
        let found = text(&sampling(&all));
        assert!(!found.contains("hunter2"), "{found}");
        assert.eq(
            found,
            Data::read_from(&file.with_extension("txt"), None).raw(),
        );
    }
}

#[test]
fn warnings_fail_only_with_strict_and_can_be_allowed() {
    let file = "tests/sampling/lint/inverted.yaml";
    assert_eq!(sampling(&["lint", file]).status.code(), Some(0));
    assert_eq!(sampling(&["lint", file, "--strict"]).status.code(), Some(2));
    let allowed = ["lint", file, "--strict", "--allow", "inverted-match"];
    assert_eq!(sampling(&allowed).status.code(), Some(0));
    let wrong = sampling(&["lint", file, "--allow", "inverted-matches"]);
    assert!(text(&wrong).contains("did you mean `inverted-match`?"));
    let error = sampling(&["lint", file, "--allow", "unknown-key"]);
    assert!(text(&error).contains("no rule of warnings"));
}

#[test]
fn findings_are_also_printed_as_json() {
    let output = sampling(&[
        "lint",
        "tests/sampling/lint/readme.yaml",
        "--format",
        "json",
    ]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&document["errors"], &document["warnings"]),
        (&1.into(), &1.into())
    );
    let finding = &document["files"][0]["findings"][0];
    assert_eq!(finding["rule"], "wrong-block");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&11.into(), &15.into())
    );
}

#[test]
fn several_replicas_need_an_exporter_that_distributes_by_trace_id() {
    let correct = "tests/sampling/lint/correct.yaml";
    let replicated = text(&sampling(&["lint", correct, "--replicas", "3"]));
    assert!(
        replicated.contains("`tail_sampling` runs 3 times"),
        "{replicated}"
    );
    let dir = tempfile::tempdir().unwrap();
    let gateway = dir.path().join("gateway.yaml");
    let balanced = "
receivers: { otlp: { protocols: { grpc: } } }
processors: { probabilistic_sampler: { sampling_percentage: 50 } }
exporters: { loadbalancing: { resolver: { static: { hostnames: [a, b] } } } }
service: { pipelines: { traces: { receivers: [otlp], processors: [probabilistic_sampler], exporters: [loadbalancing] } } }
";
    std::fs::write(&gateway, balanced).unwrap();
    let both = [
        "lint",
        correct,
        gateway.to_str().unwrap(),
        "--replicas",
        "3",
        "--strict",
    ];
    assert_eq!(sampling(&both).status.code(), Some(0));
}

#[test]
fn a_file_without_a_sampler_is_named_for_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content, code, expected) in [
        ("empty.yaml", "# nothing\n", 2, "is empty"),
        (
            "spec.yaml",
            "request: GET http://a/\nexpect: { status: 200 }\n",
            2,
            "is a spec",
        ),
        (
            "list.yaml",
            "[1, 2]\n",
            2,
            "is not a configuration of a Collector",
        ),
        ("broken.yaml", "processors: [\n", 2, "it is not YAML"),
        (
            "other.yaml",
            "processors: { batch: }\n",
            4,
            "has no `tail_sampling`",
        ),
        (
            "trace.json",
            r#"{"resourceSpans": []}"#,
            2,
            "is a saved trace",
        ),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let output = sampling(&["lint", path.to_str().unwrap()]);
        let found = text(&output);
        assert!(found.contains(expected), "{name}: {found}");
        assert_eq!(output.status.code(), Some(code), "{name}: {found}");
    }
    let missing = sampling(&["lint", "no-such-file.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn errors_are_what_a_real_collector_refuses() {
    let recorded = include_str!("../sampling/collector.jsonl");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("collector.yaml");
    for line in recorded.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let configuration = case["configuration"].as_str().unwrap();
        std::fs::write(&file, configuration).unwrap();
        let output = sampling(&["lint", file.to_str().unwrap()]);
        let starts = output.status.code() == Some(0);
        let found = text(&output);
        assert_eq!(
            starts, case["starts"],
            "{}\n{found}\n{configuration}",
            case["name"]
        );
    }
}

/// 400 traces of one span each within 10 s: one with an error, one slow, one of a rare service, one of a rare operation.
fn traces() -> String {
    let mut lines = String::new();
    for number in 0..400_u64 {
        let start = 1_700_000_000_000_000_000 + number * 25_000_000;
        let millis = if number == 5 { 3_000 } else { 20 };
        let name = if number == 7 {
            "POST /refunds"
        } else {
            "GET /orders"
        };
        let service = if number == 9 { "payout" } else { "shop" };
        let status = if number == 3 { 2 } else { 0 };
        // Ids that are spread like random ones.
        let id = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let span = serde_json::json!({
            "traceId": format!("{id:032x}"), "spanId": format!("{:016x}", number + 1), "name": name, "kind": 2,
            "startTimeUnixNano": start.to_string(),
            "endTimeUnixNano": (start + millis * 1_000_000).to_string(),
            "status": { "code": status },
        });
        let attribute =
            serde_json::json!({ "key": "service.name", "value": { "stringValue": service } });
        let resource = serde_json::json!({ "attributes": [attribute] });
        let scope = serde_json::json!([{ "scope": {}, "spans": [span] }]);
        let request =
            serde_json::json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": scope }] });
        lines.push_str(&format!("{request}\n"));
    }
    lines
}

#[test]
fn a_design_is_yaml_that_lint_accepts_with_its_figures_as_comments() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("traces.jsonl");
    std::fs::write(&file, traces()).unwrap();
    let file = file.to_str().unwrap();
    let output = sampling(&["design", file, "--spans-per-second", "10"]);
    let assert = Assert::new().action_env("SNAPSHOTS");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sampling/design.txt");
    assert.eq(text(&output), Data::read_from(&golden, None).raw());

    let proposed = dir.path().join("proposed.yaml");
    std::fs::write(&proposed, &output.stdout).unwrap();
    let proposed = proposed.to_str().unwrap();
    assert_eq!(
        sampling(&["lint", proposed, "--strict"]).status.code(),
        Some(0)
    );
    let json = [
        "design",
        file,
        "--spans-per-second",
        "10",
        "--format",
        "json",
    ];
    let design: serde_json::Value = serde_json::from_slice(&sampling(&json).stdout).unwrap();
    let replay = [
        "replay",
        proposed,
        file,
        "--format",
        "json",
        "--arrival",
        "together",
    ];
    let replay: serde_json::Value = serde_json::from_slice(&sampling(&replay).stdout).unwrap();
    let kept = |traces: &serde_json::Value| {
        let traces = traces.as_array().unwrap().iter();
        traces.filter(|trace| trace["kept"] == true).count() as u64
    };
    let policies = design["policies"].as_array().unwrap().iter();
    let designed: u64 = policies
        .map(|policy| policy["kept"].as_u64().unwrap())
        .sum();
    assert_eq!(kept(&replay["traces"]), designed);
}

#[test]
fn a_design_needs_traces_of_some_time_and_a_number_above_zero() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("traces.jsonl");
    let one = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"a","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000000000000"}]}]}]}"#;
    std::fs::write(&file, one).unwrap();
    let file = file.to_str().unwrap();
    let same_time = text(&sampling(&["design", file, "--spans-per-second", "5"]));
    assert!(
        same_time.contains("all spans have the same time"),
        "{same_time}"
    );
    for number in ["0", "-1", "x", "inf"] {
        let argument = format!("--spans-per-second={number}");
        let wrong = text(&sampling(&["design", file, &argument]));
        assert!(wrong.contains("write a number above 0"), "{wrong}");
    }
    std::fs::write(dir.path().join("empty.json"), r#"{"resourceSpans":[]}"#).unwrap();
    let empty = dir.path().join("empty.json");
    let none = sampling(&["design", empty.to_str().unwrap(), "--spans-per-second", "5"]);
    assert_eq!(none.status.code(), Some(4), "{}", text(&none));
}

/// Policies that read the status, and `tracestate`, which backends lose.
const TWO_POLICIES: &str = "
processors:
  tail_sampling:
    decision_wait: 10s
    policies:
      - { name: errors, type: status_code, status_code: { status_codes: [ERROR] } }
      - { name: state, type: trace_state, trace_state: { key: vendor, values: [keep] } }
  probabilistic_sampler: { sampling_percentage: 0 }
";

#[test]
fn the_traces_of_a_backend_are_replayed_and_lost_fields_leave_votes_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("collector.yaml");
    std::fs::write(&config, TWO_POLICIES).unwrap();
    let traces = dir.path().join("traces");
    std::fs::create_dir(&traces).unwrap();
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sampling/replay.jsonl");
    std::fs::copy(saved, traces.join("replay.jsonl")).unwrap();
    let source = format!("files={}", traces.display());
    let config = config.to_str().unwrap();
    let replay = ["replay", config, "--source", &source, "--since", "200000h"];
    let output = sampling(&[&replay[..], &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = document["traces"].as_array().unwrap().iter();
    let by_id = |id: &str| {
        let mut traces = found.clone();
        traces
            .find(|trace| trace["trace_id"] == id)
            .unwrap()
            .clone()
    };
    let failed = by_id("00000000000000000000000000000002");
    assert_eq!(failed["policy"], "errors");
    let open = by_id("00000000000000000000000000000004");
    assert_eq!(open["kept"], serde_json::Value::Null);
    assert_eq!(
        open["reason"],
        "`state`: the source of the trace loses `tracestate` and the trace flags of spans"
    );
    let limited = text(&sampling(&[&replay[..], &["--limit", "1"]].concat()));
    assert!(limited.contains("note: the newest 1 trace of"), "{limited}");
    let recent = sampling(&["replay", config, "--source", &source, "--since", "1m"]);
    assert_eq!(recent.status.code(), Some(4), "{}", text(&recent));
}

#[test]
fn a_sampler_of_spans_is_replayed_if_it_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("collector.yaml");
    std::fs::write(&config, TWO_POLICIES).unwrap();
    let config = config.to_str().unwrap();
    let traces = "tests/fixtures/sampling/replay.jsonl";
    let usual = text(&sampling(&["replay", config, traces]));
    assert!(usual.contains(": tail_sampling, decided"), "{usual}");
    let named = [
        "replay",
        config,
        traces,
        "--processor",
        "probabilistic_sampler",
    ];
    let named = text(&sampling(&named));
    assert!(named.contains("0 of 4 traces kept: 0 %"), "{named}");
    assert!(named.contains("0 of 6 spans kept\n"), "{named}");
    assert!(named.ends_with("exit 0\n"), "{named}");
    let wrong = ["replay", config, traces, "--processor", "probabilistic"];
    assert_eq!(sampling(&wrong).status.code(), Some(2));
}

#[test]
fn a_replay_without_traces_names_where_they_can_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("collector.yaml");
    std::fs::write(&config, TWO_POLICIES).unwrap();
    let output = sampling(&["replay", config.to_str().unwrap()]);
    let found = text(&output);
    assert!(
        found.contains("error: no traces to decide about\nhelp: name files or folders"),
        "{found}"
    );
    assert_eq!(output.status.code(), Some(2));
}
