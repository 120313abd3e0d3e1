//! ClickHouse's engine, from the Python package chdb, behind `tests/support/clickhouse.py`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::source::backend::adapter::{SearchAnswer, SearchQuery};
use crate::trace::Trace;

/// The tables of the exporter.
const TABLES: &str = "CREATE TABLE otel_traces (Timestamp DateTime64(9), TraceId String, SpanId String, \
    ParentSpanId String, TraceState String, SpanName LowCardinality(String), SpanKind LowCardinality(String), \
    ServiceName LowCardinality(String), ResourceAttributes ATTRIBUTES, ScopeName String, ScopeVersion String, \
    SpanAttributes ATTRIBUTES, Duration UInt64, StatusCode LowCardinality(String), StatusMessage String, \
    Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes ATTRIBUTES), \
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes ATTRIBUTES)) \
    ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))";
const LOOKUP: [&str; 2] = [
    "CREATE TABLE otel_traces_trace_id_ts (TraceId String, Start DateTime, End DateTime) \
     ENGINE = MergeTree ORDER BY (TraceId, Start)",
    "CREATE MATERIALIZED VIEW otel_traces_trace_id_ts_mv TO otel_traces_trace_id_ts AS \
     SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End FROM otel_traces GROUP BY TraceId",
];

/// The engine, which ends with this.
struct Engine {
    process: Child,
    address: String,
}

