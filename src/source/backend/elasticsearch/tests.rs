//! Recorded answers of OpenSearch 2.19 and Elasticsearch 7.17, and documents that writers of these tests make.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::source::backend::replay::*;
use crate::source::backend::{Backend, SourceSettings};
use crate::source::jaeger_json::Binary;
use crate::source::jaeger_json::tests::{any_span, kept, written};
use crate::trace::{
    Attributes, Field, Nanos, Scope, Span, SpanKind, StatusCode, Trace, TraceId, Value,
};

const JAEGER: &str = "/*jaeger-span-*/_search";
const SPANS: &str = "/traces-*.otel-*/_search";
const LOGS: &str = "/logs-*.otel-*/_search";

/// The path of the request for the fields of the usual indices.
fn mapping() -> String {
    format!(
        "/traces-*.otel-*,otel-v1-apm-span-*,*jaeger-span-*,traces-apm*/_mapping/field/{FIELDS}"
    )
}

const FIELDS: &str = "trace_id,traceId,traceID,trace.id";

/// An index with this field.
fn index_with(field: &str) -> Answer {
    let mapping = json!({ "spans-1": { "mappings": { field: { "full_name": field } } } });
    answer(200, mapping.to_string())
}

/// An answer with these documents.
fn found(documents: &[Json]) -> Answer {
    page(documents, documents.len())
}

fn page(documents: &[Json], total: usize) -> Answer {
    let hits = documents.iter().enumerate();
    let hits: Vec<Json> = hits
        .map(|(at, source)| json!({ "_source": source, "sort": [at, "id"] }))
        .collect();
    let body = json!({
        "pit_id": "next", "timed_out": false, "_shards": { "total": 1, "failed": 0 },
        "hits": { "total": { "value": total, "relation": "eq" }, "hits": hits },
    });
    answer(200, body.to_string())
}

fn kept_of(trace: &Trace) -> Vec<Span> {
    by_id(trace).into_iter().map(kept).collect()
}

#[tokio::test]
async fn the_index_of_jaeger_has_what_was_sent_but_for_the_losses() {
    for (kind, recorded, file, id) in [
        (
            "opensearch",
            recorded!("backends/opensearch/search-placed.json"),
            recorded!("backends/sent/placed.json"),
            PLACED,
        ),
        (
            "opensearch",
            recorded!("backends/opensearch/search-refused.json"),
            recorded!("backends/sent/refused.json"),
            REFUSED,
        ),
        (
            "elasticsearch",
            recorded!("backends/elasticsearch/search-refused.json"),
            recorded!("backends/sent/refused.json"),
            REFUSED,
        ),
    ] {
        let fields = answer(200, recorded!("backends/opensearch/mapping-field.json"));
        let unknown = answer(200, recorded!("backends/opensearch/search-unknown.json"));
        let spans = vec![unknown, answer(200, recorded), answer(200, recorded)];
        let engine = Replay::of([(&mapping(), vec![fields]), (JAEGER, spans)]).await;
        let backend = engine.backend(kind);
        let fetched = backend.adapter.fetch(id.parse().unwrap()).await.unwrap();
        assert_eq!(fetched, Fetched::default());
        let fetched = backend.adapter.fetch(id.parse().unwrap()).await.unwrap();
        assert!(fetched.losses.contains(Field::Links));
        assert_eq!(fetched.holes, []);
        let sent = sent(file, id);
        let mut spans: Vec<Span> = fetched.spans.into_iter().map(kept).collect();
        spans.sort_by_key(|span| span.span_id);
        assert_eq!(spans, kept_of(&sent), "{kind} {id}");
        let asked = engine.asked.lock().unwrap();
        let query: Json = serde_json::from_str(&asked[1].body).unwrap();
        let ids = &query["query"]["terms"]["traceID"];
        let short = id.trim_start_matches('0');
        let expected = match short == id {
            true => json!([id]),
            false => json!([id, short]),
        };
        assert_eq!(*ids, expected);
    }
}

