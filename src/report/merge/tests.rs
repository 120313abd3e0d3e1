use super::super::{Granularity, Json, Junit, Reporter, sample};
use super::*;

/// What follows the line about the whole run, whose times differ.
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
    Json::file(folder.join("report.json"))
        .finish(&report)
        .unwrap();
    Junit::file(folder.join("direct.xml"), Granularity::Spec)
        .finish(&report)
        .unwrap();
    let mut merged = Merged::new();
    merged
        .add(&std::fs::read(folder.join("report.json")).unwrap())
        .unwrap();
    merged
        .write_junit(&folder.join("merged.xml"), &Secrets::default())
        .unwrap();
    assert_eq!(suites(folder, "merged.xml"), suites(folder, "direct.xml"));
    assert_eq!(merged.exit_code(), 1);
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
