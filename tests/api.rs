//! The HTTP API as its clients see it, and the document that describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::select_all;
use serde_json::{Map, Value as Json, json};
use spanspec::internal::api::{Api, OPENAPI, REMEMBERED, SystemInfo};
use spanspec::internal::project::read_variables;
use spanspec::internal::source::connect;
use spanspec::{Context, Flush, Globals, Origin, Receiver, Services, Source, Store, Value, otlp};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENT: &str = "00f067aa0ba902b7";
const FLUSH: Duration = Duration::from_millis(100);

/// A receiver with its API.
struct Served {
    receiver: Receiver,
    client: reqwest::Client,
}

impl Served {
    async fn start() -> Self {
        Self::with_flush(FLUSH).await
    }

    async fn with_flush(flush: Duration) -> Self {
        Self::of(Flush::Known(flush)).await
    }

    async fn of(flush: Flush) -> Self {
        let store = Store::remembering(REMEMBERED);
        let api = Api::new(store.clone());
        let receiver = Receiver::builder()
            .listen([([127, 0, 0, 1], 0).into()])
            .store(store)
            .routes(api.routes())
            .start()
            .await
            .unwrap();
        let globals = Globals {
            arguments: BTreeMap::from([("method".to_owned(), "card".to_owned())]),
            ..Globals::default()
        };
        api.ready(SystemInfo {
            listened: receiver.addresses().to_vec(),
            scheme: "http",
            flush,
            log_flush: flush,
            metric_flush: flush,
            services: Services::Theirs,
            ports: BTreeMap::from([("services.shop.http".to_owned(), 4711)]),
            context: Context {
                globals: Arc::new(globals),
                ..Context::default()
            },
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { receiver, client }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.receiver.addresses()[0])
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(self.url(path)).send().await.unwrap()).await
    }

    async fn judge(&self, question: &Json) -> Answer {
        let request = self.client.post(self.url("/api/judge"));
        let request = request.header("content-type", "application/json");
        Answer::of(request.body(question.to_string()).send().await.unwrap()).await
    }

    /// Sends spans as a service would: id, parent and name of each.
    async fn export(&self, trace: &str, spans: &[(&str, &str, &str)]) {
        let spans: Vec<Json> = spans
            .iter()
            .map(|(id, parent, name)| span(trace, id, parent, name))
            .collect();
        self.export_of("payment", &spans).await;
    }

    async fn export_of(&self, service: &str, spans: &[Json]) {
        let body = json!({ "resourceSpans": [{
            "resource": { "attributes": [text("service.name", service)] },
            "scopeSpans": [{ "spans": spans }],
        }] });
        let request = self.client.post(self.url("/v1/traces"));
        let request = request.header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }

    /// A record in the span `a1`, and a later one without a span.
    async fn export_logs(&self) {
        let records = json!([{
            "timeUnixNano": "1790000000002000000", "traceId": TRACE,
            "body": { "kvlistValue": { "values": [{ "key": "code", "value": { "intValue": "7" } }] } },
        }, {
            "timeUnixNano": "1790000000001000000", "severityNumber": 13, "traceId": TRACE, "spanId": id("a1"),
            "body": { "stringValue": "card declined" }, "attributes": [text("attempt", "1")],
        }]);
        let body = json!({ "resourceLogs": [{
            "resource": { "attributes": [text("service.name", "payment")] },
            "scopeLogs": [{ "scope": { "name": "cards" }, "logRecords": records }],
        }] });
        let request = self.client.post(self.url("/v1/logs"));
        let request = request.header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

struct Answer {
    status: u16,
    content_type: String,
    complete: Option<String>,
    body: Json,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        Self {
            status: response.status().as_u16(),
            content_type: header("content-type").unwrap_or_default(),
            complete: header("spanspec-complete"),
            body: serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default(),
        }
    }

    fn names(&self) -> Vec<&str> {
        let spans = self.body["spans"].as_array().unwrap();
        spans
            .iter()
            .map(|span| span["name"].as_str().unwrap())
            .collect()
    }
}

fn text(key: &str, value: &str) -> Json {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn span(trace: &str, id: &str, parent: &str, name: &str) -> Json {
    json!({
        "traceId": trace, "spanId": format!("{id:0>16}"), "parentSpanId": parent, "name": name,
        "kind": 2, "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000005000000",
        "attributes": [text("payment.method", "card"), { "key": "attempts", "value": { "intValue": "2" } }],
    })
}

fn traceparent() -> String {
    format!("00-{TRACE}-{SENT}-01")
}

fn id(end: &str) -> String {
    format!("{end:0>16}")
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    let deadline = Duration::from_secs(60);
    tokio::time::timeout(deadline, future)
        .await
        .expect("it should have happened by now")
}

#[tokio::test]
async fn a_settled_trace_is_answered_one_flush_bound_after_it_was_asked_for() {
    let flush = Duration::from_millis(1_500);
    let served = Served::with_flush(flush).await;
    served.export(TRACE, &[("a1", SENT, "POST /orders")]).await;
    let asked = Instant::now();
    let path = format!("/api/traces/{}?format=flat", traceparent());
    let waiting = served.get(&path);
    let late = async {
        tokio::task::yield_now().await;
        served.export(TRACE, &[("a2", &id("a1"), "charge")]).await;
    };
    let (answer, ()) = tokio::join!(waiting, late);
    assert!(asked.elapsed() < flush + Duration::from_secs(5));
    assert_eq!(answer.complete.as_deref(), Some("true"));
    assert_eq!(answer.names(), ["POST /orders", "charge"]);
    let charge = &answer.body["spans"][1];
    assert_eq!(charge["parent_id"], id("a1"));
    assert_eq!(
        charge["attributes"],
        json!({ "payment.method": "card", "attempts": 2 })
    );
    assert_eq!(charge["duration_ns"], 5_000_000);
}

#[tokio::test]
async fn a_trace_that_came_long_before_is_found_any_number_of_times() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "early")]).await;
    for _ in 0..3 {
        let answer = served
            .get(&format!("/api/traces/{}?format=flat", traceparent()))
            .await;
        assert_eq!(answer.names(), ["early"]);
        // A span that arrives while the trace is followed is kept too.
        served.export(TRACE, &[("a1", SENT, "early")]).await;
    }
}

