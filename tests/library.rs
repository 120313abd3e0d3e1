//! The library as a test written in Rust uses it: a receiver, requests, and their traces.

#[path = "harness/service.rs"]
#[allow(dead_code, reason = "other tests start it as a process")]
mod service;
mod support;

use spanspec::Outline;
use spanspec::prelude::*;
use spanspec::{Call, Incomplete};

/// A receiver whose spans come before the response, and a service that exports to it.
async fn started() -> (Receiver, String) {
    let receiver = Receiver::start().unwrap().flush_within(ms(50));
    let address = support::serve(service::router(receiver.endpoint())).await;
    (receiver, format!("http://{address}"))
}

#[tokio::test]
async fn a_request_comes_back_with_its_response_and_its_trace() {
    let (receiver, url) = started().await;
    let request = spanspec::http().get(format!("{url}/pay/card"));
    let reply = request
        .header("x-shop", "1")
        .query("n", 1)
        .send(&receiver)
        .await
        .unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, ""));

    let trace = reply.trace().await.unwrap();
    assert_span!(
        trace,
        "process_payment",
        below: "GET /pay",
        attributes: { "payment.method" => "card" },
    );
    assert_eq!(
        trace.outline().to_string(),
        "payment › GET /pay (server)\n  payment › process_payment (internal)\n"
    );
}

#[test]
fn a_plain_test_waits_for_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (receiver, url) = runtime.block_on(started());
    let reply = spanspec::block_on(
        spanspec::http()
            .get(format!("{url}/pay/card"))
            .send(&receiver),
    );
    let trace = spanspec::block_on(reply.unwrap().trace()).unwrap();
    assert_span!(trace, "process_payment");
}

#[tokio::test]
async fn two_requests_have_traces_of_the_same_shape_and_nothing_else_in_common() {
    let (receiver, url) = started().await;
    let pay = async |method: &str| {
        let http = spanspec::http();
        let reply = http
            .get(format!("{url}/pay/{method}"))
            .send(&receiver)
            .await
            .unwrap();
        reply.trace().await.unwrap()
    };
    let (card, paypal) = tokio::join!(pay("card"), pay("paypal"));
    assert_ne!(card.id(), paypal.id());
    assert_eq!(card.outline(), paypal.outline());
    let methods = ["payment.method"];
    assert_ne!(card.outline_with(&methods), paypal.outline_with(&methods));
    assert_ne!(card.outline(), Outline::default());
}

#[tokio::test]
async fn a_client_of_ones_own_sends_the_context_itself() {
    let (receiver, url) = started().await;
    let call = receiver.call();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .get(format!("{url}/pay/card"))
        .header("traceparent", call.traceparent());
    request.send().await.unwrap();
    let trace = call.trace().await.unwrap();
    assert_eq!(trace.id(), call.context().trace_id);
    assert_span!(trace, "process_payment");
}

#[tokio::test]
async fn where_no_span_comes_what_came_instead_is_told() {
    let (receiver, url) = started().await;
    let reply = spanspec::http()
        .get(format!("{url}/health"))
        .send(&receiver)
        .await
        .unwrap();
    let call = reply.call.timeout(ms(100));
    let error = call.trace().await.unwrap_err().to_string();
    let start = format!(
        "no span of trace {} arrived within 100 ms: nothing was received at all",
        call.context().trace_id
    );
    assert!(error.starts_with(&start), "{error}");

    spanspec::http()
        .get(format!("{url}/pay/card"))
        .send(&receiver)
        .await
        .unwrap();
    let call = receiver.call().timeout(ms(100));
    let error = call.trace().await.unwrap_err().to_string();
    let said = "within 100 ms: 2 spans of other traces came, of payment; does the service";
    assert!(error.contains(said), "{error}");
}

