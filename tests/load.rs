//! Specs that are fired many times, at services that export to the real receiver.

#[path = "load/measures.rs"]
mod measures;
#[path = "load/shares.rs"]
mod shares;
mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};
use spanspec::internal::budget::baseline::{Run, read};
use spanspec::internal::budget::{self, Quantile};
use spanspec::internal::result::Load;
use spanspec::internal::run::{RunEnd, run, run_open};
use spanspec::internal::step::{Budgeting, Update};
use spanspec::{
    Attempt, Context, Flush, Options, Outcome, Receiver, Report, RunEvent, Source, Spec,
    SpecReport, StepReport, Stop, Trouble, Verdict,
};
use support::{ClosedPort, DEADLINE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Barrier, Notify, watch};

/// A request as the service sees it.
struct Call {
    /// Number of requests before it.
    number: u64,
    path: String,
    headers: axum::http::HeaderMap,
}

/// The response to a request: status, body, and spans below the service's own, in milliseconds.
struct Answer {
    status: u16,
    body: Value,
    spans: Vec<(&'static str, u64)>,
    version: &'static str,
}

fn ok() -> Answer {
    status(200)
}

fn status(status: u16) -> Answer {
    Answer {
        status,
        body: json!({}),
        spans: vec![("work", 5)],
        version: "2.4.0",
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
                export(&client, &endpoint, &context, &answer).await;
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

async fn export(client: &reqwest::Client, endpoint: &str, context: &str, answer: &Answer) {
    if answer.spans.is_empty() {
        return;
    }
    let request = client
        .post(format!("{endpoint}/v1/traces"))
        .header("content-type", "application/x-protobuf")
        .body(request(context, answer.version, &answer.spans));
    request.send().await.unwrap().error_for_status().unwrap();
}

/// The parent of spans with this name never arrives.
const ORPHAN: &str = "orphan";

/// The export of the service: its own span, below that of the caller, and those below it.
fn request(context: &str, version: &str, below: &[(&str, u64)]) -> Vec<u8> {
    let bytes = |digits: &str| {
        let number = u128::from_str_radix(digits, 16).unwrap().to_be_bytes();
        number[16 - digits.len() / 2..].to_vec()
    };
    let parts: Vec<Vec<u8>> = context.split('-').map(bytes).collect();
    let start = 1_790_000_000_000_000_000;
    let span = |id: u64, parent: &[u8], name: &str, millis: u64| Span {
        trace_id: parts[1].clone(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: parent.to_vec(),
        name: name.to_owned(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + millis * 1_000_000,
        ..Span::default()
    };
    let own = u64::MAX;
    let children = below.iter().zip(1..);
    let children = children.map(|((name, millis), id)| match *name {
        ORPHAN => span(id, &[7; 8], name, *millis),
        _ => span(id, &own.to_be_bytes(), name, *millis),
    });
    let entry = span(own, &parts[2], "GET /", 10);
    let attribute = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    };
    let attributes = vec![
        attribute("service.name", "shop"),
        attribute("service.version", version),
    ];
    let block = ResourceSpans {
        resource: Some(Resource {
            attributes,
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: children.chain([entry]).collect(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![block],
    };
    request.encode_to_vec()
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
        budgets: Budgeting {
            confirm_pause: Duration::ZERO,
            ..Budgeting::default()
        },
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

/// One that stands still from the 20th request until the 60th has come.
#[tokio::test]
async fn an_open_loop_keeps_its_rate_while_the_service_stands_still_and_counts_the_wait() {
    let goes_on = Arc::new(Notify::new());
    let system = System::start(move |call| {
        let goes_on = Arc::clone(&goes_on);
        async move {
            match call.number {
                20..60 => goes_on.notified().await,
                60 => goes_on.notify_waiters(),
                _ => {}
            }
            ok()
        }
    })
    .await;
    let report = system
        .run(
            "request: GET HOST/
repeat: { rate: 100/s, for: 1s, arrivals: constant }
expect: { status: 200 }
budgets:
  - { measure: response_time, p99: < 1m }
",
        )
        .await;
    let spec = &report.specs[0];
    let load = load(spec);
    assert_eq!((load.requests, system.calls()), (100, 100));
    // The 20th and the 21st waited for the 60th, which was due 400 and 390 ms later.
    let p99 = load.response_times.quantile(Quantile::P99).unwrap();
    assert!(p99 >= 390_000.0 - load.behind.as_micros() as f64, "{p99}");
    assert_eq!(load.measured[0].samples.len(), 100);
}

/// A service in this process that takes the processor from everybody for a while.
#[tokio::test]
async fn what_is_late_by_the_fault_of_this_machine_fails_no_budget() {
    let system = System::start(instant(|call| {
        let start = Instant::now();
        while call.number == 20 && start.elapsed() < Duration::from_millis(600) {
            std::hint::spin_loop();
        }
        ok()
    }))
    .await;
    let report = system
        .run(
            "request: GET HOST/
repeat: { rate: 100/s, for: 1s, arrivals: constant }
expect: { status: 200 }
budgets:
  - { measure: response_time, p75: < 200ms }
",
        )
        .await;
    let spec = &report.specs[0];
    let load = load(spec);
    assert!(
        load.behind >= Duration::from_millis(400),
        "{:?}",
        load.behind
    );
    assert!(load.late_budget().is_some());
    let measured = &load.measured[0];
    let punctual = measured.punctual.as_ref().unwrap();
    assert_eq!((measured.samples.len(), punctual.len()), (100, 100));
    let p75 = "p75".parse().unwrap();
    assert!(measured.samples.quantile(p75).unwrap() > 2.0 * punctual.quantile(p75).unwrap());
    let judged = &measured.judged[0];
    let said = judged.to_string();
    assert_eq!(judged.verdict, budget::ClaimVerdict::NotProven, "{said}");
    assert!(said.contains("are delay of the load generator"), "{said}");
    assert_eq!(spec.verdict, Verdict::Passed, "{:?}", tested(spec));
}

/// One that never answers each fourth request.
#[tokio::test]
async fn who_gave_up_waiting_counts_with_the_time_that_he_waited() {
    let system = System::start(|call| async move {
        if call.number % 4 == 3 {
            std::future::pending::<()>().await;
        }
        ok()
    })
    .await;
    let report = system
        .run(
            "request: { get: HOST/, timeout: 200ms }
repeat: { times: 20, concurrency: 4, failures: 50% }
expect: { status: 200 }
budgets:
  - { measure: response_time, p90: < 150ms }
",
        )
        .await;
    let spec = &report.specs[0];
    let load = load(spec);
    assert_eq!((load.requests, load.errored), (20, 5));
    let samples = &load.measured[0].samples;
    assert_eq!(samples.len(), 20);
    let p90 = samples.quantile(Quantile::P90).unwrap();
    assert!(p90 >= 200_000.0, "{p90}");
    assert_eq!(load.response_times.len(), 20);
}

/// One that never answers each tenth request, whose spans may have taken any time.
#[tokio::test]
async fn who_gave_up_waiting_leaves_open_how_long_spans_took() {
    let system = System::start(|call| async move {
        if call.number % 10 == 9 {
            std::future::pending::<()>().await;
        }
        ok()
    })
    .await;
    let report = system
        .run(
            "request: { get: HOST/, timeout: 200ms }
repeat: { times: 40, concurrency: 4, failures: 50% }
expect: { status: 200 }
budgets:
  - { find: work, p50: < 1s, p90: < 1s }
  - { find: work, measure: self_time, p50: < 1s }
  - { measure: trace_duration, p50: < 1s }
  - { find: nobody, p50: < 1s }
  - { measure: response_time, p50: < 1s }
",
        )
        .await;
    let load = load(&report.specs[0]);
    let counted = load.measured.iter();
    let counted: Vec<_> = counted
        .map(|one| (one.samples.len(), one.samples.unknown()))
        .collect();
    assert_eq!(counted, [(36, 4), (36, 4), (36, 4), (0, 4), (40, 0)]);
    let verdicts = |of: usize| {
        let judged = load.measured[of].judged.iter();
        judged.map(|one| one.verdict).collect::<Vec<_>>()
    };
    assert_eq!(
        verdicts(0),
        [budget::ClaimVerdict::Ok, budget::ClaimVerdict::NotProven]
    );
    let said = load.measured[0].judged[1].to_string();
    let why = "4 of 40 requests have no measurement: find out why they fail, or why their traces are incomplete.";
    assert!(said.ends_with(why), "{said}");
    let missing = failures(tested(&report.specs[0]));
    assert_eq!(
        missing,
        [
            "p50 of nobody: expected durations to measure, found no span that matches in 36 traces; 4 requests have no complete trace"
        ]
    );
}

#[tokio::test]
async fn some_may_fail_and_one_more_fails_the_spec() {
    let failing = |most: u64| {
        move |call: Call| {
            let is_one = call.number.is_multiple_of(3) && call.number < 3 * most;
            std::future::ready(status(if is_one { 500 } else { 200 }))
        }
    };
    let text = "request: GET HOST/\nrepeat: { times: 20, failures: 10% }\nexpect: { status: 200 }";
    let system = System::start(failing(2)).await;
    let report = system.run(text).await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Passed);
    assert_eq!((load(spec).failed, load(spec).allowed), (2, 2));
    let seen = &load(spec).failing[0];
    assert_eq!(
        (seen.what.as_str(), seen.requests),
        ("status of the response: 200", 2)
    );
    assert!(
        tested(spec)
            .checks
            .iter()
            .all(|one| one.outcome == Outcome::Pass)
    );

    let system = System::start(failing(3)).await;
    let report = system.run(text).await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Failed);
    assert_eq!(
        failures(tested(spec)),
        [
            "number of requests that failed: expected at most 2, found 3 of 20",
            "status of the response: expected 200, found 500",
        ]
    );
}

#[tokio::test]
async fn a_dead_service_ends_it_early_and_is_no_failure_of_the_system_under_test() {
    let port = ClosedPort::reserve();
    let specs = specs(&format!(
        "request: GET http://127.0.0.1:{}/\nrepeat: {{ times: 200 }}\nexpect: {{ status: 200 }}",
        port.number()
    ));
    let report = run_on(&Receiver::start().unwrap(), &specs).await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Errored);
    assert_eq!(
        load(spec).stopped.as_deref(),
        Some("stopped after 21 of 200 requests: 21 failed (0 allowed)")
    );
    assert_eq!((load(spec).failed, load(spec).errored), (0, 21));
    let refused = format!("connection refused by 127.0.0.1:{}", port.number());
    assert!(
        tested(spec)
            .trouble
            .as_ref()
            .unwrap()
            .what
            .starts_with(&refused)
    );
    assert!(load(spec).failing[0].what.starts_with(&refused));
    assert_eq!(load(spec).failing[0].requests, 21);
}

#[tokio::test]
async fn a_dead_service_is_found_in_the_warm_up_already() {
    let port = ClosedPort::reserve();
    let specs = specs(&format!(
        "request: GET http://127.0.0.1:{}/\nrepeat: {{ times: 200, warmup: 100 }}\nexpect: {{ status: 200 }}",
        port.number()
    ));
    let report = run_on(&Receiver::start().unwrap(), &specs).await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Errored);
    assert_eq!(
        load(spec).stopped.as_deref(),
        Some("stopped in the warm-up: connection refused")
    );
    let trouble = tested(spec).trouble.as_ref().unwrap();
    assert!(
        trouble.what.starts_with("connection refused by"),
        "{trouble:?}"
    );
}

#[tokio::test]
async fn a_connection_that_closes_after_others_were_answered_has_advice_about_the_load() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4_096]).await;
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            if number == 0 {
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    let specs = specs(&format!(
        "request: GET http://{address}/\nrepeat: {{ times: 2 }}\nexpect: {{ status: 200 }}"
    ));
    let report = run_on(&Receiver::start().unwrap(), &specs).await;
    let trouble = tested(&report.specs[0]).trouble.as_ref().unwrap();
    assert!(
        trouble.what.starts_with("the connection was closed"),
        "{trouble:?}"
    );
    assert_eq!(
        trouble.help,
        [
            "reduce `concurrency`, or check the service: it crashed or restarted, has a limit of connections, or closes idle ones"
        ]
    );
}

#[tokio::test]
async fn a_service_that_fails_ends_it_early() {
    let system = System::start(instant(|_| status(500))).await;
    let report = system
        .run("request: GET HOST/\nrepeat: { times: 100000, failures: 5 }\nexpect: { status: 200 }")
        .await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Failed);
    assert_eq!(
        load(spec).stopped.as_deref(),
        Some("stopped after 26 of 100000 requests: 26 failed (5 allowed)")
    );
}

#[tokio::test]
async fn where_no_span_comes_the_report_says_what_it_says_of_one_request() {
    let system = System::start(instant(|_| Answer {
        spans: vec![],
        ..ok()
    }))
    .await;
    let text = |expect: &str| {
        format!("request: GET HOST/\nwait: {{ timeout: 200ms }}\nrepeat: {{ times: 30 }}\n{expect}")
    };
    let asks = "expect: { spans: [{ find: work }] }";
    let measures = "expect: { status: 200 }\nbudgets: [{ find: work, p50: < 1s }]";
    for expect in [asks, measures] {
        let report = system.run(&text(expect)).await;
        let spec = &report.specs[0];
        assert_eq!(spec.verdict, Verdict::Errored);
        let trouble = tested(spec).trouble.as_ref().unwrap();
        let said = "no telemetry arrived at all: no service has exported anything";
        assert_eq!(trouble.what, said);
        let counted = load(spec)
            .failing
            .iter()
            .map(|one| (&*one.what, one.requests));
        let counted: Vec<_> = counted.collect();
        assert_eq!(counted, [("there is no span of this trace", 21)]);
        assert_eq!(failures(tested(spec)), [""; 0]);
        // That nothing was found says nothing of what the budget looks for.
        let mut measured = load(spec).measured.iter();
        assert!(measured.all(|of| of.judged.is_empty()));
    }
}

#[tokio::test]
async fn a_request_that_failed_waits_for_no_trace_that_does_not_come() {
    let system = System::start(instant(|_| Answer {
        spans: vec![],
        ..status(502)
    }))
    .await;
    let report = system
        .run(
            "request: GET HOST/
wait: { timeout: 1h }
repeat: { times: 30 }
expect: { status: 200, spans: [{ find: work }] }
budgets: [{ find: work, p50: < 1s }]
",
        )
        .await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Failed);
    assert_eq!((load(spec).failed, load(spec).errored), (21, 0));
    let said = "status of the response: expected 200, found 502";
    assert_eq!(failures(tested(spec))[1], said);
}