#[tokio::test]
async fn by_its_id_alone_a_trace_below_a_caller_without_span_is_complete() {
    let served = Served::start().await;
    served
        .export(
            TRACE,
            &[("a1", SENT, "POST /orders"), ("a2", &id("a1"), "charge")],
        )
        .await;
    let answer = served.get(&format!("/api/traces/{TRACE}")).await;
    assert_eq!(answer.complete.as_deref(), Some("true"));
    let read = otlp::read(answer.body.to_string().as_bytes()).unwrap();
    assert_eq!(read[0].len(), 2);
}

#[tokio::test]
async fn a_traceparent_of_the_response_names_a_span_that_is_there() {
    let served = Served::start().await;
    served
        .export(
            TRACE,
            &[("a1", SENT, "POST /orders"), ("a2", &id("a1"), "charge")],
        )
        .await;
    let answer = served
        .get(&format!("/api/traces/00-{TRACE}-{}-01", id("a1")))
        .await;
    assert_eq!(answer.complete.as_deref(), Some("true"));
}

#[tokio::test]
async fn a_trace_without_a_parent_is_partial_and_names_it() {
    let served = Served::start().await;
    served
        .export(
            TRACE,
            &[("a1", SENT, "POST /orders"), ("a2", &id("ff"), "charge")],
        )
        .await;
    let path = format!("/api/traces/{}?format=flat&wait=150ms", traceparent());
    let answer = served.get(&path).await;
    assert_eq!(
        (answer.status, answer.complete.as_deref()),
        (200, Some("false"))
    );
    assert_eq!(answer.body["complete"], false);
    let missing = answer.body["missing"][0].as_str().unwrap();
    assert!(
        missing.contains(&id("ff")) && missing.contains("charge"),
        "{missing}"
    );
}

#[tokio::test]
async fn until_span_answers_with_the_first_and_until_now_at_once() {
    let served = Served::start().await;
    let path = |until: &str| format!("/api/traces/{TRACE}?until={until}&wait=30s&format=flat");
    assert_eq!(served.get(&path("now")).await.status, 404);
    let first = path("span");
    let (answer, ()) = tokio::join!(
        served.get(&first),
        served.export(TRACE, &[("a1", "", "it")])
    );
    assert_eq!(answer.names(), ["it"]);
    assert_eq!(served.get(&path("now")).await.names(), ["it"]);
}

#[tokio::test]
async fn a_missing_trace_is_a_404_with_the_other_traces() {
    let served = Served::start().await;
    let path = format!("/api/traces/{TRACE}?wait=10ms");
    let nothing = served.get(&path).await;
    assert_eq!(
        (nothing.status, nothing.content_type.as_str()),
        (404, "application/problem+json")
    );
    assert_eq!(nothing.body["type"], "urn:spanspec:problem:no-trace");
    let listened = served.receiver.addresses()[0].to_string();
    assert!(
        nothing.body["detail"].as_str().unwrap().contains(&listened),
        "{}",
        nothing.body
    );
    let other = TRACE.replace('4', "5");
    served.export(&other, &[("a1", "", "elsewhere")]).await;
    let unsampled = served
        .get(&format!("/api/traces/00-{TRACE}-{SENT}-00?until=now"))
        .await;
    let help = unsampled.body["help"][0].as_str().unwrap();
    assert!(help.contains("end it with 01"), "{help}");
    let other = served.get(&path).await;
    let began = format!(
        "`elsewhere` of payment began a new trace: {}",
        TRACE.replace('4', "5")
    );
    assert_eq!(other.body["seen"][1], began);
    assert!(
        other.body["seen"][0]
            .as_str()
            .unwrap()
            .contains("payment (1 spans)"),
        "{}",
        other.body
    );
}

