//! Measures the receiver, as ratios within one run: `cargo bench --bench receiver`.
//!
//! Machines differ and so do minutes; compare the lines of one run with each other only. An
//! argument that is a number sets the seconds that each line takes (default 0.5).

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::cast_precision_loss, reason = "rates are rounded anyway")]

#[path = "../tests/support/raw_codec.rs"]
mod raw_codec;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use spanspec::internal::source::otlp::walk;
use spanspec::{Origin, Receiver, Store, TraceId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use raw_codec::Raw;

/// Spans in a request: what SDKs send at most.
const BATCH: usize = 512;

/// Of how many traces a batch has spans.
const TRACES: usize = 64;

fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok());
    let time = Duration::from_secs_f64(seconds.unwrap_or(0.5));
    let request = request();
    let size = request.len() / BATCH;
    println!("requests of {BATCH} spans, {size} bytes a span, {TRACES} traces\n");
    println!("one core, no network             Mspans/s   of memcpy");
    in_memory(time, &request);
    println!("\none core for the receiver, loopback  kspans/s");
    on_loopback(time, &request);
}

fn in_memory(time: Duration, request: &[u8]) {
    let memcpy = rate(time, || drop(black_box(request.to_vec())));
    line("memcpy", memcpy, memcpy);
    let walk = rate(time, || drop(black_box(walk(request))));
    line("walk", walk, memcpy);
    let store = Store::new();
    let ingest = rate(time, || drop(black_box(store.ingest(request))));
    line("ingest, nobody follows", ingest, memcpy);
    let followed = rate(time, || follow_one(request));
    line("ingest and decode 1 of 64 traces", followed, memcpy);
    let bytes = Bytes::copy_from_slice(request);
    let prost = rate(time, || {
        drop(black_box(ExportTraceServiceRequest::decode(bytes.clone())));
    });
    line("prost, opentelemetry-proto", prost, memcpy);
    let logs = log_request();
    let ingest = rate(time, || drop(black_box(store.ingest_logs(&logs))));
    line("log records, nobody follows", ingest, memcpy);
    let followed = rate(time, || {
        let store = Store::new();
        let mut follow = store.follow(trace(1), Origin::Foreign);
        store.ingest_logs(&logs).expect("a well-formed request");
        assert_eq!(follow.snapshot().trace.logs().len(), BATCH / TRACES);
    });
    line("log records, 1 of 64 traces", followed, memcpy);
    let metrics = metric_request();
    let store = Store::new();
    let ingest = rate(time, || drop(black_box(store.ingest_metrics(&metrics))));
    line("metric points, no spec needs them", ingest, memcpy);
    store.keep_metrics();
    let ingest = rate(time, || drop(black_box(store.ingest_metrics(&metrics))));
    line("metric points, kept as series", ingest, memcpy);
}

/// As many points as spans in a request, each of a series with two attributes.
fn metric_request() -> Vec<u8> {
    let point = |number: usize| NumberDataPoint {
        attributes: vec![
            text("http.route", "/orders/{id}"),
            text("customer.id", &number.to_string()),
        ],
        start_time_unix_nano: 1_700_000_000_000_000_000,
        time_unix_nano: 1_700_000_001_000_000_000,
        value: Some(number_data_point::Value::AsDouble(number as f64)),
        ..NumberDataPoint::default()
    };
    let sum = Sum {
        data_points: (0..BATCH).map(point).collect(),
        aggregation_temporality: 2,
        is_monotonic: true,
    };
    let metric = Metric {
        name: "http.server.requests".to_owned(),
        data: Some(metric::Data::Sum(sum)),
        ..Metric::default()
    };
    let scope = ScopeMetrics {
        metrics: vec![metric],
        ..ScopeMetrics::default()
    };
    let resource = ResourceMetrics {
        resource: Some(Resource {
            attributes: vec![text("service.name", "shop")],
            ..Resource::default()
        }),
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![resource],
    }
    .encode_to_vec()
}

fn trace(number: u8) -> TraceId {
    TraceId::from_bytes([number; 16]).expect("not all zeros")
}

/// As many log records as spans in a request, each with a body and two attributes.
fn log_request() -> Vec<u8> {
    let text = |text: &str| AnyValue {
        value: Some(Value::StringValue(text.to_owned())),
    };
    let attribute = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(text(value)),
        ..KeyValue::default()
    };
    let record = |number: usize| LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000 + number as u64,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: Some(text("the order was placed and will be shipped tomorrow")),
        attributes: vec![
            attribute("order.id", &format!("ord-{number}")),
            attribute("code.function.name", "shop.orders.place"),
        ],
        trace_id: vec![(number % TRACES + 1) as u8; 16],
        span_id: (number as u64 + 1).to_be_bytes().to_vec(),
        ..LogRecord::default()
    };
    let scope = ScopeLogs {
        log_records: (0..BATCH).map(record).collect(),
        ..ScopeLogs::default()
    };
    let resource = ResourceLogs {
        resource: Some(Resource {
            attributes: vec![attribute("service.name", "shop")],
            ..Resource::default()
        }),
        scope_logs: vec![scope],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![resource],
    }
    .encode_to_vec()
}

