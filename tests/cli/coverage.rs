//! Coverage of instrumentation: recorded, compared, and what no check notices.

use serde_json::Value;

use super::system::{Project, Said};

const SPEC: &str = "name: it works\nrequest: GET ${URL}/ok\nexpect: { status: 200, spans: [{ find: { service: front }, kind: server }] }\n";

/// A project whose traces were saved in `traces`.
async fn project() -> Project {
    let project = Project::with(&[("a.yaml", SPEC)]).await;
    project
        .run(&["--save-traces", "traces"])
        .await
        .expect(0, &["1 passed"]);
    project
}

async fn coverage(project: &Project, arguments: &[&str]) -> Said {
    let all: Vec<&str> = ["coverage", "traces"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    project.spanspec(&all).await
}

/// Violations of `docs/coverage.schema.json`.
fn violations(result: &Value) -> Option<String> {
    let schema = include_str!("../../docs/coverage.schema.json");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let schema = serde_json::from_str(schema).unwrap();
    compiler.add_resource("coverage.json", schema).unwrap();
    let index = compiler.compile("coverage.json", &mut schemas).unwrap();
    let valid = schemas.validate(result, index);
    valid.err().map(|error| error.to_string())
}

#[tokio::test]
async fn what_is_on_the_list_and_in_no_trace_has_vanished() {
    let project = project().await;
    let none = coverage(&project, &[]).await;
    none.expect(
        3,
        &[
            "2 services, 2 span names, 3 attributes, 1 call in 1 trace with 2 spans\n",
            "error: there is no list to compare with: coverage.yaml does not exist",
        ],
    );
    coverage(&project, &["--accept"])
        .await
        .expect(0, &["accepted in coverage.yaml"]);
    let list = project.read("coverage.yaml");
    let expected = "\
# Recorded by `spanspec coverage --accept`.
services:
  back:
    work (internal):
      - attempts
      - payment.method
      - request.body
  front:
    GET /it (server): []
edges:
  - front -> back
";
    assert_eq!(list, expected);
    coverage(&project, &[])
        .await
        .expect(0, &["0 vanished, 0 new"]);

    let other = list
        .replace("      - attempts\n", "      - attempts\n      - order.id\n")
        .replace("    GET /it (server): []\n", "    GET /it (client): []\n")
        .replace(
            "  - front -> back\n",
            "  - front -> back\n  - front -> mail (link)\n",
        );
    project.write("coverage.yaml", &other);
    let vanished = coverage(&project, &["--report", "json=out/a.json"]).await;
    vanished.expect(
        1,
        &[
            "vanished:\n   attribute order.id of back › work (internal)\n   span front › GET /it (client)\n   link front -> mail\n",
            "new:\n   span front › GET /it (server)\n",
            "3 vanished, 1 new",
        ],
    );
    let report: Value = serde_json::from_str(&project.read("out/a.json")).unwrap();
    assert_eq!(violations(&report), None);
    assert_eq!(report["vanished"].as_array().unwrap().len(), 3);

    project.write("coverage.yaml", "services: { order: [a] }\n");
    let broken = coverage(&project, &["--accept"]).await;
    broken.expect(
        2,
        &[
            "coverage.yaml:1:20",
            "must be a map, found a list",
            "nothing was written",
        ],
    );
    assert_eq!(project.read("coverage.yaml"), "services: { order: [a] }\n");
}

#[tokio::test]
async fn nothing_vanishes_because_of_an_incomplete_trace() {
    let project = project().await;
    coverage(&project, &["--accept"]).await.expect(0, &[]);
    let saved = std::fs::read_dir(project.path().join("traces")).unwrap();
    let file = saved.map(|entry| entry.unwrap().path()).next().unwrap();
    let mut trace: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    trace["resourceSpans"]
        .as_array_mut()
        .unwrap()
        .retain(|resource| !resource.to_string().contains("GET /it"));
    // Two orphans with different parents: none of these is the span of the trigger.
    let mut other = trace["resourceSpans"][0].clone();
    other["scopeSpans"][0]["spans"][0]["spanId"] = "00000000000000ee".into();
    other["scopeSpans"][0]["spans"][0]["parentSpanId"] = "00000000000000ef".into();
    trace["resourceSpans"].as_array_mut().unwrap().push(other);
    std::fs::write(&file, trace.to_string()).unwrap();
    let incomplete = coverage(&project, &[]).await;
    incomplete.expect(
        3,
        &[
            "not seen, and perhaps there:\n   service front\n",
            "parents of spans are missing in 1 of 1 trace",
        ],
    );
    coverage(&project, &["--accept"])
        .await
        .expect(3, &["not accepted: parents of spans are missing"]);
    coverage(&project, &["--accept-orphans"])
        .await
        .expect(1, &["vanished:\n   service front\n"]);

    std::fs::write(&file, "{ \"resourceSpans\": [").unwrap();
    project
        .run(&["--save-traces", "traces"])
        .await
        .expect(0, &[]);
    project.write("coverage.yaml", "services: { mail: {} }\n");
    let damaged = coverage(&project, &[]).await;
    damaged.expect(
        3,
        &["1 file with the extension of a trace cannot be read as one"],
    );

    project.write("none/a.txt", "no trace");
    let nothing = project.spanspec(&["coverage", "none"]).await;
    nothing.expect(4, &["error: there is no trace in these files"]);
}

#[tokio::test]
async fn an_entry_that_no_check_notices_is_listed() {
    let project = project().await;
    coverage(&project, &["--accept"]).await.expect(0, &[]);
    let unchecked = coverage(&project, &["--specs"]).await;
    unchecked.expect(
        0,
        &["no check of 1 spec notices:\n   service back\n   call front -> back\n"],
    );
    project.write("specs/a.yaml", &SPEC.replace("spans: [", "spans: [{ find: work, attributes: { attempts: exists, payment.method: exists, request.body: exists } }, "));
    let checked = coverage(&project, &["--specs", "--format", "json"]).await;
    let result: Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!(violations(&result), None);
    assert_eq!(result["unchecked"]["specs"], 1);
    assert_eq!(
        result["unchecked"]["items"],
        serde_json::json!([]),
        "{}",
        checked.out
    );
    project.write("specs/b.yaml", &SPEC.replace("it works", "another"));
    let other = coverage(&project, &["--specs"]).await;
    other.expect(
        0,
        &["note: not examined: specs/b.yaml › another: no trace with which it passed"],
    );
}
