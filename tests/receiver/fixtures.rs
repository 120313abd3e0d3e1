//! Replays what real exporters sent.

use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric;
use prost::Message;
use spanspec::internal::source::{MetricWatch, TraceSource};
use spanspec::{Origin, Receiver, SpanKind, Trace, otlp};

use crate::support::{JSON, PROTOBUF, call, post, receiver, soon};

const PLACED: &str = "0af7651916cd43dd8448eb211c80319c";
const REFUSED: &str = "1bf7651916cd43dd8448eb211c80319d";

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Sends a file as its exporter did, to the endpoint in its name.
async fn replay(receiver: &Receiver, name: &str, bytes: Vec<u8>) {
    const SERVICES: [(&str, &str); 3] = [
        (
            "Trace",
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        ),
        (
            "Logs",
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        ),
        (
            "Metrics",
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        ),
    ];
    let endpoint = &name[4..];
    if let Some(service) = endpoint.strip_prefix("grpc-") {
        let (_, path) = SERVICES
            .iter()
            .find(|(name, _)| service.starts_with(name))
            .unwrap();
        assert_eq!(
            call(receiver, path, bytes).await.unwrap().len(),
            0,
            "{name}"
        );
        return;
    }
    let signal = endpoint
        .strip_prefix("v1-")
        .unwrap()
        .split('-')
        .next()
        .unwrap();
    let content_type = if name.ends_with(".json") {
        JSON
    } else {
        PROTOBUF
    };
    let expected: &[u8] = if content_type == JSON { b"{}" } else { b"" };
    let answer = post(receiver, &format!("/v1/{signal}"), content_type, bytes).await;
    assert_eq!(
        (answer.0, answer.1.as_str(), &*answer.2),
        (200, content_type, expected),
        "{name}"
    );
}

fn outline(trace: &Trace) -> Vec<String> {
    let depth = |mut at: usize| {
        let mut depth = 0;
        while let Some(parent) = trace.parent(at) {
            (at, depth) = (parent, depth + 1);
        }
        depth
    };
    let line = |&at: &usize| {
        let span = &trace.spans()[at];
        format!(
            "{}{} {} {}",
            "  ".repeat(depth(at)),
            span.service(),
            span.kind,
            span.name
        )
    };
    trace.top_down().iter().map(line).collect()
}

#[tokio::test]
async fn the_shops_exports_become_its_two_traces_and_the_link_brings_the_consumer() {
    let receiver = receiver().await;
    let placed = Origin::Injected("b7ad6b7169203331".parse().unwrap());
    let mut follow = receiver.follow(PLACED.parse().unwrap(), placed);
    for (name, bytes) in files("otlp") {
        replay(&receiver, &name, bytes).await;
    }
    soon(follow.changed()).await;
    let snapshot = follow.snapshot();
    assert_outline(&snapshot.trace, PLACED_OUTLINE);
    assert_eq!(snapshot.trace.missing_parents().len(), 0);
    assert_eq!(snapshot.arrivals.len(), snapshot.trace.len());

    let [consumer] = snapshot.trace.linked() else {
        panic!("{} linked traces", snapshot.trace.linked().len());
    };
    let handled = consumer
        .spans()
        .iter()
        .find(|span| span.kind == SpanKind::Consumer)
        .unwrap();
    assert_eq!(handled.links[0].trace_id, snapshot.trace.id());
    assert_eq!(
        snapshot
            .trace
            .find(handled.links[0].span_id)
            .map(|at| { snapshot.trace.spans()[at].kind }),
        Some(SpanKind::Producer)
    );
    assert!(snapshot.linked_arrival.is_some());

    let refused = Origin::Injected("b7ad6b7169203332".parse().unwrap());
    let trace = receiver
        .follow(REFUSED.parse().unwrap(), refused)
        .snapshot()
        .trace;
    assert_outline(&trace, REFUSED_OUTLINE);
    assert_eq!(receiver.stats().refused, 0);
}

#[track_caller]
fn assert_outline(trace: &Trace, expected: &str) {
    let found = outline(trace).join("\n");
    assert_eq!(found, expected.trim(), "found:\n{found}");
}

