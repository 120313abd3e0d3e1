//! The work on a request in memory, on one core.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::de::IgnoredAny;
use spanspec::internal::source::otlp::{protobuf_of_json, walk};
use spanspec::{Origin, Store};

use super::requests::{TRACES, log_request, metric_request, trace, trace_request};

/// Spans in a request: what SDKs send at most.
const BATCH: usize = 512;

/// Prints the table. Each line takes this time.
pub(super) fn table(time: Duration) {
    let request = &*trace_request(BATCH).encode_to_vec();
    let size = request.len() / BATCH;
    println!("requests of {BATCH} spans, {size} bytes a span, {TRACES} traces\n");
    println!("one core, no network             Mspans/s   of memcpy");
    let memcpy = rate(time, || drop(black_box(request.to_vec())));
    line("memcpy", memcpy, memcpy);
    let walk = rate(time, || drop(black_box(walk(request))));
    line("walk", walk, memcpy);
    let store = Store::new();
    let ingest = rate(time, || drop(black_box(store.ingest(request))));
    line("ingest, no trace followed", ingest, memcpy);
    let followed = rate(time, || follow_one(request));
    line("ingest and decode 1 of 64 traces", followed, memcpy);
    let bytes = Bytes::copy_from_slice(request);
    let prost = rate(time, || {
        drop(black_box(ExportTraceServiceRequest::decode(bytes.clone())));
    });
    line("prost, opentelemetry-proto", prost, memcpy);
    let json = Bytes::from(serde_json::to_vec(&trace_request(BATCH)).expect("JSON"));
    let kept = rate(time, || {
        drop(black_box(serde_json::from_slice::<IgnoredAny>(&json)));
    });
    line("JSON, a parser that keeps nothing", kept, memcpy);
    let converted = rate(time, || {
        let protobuf = protobuf_of_json(json.clone()).expect("a well-formed request");
        store.ingest(&protobuf).expect("a well-formed request");
    });
    line("JSON, ingest, no trace followed", converted, memcpy);
    let theirs = rate(time, || {
        drop(black_box(
            serde_json::from_slice::<ExportTraceServiceRequest>(&json),
        ));
    });
    line("JSON, opentelemetry-proto", theirs, memcpy);
    let logs = log_request(BATCH);
    let ingest = rate(time, || drop(black_box(store.ingest_logs(&logs))));
    line("log records, no trace followed", ingest, memcpy);
    let followed = rate(time, || {
        let store = Store::new();
        let mut follow = store.follow(trace(1), Origin::Foreign);
        store.ingest_logs(&logs).expect("a well-formed request");
        assert_eq!(follow.snapshot().trace.logs().len(), BATCH / TRACES);
    });
    line("log records, 1 of 64 traces", followed, memcpy);
    let metrics = metric_request(BATCH);
    let store = Store::new();
    let ingest = rate(time, || drop(black_box(store.ingest_metrics(&metrics))));
    line("metric points, no spec needs them", ingest, memcpy);
    store.keep_metrics();
    let ingest = rate(time, || drop(black_box(store.ingest_metrics(&metrics))));
    line("metric points, kept as series", ingest, memcpy);
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
