//! Measures the rate of the load driver and its cost: `cargo bench --bench load`.
//!
//! A small service in a process of its own answers and exports a span for each request, in batches,
//! to the real receiver in the driver's process. Beside it `oha` or `wrk` calls the same service, if
//! one of them is installed. Compare the lines of one run with each other only. What the operating
//! system reports about a process is read from `/proc`, so CPU time and memory are Linux only.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod figures;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use spanspec::internal::budget::Quantile;
use spanspec::internal::run::run;
use spanspec::{Context, Flush, Options, Receiver, Source, Spec, Verdict};
use tokio::sync::{mpsc, watch};

use figures::is_quick;

/// Requests that wait for an answer at the same time.
const CONCURRENCY: usize = 16;

/// The batch size of SDKs.
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_millis(100);

/// Unit of CPU times in `/proc`.
const TICKS_A_SECOND: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)
    };
    if let Some(endpoint) = after("--serve") {
        serve(endpoint.clone());
    } else if let Some(times) = after("--drive") {
        drive(times.parse().expect("a number of requests"));
    } else {
        compare();
    }
}

fn compare() {
    let (few, many) = if is_quick() {
        (200, 1_000)
    } else {
        (10_000, 100_000)
    };
    println!(
        "{CONCURRENCY} at a time, a span each                 requests/s       p50   CPU/request   memory"
    );
    let first = driven(few);
    driven(many);
    let other = ["oha", "wrk"].into_iter().find(|name| is_installed(name));
    let Some(other) = other else {
        println!("neither oha nor wrk is installed");
        return;
    };
    let rate = beside(other);
    println!("{other:42}{rate:>12.0}");
    println!("spanspec / {other} {:.2}", first / rate);
}

/// Runs in a new process, whose memory is that of this measurement only.
fn driven(times: u64) -> f64 {
    let output = this_program(&["--drive", &times.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    print!("{text}");
    let rate = text.split_whitespace().nth(2);
    rate.and_then(|rate| rate.parse().ok()).expect("a rate")
}

fn this_program(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(arguments);
    command
}

/// The driver: a line of figures.
fn drive(times: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let receiver = Receiver::start().expect("a port");
    let service = Service::start(&receiver);
    let specs = specs(&format!(
        "request: GET http://{}/
repeat: {{ times: {times}, concurrency: {CONCURRENCY}, warmup: 100 }}
expect: {{ status: 200, errors: 0 }}
budgets:
  - {{ find: GET /, p50: < 10s }}
  - {{ measure: response_time, p99: < 10s }}
",
        service.address
    ));
    let options = Options {
        flush: Flush::Known(DELAY + Duration::from_millis(250)),
        ..Options::default()
    };
    let (_nobody_stops, stop) = watch::channel(None);
    let before = cpu_time();
    let report = runtime.block_on(run(&specs, &receiver, &options, stop, |_| {}));
    let spec = &report.specs[0];
    let step = spec
        .last_attempt()
        .and_then(|attempt| attempt.steps.first());
    let load = step.and_then(|step| step.load.as_ref()).expect("a load");
    assert_eq!(spec.verdict, Verdict::Passed, "{:?}", load.failing);
    assert_eq!(load.measured[0].samples.len(), times);
    let p50 = load.response_times.quantile(Quantile::P50).expect("a time");
    let cpu = cpu_time() - before;
    println!(
        "{:42}{:>12.0}{:>7.0} µs{:>11.0} µs{:>6.1} MB",
        format!("spanspec {times}"),
        load.rate(),
        p50,
        cpu.as_secs_f64() * 1e6 / times as f64,
        peak_memory(),
    );
}

fn specs(text: &str) -> Vec<Spec> {
    let source = Source::new("load.yaml", text);
    Spec::read_all(&source, Path::new("."), &Context::default()).expect("a sound spec")
}

/// Requests per second of another tool against the same service.
fn beside(name: &str) -> f64 {
    let receiver = Receiver::start().expect("a port");
    let service = Service::start(&receiver);
    let url = format!("http://{}/", service.address);
    let header = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let (seconds, at_once) = (
        if is_quick() { "1s" } else { "5s" },
        CONCURRENCY.to_string(),
    );
    let arguments = match name {
        "wrk" => vec!["-t1", "-c", &at_once, "-d", seconds, "-H", header, &url],
        _ => vec![
            "--no-tui", "-c", &at_once, "-z", seconds, "-H", header, &url,
        ],
    };
    let output = Command::new(name).args(arguments).output();
    let text = String::from_utf8_lossy(&output.expect("it is installed").stdout).into_owned();
    let said = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    said.and_then(|rate| rate.trim().parse().ok())
        .unwrap_or_else(|| panic!("no rate in {text}"))
}

fn is_installed(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(name).is_file())
}

/// User and system time of this process.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name may have spaces, and ends with a bracket.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    Duration::from_secs_f64(ticks / TICKS_A_SECOND)
}

/// The most memory that this process had so far.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}

/// The service, in a process that ends with this one.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(receiver: &Receiver) -> Self {
        let mut child = this_program(&["--serve", &receiver.endpoint()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs");
        let mut address = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut address)
            .expect("an address");
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(endpoint: String) {
    std::thread::spawn(|| {
        // The pipe closes when the parent process ends.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let (spans, exported) = mpsc::unbounded_channel();
        tokio::spawn(export(endpoint, exported));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(answer).with_state(spans);
        axum::serve(listener, app).await.expect("it serves");
    });
}

async fn answer(
    State(spans): State<mpsc::UnboundedSender<Span>>,
    headers: HeaderMap,
) -> &'static str {
    let start = now();
    let context = headers["traceparent"].to_str().expect("hex digits");
    let bytes = |from: usize, to: usize| {
        let digits = context.as_bytes()[from..to].chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        digits.filter_map(byte).collect::<Vec<u8>>()
    };
    let parent = bytes(36, 52);
    let _ = spans.send(Span {
        trace_id: bytes(3, 35),
        span_id: parent.iter().map(|byte| byte ^ 1).collect(),
        parent_span_id: parent,
        name: "GET /".to_owned(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: now(),
        attributes: vec![text("http.request.method", "GET"), text("url.path", "/")],
        ..Span::default()
    });
    "ok"
}

fn now() -> u64 {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("after 1970");
    u64::try_from(now.as_nanos()).expect("before 2500")
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(Value::StringValue(value.to_owned()));
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value }),
        ..KeyValue::default()
    }
}

/// Sends what has come every now and then, as the batch processors of SDKs do.
async fn export(endpoint: String, mut spans: mpsc::UnboundedReceiver<Span>) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let mut batch = Vec::new();
    loop {
        let deadline = tokio::time::Instant::from_std(Instant::now() + DELAY);
        while batch.len() < BATCH {
            let more = spans.recv_many(&mut batch, BATCH);
            if tokio::time::timeout_at(deadline, more).await.is_err() {
                break;
            }
        }
        if batch.is_empty() {
            continue;
        }
        let block = ResourceSpans {
            resource: Some(Resource {
                attributes: vec![
                    text("service.name", "bench"),
                    text("service.version", "1.0.0"),
                ],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: std::mem::take(&mut batch),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        };
        let body = ExportTraceServiceRequest {
            resource_spans: vec![block],
        };
        let request = client
            .post(format!("{endpoint}/v1/traces"))
            .header("content-type", "application/x-protobuf")
            .body(body.encode_to_vec());
        request.send().await.expect("a receiver that listens");
    }
}
