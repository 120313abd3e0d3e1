//! Recorded answers, rows that are written here, and ClickHouse's engine where it is installed.

mod engine;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::source::TraceSource;
use crate::source::backend::any_span::spans;
use crate::source::backend::replay::{
    Answer, PLACED, REFUSED, Replay, answer, by_id, recorded, refusal, sent, settled, trouble,
};
use crate::trace::{Attributes, Resource, Scope, Span, SpanId, SpanKind, StatusCode, Value};

const MAPS: &[u8] = recorded!("backends/clickhouse/describe-table.jsonl");
const JSON: &[u8] = recorded!("backends/clickhouse/json-mode-describe-table.jsonl");

/// The answers about the tables, and then this one.
fn then(columns: &[u8], last: Answer) -> Vec<Answer> {
    vec![
        answer(200, columns),
        answer(200, "{\"name\":\"TraceId\",\"type\":\"String\"}"),
        answer(200, UNCUT),
        last,
    ]
}

/// The settings by default.
const UNCUT: &str = "{\"name\":\"limit\",\"value\":\"0\"}\n{\"name\":\"offset\",\"value\":\"0\"}\n";

/// The span as the exporter stores it in maps: values are strings, and some parts are missing.
fn in_maps(mut span: Span) -> Span {
    let as_text = |attributes: &Attributes| -> Attributes {
        let mut entries: Vec<(String, String)> = attributes
            .iter()
            .map(|(key, value)| (key.to_owned(), stored(value)))
            .collect();
        entries.sort();
        entries.into_iter().collect()
    };
    map_attributes(&mut span, as_text);
    span.resource = Resource {
        attributes: as_text(&span.resource.attributes),
    }
    .into();
    span
}

/// The same with columns of type JSON.
fn in_json(mut span: Span) -> Span {
    let flat = |attributes: &Attributes| -> Attributes {
        let mut entries = Vec::new();
        for (key, value) in attributes.iter() {
            flatten(key, value, &mut entries);
        }
        entries.sort_by(|a: &(String, Value), b| a.0.cmp(&b.0));
        entries.into_iter().collect()
    };
    map_attributes(&mut span, flat);
    span.resource = Resource {
        attributes: flat(&span.resource.attributes),
    }
    .into();
    span
}

fn map_attributes(span: &mut Span, change: impl Fn(&Attributes) -> Attributes) {
    span.attributes = change(&span.attributes);
    for event in &mut span.events {
        event.attributes = change(&event.attributes);
    }
    for link in &mut span.links {
        link.attributes = change(&link.attributes);
    }
    (span.dropped_events, span.dropped_links) = (0, 0);
    span.flags = 0;
    let Scope { name, version, .. } = (*span.scope).clone();
    span.scope = Scope {
        name,
        version,
        attributes: Attributes::default(),
    }
    .into();
}

fn flatten(key: &str, value: &Value, entries: &mut Vec<(String, Value)>) {
    match value {
        Value::Map(inner) => {
            for (name, value) in inner {
                flatten(&format!("{key}.{name}"), value, entries);
            }
        }
        value => entries.push((key.to_owned(), without_exact_type(value))),
    }
}

/// A double without a fraction becomes an integer, bytes become a string.
fn without_exact_type(value: &Value) -> Value {
    match value {
        Value::Double(double) if double.fract() == 0.0 => Value::Int(*double as i64),
        Value::Bytes(_) => Value::String(text_of(value)),
        Value::Array(items) => Value::Array(items.iter().map(without_exact_type).collect()),
        value => value.clone(),
    }
}

fn text_of(value: &Value) -> String {
    match value.to_json() {
        serde_json::Value::String(text) => text,
        json => json.to_string(),
    }
}

/// The text that the exporter stores for a value.
fn stored(value: &Value) -> String {
    fn plain(value: &Value) -> Value {
        match value {
            Value::Double(double) if double.fract() == 0.0 => Value::Int(*double as i64),
            Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
            Value::Map(entries) => {
                let entries = entries.iter();
                Value::Map(
                    entries
                        .map(|(key, value)| (key.clone(), plain(value)))
                        .collect(),
                )
            }
            value => value.clone(),
        }
    }
    text_of(&plain(value))
}

