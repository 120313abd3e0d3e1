//! The walk over logs and metrics against prost with the types of the opentelemetry-proto crate.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::*;
use crate::source::otlp::MetricExport;

/// The walk finds the log records that prost decodes, and all that it accepts can be decoded.
fn assert_agrees_on_logs(request: &[u8]) {
    let walk = LogWalk::of_logs(request);
    for record in walk.iter().flat_map(|walk| &walk.records) {
        let bytes = Bytes::copy_from_slice(record.bytes);
        let read = decode::log_record(bytes, &Arc::default(), &Arc::default()).unwrap();
        assert_eq!(read.trace_id, record.trace_id);
    }
    let Ok(expected) = ExportLogsServiceRequest::decode(request) else {
        return;
    };
    let walk = walk.expect("prost accepts it");
    let found = walk.records.iter().map(|record| {
        let scope = &walk.scopes[record.scope];
        let resource = walk.resources[scope.resource].joined();
        (
            LogRecord::decode(record.bytes).unwrap(),
            InstrumentationScope::decode(&*scope.scope.joined()).unwrap(),
            Resource::decode(&*resource).unwrap(),
        )
    });
    let mut all = Vec::new();
    for resource in &expected.resource_logs {
        for scope in &resource.scope_logs {
            let owners = (scope.scope.clone(), resource.resource.clone());
            let (scope_message, resource) = (owners.0.unwrap_or_default(), owners.1);
            let resource = resource.unwrap_or_default();
            let records = scope.log_records.iter().cloned();
            all.extend(records.map(|record| (record, scope_message.clone(), resource.clone())));
        }
    }
    assert_eq!(found.collect::<Vec<_>>(), all);
    let ids = walk.records.iter().map(|record| record.trace_id);
    let expected = all
        .iter()
        .map(|(record, ..)| TraceId::from_slice(&record.trace_id));
    assert!(ids.eq(expected));
}

/// The walk counts the points that prost decodes. `is_whole` is false for requests in which a metric
/// may have data of two kinds, of which prost keeps the last.
fn assert_agrees_on_metrics(request: &[u8], is_whole: bool) {
    let walk = MetricWalk::of_metrics(request);
    let Ok(expected) = ExportMetricsServiceRequest::decode(request) else {
        return;
    };
    let walk = walk.expect("prost accepts it");
    // We read fewer fields.
    MetricExport::decode(Bytes::copy_from_slice(request)).expect("prost accepts it");
    let resources = expected.resource_metrics.iter();
    let scopes = resources.flat_map(|resource| &resource.scope_metrics);
    let metrics: Vec<&Metric> = scopes.flat_map(|scope| &scope.metrics).collect();
    assert_eq!(walk.records.len(), metrics.len());
    if is_whole {
        let points = metrics.into_iter().map(points);
        assert_eq!(walk.points(), points.sum::<usize>() as u64);
    }
}

/// Number of points.
fn points(metric: &Metric) -> usize {
    match metric.data.as_ref() {
        None => 0,
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
    }
}

/// A request with these records.
fn request(record: BoxedStrategy<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    let attribute = message(prop_oneof![text(1), nested(2, message(text(1)))].boxed());
    let resource = message(nested(1, attribute));
    let scope = message(prop_oneof![text(1), text(2)].boxed());
    let block = prop_oneof![1 => nested(1, scope), 3 => nested(2, record), 1 => text(3)];
    let block = message(block.boxed());
    let blocks = prop_oneof![1 => nested(1, resource), 3 => nested(2, block), 1 => text(3)];
    message(nested(1, message(blocks.boxed())))
}

fn any_logs() -> BoxedStrategy<Vec<u8>> {
    let value = message(prop_oneof![text(1), nested(6, message(text(3)))].boxed());
    let attribute = message(prop_oneof![text(1), nested(2, value.clone())].boxed());
    let fields = prop_oneof![
        id(9, 16),
        id(10, 8),
        text(3),
        nested(5, value),
        nested(6, attribute),
        (0..30_u64).prop_map(|severity| [key(2, 0, 0), varint(severity, 0)].concat()),
        any::<[u8; 4]>().prop_map(|flags| [key(8, 5, 0), flags.to_vec()].concat()),
    ];
    request(message(fields.boxed()))
}

fn any_metrics() -> BoxedStrategy<Vec<u8>> {
    let data = |tag: u32, exemplars: u32| {
        let exemplar = message(prop_oneof![id(4, 8), id(5, 16)].boxed());
        nested(
            tag,
            message(nested(1, message(nested(exemplars, exemplar)))),
        )
    };
    let summary = nested(11, message(nested(1, message(text(1001)))));
    let data = prop_oneof![data(5, 5), data(7, 5), data(9, 8), data(10, 11), summary];
    let metric = (text(1), data).prop_map(|(name, data)| [name, data].concat());
    request(metric.boxed())
}

proptest! {
    #[test]
    fn the_walk_finds_the_log_records_that_prost_decodes(request in any_logs()) {
        assert_agrees_on_logs(&request);
    }

    #[test]
    fn the_walk_counts_the_points_that_prost_decodes(request in any_metrics()) {
        assert_agrees_on_metrics(&request, true);
    }

    #[test]
    fn the_walk_accepts_what_prost_accepts_of_damaged_logs_and_metrics(
        mut logs in any_logs(),
        mut metrics in any_metrics(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        for request in [&mut logs, &mut metrics] {
            if !request.is_empty() {
                let at = at.index(request.len());
                request[at] = byte;
            }
        }
        assert_agrees_on_logs(&logs);
        assert_agrees_on_metrics(&metrics, false);
    }

    #[test]
    fn any_bytes_are_walked_as_logs_and_metrics_without_panic(bytes in vec(any::<u8>(), 0..200)) {
        assert_agrees_on_logs(&bytes);
        assert_agrees_on_metrics(&bytes, false);
    }
}

#[test]
fn a_body_that_is_nested_too_deep_is_refused() {
    let mut value = field(1, b"text", 0);
    for _ in 0..40 {
        value = field(5, &field(1, &value, 0), 0);
    }
    let request = field(1, &field(2, &field(2, &field(5, &value, 0), 0), 0), 0);
    let error = LogWalk::of_logs(&request).unwrap_err();
    assert_eq!(error.to_string(), "nested more than 30 levels deep");
}