/// The span with its events in the order of their times.
fn in_order(mut span: Span) -> Span {
    span.events.sort_by_key(|event| event.time);
    span
}

/// The span, with bytes as the exporter writes them.
fn with_hex(span: Span) -> Span {
    let mut span = in_order(span);
    let dropped = span.attributes.dropped();
    let each = span.attributes.iter().map(|(key, value)| {
        let value = match value {
            Value::Bytes(bytes) => {
                Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
            }
            other => other.clone(),
        };
        (key.to_owned(), value)
    });
    let attributes: Attributes = each.collect();
    span.attributes = attributes.with_dropped(dropped);
    span
}

#[tokio::test]
async fn the_data_streams_of_opentelemetry_have_what_was_sent_with_events() {
    for (spans, events, file, id) in [
        (
            recorded!("backends/elasticsearch-otel/search-placed.json"),
            recorded!("backends/elasticsearch-otel/events-placed.json"),
            recorded!("backends/sent/placed.json"),
            PLACED,
        ),
        (
            recorded!("backends/elasticsearch-otel/search-refused.json"),
            recorded!("backends/elasticsearch-otel/events-refused.json"),
            recorded!("backends/sent/refused.json"),
            REFUSED,
        ),
    ] {
        let engine = Replay::of([
            (&mapping(), vec![index_with("trace_id")]),
            (SPANS, vec![answer(200, spans)]),
            (LOGS, vec![answer(200, events)]),
        ])
        .await;
        let trace = settled(&engine.backend("elasticsearch"), id).await;
        let expected = sent(file, id);
        let expected: Vec<Span> = by_id(&expected).into_iter().map(with_hex).collect();
        assert_eq!(trace.spans().len(), expected.len());
        for (found, expected) in by_id(&trace).iter().zip(expected) {
            assert_eq!(
                *found,
                Span {
                    flags: 0,
                    ..expected
                }
            );
        }
        assert!(!trace.losses().contains(Field::Events));
    }
}

#[tokio::test]
async fn a_span_in_indices_of_two_exporters_is_read_once() {
    let indices =
        json!({ "a": { "mappings": { "traceID": {} } }, "b": { "mappings": { "trace_id": {} } } });
    let spans = recorded!("backends/elasticsearch-otel/search-refused.json");
    let events = recorded!("backends/elasticsearch-otel/events-refused.json");
    let in_jaeger = recorded!("backends/opensearch/search-refused.json");
    let engine = Replay::of([
        (&mapping(), vec![answer(200, indices.to_string())]),
        (SPANS, vec![answer(200, spans)]),
        (LOGS, vec![answer(200, events)]),
        (JAEGER, vec![answer(200, in_jaeger)]),
    ])
    .await;
    let trace = settled(&engine.backend("opensearch"), REFUSED).await;
    assert_eq!(trace.spans().len(), 18);
    assert!(!trace.losses().contains(Field::Links));
}

#[tokio::test]
async fn without_an_index_of_logs_events_are_not_known() {
    let spans = recorded!("backends/elasticsearch-otel/search-refused.json");
    let none = recorded!("backends/opensearch/no-such-index-wildcard.json");
    let engine = Replay::of([
        (&mapping(), vec![index_with("trace_id")]),
        (SPANS, vec![answer(200, spans)]),
        (LOGS, vec![answer(200, none)]),
    ])
    .await;
    let trace = settled(&engine.backend("opensearch"), REFUSED).await;
    assert!(trace.losses().contains(Field::Events));
}

