use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use super::super::Backend;
use super::super::replay::*;
use super::*;
use crate::project::parse_source;
use crate::source::{TraceSource, otlp};
use crate::trace::{Origin, Trace};

const LINES: &[u8] = recorded!("backends/collector-file/fan.jsonl");
const MESSAGES: &[u8] = recorded!("backends/collector-file/fan.pb");
const ZIPKIN: &[u8] = recorded!("backends/zipkin/trace-placed.json");

fn backend(path: &Path) -> Backend {
    Backend::new(parse_source(&format!("files={}", path.display())).unwrap()).unwrap()
}

/// A folder with these files.
fn folder<const N: usize>(files: [(&str, &[u8]); N]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

#[tokio::test]
async fn files_of_the_collector_give_back_what_was_sent() {
    let placed = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    let refused = by_id(&sent(recorded!("backends/sent/refused.json"), REFUSED));
    for (name, content) in [("a.json", LINES), ("below/b", MESSAGES)] {
        let folder = folder([(name, content), (".hidden", b"no trace")]);
        for path in [folder.path(), &folder.path().join(name)] {
            let backend = backend(path);
            assert_eq!(by_id(&settled(&backend, PLACED).await), placed, "{name}");
            assert_eq!(by_id(&settled(&backend, REFUSED).await), refused, "{name}");
        }
    }
}

#[tokio::test]
async fn a_trace_loses_what_the_format_of_its_file_loses() {
    let folder = folder([
        ("z.json", ZIPKIN),
        (
            "refused.jsonl",
            LINES.split_inclusive(|&byte| byte == b'\n').nth(1).unwrap(),
        ),
    ]);
    let backend = backend(folder.path());
    assert!(
        settled(&backend, PLACED)
            .await
            .losses()
            .contains(Field::NameCase)
    );
    assert!(
        !settled(&backend, REFUSED)
            .await
            .losses()
            .contains(Field::NameCase)
    );
}

#[tokio::test]
async fn the_json_of_jaegers_old_api_is_read() {
    let folder = folder([(
        "j.json",
        recorded!("backends/jaeger/legacy-trace-placed.json"),
    )]);
    let trace = settled(&backend(folder.path()), PLACED).await;
    assert_eq!(trace.len(), 19);
    assert!(trace.losses().contains(Field::Nanoseconds));
}

#[tokio::test]
async fn a_line_that_is_being_written_is_read_when_it_is_complete() {
    let expected = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    for (name, content) in [("a.jsonl", LINES), ("a.pb", MESSAGES)] {
        let (start, rest) = content.split_at(content.len() - 100);
        let folder = folder([(name, start)]);
        let backend = backend(folder.path());
        let path = folder.path().join(name);
        assert_eq!(
            trouble(&backend).await,
            format!("{} ends within a line or message", path.display())
        );
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(rest).unwrap();
        let refused = settled(&backend, REFUSED).await;
        assert_eq!(refused.holes(), []);
        assert_eq!(by_id(&settled(&backend, PLACED).await), expected, "{name}");
    }
}

#[tokio::test]
async fn a_trace_is_not_settled_while_a_file_is_being_written() {
    let folder = folder([("a.jsonl", &LINES[..LINES.len() - 100])]);
    let backend = backend(folder.path());
    // The folder has no span of it, so that each change is an answer. Two equal ones confirm it.
    let mut follow = backend.follow(id(&"7".repeat(32)), Origin::Foreign);
    let begun = Instant::now();
    follow.snapshot();
    for _ in 0..3 {
        follow.changed().await;
        let snapshot = follow.snapshot();
        assert_eq!(snapshot.trace.holes().len(), 1);
        assert!(snapshot.known_until <= begun);
    }
}

#[tokio::test]
async fn a_file_that_nobody_writes_any_more_is_a_hole_of_a_settled_trace() {
    let expected = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    let folder = folder([("a.jsonl", &LINES[..LINES.len() - 100])]);
    let path = folder.path().join("a.jsonl");
    let minute = SystemTime::now() - Duration::from_secs(60);
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(minute)
        .unwrap();
    let trace = settled(&backend(folder.path()), PLACED).await;
    assert_eq!(by_id(&trace), expected);
    assert_eq!(
        trace.holes()[0].reason,
        format!("{} ends within a line or message", path.display())
    );
}

#[tokio::test]
async fn a_folder_can_appear_after_the_run_has_begun() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("traces");
    let backend = backend(&path);
    assert_eq!(
        trouble(&backend).await,
        format!("{} does not exist", path.display())
    );
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a.json"), LINES).unwrap();
    assert!(!settled(&backend, PLACED).await.is_empty());
}

