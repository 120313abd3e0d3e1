//! Answers as Honeycomb documents them; none was recorded.

use super::*;
use crate::source::TraceSource;
use crate::source::backend::Backend;
use crate::source::backend::replay::{
    Answer, PLACED, Replay, answer, by_id, id, recorded, refusal, sent, settled,
};

fn backend(server: &Replay) -> Backend {
    server.with("honeycomb", |settings| {
        settings.variables = vec![("HONEYCOMB_API_KEY", "k3y".to_owned())];
    })
}

/// The row of a span.
fn row(span: &Span) -> Json {
    let parent = span.parent_id.map(|id| id.to_string());
    let service = span.resource.attributes.get(SERVICE);
    let service = service.map(|name| name.to_text());
    json!({ "data": { ID: span.span_id.to_string(), PARENT: parent, SERVICE: service, NAME: span.name, "COUNT": 1 } })
}

/// The row of an event or link of a span.
fn event_row(span: &Span, name: &str) -> Json {
    json!({ "data": { PARENT: span.span_id.to_string(), NAME: name, "COUNT": 1 } })
}

/// A row for each span, and one for an event.
fn result(is_complete: bool) -> Answer {
    let spans = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    let mut rows: Vec<Json> = spans.iter().map(row).collect();
    rows.push(event_row(&spans[0], "exception"));
    let body = json!({ "id": "r", "complete": is_complete, "data": { "results": rows } });
    answer(200, body.to_string())
}

fn created(id: &str) -> Vec<Answer> {
    vec![answer(201, json!({ "id": id }).to_string())]
}

#[tokio::test]
async fn honeycomb_gives_back_ids_names_and_services_of_what_was_sent() {
    let server = Replay::of([
        ("/1/queries/__all__", created("q")),
        ("/1/query_results/__all__", created("r")),
        (
            "/1/query_results/__all__/r",
            vec![result(false), result(true)],
        ),
    ])
    .await;
    let backend = backend(&server);
    let found = by_id(&settled(&backend, PLACED).await);
    let sent = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    assert_eq!(found.len(), sent.len());
    for (found, sent) in found.iter().zip(&sent) {
        assert_eq!(
            (found.span_id, found.parent_id),
            (sent.span_id, sent.parent_id)
        );
        assert_eq!((&found.name, found.service()), (&sent.name, sent.service()));
        assert_eq!((found.start, found.end), (0, 0));
    }
    let losses = crate::source::TraceSource::losses(&backend);
    for lost in [
        Field::Attributes,
        Field::Durations,
        Field::Starts,
        Field::Status,
        Field::Events,
    ] {
        assert!(losses.contains(lost), "{lost}");
    }
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked[0].headers["x-honeycomb-team"], "k3y");
    assert!(asked[0].body.contains(&format!("\"value\":\"{PLACED}\"")));
    assert!(asked[1].body.contains("\"query_id\":\"q\""));
}

#[tokio::test]
async fn refusals_have_their_remedies() {
    for (first, expected) in [
        (
            answer(401, "{\"error\":\"unknown API key\"}"),
            "answers 401 Unauthorized: {\"error\":\"unknown API key\"}; check the credentials: `headers` of `source`, and their variables",
        ),
        (
            answer(404, ""),
            "answers 404 Not Found; check the address and `dataset` of `source`, and that the plan of the team has the Query Data API",
        ),
        (
            answer(200, "{}"),
            "answers something unreadable: missing field `id` at line 1 column 2: {}; check the address of `source`, and the version of the backend",
        ),
    ] {
        let server = Replay::of([("/1/queries/__all__", vec![first])]).await;
        let why = refusal(&backend(&server)).await;
        assert_eq!(
            why,
            format!("Honeycomb at http://{}/ {expected}", server.address)
        );
    }
    let mut settings = crate::project::parse_source("honeycomb=https://api.honeycomb.io").unwrap();
    settings.variables = vec![(
        "HONEYCOMB_API_ENDPOINT",
        "https://api.honeycomb.io/".to_owned(),
    )];
    assert!(Honeycomb::new(&settings).is_ok());
    settings.variables = vec![(
        "HONEYCOMB_API_ENDPOINT",
        "https://api.eu1.honeycomb.io".to_owned(),
    )];
    assert!(Honeycomb::new(&settings).is_err());
}

