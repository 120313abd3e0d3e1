use std::time::{Duration, SystemTime};

use super::*;
use crate::source::Store;
use crate::trace::{LogRecord, Origin};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// The records of these lines: those of the trace first.
fn records(lines: &[&str]) -> Vec<LogRecord> {
    let store = Store::remembering(1 << 20);
    let mut follow = store.follow(TRACE.parse().unwrap(), Origin::Foreign);
    let mut log = TextLog::new("shop".to_owned(), "stdout");
    let kept = |written| match written {
        WrittenTrace::Whole(id) => Some(id).filter(|id| id.to_string() == TRACE),
        WrittenTrace::Half(_) => None,
    };
    for line in lines {
        let read = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_403_201);
        if let TextLine::Record(request) = log.read(line, read, kept) {
            store
                .ingest_logs_at(&request, std::time::Instant::now())
                .unwrap();
        }
    }
    let trace = follow.snapshot().trace;
    let others = store.logs_without_trace(None).records;
    trace
        .logs()
        .iter()
        .chain(&others)
        .map(|record| LogRecord::clone(record))
        .collect()
}

fn record_of(line: &str) -> LogRecord {
    records(&[line])
        .pop()
        .unwrap_or_else(|| panic!("{line} is no record"))
}

#[test]
fn ids_are_read_in_each_spelling() {
    let python = format!(
        "2026-11-29 08:00:00,123 INFO [shop] [app.py:7] [trace_id={TRACE} span_id={SPAN} resource.service.name=shop trace_sampled=True] - order placed"
    );
    for line in [
        python.as_str(),
        &format!("INFO traceId: {TRACE}, spanId: {SPAN} order placed"),
        &format!(
            "{{\"level\":30,\"trace_id\":\"{TRACE}\",\"span_id\":\"{SPAN}\",\"msg\":\"order placed\"}}"
        ),
        &format!(
            "{{\"trace\":{{\"id\":\"{TRACE}\"}},\"span\":{{\"id\":\"{SPAN}\"}},\"log.level\":\"INFO\",\"message\":\"x\"}}"
        ),
        &format!(
            "{{\"LogLevel\":\"Information\",\"Message\":\"x\",\"Scopes\":[{{\"SpanId\":\"{SPAN}\",\"TraceId\":\"{}\"}}]}}",
            TRACE.to_uppercase()
        ),
        &format!(
            "{{\"otelTraceID\":\"{TRACE}\",\"otelSpanID\":\"{SPAN}\",\"levelname\":\"INFO\",\"message\":\"x\"}}"
        ),
    ] {
        let record = record_of(line);
        assert_eq!(record.trace_id.unwrap().to_string(), TRACE, "{line}");
        assert_eq!(record.span_id.unwrap().to_string(), SPAN, "{line}");
        assert_eq!(record.severity, Some(9), "{line}");
        assert_eq!(record.service(), "shop");
    }
}

#[test]
fn the_id_of_a_kept_trace_needs_no_key() {
    for line in [
        format!("INFO [shop,{TRACE},{SPAN}] order placed"),
        format!("INFO [{TRACE}-{SPAN}] order placed"),
        format!("2026-11-29 08:00:00.000 | INFO     | {TRACE} | {SPAN} | app:place - placed"),
        format!("{{\"level\":\"info\",\"traceparent\":\"00-{TRACE}-{SPAN}-01\"}}"),
        format!("INFO placed X-B3-TraceId={TRACE} X-B3-SpanId={SPAN}"),
    ] {
        let record = record_of(&line);
        let ids = (record.trace_id.unwrap(), record.span_id.unwrap());
        assert_eq!(
            (ids.0.to_string().as_str(), ids.1.to_string().as_str()),
            (TRACE, SPAN)
        );
        assert_eq!(record.severity, Some(9), "{line}");
    }
    let record = record_of(&format!("ERROR no span of {TRACE} was found"));
    assert_eq!((record.span_id, record.severity), (None, Some(17)));
}

#[test]
fn json_of_structlog_and_numbers_of_severity_are_read() {
    let record = record_of("{\"event\":\"order placed\",\"level\":\"info\",\"sku\":\"A1\"}");
    assert_eq!(record.body, Value::from("order placed"));
    assert!(record.attributes.get("event").is_none());
    let record = record_of("{\"message\":\"placed\",\"event\":\"order\",\"severity_number\":17}");
    assert_eq!(record.body, Value::from("placed"));
    assert_eq!(record.attributes.get("event"), Some(&Value::from("order")));
    assert_eq!(record.severity, Some(17));
    let record = record_of("{\"level\":\"http\",\"message\":\"GET /\"}");
    assert_eq!(record.severity, Some(7));
    assert_eq!(record_of("http GET /").severity, None);
}

