//! Answers of Jaeger 2.13, and of versions without version 3 of the API.

use serde_json::json;

use crate::source::backend::adapter::{SearchAnswer, SearchQuery};
use crate::source::backend::replay::*;
use crate::trace::{Field, Nanos};

/// The user interface, with which Jaeger answers requests for unknown paths.
const PAGE: &str = "<!DOCTYPE html><title>Jaeger UI</title>";

const HOUR: Nanos = 3_600_000_000_000;

fn query() -> SearchQuery {
    SearchQuery {
        service: Some("payment".to_owned()),
        from: 1_795_873_381_000_000_001,
        to: 1_795_873_381_000_000_001 + HOUR,
        limit: 500,
        ..SearchQuery::default()
    }
}

fn ids(answer: &SearchAnswer) -> Vec<String> {
    answer.traces.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_search_collects_the_ids_of_all_spans() {
    let found = answer(200, recorded!("backends/jaeger/v3-search.json"));
    let jaeger = Replay::of([("/api/v3/traces", vec![found])]).await;
    let query = SearchQuery {
        name: Some("process payment".to_owned()),
        at_least: Some(1_500_000),
        at_most: Some(2_000_000_000),
        is_error: true,
        ..query()
    };
    let answer = jaeger.backend("jaeger").adapter.search(&query).await;
    let answer = answer.unwrap();
    assert_eq!(ids(&answer), [REFUSED, PLACED]);
    assert!(!answer.is_cut);
    let asked = &jaeger.paths()[0];
    for part in [
        "query.start_time_min=2026-11-28T13%3A43%3A01.000000001Z&query.startTimeMin=2026-11-28T13%3A43%3A01.000000001Z",
        "query.start_time_max=2026-11-28T14%3A43%3A01.000000001Z&query.startTimeMax=",
        "query.num_traces=200&query.searchDepth=200",
        "query.raw_traces=true&query.rawTraces=true",
        "query.service_name=payment&query.serviceName=payment",
        "query.operation_name=process+payment&query.operationName=process+payment",
        "query.duration_min=1500000ns&query.durationMin=1500000ns",
        "query.duration_max=2000000000ns&query.durationMax=2000000000ns",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    // Jaeger ignores it over HTTP, or has not indexed all attributes.
    assert!(!asked.contains("attributes"), "{asked}");
}

#[tokio::test]
async fn as_many_traces_as_the_limit_may_not_be_all() {
    let found = answer(200, recorded!("backends/jaeger/v3-search.json"));
    let jaeger = Replay::of([("/api/v3/traces", vec![found])]).await;
    let query = SearchQuery {
        limit: 2,
        ..query()
    };
    let answer = jaeger.backend("jaeger").adapter.search(&query).await;
    assert!(answer.unwrap().is_cut);
}

#[tokio::test]
async fn an_empty_search_is_no_error() {
    let none = answer(404, recorded!("backends/jaeger/v3-search-empty.json"));
    let jaeger = Replay::of([("/api/v3/traces", vec![none])]).await;
    let answer = jaeger.backend("jaeger").adapter.search(&query()).await;
    assert_eq!(answer.unwrap(), SearchAnswer::default());
}

#[tokio::test]
async fn a_storage_that_needs_a_service_is_searched_for_each() {
    let no_service = answer(
        400,
        r#"{"error":{"httpCode":400,"message":"service is required"}}"#,
    );
    let found = answer(200, recorded!("backends/jaeger/v3-search.json"));
    let none = answer(404, recorded!("backends/jaeger/v3-search-empty.json"));
    let services = answer(200, r#"{"services":["api-gateway","payment"]}"#);
    let jaeger = Replay::of([
        ("/api/v3/traces", vec![no_service, none, found]),
        ("/api/v3/services", vec![services]),
    ])
    .await;
    let any = SearchQuery {
        service: None,
        ..query()
    };
    let answer = jaeger.backend("jaeger").adapter.search(&any).await.unwrap();
    assert_eq!(ids(&answer), [REFUSED, PLACED]);
    let asked = jaeger.paths();
    assert!(!asked[0].contains("service"), "{asked:?}");
    assert!(
        asked[2].contains("query.service_name=api-gateway"),
        "{asked:?}"
    );
    assert!(asked[3].contains("query.service_name=payment"), "{asked:?}");
}

#[tokio::test]
async fn the_old_api_is_read_where_there_is_no_version_3() {
    for unknown in [answer(200, PAGE), answer(404, "404 page not found\n")] {
        let (new, old) = (
            format!("/api/v3/traces/{REFUSED}"),
            format!("/api/traces/{REFUSED}"),
        );
        let not_yet = answer(404, recorded!("backends/jaeger/legacy-trace-unknown.json"));
        let whole = answer(200, recorded!("backends/jaeger/legacy-trace-refused.json"));
        let jaeger = Replay::of([(&new, vec![unknown]), (&old, vec![not_yet, whole])]).await;
        let backend = jaeger.backend("jaeger");
        let trace = settled(&backend, REFUSED).await;
        let expected = sent(recorded!("backends/sent/refused.json"), REFUSED);
        assert_eq!(trace.spans().len(), expected.spans().len());
        assert!(trace.losses().contains(Field::Links));
        let asked = jaeger.paths();
        assert_eq!(asked[1], format!("{old}?raw=true"));
        let new = asked.iter().filter(|path| path.contains("/v3/"));
        assert_eq!(new.count(), 1, "{asked:?}");
    }
}

#[tokio::test]
async fn version_3_loses_nothing() {
    let path = format!("/api/v3/traces/{REFUSED}");
    let whole = answer(200, recorded!("backends/jaeger/v3-trace-refused.json"));
    let jaeger = Replay::of([(&path, vec![whole])]).await;
    let trace = settled(&jaeger.backend("jaeger"), REFUSED).await;
    assert!(!trace.losses().contains(Field::Links));
}

#[tokio::test]
async fn the_old_api_is_searched_for_each_service() {
    let trace = |id: &str| json!({ "traceID": id, "spans": [], "processes": {} });
    let found = json!({ "data": [trace(REFUSED), trace("aa")] });
    let needs_service = recorded!("backends/jaeger/legacy-search-no-service.json");
    let jaeger = Replay::of([
        ("/api/v3/traces", vec![answer(200, PAGE)]),
        (
            "/api/traces",
            vec![answer(400, needs_service), answer(200, found.to_string())],
        ),
        ("/api/v3/services", vec![answer(200, PAGE)]),
        (
            "/api/services",
            vec![answer(200, r#"{"data":["payment"],"errors":null}"#)],
        ),
    ])
    .await;
    let any = SearchQuery {
        service: None,
        at_least: Some(1_500_001),
        ..query()
    };
    let answer = jaeger.backend("jaeger").adapter.search(&any).await.unwrap();
    let short = format!("{:0>32}", "aa");
    assert_eq!(ids(&answer), [short.as_str(), REFUSED]);
    let last = jaeger.paths().pop().unwrap();
    assert_eq!(
        last,
        "/api/traces?start=1795873381000000&end=1795876981000001&limit=200&raw=true&service=payment&minDuration=1500us"
    );
}

#[tokio::test]
async fn an_address_without_jaegers_api_is_an_error() {
    let jaeger = Replay::of([]).await;
    let why = refusal(&jaeger.backend("jaeger")).await;
    assert_eq!(
        why,
        format!(
            "Jaeger at http://{}/ answers 404 to requests of its API; check the address of `source`: does its API have another port, or a base path?",
            jaeger.address
        )
    );
}
