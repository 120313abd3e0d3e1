//! Files that other tools write.

use std::io::Write;

#[cfg(feature = "cli")]
use super::super::read_file;
use super::super::{ReadError, logs_from_json, metrics_from_json, read, traces_from_json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// An item of `resourceSpans` with one span.
fn item(span: u8) -> String {
    format!(
        r#"{{"resource":{{"attributes":[]}},"scopeSpans":[{{"spans":[{{"traceId":"{TRACE}","spanId":"00000000000000{span:02x}"}}]}}]}}"#
    )
}

fn request(span: u8) -> String {
    format!(r#"{{"resourceSpans":[{}]}}"#, item(span))
}

/// The number of spans in a file with one trace.
fn spans(file: impl AsRef<[u8]>) -> usize {
    let traces = read(file.as_ref()).unwrap();
    assert_eq!(traces.len(), 1);
    traces[0].len()
}

fn error(file: impl AsRef<[u8]>) -> String {
    read(file.as_ref()).unwrap_err().to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(feature = "zstd")]
fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&length.to_be_bytes(), message].concat()
}

#[test]
fn arrays_and_lines_of_requests_are_read() {
    assert_eq!(spans(format!("[{}, {}]", request(1), request(2))), 2);
    assert_eq!(spans(format!("{}\n{}\n", request(1), request(2))), 2);
    assert_eq!(spans(format!("[{}]\n[{}]", request(1), request(2))), 2);
}

#[test]
fn answers_of_jaegers_third_api_are_read() {
    assert_eq!(spans(format!(r#"{{"result": {}}}"#, request(1))), 1);
    let stream = format!(
        "{{\"result\": {}}}\n{{\"result\": {}}}",
        request(1),
        request(2)
    );
    assert_eq!(spans(stream), 2);
    let unknown = r#"{"error": {"httpCode": 404, "message": "No traces found"}}"#;
    assert!(error(unknown).starts_with("JSON, but not OTLP/JSON"));
}

#[test]
fn lines_of_the_java_exporters_are_read() {
    assert_eq!(spans(format!("{}\n{}\n", item(1), item(2))), 2);
    let snake = item(1).replace("scopeSpans", "scope_spans");
    assert_eq!(spans(snake), 1);
}

#[test]
fn files_of_the_collectors_file_exporter_are_read() {
    let path = "tests/fixtures/collector/file-exporter.pb";
    let written = std::fs::read(path).unwrap();
    let lengths: Vec<usize> = read(&written).unwrap().iter().map(|of| of.len()).collect();
    assert_eq!(lengths, [19, 2, 18, 3, 3, 3, 5]);
}

#[cfg(feature = "zstd")]
#[test]
fn files_that_are_compressed_with_zstd_are_read() {
    let protobuf = traces_from_json(request(1)).unwrap();
    let json = request(2);
    let compressed = [framed(&zstd(&protobuf)), framed(&zstd(json.as_bytes()))];
    assert_eq!(spans(compressed.concat()), 2);
    assert_eq!(spans(zstd(json.as_bytes())), 1);
}

#[test]
fn compressed_files_are_read() {
    let json = request(1);
    assert_eq!(spans(gzip(json.as_bytes())), 1);
    // Rotated files are often joined as they are.
    let joined = [gzip(json.as_bytes()), gzip(request(2).as_bytes())];
    assert_eq!(spans(joined.concat()), 2);
}

/// A record of the trace, one of another trace, and one without a trace.
fn logs() -> String {
    let record = |id: &str| {
        format!(r#"{{"timeUnixNano":"5","body":{{"stringValue":"it"}},"traceId":"{id}"}}"#)
    };
    let other = TRACE.replace('0', "5");
    let records = [record(TRACE), record(&other), record("")].join(",");
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#)
}

/// As a span, its name is a trace id, and its description is a span id.
const GAUGE: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"system.cpu.usage",
    "description":"CPU load","gauge":{"dataPoints":[{"timeUnixNano":"5","asInt":"7"}]}}]}]}]}"#;