#[test]
fn a_line_without_a_valid_id_has_no_trace() {
    let zeros = "0".repeat(32);
    for line in [
        "order placed",
        "INFO [trace_id=0 span_id=0] - order placed",
        &format!("INFO trace_id={zeros} order placed"),
        &format!("trace_id={}", &TRACE[1..]),
        &format!("my_trace_id={}", "1".repeat(32)),
        &format!("for trace {}", "1".repeat(32)),
        "{\"trace_id\":\"\",\"msg\":\"x\"}",
        "{\"trace_id\":7}",
    ] {
        assert_eq!(record_of(line).trace_id, None, "{line}");
    }
}

#[test]
fn severity_and_text_are_those_of_the_line() {
    for (line, severity, text) in [
        ("WARNING:shop:low", Some(13), "WARNING"),
        ("2026-11-29T08:00:00Z ERROR failed", Some(17), "ERROR"),
        ("[warn] low", Some(13), "warn"),
        ("ts=1 level=error msg=x", Some(17), "error"),
        ("info: started", Some(9), "info"),
        ("no error here, information only", None, ""),
        ("order placed after an ERROR", None, ""),
        ("{\"severity\":40,\"msg\":\"x\"}", None, "40"),
        ("{\"level\":\"notice\",\"msg\":\"x\"}", Some(10), "notice"),
        ("{\"level\":50,\"msg\":\"x\"}", Some(17), "50"),
        ("{\"level\":7,\"msg\":\"x\"}", None, "7"),
    ] {
        let record = record_of(line);
        assert_eq!(
            (record.severity, record.severity_text.as_str()),
            (severity, text),
            "{line}"
        );
    }
    let record = record_of("{\"time\":1764403200123,\"msg\":\"x\",\"order\":{\"id\":42}}");
    assert_eq!(
        (record.time, record.body.to_text()),
        (1_764_403_200_123_000_000, "x".to_owned())
    );
    assert_eq!(
        record.attributes.get("order").unwrap().to_string(),
        r#"{"id":42}"#
    );
    assert_eq!(record.scope.name, "stdout");
    // A duration is not a time.
    let read = record_of("{\"time\":12,\"msg\":\"x\"}").time;
    assert_eq!(read, 1_764_403_201_000_000_000);
}

#[test]
fn a_line_of_docker_compose_is_read_without_the_name_of_its_container() {
    let json = format!("web-1  | {{\"level\":\"warn\",\"trace_id\":\"{TRACE}\",\"msg\":\"low\"}}");
    let record = record_of(&json);
    assert_eq!((record.severity, record.body), (Some(13), "low".into()));
    assert_eq!(record.trace_id.unwrap().to_string(), TRACE);
    let text = "shop_db_2 | 2026-11-29 08:00:00 ERROR low";
    let record = record_of(text);
    // The text is as it was printed.
    assert_eq!((record.severity, record.body), (Some(17), text.into()));
    let trace = [
        "web-1  | ERROR failed",
        "web-1  | \tat com.example.Shop",
        "web-1  |",
    ];
    assert_eq!(records(&trace).len(), 1);
    for other in ["order placed | ERROR", "web | ERROR failed", "| ERROR"] {
        let expected = severity::of_line(other).map(|(_, number)| number as u8);
        assert_eq!(record_of(other).severity, expected, "{other}");
    }
}

#[test]
fn an_id_in_json_is_read_in_each_spelling() {
    let decimal = u64::from_str_radix(SPAN, 16).unwrap();
    for line in [
        // An empty key beside a nested one.
        &format!("{{\"trace_id\":\"\",\"trace\":{{\"id\":\"{TRACE}\"}},\"span_id\":\"{SPAN}\"}}"),
        &format!("{{\"trace.id\":null,\"trace\":{{\"id\":\"{TRACE}\"}},\"spanId\":\"{SPAN}\"}}"),
        &format!(
            "{{\"trace_id\":\"{}\",\"span_id\":\"{SPAN}\"}}",
            "0".repeat(32)
        )
        .replace("}", &format!(",\"traceId\":\"{TRACE}\"}}")),
        &format!(
            "{{\"logging.googleapis.com/trace\":\"projects/shop/traces/{TRACE}\",\"logging.googleapis.com/spanId\":\"{SPAN}\"}}"
        ),
        &format!("{{\"mdc\":{{\"traceId\":\"{TRACE}\",\"spanId\":\"{SPAN}\"}}}}"),
        &format!("{{\"dd\":{{\"trace_id\":\"{TRACE}\",\"span_id\":\"{decimal}\"}}}}"),
        &format!("{{\"dd.trace_id\":\"{TRACE}\",\"dd.span_id\":{decimal}}}"),
        &format!("{{\"@tr\":\"{TRACE}\",\"@sp\":\"{SPAN}\",\"@m\":\"x\"}}"),
    ] {
        let record = record_of(line);
        assert_eq!(
            record.trace_id.map(|id| id.to_string()).as_deref(),
            Some(TRACE),
            "{line}"
        );
        assert_eq!(
            record.span_id.map(|id| id.to_string()).as_deref(),
            Some(SPAN),
            "{line}"
        );
    }
}