#[tokio::test]
async fn each_request_has_values_of_its_own_and_vars_are_the_same_for_all() {
    let seen: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let log = Arc::clone(&seen);
    let system = System::start(move |call| {
        let header = |name: &str| call.headers[name].to_str().unwrap().to_owned();
        let own = header("x-own");
        log.lock().unwrap().push((own.clone(), header("x-run")));
        std::future::ready(Answer {
            body: json!({ "id": own }),
            ..ok()
        })
    })
    .await;
    let report = system
        .run(
            "vars: { run: '${uuid()}' }
request:
  method: GET
  url: HOST/
  headers: { x-own: '${uuid()}', x-run: '${run}' }
capture: { id: { json: $.id } }
repeat: { times: 30, concurrency: 3 }
expect:
  json: { $.id: '${id}' }
",
        )
        .await;
    assert_eq!(
        report.specs[0].verdict,
        Verdict::Passed,
        "{:?}",
        tested(&report.specs[0])
    );
    let seen = seen.lock().unwrap();
    let own: HashSet<_> = seen.iter().map(|(own, _)| own).collect();
    let run: HashSet<_> = seen.iter().map(|(_, run)| run).collect();
    assert_eq!((own.len(), run.len()), (30, 1));
}

#[tokio::test]
async fn the_longest_span_is_the_sample_and_the_slowest_trace_is_kept() {
    let system = System::start(instant(|call| Answer {
        spans: vec![
            ("work", 1),
            ("work", 5 + call.number),
            ("work", 2),
            ("other", 9),
        ],
        ..ok()
    }))
    .await;
    let report = system
        .run(
            "request: GET HOST/
repeat: { times: 10 }
expect: { status: 200 }
budgets:
  - { find: work, p50: < 1s }
  - { find: other, measure: self_time, p50: < 1s }
  - { measure: trace_duration, p50: < 1s }
",
        )
        .await;
    let load = load(&report.specs[0]);
    let work = &load.measured[0];
    let micros: Vec<f64> = (5..15).map(|millis| f64::from(millis) * 1_000.0).collect();
    assert_eq!(work.samples.raw(), Some(micros.as_slice()));
    assert_eq!(work.version.as_deref(), Some("2.4.0"));
    let slowest = work.largest.as_ref().unwrap();
    assert_eq!(slowest.value, 14_000.0);
    assert_eq!(slowest.trace.len(), 5);
    assert_eq!(tested(&report.specs[0]).trace_id, Some(slowest.trace_id));
    let of = |at: usize| load.measured[at].samples.max();
    assert_eq!((of(1), of(2)), (Some(9_000.0), Some(14_000.0)));
}