#[tokio::test]
async fn a_trace_is_an_error_if_an_export_was_refused_while_it_was_waited_for() {
    let (receiver, url) = started().await;
    let reply = spanspec::http()
        .get(format!("{url}/pay/card"))
        .send(&receiver)
        .await
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let refused = client
        .post(format!("{}/v1/traces", receiver.endpoint()))
        .header("content-type", "application/x-protobuf")
        .body("garbage");
    assert_eq!(refused.send().await.unwrap().status(), 400);
    let error = reply.trace().await.unwrap_err().to_string();
    let start = "spans of this trace may be missing: POST /v1/traces was refused: no OTLP protobuf";
    assert!(error.starts_with(start), "{error}");
    assert!(error.contains("process_payment"), "{error}");
}

#[tokio::test]
async fn a_trace_whose_parents_are_missing_is_an_error_unless_they_may() {
    let (receiver, url) = started().await;
    let http = spanspec::http();
    let reply = http
        .get(format!("{url}/orphan"))
        .send(&receiver)
        .await
        .unwrap();
    let error = reply.call.timeout(ms(200)).trace().await.unwrap_err();
    let text = error.to_string();
    for said in [
        "the trace is still incomplete 200 ms after the response: span 00000000000000ff never arrived",
        "GET /orphan",
        "`Call::tolerate_orphans` takes it as it is",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(format!("{error:?}"), text);

    let reply = http
        .get(format!("{url}/orphan"))
        .send(&receiver)
        .await
        .unwrap();
    let trace = reply.call.tolerate_orphans().trace().await.unwrap();
    assert_span!(trace, "work");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_when_it_is_sent() {
    let receiver = Receiver::start().unwrap();
    let http = spanspec::http();
    for (request, said) in [
        (
            http.get("/orders"),
            "`/orders` is no URL: relative URL without a base",
        ),
        (
            http.get("http://127.0.0.1:1/").header("a b", "c"),
            "`a b` cannot stand in a header",
        ),
        (
            http.get("http://127.0.0.1:1/")
                .header("Traceparent", "00-1-2-01"),
            "`traceparent` is sent anyway",
        ),
        (
            http.post("http://127.0.0.1:1/").body("x"),
            "connection refused by 127.0.0.1:1 (POST http://127.0.0.1:1/); help: start the service before the request, and wait until it listens",
        ),
    ] {
        let error = request.send(&receiver).await.unwrap_err();
        assert!(error.to_string().starts_with(said), "{error}");
        assert_eq!(error.to_string(), format!("{error:?}"));
    }
}

#[tokio::test]
async fn a_receiver_goes_on_while_the_test_keeps_its_runtime_busy() {
    use std::io::{Read, Write};
    let receiver = Receiver::start().unwrap();
    let mut socket = std::net::TcpStream::connect(receiver.addresses()[0]).unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let body = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    socket
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    let mut answer = String::new();
    // Blocks the only thread of the test's runtime.
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_side_by_side_have_ports_of_their_own() {
    let receivers: Vec<Receiver> = (0..20).map(|_| Receiver::start().unwrap()).collect();
    let ports: std::collections::HashSet<String> =
        receivers.iter().map(Receiver::endpoint).collect();
    assert_eq!(ports.len(), 20);
}

/// Sends a span without an exporter; 400 is an answer, too.
async fn send(receiver: &Receiver, call: &Call, id: &str, parent: Option<&str>, name: &str) -> u16 {
    post(receiver, body(call, id, parent, name).to_string()).await
}

/// An export of one span.
fn body(call: &Call, id: &str, parent: Option<&str>, name: &str) -> serde_json::Value {
    let context = call.context();
    let sent = context.parent_id.to_string();
    serde_json::json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "shop" } }] },
        "scopeSpans": [{ "spans": [{
            "traceId": context.trace_id.to_string(), "spanId": id, "name": name, "kind": 2,
            "parentSpanId": parent.unwrap_or(&sent),
            "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000005000000",
        }] }],
    }] })
}

async fn post(receiver: &Receiver, body: String) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("{}/v1/traces", receiver.endpoint()))
        .header("content-type", "application/json")
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