#[cfg(feature = "cli")]
#[test]
fn log_records_of_the_traces_are_read_from_json_and_from_protobuf() {
    let lines = format!("{}\n{}\n", request(1), logs());
    let messages = [
        framed(&traces_from_json(request(1)).unwrap()),
        framed(&logs_from_json(logs()).unwrap()),
    ];
    for file in [lines.into_bytes(), messages.concat()] {
        let found = read_file(&file).unwrap();
        assert_eq!(found.traces.len(), 1);
        assert_eq!(found.traces[0].logs().len(), 1);
        assert_eq!(found.other_logs.len(), 2);
        assert!(found.metrics.processes.is_empty());
        assert!(found.traces[0].holes().is_empty());
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_message_of_one_signal_is_not_read_as_another() {
    let logs = logs_from_json(logs()).unwrap();
    let found = read_file(&logs).unwrap();
    assert_eq!((found.traces.len(), found.other_logs.len()), (0, 3));
    let metrics = metrics_from_json(GAUGE).unwrap();
    for file in [GAUGE.as_bytes(), &metrics, &framed(&metrics)] {
        let found = read_file(file).unwrap();
        let points = found.metrics.processes.iter().map(|one| one.points.len());
        assert_eq!((found.traces.len(), points.sum::<usize>()), (0, 1));
    }
}

#[test]
fn files_that_end_too_early_are_refused() {
    let protobuf = traces_from_json(request(1)).unwrap();
    let whole = [framed(&protobuf), framed(&protobuf)].concat();
    assert_eq!(
        error(&whole[..whole.len() - 1]),
        "read as messages of the Collector's file exporter, and the last one is cut off"
    );
    let gzip = gzip(request(1).as_bytes());
    assert_eq!(
        error(&gzip[..gzip.len() - 9]),
        "failed to decompress it as gzip"
    );
}

#[test]
fn what_becomes_too_large_is_refused() {
    let mut budget = 1_000;
    let bomb = gzip(&[b' '; 2_000]);
    let refused = super::decompressed_within(&bomb, &mut budget);
    assert!(matches!(refused, Err(ReadError::TooLarge(_))));
}

/// The reasons of the holes in a file with one trace.
fn holes(file: impl AsRef<[u8]>) -> Vec<String> {
    let traces = read(file.as_ref()).unwrap();
    assert_eq!(traces.len(), 1);
    let holes = traces[0].holes().iter();
    holes.map(|hole| hole.reason.clone()).collect()
}

#[test]
fn spans_with_invalid_ids_are_holes_in_their_trace() {
    let bad = format!(r#"{{"traceId":"{TRACE}","spanId":"abc","name":"bad"}}"#);
    let file = request(1).replace("}]}]}]}", &format!("}},{bad}]}}]}}]}}"));
    assert_eq!(
        holes(file),
        ["the span `bad` was rejected: its span id is `abc`, expected 8 bytes (16 hex digits)"]
    );
}

#[test]
fn parts_of_a_file_that_are_not_otlp_are_holes_in_all_traces() {
    let whole = request(1);
    for (file, key) in [
        (format!(r#"[{whole}, {{"foo": 1}}]"#), "foo"),
        (format!("{whole}\n{{\"spans\": [1]}}"), "spans"),
        (
            format!(r#"{{"result": {whole}}} {{"error": {{"code": 5}}}}"#),
            "error",
        ),
        (
            whole.replacen('{', r#"{"data": [{"spanID": "1"}], "#, 1),
            "data",
        ),
    ] {
        let reason = format!("a part of the file is not OTLP/JSON: found `{key}`");
        assert_eq!(holes(file), [reason]);
    }
    // Logs and metrics may stand between the traces, and facts about the answer beside them.
    let logs = format!(r#"{whole} {{"resourceLogs": []}} {{"trace": {{}}, "metrics": {{}}}}"#);
    assert!(holes(logs).is_empty());
}
