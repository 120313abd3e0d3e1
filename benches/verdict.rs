//! Measures the time from the last span to the verdict: `cargo bench --bench verdict`.
//!
//! First with an exporter of our own, that knows when it has sent the last span; then with the
//! example shop, whose SDKs export every 100 ms. Everything goes over loopback.

mod figures;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use spanspec::internal::project::Project;
use spanspec::internal::run::run;
use spanspec::internal::service::{self, System, free_port};
use spanspec::{
    Context, Flush, Globals, Options, Receiver, Report, RunEvent, SaveTraces, Secrets, Services,
    Source, Spec, StepReport, Value, Verdict,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

use figures::{Times, head, line, ratio, rounds};

/// The export delay of the services, 100 ms, and a margin.
const FLUSH: Duration = Duration::from_millis(350);

/// Spans that are there before the last one.
const EARLIER: u8 = 20;

#[tokio::main]
async fn main() {
    head("from the last span to the verdict", "aim");
    after_the_last_span().await;
    let system = Shop::start().await;
    head("the shop, batches every 100 ms", "");
    one_after_another(&system).await;
    side_by_side(&system).await;
    system.stop().await;
}

/// Times from the moment when the export was written to the socket.
async fn after_the_last_span() {
    let receiver = receiver().await;
    let (requests, mut calls) = mpsc::channel(1);
    let service = serve(requests).await;
    let specs = specs(&format!(
        "request: GET http://{service}/\nexpect:\n  spans:\n    - find: {{ name: last }}\n"
    ));
    let mut exporter = Exporter::connect(receiver.addresses()[0]).await;
    let mut times = Vec::new();
    let mut answered = Vec::new();
    for _ in 0..rounds(500, 20) {
        let (finished, verdict) = oneshot::channel();
        let judged = async {
            let report = run_now(&specs, &receiver, finished).await;
            assert_passed(&report);
        };
        let exported = async {
            let call: Call = calls.recv().await.expect("the spec's request");
            let earlier = (2..EARLIER + 2).map(|id| span(&call, id, "earlier"));
            exporter.send(earlier.collect()).await;
            // The response is read long before the last span comes.
            tokio::time::sleep(Duration::from_millis(3)).await;
            let last = vec![span(&call, 1, "last")];
            let times = exporter.send(last).await;
            let verdict: Instant = verdict.await.expect("a verdict");
            (verdict.saturating_duration_since(times.written), times)
        };
        let ((), (time, sent)) = tokio::join!(judged, exported);
        times.push(time);
        answered.push(sent.answered - sent.written);
    }
    line(
        "span sent → spec finished",
        &Times::new(times),
        "median < 1 ms, p99 < 5 ms",
    );
    line(
        "  span sent → receiver's answer read",
        &Times::new(answered),
        "",
    );
}

async fn one_after_another(shop: &Shop) {
    let specs = shop.specs(
        "expect:\n  status: 201\n  spans:\n    - find: ship\n    \
         - find: { name: process_payment, below: { service: order } }\n    - find: INSERT orders\n",
        1,
    );
    let mut steps = Vec::new();
    for _ in 0..rounds(60, 5) {
        steps.push(step(&shop.run(&specs).await));
    }
    let of = |part: fn(&StepReport) -> Option<Duration>| {
        Times::new(steps.iter().filter_map(part).collect())
    };
    let response = of(|step| step.timing.response);
    line("request → response", &response, "");
    line(
        "request → last span here",
        &of(|step| step.timing.last_span),
        "",
    );
    line(
        "request → verdict, presence",
        &of(|step| step.timing.verdict),
        "aim: median < 200 ms",
    );
}

async fn side_by_side(shop: &Shop) {
    let absence = "expect:\n  status: 201\n  spans:\n    - find: no such span\n      count: 0\n";
    let (one, fifty) = (shop.specs(absence, 1), shop.specs(absence, 50));
    let mut alone = Vec::new();
    let mut together = Vec::new();
    for _ in 0..rounds(15, 2) {
        alone.push(shop.run(&one).await.duration);
        together.push(shop.run(&fifty).await.duration);
    }
    let (alone, together) = (Times::new(alone), Times::new(together));
    let bound = |times: &Times| format!("{} of the flush bound", ratio(times, FLUSH));
    line("absence, one spec", &alone, &bound(&alone));
    let note = format!(
        "{}, {} of one",
        bound(&together),
        ratio(&together, alone.median())
    );
    line("absence, fifty specs at once", &together, &note);
}

/// The shop, started as `spanspec run` would start it.
struct Shop {
    receiver: Receiver,
    system: System,
    port: u16,
}

impl Shop {
    async fn start() -> Self {
        let receiver = receiver().await;
        let port = free_port().expect("a free port");
        let text = format!(
            "specs: [specs]\nservices:\n  shop:\n    run: [\"{}\"]\n    \
             ports: {{ http: {port} }}\n    env: {{ PORT: \"{port}\" }}\n    \
             ready: http://127.0.0.1:{port}/health\n",
            built().display()
        );
        let source = Source::new("spanspec.yaml", text);
        let project = Project::read(&source, Path::new(".")).expect("a project");
        let name = "services.shop.http".to_owned();
        let globals = Globals {
            services: BTreeMap::from([(name, Some(Value::Int(port.into())))]),
            environment: std::env::vars().collect(),
            ..Globals::default()
        };
        let services = project.services(&Arc::new(globals)).expect("a service");
        let telemetry = service::TelemetryTarget {
            token: None,
            certificate: None,
            endpoint: format!("http://{}", receiver.addresses()[0]),
        };
        let system = service::start(services, &telemetry, |_| {})
            .await
            .expect("a shop");
        Self {
            receiver,
            system,
            port,
        }
    }

    fn specs(&self, expect: &str, count: usize) -> Vec<Spec> {
        let request = format!(
            "request:\n  post: http://127.0.0.1:{}/orders\n  json: {{ sku: A1, quantity: 2 }}\n",
            self.port
        );
        (0..count)
            .flat_map(|_| specs(&format!("{request}{expect}")))
            .collect()
    }

    async fn run(&self, specs: &[Spec]) -> Report {
        let report = run_now(specs, &self.receiver, oneshot::channel().0).await;
        assert_passed(&report);
        report
    }

    async fn stop(self) {
        self.system.stop().await;
    }
}

/// The shop's program, beside ours, as optimised as we are.
fn built() -> PathBuf {
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_spanspec"));
    let folder = ours.parent().expect("a folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--workspace"]);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo");
    assert!(status.success(), "the shop could not be built");
    folder.join("shop")
}