#[test]
fn half_of_a_trace_id_is_that_of_the_trace_that_is_followed() {
    let store = Store::new();
    let mut follow = store.follow(TRACE.parse().unwrap(), Origin::Foreign);
    let mut log = TextLog::new("shop".to_owned(), "stdout");
    let half = u64::from_str_radix(&TRACE[16..], 16).unwrap();
    store.ingest_line(
        &mut log,
        &format!("INFO [dd.trace_id={half} dd.span_id=7] placed"),
    );
    store.ingest_line(
        &mut log,
        &format!("{{\"dd\":{{\"trace_id\":{half}}},\"msg\":\"placed\"}}"),
    );
    store.ingest_line(&mut log, "INFO [dd.trace_id=7 dd.span_id=7] placed");
    assert_eq!(follow.snapshot().trace.logs().len(), 2);
}

/// The texts of the records of these lines.
fn bodies(lines: &[&str]) -> Vec<String> {
    let records = records(lines);
    records.iter().map(|one| one.body.to_text()).collect()
}

#[test]
fn a_stack_trace_is_a_part_of_its_record() {
    let lines = [
        "ERROR failed",
        "Traceback (most recent call last):",
        "  File \"a.py\", line 1",
        "ValueError: x",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        "  File \"a.py\", line 2",
        "KeyError: x",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "Traceback (most recent call last):",
        "  File \"a.py\", line 3",
        "shop.errors.Declined: x",
        "INFO next",
        "java.lang.IllegalStateException: y",
        "\tat com.example.Main",
        "Caused by: z",
        "\tat com.example.Other",
        "... 12 more",
        "",
        "    WARN indented",
        "Error: boom",
        "    at charge (/app/shop.js:7:11) {",
        "  code: 'E_DECLINED'",
        "}",
        "panic: boom",
        "[signal SIGSEGV: segmentation violation]",
        "",
        "goroutine 1 [running]:",
        "main.(*Shop).charge(0xc000012345, {0x1, 0x2})",
        "\t/app/main.go:7 +0x1d",
        "created by main.main in goroutine 1",
        "\t/app/main.go:3 +0x1d",
        "",
        "goroutine 7 [select, 2 minutes]:",
        "panic({0x1, 0x2})",
        "\t/usr/lib/go/panic.go:7",
        "exit status 2",
    ];
    let expected = [
        "ERROR failed",
        "INFO next",
        "java.lang.IllegalStateException: y",
        "    WARN indented",
        "Error: boom",
        "panic: boom",
        "exit status 2",
    ];
    assert_eq!(bodies(&lines), expected);
}

#[test]
fn a_stack_trace_ends_with_the_next_record() {
    let with_id = format!("trace_id={TRACE} placed");
    let lines = [
        "Traceback (most recent call last):",
        "INFO of another thread",
        "no part",
        "goroutine 1 [running]:",
        &with_id,
        "order placed (7)",
        "called f(7)",
    ];
    let expected = [
        // Nothing is before it.
        "Traceback (most recent call last):",
        "INFO of another thread",
        "no part",
        "order placed (7)",
        "called f(7)",
    ];
    let mut found = bodies(&lines);
    assert_eq!(found.remove(0), with_id);
    assert_eq!(found, expected);
}

#[test]
fn bytes_that_are_no_utf_8_are_read_as_far_as_they_are() {
    let line = String::from_utf8_lossy(b"INFO trace_id=\xff\xfe placed \xf0\x9f").into_owned();
    let record = record_of(&line);
    assert_eq!((record.trace_id, record.severity), (None, Some(9)));
    assert!(record.body.to_text().ends_with('\u{fffd}'));
}

#[test]
fn a_line_with_the_ids_of_several_traces_is_no_record() {
    let other = "4bf92f3577b34da6a3ce929d0e0e4736";
    let line = |first: &str, second: &str| format!("trace_id={first} paid trace_id={second} paid");
    assert!(records(&[&line(TRACE, other)]).is_empty());
    assert!(records(&[&line(other, TRACE)]).is_empty());
    assert_eq!(records(&[&line(TRACE, TRACE)]).len(), 1);
    let mut log = TextLog::new("shop".to_owned(), "stdout");
    let all_are_kept = |written| match written {
        WrittenTrace::Whole(id) => Some(id),
        WrittenTrace::Half(_) => None,
    };
    let read = log.read(&line(TRACE, other), SystemTime::UNIX_EPOCH, all_are_kept);
    assert!(matches!(read, TextLine::Joined));
    let also_of_datadog = format!("dd.trace_id=9532127138774266268 trace_id={TRACE} paid");
    let read = log.read(&also_of_datadog, SystemTime::UNIX_EPOCH, all_are_kept);
    assert!(matches!(read, TextLine::Record(_)));
}