#[tokio::test]
async fn an_invalid_request_is_answered_with_the_valid_ones() {
    let served = Served::start().await;
    for (path, said) in [
        ("/api/traces/4bf9", "32 hex digits"),
        (
            "/api/traces/00000000000000000000000000000000",
            "32 hex digits",
        ),
        (&format!("/api/traces/{TRACE}?wait=10") as &str, "wait=10s"),
        (&format!("/api/traces/{TRACE}?wait=1h"), "10m is the most"),
        (
            &format!("/api/traces/{TRACE}?until=done"),
            "settled, span, now",
        ),
        (
            &format!("/api/traces/{TRACE}?util=now"),
            "wait, until, tail, format",
        ),
        (&format!("/api/traces/{TRACE}?until=now&until=span"), "once"),
        ("/api/health?x=1", "none is known"),
        ("/api/sightings?age=old", "age=10s"),
    ] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.content_type, "application/problem+json");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{path}: {detail}");
    }
}

#[tokio::test]
async fn a_failure_has_the_text_of_the_terminal() {
    let served = Served::start().await;
    served
        .export(TRACE, &[("a1", SENT, "process_payment")])
        .await;
    let judge = |spec: &str| json!({ "trace": traceparent(), "spec": spec });
    let passed = served
        .judge(&judge("errors: 0\nspans: [{ find: process_payment, attributes: { payment.method: \"${method}\" } }]"))
        .await;
    assert_eq!(passed.body["verdict"], "passed", "{}", passed.body);
    let whole = "name: paid\nrequest: GET http://elsewhere/\nexpect:\n  spans:\n    - find: process_payment\n      attributes: { payment.method: paypal }\n";
    let failed = served.judge(&judge(whole)).await;
    assert_eq!(
        (&failed.body["verdict"], &failed.body["name"]),
        (&json!("failed"), &json!("paid"))
    );
    let text = failed.body["text"].as_str().unwrap();
    assert!(
        text.contains("found \"card\"") && text.contains("6 |"),
        "{text}"
    );
    let checks = failed.body["step"]["checks"].as_array().unwrap();
    let wrong = checks
        .iter()
        .find(|check| check["outcome"] == "fail")
        .unwrap();
    assert_eq!(wrong["failure"]["location"]["line"], 6);
}

#[tokio::test]
async fn a_capture_without_its_span_is_a_failure() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "root")]).await;
    for (find, verdict) in [("nope", "failed"), ("root", "passed")] {
        let spec = format!(
            "capture: {{ v: {{ find: {find}, attribute: payment.method }} }}\nexpect: {{ spans: [root] }}"
        );
        let question = json!({ "trace": traceparent(), "spec": spec });
        let judged = served.judge(&question).await;
        assert_eq!(judged.body["verdict"], verdict, "{}", judged.body["text"]);
    }
}

#[tokio::test]
async fn a_call_without_a_server_span_keeps_a_trace_open_if_the_flush_bound_is_unknown() {
    let served = Served::of(Flush::Assumed).await;
    let stock = json!({
        "traceId": "11111111111111111111111111111111", "spanId": id("1"), "name": "GET /", "kind": 2,
        "attributes": [text("http.request.method", "GET")],
    });
    let call = json!({
        "traceId": TRACE, "spanId": id("b2"), "parentSpanId": id("a1"), "name": "GET", "kind": 3,
        "startTimeUnixNano": "1", "endTimeUnixNano": "2",
        "attributes": [
            text("http.request.method", "GET"),
            text("server.address", "stock"),
            { "key": "http.response.status_code", "value": { "intValue": "200" } },
        ],
    });
    served.export_of("stock", &[stock]).await;
    let root = span(TRACE, "a1", SENT, "root");
    served.export_of("front", &[root, call]).await;
    let spec = "wait: { flush: 50ms }\nexpect: { errors: 0 }";
    let question = json!({ "trace": traceparent(), "spec": spec, "wait": "300ms" });
    // The spec declares the bound.
    assert_eq!(served.judge(&question).await.body["verdict"], "passed");
    // With an unknown bound, a trace is complete after 5.5 s; this one is not.
    let path = format!("/api/traces/{}?wait=5600ms&format=flat", traceparent());
    let question = json!({ "trace": traceparent(), "spec": "errors: 0", "wait": "5600ms" });
    let (found, judged) = tokio::join!(served.get(&path), served.judge(&question));
    assert_eq!(found.complete.as_deref(), Some("false"));
    let problem = found.body["problems"][0].as_str().unwrap();
    assert!(problem.contains("got an answer from stock"), "{problem}");
    assert_eq!(judged.body["verdict"], "errored", "{}", judged.body["text"]);
}