const ENTRY: &str = "00000000000000a1";
const LATE: &str = "00000000000000a2";

fn panic_of(body: impl FnOnce()) -> String {
    let body = std::panic::AssertUnwindSafe(body);
    let payload = std::panic::catch_unwind(body).expect_err("it panics");
    payload.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn the_variables_for_a_child_process_set_the_delay_and_the_bound() {
    let receiver = Receiver::start().unwrap();
    let env = receiver.env();
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint().as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_SDK_DISABLED", "false"),
    ] {
        assert!(
            env.contains(&(name.to_owned(), value.to_owned())),
            "{env:?}"
        );
    }
    let call = receiver.call();
    send(&receiver, &call, ENTRY, None, "GET /").await;
    let start = std::time::Instant::now();
    call.trace().await.unwrap();
    // Without it, a trace waits for 5.5 s.
    assert!(start.elapsed() < secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn refused_and_rejected_exports_are_errors_of_the_trace() {
    let receiver = Receiver::start().unwrap().flush_within(ms(10));
    let call = receiver.call();
    send(&receiver, &call, ENTRY, None, "GET /").await;
    send(&receiver, &call, "0000000000000000", Some(ENTRY), "ship").await;
    let error = call.trace().await.unwrap_err().to_string();
    let said = "spans of this trace may be missing: the span `ship` was rejected";
    assert!(error.starts_with(said), "{error}");

    let receiver = Receiver::start().unwrap().flush_within(ms(10));
    let call = receiver.call();
    send(&receiver, &call, ENTRY, None, "GET /").await;
    assert_eq!(post(&receiver, "{".to_owned()).await, 400);
    let error = call.trace().await.unwrap_err().to_string();
    let said = "spans of this trace may be missing: ";
    assert!(error.starts_with(said), "{error}");
}

#[tokio::test]
async fn late_spans_overturn_assertions_that_passed() {
    let receiver = Receiver::start().unwrap().flush_within(ms(10));
    for ends in ["call", "receiver", "assertion"] {
        let receiver = match ends {
            "receiver" => Receiver::start().unwrap().flush_within(ms(10)),
            _ => Receiver::builder()
                .store(receiver.store().clone())
                .listen([([127, 0, 0, 1], 0).into()])
                .start()
                .await
                .unwrap(),
        };
        let call = receiver.call();
        send(&receiver, &call, ENTRY, None, "GET /").await;
        let trace = call.trace().await.unwrap();
        assert_no_span!(trace, "ship");
        send(&receiver, &call, LATE, Some(ENTRY), "ship").await;
        let text = match ends {
            "call" => panic_of(|| drop(call)),
            "receiver" => panic_of(|| drop(receiver)),
            _ => panic_of(|| assert_span!(trace, "GET /")),
        };
        for said in [
            "FAIL  assert_no_span!   passed before the late spans",
            "from shop",
            "1 span of trace",
        ] {
            assert!(text.contains(said), "{ends}: {text}");
        }
    }
}

#[tokio::test]
async fn whatever_changes_a_trace_later_overturns_assertions_that_passed() {
    let changes = [
        // A copy of the span that ends later, with another status.
        ("copy", "FAIL  assert_no_span!   passed before"),
        ("linked", "FAIL  assert_no_span!   passed before"),
        (
            "rejected",
            "spans of this trace may be missing: the span `ship` was rejected",
        ),
        ("refused", "spans of this trace may be missing: "),
        ("orphan", "the trace is incomplete"),
    ];
    for (change, said) in changes {
        let receiver = Receiver::start().unwrap().flush_within(ms(10));
        let call = receiver.call();
        send(&receiver, &call, ENTRY, None, "GET /").await;
        let trace = call.trace().await.unwrap();
        match change {
            "linked" => assert_no_span!(trace, any_span(), linked_to: "GET /"),
            _ => assert_no_span!(trace, any_span(), status: error),
        }
        let entry = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut body = body(&call, ENTRY, None, "GET /");
            change(&mut body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]);
            body.to_string()
        };
        let sent = match change {
            "copy" => entry(&|span| {
                span["endTimeUnixNano"] = "1790000000009000000".into();
                span["status"] = serde_json::json!({ "code": 2 });
            }),
            "linked" => entry(&|span| {
                let link = serde_json::json!({ "traceId": span["traceId"], "spanId": ENTRY });
                span["links"] = serde_json::json!([link]);
                span["traceId"] = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd".into();
            }),
            "rejected" => body(&call, "0000000000000000", None, "ship").to_string(),
            "refused" => "{".to_owned(),
            _ => body(&call, LATE, Some("00000000000000ff"), "work").to_string(),
        };
        post(&receiver, sent).await;
        let text = panic_of(|| drop((call, receiver)));
        assert!(text.contains(said), "{change}: {text}");
    }
}

