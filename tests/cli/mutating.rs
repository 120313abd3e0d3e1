//! Faults that no check notices.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::system::{Project, Said};

const SPEC: &str = "name: it works\nrequest: GET ${URL}/ok\nexpect: { status: 200, errors: 0 }\n";

/// `spanspec mutate` with these arguments, listening where the system exports to.
async fn mutate(project: &Project, arguments: &[&str]) -> Said {
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let all: Vec<&str> = ["mutate", "--listen", &listen]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    project.spanspec(&all).await
}

/// Violations of `docs/mutate.schema.json`.
fn violations(result: &Value) -> Vec<String> {
    let schema = include_str!("../../docs/mutate.schema.json");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let schema = serde_json::from_str(schema).unwrap();
    compiler.add_resource("mutate.json", schema).unwrap();
    let index = compiler.compile("mutate.json", &mut schemas).unwrap();
    let valid = schemas.validate(result, index);
    valid
        .err()
        .map(|error| error.to_string())
        .into_iter()
        .collect()
}

#[tokio::test]
async fn a_fault_that_no_check_notices_is_listed_with_a_check_that_notices_it() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let said = mutate(&project, &[]).await;
    said.expect(
        0,
        &[
            "faults that no check notices, the worst first",
            "`work` of back  specs/a.yaml:2 › it works",
            "help: add to `expect`:",
            "- find: work",
            "score 0.",
        ],
    );
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 1);
    let low = mutate(&project, &["--min-score", "1"]).await;
    low.expect(1, &["the minimum is 1 (--min-score)"]);
}

#[tokio::test]
async fn the_result_as_json_and_as_a_page_has_the_score() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let said = mutate(
        &project,
        &[
            "--format",
            "json",
            "--report",
            "json=a.json",
            "--report",
            "html=a.html",
        ],
    )
    .await;
    said.expect(0, &[]);
    let result: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(violations(&result), Vec::<String>::new());
    assert!(result["score"].as_f64().unwrap() > 0.0);
    assert_eq!(project.read("a.json"), said.out);
    let page = project.read("a.html");
    assert!(page.contains("<h1>Score 0."), "{page}");
    assert!(page.contains("`work` of back"), "{page}");
    let mut drawn = page
        .lines()
        .filter(|line| line.contains("work") && line.ends_with("here"));
    assert!(drawn.next().is_some(), "the trace marks the span: {page}");
}

#[tokio::test]
async fn a_spec_that_fails_is_named_and_not_examined() {
    let fails = "name: wrong\nrequest: GET ${URL}/ok\nexpect: { status: 418 }\n";
    let project = Project::with(&[("a.yaml", SPEC), ("b.yaml", fails)]).await;
    let said = mutate(&project, &[]).await;
    said.expect(
        1,
        &[
            "not examined specs/b.yaml:1 › wrong: failed: status of the response: expected 418, found 200",
            "score 0.",
        ],
    );
}

#[tokio::test]
async fn saved_traces_are_judged_without_a_request() {
    let spec = "name: it works\nrequest: GET ${URL}/ok\nexpect: { status: 200, errors: 0, spans: [work] }\n";
    let project = Project::with(&[("a.yaml", spec)]).await;
    project
        .run(&["--save-traces", "traces"])
        .await
        .expect(0, &[]);
    let sent = project.system.requests.load(Ordering::SeqCst);
    let said = project.spanspec(&["mutate", "--traces", "traces"]).await;
    said.expect(
        0,
        &[
            "line 3: status of the response: 200 is not judged again",
            "score 0.",
        ],
    );
    assert_eq!(project.system.requests.load(Ordering::SeqCst), sent);
    let none = project.spanspec(&["mutate", "--traces", "specs"]).await;
    none.expect(
        4,
        &[
            "no trace with which it passed is in specs",
            "no fault was judged",
        ],
    );
}

#[tokio::test]
async fn a_secret_is_not_shown() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let said = mutate(&project, &["--var", "TOKEN=work", "--secret", "TOKEN"]).await;
    said.expect(0, &["`[masked]` of back"]);
    assert!(!said.out.contains("`work`"), "{}", said.out);
}