#[tokio::test]
async fn by_its_id_alone_a_trace_is_judged_too() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "it")]).await;
    let judged = served
        .judge(&json!({ "trace": TRACE, "spec": "orphans: 0\nspan_count: 1" }))
        .await;
    assert_eq!(judged.body["verdict"], "passed", "{}", judged.body["text"]);
}

#[tokio::test]
async fn a_trace_that_does_not_come_cannot_be_judged() {
    let served = Served::start().await;
    let question = json!({ "trace": traceparent(), "spec": "errors: 0", "wait": "20ms" });
    let judged = served.judge(&question).await;
    assert_eq!(judged.body["verdict"], "errored");
    assert!(
        judged.body["text"]
            .as_str()
            .unwrap()
            .contains("no telemetry arrived at all")
    );
}

#[tokio::test]
async fn judgements_that_wait_do_not_keep_others_waiting() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "it")]).await;
    let question = json!({ "trace": "7".repeat(32), "spec": "errors: 0", "wait": "10m" });
    let waiting = (0..600).map(|_| served.judge(&question).boxed());
    let waiting = select_all(waiting);
    let question = json!({ "trace": traceparent(), "spec": "span_count: 1" });
    tokio::select! {
        (answer, ..) = waiting => panic!("{}", answer.body),
        judged = served.judge(&question) => assert_eq!(judged.body["verdict"], "passed"),
    }
}

#[tokio::test]
async fn errors_of_a_spec_have_their_positions() {
    let served = Served::start().await;
    let judge = |spec: &str| json!({ "trace": TRACE, "spec": spec });
    let wrong = served.judge(&judge("errors: 0\nspanz: []")).await;
    assert_eq!(wrong.status, 400);
    let error = &wrong.body["errors"][0];
    assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(1)));
    assert!(error["help"].as_str().unwrap().contains("spans"));
    for (spec, said) in [
        ("", "this text has no expectation"),
        ("- 1", "`expect`"),
        ("status: 200", "status"),
        ("steps: []\nexpect: { errors: 0 }", "several traces"),
        ("errors: 0\n---\nerrors: 0", "one spec"),
        ("errors: ${nowhere}", "nowhere"),
        ("expect: { errors: 0 }\nwiat: 1s", "wiat"),
        ("errors: [", "not YAML"),
        (
            "expect: { errors: 0 }\nrepeat: { count: 5 }",
            "`repeat` needs requests that spanspec sends",
        ),
        (
            "expect: { errors: 0 }\nbudgets: { trace_duration: { p99: \"< 1s\" } }",
            "`budgets` needs requests that spanspec sends",
        ),
    ] {
        let wrong = served.judge(&judge(spec)).await;
        assert_eq!(wrong.status, 400, "{spec}: {}", wrong.body);
        assert!(
            wrong.body.to_string().contains(said),
            "{spec}: {}",
            wrong.body
        );
    }
    for body in [
        "",
        "{}",
        "[1]",
        "{\"trace\":1,\"spec\":\"\"}",
        "{\"trace\":\"x\",\"spec\":\"\",\"more\":1}",
    ] {
        let request = served.client.post(served.url("/api/judge"));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.content_type, "application/problem+json");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_not_text_is_a_problem() {
    let served = Served::start().await;
    let question = json!({ "trace": TRACE, "spec": "#".repeat(3 << 20) });
    let large = served.judge(&question).await;
    assert_eq!(large.status, 413);
    assert_eq!(large.content_type, "application/problem+json");
    let many = format!("spans:\n{}", "- find: x\n".repeat(60_000));
    let many = json!({ "trace": TRACE, "spec": many });
    let many = served.judge(&many).await;
    assert_eq!(many.status, 413);
    assert_eq!(many.body["title"], "the spec has 586 KiB");
    let no_text = served.get("/api/traces/%ff").await;
    assert_eq!(no_text.status, 400);
    assert_eq!(no_text.content_type, "application/problem+json");
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let served = Served::start().await;
    let asked = served.client.get(served.url("/api/health"));
    let answer = Answer::of(asked.header("host", "evil.example").send().await.unwrap()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body["type"], "urn:spanspec:problem:wrong-host");
}