fn follow_one(request: &[u8]) {
    let store = Store::new();
    let mut follow = store.follow(trace(1), Origin::Foreign);
    store.ingest(request).expect("a well-formed request");
    assert_eq!(follow.snapshot().trace.len(), BATCH / TRACES);
}

fn line(name: &str, rate: f64, memcpy: f64) {
    println!("{name:33}{:8.2}   {:8.2}x", rate / 1e6, rate / memcpy);
}

/// Spans a second, of something that handles one batch: the best of many short rounds, for what
/// else the machine does can only slow it down.
fn rate(time: Duration, mut batch: impl FnMut()) -> f64 {
    const ROUND: u32 = 10;
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed() < time {
        let round = Instant::now();
        (0..ROUND).for_each(|_| batch());
        best = best.min(round.elapsed());
    }
    f64::from(ROUND) * BATCH as f64 / best.as_secs_f64()
}

/// The receiver has a thread of its own, and the clients share another.
fn on_loopback(time: Duration, request: &[u8]) {
    let (started, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let any = ([127, 0, 0, 1], 0).into();
            let receiver = Receiver::builder()
                .listen([any])
                .start()
                .await
                .expect("a free port");
            started
                .send(receiver.addresses()[0])
                .expect("somebody waits");
            let _ = stopped.await;
        });
    });
    let address = address.recv().expect("a receiver");
    let clients = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for connections in [1, 8] {
        let http = clients.block_on(load(time, connections, |end| {
            http(address, request.to_vec(), end)
        }));
        println!("HTTP, {connections} connections{:25.0}", http / 1e3);
        let grpc = clients.block_on(load(time, connections, |end| {
            grpc(address, request.to_vec(), end)
        }));
        println!("gRPC, {connections} connections{:25.0}", grpc / 1e3);
    }
    drop(stop);
    server.join().expect("the receiver's thread");
}

/// Spans a second of several clients, each of which sends batches until `end`.
async fn load<F>(time: Duration, connections: usize, client: impl Fn(Instant) -> F) -> f64
where
    F: Future<Output = usize> + Send + 'static,
{
    let start = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(client(start + time)))
        .collect();
    let mut batches = 0;
    for client in clients {
        batches += client.await.expect("a client");
    }
    (batches * BATCH) as f64 / start.elapsed().as_secs_f64()
}

async fn http(address: SocketAddr, body: Vec<u8>, end: Instant) -> usize {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-protobuf\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.into_bytes(), body].concat();
    let (mut batches, mut response) = (0, [0; 1024]);
    while Instant::now() < end {
        stream.write_all(&request).await.expect("sent");
        let length = stream.read(&mut response).await.expect("an answer");
        assert!(response[..length].starts_with(b"HTTP/1.1 200"));
        batches += 1;
    }
    batches
}

async fn grpc(address: SocketAddr, message: Vec<u8>, end: Instant) -> usize {
    const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let message = Bytes::from(message);
    let http = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let origin = format!("http://{address}").parse().expect("a URI");
    let mut client: tonic::client::Grpc<Client<_, tonic::body::Body>> =
        tonic::client::Grpc::with_origin(http, origin);
    let mut batches = 0;
    while Instant::now() < end {
        client.ready().await.expect("a connection");
        let path = http::uri::PathAndQuery::from_static(EXPORT);
        let request = tonic::Request::new(message.clone());
        client.unary(request, path, Raw).await.expect("accepted");
        batches += 1;
    }
    batches
}

fn request() -> Vec<u8> {
    let spans = (0..BATCH).map(span).collect();
    let attributes = vec![
        text("service.name", "order-service"),
        text(
            "service.instance.id",
            "b8753ef2-8e6b-45a6-a6c0-e0187771fc37",
        ),
        text("telemetry.sdk.language", "python"),
        text("telemetry.sdk.version", "1.45.1"),
    ];
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource = Some(Resource {
        attributes,
        ..Resource::default()
    });
    let block = ResourceSpans {
        resource,
        scope_spans,
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![block],
    }
    .encode_to_vec()
}

fn span(n: usize) -> Span {
    let trace = u8::try_from(n % TRACES + 1).expect("few traces");
    Span {
        trace_id: vec![trace; 16],
        span_id: (n as u64 + 1).to_be_bytes().to_vec(),
        parent_span_id: vec![7; 8],
        name: "POST /orders/{id}/payment".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_795_378_145_361_000_000,
        end_time_unix_nano: 1_795_378_145_378_457_985,
        attributes: vec![
            text("http.request.method", "POST"),
            text(
                "url.full",
                "http://127.0.0.1:7003/orders/17/payment?retry=false",
            ),
            text("http.route", "/orders/{id}/payment"),
            text("server.address", "127.0.0.1"),
            text("network.protocol.version", "1.1"),
            text("user_agent.original", "python-requests/2.34.2"),
            text("client.address", "127.0.0.1"),
            text("code.function.name", "shop.orders.views.payment"),
            text("thread.name", "ThreadPoolExecutor-0_0"),
        ],
        ..Span::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(Value::StringValue(value.to_owned()));
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value }),
        ..KeyValue::default()
    }
}
