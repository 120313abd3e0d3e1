//! `propagation`: calls that continue the trace, and services that begin another.

use super::system::{Project, Said};

async fn said(path: &str, expect: &str) -> Said {
    // The time in which a span that is late may arrive, even if the machine is busy.
    let flush = match path {
        "served-later" => "500ms",
        _ => "100ms",
    };
    let spec = format!(
        "wait: {{ timeout: 2s, flush: {flush} }}\nrequest: GET ${{URL}}/{path}\nexpect:\n{expect}\n"
    );
    Project::with(&[("a.yaml", &spec)]).await.run(&[]).await
}

#[tokio::test]
async fn a_call_with_its_server_span_is_continued_even_if_that_arrives_later() {
    let said = said("served-later", "  propagation: continued").await;
    said.expect(0, &["1 passed"]);
}

#[tokio::test]
async fn a_trace_without_a_call_proves_no_propagation() {
    let said = said("ok", "  propagation: continued").await;
    said.expect(
        3,
        &["the trace has no call of a service, so no propagation was seen"],
    );
}

#[tokio::test]
async fn a_call_without_a_server_span_of_an_instrumented_service_is_broken() {
    let said = said("unserved", "  propagation: continued").await;
    said.expect(
        1,
        &[
            "1 of 2 calls broken: `GET /part` of front to back, which answered and has no SERVER",
            "back recorded other requests",
        ],
    );
}

#[tokio::test]
async fn a_restart_that_only_its_time_suggests_is_not_judged() {
    let said = said("lost", "  propagation: continued").await;
    said.expect(3, &["began a trace at that time"]);
}

#[tokio::test]
async fn a_gate_that_restarts_is_named_with_the_header_of_its_response() {
    let checked = said("gate", "  propagation: continued").await;
    checked.expect(
        1,
        &[
            "1 of 1 call broken: the request of the trigger: `GET` of gate began trace 00000000",
            "the response names its trace in `traceresponse`",
            "write `propagation: { restarted: [gate] }`",
        ],
    );
    let other = said("gate", "  errors: 0").await;
    other.expect(
        3,
        &[
            "no span of this trace arrived: `GET` of gate began a new trace instead",
            "evidence: the header `traceresponse` of the response names trace",
        ],
    );
}

#[tokio::test]
async fn a_gate_that_may_restart_passes_and_its_trace_is_judged_too() {
    let permitted = "  propagation: { restarted: [gate] }";
    said("gate", permitted).await.expect(0, &["1 passed"]);
    let broken = said("gate-broken", permitted).await;
    broken.expect(
        1,
        &["1 of 2 calls broken: `GET` of gate to back, where `GET /part` began trace 00000000"],
    );
}

#[tokio::test]
async fn a_gate_that_may_restart_must_be_seen() {
    let said = said("served-later", "  propagation: { restarted: [gate] }").await;
    said.expect(
        1,
        &["neither in this trace nor as the beginning of another"],
    );
}