#[tokio::test]
async fn events_report_traces_and_refusals() {
    let served = Served::start().await;
    let mut events = served
        .client
        .get(served.url("/api/events"))
        .send()
        .await
        .unwrap();
    let mut seen = String::new();
    let read = async |events: &mut reqwest::Response, seen: &mut String, until: &str| {
        while !seen.contains(until) {
            let chunk = soon(events.chunk()).await.unwrap().expect("it has no end");
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    read(&mut events, &mut seen, "listening").await;
    served.export(TRACE, &[("a1", "", "it")]).await;
    read(&mut events, &mut seen, "event: started").await;
    served.export(TRACE, &[("a2", &id("a1"), "more")]).await;
    read(&mut events, &mut seen, "event: changed").await;
    read(&mut events, &mut seen, "event: settled").await;
    assert!(
        seen.contains(TRACE) && seen.contains("\"services\":[\"payment\"]"),
        "{seen}"
    );
    let garbage = served.client.post(served.url("/v1/traces")).body("garbage");
    garbage.send().await.unwrap();
    read(&mut events, &mut seen, "event: refused").await;
}

#[tokio::test]
async fn a_receiver_alone_has_no_api() {
    let receiver = Receiver::builder()
        .listen([([127, 0, 0, 1], 0).into()])
        .start()
        .await
        .unwrap();
    let url = format!("http://{}", receiver.addresses()[0]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .get(format!("{url}/api/health"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    let error = connect(&url).await.unwrap_err().to_string();
    assert!(
        error.contains("SPANSPEC_RECEIVER") && error.contains("404"),
        "{error}"
    );
}

#[tokio::test]
async fn a_remote_source_has_the_spans_of_the_receiver() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "before")]).await;
    let remote = connect(&served.url("")).await.unwrap();
    assert_eq!(remote.health.flush(), Some(FLUSH));
    assert_eq!(remote.health.ports["services.shop.http"], 4711);
    // Ages include the time of the transfer, which is small beside that of 50 transfers.
    for _ in 0..50 {
        connect(&served.url("")).await.unwrap();
    }
    let before = Instant::now();
    let mut follow = remote.source.follow(
        TRACE.parse().unwrap(),
        Origin::Injected(SENT.parse().unwrap()),
    );
    soon(follow.changed()).await;
    let snapshot = follow.snapshot();
    assert_eq!(snapshot.trace.spans()[0].name, "before");
    assert!(
        snapshot.arrivals[0] < before,
        "it arrived before it was asked for"
    );
    served.export(TRACE, &[("a2", &id("a1"), "after")]).await;
    soon(follow.changed()).await;
    assert_eq!(follow.snapshot().trace.len(), 2);
    served
        .export(&TRACE.replace('4', "5"), &[("a3", "", "other")])
        .await;
    let sightings = remote.source.diagnostics(before).await;
    assert_eq!(sightings.stats.unrelated["payment"], 1);
    assert_eq!(sightings.unrelated[0].spans()[0].name, "other");
}

#[tokio::test]
async fn linked_traces_come_along_from_a_remote_source() {
    let served = Served::start().await;
    let remote = connect(&served.url("")).await.unwrap();
    let mut follow = remote
        .source
        .follow(TRACE.parse().unwrap(), Origin::Foreign);
    let other = TRACE.replace('4', "5");
    let mut consumer = span(&other, "b1", "", "consume");
    consumer["links"] = json!([{ "traceId": TRACE, "spanId": id("a1") }]);
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span(TRACE, "a1", "", "send"), consumer] }] }] });
    let request = served.client.post(served.url("/v1/traces"));
    let request = request.header("content-type", "application/json");
    request.body(body.to_string()).send().await.unwrap();
    loop {
        soon(follow.changed()).await;
        let snapshot = follow.snapshot();
        if let [linked] = snapshot.trace.linked() {
            assert_eq!(linked.spans()[0].name, "consume");
            return;
        }
    }
}

#[tokio::test]
async fn log_records_of_the_trace_come_along_from_a_remote_source() {
    let served = Served::start().await;
    let remote = connect(&served.url("")).await.unwrap();
    let mut follow = remote
        .source
        .follow(TRACE.parse().unwrap(), Origin::Foreign);
    // The first span shows that the receiver follows the trace.
    served.export(TRACE, &[("a1", "", "it")]).await;
    while follow.snapshot().trace.is_empty() {
        soon(follow.changed()).await;
    }
    let record =
        json!({ "traceId": TRACE, "spanId": id("a1"), "body": { "stringValue": "ready" } });
    let body = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] });
    let request = served.client.post(served.url("/v1/logs"));
    let request = request.header("content-type", "application/json");
    request.body(body.to_string()).send().await.unwrap();
    soon(follow.changed()).await;
    let trace = follow.snapshot().trace;
    let logs = trace.logs().iter();
    let bodies: Vec<String> = logs.map(|log| log.body.to_string()).collect();
    assert_eq!(bodies, ["\"ready\""]);
    assert!(trace.log_holes().is_empty());
    let request = served.client.post(served.url("/v1/logs"));
    let request = request.header("content-type", "application/json");
    request.body("{").send().await.unwrap();
    soon(follow.changed()).await;
    let trace = follow.snapshot().trace;
    assert_eq!((trace.log_holes().len(), trace.holes().len()), (1, 0));
}