async fn receiver() -> Receiver {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Receiver::builder()
        .listen([any])
        .start()
        .await
        .expect("a free port")
}

fn specs(text: &str) -> Vec<Spec> {
    let source = Source::new("bench.yaml", text);
    Spec::read_all(&source, Path::new("."), &Context::default()).expect("a spec")
}

/// Runs the specs and returns the moment at which the first of them finished.
async fn run_now(
    specs: &[Spec],
    receiver: &Receiver,
    finished: oneshot::Sender<Instant>,
) -> Report {
    let options = Options {
        jobs: 64,
        retries: 0,
        max_fail: None,
        flush: Flush::Known(FLUSH),
        starting_until: None,
        save_traces: SaveTraces::Never,
        services: Services::Ours,
        secrets: Secrets::default(),
        ..Options::default()
    };
    let (_stop, stopped) = watch::channel(None);
    let mut finished = Some(finished);
    run(specs, receiver, &options, stopped, |event| {
        if let RunEvent::Finished(_) = event
            && let Some(finished) = finished.take()
        {
            // Not everybody wants to know.
            let _ = finished.send(Instant::now());
        }
    })
    .await
}

fn assert_passed(report: &Report) {
    let passed = report.count(|verdict| *verdict == Verdict::Passed);
    assert_eq!(passed, report.specs.len(), "{report:#?}");
}

fn step(report: &Report) -> StepReport {
    report.specs[0].attempts[0].steps[0].clone()
}

/// The fields of a request's `traceparent`.
struct Call {
    trace: Vec<u8>,
    parent: Vec<u8>,
}

/// Answers every request with 200 and sends its `traceparent` to `calls`.
async fn serve(calls: mpsc::Sender<Call>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, calls.clone()));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, calls: mpsc::Sender<Call>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let head = String::from_utf8_lossy(&buffer[..length]).to_lowercase();
        let context = head
            .split("traceparent: 00-")
            .nth(1)
            .expect("a trace context");
        let call = Call {
            trace: bytes(&context[..32]),
            parent: bytes(&context[33..49]),
        };
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(response).await.expect("sent");
        calls.send(call).await.expect("somebody waits");
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn span(call: &Call, id: u8, name: &str) -> Span {
    let parent = if id == 1 {
        call.parent.clone()
    } else {
        vec![1; 8]
    };
    Span {
        trace_id: call.trace.clone(),
        span_id: vec![id; 8],
        parent_span_id: parent,
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        ..Span::default()
    }
}

/// One connection to the receiver.
struct Exporter(TcpStream);

struct Sent {
    written: Instant,
    answered: Instant,
}

impl Exporter {
    async fn connect(receiver: SocketAddr) -> Self {
        let stream = TcpStream::connect(receiver).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self(stream)
    }

    async fn send(&mut self, spans: Vec<Span>) -> Sent {
        let body = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        }
        .encode_to_vec();
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: receiver\r\n\
             content-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let request = [head.into_bytes(), body].concat();
        self.0.write_all(&request).await.expect("sent");
        let written = Instant::now();
        let mut response = [0; 1024];
        let length = self.0.read(&mut response).await.expect("an answer");
        assert!(response[..length].starts_with(b"HTTP/1.1 200"));
        Sent {
            written,
            answered: Instant::now(),
        }
    }
}