impl Engine {
    /// None if chdb is not installed.
    fn start() -> Option<Self> {
        let python = std::env::var("CHDB_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/clickhouse.py");
        let mut process = Command::new(&python)
            .args([script, "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        match line.trim().strip_prefix("ready on ") {
            Some(port) => Some(Self {
                process,
                address: format!("http://127.0.0.1:{port}"),
            }),
            None => {
                process.wait().unwrap();
                None
            }
        }
    }

    async fn execute(&self, database: &str, query: &str) {
        let url = format!("{}/?database={database}", self.address);
        let client = reqwest::Client::new();
        let answer = client
            .post(url)
            .body(query.to_owned())
            .send()
            .await
            .unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{query}: {text}");
    }

    async fn create(&self, database: &str, attributes: &str) {
        self.execute("default", &format!("CREATE DATABASE {database}"))
            .await;
        for table in [TABLES, LOOKUP[0], LOOKUP[1]] {
            self.execute(database, &table.replace("ATTRIBUTES", attributes))
                .await;
        }
    }

    async fn insert(&self, database: &str, spans: &[Span], is_json: bool) {
        let seconds =
            |nanos: u64| format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        let mut text = "INSERT INTO otel_traces FORMAT JSONEachRow\n".to_owned();
        for span in spans {
            let mut row = row(span, is_json);
            row["Timestamp"] = seconds(span.start).into();
            row["Events.Timestamp"] = span
                .events
                .iter()
                .map(|event| seconds(event.time))
                .collect();
            let row = row.as_object_mut().unwrap();
            row.retain(|key, _| !matches!(key.as_str(), "ts" | "ets"));
            text += &format!("{}\n", serde_json::Value::from(row.clone()));
        }
        self.execute(database, &text).await;
    }

    fn adapter(&self, database: &str) -> ClickHouse {
        let mut settings =
            crate::project::parse_source(&format!("clickhouse={}", self.address)).unwrap();
        settings.options = vec![("database", database.to_owned())];
        ClickHouse::new(&settings).unwrap()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

const SECOND: u64 = 1_000_000_000;
/// 2026-11-28 13:43:00.
const START: u64 = 1_795_873_380 * SECOND;

/// The number of spans in each trace of [`many`].
const N: u64 = 211;

/// Spans of two versions with durations in disorder, and some that no query below finds.
fn many() -> Vec<Span> {
    let span = |number: u64, version: &str| {
        let trace = format!("{:032x}", number % 50 + 1).parse().unwrap();
        let id = SpanId::from_bytes((number + 1).to_be_bytes()).unwrap();
        let mut span = Span::new(trace, id, "POST /orders");
        span.kind = SpanKind::Server;
        span.start = START + number * SECOND;
        span.end = span.start + number * 7_919 % 1_009 * 1_000 + number;
        span.resource = Resource {
            attributes: [("service.name", "shop"), ("service.version", version)]
                .into_iter()
                .collect(),
        }
        .into();
        span.attributes = [
            ("http.response.status_code", Value::Int(200)),
            (
                "odd",
                "it's \\ a\ttab, a\nline, {x:String} and 'quotes'".into(),
            ),
            ("cached", Value::Bool(number.is_multiple_of(2))),
        ]
        .into_iter()
        .collect();
        span
    };
    let mut spans: Vec<Span> = (0..N).map(|number| span(number, "v1")).collect();
    spans.extend((N..2 * N).map(|number| span(number, "v2.4")));
    let mut failed = span(2 * N, "v1");
    failed.status.code = StatusCode::Error;
    failed.name = "GET /".to_owned();
    let mut unended = span(2 * N + 1, "v1");
    unended.end = 0;
    unended.name = "unended".to_owned();
    spans.extend([failed, unended]);
    spans
}

fn everything() -> SearchQuery {
    SearchQuery {
        service: Some("shop".to_owned()),
        name: Some("POST /orders".to_owned()),
        from: START,
        to: START + 2 * N * SECOND,
        limit: 1_000,
        ..SearchQuery::default()
    }
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the reason why nothing was tested")]
async fn the_engine_finds_counts_and_orders_spans_in_both_schemas() {
    let Some(engine) = Engine::start() else {
        eprintln!(
            "skipped: chdb is not installed; `pip install chdb`, or set CHDB_PYTHON to a Python that has it"
        );
        return;
    };
    for (database, attributes, is_json) in [
        ("maps", "Map(LowCardinality(String), String)", false),
        ("documents", "JSON", true),
    ] {
        engine.create(database, attributes).await;
        let adapter = engine.adapter(database);
        let spans = many();
        engine.insert(database, &spans, is_json).await;
        for (file, trace) in [
            (recorded!("backends/sent/placed.json"), PLACED),
            (recorded!("backends/sent/refused.json"), REFUSED),
        ] {
            gives_back(&engine, &adapter, database, &sent(file, trace), is_json).await;
        }
        finds(&adapter, &spans).await;
        counts_and_orders(&adapter, &spans).await;
        counts_traces_of_unlike_times(&engine, &adapter, database, is_json).await;
        counts_only_spans_of_traces(&engine, &adapter, database, is_json).await;
        converted_values_are_refused(&engine, &adapter, database, is_json).await;
        cutting_settings_are_refused(&engine, database).await;
    }
    let nowhere = engine
        .adapter("nowhere")
        .read(crate::source::backend::replay::id(PLACED))
        .await;
    let help = "set `database` of `source`: there is a table of this name in `documents`, `maps`";
    assert!(matches!(nowhere, Err(FetchError::Refused { help: found, .. }) if found == help));
    assert_eq!(
        engine
            .adapter("maps")
            .version()
            .await
            .unwrap()
            .unwrap()
            .split('.')
            .count(),
        4
    );
}

async fn gives_back(
    engine: &Engine,
    adapter: &ClickHouse,
    database: &str,
    sent: &Trace,
    is_json: bool,
) {
    assert_eq!(adapter.read(sent.id()).await.unwrap(), Fetched::default());
    engine.insert(database, sent.spans(), is_json).await;
    let mut found = sorted(adapter.read(sent.id()).await.unwrap().spans);
    found.sort_by_key(|span| span.span_id);
    let expected = by_id(sent).into_iter();
    let expected: Vec<Span> = match is_json {
        true => expected.map(in_json).collect(),
        false => expected.map(in_maps).collect(),
    };
    assert_same(&found, &expected);
}

async fn finds(adapter: &ClickHouse, spans: &[Span]) {
    let all = adapter.find(&everything()).await.unwrap();
    assert_eq!((all.traces.len(), all.is_cut), (50, false));
    let exactly = adapter
        .find(&SearchQuery {
            limit: 50,
            ..everything()
        })
        .await
        .unwrap();
    assert_eq!((exactly.traces.len(), exactly.is_cut), (50, false));
    let some = adapter
        .find(&SearchQuery {
            limit: 49,
            ..everything()
        })
        .await
        .unwrap();
    assert_eq!((some.traces.len(), some.is_cut), (49, true));
    let none = SearchQuery {
        from: START + 3 * N * SECOND,
        to: START + 4 * N * SECOND,
        ..everything()
    };
    assert_eq!(adapter.find(&none).await.unwrap(), SearchAnswer::default());
    let odd = spans[0].attributes.get("odd").unwrap().clone();
    for (attributes, expected) in [
        (vec![("odd".to_owned(), odd)], 50),
        (
            vec![("http.response.status_code".to_owned(), Value::Int(200))],
            50,
        ),
        (
            vec![
                ("cached".to_owned(), Value::Bool(true)),
                ("http.response.status_code".to_owned(), Value::Int(200)),
            ],
            25,
        ),
        (vec![("absent".to_owned(), "".into())], 0),
        (vec![("odd' OR 1=1 --".to_owned(), "x".into())], 0),
    ] {
        let query = SearchQuery {
            attributes,
            ..everything()
        };
        assert_eq!(
            adapter.find(&query).await.unwrap().traces.len(),
            expected,
            "{query:?}"
        );
    }
    let failed = SearchQuery {
        name: None,
        is_error: true,
        to: u64::MAX,
        ..everything()
    };
    assert_eq!(
        adapter.find(&failed).await.unwrap().traces,
        [spans[2 * N as usize].trace_id]
    );
}

async fn counts_and_orders(adapter: &ClickHouse, spans: &[Span]) {
    let counted = adapter
        .count(&everything(), "service.version")
        .await
        .unwrap();
    // Each trace has several of them.
    assert_eq!(counted, [("v1".to_owned(), 50), ("v2.4".to_owned(), 50)]);
    let all = adapter.count(&everything(), "").await.unwrap();
    assert_eq!(all, [(String::new(), 50)]);
    let one = SearchQuery {
        resource: vec![("service.version".to_owned(), "v2.4".into())],
        ..everything()
    };
    let mut longest = std::collections::HashMap::new();
    for span in &spans[N as usize..2 * N as usize] {
        let of_trace = longest.entry(span.trace_id).or_default();
        *of_trace = u64::max(*of_trace, span.end - span.start);
    }
    let mut durations: Vec<u64> = longest.into_values().collect();
    durations.sort_unstable();
    let ranks: Vec<u64> = (1..=50).collect();
    assert_eq!(adapter.order(&one, 50, &ranks).await.unwrap(), durations);
    assert_eq!(
        adapter.order(&one, 50, &[50, 1]).await.unwrap(),
        [durations[49], durations[0]]
    );
    assert_eq!(adapter.order(&one, 50, &[]).await.unwrap(), [0_u64; 0]);
    for other in [49, 51] {
        let changed = adapter.order(&one, other, &[1]).await;
        assert!(
            matches!(changed, Err(FetchError::Later { .. })),
            "{changed:?}"
        );
    }
    let limited = SearchQuery {
        at_least: Some(durations[10]),
        ..one.clone()
    };
    assert_eq!(
        adapter.order(&limited, 40, &[1]).await.unwrap(),
        [durations[10]]
    );
    assert!(adapter.order(&one, 50, &[51]).await.is_err());
    for (at_least, at_most) in [(None, None), (None, Some(1_000)), (Some(1), Some(1_000))] {
        let unended = SearchQuery {
            name: Some("unended".to_owned()),
            to: u64::MAX,
            at_least,
            at_most,
            ..everything()
        };
        assert_eq!(adapter.find(&unended).await.unwrap().traces.len(), 1);
        let error = adapter.order(&unended, 1, &[1]).await.unwrap_err();
        assert!(
            format!("{error:?}").contains("has 1 spans of these without a duration"),
            "{error:?}"
        );
    }
    let double = SearchQuery {
        attributes: vec![("a".to_owned(), Value::Double(0.5))],
        ..everything()
    };
    assert!(adapter.count(&double, "service.version").await.is_err());
}

/// A span of its own name in a trace, so that other queries do not find it.
fn span_of(name: &str, trace: u64, number: u64) -> Span {
    let id = SpanId::from_bytes((number + 1).to_be_bytes()).unwrap();
    let mut span = Span::new(format!("{trace:032x}").parse().unwrap(), id, name);
    span.start = START + number * SECOND;
    span.end = span.start + number;
    let service = [("service.name", "shop")].into_iter();
    span.resource = Resource {
        attributes: service.collect(),
    }
    .into();
    span
}

fn named(name: &str) -> SearchQuery {
    SearchQuery {
        name: Some(name.to_owned()),
        ..everything()
    }
}

async fn counts_traces_of_unlike_times(
    engine: &Engine,
    adapter: &ClickHouse,
    database: &str,
    is_json: bool,
) {
    // First, traces have two such spans; at the end of the time, there are none, or one in each trace.
    let old = (0..20).map(|number| span_of("unlike", 1_000 + number / 2, number));
    let mut spans: Vec<Span> = old.collect();
    let mut expected: Vec<u64> = (0..10).map(|trace| 2 * trace + 1).collect();
    for new in [None, Some(2 * N - 1)] {
        if let Some(number) = new {
            spans = vec![span_of("unlike", 2_000, number)];
            expected.push(number);
        }
        engine.insert(database, &spans, is_json).await;
        let count = expected.len() as u64;
        let counted = adapter.count(&named("unlike"), "").await.unwrap();
        assert_eq!(counted, [(String::new(), count)]);
        let ranks: Vec<u64> = (1..=count).collect();
        let durations = adapter.order(&named("unlike"), count, &ranks).await;
        assert_eq!(durations.unwrap(), expected);
    }
}

async fn counts_only_spans_of_traces(
    engine: &Engine,
    adapter: &ClickHouse,
    database: &str,
    is_json: bool,
) {
    let spans = [span_of("alone", 4_000, 1)];
    engine.insert(database, &spans, is_json).await;
    let copy = "INSERT INTO otel_traces SELECT * REPLACE('' AS TraceId) FROM otel_traces WHERE SpanName = 'alone'";
    engine.execute(database, copy).await;
    let counted = adapter.count(&named("alone"), "").await.unwrap();
    assert_eq!(counted, [(String::new(), 1)]);
    assert_eq!(adapter.order(&named("alone"), 1, &[1]).await.unwrap(), [1]);
}

async fn converted_values_are_refused(
    engine: &Engine,
    adapter: &ClickHouse,
    database: &str,
    is_json: bool,
) {
    let texts = ["2026-11-28T10:00:00Z", "2026-11-28 10:00:00", "2026-11-28"];
    let spans = texts.iter().zip(0..).map(|(&text, number)| {
        let mut span = span_of("timed", 3_000 + number, number);
        span.attributes = [("when", text), ("plain", "yes")].into_iter().collect();
        let resource = [("service.name", "shop"), ("service.version", text)].into_iter();
        span.resource = Resource {
            attributes: resource.collect(),
        }
        .into();
        span
    });
    engine
        .insert(database, &spans.collect::<Vec<_>>(), is_json)
        .await;
    let plain = SearchQuery {
        attributes: vec![("plain".to_owned(), "yes".into())],
        ..named("timed")
    };
    let counted = adapter.count(&plain, "").await.unwrap();
    assert_eq!(counted, [(String::new(), 3)]);
    assert_eq!(adapter.order(&plain, 3, &[3]).await.unwrap(), [2]);
    let of_span = SearchQuery {
        attributes: vec![("when".to_owned(), texts[1].into())],
        ..named("timed")
    };
    let of_resource = SearchQuery {
        resource: vec![("service.version".to_owned(), texts[1].into())],
        ..named("timed")
    };
    for query in [&of_span, &of_resource] {
        let found = adapter.find(query).await.unwrap().traces.len();
        let counted = adapter.count(query, "").await;
        let ordered = adapter.order(query, 1, &[1]).await;
        if is_json {
            // The traces are read and checked.
            assert_eq!(found, 3);
            assert_converted(counted);
            assert_converted(ordered);
        } else {
            assert_eq!(found, 1);
            assert_eq!(counted.unwrap(), [(String::new(), 1)]);
            assert_eq!(ordered.unwrap(), [1]);
        }
    }
    let by_version = adapter.count(&plain, "service.version").await;
    match is_json {
        true => assert_converted(by_version),
        false => assert_eq!(by_version.unwrap().len(), 3),
    }
}

fn assert_converted<T: std::fmt::Debug>(result: Result<T, FetchError>) {
    match result {
        Err(FetchError::Refused { why, .. }) => assert!(
            why.contains("cannot count spans by attributes that it has converted to times"),
            "{why}"
        ),
        other => panic!("{other:?}"),
    }
}

async fn cutting_settings_are_refused(engine: &Engine, database: &str) {
    for (setting, cutting, expected) in [
        (
            "group_by_overflow_mode",
            "'any'",
            "`group_by_overflow_mode` is `any`",
        ),
        (
            "timeout_overflow_mode_leaf",
            "'break'",
            "`timeout_overflow_mode_leaf` is `break`",
        ),
        ("limit", "1", "`limit` or `offset` is set"),
        ("limit", "1000000", "`limit` or `offset` is set"),
        ("offset", "1", "`limit` or `offset` is set"),
    ] {
        let set = |value| format!("SET {setting} = {value}");
        engine.execute(database, &set(cutting)).await;
        // The settings are read once.
        let adapter = engine.adapter(database);
        let found = adapter.find(&everything()).await;
        engine.execute(database, &set("DEFAULT")).await;
        match found {
            Err(FetchError::Refused { why, .. }) => {
                let expected = format!("can cut answers without notice: {expected}");
                assert!(why.ends_with(&expected), "{why}");
            }
            other => panic!("{setting}: {other:?}"),
        }
    }
}