#[tokio::test]
async fn a_trace_has_its_log_records_in_both_formats() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "charge")]).await;
    served.export_logs().await;
    let path = format!("/api/traces/{}?until=now", traceparent());
    let flat = served.get(&format!("{path}&format=flat")).await.body;
    let declined = json!({
        "span_id": id("a1"), "service": "payment", "severity": "warn", "severity_number": 13,
        "body": "card declined", "event": "", "time_ns": 1_790_000_000_001_000_000_u64,
        "attributes": { "attempt": "1" }, "resource": { "service.name": "payment" },
        "scope": "cards", "dropped": 0,
    });
    assert_eq!(flat["logs"][0], declined);
    let last = &flat["logs"][1];
    assert_eq!(
        (&last["span_id"], &last["severity"]),
        (&Json::Null, &Json::Null)
    );
    assert_eq!(last["body"], json!({ "code": 7 }));
    let document = served.get(&path).await.body.to_string();
    let read = otlp::read(document.as_bytes()).unwrap();
    assert_eq!(read[0].logs().len(), 2);
}

#[tokio::test]
async fn a_remote_receiver_that_is_gone_is_reported() {
    let served = Served::start().await;
    let remote = connect(&served.url("")).await.unwrap();
    let follow = remote
        .source
        .follow(TRACE.parse().unwrap(), Origin::Foreign);
    served.export(TRACE, &[("a1", "", "it")]).await;
    drop(served);
    let why = soon(remote.source.gone()).await;
    assert!(why.contains("SPANSPEC_RECEIVER"), "{why}");
    drop(follow);
}

/// Ends after the name of the service.
const CUT_OFF: &str = r#"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]}"#;

impl Served {
    async fn export_garbage(&self) {
        let request = self.client.post(self.url("/v1/traces"));
        let refused = request
            .header("content-type", "application/json")
            .header("user-agent", "exporter/1.0")
            .body(CUT_OFF);
        assert_eq!(refused.send().await.unwrap().status(), 400);
    }
}

#[tokio::test]
async fn a_refused_export_keeps_a_trace_from_being_complete_and_is_named_everywhere() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "before")]).await;
    served.export_garbage().await;
    let path = format!("/api/traces/{}", traceparent());
    let answer = served.get(&format!("{path}?format=flat")).await;
    assert_eq!(answer.complete.as_deref(), Some("false"));
    assert_eq!(answer.body["complete"], false);
    let problem = answer.body["problems"][0].as_str().unwrap();
    for part in [
        "spans of this trace may be missing: POST /v1/traces was refused: no OTLP/JSON",
        "service `order`, 127.0.0.1:",
        "exporter/1.0",
        "update the OpenTelemetry SDK",
    ] {
        assert!(problem.contains(part), "{part}: {problem}");
    }
    assert_eq!(served.get(&path).await.body["problems"][0], problem);
    let health = served.get("/api/health").await;
    let told = health.body["problems"][0].as_str().unwrap();
    assert!(
        told.starts_with("POST /v1/traces from service `order`"),
        "{told}"
    );
    let question = json!({ "trace": traceparent(), "spec": "errors: 0" });
    let judged = served.judge(&question).await;
    assert_eq!(judged.body["verdict"], "errored");
    let text = judged.body["text"].as_str().unwrap();
    assert!(
        text.contains("POST /v1/traces was refused") && text.contains("help: update"),
        "{text}"
    );
    // A span that arrived cannot disappear.
    let question = json!({ "trace": traceparent(), "spec": "spans: [before]" });
    assert_eq!(served.judge(&question).await.body["verdict"], "passed");
}

#[tokio::test]
async fn a_trace_that_began_after_a_refused_export_is_complete() {
    let served = Served::start().await;
    served.export_garbage().await;
    let mut late = span(TRACE, "a1", SENT, "after");
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    late["startTimeUnixNano"] = now.as_nanos().to_string().into();
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [late] }] }] });
    let request = served.client.post(served.url("/v1/traces"));
    let request = request.header("content-type", "application/json");
    request.body(body.to_string()).send().await.unwrap();
    let answer = served.get(&format!("/api/traces/{}", traceparent())).await;
    assert_eq!(answer.complete.as_deref(), Some("true"), "{}", answer.body);
    assert_eq!(answer.body["problems"], Json::Null);
}

