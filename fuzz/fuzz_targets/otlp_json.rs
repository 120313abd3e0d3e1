//! OTLP/JSON becomes protobuf that everyone can read, and that means the same.
//!
//! For each signal: the protobuf of an accepted request is decoded by prost and accepted by the walk. A request with
//! spans is also a file with as many spans, and the traces that we write are read again as they were. The answers of the
//! Collector about a corpus are compared in the tests of the product.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use spanspec::internal::fuzzing;
use spanspec::{Signal, Store, Trace, otlp};

fuzz_target!(|request: &[u8]| {
    traces(request);
    if let Ok(protobuf) = fuzzing::protobuf_of_json(Signal::Logs, request) {
        fuzzing::walk_logs(&protobuf).expect("we wrote it");
        Store::new().ingest_logs(&protobuf).expect("we wrote it");
        // An attribute that cannot be read has no message of prost.
        let _ = ExportLogsServiceRequest::decode(&*protobuf);
    }
    if let Ok(protobuf) = fuzzing::protobuf_of_json(Signal::Metrics, request) {
        fuzzing::walk_metrics(&protobuf).expect("we wrote it");
        Store::new().ingest_metrics(&protobuf).expect("we wrote it");
        let _ = ExportMetricsServiceRequest::decode(&*protobuf);
    }
    files(request);
});

fn traces(request: &[u8]) {
    // In strings, an export may contain them, and a file not.
    if request.iter().any(u8::is_ascii_control) {
        return;
    }
    let Ok(protobuf) = fuzzing::protobuf_of_json(Signal::Traces, request) else {
        return;
    };
    let walked = fuzzing::walk_spans(&protobuf).expect("we wrote it");
    if let Ok(decoded) = ExportTraceServiceRequest::decode(&*protobuf) {
        let resources = decoded.resource_spans.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        let all: usize = scopes.map(|scope| scope.spans.len()).sum();
        assert!(walked.records.len() + walked.rejected >= all);
    }
    if !walked.records.is_empty() {
        let traces = otlp::read(request).expect("the request is accepted");
        let as_protobuf = otlp::read(&protobuf).expect("we wrote it");
        let spans = |traces: &[Trace]| traces.iter().map(spans).collect::<Vec<_>>();
        assert_eq!(spans(&traces), spans(&as_protobuf));
    }
}

/// Traces are the same after they are written and read again. The earlier values of a dropped attribute are not written.
fn files(bytes: &[u8]) {
    for trace in otlp::read(bytes).unwrap_or_default() {
        let written = otlp::write_json(&trace);
        let again = otlp::read(written.as_bytes()).expect("we wrote it");
        let same = again.iter().find(|other| other.id() == trace.id());
        let same = spans(same.expect("it was written"));
        let spans = spans(&trace);
        let is_whole = |span: &String| !span.replace("dropped: 0", "").contains("dropped: ");
        if spans.iter().all(is_whole) {
            assert_eq!(same, spans);
        }
    }
}

/// The spans of a trace as text, in order. Several can have one id.
fn spans(trace: &Trace) -> Vec<String> {
    let mut spans: Vec<String> = trace
        .spans()
        .iter()
        .map(|span| format!("{span:?}"))
        .collect();
    spans.sort_unstable();
    spans
}