const PLACED_OUTLINE: &str = "
api-gateway server POST /orders
  api-gateway internal middleware - patched
    api-gateway internal middleware - jsonParser
  api-gateway internal middleware - patched
    api-gateway internal request handler
      api-gateway internal request handler - /orders
        api-gateway client POST
          order-service server POST /orders
            order-service internal place_order
              order-service client GET
                inventory server GET /stock/{sku}
                  inventory client select
                  inventory internal GET /stock/{sku} http send
                  inventory internal GET /stock/{sku} http send
              order-service client POST
                payment server POST /charge
                  payment internal process_payment
              order-service producer orders publish
        api-gateway internal tcp.connect
";
const REFUSED_OUTLINE: &str = "
api-gateway server POST /orders
  api-gateway internal middleware - patched
    api-gateway internal middleware - jsonParser
  api-gateway internal middleware - patched
    api-gateway internal request handler
      api-gateway internal request handler - /orders
        api-gateway client POST
          order-service server POST /orders
            order-service internal place_order
              order-service client GET
                inventory server GET /stock/{sku}
                  inventory client select
                  inventory internal GET /stock/{sku} http send
                  inventory internal GET /stock/{sku} http send
              order-service client POST
                payment server POST /charge
                  payment internal process_payment
        api-gateway internal tcp.connect
";

#[tokio::test]
async fn logs_and_metrics_are_accepted_and_counted() {
    let receiver = receiver().await;
    let (mut logs, mut points) = (0, 0);
    for (name, bytes) in files("otlp") {
        if name.contains("v1-traces") || name.contains("TraceService") {
            continue;
        }
        match name.contains("etrics") {
            true => points += count_points(&name, &bytes),
            false => logs += count_logs(&bytes),
        }
        replay(&receiver, &name, bytes).await;
    }
    let stats = receiver.stats();
    assert_eq!((stats.requests, stats.spans), (15, 0));
    assert_eq!((stats.log_records, stats.metric_points), (logs, points));
    assert!(logs > 5 && points > 200);
}

#[tokio::test]
async fn log_records_with_the_id_of_a_followed_trace_are_kept_with_it() {
    let receiver = receiver().await;
    let placed = Origin::Injected("b7ad6b7169203331".parse().unwrap());
    let mut follow = receiver.follow(PLACED.parse().unwrap(), placed);
    for (name, bytes) in files("otlp") {
        if !name.contains("etrics") {
            replay(&receiver, &name, bytes).await;
        }
    }
    soon(follow.changed()).await;
    let snapshot = follow.snapshot();
    let lines = snapshot.trace.logs().iter().map(|record| {
        let span = record.span_id.and_then(|id| snapshot.trace.find(id));
        let span = span.map(|at| snapshot.trace.spans()[at].name.as_str());
        let service = record.resource.service();
        let severity = record.severity.map_or("-".to_owned(), |of| of.to_string());
        format!("{service} {severity} {}: {:?}", record.body, span)
    });
    let lines: Vec<String> = lines.collect();
    let expected = "order-service 9 \"Payment processed for order #42\": Some(\"place_order\")";
    assert_eq!(lines, [expected]);
}

/// The metrics of all fixtures, sent while they are watched.
async fn watched_metrics() -> (Receiver, MetricWatch) {
    let receiver = receiver().await;
    let watch = receiver.watch_metrics().unwrap();
    for (name, bytes) in files("otlp") {
        if name.contains("etrics") {
            replay(&receiver, &name, bytes).await;
        }
    }
    (receiver, watch)
}