fn sorted(spans: Vec<Span>) -> Vec<Span> {
    let sort = |attributes: &Attributes| -> Attributes {
        let mut entries: Vec<(String, Value)> = attributes
            .iter()
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries
            .into_iter()
            .collect::<Attributes>()
            .with_dropped(attributes.dropped())
    };
    let spans = spans.into_iter().map(|mut span| {
        span.attributes = sort(&span.attributes);
        span.resource = Resource {
            attributes: sort(&span.resource.attributes),
        }
        .into();
        span.events
            .iter_mut()
            .for_each(|event| event.attributes = sort(&event.attributes));
        span.links
            .iter_mut()
            .for_each(|link| link.attributes = sort(&link.attributes));
        span
    });
    spans.collect()
}

fn assert_same(found: &[Span], expected: &[Span]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn clickhouse_gives_back_what_was_sent_but_for_types() {
    for (file, trace, body) in [
        (
            recorded!("backends/sent/placed.json"),
            PLACED,
            recorded!("backends/clickhouse/trace-placed.jsonl"),
        ),
        (
            recorded!("backends/sent/refused.json"),
            REFUSED,
            recorded!("backends/clickhouse/trace-refused.jsonl"),
        ),
    ] {
        let server = Replay::of([("/", then(MAPS, answer(200, body)))]).await;
        let backend = server.backend("clickhouse");
        let found = sorted(by_id(&settled(&backend, trace).await));
        let expected: Vec<Span> = by_id(&sent(file, trace)).into_iter().map(in_maps).collect();
        assert_same(&found, &expected);
        let losses = TraceSource::losses(&backend);
        assert!(losses.contains(Field::AttributeTypes) && !losses.contains(Field::ExactTypes));
    }
}

#[tokio::test]
async fn clickhouse_with_json_columns_gives_back_what_was_sent_but_for_exact_types() {
    let body = recorded!("backends/clickhouse/json-mode-trace-refused.jsonl");
    let server = Replay::of([("/", then(JSON, answer(200, body)))]).await;
    let backend = server.backend("clickhouse");
    let found = sorted(by_id(&settled(&backend, REFUSED).await));
    let sent = sent(recorded!("backends/sent/refused.json"), REFUSED);
    let expected: Vec<Span> = by_id(&sent).into_iter().map(in_json).collect();
    assert_same(&found, &expected);
    let losses = TraceSource::losses(&backend);
    assert!(losses.contains(Field::ExactTypes) && !losses.contains(Field::AttributeTypes));
    let asked = server.asked.lock().unwrap();
    assert!(
        asked[3]
            .body
            .contains("JSONAllPathsWithTypes(SpanAttributes)")
    );
}

#[tokio::test]
async fn each_value_is_a_bound_parameter() {
    let body = recorded!("backends/clickhouse/trace-refused.jsonl");
    let server = Replay::of([("/", then(MAPS, answer(200, body)))]).await;
    let backend = server.with("clickhouse", |settings| {
        settings.options = vec![
            ("database", "otel`; DROP".to_owned()),
            ("table", "spans".to_owned()),
        ];
        settings.variables = vec![
            ("CLICKHOUSE_USER", "reader".to_owned()),
            ("CLICKHOUSE_PASSWORD", "s3cret".to_owned()),
        ];
    });
    settled(&backend, REFUSED).await;
    let asked = server.asked.lock().unwrap();
    assert_eq!(
        asked[0].body,
        "DESCRIBE TABLE {database:Identifier}.{table:Identifier}"
    );
    assert!(
        asked
            .iter()
            .all(|asked| !asked.body.contains("DROP") && !asked.body.contains(REFUSED))
    );
    assert!(
        asked[3].path.contains(&format!("={REFUSED}")),
        "{}",
        asked[3].path
    );
    assert!(
        asked[3].path.contains("param_lookup=spans_trace_id_ts"),
        "{}",
        asked[3].path
    );
    assert_eq!(asked[0].headers["x-clickhouse-user"], "reader");
    assert_eq!(asked[0].headers["x-clickhouse-key"], "s3cret");
}

/// The columns of old exporters: without those of the scope, and with signed durations.
fn old_columns() -> String {
    let columns = String::from_utf8_lossy(MAPS).replace("\"UInt64\"", "\"Int64\"");
    let columns = columns.lines().filter(|line| !line.contains("\"Scope"));
    columns.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn tables_of_old_exporters_are_read() {
    let row = json!({ "TraceId": REFUSED, "SpanId": "00000000000000aa", "ParentSpanId": "", "TraceState": "",
        "SpanName": "charge", "SpanKind": "SPAN_KIND_SERVER", "ServiceName": "payment",
        "ResourceAttributes": { "service.name": "payment" }, "Duration": "-1795873383782000000",
        "SpanAttributes": { "otel.scope.name": "flask", "otel.scope.version": "2", "a": "1" },
        "StatusCode": "STATUS_CODE_ERROR", "StatusMessage": "no", "Events.Name": [], "Events.Attributes": [],
        "Links.TraceId": ["", PLACED], "Links.SpanId": ["", "00000000000000ab"], "Links.TraceState": ["", "x=1"],
        "Links.Attributes": [{}, {}], "ts": "1795873383782000000", "ets": [] });
    let server = Replay::of([(
        "/",
        then(old_columns().as_bytes(), answer(200, row.to_string())),
    )])
    .await;
    let trace = settled(&server.backend("clickhouse"), REFUSED).await;
    let span = &trace.spans()[0];
    assert_eq!(
        (span.kind, span.status.code),
        (SpanKind::Server, StatusCode::Error)
    );
    assert_eq!((&*span.scope.name, &*span.scope.version), ("flask", "2"));
    assert_eq!(span.attributes, [("a", "1")].into_iter().collect());
    // It was exported before its end.
    assert_eq!((span.start, span.end), (1_795_873_383_782_000_000, 0));
    assert_eq!((span.links.len(), span.dropped_links), (1, 1));
    let asked = server.asked.lock().unwrap();
    assert!(!asked[3].body.contains("ScopeName"));
}

#[tokio::test]
async fn quoted_integers_are_read() {
    let body = recorded!("backends/clickhouse/trace-refused-quoted.jsonl");
    let server = Replay::of([("/", then(MAPS, answer(200, body)))]).await;
    let trace = settled(&server.backend("clickhouse"), REFUSED).await;
    let span = &trace.spans()[0];
    assert_eq!(
        (span.start, span.end - span.start),
        (1_795_873_383_782_000_000, 336_631)
    );
}

#[tokio::test]
async fn strings_that_clickhouse_took_for_times_count_as_dropped() {
    let mut row: serde_json::Value = serde_json::from_slice(
        recorded!("backends/clickhouse/json-mode-trace-refused.jsonl")
            .split(|&byte| byte == b'\n')
            .next()
            .unwrap(),
    )
    .unwrap();
    row["SpanAttributes"] = json!({ "when": "2026-11-28 10:00:00", "a": 1 });
    row["span_types"] = json!({ "when": "DateTime64(9)", "a": "Int64" });
    let server = Replay::of([("/", then(JSON, answer(200, row.to_string())))]).await;
    let trace = settled(&server.backend("clickhouse"), REFUSED).await;
    let attributes = &trace.spans()[0].attributes;
    assert_eq!(attributes.get("when"), None);
    assert_eq!(attributes.dropped(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_the_tables_is_told_with_a_remedy() {
    let no_table = recorded!("backends/clickhouse/no-such-table.txt");
    let no_database = recorded!("backends/clickhouse/no-such-database.txt");
    let syntax = recorded!("backends/clickhouse/syntax-error.txt");
    let without_times = String::from_utf8_lossy(MAPS)
        .lines()
        .skip(1)
        .collect::<Vec<_>>()
        .join("\n");
    let settings = "{\"name\":\"read_overflow_mode\",\"value\":\"break\"}";
    for (answers, expected) in [
        (
            vec![
                answer(404, no_table),
                answer(200, "{\"database\":\"otel\"}"),
            ],
            "has no table `default.otel_traces`; set `database` of `source`: there is a table of this name in `otel`",
        ),
        (
            vec![answer(404, no_database), answer(200, "")],
            "has no table `default.otel_traces`; set `database` and `table` of `source` to `database` and `traces_table_name` of the Collector's clickhouse exporter; it creates them at its start",
        ),
        (
            vec![answer(400, syntax)],
            "cannot execute a query: Code: 62. DB::Exception: Syntax error: failed at position 8 (1): 1. Expected one of: token sequence",
        ),
        (
            vec![
                answer(200, without_times),
                answer(404, no_table),
                answer(200, settings),
            ],
            "has no column `Timestamp` in the table `default.otel_traces`; set `table` of `source` to a table of the Collector's clickhouse exporter; other tables are not read",
        ),
        (
            vec![answer(404, "not here")],
            "answers 404 Not Found, without an exception of ClickHouse; check the address of `source`: that of ClickHouse's HTTP interface, usually on port 8123",
        ),
        (
            vec![answer(
                403,
                "Code: 516. DB::Exception: reader: Authentication failed",
            )],
            "answers 403 Forbidden: Code: 516. DB::Exception: reader: Authentication failed; check the credentials: `headers` of `source`, and their variables",
        ),
        // The first rows had been sent.
        (
            then(
                MAPS,
                answer(
                    200,
                    "{\"TraceId\":\nCode: 241. DB::Exception: Memory limit exceeded",
                ),
            ),
            "cannot execute a query: Code: 241. DB::Exception: Memory limit exceeded",
        ),
        (
            then(MAPS, answer(200, "{\"TraceId\":\"")),
            "answers something unreadable: EOF while parsing a string at line 1 column 12: {\"TraceId\":\"; check the address of `source`, and the version of the backend",
        ),
    ] {
        let server = Replay::of([("/", answers)]).await;
        let why = refusal(&server.backend("clickhouse")).await;
        let expected = format!("ClickHouse at http://{}/ {expected}", server.address);
        assert!(why.starts_with(&expected), "{why}");
    }
}

#[tokio::test]
async fn a_row_with_an_unknown_word_is_refused() {
    let body = String::from_utf8_lossy(recorded!("backends/clickhouse/trace-refused-quoted.jsonl"))
        .replace("\"Unset\"", "\"Weird\"");
    let server = Replay::of([("/", then(MAPS, answer(200, body)))]).await;
    let why = refusal(&server.backend("clickhouse")).await;
    assert!(
        why.contains("a row of the table is no span: `Weird` is not a status"),
        "{why}"
    );
}

#[tokio::test]
async fn settings_that_cut_answers_leave_a_hole() {
    let mut answers = then(
        MAPS,
        answer(200, recorded!("backends/clickhouse/trace-placed.jsonl")),
    );
    for (settings, expected) in [
        (
            "{\"name\":\"read_overflow_mode\",\"value\":\"break\"}",
            "`read_overflow_mode` is `break`",
        ),
        (
            "{\"name\":\"limit\",\"value\":\"0\"}",
            "`limit` or `offset` is set",
        ),
    ] {
        answers[2] = answer(200, settings);
        let server = Replay::of([("/", answers.clone())]).await;
        let hole = trouble(&server.backend("clickhouse")).await;
        let expected = format!(
            "ClickHouse at http://{}/ can cut answers without notice: {expected}",
            server.address
        );
        assert_eq!(hole, expected);
    }
}

#[tokio::test]
async fn settings_that_cut_answers_refuse_searches_and_numbers() {
    let mut answers = then(MAPS, answer(200, ""));
    answers[2] = answer(
        200,
        "{\"name\":\"group_by_overflow_mode\",\"value\":\"any\"}",
    );
    let server = Replay::of([("/", answers)]).await;
    let adapter = server.backend("clickhouse").adapter;
    let query = SearchQuery::default();
    let expected = FetchError::Refused {
        why: format!(
            "ClickHouse at http://{}/ can cut answers without notice: `group_by_overflow_mode` is `any`",
            server.address
        ),
        help: "set it to its default for the user of spanspec".to_owned(),
    };
    assert_eq!(adapter.search(&query).await, Err(expected.clone()));
    assert_eq!(adapter.count_by(&query, "").await, Err(expected.clone()));
    assert_eq!(adapter.durations_at(&query, 1, &[1]).await, Err(expected));
}

#[tokio::test]
async fn a_search_that_finds_an_unreadable_id_is_refused() {
    let rows = format!("{{\"TraceId\":\"{PLACED}\"}}\n{{\"TraceId\":\"7b\"}}");
    let server = Replay::of([("/", then(MAPS, answer(200, rows)))]).await;
    let query = SearchQuery {
        limit: 10,
        ..SearchQuery::default()
    };
    let found = server.backend("clickhouse").adapter.search(&query).await;
    let expected = FetchError::Refused {
        why: format!(
            "ClickHouse at http://{}/ found a trace that cannot be read: `7b` is not a trace id",
            server.address
        ),
        help: OTHER_TABLE.to_owned(),
    };
    assert_eq!(found, Err(expected));
}

/// A row as the exporter writes it, and the query reads it.
fn row(span: &Span, is_json: bool) -> serde_json::Value {
    let attributes = |attributes: &Attributes| -> serde_json::Value {
        let entries = attributes.iter();
        let entries = entries.map(|(key, value)| {
            let value = match is_json {
                true => without_exact_type(value).to_json(),
                false => stored(value).into(),
            };
            (key.to_owned(), value)
        });
        entries.collect::<serde_json::Map<_, _>>().into()
    };
    let events = &span.events;
    let links = &span.links;
    json!({
        "TraceId": span.trace_id.to_string(),
        "SpanId": span.span_id.to_string(),
        "ParentSpanId": span.parent_id.map_or_else(String::new, |id| id.to_string()),
        "TraceState": span.trace_state,
        "SpanName": span.name,
        "SpanKind": format!("{:?}", span.kind),
        "ServiceName": span.resource.attributes.get("service.name").map_or_else(String::new, text_of),
        "ResourceAttributes": attributes(&span.resource.attributes),
        "ScopeName": span.scope.name,
        "ScopeVersion": span.scope.version,
        "SpanAttributes": attributes(&span.attributes),
        "Duration": span.end.wrapping_sub(span.start),
        "StatusCode": format!("{:?}", span.status.code),
        "StatusMessage": span.status.message,
        "Events.Name": events.iter().map(|event| &event.name).collect::<Vec<_>>(),
        "Events.Attributes": events.iter().map(|event| attributes(&event.attributes)).collect::<Vec<_>>(),
        "Links.TraceId": links.iter().map(|link| link.trace_id.to_string()).collect::<Vec<_>>(),
        "Links.SpanId": links.iter().map(|link| link.span_id.to_string()).collect::<Vec<_>>(),
        "Links.TraceState": links.iter().map(|link| &link.trace_state).collect::<Vec<_>>(),
        "Links.Attributes": links.iter().map(|link| attributes(&link.attributes)).collect::<Vec<_>>(),
        "ts": span.start,
        "ets": events.iter().map(|event| event.time).collect::<Vec<_>>(),
    })
}

proptest! {
    #[test]
    fn rows_give_back_spans_but_for_what_the_tables_lose(span in spans()) {
        for is_json in [false, true] {
            let columns = if is_json { JSON } else { MAPS };
            let columns = serde_json::Deserializer::from_slice(columns).into_iter();
            let schema = Schema::of(columns.map(Result::unwrap).collect(), true, Vec::new()).unwrap();
            let row: Row = serde_json::from_value(row(&span, is_json)).unwrap();
            let found = sorted(vec![row.span(&schema).unwrap()]);
            let expected = if is_json { in_json(span.clone()) } else { in_maps(span.clone()) };
            prop_assert_eq!(&found[0], &expected);
        }
    }
}
