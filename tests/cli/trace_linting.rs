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
        (["--report", "junit=a.xml"], 2, "use sarif or json"),
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