/// The series with this name and service, each in a line: an attribute, the values of the points in
/// order of arrival, and the traces of the exemplars.
async fn lines_of(name: &str, service: &str, attribute: &str) -> Vec<String> {
    let (_receiver, mut watch) = watched_metrics().await;
    let records = watch.read();
    let wanted = records
        .series
        .iter()
        .filter(|of| of.series.name == name && of.series.resource.service() == service);
    let lines = wanted.map(|of| {
        let values: Vec<_> = of.points.iter().map(|point| point.value).collect();
        let exemplars = of.exemplars.iter().map(|of| of.trace_id.to_string());
        let exemplars: Vec<_> = exemplars.collect();
        format!(
            "{:?} {values:?} {exemplars:?}",
            of.series.attributes.get(attribute)
        )
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_points_and_exemplars_of_python_are_kept_by_series() {
    let line = |status, sum: f64, trace| {
        let point = format!("Measurements {{ count: 1, sum: Some({sum:?}) }}");
        format!("Some(Int({status})) [{point}, {point}] [{trace:?}]")
    };
    // The exemplar is in the first export only.
    assert_eq!(
        lines_of("http.server.duration", "order-service", "http.status_code").await,
        [line(201, 44.0, PLACED), line(402, 17.0, REFUSED)]
    );
}

#[tokio::test]
async fn the_points_of_node_in_json_are_kept_by_series() {
    let key = "http.response.status_code";
    assert_eq!(
        lines_of("http.server.request.duration", "api-gateway", key).await,
        [
            "Some(Int(201)) [Measurements { count: 1, sum: Some(0.148985337) }] []",
            "Some(Int(402)) [Measurements { count: 1, sum: Some(0.030477332) }] []",
        ]
    );
}

#[tokio::test]
async fn metrics_that_nobody_needs_are_only_counted() {
    let receiver = receiver().await;
    for (name, bytes) in files("otlp") {
        if name.contains("etrics") {
            replay(&receiver, &name, bytes).await;
        }
    }
    assert!(receiver.stats().metric_points > 200);
    assert_eq!(receiver.watch_metrics().unwrap().read().series.len(), 0);
}

fn count_logs(protobuf: &[u8]) -> u64 {
    let request = ExportLogsServiceRequest::decode(protobuf).unwrap();
    let scopes = request.resource_logs.iter().flat_map(|of| &of.scope_logs);
    scopes.map(|of| of.log_records.len() as u64).sum()
}

fn count_points(name: &str, bytes: &[u8]) -> u64 {
    if name.ends_with(".json") {
        return String::from_utf8_lossy(bytes)
            .matches("\"startTimeUnixNano\"")
            .count() as u64;
    }
    let request = ExportMetricsServiceRequest::decode(bytes).unwrap();
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|of| &of.scope_metrics);
    let metrics = scopes.flat_map(|of| &of.metrics);
    let points = metrics.map(|metric| match metric.data.as_ref().unwrap() {
        metric::Data::Gauge(gauge) => gauge.data_points.len(),
        metric::Data::Sum(sum) => sum.data_points.len(),
        metric::Data::Histogram(histogram) => histogram.data_points.len(),
        metric::Data::ExponentialHistogram(histogram) => histogram.data_points.len(),
        metric::Data::Summary(summary) => summary.data_points.len(),
    });
    points.sum::<usize>() as u64
}

#[test]
fn tempos_four_answers_are_read_as_the_same_trace() {
    for order in ["placed", "refused"] {
        let answers: Vec<Vec<Trace>> = files("tempo")
            .into_iter()
            .filter(|(name, _)| name.starts_with(order))
            .map(|(_, bytes)| otlp::read(&bytes).unwrap())
            .collect();
        assert_eq!(answers.len(), 4);
        for answer in &answers {
            assert_eq!(answer.len(), 1);
            assert_eq!(answer[0].spans(), answers[0][0].spans());
        }
        assert!(answers[0][0].len() > 7);
    }
}

#[test]
fn a_trace_that_is_written_and_read_again_is_the_same() {
    for (name, bytes) in files("otlp").into_iter().chain(files("tempo")) {
        if name.contains("logs") || name.contains("etrics") || name.contains("Logs") {
            continue;
        }
        for trace in otlp::read(&bytes).unwrap() {
            let again = otlp::read(otlp::write_json(&trace).as_bytes()).unwrap();
            let written = std::iter::once(&trace).chain(trace.linked());
            assert_eq!(again.len(), 1 + trace.linked().len(), "{name}");
            for (again, written) in again.iter().zip(written) {
                assert_eq!(again.spans(), written.spans(), "{name}");
            }
        }
    }
}
