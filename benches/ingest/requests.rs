//! Requests as exporters send them.

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
use spanspec::TraceId;

/// Of how many traces a request has spans.
pub(super) const TRACES: usize = 64;

/// As many points as spans in a request, each of a series with two attributes.
pub(super) fn metric_request(number: usize) -> Vec<u8> {
    let point = |at: usize| NumberDataPoint {
        attributes: vec![
            text("http.route", "/orders/{id}"),
            text("customer.id", &at.to_string()),
        ],
        start_time_unix_nano: 1_700_000_000_000_000_000,
        time_unix_nano: 1_700_000_001_000_000_000,
        value: Some(number_data_point::Value::AsDouble(at as f64)),
        ..NumberDataPoint::default()
    };
    let sum = Sum {
        data_points: (0..number).map(point).collect(),
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

/// The id of a trace, from 1.
pub(super) fn trace(number: u8) -> TraceId {
    TraceId::from_bytes([number; 16]).expect("not all zeros")
}

/// As many log records as spans in a request, each with a body and two attributes.
pub(super) fn log_request(number: usize) -> Vec<u8> {
    let text = |text: &str| AnyValue {
        value: Some(Value::StringValue(text.to_owned())),
    };
    let attribute = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(text(value)),
        ..KeyValue::default()
    };
    let record = |at: usize| LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000 + at as u64,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: Some(text("the order was placed and will be shipped tomorrow")),
        attributes: vec![
            attribute("order.id", &format!("ord-{at}")),
            attribute("code.function.name", "shop.orders.place"),
        ],
        trace_id: vec![(at % TRACES + 1) as u8; 16],
        span_id: (at as u64 + 1).to_be_bytes().to_vec(),
        ..LogRecord::default()
    };
    let scope = ScopeLogs {
        log_records: (0..number).map(record).collect(),
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

/// Spans of several traces.
pub(super) fn trace_request(number: usize) -> ExportTraceServiceRequest {
    let spans = (0..number).map(span).collect();
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
}

fn span(n: usize) -> Span {
    let trace = u8::try_from(n % TRACES + 1).expect("few traces");
    Span {
        trace_id: vec![trace; 16],
        span_id: placeholder(n).to_vec(),
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

/// The span id of a template, which is replaced.
pub(super) fn placeholder(number: usize) -> [u8; 8] {
    (0xa5a5_5a5a_0000_0000 | (number as u64 + 1)).to_be_bytes()
}

/// A request of which each copy has new span ids.
#[derive(Clone)]
pub(super) struct Template {
    bytes: Vec<u8>,
    /// The offset of each id, and whether it is written in hexadecimal digits.
    ids: Vec<usize>,
    form: IdForm,
}

#[derive(Clone, Copy)]
enum IdForm {
    Bytes,
    Digits,
}

impl Template {
    /// A request that is sent as it is.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            ids: Vec::new(),
            form: IdForm::Bytes,
        }
    }

    pub(super) fn of_protobuf(bytes: Vec<u8>, number: usize) -> Self {
        let ids = (0..number).map(|at| placeholder(at).to_vec());
        Self {
            ids: offsets(&bytes, ids),
            bytes,
            form: IdForm::Bytes,
        }
    }

    pub(super) fn of_json(bytes: &[u8], number: usize) -> Self {
        let ids = (0..number).map(|at| digits(u64::from_be_bytes(placeholder(at))));
        Self {
            ids: offsets(bytes, ids),
            bytes: bytes.to_vec(),
            form: IdForm::Digits,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// A copy whose ids begin after this one, which moves on.
    pub(super) fn fresh(&self, last: &mut u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for &at in &self.ids {
            *last += 1;
            match self.form {
                IdForm::Bytes => bytes[at..at + 8].copy_from_slice(&last.to_be_bytes()),
                IdForm::Digits => bytes[at..at + 16].copy_from_slice(&digits(*last)),
            }
        }
        bytes
    }
}

fn digits(id: u64) -> Vec<u8> {
    format!("{id:016x}").into_bytes()
}

/// The offsets of these ids, which are in this order.
fn offsets(bytes: &[u8], ids: impl Iterator<Item = Vec<u8>>) -> Vec<usize> {
    let mut from = 0;
    ids.map(|id| {
        let found = bytes[from..].windows(id.len()).position(|part| part == id);
        from += found.expect("each id is in the request");
        from
    })
    .collect()
}
