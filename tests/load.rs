//! Specs that are fired many times, at services that export to the real receiver.

mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use spanspec::budget::Quantile;
use spanspec::check::Outcome;
use spanspec::run::{
    Flush, Load, Options, Report, RunEvent, SpecReport, StepReport, Stop, Verdict, run,
};
use spanspec::source::Receiver;
use spanspec::spec::{Context, Source, Spec};
use support::{ClosedPort, DEADLINE};
use tokio::sync::{Barrier, Notify, watch};

/// A request as the service sees it.
struct Call {
    /// How many came before it.
    number: u64,
    path: String,
    headers: axum::http::HeaderMap,
}

/// What the service does about it: the status, the body, and spans below its own, in milliseconds.
struct Answer {
    status: u16,
    body: Value,
    spans: Vec<(&'static str, u64)>,
}

fn ok() -> Answer {
    status(200)
}

fn status(status: u16) -> Answer {
    Answer {
        status,
        body: json!({}),
        spans: vec![("work", 5)],
    }
}

/// A service, and the receiver to which it exports each request's spans before it answers.
struct System {
    receiver: Receiver,
    address: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl System {
    async fn start<F>(answer: impl Fn(Call) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let receiver = Receiver::start().unwrap();
        let endpoint = receiver.endpoint();
        let counts = Arc::new(Counts::default());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let known = Arc::clone(&counts);
        let handle = move |request: Request| {
            let (answer, counts) = (answer.clone(), Arc::clone(&known));
            let (client, endpoint) = (client.clone(), endpoint.clone());
            async move {
                let now = counts.now.fetch_add(1, Ordering::SeqCst) + 1;
                counts.most.fetch_max(now, Ordering::SeqCst);
                let call = Call {
                    number: counts.calls.fetch_add(1, Ordering::SeqCst),
                    path: request.uri().path().to_owned(),
                    headers: request.headers().clone(),
                };
                let context = call.headers["traceparent"].to_str().unwrap().to_owned();
                let answer = answer(call).await;
                export(&client, &endpoint, &context, &answer.spans).await;
                counts.now.fetch_sub(1, Ordering::SeqCst);
                respond(&answer)
            }
        };
        let address = support::serve(Router::new().fallback(handle)).await;
        Self {
            receiver,
            address: format!("http://{address}"),
            counts,
        }
    }

    /// Specs of one file, in which `HOST` is the service.
    fn specs(&self, text: &str) -> Vec<Spec> {
        specs(&text.replace("HOST", &self.address))
    }

    async fn run(&self, text: &str) -> Report {
        run_on(&self.receiver, &self.specs(text)).await
    }

    fn calls(&self) -> u64 {
        self.counts.calls.load(Ordering::SeqCst)
    }
}

fn respond(answer: &Answer) -> Response {
    let status = axum::http::StatusCode::from_u16(answer.status).unwrap();
    (status, answer.body.to_string()).into_response()
}

async fn export(client: &reqwest::Client, endpoint: &str, context: &str, below: &[(&str, u64)]) {
    if below.is_empty() {
        return;
    }
    let parts: Vec<&str> = context.split('-').collect();
    let (trace, caller) = (parts[1], parts[2]);
    let own = format!("{:016x}", u64::from_str_radix(caller, 16).unwrap() ^ 1);
    let span = |id: String, parent: &str, name: &str, kind: u8, millis: u64| {
        json!({
            "traceId": trace,
            "spanId": id,
            "parentSpanId": parent,
            "name": name,
            "kind": kind,
            "startTimeUnixNano": "1790000000000000000",
            "endTimeUnixNano": (1_790_000_000_000_000_000 + millis * 1_000_000).to_string(),
        })
    };
    let children = below
        .iter()
        .zip(1..)
        .map(|((name, millis), number)| span(format!("{number:016x}"), &own, name, 1, *millis));
    let mut spans: Vec<Value> = children.collect();
    spans.push(span(own.clone(), caller, "GET /", 2, 10));
    let attributes = json!([
        { "key": "service.name", "value": { "stringValue": "shop" } },
        { "key": "service.version", "value": { "stringValue": "2.4.0" } },
    ]);
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": attributes },
        "scopeSpans": [{ "spans": spans }],
    }] });
    let request = client
        .post(format!("{endpoint}/v1/traces"))
        .header("content-type", "application/json")
        .body(body.to_string());
    request.send().await.unwrap().error_for_status().unwrap();
}

fn specs(text: &str) -> Vec<Spec> {
    Spec::read_all(
        &Source::new("load.yaml", text),
        std::path::Path::new("."),
        &Context::default(),
    )
    .unwrap()
}

fn options() -> Options {
    Options {
        flush: Flush::Known(Duration::from_millis(50)),
        ..Options::default()
    }
}

async fn run_on(receiver: &Receiver, specs: &[Spec]) -> Report {
    let (_nobody_stops, stop) = watch::channel(None);
    let options = options();
    let run = run(specs, receiver, &options, stop, |_| {});
    tokio::time::timeout(DEADLINE, run).await.unwrap()
}

fn tested(spec: &SpecReport) -> &StepReport {
    let steps = &spec.last_attempt().unwrap().steps;
    steps.iter().find(|step| step.load.is_some()).unwrap()
}

fn load(spec: &SpecReport) -> &Load {
    tested(spec).load.as_ref().unwrap()
}

fn failures(step: &StepReport) -> Vec<String> {
    step.failures().map(ToString::to_string).collect()
}

fn instant(answer: fn(Call) -> Answer) -> impl Fn(Call) -> std::future::Ready<Answer> + Clone {
    move |call| std::future::ready(answer(call))
}

#[tokio::test]
async fn a_closed_loop_sends_as_many_as_it_says_and_never_more_at_once() {
    // Each waits for three others: fewer in flight would wait for ever.
    let barrier = Arc::new(Barrier::new(4));
    let system = System::start(move |_| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            ok()
        }
    })
    .await;
    let report = system
        .run("request: GET HOST/\nrepeat: { times: 40, concurrency: 4 }\nexpect: { status: 200 }")
        .await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Passed, "{:?}", tested(spec));
    assert_eq!((load(spec).requests, system.calls()), (40, 40));
    assert_eq!(system.counts.most.load(Ordering::SeqCst), 4);
    assert_eq!(load(spec).response_times.len(), 40);
}

#[tokio::test]
async fn the_warm_up_does_not_count_and_may_fail() {
    let system = System::start(instant(|call| match call.number {
        0..5 => status(503),
        _ => ok(),
    }))
    .await;
    let report = system
        .run("request: GET HOST/\nrepeat: { times: 20, warmup: 5 }\nexpect: { status: 200 }")
        .await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Passed, "{:?}", tested(spec));
    assert_eq!((load(spec).requests, system.calls()), (20, 25));
    assert_eq!(load(spec).failing, []);
}
