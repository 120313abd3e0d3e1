use super::super::{Granularity, Json, Junit, Reporter, sample};
use super::*;
use crate::result::{Report, SpecReport};

/// The text after the line about the whole run, whose times vary.
fn suites(folder: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let start = text.find("<testsuite ").unwrap();
    text[start..].to_owned()
}

#[test]
fn a_json_report_becomes_the_junit_report_of_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut report = sample::report();
    report.specs.extend(sample::load::report().specs);
    for fail_flaky in [false, true] {
        report.fail_flaky = fail_flaky;
        compare_with_json(folder, &report);
    }
    report.specs.retain(SpecReport::is_flaky);
    assert_eq!(compare_with_json(folder, &report), 1);
    report.fail_flaky = false;
    assert_eq!(compare_with_json(folder, &report), 0);
}

/// Compares the JUnit report with that from the JSON report. Returns the exit code of the latter.
fn compare_with_json(folder: &Path, report: &Report) -> u8 {
    Json::file(folder.join("report.json"))
        .finish(report)
        .unwrap();
    Junit::file(folder.join("direct.xml"), Granularity::Spec)
        .finish(report)
        .unwrap();
    let mut merged = Merged::new();
    merged
        .add(&std::fs::read(folder.join("report.json")).unwrap())
        .unwrap();
    merged
        .write_junit(&folder.join("merged.xml"), &Secrets::default())
        .unwrap();
    assert_eq!(suites(folder, "merged.xml"), suites(folder, "direct.xml"));
    merged.exit_code()
}

#[test]
fn a_merged_junit_report_is_merged_into_itself() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Junit::file(folder.join("first.xml"), Granularity::Check)
        .finish(&sample::report())
        .unwrap();
    let mut merged = Merged::new();
    merged
        .add(&std::fs::read(folder.join("first.xml")).unwrap())
        .unwrap();
    merged
        .write_junit(&folder.join("second.xml"), &Secrets::default())
        .unwrap();
    assert_eq!(suites(folder, "second.xml"), suites(folder, "first.xml"));
}

#[test]
fn runs_that_shared_a_receiver_do_not_count_its_spans_twice() {
    let report = |listened: &str, spans: u64| {
        format!(
            r#"{{"schema_version":1,"tool":{{"name":"spanspec"}},"started":"2026-11-25T00:00:0{spans}Z","duration_ms":500,
            "exit_code":0,"interrupted":false,"counts":{{"passed":0}},"specs":[],"trouble":[],"notices":["note"],
            "telemetry":{{"listened":["{listened}"],"spans":{spans},"refused":[]}}}}"#
        )
    };
    let mut merged = Merged::new();
    for (listened, spans) in [("a:1", 2), ("a:1", 5), ("b:1", 3)] {
        merged.add(report(listened, spans).as_bytes()).unwrap();
    }
    let merged: serde_json::Value = serde_json::from_str(&merged.documents.render()).unwrap();
    assert_eq!(merged["telemetry"]["spans"], 8);
    assert_eq!(
        merged["telemetry"]["listened"],
        serde_json::json!(["a:1", "b:1"])
    );
    assert_eq!(merged["notices"], serde_json::json!(["note"]));
    assert_eq!(merged["duration_ms"], 3_500.0);
}

#[test]
fn a_failure_is_merged_wherever_a_tool_puts_it() {
    let failing = [
        r#"<testsuite name="s"><testcase name="ok"/><failure message="x"/></testsuite>"#,
        r#"<testsuites><testsuite name="s"><error message="setup"/></testsuite></testsuites>"#,
        r#"<testsuites><failure/></testsuites>"#,
        r#"<testsuites><group><testsuite name="s"><testcase name="t"><failure/></testcase></testsuite></group></testsuites>"#,
        r#"<testsuite name="s"><testcase name="t"><testcase name="in"><error/></testcase></testcase></testsuite>"#,
        r#"<testsuite name="s"><testcase name="t"><result><failure/></result></testcase></testsuite>"#,
        r#"<testsuites><testsuite name="s" failures="1" errors="2"><testcase name="t"/></testsuite></testsuites>"#,
        r#"<testsuites failures="1"><testsuite name="s"><testcase name="t"/></testsuite></testsuites>"#,
        r#"<testsuite name="s" errors="1"></testsuite>"#,
    ];
    for text in failing {
        let mut merged = Merged::new();
        merged.add(text.as_bytes()).unwrap();
        assert!([1, 3].contains(&merged.exit_code()), "{text}");
    }
}

#[test]
fn counts_that_agree_with_the_cases_add_none() {
    for text in [
        r#"<testsuites failures="2" errors="1"><testsuite name="s" failures="2" errors="1"><testcase name="a"><failure/></testcase><testcase name="b"><error/></testcase></testsuite></testsuites>"#,
        r#"<testsuites failures="0"><testsuite name="s" failures="0"><testcase name="a"><flakyFailure/></testcase><testcase name="b"/></testsuite></testsuites>"#,
    ] {
        let mut merged = Merged::new();
        merged.add(text.as_bytes()).unwrap();
        assert_eq!(merged.cases(), 2, "{text}");
    }
}

#[test]
fn reports_in_one_file_are_refused() {
    let suites = r#"<testsuites><testsuite name="s"><testcase name="t"/></testsuite></testsuites>"#;
    for text in [format!("{suites}{suites}"), format!("{suites}\nnoise")] {
        let error = Merged::new().add(text.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "not JUnit XML: text or another element follows <testsuites>: use one file per report"
        );
    }
}