#[tokio::test]
async fn a_remote_source_has_refused_exports_with_their_senders() {
    let served = Served::start().await;
    let remote = connect(&served.url("")).await.unwrap();
    let mut follow = remote
        .source
        .follow(TRACE.parse().unwrap(), Origin::Foreign);
    served.export(TRACE, &[("a1", "", "it")]).await;
    soon(follow.changed()).await;
    assert_eq!(follow.snapshot().trace.holes(), []);
    served.export_garbage().await;
    soon(follow.changed()).await;
    let snapshot = follow.snapshot();
    let [hole] = snapshot.trace.holes() else {
        panic!("{:?}", snapshot.trace.holes());
    };
    assert_eq!(hole.sender.service.as_deref(), Some("order"));
    let sightings = remote.source.diagnostics(Instant::now()).await;
    let refusal = &sightings.stats.refusals[0];
    assert_eq!(refusal.hole().as_ref(), Some(hole));
    // The line of the stream is as the document says.
    let document = document();
    let line = json!({ "hole": hole });
    let schema = &document["components"]["schemas"]["arrival"];
    assert_eq!(wrong(&line, schema, &document, "$"), Vec::<String>::new());
}

#[tokio::test]
async fn a_traceparent_whose_entry_is_lost_is_not_complete() {
    let served = Served::start().await;
    // The span a1, the child of what was sent, never arrives.
    served.export(TRACE, &[("a2", &id("a1"), "charge")]).await;
    let path = format!("/api/traces/{}?wait=300ms&format=flat", traceparent());
    let answer = served.get(&path).await;
    assert_eq!(answer.complete.as_deref(), Some("false"));
    let problem = answer.body["problems"][0].as_str().unwrap();
    assert!(
        problem.contains("the entry of the trace is missing") && problem.contains(SENT),
        "{problem}"
    );
    let question = json!({ "trace": traceparent(), "spec": "errors: 0", "wait": "300ms" });
    assert_eq!(served.judge(&question).await.body["verdict"], "errored");
}

#[tokio::test]
async fn a_second_request_in_one_trace_is_not_settled_by_the_first() {
    let served = Served::with_flush(Duration::from_millis(800)).await;
    served.export(TRACE, &[("a1", SENT, "first")]).await;
    let path = format!("/api/traces/{}?format=flat", traceparent());
    let first = served.get(&path).await;
    assert_eq!(first.complete.as_deref(), Some("true"));
    let late = async {
        tokio::task::yield_now().await;
        served.export(TRACE, &[("a2", SENT, "second")]).await;
    };
    let (both, ()) = tokio::join!(served.get(&path), late);
    assert_eq!(both.complete.as_deref(), Some("true"));
    assert_eq!(both.names().len(), 2);
    // Without a wait, nothing is known of a request that was answered just now.
    for until in ["now", "span"] {
        let answer = served.get(&format!("{path}&until={until}")).await;
        assert_eq!(answer.complete.as_deref(), Some("false"));
        let problem = answer.body["problems"][0].as_str().unwrap();
        assert!(problem.contains("use `until=settled`"), "{problem}");
    }
}

#[tokio::test]
async fn a_judgement_with_a_wait_below_the_flush_bound_leaves_open_checks_unjudged() {
    let served = Served::with_flush(Duration::from_secs(20)).await;
    served.export(TRACE, &[("a1", SENT, "it")]).await;
    let judge = async |spec: &str| {
        let question = json!({ "trace": traceparent(), "spec": spec, "wait": "100ms" });
        served.judge(&question).await.body["verdict"].clone()
    };
    assert_eq!(judge("errors: 0").await, "errored");
    assert_eq!(judge("spans: [{ find: it }]").await, "passed");
}

#[tokio::test]
async fn the_paths_of_other_protocols_are_explained_also_where_the_api_is() {
    let served = Served::start().await;
    for path in ["/api/v2/spans", "/api/traces?format=jaeger.thrift"] {
        let exported = served.client.post(served.url(path)).body("[]");
        assert_eq!(exported.send().await.unwrap().status(), 404);
    }
    let nothing = served.get(&format!("/api/traces/{TRACE}?wait=10ms")).await;
    let seen = nothing.body["seen"].to_string();
    assert!(
        seen.contains("it is Zipkin's path") && seen.contains("it is Jaeger's path"),
        "{}",
        nothing.body
    );
}