#[tokio::test]
async fn setup_and_teardown_run_once_and_nothing_else_beside_what_is_measured() {
    let calls: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&calls);
    let system = System::start(move |call| {
        log.lock().unwrap().push(call.path);
        std::future::ready(ok())
    })
    .await;
    let measuring = system.specs(
        "setup: [request: GET HOST/before]
request: GET HOST/measured
repeat: { times: 10, concurrency: 2 }
expect: { spans: [{ find: work }] }
teardown: [request: GET HOST/after]
",
    );
    let mut others = system.specs(
        "name: one
request: GET HOST/one
expect: { spans: [{ find: none, count: 0 }] }
---
name: two
request: GET HOST/two
expect: { spans: [{ find: none, count: 0 }] }
",
    );
    let mut specs = measuring.clone();
    specs.append(&mut others);
    let (_nobody_stops, stop) = watch::channel(None);
    let options = options();
    // Two runs of the same system, as tests of a harness are.
    let both = futures_util::future::join(
        run(&specs, &system.receiver, &options, stop.clone(), |_| {}),
        run(&measuring, &system.receiver, &options, stop, |_| {}),
    );
    let (report, _) = tokio::time::timeout(DEADLINE, both).await.unwrap();
    for spec in &report.specs {
        assert_eq!(spec.verdict, Verdict::Passed, "{spec:?}");
    }
    let calls = calls.lock().unwrap();
    let begins = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| *call == "/before");
    for (at, _) in begins {
        let measured = &calls[at + 1..at + 11];
        assert!(measured.iter().all(|call| call == "/measured"), "{calls:?}");
        assert_eq!(calls[at + 11], "/after");
    }
    let of = |path: &str| calls.iter().filter(|call| *call == path).count();
    assert_eq!((of("/before"), of("/measured"), of("/after")), (2, 20, 2));
    assert_eq!((of("/one"), of("/two")), (1, 1));
}

