//! Measures the rate of the load driver and its cost: `cargo bench --bench load`.
//!
//! A small service in a process of its own answers and, unless the line says otherwise, exports a span
//! for each request, in batches, to the real receiver in the driver's process. The cost of the driver
//! is compared with that of a bare loop over the same HTTP client. Beside it `oha` or `wrk` calls the
//! same service, if one of them is installed. Compare the lines of one run with each other only. What
//! the operating system reports about a process is read from `/proc`, so CPU time and memory are Linux
//! only.

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

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Unit of CPU times in `/proc`.
const TICKS_A_SECOND: f64 = 100.0;

/// A measurement in a process of its own, whose CPU time and memory are reported.
#[derive(Clone, Copy)]
enum Mode {
    /// Requests over the HTTP client, without anything else.
    Bare,
    /// Requests of a spec without budgets, to a service without spans.
    Plain,
    /// Requests of a spec with budgets, to a service that exports spans.
    Traced,
}

const MODES: [(&str, Mode); 3] = [
    ("--bare", Mode::Bare),
    ("--plain", Mode::Plain),
    ("--traced", Mode::Traced),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)
    };
    let mode = MODES
        .iter()
        .find_map(|(flag, mode)| Some((*mode, after(flag)?)));
    if let Some(endpoint) = after("--serve") {
        serve(endpoint.clone());
    } else if let Some((mode, times)) = mode {
        measure(mode, times.parse().expect("a number of requests"));
    } else {
        compare();
    }
}

fn compare() {
    let (few, many) = if is_quick() {
        (200, 1_000)
    } else {
        (10_000, 50_000)
    };
    println!(
        "{CONCURRENCY} at a time                            requests/s       p50   CPU/request   memory"
    );
    let bare = measured(Mode::Bare, many);
    let plain = measured(Mode::Plain, many);
    let traced = measured(Mode::Traced, many);
    let first = measured(Mode::Traced, few);
    println!(
        "CPU per request / bare loop: without spans {:.2}, a span each {:.2}",
        plain.cpu / bare.cpu,
        traced.cpu / bare.cpu
    );
    println!(
        "memory / bare loop: without spans {:.2}, a span each {:.2}",
        plain.memory / bare.memory,
        traced.memory / bare.memory
    );
    let other = ["oha", "wrk"].into_iter().find(|name| is_installed(name));
    let Some(other) = other else {
        println!("neither oha nor wrk is installed");
        return;
    };
    let rate = beside(other);
    println!("{other:42}{rate:>12.0}");
    println!("spanspec / {other} {:.2}", first.rate / rate);
}

/// The figures of a measurement.
struct Figures {
    rate: f64,
    /// Microseconds per request.
    cpu: f64,
    /// Megabytes.
    memory: f64,
}