#[tokio::test]
async fn nothing_is_absent_from_a_trace_that_was_not_complete_at_the_timeout() {
    for (parent, timeout, error, why) in [
        (
            Some(""),
            50,
            "never arrived within",
            "the entry of the trace never arrived",
        ),
        (
            None,
            1,
            "ended before every service had its time to export",
            "`timeout` ended before the flush bound",
        ),
    ] {
        let receiver = Receiver::start().unwrap().flush_within(ms(20));
        let call = receiver.call().timeout(ms(timeout));
        send(&receiver, &call, ENTRY, parent, "GET /").await;
        let incomplete = call.trace().await.unwrap_err();
        assert!(incomplete.to_string().contains(error), "{incomplete}");
        let Incomplete::NoEntry { trace, .. } = incomplete else {
            panic!("{incomplete}");
        };
        assert_span!(trace, "GET /");
        let text = panic_of(|| assert_no_span!(trace, "ship"));
        assert!(text.contains(why), "{text}");
    }
}

#[tokio::test]
async fn late_spans_that_contradict_nothing_do_not_fail_a_test() {
    let receiver = Receiver::start().unwrap().flush_within(ms(10));
    let call = receiver.call();
    send(&receiver, &call, ENTRY, None, "GET /").await;
    let trace = call.trace().await.unwrap();
    assert_no_span!(trace, "ship");
    send(&receiver, &call, LATE, Some(ENTRY), "pay").await;
    drop((call, receiver));
}

#[tokio::test]
async fn assertions_on_an_incomplete_trace_are_errors_and_no_verdicts() {
    let (receiver, url) = started().await;
    let reply = spanspec::http()
        .get(format!("{url}/orphan"))
        .send(&receiver)
        .await
        .unwrap();
    let error = reply.call.timeout(ms(200)).trace().await.unwrap_err();
    let Incomplete::ParentsMissing { trace, .. } = error else {
        panic!("{error}");
    };
    assert_span!(trace, "work");
    for text in [
        panic_of(|| assert_span!(trace, "ship")),
        panic_of(|| assert_no_span!(trace, "ship")),
    ] {
        assert!(text.starts_with("\nERROR assert_"), "{text}");
        assert!(text.contains("the trace is incomplete"), "{text}");
    }
}

#[tokio::test]
async fn the_reason_why_nothing_came_is_named() {
    let receiver = Receiver::start().unwrap().flush_within(ms(10));
    let other = Receiver::start().unwrap();
    let call = receiver.call().timeout(ms(50));
    send(&other, &call, ENTRY, None, "GET /").await;
    let error = call.trace().await.unwrap_err().to_string();
    let said = "another receiver of this process got 1 of its spans";
    assert!(error.contains(said), "{error}");

    let call = receiver.call().timeout(ms(50));
    drop(receiver);
    let error = call.trace().await.unwrap_err().to_string();
    assert!(error.contains("the receiver was dropped before"), "{error}");
}