#[tokio::test]
async fn a_file_that_is_replaced_by_one_of_the_same_size_is_read_again() {
    let text = |name: &str| format!(r#"{{"traceId":"{PLACED}","id":"1","name":"{name}"}}"#);
    let folder = folder([("a.json", text("a").as_bytes())]);
    let mut files = Folder::new(folder.path().to_owned());
    let mut names = Vec::new();
    for name in ["a", "b"] {
        fs::write(folder.path().join("a.json"), text(name)).unwrap();
        files.refresh(Instant::now()).unwrap();
        names.extend(files.traces().map(|trace| trace.spans()[0].name.clone()));
    }
    assert_eq!(names, ["a", "b"]);
    fs::remove_file(folder.path().join("a.json")).unwrap();
    files.refresh(Instant::now()).unwrap();
    assert_eq!(files.traces().count(), 0);
}

#[tokio::test]
async fn a_file_that_is_no_trace_leaves_a_hole() {
    let folder = folder([("a.json", LINES), ("notes.md", b"# hello"), ("empty", b"")]);
    let hole = trouble(&backend(folder.path())).await;
    let path = folder.path().join("notes.md");
    assert!(
        hole.starts_with(&format!(
            "{} is not a trace: read as OTLP protobuf",
            path.display()
        )),
        "{hole}"
    );
}

#[tokio::test]
async fn more_bytes_than_can_be_kept_end_the_run() {
    let folder = TempDir::new().unwrap();
    let file = File::create(folder.path().join("huge.json")).unwrap();
    file.set_len(300 << 20).unwrap();
    let why = refusal(&backend(folder.path())).await;
    assert_eq!(
        why,
        format!(
            "{} has more than 256 MiB; name one file or a smaller folder, or let the Collector keep fewer files (`rotation`)",
            folder.path().display()
        )
    );
}

#[test]
fn credentials_for_files_are_refused() {
    let mut settings = parse_source("files=traces").unwrap();
    settings.tenant = Some("shop".to_owned());
    let why = Backend::new(settings).unwrap_err().to_string();
    assert_eq!(
        why,
        "`files` has neither `headers` nor a `tenant`; remove them: files are read without requests"
    );
}

/// A document with log records of a trace: their texts.
fn logs(trace: &str, texts: &[&str]) -> String {
    let records: Vec<serde_json::Value> = texts
        .iter()
        .map(|text| {
            serde_json::json!({
                "timeUnixNano": "1700000000100000000", "severityNumber": 9,
                "body": { "stringValue": text }, "traceId": trace, "spanId": "00000000000000ab",
            })
        })
        .collect();
    let request =
        serde_json::json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] });
    format!("{request}\n")
}

/// The texts of the log records, with `?` after one that may be a copy.
fn texts(trace: &Trace) -> Vec<String> {
    let mark = |is_repeated| if is_repeated { "?" } else { "" };
    let logs = trace.logs().iter();
    logs.map(|log| format!("{}{}", log.body.to_text(), mark(log.is_repeated)))
        .collect()
}

