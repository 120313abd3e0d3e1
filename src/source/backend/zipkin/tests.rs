use super::super::replay::*;
use super::*;
use crate::source::TraceSource;

fn path(trace: &str) -> String {
    format!("/api/v2/trace/{trace}")
}

#[tokio::test]
async fn a_trace_comes_with_the_traces_to_which_it_links() {
    let zipkin = Replay::of([
        (
            &path(PLACED),
            vec![
                answer(
                    404,
                    recorded!("backends/zipkin/trace-unknown.txt").to_ascii_lowercase(),
                ),
                answer(200, recorded!("backends/zipkin/trace-placed.json")),
            ],
        ),
        (
            &path(CONSUMER),
            vec![answer(200, recorded!("backends/zipkin/trace-linked.json"))],
        ),
    ])
    .await;
    let backend = zipkin.backend("zipkin");
    let consumer = settled(&backend, CONSUMER).await;
    assert_eq!(consumer.spans().len(), 2);
    assert!(backend.losses().contains(Field::NameCase));
}

#[tokio::test]
async fn a_client_and_a_server_half_are_a_call() {
    let body = r#"[
        {"traceId":"00f067aa0ba902b7d269b633813fc60d","id":"a","parentId":"1","kind":"CLIENT","name":"get",
         "timestamp":10,"duration":9,"localEndpoint":{"serviceName":"shop"}},
        {"traceId":"00f067aa0ba902b7d269b633813fc60d","id":"a","parentId":"1","kind":"SERVER","shared":true,"name":"get",
         "timestamp":12,"duration":5,"localEndpoint":{"serviceName":"stock"}},
        {"traceId":"00f067aa0ba902b7d269b633813fc60d","id":"b","parentId":"a","name":"select",
         "timestamp":13,"duration":3,"localEndpoint":{"serviceName":"stock"}}]"#;
    let zipkin = Replay::of([(&path(REFUSED), vec![answer(200, body)])]).await;
    let trace = settled(&zipkin.backend("zipkin"), REFUSED).await;
    let parents: Vec<Option<usize>> = (0..3).map(|span| trace.parent(span)).collect();
    assert_eq!(parents, [None, Some(0), Some(1)]);
}

#[tokio::test]
async fn spans_of_the_trace_with_half_of_its_id_leave_a_hole() {
    let body = format!(
        r#"[{{"traceId":"{PLACED}","id":"a","name":"get","timestamp":1,"duration":1}},
            {{"traceId":"038103d269b633","id":"b"}},
            {{"traceId":"{}","id":"c","name":"old","localEndpoint":{{"serviceName":"stock"}}}}]"#,
        &PLACED[16..]
    );
    let zipkin = Replay::of([(&path(PLACED), vec![answer(200, body)])]).await;
    let hole = trouble(&zipkin.backend("zipkin")).await;
    assert_eq!(
        hole,
        "the id of this trace has only 64 bits in the span `old` (from service `stock`)"
    );
}

#[tokio::test]
async fn an_address_without_the_api_of_zipkin_ends_the_run() {
    let body = recorded!("backends/zipkin/no-such-path.txt");
    let zipkin = Replay::of([(&path(PLACED), vec![answer(404, body)])]).await;
    let why = refusal(&zipkin.backend("zipkin")).await;
    assert!(
        why.ends_with("/ has no API of Zipkin for reading; check the address of `source`, and that Zipkin runs without QUERY_ENABLED=false and SEARCH_ENABLED=false"),
        "{why}"
    );
    let zipkin = Replay::of([(&path(PLACED), vec![answer(200, r#"{"spans":1}"#)])]).await;
    let why = refusal(&zipkin.backend("zipkin")).await;
    assert!(
        why.contains("answers something unreadable: missing field `traceId`"),
        "{why}"
    );
    let zipkin = Replay::of([(&path(PLACED), vec![answer(401, "who are you")])]).await;
    let why = refusal(&zipkin.backend("zipkin")).await;
    assert!(
        why.contains("answers 401 Unauthorized: who are you"),
        "{why}"
    );
}

const SECOND: u64 = 1_000_000_000;

#[tokio::test]
async fn a_search_has_the_parts_that_zipkin_evaluates() {
    let found = recorded!("backends/zipkin/search.json");
    let zipkin = Replay::of([("/api/v2/traces", vec![answer(200, found)])]).await;
    let query = SearchQuery {
        service: Some("Payment".to_owned()),
        name: Some("Charge".to_owned()),
        attributes: vec![
            ("payment.method".to_owned(), "card".into()),
            ("note".to_owned(), "this and that".into()),
        ],
        at_least: Some(1_500_000),
        at_most: Some(2_000_400),
        is_error: true,
        from: 10 * SECOND + 1,
        to: 20 * SECOND + 1,
        limit: 500,
        ..SearchQuery::default()
    };
    let answer = zipkin.backend("zipkin").search(&query).await.unwrap();
    assert_eq!(answer.traces, [id(REFUSED), id(PLACED)]);
    assert!(!answer.is_cut);
    assert_eq!(
        zipkin.paths(),
        [
            "/api/v2/traces?endTs=20001&lookback=10001&limit=100&serviceName=payment&spanName=charge&minDuration=1499&maxDuration=2002&annotationQuery=payment.method%3Dcard+and+error"
        ]
    );
}

#[test]
fn a_search_for_spans_without_a_service_is_not_limited_to_a_service() {
    let query = SearchQuery {
        service: Some("unknown_service".to_owned()),
        ..SearchQuery::default()
    };
    let parameters = parameters(&query, 1);
    assert!(
        parameters.iter().all(|(name, _)| *name != "serviceName"),
        "{parameters:?}"
    );
}

#[tokio::test]
async fn a_search_with_as_many_traces_as_its_limit_is_cut() {
    let found = recorded!("backends/zipkin/search.json");
    let nothing = recorded!("backends/zipkin/search-empty.json");
    let answers = vec![answer(200, found), answer(200, nothing)];
    let zipkin = Replay::of([("/api/v2/traces", answers)]).await;
    let backend = zipkin.backend("zipkin");
    let query = SearchQuery {
        limit: 2,
        ..SearchQuery::default()
    };
    assert!(backend.search(&query).await.unwrap().is_cut);
    assert_eq!(
        backend.search(&query).await.unwrap(),
        SearchAnswer::default()
    );
}

#[tokio::test]
async fn the_version_is_that_of_its_info() {
    let info = recorded!("backends/zipkin/info.json");
    let zipkin = Replay::of([("/info", vec![answer(200, info)])]).await;
    let settings =
        crate::project::parse_source(&format!("zipkin=http://{}", zipkin.address)).unwrap();
    let adapter = Zipkin::new(&settings).unwrap();
    assert_eq!(adapter.version().await.unwrap().as_deref(), Some("3.6.1"));
}