/// A run that is ended by the eleventh request, which is never answered.
async fn stopped_by(stop: Stop) -> SpecReport {
    let (sender, stopped) = watch::channel(None);
    let system = System::start(move |call| {
        let is_last = call.number >= 10;
        if is_last {
            sender.send_replace(Some(stop.clone()));
        }
        async move {
            if is_last {
                std::future::pending::<()>().await;
            }
            ok()
        }
    })
    .await;
    let specs = system.specs(
        "request: GET HOST/
repeat: { times: 200 }
expect: { status: 200 }
budgets: [{ find: work, p50: < 1ms }]
",
    );
    let options = options();
    let run = run(&specs, &system.receiver, &options, stopped, |_| {});
    let report = tokio::time::timeout(DEADLINE, run).await.unwrap();
    report.specs.into_iter().next().unwrap()
}

#[tokio::test]
async fn who_stops_it_keeps_what_there_is() {
    let spec = stopped_by(Stop::Interrupted).await;
    let interrupted = "interrupted while it ran".to_owned();
    assert_eq!(spec.verdict, Verdict::NotRun(interrupted));
    let load = load(&spec);
    let said = format!(
        "interrupted after 11 of 200 requests, of which {} have a verdict",
        load.requests
    );
    assert_eq!(load.stopped.as_deref(), Some(said.as_str()));
    assert!(load.requests <= 10);
    // A few measurements prove nothing.
    assert_eq!(load.measured[0].judged, []);
}