/// Runs in a new process, whose memory is that of this measurement only.
fn measured(mode: Mode, times: u64) -> Figures {
    let flag = MODES[mode as usize].0;
    let output = this_program(&[flag, &times.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    print!("{text}");
    let words = text.split_whitespace();
    let numbers: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
    let [.., rate, _, cpu, memory] = numbers[..] else {
        panic!("no figures in {text}");
    };
    Figures { rate, cpu, memory }
}

fn this_program(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(arguments);
    command
}

/// Prints a line of figures.
fn measure(mode: Mode, times: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let receiver = Receiver::start().expect("a port");
    let exports = matches!(mode, Mode::Traced);
    let service = Service::start(if exports { Some(&receiver) } else { None });
    let before = cpu_time();
    let (name, rate, p50) = match mode {
        Mode::Bare => {
            let start = Instant::now();
            runtime.block_on(bare(&service.address, times));
            (
                "bare loop",
                times as f64 / start.elapsed().as_secs_f64(),
                0.0,
            )
        }
        Mode::Plain => drive(&runtime, &receiver, &service, times, ""),
        Mode::Traced => drive(&runtime, &receiver, &service, times, BUDGETS),
    };
    let cpu = cpu_time() - before;
    println!(
        "{:42}{rate:>12.0}{p50:>7.0} µs{:>11.1} µs{:>6.1} MB",
        format!("{name}, {times}"),
        cpu.as_secs_f64() * 1e6 / times as f64,
        peak_memory(),
    );
}

const BUDGETS: &str = "budgets:
  - { find: GET /, p50: < 10s }
  - { measure: response_time, p99: < 10s }
";

/// As many loops as requests at a time.
async fn bare(address: &str, times: u64) {
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let url: reqwest::Url = format!("http://{address}/").parse().expect("a URL");
    let loops: Vec<_> = (0..CONCURRENCY as u64)
        .map(|number| {
            let (client, url) = (client.clone(), url.clone());
            let times = times / CONCURRENCY as u64 + u64::from(number < times % CONCURRENCY as u64);
            tokio::spawn(async move {
                for _ in 0..times {
                    let request = client.get(url.clone()).header("traceparent", TRACEPARENT);
                    let response = request.send().await.expect("a response");
                    assert_eq!(response.status(), 200);
                    response.bytes().await.expect("a body");
                }
            })
        })
        .collect();
    for one in loops {
        one.await.expect("no panic");
    }
}

/// The driver: its name, its requests per second, and p50 in microseconds.
fn drive(
    runtime: &tokio::runtime::Runtime,
    receiver: &Receiver,
    service: &Service,
    times: u64,
    budgets: &str,
) -> (&'static str, f64, f64) {
    let errors = if budgets.is_empty() {
        ""
    } else {
        ", errors: 0"
    };
    let specs = specs(&format!(
        "request: GET http://{}/
repeat: {{ times: {times}, concurrency: {CONCURRENCY}, warmup: 100 }}
expect: {{ status: 200{errors} }}
{budgets}",
        service.address
    ));
    let options = Options {
        flush: Flush::Known(DELAY + Duration::from_millis(250)),
        ..Options::default()
    };
    let (_nobody_stops, stop) = watch::channel(None);
    let report = runtime.block_on(run(&specs, receiver, &options, stop, |_| {}));
    let spec = &report.specs[0];
    let step = spec
        .last_attempt()
        .and_then(|attempt| attempt.steps.first());
    let load = step.and_then(|step| step.load.as_ref()).expect("a load");
    assert_eq!(spec.verdict, Verdict::Passed, "{:?}", load.failing);
    assert_eq!(load.response_times.len(), times);
    assert!(load.measured.iter().all(|one| one.samples.len() == times));
    let p50 = load.response_times.quantile(Quantile::P50).expect("a time");
    let name = if budgets.is_empty() {
        "spanspec without spans"
    } else {
        "spanspec, a span each"
    };
    (name, load.rate(), p50)
}

fn specs(text: &str) -> Vec<Spec> {
    let source = Source::new("load.yaml", text);
    Spec::read_all(&source, Path::new("."), &Context::default()).expect("a sound spec")
}

/// Requests per second of another tool against the same service.
fn beside(name: &str) -> f64 {
    let receiver = Receiver::start().expect("a port");
    let service = Service::start(Some(&receiver));
    let url = format!("http://{}/", service.address);
    let header = &format!("traceparent: {TRACEPARENT}");
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
    /// Exports spans to the receiver, if there is one.
    fn start(receiver: Option<&Receiver>) -> Self {
        let endpoint = receiver.map_or_else(String::new, Receiver::endpoint);
        let mut child = this_program(&["--serve", &endpoint])
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
        let spans = (!endpoint.is_empty()).then_some(spans);
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
    State(spans): State<Option<mpsc::UnboundedSender<Span>>>,
    headers: HeaderMap,
) -> &'static str {
    let Some(spans) = spans else {
        return "ok";
    };
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
    while !spans.is_closed() || !batch.is_empty() {
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