/// The document, read as the YAML that specs are written in.
fn document() -> Json {
    let source = Source::new("docs/openapi.yaml", OPENAPI);
    let read = read_variables(&source).unwrap_or_else(|errors| panic!("{errors}"));
    let entries = read
        .into_iter()
        .map(|(key, value)| (key, Value::to_json(&value)));
    Json::Object(entries.collect::<Map<String, Json>>())
}

#[tokio::test]
async fn the_document_has_every_path_and_no_other() {
    let served = Served::start().await;
    let nowhere = served.get("/api/v1/nowhere").await;
    assert_eq!(nowhere.body["type"], "urn:spanspec:problem:no-path");
    let told = nowhere.body["detail"]
        .as_str()
        .unwrap()
        .trim_start_matches("there are ");
    let served_paths: BTreeSet<String> = told
        .split(", ")
        .map(|path| path.replace("/api/v1", ""))
        .collect();
    let document = document();
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(served_paths, documented);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for prefix in ["/api", "/api/v1"] {
            let url = served.url(&format!("{prefix}{}", path.replace("{trace}", TRACE)));
            let allowed = operations
                .as_object()
                .unwrap()
                .keys()
                .next()
                .unwrap()
                .to_uppercase();
            let answer = Answer::of(served.client.delete(url).send().await.unwrap()).await;
            let title = &answer.body["title"];
            assert_eq!(
                (answer.status, &answer.body["detail"]),
                (405, &json!(format!("send {allowed}"))),
                "{path}: {title}"
            );
        }
    }
}

#[tokio::test]
async fn answers_are_as_the_document_says() {
    let served = Served::start().await;
    served.export(TRACE, &[("a1", SENT, "it")]).await;
    served.export_logs().await;
    let document = document();
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let traceparent = traceparent();
    for (path, name) in [
        ("/api/health".to_owned(), "health"),
        ("/api/sightings?age=10s".to_owned(), "sightings"),
        (format!("/api/traces/{traceparent}"), "otlp"),
        (format!("/api/traces/{traceparent}?format=flat"), "trace"),
        (
            "/api/traces/00000000000000000000000000000bad?until=now".to_owned(),
            "no_trace",
        ),
        ("/api/traces/x".to_owned(), "problem"),
        ("/api/nowhere".to_owned(), "problem"),
    ] {
        let answer = served.get(&path).await;
        let wrong = wrong(&answer.body, &schema(name), &document, "$");
        assert_eq!(wrong, Vec::<String>::new(), "{path}");
    }
    for (spec, name) in [("errors: 0", "judgement"), ("spanz: 0", "wrong_spec")] {
        let question = json!({ "trace": traceparent, "spec": spec });
        assert_eq!(
            wrong(&question, &schema("question"), &document, "$"),
            Vec::<String>::new()
        );
        let answer = served.judge(&question).await;
        let wrong = wrong(&answer.body, &schema(name), &document, "$");
        assert_eq!(wrong, Vec::<String>::new(), "{spec}");
    }
    let url = served.url(&format!("/api/traces/{TRACE}/spans"));
    let mut stream = served.client.get(url).send().await.unwrap();
    let chunk = soon(stream.chunk()).await.unwrap().unwrap();
    for line in chunk.trim_ascii_end().split(|byte| *byte == b'\n') {
        let line: Json = serde_json::from_slice(line).unwrap();
        assert_eq!(
            wrong(&line, &schema("arrival"), &document, "$"),
            Vec::<String>::new()
        );
    }
}

/// Violations of the schema; knows the keywords of JSON Schema that our document uses.
fn wrong(value: &Json, schema: &Json, root: &Json, path: &str) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(target.trim_start_matches('#')).unwrap();
        return wrong(value, target, root, path);
    }
    let mut found = Vec::new();
    if !has_type(value, &schema["type"]) {
        found.push(format!("{path}: {value} is no {}", schema["type"]));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{path}: {value} is not {}", schema["const"]));
    }
    let allowed = schema["enum"].as_array();
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{path}: {value} is none of {}", schema["enum"]));
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(wrong(
            item,
            &schema["items"],
            root,
            &format!("{path}[{at}]"),
        ));
    }
    let (Some(entries), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return found;
    };
    for key in schema["required"].as_array().into_iter().flatten() {
        if !entries.contains_key(key.as_str().unwrap()) {
            found.push(format!("{path}: {key} is missing"));
        }
    }
    for (key, value) in entries {
        match known.get(key) {
            Some(below) => found.extend(wrong(value, below, root, &format!("{path}.{key}"))),
            None => found.push(format!("{path}: `{key}` is not in the document")),
        }
    }
    found
}

fn has_type(value: &Json, types: &Json) -> bool {
    let is = |name: &Json| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("a type that the document should not use: {other}"),
    };
    match types {
        Json::Null => true,
        Json::Array(types) => types.iter().any(is),
        one => is(one),
    }
}