#[tokio::test]
async fn a_service_that_dies_ends_it_and_is_named() {
    let death = Trouble::new("`shop` ended with exit code 9");
    let spec = stopped_by(Stop::Died(death)).await;
    assert_eq!(spec.verdict, Verdict::Errored);
    let trouble = tested(&spec).trouble.as_ref().unwrap();
    assert_eq!(trouble.what, "`shop` ended with exit code 9");
    let stopped = load(&spec).stopped.as_ref().unwrap();
    assert!(
        stopped.starts_with("stopped after 11 of 200 requests")
            && stopped.ends_with(": a service died"),
        "{stopped}"
    );
}

#[tokio::test]
async fn how_far_it_is_is_told_on_the_way() {
    let system = System::start(instant(|_| ok())).await;
    let specs = system.specs("request: GET HOST/\nrepeat: { times: 40 }\nexpect: { status: 200 }");
    let (_nobody_stops, stop) = watch::channel(None);
    let options = options();
    let mut told = Vec::new();
    let run = run(&specs, &system.receiver, &options, stop, |event| {
        if let RunEvent::Progress { name, done, of, .. } = event {
            assert_eq!((*name, *of), ("load", 40));
            told.push(*done);
        }
    });
    tokio::time::timeout(DEADLINE, run).await.unwrap();
    assert_eq!(told.first(), Some(&0));
    assert!(
        told.is_sorted() && told.iter().all(|done| *done <= 40),
        "{told:?}"
    );
}