#[tokio::test]
async fn log_records_of_a_trace_are_read_from_each_file() {
    let (placed, other) = (logs(PLACED, &["a", "b", "b"]), logs(REFUSED, &["c"]));
    let protobuf = otlp::logs_from_json(logs(PLACED, &["b", "d"])).unwrap();
    let framed = [
        &u32::try_from(protobuf.len()).unwrap().to_be_bytes()[..],
        &protobuf,
    ]
    .concat();
    let folder = folder([
        ("traces.jsonl", LINES),
        ("logs/1.jsonl", format!("{placed}{other}").as_bytes()),
        ("logs/2.pb", &framed),
    ]);
    let backend = backend(folder.path());
    let trace = settled(&backend, PLACED).await;
    assert_eq!(texts(&trace), ["a", "b", "b", "b?", "d"]);
    assert!(!trace.losses().contains(Field::LogRecords));
    assert!(!backend.losses().contains(Field::LogRecords));
    assert_eq!(trace.log_holes(), []);
    // Not of the trace alone: the folder has log records.
    let consumer = settled(&backend, CONSUMER).await;
    assert!(texts(&consumer).is_empty() && !consumer.losses().contains(Field::LogRecords));
}

#[tokio::test]
async fn log_records_are_unknown_while_a_folder_has_none_and_open_after_a_problem() {
    let folder = folder([("traces.jsonl", LINES)]);
    let backend = backend(folder.path());
    let mut follow = backend.follow(id(PLACED), Origin::Foreign);
    // The first snapshot starts the reading.
    assert!(follow.snapshot().trace.is_empty());
    let mut next = async || {
        follow.changed().await;
        follow.snapshot().trace
    };
    let first = loop {
        let trace = next().await;
        if !trace.is_empty() {
            break trace;
        }
    };
    assert!(first.losses().contains(Field::LogRecords));
    let cut = logs(PLACED, &["a"]);
    fs::write(folder.path().join("logs.jsonl"), &cut[..cut.len() - 9]).unwrap();
    let second = loop {
        let trace = next().await;
        if !trace.log_holes().is_empty() {
            break trace;
        }
    };
    assert!(second.log_holes()[0].reason.contains("ends within a line"));
    fs::write(folder.path().join("logs.jsonl"), &cut).unwrap();
    let third = loop {
        let trace = next().await;
        if trace.log_holes().is_empty() {
            break trace;
        }
    };
    assert_eq!(texts(&third), ["a"]);
    assert!(!third.losses().contains(Field::LogRecords));
}

#[tokio::test]
async fn a_log_record_with_an_id_of_a_wrong_length_can_be_of_any_trace() {
    let folder = folder([
        ("traces.jsonl", LINES),
        ("logs.jsonl", logs(&PLACED[1..], &["a"]).as_bytes()),
    ]);
    let trace = settled(&backend(folder.path()), PLACED).await;
    assert!(
        trace.log_holes()[0]
            .reason
            .contains("trace id of a log record")
    );
}

async fn search(backend: &Backend, query: SearchQuery) -> Vec<TraceId> {
    let query = SearchQuery {
        to: u64::MAX,
        limit: 1,
        ..query
    };
    let answer = backend.search(&query).await.unwrap();
    assert!(!answer.is_cut);
    answer.traces
}

#[tokio::test]
async fn a_search_finds_the_traces_with_such_a_span_the_newest_first() {
    let folder = folder([("a.jsonl", LINES), ("z.json", ZIPKIN)]);
    let backend = backend(folder.path());
    let (placed, refused) = (id(PLACED), id(REFUSED));
    let charge = || SearchQuery {
        service: Some("payment".to_owned()),
        name: Some("process_payment".to_owned()),
        ..SearchQuery::default()
    };
    let with = |key: &str, value: Value| SearchQuery {
        attributes: vec![(key.to_owned(), value)],
        ..charge()
    };
    for (query, expected) in [
        (charge(), vec![refused, placed]),
        (with("payment.method", "card".into()), vec![placed]),
        (
            with("payment.amount", Value::Double(99.99)),
            vec![refused, placed],
        ),
        // Zipkin's format loses the types of attributes.
        (with("payment.amount", Value::Int(1)), vec![placed]),
        (
            SearchQuery {
                is_error: true,
                ..charge()
            },
            vec![refused],
        ),
        (
            SearchQuery {
                at_least: Some(500_000),
                ..charge()
            },
            vec![refused],
        ),
        (
            SearchQuery {
                from: 1_795_873_383_000_000_000,
                ..charge()
            },
            vec![refused],
        ),
        (
            SearchQuery {
                service: Some("Payment".to_owned()),
                ..charge()
            },
            vec![placed],
        ),
    ] {
        assert_eq!(search(&backend, query.clone()).await, expected, "{query:?}");
    }
}

