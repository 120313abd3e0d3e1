//! The walks over protobuf requests agree with prost.
//!
//! For each signal: what prost decodes is accepted, and the same records are found with the same ids, scopes and
//! resources. What the walk accepts can be decoded. A request that is marked with the name of a receiver is accepted as
//! before, with as many records. The store accepts what the walk accepts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use spanspec::internal::fuzzing::{self, Malformed, WalkedRecord};
use spanspec::{SpanId, Store, TraceId};

fuzz_target!(|request: &[u8]| {
    spans(request);
    logs(request);
    metrics(request);
});

fn spans(request: &[u8]) {
    let walked = fuzzing::walk_spans(request);
    assert_eq!(Store::new().ingest(request).is_ok(), walked.is_ok());
    if let Ok(walked) = &walked {
        for record in &walked.records {
            let decoded = fuzzing::decoded_span(record.clone()).expect("the walk accepted it");
            let decoded = decoded.expect("the walk accepted its ids");
            assert_eq!(Some(decoded.trace_id), record.trace_id);
        }
        let stamped = fuzzing::stamped(request).expect("the walk accepted it");
        let again = fuzzing::walk_spans(&stamped).expect("it was accepted without the mark");
        assert_eq!(again.records.len(), walked.records.len());
        assert_eq!(again.links, walked.links);
    }
    let Ok(expected) = ExportTraceServiceRequest::decode(request) else {
        return;
    };
    if has_old_spans(request) {
        return;
    }
    let Some(walked) = unless_bounded(walked) else {
        return;
    };
    let mut all = Vec::new();
    for resource in &expected.resource_spans {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                all.push((span.clone(), scope.scope.clone(), resource.resource.clone()));
            }
        }
    }
    assert_eq!(walked.records.len() + walked.rejected, all.len());
    all.retain(|(span, ..)| is_valid(span));
    let links = all.iter().flat_map(|(span, ..)| links(span));
    assert_eq!(walked.links, links.collect::<Vec<_>>());
    assert_eq!(walked.records.len(), all.len());
    for (found, (span, scope, resource)) in walked.records.iter().zip(all) {
        assert_eq!(Span::decode(&*found.message).unwrap(), span);
        assert_eq!(found.trace_id, TraceId::from_slice(&span.trace_id));
        assert_owners(found, scope, resource);
        let decoded = fuzzing::decoded_span(found.clone()).unwrap().unwrap();
        assert_eq!(decoded.name, span.name);
        let times = (span.start_time_unix_nano, span.end_time_unix_nano);
        assert_eq!((decoded.start, decoded.end), times);
        assert_eq!(decoded.events.len(), span.events.len());
    }
}

fn logs(request: &[u8]) {
    let walked = fuzzing::walk_logs(request);
    for record in walked.iter().flat_map(|walked| &walked.records) {
        let decoded = fuzzing::decoded_log(record.clone()).expect("the walk accepted it");
        assert_eq!(decoded.trace_id, record.trace_id);
    }
    assert_eq!(Store::new().ingest_logs(request).is_ok(), walked.is_ok());
    let Ok(expected) = ExportLogsServiceRequest::decode(request) else {
        return;
    };
    let Some(walked) = unless_bounded(walked) else {
        return;
    };
    let mut all = Vec::new();
    for resource in &expected.resource_logs {
        for scope in &resource.scope_logs {
            for record in &scope.log_records {
                all.push((
                    record.clone(),
                    scope.scope.clone(),
                    resource.resource.clone(),
                ));
            }
        }
    }
    assert_eq!(walked.records.len(), all.len());
    for (found, (record, scope, resource)) in walked.records.iter().zip(all) {
        assert_eq!(LogRecord::decode(&*found.message).unwrap(), record);
        assert_eq!(found.trace_id, TraceId::from_slice(&record.trace_id));
        assert_owners(found, scope, resource);
    }
}

fn metrics(request: &[u8]) {
    let walked = fuzzing::walk_metrics(request);
    let Ok(expected) = ExportMetricsServiceRequest::decode(request) else {
        return;
    };
    let Some(walked) = unless_bounded(walked) else {
        return;
    };
    let resources = expected.resource_metrics.iter();
    let scopes = resources.flat_map(|resource| &resource.scope_metrics);
    assert_eq!(
        walked,
        scopes.map(|scope| scope.metrics.len()).sum::<usize>()
    );
    Store::new()
        .ingest_metrics(request)
        .expect("prost accepts it");
}

fn assert_owners(
    found: &WalkedRecord,
    scope: Option<InstrumentationScope>,
    resource: Option<Resource>,
) {
    let found_scope = InstrumentationScope::decode(&*found.scope).unwrap();
    assert_eq!(found_scope, scope.unwrap_or_default());
    let found_resource = Resource::decode(&*found.resource).unwrap();
    assert_eq!(found_resource, resource.unwrap_or_default());
}

/// The result of a walk over a request that prost accepts. `None` if the request has more of something than we accept.
fn unless_bounded<T>(walked: Result<T, Malformed>) -> Option<T> {
    match walked {
        Err(Malformed::TooDeep(_) | Malformed::TooMany(..)) => None,
        walked => Some(walked.expect("prost accepts it")),
    }
}

/// Returns `true` if a request may have `instrumentation_library_spans`, the field 1000, which prost no longer reads.
fn has_old_spans(request: &[u8]) -> bool {
    request
        .windows(2)
        .any(|key| matches!(key, [0xc2, 0x3e | 0xbe]))
}

fn is_valid(span: &Span) -> bool {
    let has_ids = TraceId::from_slice(&span.trace_id).is_some()
        && SpanId::from_slice(&span.span_id).is_some();
    has_ids && matches!(span.parent_span_id.len(), 0 | 8)
}

fn links(span: &Span) -> Vec<(TraceId, TraceId)> {
    let from = TraceId::from_slice(&span.trace_id);
    let links = span.links.iter().filter_map(|link| {
        let to = TraceId::from_slice(&link.trace_id)?;
        SpanId::from_slice(&link.span_id)?;
        Some((from?, to))
    });
    links.collect()
}