/// Runs a spec; before its end the first request's trace gets one more span, after the verdict.
async fn run_with_late_span(spec: &str) -> Report {
    let first: Arc<OnceLock<String>> = Arc::default();
    let known = Arc::clone(&first);
    let system = System::start(move |call| {
        let own = call.headers["traceparent"].to_str().unwrap().to_owned();
        known.get_or_init(|| own);
        std::future::ready(ok())
    })
    .await;
    let specs = specs(&spec.replace("HOST", &system.address));
    let (_nobody_stops, stop) = watch::channel(None);
    let (receiver, options) = (&system.receiver, options());
    let open = run_open(&specs, receiver, &options, stop, |_| {}).await;
    let spans = [("work", 5), ("late", 20)];
    let first = first.get().unwrap();
    let spans = request(first, "2.4.0", &spans);
    receiver.store().ingest(&spans).unwrap();
    open.close(&RunEnd::default(), |_| {})
}

#[tokio::test]
async fn spans_that_come_after_the_verdict_of_a_request_are_told() {
    let spec = "request: GET HOST/
repeat: { times: 2 }
expect: { spans: [{ find: work }] }
";
    let report = run_with_late_span(spec).await;
    assert_eq!(report.specs[0].verdict, Verdict::Passed);
    let said = "1 span of `shop` arrived after the verdict, up to";
    assert!(report.notices[0].starts_with(said), "{:?}", report.notices);
}

#[tokio::test]
async fn a_request_is_not_well_if_a_late_span_changes_its_verdict_or_what_was_measured() {
    for asked in [
        "expect: { span_count: 2 }",
        "expect: { spans: [{ find: late, count: 0 }] }",
        "budgets: [{ find: { service: shop, name: { not: GET / } }, p50: < 10s }]",
    ] {
        let spec = |failures| {
            format!("request: GET HOST/\nrepeat: {{ times: 2, failures: {failures} }}\n{asked}\n")
        };
        let errored = &run_with_late_span(&spec("0%")).await.specs[0];
        assert_eq!(errored.verdict, Verdict::Errored, "{asked}");
        assert_eq!(load(errored).errored, 1, "{asked}");
        let passed = &run_with_late_span(&spec("50%")).await.specs[0];
        assert_eq!(passed.verdict, Verdict::Passed, "{asked}");
        let notices = &load(passed).notices;
        let said = "1 of 2 requests are contradicted by late spans (1 permitted)";
        assert!(
            notices.iter().any(|text| text.contains(said)),
            "{notices:?}"
        );
    }
}

/// While a new version is rolled out.
#[tokio::test]
async fn the_traces_of_each_version_are_counted() {
    let system = System::start(instant(|call| Answer {
        version: ["2.4.0", "2.3.0", "2.4.0"][(call.number % 3) as usize],
        ..ok()
    }))
    .await;
    let report = system
        .run(
            "request: GET HOST/
repeat: { times: 30 }
budgets: [{ find: work, p50: < 1s }, { measure: response_time, p50: < 1m }]
",
        )
        .await;
    for measured in &load(&report.specs[0]).measured {
        let counted: Vec<_> = measured.versions.each().collect();
        assert_eq!(counted, [("2.3.0", 10), ("2.4.0", 20)]);
        assert_eq!(measured.version.as_deref(), Some("2.3.0, 2.4.0"));
    }
}

