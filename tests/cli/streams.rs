//! Event streams that do not end, judged by what arrived until `request.timeout`.

use super::system::Project;

const NOTE: &str = "note: the response is an event stream that had not ended after";

fn spec(expect: &str) -> String {
    format!("request: {{ get: \"${{URL}}/events\", timeout: 2s }}\nexpect: {{ {expect} }}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_arrived_can_pass_and_the_report_notes_that_the_stream_had_not_ended() {
    let one = spec("body: { starts_with: \"data: 1\\n\", length: 5.. }, response_time: 1s..");
    let many = one.clone() + "repeat: { times: 2 }\n";
    for spec in [one, many] {
        let project = Project::with(&[("a.yaml", &spec)]).await;
        project.run(&[]).await.expect(0, &["1 passed", NOTE]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rest_of_the_stream_could_change_is_not_judged() {
    let expectations = [
        "body: { not: { contains: error } }",
        "body: \"data: 1\\n\\n\"",
        "body: { length: < 100 }",
        "response_time: < 60s",
    ];
    let why = "the response is an event stream that had not ended, and its rest could change this";
    let many = spec(expectations[0]) + "repeat: { times: 2 }\n";
    for spec in expectations.map(spec).into_iter().chain([many]) {
        let project = Project::with(&[("a.yaml", &spec)]).await;
        let said = project.run(&["--report", "json=j.json"]).await;
        said.expect(3, &["1 errored", NOTE]);
        let report = project.read("j.json");
        assert!(report.contains(why), "{spec}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_arrived_in_time_is_a_failure() {
    let spec = spec("body: { contains: \"data: 2\" }, response_time: < 1s");
    let project = Project::with(&[("a.yaml", &spec)]).await;
    let said = project.run(&[]).await;
    said.expect(1, &["body of the response", "response time", NOTE]);
}