#[tokio::test]
async fn log_records_are_no_events_and_dates_have_no_exact_nanoseconds() {
    let span = json!({ "@timestamp": "2026-11-28T13:43:01.416171Z", "trace_id": REFUSED, "span_id": "00000000000000a1",
        "name": "charge", "kind": "Server", "duration": 5 });
    let log = json!({ "@timestamp": "1795873381416.0", "observed_timestamp": "1795873381416.0", "trace_id": REFUSED,
        "span_id": "00000000000000a1", "event_name": "audit" });
    let engine = Replay::of([
        (&mapping(), vec![index_with("trace_id")]),
        (SPANS, vec![found(&[span])]),
        (LOGS, vec![found(&[log])]),
    ])
    .await;
    let trace = settled(&engine.backend("elasticsearch"), REFUSED).await;
    let span = &trace.spans()[0];
    assert_eq!(span.events, []);
    assert_eq!((span.kind, span.end - span.start), (SpanKind::Server, 5));
    assert_eq!(span.start, 1_795_873_381_416_171_000);
    assert!(trace.losses().contains(Field::Starts));
}

fn small(number: usize) -> Json {
    json!({ "traceID": REFUSED, "spanID": format!("{:016x}", number + 1), "operationName": "work",
        "startTime": 1_790_000_000_000_000_u64, "duration": 1 })
}

#[tokio::test]
async fn further_pages_are_read_at_one_point_in_time() {
    let documents: Vec<Json> = (0..5).map(small).collect();
    for (kind, point, answers_with) in [
        ("elasticsearch", "/*jaeger-span-*/_pit", "id"),
        (
            "opensearch",
            "/*jaeger-span-*/_search/point_in_time",
            "pit_id",
        ),
    ] {
        let id = json!({ answers_with: "first" }).to_string();
        let engine = Replay::of([
            (&mapping(), vec![index_with("traceID")]),
            (JAEGER, vec![page(&documents[..2], 5)]),
            (point, vec![answer(200, id)]),
            (
                "/_search",
                vec![page(&documents[..3], 5), page(&documents[3..], 5)],
            ),
        ])
        .await;
        let backend = engine.backend(kind);
        let fetched = backend.adapter.fetch(REFUSED.parse().unwrap()).await;
        let fetched = fetched.unwrap();
        assert_eq!((fetched.spans.len(), fetched.holes.len()), (5, 0));
        let asked = engine.asked.lock().unwrap();
        assert!(asked[2].path.ends_with("?keep_alive=1m"));
        let first: Json = serde_json::from_str(&asked[3].body).unwrap();
        assert_eq!(first["pit"]["id"], "first");
        assert_eq!(first.get("search_after"), None);
        let second: Json = serde_json::from_str(&asked[4].body).unwrap();
        assert_eq!(second["pit"]["id"], "next");
        assert_eq!(second["search_after"], json!([2, "id"]));
    }
}

