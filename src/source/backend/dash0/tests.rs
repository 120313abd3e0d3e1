//! Answers as Dash0 documents them; none was recorded.

use proptest::collection::vec;

use super::*;
use crate::source::backend::Backend;
use crate::source::backend::replay::{
    Answer, PLACED, REFUSED, Replay, answer, by_id, id, recorded, refusal, sent, settled,
};
use crate::source::otlp;
use crate::trace::{Origin, Span, Trace, any};

fn backend(server: &Replay) -> Backend {
    server.with("dash0", |settings| {
        settings.variables = vec![("DASH0_AUTH_TOKEN", "t0ken".to_owned())];
        settings.options = vec![("dataset", "shop".to_owned())];
    })
}

fn adapter(server: &Replay) -> Dash0 {
    let settings = crate::project::parse_source(&format!("dash0=http://{}", server.address));
    Dash0::new(&settings.unwrap()).unwrap()
}

/// The resources of a file of OTLP, from one to another, with a cursor.
fn page(file: &[u8], from: usize, to: usize, next: Option<&str>) -> String {
    let whole: Json = serde_json::from_slice(file).unwrap();
    let resources = &whole["resourceSpans"].as_array().unwrap()[from..to];
    json!({ "resourceSpans": resources, "cursors": { "after": next } }).to_string()
}

#[tokio::test]
async fn dash0_gives_back_what_was_sent_over_several_pages() {
    for (file, trace) in [
        (recorded!("backends/sent/placed.json"), PLACED),
        (recorded!("backends/sent/refused.json"), REFUSED),
    ] {
        let number = serde_json::from_slice::<Json>(file).unwrap()["resourceSpans"]
            .as_array()
            .unwrap()
            .len();
        let (first, second) = (page(file, 0, 1, Some("n")), page(file, 1, number, None));
        let server =
            Replay::of([("/api/spans", vec![answer(200, first), answer(200, second)])]).await;
        let found = adapter(&server).read(id(trace)).await.unwrap();
        let found: Vec<_> = found
            .spans
            .into_iter()
            .filter(|span| span.trace_id == id(trace))
            .collect();
        let expected = sent(file, trace);
        assert_eq!(found.len(), expected.spans().len());
        assert!(expected.spans().iter().all(|span| found.contains(span)));
        let asked = server.asked.lock().unwrap();
        let bodies: Vec<Json> = asked
            .iter()
            .map(|one| serde_json::from_str(&one.body).unwrap())
            .collect();
        assert_eq!(
            bodies[0]["filter"],
            json!([{ "key": "otel.trace.id", "operator": "is", "value": trace }])
        );
        assert_eq!(bodies[0]["sampling"], json!({ "mode": "disabled" }));
        assert_eq!(
            (
                &bodies[0]["pagination"]["cursor"],
                &bodies[1]["pagination"]["cursor"]
            ),
            (&json!(null), &json!("n"))
        );
    }
}

#[tokio::test]
async fn a_whole_answer_has_no_cursor() {
    let file = recorded!("backends/sent/refused.json");
    let server = Replay::of([(
        "/api/spans",
        vec![answer(200, "{\"resourceSpans\":[]}"), answer(200, file)],
    )])
    .await;
    let trace = settled(&backend(&server), REFUSED).await;
    assert_eq!(by_id(&trace), by_id(&sent(file, REFUSED)));
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked[0].headers["authorization"], "Bearer t0ken");
    assert!(asked[0].body.contains("\"dataset\":\"shop\""));
}

#[tokio::test]
async fn a_trace_without_end_leaves_a_hole() {
    let body = page(recorded!("backends/sent/refused.json"), 0, 1, Some("n"));
    let server = Replay::of([("/api/spans", vec![answer(200, body)])]).await;
    let found = adapter(&server).read(id(REFUSED)).await.unwrap();
    assert!(
        found.holes[0]
            .reason
            .ends_with("it has more than 100 pages")
    );
}

#[tokio::test]
async fn refusals_have_their_remedies() {
    for (first, expected) in [
        (
            answer(404, ""),
            "answers 404 Not Found; check the region and `dataset` of `source`",
        ),
        (
            answer(401, "no"),
            "answers 401 Unauthorized: no; check the credentials: `headers` of `source`, and their variables",
        ),
        (answer(200, "[1"), "answers something unreadable: "),
    ] {
        let server = Replay::of([("/api/spans", vec![first])]).await;
        let why = refusal(&backend(&server)).await;
        assert!(
            why.starts_with(&format!("Dash0 at http://{}/ {expected}", server.address)),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_search_does_not_leave_out_spans_that_cannot_be_read() {
    let good = json!({ "traceId": PLACED, "spanId": "00000000000000aa", "name": "work" });
    let bad = json!({ "traceId": "aa", "spanId": "00000000000000aa", "name": "work" });
    let spans = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [good, bad] }] }] });
    let server = Replay::of([("/api/spans", vec![answer(200, spans.to_string())])]).await;
    let error = adapter(&server).find(&SearchQuery::default()).await;
    let error = format!("{:?}", error.unwrap_err());
    assert!(error.contains("was rejected: its trace id"), "{error}");
}

#[tokio::test]
async fn a_search_passes_strings_on_and_counts_traces() {
    let file = recorded!("backends/sent/placed.json");
    let server = Replay::of([("/api/spans", vec![answer(200, file)])]).await;
    let query = SearchQuery {
        service: Some("shop".to_owned()),
        name: Some("GET /".to_owned()),
        attributes: vec![
            ("a".to_owned(), "x".into()),
            ("n".to_owned(), Value::Int(1)),
        ],
        limit: 2,
        ..SearchQuery::default()
    };
    let found = adapter(&server).find(&query).await.unwrap();
    assert_eq!((found.traces.len(), found.is_cut), (2, false));
    let cut = adapter(&server)
        .find(&SearchQuery { limit: 1, ..query })
        .await
        .unwrap();
    assert_eq!((cut.traces.len(), cut.is_cut), (1, true));
    let body: Json = serde_json::from_str(&server.asked.lock().unwrap()[0].body).unwrap();
    let keys: Vec<&str> = body["filter"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["service.name", "otel.span.name", "a"]);
}

/// A page of spans in OTLP, with a cursor.
fn page_of(spans: &[Span], next: Option<&str>) -> Answer {
    let trace = Trace::assemble(id(PLACED), Origin::Foreign, spans.to_vec());
    let mut page: Json = serde_json::from_str(&otlp::write_json(&trace)).unwrap();
    page["cursors"] = json!({ "after": next });
    answer(200, page.to_string())
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn spans_come_back_whole_in_pages_of_any_size(spans in vec(any::span(), 1..6), size in 1_usize..6) {
        let trace_id = id(PLACED);
        let sent: Vec<Span> = spans.into_iter().map(|span| Span { trace_id, ..span }).collect();
        let last = sent.chunks(size).len() - 1;
        let pages = sent.chunks(size).enumerate();
        let pages = pages.map(|(at, spans)| page_of(spans, (at < last).then_some("n"))).collect();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let found = runtime.block_on(async {
            let server = Replay::of([("/api/spans", pages)]).await;
            adapter(&server).read(trace_id).await.unwrap()
        });
        let sorted = |mut spans: Vec<Span>| {
            spans.sort_by_key(|span| span.span_id);
            spans
        };
        proptest::prop_assert_eq!(sorted(found.spans), sorted(sent));
        proptest::prop_assert_eq!(found.holes, []);
    }
}