/// A span, with a resource, in a file of OTLP.
fn span(resource: &str, more: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{{resource}}},"scopeSpans":[{{"spans":[{{
            "traceId":"{PLACED}","spanId":"00000000000000aa","name":"work",
            "startTimeUnixNano":"1795873381000000000","endTimeUnixNano":"1795873381000005000"{more}}}]}}]}}]}}"#
    )
    .replace('\n', "")
}

#[tokio::test]
async fn a_search_finds_spans_whose_attributes_may_have_been_dropped() {
    let wanted = || vec![("a".to_owned(), Value::from("b"))];
    let none = SearchQuery::default;
    let of_attribute = SearchQuery {
        attributes: wanted(),
        ..none()
    };
    let of_resource = SearchQuery {
        resource: wanted(),
        ..none()
    };
    let of_service = SearchQuery {
        service: Some("shop".to_owned()),
        ..none()
    };
    let other = r#"[{"key":"a","value":{"stringValue":"c"}}]"#;
    for (query, resource, more, is_found) in [
        (&of_attribute, "", "", false),
        (&of_attribute, "", r#","droppedAttributesCount":1"#, true),
        (
            &of_attribute,
            "",
            &*format!(r#","droppedAttributesCount":1,"attributes":{other}"#),
            false,
        ),
        (&of_resource, "", "", false),
        (&of_resource, r#""droppedAttributesCount":1"#, "", true),
        (&of_service, "", "", false),
        (&of_service, r#""droppedAttributesCount":1"#, "", true),
    ] {
        let folder = folder([("a.json", span(resource, more).as_bytes())]);
        let found = search(&backend(folder.path()), query.clone()).await;
        assert_eq!(!found.is_empty(), is_found, "{query:?} {resource} {more}");
    }
}

#[test]
fn fields_that_a_format_loses_exclude_nothing() {
    let mut span = Span::new(id(PLACED), "00000000000000aa".parse().unwrap(), "work");
    span.start = 1;
    span.end = 5_001;
    span.attributes = [("a", Value::from("c"))].into_iter().collect();
    let query = || SearchQuery {
        to: 10,
        ..SearchQuery::default()
    };
    let wanted = || vec![("a".to_owned(), Value::from("b"))];
    let of_attribute = SearchQuery {
        attributes: wanted(),
        ..query()
    };
    let of_resource = SearchQuery {
        resource: wanted(),
        ..query()
    };
    let of_service = SearchQuery {
        service: Some("shop".to_owned()),
        ..query()
    };
    let of_name = SearchQuery {
        name: Some("other".to_owned()),
        ..query()
    };
    let of_error = SearchQuery {
        is_error: true,
        ..query()
    };
    let of_duration = SearchQuery {
        at_least: Some(8_000),
        ..query()
    };
    for (query, fields) in [
        (of_attribute, OF_ATTRIBUTES),
        (of_resource, OF_RESOURCES),
        (of_service, &[Field::Services]),
        (of_name, &[Field::Names]),
        (of_error, &[Field::Status]),
        (of_duration, &[Field::Durations]),
    ] {
        assert!(!meets(&query, &span, &Losses::none()), "{query:?}");
        for &field in fields {
            let losses = [field].into_iter().collect();
            assert!(meets(&query, &span, &losses), "{query:?} {field:?}");
        }
    }
}

#[tokio::test]
async fn a_search_does_not_wait_for_what_cannot_be_read() {
    let folder = folder([("a.jsonl", LINES), ("package.json", b"{}")]);
    for (path, expected) in [
        (folder.path().to_owned(), "package.json is not a trace: "),
        (folder.path().join("no"), "no does not exist"),
    ] {
        let error = backend(&path).search(&SearchQuery::default()).await;
        let why = error.unwrap_err().why;
        assert!(why.contains(expected), "{why}");
    }
}