#[tokio::test]
async fn pages_that_end_too_early_leave_a_hole() {
    let engine = Replay::of([
        (&mapping(), vec![index_with("traceID")]),
        (JAEGER, vec![page(&[small(1)], 3)]),
        ("/*jaeger-span-*/_pit", vec![answer(200, r#"{"id":"a"}"#)]),
        ("/_search", vec![page(&[small(1)], 3), page(&[], 3)]),
    ])
    .await;
    let backend = engine.backend("elasticsearch");
    let fetched = backend.adapter.fetch(REFUSED.parse().unwrap()).await;
    let holes = fetched.unwrap().holes;
    assert!(
        holes[0].reason.ends_with("1 of 3 documents were found"),
        "{holes:?}"
    );
}

#[tokio::test]
async fn an_answer_of_some_shards_leaves_a_hole() {
    let mut failed: Json =
        serde_json::from_slice(recorded!("backends/opensearch/partial-shards-failed.json"))
            .unwrap();
    let whole: Json =
        serde_json::from_slice(recorded!("backends/opensearch/search-refused.json")).unwrap();
    failed["hits"] = whole["hits"].clone();
    let mut late = whole;
    late["timed_out"] = true.into();
    for (body, expected) in [
        (
            failed,
            "gave a part of the trace only: 1 of 2 shards failed: No mapping found for [startTime] in order to sort on",
        ),
        (
            late,
            "gave a part of the trace only: the search timed out in the engine",
        ),
    ] {
        let engine = Replay::of([
            (&mapping(), vec![index_with("traceID")]),
            (JAEGER, vec![answer(200, body.to_string())]),
        ])
        .await;
        let backend = engine.backend("opensearch");
        let fetched = backend.adapter.fetch(REFUSED.parse().unwrap()).await;
        let holes = fetched.unwrap().holes;
        assert!(holes[0].reason.ends_with(expected), "{holes:?}");
    }
}

fn with_index(settings: &mut SourceSettings, index: &str) {
    settings.options.push(("index", index.to_owned()));
}

/// The error of a read.
async fn error(backend: &Backend) -> String {
    match backend.adapter.fetch(REFUSED.parse().unwrap()).await {
        Err(FetchError::Later { why, .. } | FetchError::Refused { why, .. }) => why,
        Ok(fetched) => panic!("{fetched:?}"),
    }
}

#[tokio::test]
async fn a_missing_index_is_no_missing_trace() {
    let path = format!("/spans-*/_mapping/field/{FIELDS}");
    let indices = answer(200, recorded!("backends/opensearch/indices.json"));
    for nothing in [
        answer(200, "{}"),
        answer(404, recorded!("backends/opensearch/no-such-index.json")),
        answer(200, r#"{"spans-1":{"mappings":{}}}"#),
    ] {
        let engine = Replay::of([
            (&path, vec![nothing]),
            ("/_cat/indices", vec![indices.clone()]),
        ])
        .await;
        let backend = engine.with("opensearch", |settings| with_index(settings, "spans-*"));
        assert_eq!(
            error(&backend).await,
            format!(
                "OpenSearch at http://{}/ has no index `spans-*` with spans; it has jaeger-span-2026-11-28, jaeger-service-2026-11-28",
                engine.address
            )
        );
    }
    let engine = Replay::of([(&path, vec![answer(200, "{}")])]).await;
    let backend = engine.with("opensearch", |settings| with_index(settings, "spans-*"));
    let why = error(&backend).await;
    assert!(why.ends_with("; it has no index"), "{why}");
}

#[tokio::test]
async fn an_index_of_the_settings_is_read_by_its_fields() {
    let path = format!("/traces-shop,other/_mapping/field/{FIELDS}");
    let engine = Replay::of([
        (&path, vec![index_with("trace_id")]),
        (
            "/traces-shop,other/_search",
            vec![answer(
                200,
                recorded!("backends/elasticsearch-otel/search-refused.json"),
            )],
        ),
        (
            "/logs-shop/_search",
            vec![answer(
                200,
                recorded!("backends/elasticsearch-otel/events-refused.json"),
            )],
        ),
    ])
    .await;
    let backend = engine.with("elasticsearch", |settings| {
        with_index(settings, "traces-shop,other");
    });
    let fetched = backend.adapter.fetch(REFUSED.parse().unwrap()).await;
    assert_eq!(fetched.unwrap().spans.len(), 18);
}

#[tokio::test]
async fn credentials_are_those_that_users_of_the_engine_have() {
    let header = |kind: &'static str, variables: Vec<(&'static str, &str)>| {
        let variables: Vec<_> = variables
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        async move {
            let engine = Replay::of([(&mapping(), vec![answer(401, "no")])]).await;
            let backend = engine.with(kind, |settings| settings.variables = variables);
            let why = error(&backend).await;
            assert!(why.ends_with("answers 401 Unauthorized: no"), "{why}");
            let asked = engine.asked.lock().unwrap();
            let header = asked[0].headers.get("authorization");
            header.map(|value| value.to_str().unwrap().to_owned())
        }
    };
    let key = header("elasticsearch", vec![("ES_API_KEY", "a2V5")]).await;
    assert_eq!(key.as_deref(), Some("ApiKey a2V5"));
    let both = vec![("OPENSEARCH_USERNAME", "me"), ("OPENSEARCH_PASSWORD", "it")];
    let basic = header("opensearch", both).await;
    assert_eq!(basic.as_deref(), Some("Basic bWU6aXQ="));
    assert_eq!(header("opensearch", Vec::new()).await, None);
}

#[tokio::test]
async fn documents_of_another_form_are_an_error_and_wrong_ids_leave_a_hole() {
    let engine = |document: Json| async move {
        Replay::of([
            (&mapping(), vec![index_with("traceID")]),
            (JAEGER, vec![found(&[document])]),
        ])
        .await
    };
    let other = engine(json!({ "traceID": REFUSED })).await;
    let why = error(&other.backend("opensearch")).await;
    assert!(
        why.contains("answers something unreadable: missing field"),
        "{why}"
    );
    let mut wrong = small(1);
    wrong["spanID"] = "xyz".into();
    let wrong = engine(wrong).await;
    let backend = wrong.backend("opensearch");
    let fetched = backend.adapter.fetch(REFUSED.parse().unwrap()).await;
    let holes = fetched.unwrap().holes;
    assert_eq!(
        holes[0].reason,
        "the span `work` cannot be read: a span id is `xyz`"
    );
}

fn query() -> SearchQuery {
    SearchQuery {
        service: Some("payment".to_owned()),
        name: Some("charge".to_owned()),
        attributes: vec![("a.b".to_owned(), Value::Int(5))],
        at_least: Some(1_500),
        is_error: true,
        from: 1_795_873_381_000_000_001,
        to: 1_795_873_382_000_000_001,
        limit: 2,
        ..SearchQuery::default()
    }
}

/// The path of the request for the fields that the query uses.
fn searched() -> String {
    let fields = Schema::fields(&query()).join(",");
    format!("{},{fields}", mapping())
}

/// An index with fields of these types.
fn index_of(types: &[(&str, &str)]) -> Answer {
    let each = types.iter();
    let fields: Json = each
        .map(|(field, kind)| {
            (
                (*field).to_owned(),
                json!({ "mapping": { "leaf": { "type": kind } } }),
            )
        })
        .collect();
    answer(
        200,
        json!({ "spans-1": { "mappings": fields } }).to_string(),
    )
}

#[test]
fn all_fields_with_exact_values_are_used() {
    let exact: BTreeSet<String> = Schema::fields(&query()).into_iter().collect();
    let filters = |schema: Schema| {
        let query = schema.of_query(&query(), &exact);
        query["bool"]["filter"].as_array().unwrap().len()
    };
    // Window, service, name, duration, status, and one attribute.
    assert_eq!(Schema::ALL.map(filters), [6, 5, 6, 4]);
}

#[test]
fn a_range_of_durations_does_not_exclude_spans_without_an_end() {
    let of = |at_least, at_most| SearchQuery {
        at_least,
        at_most,
        ..SearchQuery::default()
    };
    for query in [of(None, Some(1_000)), of(Some(1_000), None)] {
        for (schema, fields) in [
            (Schema::OpenTelemetry, &["duration"][..]),
            (Schema::DataPrepper, &["durationInNanos"]),
            (Schema::Jaeger, &["duration"]),
            (
                Schema::Apm,
                &["transaction.duration.us", "span.duration.us"],
            ),
        ] {
            let query = schema.of_query(&query, &BTreeSet::new());
            let any = query["bool"]["filter"][1]["bool"]["should"].as_array();
            let known = fields
                .iter()
                .map(|field| json!({ "range": { *field: { "gte": 0 } } }));
            let no_end = json!({ "bool": { "must_not": known.collect::<Vec<_>>() } });
            assert_eq!(any.unwrap().last(), Some(&no_end));
        }
    }
}

#[tokio::test]
async fn a_search_is_one_aggregation_of_trace_ids() {
    let recorded: Json =
        serde_json::from_slice(recorded!("backends/opensearch/search-service.json")).unwrap();
    let mut both = recorded.clone();
    both["aggregations"]["traces"] = recorded["aggregations"]["traceIDs"].clone();
    let mut cut = both.clone();
    cut["aggregations"]["traces"]["sum_other_doc_count"] = 7.into();
    let searches = vec![answer(200, both.to_string()), answer(200, cut.to_string())];
    let types = [
        ("traceID", "keyword"),
        ("process.serviceName", "keyword"),
        ("operationName", "text"),
    ];
    let engine = Replay::of([(&searched(), vec![index_of(&types)]), (JAEGER, searches)]).await;
    let backend = engine.backend("opensearch");
    let answer = backend.adapter.search(&query()).await.unwrap();
    let ids: Vec<String> = answer.traces.iter().map(ToString::to_string).collect();
    assert!(ids.contains(&REFUSED.to_owned()), "{ids:?}");
    assert!(!answer.is_cut);
    assert!(backend.adapter.search(&query()).await.unwrap().is_cut);
    let asked = engine.asked.lock().unwrap();
    let body: Json = serde_json::from_str(&asked[1].body).unwrap();
    assert_eq!(
        body["aggs"]["traces"]["terms"],
        json!({ "field": "traceID", "size": 2 })
    );
    let filter = &body["query"]["bool"]["filter"];
    let window = json!({ "gte": 1_795_873_381_000_000_u64, "lte": 1_795_873_382_000_001_u64 });
    assert_eq!(filter[0]["range"]["startTime"], window);
    assert_eq!(
        filter[1],
        json!({ "term": { "process.serviceName": "payment" } })
    );
    // `operationName` is compared by its words, and `tags` are not there.
    assert_eq!(
        filter[2]["bool"]["should"][0]["range"]["duration"]["gte"],
        1
    );
    assert_eq!(filter[3], Json::Null);
}

/// A span as the Collector's exporter writes it, with its events.
fn open_telemetry_documents(span: &Span) -> (Json, Vec<Json>) {
    let time = |nanos: Nanos| format!("{}.{}", nanos / 1_000_000, nanos % 1_000_000);
    let name = |text: &str| {
        let mut chars = text.chars();
        let first = chars.next().map(|char| char.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    let links = span.links.iter().map(|link| {
        json!({ "trace_id": link.trace_id.to_string(), "span_id": link.span_id.to_string(),
            "trace_state": link.trace_state, "attributes": object(&link.attributes) })
    });
    let of_span =
        json!({ "trace_id": span.trace_id.to_string(), "span_id": span.span_id.to_string() });
    let events = span.events.iter().map(|event| {
        let mut attributes = object(&event.attributes);
        attributes["event.name"] = event.name.clone().into();
        let mut document = of_span.clone();
        document["@timestamp"] = time(event.time).into();
        document["event_name"] = event.name.clone().into();
        document["attributes"] = attributes;
        document
    });
    let mut document = of_span.clone();
    let parent = span.parent_id.map(|id| id.to_string());
    let fields = json!({
        "@timestamp": time(span.start),
        "parent_span_id": parent.unwrap_or_default(),
        "trace_state": span.trace_state,
        "name": span.name,
        "kind": name(span.kind.as_str()),
        "duration": span.end - span.start,
        "attributes": object(&span.attributes),
        "links": links.collect::<Vec<_>>(),
        "status": { "code": name(span.status.code.as_str()), "message": span.status.message },
        "resource": { "attributes": object(&span.resource.attributes) },
        "scope": { "name": span.scope.name, "version": span.scope.version },
    });
    let fields = fields.as_object().unwrap().clone();
    document.as_object_mut().unwrap().extend(fields);
    (document, events.collect())
}

fn object(attributes: &Attributes) -> Json {
    let each = attributes.iter();
    each.map(|(key, value)| (key.to_owned(), value.to_json()))
        .collect()
}

/// A span as Data Prepper writes it.
fn data_prepper_document(span: &Span) -> Json {
    let date = |nanos: Nanos| {
        jiff::Timestamp::from_nanosecond(i128::from(nanos))
            .unwrap()
            .to_string()
    };
    let text = |value: &Value| match value {
        Value::Array(_) | Value::Map(_) => Json::from(value.to_json().to_string()),
        other => other.to_json(),
    };
    let fields = |prefix: &str, attributes: &Attributes| -> Vec<(String, Json)> {
        let each = attributes.iter();
        each.map(|(key, value)| (format!("{prefix}{}", key.replace('.', "@")), text(value)))
            .collect()
    };
    let links = span.links.iter().map(|link| {
        let attributes: Json = fields("", &link.attributes).into_iter().collect();
        json!({ "traceId": link.trace_id.to_string(), "spanId": link.span_id.to_string(),
            "traceState": link.trace_state, "attributes": attributes })
    });
    let events = span.events.iter().map(|event| {
        let attributes: Json = fields("", &event.attributes).into_iter().collect();
        json!({ "name": event.name, "time": date(event.time), "attributes": attributes })
    });
    let code = StatusCode::ALL
        .iter()
        .position(|code| *code == span.status.code);
    let parent = span.parent_id.map(|id| id.to_string());
    let mut document = json!({
        "traceId": span.trace_id.to_string(),
        "spanId": span.span_id.to_string(),
        "parentSpanId": parent.unwrap_or_default(),
        "traceState": span.trace_state,
        "name": span.name,
        "kind": format!("SPAN_KIND_{}", span.kind.as_str().to_uppercase()),
        "startTime": date(span.start),
        "endTime": date(span.end),
        "durationInNanos": span.end - span.start,
        "serviceName": span.service(),
        "status.code": code,
        "status.message": span.status.message,
        "instrumentationScope.name": span.scope.name,
        "instrumentationScope.version": span.scope.version,
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    });
    let all = document.as_object_mut().unwrap();
    all.extend(fields("span.attributes.", &span.attributes));
    all.extend(fields("resource.attributes.", &span.resource.attributes));
    document
}

fn documents(all: &[Json]) -> Documents {
    Documents {
        sources: all
            .iter()
            .map(|one| serde_json::value::to_raw_value(one).unwrap())
            .collect(),
        missing: None,
        has_index: true,
    }
}

/// The span without bytes, which these formats have as texts.
fn without_bytes(mut span: Span) -> Span {
    let of = |attributes: &Attributes| -> Attributes {
        let each = attributes.iter();
        each.filter(|(_, value)| !matches!(value, Value::Bytes(_)))
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect()
    };
    span.attributes = of(&span.attributes);
    span.events
        .iter_mut()
        .for_each(|event| event.attributes = of(&event.attributes));
    span.resource = std::sync::Arc::new(crate::trace::Resource {
        attributes: of(&span.resource.attributes),
    });
    span
}

/// The span with the JSON of arrays.
fn with_structures_as_text(mut span: Span) -> Span {
    let of = |attributes: &Attributes| -> Attributes {
        let each = attributes.iter();
        each.map(|(key, value)| {
            let value = match value {
                Value::Array(_) | Value::Map(_) => Value::from(value.to_json().to_string()),
                other => other.clone(),
            };
            (key.to_owned(), value)
        })
        .collect()
    };
    span.attributes = of(&span.attributes);
    span.events
        .iter_mut()
        .for_each(|event| event.attributes = of(&event.attributes));
    span.resource = std::sync::Arc::new(crate::trace::Resource {
        attributes: of(&span.resource.attributes),
    });
    span
}

proptest! {
    #[test]
    fn a_span_in_the_index_of_jaeger_comes_back_but_for_the_losses(span in any_span()) {
        let document = written(&span, Binary::Hex);
        let mut read = Schema::Jaeger.read(&documents(&[document]), None).unwrap();
        prop_assert_eq!(kept(read.spans.remove(0)), kept(span));
    }

    #[test]
    fn a_span_in_a_data_stream_of_opentelemetry_comes_back(span in any_span()) {
        let span = in_order(without_bytes(span));
        let (document, events) = open_telemetry_documents(&span);
        let events = documents(&events);
        let read = Schema::OpenTelemetry.read(&documents(&[document]), Some(&events));
        prop_assert_eq!(read.unwrap().spans.remove(0), span);
    }

    #[test]
    fn a_span_of_data_prepper_comes_back_with_arrays_as_text(span in any_span()) {
        let span = with_structures_as_text(without_bytes(span));
        let document = data_prepper_document(&span);
        let read = Schema::DataPrepper.read(&documents(&[document]), None);
        prop_assert_eq!(read.unwrap().spans.remove(0), span);
    }
}

#[test]
fn a_span_of_data_prepper_without_an_end_has_a_negative_duration() {
    let mut span = Span::new(
        REFUSED.parse().unwrap(),
        "1f".repeat(8).parse().unwrap(),
        "a",
    );
    span.start = 1_795_873_381_000_000_000;
    span.end = span.start;
    let mut document = data_prepper_document(&span);
    document["durationInNanos"] = (-1_795_873_381_000_000_000_i64).into();
    let read = Schema::DataPrepper.read(&documents(&[document]), None);
    assert_eq!(read.unwrap().spans[0].end, 0);
}

#[test]
fn newer_versions_of_data_prepper_write_objects() {
    let document = json!({ "traceId": REFUSED, "spanId": "00000000000000a1", "startTime": "2026-11-28T13:43:01.000000005Z",
        "endTime": "2026-11-28T13:43:01.000000007Z", "status": { "code": 2, "message": "no" },
        "instrumentationScope": { "name": "lib", "version": "1" } });
    let read = Schema::DataPrepper
        .read(&documents(&[document]), None)
        .unwrap();
    let span = &read.spans[0];
    assert_eq!(
        (span.start, span.end),
        (1_795_873_381_000_000_005, 1_795_873_381_000_000_007)
    );
    assert_eq!(span.status.code, StatusCode::Error);
    assert_eq!(span.status.message, "no");
    let expected = Scope {
        name: "lib".to_owned(),
        version: "1".to_owned(),
        ..Scope::default()
    };
    assert_eq!(*span.scope, expected);
}

#[test]
fn transactions_and_spans_of_elastic_apm_are_a_tree_without_attributes() {
    let common = |id: &str, parent: &str| {
        json!({ "@timestamp": "2026-11-28T13:43:01.335Z", "timestamp": { "us": 1_795_873_381_335_001_u64 },
            "trace": { "id": REFUSED }, "parent": { "id": parent }, "service": { "name": "shop", "version": "v2" },
            "event": { "outcome": "failure" }, "labels": { "order_id": "o1" }, "_id": id })
    };
    let with = |mut document: Json, key: &str, value: Json| {
        document[key] = value;
        document
    };
    let entry = with(
        common("1", "00000000000000f1"),
        "transaction",
        json!({ "id": "00000000000000a1", "name": "POST /orders", "duration": { "us": 1500 } }),
    );
    let call = with(
        with(
            common("2", "00000000000000a1"),
            "transaction",
            json!({ "id": "00000000000000a1" }),
        ),
        "span",
        json!({ "id": "00000000000000b1", "name": "GET", "duration": { "us": 700 } }),
    );
    let error = with(
        common("3", "00000000000000b1"),
        "transaction",
        json!({ "id": "00000000000000a1" }),
    );
    let read = Schema::Apm
        .read(&documents(&[entry, call, error]), None)
        .unwrap();
    let names: Vec<&str> = read.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["POST /orders", "GET"]);
    assert_eq!(read.spans[1].parent_id, Some(read.spans[0].span_id));
    assert_eq!(read.spans[0].service(), "shop");
    assert_eq!(read.spans[0].end - read.spans[0].start, 1_500_000);
    for field in [Field::Attributes, Field::Status, Field::Kind, Field::Events] {
        assert!(read.losses.contains(field), "{field}");
    }
}

#[test]
fn the_short_forms_of_an_id_are_those_that_jaeger_wrote() {
    let id: TraceId = format!("{:0>32}", "00a1").parse().unwrap();
    let ids = Schema::Jaeger.of_trace(id)["terms"]["traceID"].clone();
    assert_eq!(ids, json!([id.to_string(), "00000000000000a1", "a1"]));
    let others = Schema::Apm.of_trace(id)["terms"]["trace.id"].clone();
    assert_eq!(others, json!([id.to_string()]));
}