#[tokio::test]
async fn no_credential_of_any_request_reaches_the_report() {
    let system = System::start(instant(|call| {
        let secret = call.headers["authorization"].to_str().unwrap();
        Answer {
            status: 500,
            body: json!({ "you": secret }),
            spans: vec![("work", call.number)],
            ..ok()
        }
    }))
    .await;
    let report = system
        .run(
            "request:
  method: GET
  url: HOST/
  headers: { authorization: 'Bearer hidden-${uuid()}' }
repeat: { times: 15, failures: 5 }
expect: { json: { $.you: me } }
budgets: [{ find: work, p50: < 1s }]
",
        )
        .await;
    assert_eq!(load(&report.specs[0]).failed, 15);
    let text = format!("{report:?}");
    let shown = text.replace("Bearer hidden-${uuid()}", "");
    assert!(!shown.contains("hidden-"), "{shown}");
}

#[tokio::test]
async fn of_several_attempts_that_fail_the_last_is_proposed_as_the_baseline() {
    let system = System::start(instant(|_| ok())).await;
    let text = "request: GET HOST/\nrepeat: { times: 20 }\nexpect: { status: 200 }\nbudgets:\n  - find: work\n    p50: < 1us\n    regression: 20%";
    let specs = system.specs(text);
    let (attempts, runs) = proposed_after_attempts(&system.receiver, &specs).await;
    // The last attempt has three runs, since each exceeds the limit.
    assert_eq!((attempts.len(), runs.len()), (3, 3));
    assert!(runs.iter().all(|run| run.start() >= attempts[2].started));
}

#[tokio::test]
async fn an_attempt_whose_teardown_fails_is_not_kept_where_another_one_follows() {
    // The 20 requests of the first attempt, and its teardown.
    let system = System::start(instant(|call| match call.number {
        20 => status(500),
        _ => ok(),
    }))
    .await;
    let text = "request: GET HOST/\nrepeat: { times: 20 }\nexpect: { status: 200 }\nbudgets: [{ find: work }]\nteardown:\n  - request: GET HOST/clean\n    expect: { status: 200 }";
    let specs = system.specs(text);
    let (attempts, runs) = proposed_after_attempts(&system.receiver, &specs).await;
    let verdicts: Vec<&Verdict> = attempts.iter().map(|one| &one.verdict).collect();
    assert_eq!(verdicts, [&Verdict::Errored, &Verdict::Passed]);
    assert_eq!(runs.len(), 1);
    assert!(runs[0].start() >= attempts[1].started);
}

/// Up to three attempts at a spec, and the runs that wait to become its baseline then.
async fn proposed_after_attempts(receiver: &Receiver, specs: &[Spec]) -> (Vec<Attempt>, Vec<Run>) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        retries: 2,
        budgets: Budgeting {
            folder: Some(folder.path().to_owned()),
            update: Update::Proposed,
            ..options().budgets
        },
        ..options()
    };
    let (_nobody_stops, stop) = watch::channel(None);
    let running = run(specs, receiver, &options, stop, |_| {});
    let mut report = tokio::time::timeout(DEADLINE, running).await.unwrap();
    let waiting = read(&folder.path().join("load.yaml.json.new")).unwrap();
    let case = waiting.unwrap().cases.into_values().next().unwrap();
    (
        report.specs.remove(0).attempts,
        case.budgets["work"].runs.clone(),
    )
}

/// A service whose spans take 50 ms in the first `slow` requests, and 5 ms in others.
async fn slow_at_first(slow: u64) -> System {
    System::start(move |call| {
        std::future::ready(Answer {
            spans: vec![("work", if call.number < slow { 50 } else { 5 })],
            ..ok()
        })
    })
    .await
}

fn verdict_of(spec: &SpecReport) -> String {
    load(spec).measured[0].judged[0].to_string()
}

const LIMITED: &str = "request: GET HOST/\nrepeat: { times: 20, warmup: 5 }\nexpect: { status: 200 }\nbudgets: [{ find: work, p50: < 20ms, regression: none }]\n";

#[tokio::test]
async fn a_budget_fails_only_if_each_of_three_runs_exceeds_it() {
    let system = slow_at_first(u64::MAX).await;
    let report = system.run(LIMITED).await;
    assert_eq!(report.specs[0].verdict, Verdict::Failed);
    assert_eq!(
        verdict_of(&report.specs[0]),
        "p50 of work: OVER LIMIT in 3 of 3 runs: at least 50 ms (50 ms, 50 ms, 50 ms seen), limit 20 ms"
    );
    // Each run has its warm-up.
    assert_eq!(
        (system.calls(), load(&report.specs[0]).earlier.len()),
        (75, 2)
    );
}

