//! Answers as Honeycomb documents them; none was recorded.

use super::*;
use crate::source::backend::Backend;
use crate::source::backend::replay::{
    Answer, PLACED, Replay, answer, by_id, id, recorded, refusal, sent, settled,
};

fn backend(server: &Replay) -> Backend {
    server.with("honeycomb", |settings| {
        settings.variables = vec![("HONEYCOMB_API_KEY", "k3y".to_owned())];
    })
}

/// A row for each span, and one for an event.
fn result(is_complete: bool) -> Answer {
    let spans = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    let mut rows: Vec<Json> = spans
        .iter()
        .map(|span| {
            let parent = span.parent_id.map(|id| id.to_string());
            json!({ "data": { ID: span.span_id.to_string(), PARENT: parent, SERVICE: span.service(), NAME: span.name, "COUNT": 1 } })
        })
        .collect();
    rows.push(
        json!({ "data": { PARENT: spans[0].span_id.to_string(), NAME: "exception", "COUNT": 1 } }),
    );
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
