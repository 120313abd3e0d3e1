//! `spanspec merge`: results of several processes and tools in one report.

use serde_json::Value;

use crate::system::Project;

const OK: &str = "name: fine\nrequest: GET ${URL}/ok\nexpect: { status: 200 }\n";
const WRONG: &str = "name: wrong\nrequest: GET ${URL}/ok\nexpect: { span_count: 7 }\n";

/// As pytest, Node and others write: bare suites, nested ones, cases without a suite.
const THEIRS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testcase name="top level" classname="test" time="0.2"/>
  <testsuite name="outer" timestamp="2026-11-25T01:02:03">
    <testsuite name="inner" time="1,000.5">
      <testcase name="a &lt; b" classname="math"><failure message="no&#10;way" type="assert"><![CDATA[a < b]]> &amp; more</failure></testcase>
      <testcase name="left out"><skipped/></testcase>
      <testcase name="left out"><error>broken</error><system-out>said</system-out></testcase>
    </testsuite>
  </testsuite>
</testsuites>
"#;

async fn project() -> Project {
    let project = Project::with(&[("ok.yaml", OK), ("wrong.yaml", WRONG)]).await;
    project
        .run(&["specs/ok.yaml", "--report", "json=ok.json"])
        .await;
    project
        .run(&["specs/wrong.yaml", "--results", "results"])
        .await;
    project.write("theirs.xml", THEIRS);
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_ours_become_what_one_run_would_have_written() {
    let project = project().await;
    let said = project
        .spanspec(&[
            "merge",
            "ok.json",
            "results",
            "--report",
            "junit=all.xml",
            "--report",
            "json=all.json",
        ])
        .await;
    said.expect(1, &[]);
    project
        .run(&["--report", "junit=one.xml"])
        .await
        .expect(1, &[]);
    let plain = |name: &str| {
        let changing = regex::Regex::new(
            r#"(time|timestamp)="[^"]*"|[0-9a-f]{16,32}|[0-9a-f]{8}[.…]|[0-9.]+ (ms|µs|s)|█.*"#,
        );
        changing
            .unwrap()
            .replace_all(&project.read(name), "")
            .into_owned()
    };
    assert_eq!(plain("all.xml"), plain("one.xml"));
    let json: Value = serde_json::from_str(&project.read("all.json")).unwrap();
    assert_eq!(json["counts"]["failed"], 1);
    assert_eq!(json["counts"]["passed"], 1);
    // It can be merged again.
    let said = project
        .spanspec(&["merge", "all.json", "--report", "junit=again.xml"])
        .await;
    said.expect(1, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_of_other_tools_loses_no_case() {
    let project = project().await;
    let said = project
        .spanspec(&[
            "merge",
            "ok.json",
            "theirs.xml",
            "theirs.xml",
            "--report",
            "junit=all.xml",
            "--report",
            "json=all.json",
        ])
        .await;
    said.expect(
        1,
        &["8 cases of other tools' JUnit files are in the JUnit report"],
    );
    let junit = project.read("all.xml");
    for part in [
        "tests=\"9\" skipped=\"2\" failures=\"2\" errors=\"2\"",
        "name=\"outer › inner\"",
        "name=\"a &lt; b\"",
        "name=\"a &lt; b (2)\"",
        "name=\"left out (4)\"",
        "time=\"0.200\"",
        "said",
    ] {
        assert!(junit.contains(part), "{part}: {junit}");
    }
    assert!(
        junit.contains("a &lt; b &amp; more") || junit.contains("a < b & more"),
        "{junit}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_foreign_is_named_and_the_rest_merged() {
    let project = project().await;
    let cut = THEIRS.find("<skipped").unwrap();
    project.write("cut.xml", &THEIRS[..cut]);
    project.write("cut.json", "{\"tool\":");
    project.write("other.json", "{\"results\":[]}");
    project.write(
        "newer.json",
        "{\"schema_version\":9,\"tool\":{\"name\":\"spanspec\"}}",
    );
    project.write("page.xml", "<html></html>");
    project.write("empty.xml", "");
    project.write("notes.xml", "all is well");
    let files = [
        "cut.xml",
        "cut.json",
        "other.json",
        "newer.json",
        "page.xml",
        "empty.xml",
        "notes.xml",
        "missing.xml",
    ];
    let all: Vec<&str> = ["merge", "ok.json", "--report", "junit=all.xml"]
        .into_iter()
        .chain(files)
        .collect();
    let said = project.spanspec(&all).await;
    said.expect(
        3,
        &[
            "the file ends within <",
            "not a JSON report of spanspec",
            "not a report of spanspec",
            "schema_version 9",
            "neither <testsuites> nor",
            "the file is empty",
            "nor JUnit XML",
            "cannot read missing.xml",
        ],
    );
    for file in files {
        assert!(said.err.contains(file), "{file}: {}", said.err);
    }
    assert!(project.read("all.xml").contains("tests=\"1\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_results_there_is_nothing_to_report() {
    let project = project().await;
    project.write("none/.keep", "");
    let said = project
        .spanspec(&["merge", "none", "--report", "junit=all.xml"])
        .await;
    said.expect(4, &["there is no result"]);
    project
        .spanspec(&["merge", "ok.json"])
        .await
        .expect(2, &["--report"]);
    project
        .spanspec(&["merge", "ok.json", "--report", "junit=ok.json/x"])
        .await
        .expect(3, &["failed to write"]);
}