#[tokio::test]
async fn a_budget_that_is_exceeded_once_is_not_proven() {
    let system = slow_at_first(25).await;
    let report = system.run(LIMITED).await;
    assert_eq!(report.specs[0].verdict, Verdict::Passed);
    assert_eq!(
        verdict_of(&report.specs[0]),
        "p50 of work: NOT PROVEN: 1 of 2 runs exceeded the limit 20 ms (50 ms, 5 ms seen). A less busy machine would decide."
    );
    assert_eq!(system.calls(), 50);
}

#[tokio::test]
async fn the_spec_and_the_options_limit_the_number_of_runs() {
    let run_with = async |spec: &str, confirm| {
        let system = slow_at_first(u64::MAX).await;
        let mut options = options();
        options.budgets.confirm = confirm;
        let specs = system.specs(&LIMITED.replace("warmup: 5", spec));
        let (_nobody_stops, stop) = watch::channel(None);
        let running = run(&specs, &system.receiver, &options, stop, |_| {});
        let report = tokio::time::timeout(DEADLINE, running).await.unwrap();
        assert_eq!(report.specs[0].verdict, Verdict::Failed);
        system.calls()
    };
    assert_eq!(run_with("confirm: 0", None).await, 20);
    assert_eq!(run_with("confirm: 1", None).await, 40);
    assert_eq!(run_with("confirm: 1", Some(0)).await, 20);
}

#[tokio::test]
async fn a_further_run_whose_requests_fail_fails_the_spec_for_that_reason() {
    let system = System::start(instant(|call| Answer {
        spans: vec![("work", 50)],
        ..status(if call.number == 30 { 500 } else { 200 })
    }))
    .await;
    let report = system.run(LIMITED).await;
    let spec = &report.specs[0];
    assert_eq!(spec.verdict, Verdict::Failed);
    assert!(
        verdict_of(spec).contains("NOT PROVEN: 1 of 2 runs"),
        "{}",
        verdict_of(spec)
    );
    let failures = failures(tested(spec));
    assert!(
        failures.iter().any(|one| one.contains("1 of 20")),
        "{failures:?}"
    );
    assert!(
        !failures.iter().any(|one| one.contains("p50")),
        "{failures:?}"
    );
}

/// Interrupts the run during the pause before this run. Returns the reason for the stop, and the notice
/// about further runs.
async fn interrupted_before(stopped_run: usize, pause: Duration) -> (Option<String>, String) {
    let system = slow_at_first(u64::MAX).await;
    let mut options = options();
    options.budgets.confirm_pause = pause;
    let specs = system.specs(LIMITED);
    let (sender, stopped) = watch::channel(None);
    let running = run(&specs, &system.receiver, &options, stopped, |event| {
        if let RunEvent::Progress {
            pause: Some(why),
            run,
            ..
        } = event
            && *run == stopped_run
        {
            assert_eq!(*why, "p50 of work exceeds its limit");
            sender.send_replace(Some(Stop::Interrupted));
        }
    });
    let report = tokio::time::timeout(DEADLINE, running).await.unwrap();
    let spec = &report.specs[0];
    let interrupted = "interrupted while it ran".to_owned();
    assert_eq!(spec.verdict, Verdict::NotRun(interrupted));
    let load = load(spec);
    assert_eq!((load.requests, load.measured[0].samples.len()), (20, 20));
    let verdict = verdict_of(spec);
    let runs = stopped_run - 1;
    let exceeded = format!("NOT PROVEN: {runs} of {runs} run");
    assert!(verdict.contains(&exceeded), "{verdict}");
    let about_runs = |notice: &&String| notice.contains("confirmed");
    let notice = load.notices.iter().find(about_runs);
    (load.stopped.clone(), notice.cloned().unwrap_or_default())
}

#[tokio::test]
async fn the_pause_before_a_further_run_ends_with_the_run() {
    let (stopped, notice) = interrupted_before(2, Duration::from_secs(3_600)).await;
    assert_eq!(stopped.as_deref(), Some("interrupted after run 1"));
    assert_eq!(
        notice,
        "p50 of work exceeds its limit in 1 run, and no further run confirmed it"
    );
    // Long enough for the interruption to come in the second pause.
    let (stopped, notice) = interrupted_before(3, Duration::from_secs(2)).await;
    assert_eq!(stopped.as_deref(), Some("interrupted after run 2"));
    assert_eq!(
        notice,
        "p50 of work exceeds its limit in 2 runs, and no further run confirmed it"
    );
}
