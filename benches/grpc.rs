//! Measures gRPC calls: `cargo bench --bench grpc`.
//!
//! A small server in a thread of its own answers without spans. The trigger, which encodes a message from
//! YAML and decodes the answer to JSON, is compared with tonic's client and generated messages over the
//! HTTP client of hyper; `repeat` with both. Compare the lines of one run with each other only.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod figures;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request as Incoming;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Response as Reply, Uri};
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use spanspec::internal::run::run;
use spanspec::internal::spec::Trigger;
use spanspec::internal::trigger::{Session, TraceContext, fire};
use spanspec::{Context, Flush, Options, Receiver, Source, Spec, Verdict};
use tokio::sync::watch;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;

use figures::is_quick;

/// Calls that wait for an answer at the same time.
const CONCURRENCY: usize = 16;

const PATH: &str = "/shop.v1.Payment/Charge";

#[derive(Clone, PartialEq, Message)]
struct Charge {
    #[prost(string, tag = "1")]
    order_id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Charged {
    #[prost(string, tag = "1")]
    transaction_id: String,
}

fn main() {
    let times = if is_quick() { 500 } else { 20_000 };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = server();
    println!("                          requests/s");
    for at_once in [1, CONCURRENCY] {
        let times = times * at_once / CONCURRENCY;
        let bare = rate(times, || runtime.block_on(bare(server, times, at_once)));
        let fired = rate(times, || runtime.block_on(fired(server, times, at_once)));
        println!("tonic's client, {at_once:2} at a time {bare:>9.0}");
        println!("trigger, {at_once:2} at a time        {fired:>9.0}");
        println!("time of a call / tonic's    {:>9.2}", bare / fired);
        if at_once > 1 {
            let driven = driven(&runtime, server, times);
            println!("repeat, {at_once:2} at a time         {driven:>9.0}");
            println!("time of a call / tonic's    {:>9.2}", bare / driven);
        }
    }
}

fn rate(times: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    times as f64 / start.elapsed().as_secs_f64()
}

/// Shares calls among loops that run at the same time.
async fn loops<F: Future<Output = ()> + Send + 'static>(
    (times, at_once): (usize, usize),
    one: impl Fn(usize) -> F,
) {
    let loops: Vec<_> = (0..at_once)
        .map(|number| {
            let times = times / at_once + usize::from(number < times % at_once);
            tokio::spawn(one(times))
        })
        .collect();
    for one in loops {
        one.await.expect("no panic");
    }
}

/// tonic's client over one connection.
async fn bare(server: SocketAddr, times: usize, at_once: usize) {
    // Without it, each call waits for the acknowledgement of its headers before its message is sent.
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, tonic::body::Body> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector);
    let origin: Uri = format!("http://{server}").parse().expect("a URL");
    loops((times, at_once), |times| {
        let mut client = tonic::client::Grpc::with_origin(client.clone(), origin.clone());
        async move {
            for _ in 0..times {
                let mut request = tonic::Request::new(Charge {
                    order_id: "A1".to_owned(),
                });
                let context = TraceContext::random().traceparent();
                let context = MetadataValue::try_from(context).expect("ASCII");
                request.metadata_mut().insert("traceparent", context);
                request.set_timeout(Duration::from_secs(30));
                client.ready().await.expect("a connection");
                let answer = client
                    .unary(request, PathAndQuery::from_static(PATH), Messages)
                    .await;
                let answer = answer.expect("an answer").into_inner();
                assert_eq!(answer.transaction_id, "tx-A1");
            }
        }
    })
    .await;
}

/// The trigger, with the connection of one session.
async fn fired(server: SocketAddr, times: usize, at_once: usize) {
    let spec = spec(server, "");
    let trigger: Arc<Trigger> = Arc::new(spec.steps[0].trigger(&spec.scope()).expect("a call"));
    let session = Arc::new(Session::default());
    loops((times, at_once), |times| {
        let (trigger, session) = (Arc::clone(&trigger), Arc::clone(&session));
        async move {
            for _ in 0..times {
                let context = TraceContext::of(&trigger);
                let response = fire(&trigger, &context, &session).await;
                assert!(response.expect("an answer").grpc().is_some());
            }
        }
    })
    .await;
}

/// Calls per second of a spec with `repeat`.
fn driven(runtime: &tokio::runtime::Runtime, server: SocketAddr, times: usize) -> f64 {
    let _guard = runtime.enter();
    let receiver = Receiver::start().expect("a port");
    let repeat = format!("repeat: {{ times: {times}, concurrency: {CONCURRENCY}, warmup: 100 }}\n");
    let specs = [spec(server, &repeat)];
    let options = Options {
        flush: Flush::Known(Duration::from_millis(350)),
        ..Options::default()
    };
    let (_nobody_stops, stop) = watch::channel(None);
    let report = runtime.block_on(run(&specs, &receiver, &options, stop, |_| {}));
    let spec = &report.specs[0];
    let attempt = spec.last_attempt().expect("an attempt");
    let load = attempt.steps[0].load.as_ref().expect("a load");
    assert_eq!(spec.verdict, Verdict::Passed, "{:?}", load.failing);
    load.rate()
}

fn spec(server: SocketAddr, more: &str) -> Spec {
    let text = format!(
        "grpc:
  call: http://{server}{PATH}
  message: {{ order_id: A1 }}
  descriptors: tests/fixtures/grpc/payment.binpb
{more}expect: {{ json: {{ $.transaction_id: tx-A1 }} }}
"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let specs = Spec::read_all(&Source::new("grpc.yaml", text), root, &Context::default());
    specs.expect("a sound spec").remove(0)
}

/// A server in a thread of its own.
fn server() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket"));
            let app = Router::new().fallback(answer);
            axum::serve(listener, app).await.expect("a server");
        });
    });
    address
}

async fn answer(request: Incoming) -> Reply<Body> {
    let body = to_bytes(request.into_body(), usize::MAX).await;
    let charge = Charge::decode(&body.expect("a body")[5..]).expect("a message");
    let charged = Charged {
        transaction_id: format!("tx-{}", charge.order_id),
    };
    let length = u8::try_from(charged.encoded_len()).expect("a short message");
    let mut message = vec![0, 0, 0, 0, length];
    charged.encode(&mut message).expect("room");
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Frame::data(Bytes::from(message)), Frame::trailers(trailers)];
    let frames = frames.map(Ok::<_, Infallible>);
    Reply::builder()
        .header("content-type", "application/grpc")
        .body(Body::new(StreamBody::new(stream::iter(frames))))
        .expect("a response")
}

/// The messages, as generated code encodes them.
#[derive(Clone, Copy)]
struct Messages;

impl Codec for Messages {
    type Encode = Charge;
    type Decode = Charged;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Messages {
    type Item = Charge;
    type Error = tonic::Status;

    fn encode(&mut self, item: Charge, into: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        item.encode(into)
            .map_err(|error| tonic::Status::internal(error.to_string()))
    }
}

impl Decoder for Messages {
    type Item = Charged;
    type Error = tonic::Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Charged>, tonic::Status> {
        let decoded = Charged::decode(from).map(Some);
        decoded.map_err(|error| tonic::Status::internal(error.to_string()))
    }
}