#[tokio::test]
async fn the_project_file_accepts_faults_and_errors_in_it_have_their_place() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let start = project.read("spanspec.yaml");
    let write = |entry: &str| {
        let text = format!("{start}mutate:\n  ignore:\n    - {entry}\n");
        project.write("spanspec.yaml", &text);
    };
    write("{ find: work, reason: of another team }");
    let said = mutate(&project, &[]).await;
    said.expect(0, &[" ignored ("]);
    assert!(!said.out.contains("`work` of back"), "{}", said.out);
    write("{ find: works, reason: of another team }");
    mutate(&project, &[]).await.expect(
        0,
        &["warning: this entry of `ignore` accepts no fault
 --> spanspec.yaml:5:7
5 |     - { find: works, reason: of another team }
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ without effect
  |
  = help: remove it, or correct `fault`, `find` or `attribute`
"],
    );
    // Another spec could have the span.
    let some = mutate(&project, &["specs/a.yaml"]).await;
    assert!(!some.out.contains("warning"), "{}", some.out);
    let sent = project.system.requests.load(Ordering::SeqCst);
    for (entry, texts) in [
        (
            "{ fault: span_gon, reason: x }",
            [
                "error: unknown fault `span_gon`\n --> spanspec.yaml:5:16",
                "did you mean `span_gone`?",
            ],
        ),
        (
            "{ fault: kind }",
            [
                "error: missing `reason`\n --> spanspec.yaml:5:7",
                "this entry",
            ],
        ),
        (
            "{ reason: x }",
            ["this entry accepts every fault", "spanspec.yaml:5:7"],
        ),
        (
            "{ find: a, reasons: x }",
            ["unknown key `reasons`", "did you mean `reason`?"],
        ),
    ] {
        write(entry);
        mutate(&project, &[]).await.expect(2, &texts);
        project.spanspec(&["lint"]).await.expect(2, &texts);
    }
    assert_eq!(project.system.requests.load(Ordering::SeqCst), sent);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_run_and_the_reports_have_what_passed() {
    let hangs =
        "name: hangs\nneeds: [it works]\nrequest: GET ${URL}/hang\nexpect: { status: 200 }\n";
    let project = Project::with(&[("a.yaml", SPEC), ("b.yaml", hangs)]).await;
    let listen = format!("127.0.0.1:{}", project.system.otlp);
    let reports = ["--report", "json=a.json", "--report", "html=a.html"];
    let arguments = ["mutate", "--listen", &listen, "--min-score", "1"];
    let mut command = project.command(&[&arguments[..], &reports[..]].concat());
    let child = command.spawn().unwrap();
    let requests = &project.system.requests;
    super::system::eventually(|| requests.load(Ordering::SeqCst) == 2).await;
    super::exec::interrupt(&child);
    let output = child.wait_with_output().await.unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{out}");
    assert!(out.contains("`work` of back"), "{out}");
    assert!(
        out.contains("interrupted: the score is that of the faults that were judged"),
        "{out}"
    );
    let result: Value = serde_json::from_str(&project.read("a.json")).unwrap();
    assert_eq!(violations(&result), Vec::<String>::new());
    assert_eq!(result["interrupted"], true);
    assert!(result["judged"].as_u64().unwrap() > 0);
    let hung = &result["not_examined"][0];
    assert_eq!(hung["name"], "hangs");
    let why = hung["reason"].as_str().unwrap();
    assert!(why.contains("interrupted while it ran"), "{why}");
    assert!(project.read("a.html").contains("interrupted"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_judgement_and_the_reports_have_what_was_judged() {
    use tokio::io::{AsyncBufReadExt, BufReader};

    // Judging all cases takes very much longer than the signal.
    let cases: Vec<String> = (0..400).map(|case| case.to_string()).collect();
    let spec = format!(
        "name: works\nmatrix: {{ case: [{}] }}\nrequest: GET ${{URL}}/ok?case=${{case}}\nexpect: {{ errors: 0, spans: [work] }}\n",
        cases.join(", ")
    );
    let project = Project::with(&[("a.yaml", &spec)]).await;
    project
        .run(&["--save-traces", "traces"])
        .await
        .expect(0, &[]);
    let arguments = ["mutate", "--traces", "traces", "--verbose", "--all"];
    let mut command = project.command(&[&arguments[..], &["--report", "json=a.json"]].concat());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap();
        if line
            .expect("it judges")
            .contains("judging faults of 400 specs")
        {
            break;
        }
    }
    super::exec::interrupt(&child);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    let result: Value = serde_json::from_str(&project.read("a.json")).unwrap();
    assert_eq!(violations(&result), Vec::<String>::new());
    assert_eq!(result["interrupted"], true);
    let examined = result["specs"].as_array().unwrap().len();
    let others = result["not_examined"].as_array().unwrap().len();
    assert_eq!(examined + others, 400);
    assert_eq!(result["not_examined"][0]["reason"], "interrupted");
}

#[tokio::test]
async fn without_a_spec_that_can_be_run_no_earlier_report_remains() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let reports = ["--report", "json=a.json", "--report", "html=a.html"];
    mutate(&project, &reports).await.expect(0, &[]);
    assert!(project.read("a.json").contains("\"score\": 0."));
    let score = || {
        let result: Value = serde_json::from_str(&project.read("a.json")).unwrap();
        assert_eq!(violations(&result), Vec::<String>::new());
        assert!(project.read("a.html").contains("<h1>Score none"));
        result["score"].clone()
    };
    let filter = ["--filter", "nothing like it"];
    let said = mutate(&project, &[&reports[..], &filter[..]].concat()).await;
    said.expect(4, &[]);
    assert_eq!(score(), Value::Null);
    mutate(&project, &reports).await.expect(0, &[]);
    project.write("specs/a.yaml", "requests: GET /\n");
    mutate(&project, &reports)
        .await
        .expect(2, &["unknown key `requests`"]);
    assert_eq!(score(), Value::Null);
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    let said = mutate(&project, &["--min-score", "2"]).await;
    said.expect(2, &["must be a number from 0 to 1, such as 0.8"]);
    let said = mutate(&project, &["--report", "junit=a.xml"]).await;
    said.expect(2, &["unknown report `junit`: use html or json"]);
    let said = mutate(&project, &["--filter", "nothing like it"]).await;
    said.expect(4, &["the only spec was not selected by --filter"]);
    let unknown = format!("{SPEC}mutate: {{ ignore: [{{ fault: span_gon, reason: x }}] }}\n");
    project.write("specs/a.yaml", &unknown);
    let said = mutate(&project, &[]).await;
    said.expect(
        2,
        &["unknown fault `span_gon`", "did you mean `span_gone`?"],
    );
    project.write(
        "specs/a.yaml",
        &format!("{SPEC}mutate: {{ ignore: [{{ fault: kind }}] }}\n"),
    );
    mutate(&project, &[]).await.expect(2, &["missing `reason`"]);
    project.write(
        "specs/a.yaml",
        &format!("{SPEC}mutate: {{ ignore: [{{ reason: x }}] }}\n"),
    );
    let said = mutate(&project, &[]).await;
    said.expect(2, &["this entry accepts every fault"]);
    assert_eq!(project.system.requests.load(Ordering::SeqCst), 0);
}
