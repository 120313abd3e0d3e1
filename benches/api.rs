//! Measures the response time of the HTTP API: `cargo bench --bench api`.
//!
//! Times include the client, which is reqwest on a connection that is open already. Everything
//! goes over loopback.

mod figures;

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use spanspec::internal::api::{Api, REMEMBERED, SystemInfo};
use spanspec::{Context, Flush, Receiver, Services, SpanId, Store, TraceId};

use figures::{Times, head, line, millis, rounds};

/// The flush bound of services that export every 100 ms.
const FLUSH: Duration = Duration::from_millis(350);

/// Spans of a trace that is asked for.
const SPANS: usize = 20;

#[tokio::main]
async fn main() {
    let served = Served::start().await;
    head("GET /api/traces/…, 20 spans", "");
    let now = served.immediate("now").await;
    line("until=now", &now, "aim: median < 2 ms");
    line(
        "until=settled, complete long before",
        &served.immediate("settled").await,
        "",
    );
    let span = served.after_the_span().await;
    line(
        "span sent → until=span answered",
        &span,
        "aim: median < 5 ms",
    );
    let settled = served.settled().await;
    let more = settled.median().saturating_sub(FLUSH);
    line(
        "last span sent → until=settled answered",
        &settled,
        &format!("{} over the bound of {}", millis(more), millis(FLUSH)),
    );
    head("the same, with 64 MiB of other traces", "");
    served.fill();
    line("until=now", &served.immediate("now").await, "");
    line(
        "until=settled, complete long before",
        &served.immediate("settled").await,
        "",
    );
}

struct Served {
    receiver: Receiver,
    client: reqwest::Client,
}

impl Served {
    async fn start() -> Self {
        let store = Store::remembering(REMEMBERED);
        let api = Api::new(store.clone());
        let receiver = Receiver::builder()
            .listen([([127, 0, 0, 1], 0).into()])
            .store(store)
            .routes(api.routes())
            .start()
            .await
            .expect("a free port");
        api.ready(SystemInfo {
            listened: receiver.addresses().to_vec(),
            scheme: "http",
            flush: Flush::Known(FLUSH),
            log_flush: Flush::Known(FLUSH),
            metric_flush: Flush::Known(FLUSH),
            services: Services::Theirs,
            ports: Default::default(),
            context: Context::default(),
        });
        let client = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build();
        let client = client.expect("a client");
        Self { receiver, client }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.receiver.addresses()[0])
    }

    async fn export(&self, request: Vec<u8>) {
        let sent = self.client.post(self.url("/v1/traces"));
        let sent = sent.header("content-type", "application/x-protobuf");
        let response = sent.body(request).send().await.expect("an answer");
        assert!(response.status().is_success());
    }

    async fn ask(&self, trace: TraceId, until: &str) {
        let url = self.url(&format!("/api/traces/{trace}?until={until}&format=flat"));
        let response = self.client.get(url).send().await.expect("an answer");
        assert!(response.status().is_success(), "{}", response.status());
        response.bytes().await.expect("a body");
    }

    /// Of traces that are there.
    async fn immediate(&self, until: &str) -> Times {
        let trace = TraceId::random();
        self.export(request(&trace, SPANS)).await;
        self.ask(trace, "settled").await;
        let mut times = Vec::new();
        for _ in 0..rounds(300, 10) {
            let start = Instant::now();
            self.ask(trace, until).await;
            times.push(start.elapsed());
        }
        Times::new(times)
    }

    /// From the moment when an exporter starts to send the only span.
    async fn after_the_span(&self) -> Times {
        let mut times = Vec::new();
        for _ in 0..rounds(300, 10) {
            let trace = TraceId::random();
            let asked = async {
                self.ask(trace, "span").await;
                Instant::now()
            };
            let sent = async {
                // The question is there before.
                tokio::time::sleep(Duration::from_millis(5)).await;
                let start = Instant::now();
                self.export(request(&trace, 1)).await;
                start
            };
            let (answered, sent) = tokio::join!(asked, sent);
            times.push(answered - sent);
        }
        Times::new(times)
    }

    /// Asked for when the last span is sent, as after a response.
    async fn settled(&self) -> Times {
        let mut times = Vec::new();
        for _ in 0..rounds(20, 2) {
            let trace = TraceId::random();
            let start = Instant::now();
            self.export(request(&trace, SPANS)).await;
            self.ask(trace, "settled").await;
            times.push(start.elapsed());
        }
        Times::new(times)
    }

    /// Lets other traces take all the room, in exports of 20 spans.
    fn fill(&self) {
        let one = request(&TraceId::random(), SPANS).len();
        for _ in 0..rounds(REMEMBERED / one, 100) {
            let request = request(&TraceId::random(), SPANS);
            self.receiver
                .store()
                .ingest(&request)
                .expect("an OTLP request");
        }
    }
}

/// An export of a root and its children, each with as many bytes as a span of an SDK has.
fn request(trace: &TraceId, spans: usize) -> Vec<u8> {
    let root = SpanId::random();
    let spans = (0..spans).map(|at| {
        let is_root = at == 0;
        let id = if is_root { root } else { SpanId::random() };
        Span {
            trace_id: trace.as_bytes().to_vec(),
            span_id: id.as_bytes().to_vec(),
            parent_span_id: if is_root {
                Vec::new()
            } else {
                root.as_bytes().to_vec()
            },
            name: "x".repeat(400),
            ..Span::default()
        }
    });
    let scope = ScopeSpans {
        spans: spans.collect(),
        ..ScopeSpans::default()
    };
    let resource = ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource],
    }
    .encode_to_vec()
}