#[tokio::test]
async fn a_search_is_refused_with_numbers_for_information() {
    let query = SearchQuery {
        service: Some("order".to_owned()),
        name: Some("POST /orders".to_owned()),
        from: 1_500_000_000,
        to: 2_500_000_000,
        ..SearchQuery::default()
    };
    for (row, query, expected) in [
        (
            json!({ "COUNT": 1204, "P50(duration_ms)": 120.44, "P99(duration_ms)": 800 }),
            query.clone(),
            "1,204 spans with service.name `order` and name `POST /orders` in this time, with a p50 of about 120 ms and a p99 of about 800 ms",
        ),
        (
            json!({ "COUNT": 0, "P50(duration_ms)": null }),
            SearchQuery {
                service: None,
                name: None,
                ..query
            },
            "0 spans in this time",
        ),
    ] {
        let body = json!({ "complete": true, "data": { "results": [{ "data": row }] } });
        let server = Replay::of([
            ("/1/queries/__all__", created("q")),
            ("/1/query_results/__all__", created("r")),
            (
                "/1/query_results/__all__/r",
                vec![answer(200, body.to_string())],
            ),
        ])
        .await;
        let error = TraceSource::search(&backend(&server), &query)
            .await
            .unwrap_err();
        assert_eq!(
            error.why,
            format!(
                "Honeycomb at http://{}/ cannot search for traces; for information, it counts {expected}",
                server.address
            )
        );
        assert_eq!(error.help, "use `trace_id` with the ids of traces");
        let asked: Json = serde_json::from_str(&server.asked.lock().unwrap()[0].body).unwrap();
        assert_eq!(
            (&asked["start_time"], &asked["end_time"]),
            (&json!(1), &json!(3))
        );
        let filters = asked["filters"].as_array().unwrap();
        assert_eq!(filters.len(), 1 + 2 * usize::from(query.name.is_some()));
    }
}

#[tokio::test]
async fn more_spans_than_an_answer_has_leave_a_hole() {
    let rows: Vec<Json> = (1..=MOST_ROWS)
        .map(|at| json!({ "data": { ID: format!("{at:016x}") } }))
        .collect();
    let body = json!({ "complete": true, "data": { "results": rows } }).to_string();
    let server = Replay::of([
        ("/1/queries/shop", created("q")),
        ("/1/query_results/shop", created("r")),
        ("/1/query_results/shop/r", vec![answer(200, body)]),
    ])
    .await;
    let mut settings =
        crate::project::parse_source(&format!("honeycomb=http://{}", server.address)).unwrap();
    settings.options = vec![("dataset", "shop".to_owned())];
    let found = Honeycomb::new(&settings)
        .unwrap()
        .read(id(PLACED))
        .await
        .unwrap();
    assert_eq!(found.spans.len(), MOST_ROWS);
    assert!(
        found.holes[0]
            .reason
            .ends_with("it has 10000 spans or more")
    );
}

/// The span with what Honeycomb keeps.
fn kept(span: &Span) -> Span {
    let service = span.resource.attributes.get(SERVICE);
    let service = service.map(|name| (SERVICE, name.clone()));
    let mut kept = Span::new(span.trace_id, span.span_id, span.name.clone());
    kept.parent_id = span.parent_id;
    kept.resource = Arc::new(Resource {
        attributes: service.into_iter().collect(),
    });
    kept
}

proptest::proptest! {
    #[test]
    fn a_span_exists_if_honeycomb_has_a_row_of_it(
        spans in proptest::collection::vec(crate::trace::any::span(), 0..5)
    ) {
        let settings = crate::project::parse_source("honeycomb=https://api.honeycomb.io").unwrap();
        let honeycomb = Honeycomb::new(&settings).unwrap();
        let events = spans.iter().flat_map(|span| {
            let events = span.events.iter().map(|event| event_row(span, &event.name));
            events.chain(span.links.iter().map(|_| event_row(span, "")))
        });
        let rows: Vec<Json> = spans.iter().map(row).chain(events).collect();
        let rows: Vec<Row> = serde_json::from_value(rows.into()).unwrap();
        let trace = id(PLACED);
        let found = honeycomb.fetched(trace, &rows).unwrap();
        let expected: Vec<Span> = spans.iter().map(|span| Span { trace_id: trace, ..kept(span) }).collect();
        proptest::prop_assert_eq!(found.spans, expected);
        proptest::prop_assert_eq!(found.holes, []);
    }
}
