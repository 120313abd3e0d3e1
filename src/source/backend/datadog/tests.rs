//! Answers as Datadog documents them; none was recorded.

use serde_json::Value as Json;

use super::*;
use crate::source::backend::Backend;
use crate::source::backend::replay::{
    PLACED, REFUSED, Replay, answer, by_id, id, recorded, refusal, sent, settled, trouble,
};
use crate::trace::{Span, SpanKind, StatusCode, Value};

const PATH: &str = "/api/v2/spans/events/search";

fn backend(server: &Replay) -> Backend {
    server.with("datadog", |settings| {
        settings.variables = vec![
            ("DD_API_KEY", "api".to_owned()),
            ("DD_APP_KEY", "app".to_owned()),
        ];
    })
}

fn adapter(server: &Replay) -> Datadog {
    let settings = crate::project::parse_source(&format!("datadog=http://{}", server.address));
    Datadog::new(&settings.unwrap()).unwrap()
}

/// A span as Datadog documents its answers, so late that it is live.
fn stored(span: &Span, later: u64) -> Json {
    let number = |id: crate::trace::SpanId| u64::from_be_bytes(*id.as_bytes()).to_string();
    let moment = |nanos: u64| moment((nanos + later) / 1_000_000 * 1_000_000);
    let mut custom =
        json!({ "duration": span.end - span.start, "span": { "kind": span.kind.as_str() } });
    for (key, value) in span.attributes.iter() {
        custom[key] = match value {
            Value::Int(_) | Value::Double(_) => value.to_json(),
            other => Json::from(match other.to_json() {
                Json::String(text) => text,
                json => json.to_string(),
            }),
        };
    }
    if span.status.code == StatusCode::Error {
        custom["error"] = json!({ "message": span.status.message });
    }
    json!({ "id": "AQ", "type": "spans", "attributes": {
        "trace_id": span.trace_id.to_string(),
        "span_id": number(span.span_id),
        "parent_id": span.parent_id.map_or_else(|| "0".to_owned(), number),
        "service": span.service(),
        "resource_name": span.name,
        "start_timestamp": moment(span.start),
        "end_timestamp": moment(span.end),
        "custom": custom,
    } })
}

fn page(spans: &[Json], next: Option<&str>) -> String {
    json!({ "data": spans, "meta": { "page": { "after": next }, "status": "done" } }).to_string()
}

/// The time by which the spans of the files are moved, so that they are recent.
fn later() -> u64 {
    unix_nanos(SystemTime::now()).saturating_sub(1_795_873_381_000_000_000)
}

#[tokio::test]
async fn datadog_gives_back_ids_durations_services_and_attributes_of_what_was_sent() {
    for (file, trace) in [
        (recorded!("backends/sent/placed.json"), PLACED),
        (recorded!("backends/sent/refused.json"), REFUSED),
    ] {
        let sent = by_id(&sent(file, trace));
        let later = later();
        let stored: Vec<Json> = sent.iter().map(|span| stored(span, later)).collect();
        let pages = vec![
            answer(200, page(&stored[..3], Some("n"))),
            answer(200, page(&stored[3..], None)),
        ];
        let server = Replay::of([(PATH, pages)]).await;
        let found = adapter(&server).read(id(trace)).await.unwrap();
        assert_eq!(found.holes, []);
        assert_eq!(found.spans.len(), sent.len());
        for (found, sent) in found.spans.iter().zip(&sent) {
            assert_eq!(
                (found.span_id, found.parent_id),
                (sent.span_id, sent.parent_id)
            );
            assert_eq!(found.end - found.start, sent.end - sent.start);
            assert!((sent.start + later).abs_diff(found.start) < 1_000_000);
            assert_eq!((found.service(), found.kind), (sent.service(), sent.kind));
            assert_eq!(
                found.status.code == StatusCode::Error,
                sent.status.code == StatusCode::Error
            );
            for (key, value) in sent
                .attributes
                .iter()
                .filter(|(_, value)| value.is_number())
            {
                assert!(found.attributes.get(key).unwrap().same(value), "{key}");
            }
        }
        let asked = server.asked.lock().unwrap();
        let bodies: Vec<Json> = asked
            .iter()
            .map(|one| serde_json::from_str(&one.body).unwrap())
            .collect();
        let of = |at: usize| &bodies[at]["data"]["attributes"];
        let low = u64::from_str_radix(&trace[16..], 16).unwrap();
        assert_eq!(
            of(0)["filter"]["query"],
            format!("trace_id:{trace} OR trace_id:{low}")
        );
        assert_eq!(
            (&of(0)["page"]["cursor"], &of(1)["page"]["cursor"]),
            (&json!(null), &json!("n"))
        );
    }
}

#[tokio::test]
async fn ids_are_read_in_each_form() {
    let mut span = Span::new(id(PLACED), "f000000000000001".parse().unwrap(), "call");
    span.kind = SpanKind::Client;
    (span.start, span.end) = (
        unix_nanos(SystemTime::now()),
        unix_nanos(SystemTime::now()) + 5,
    );
    let decimal = stored(&span, 0);
    let mut low = decimal.clone();
    low["attributes"]["trace_id"] = u64::from_str_radix(&PLACED[16..], 16)
        .unwrap()
        .to_string()
        .into();
    let mut hex = decimal.clone();
    hex["attributes"]["span_id"] = "f000000000000001".into();
    hex["attributes"]["trace_id"] = PLACED[16..].into();
    let mut other = decimal.clone();
    other["attributes"]["trace_id"] = format!("{}{}", "1".repeat(16), &PLACED[16..]).into();
    for (stored, expected) in [(decimal, 1), (low, 1), (hex, 1), (other, 0)] {
        let server = Replay::of([(PATH, vec![answer(200, page(&[stored], None))])]).await;
        let found = adapter(&server).read(id(PLACED)).await.unwrap().spans;
        assert_eq!(found.len(), expected);
        assert!(
            found
                .iter()
                .all(|found| found.span_id == span.span_id && found.parent_id.is_none())
        );
    }
}

#[tokio::test]
async fn a_trace_of_which_spans_can_be_missing_leaves_a_hole() {
    let spans = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    let old: Vec<Json> = spans
        .iter()
        .map(|span| stored(span, later() - 3_600_000_000_000))
        .collect();
    let live: Vec<Json> = spans.iter().map(|span| stored(span, later())).collect();
    let mut single = live.clone();
    single[0]["attributes"]["single_span"] = true.into();
    let mut late: Json = serde_json::from_str(&page(&live, None)).unwrap();
    late["meta"]["status"] = "timeout".into();
    for (body, why) in [
        (
            page(&old, None),
            "after 15 min, it has only the spans that a retention filter kept",
        ),
        (page(&single, None), "a retention filter kept single spans"),
        (late.to_string(), "its search has timed out"),
        (page(&live, Some("n")), "there are more than 20 pages"),
    ] {
        let server = Replay::of([(PATH, vec![answer(200, body)])]).await;
        let found = adapter(&server).read(id(PLACED)).await.unwrap();
        assert!(
            found.holes[0]
                .reason
                .ends_with(&format!("gave a part of the trace only: {why}")),
            "{:?}",
            found.holes
        );
    }
}

#[tokio::test]
async fn polls_are_seldom_and_keep_to_the_budget() {
    let server = Replay::of([(PATH, vec![answer(200, page(&[], None))])]).await;
    let adapter = adapter(&server);
    assert_eq!(adapter.pause(), Duration::from_secs(2));
    for _ in 0..150 {
        adapter.read(id(PLACED)).await.unwrap();
    }
    assert_eq!(adapter.pause(), Duration::from_secs(4));
    for _ in 150..MOST_REQUESTS {
        adapter.read(id(PLACED)).await.unwrap();
    }
    let error = adapter.read(id(PLACED)).await.unwrap_err();
    assert_eq!(server.asked.lock().unwrap().len(), MOST_REQUESTS);
    let FetchError::Later { why, after, .. } = error else {
        panic!("{error:?}");
    };
    assert!(
        why.contains("the requests that Datadog at ") && after > Some(HOUR / 2),
        "{why}"
    );
}

#[tokio::test]
async fn refusals_have_their_remedies() {
    for (first, expected) in [
        (
            answer(403, "{\"errors\":[\"Forbidden\"]}"),
            "answers 403 Forbidden: {\"errors\":[\"Forbidden\"]}; check the credentials: `headers` of `source`, and their variables",
        ),
        (
            answer(404, ""),
            "answers 404 Not Found; check the site of `source`, such as `datadoghq.eu`",
        ),
        (
            answer(200, "{}"),
            "answers something unreadable: missing field `data` at line 1 column 2: {}; check the address of `source`, and the version of the backend",
        ),
    ] {
        let server = Replay::of([(PATH, vec![first])]).await;
        let why = refusal(&backend(&server)).await;
        assert_eq!(
            why,
            format!("Datadog at http://{}/ {expected}", server.address)
        );
    }
    let busy = crate::source::backend::replay::Answer {
        headers: vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")],
        ..answer(429, "")
    };
    let server = Replay::of([(PATH, vec![busy])]).await;
    let hole = trouble(&backend(&server)).await;
    assert!(hole.contains("answers 429 Too Many Requests"), "{hole}");
    let mut settings = crate::project::parse_source("datadog=datadoghq.eu").unwrap();
    assert_eq!(settings.url.as_str(), "https://api.datadoghq.eu/");
    settings.variables = vec![("DD_SITE", "datadoghq.com".to_owned())];
    assert!(Datadog::new(&settings).is_err());
}

#[tokio::test]
async fn the_keys_are_sent_and_a_live_trace_settles() {
    let spans = by_id(&sent(recorded!("backends/sent/refused.json"), REFUSED));
    let live: Vec<Json> = spans.iter().map(|span| stored(span, later())).collect();
    let server = Replay::of([(PATH, vec![answer(200, page(&live, None))])]).await;
    assert_eq!(
        settled(&backend(&server), REFUSED).await.spans().len(),
        spans.len()
    );
    let asked = server.asked.lock().unwrap();
    assert_eq!(
        (
            &asked[0].headers["dd-api-key"],
            &asked[0].headers["dd-application-key"]
        ),
        (&"api".parse().unwrap(), &"app".parse().unwrap())
    );
}

#[tokio::test]
async fn a_search_counts_traces_over_pages() {
    let spans = by_id(&sent(recorded!("backends/sent/placed.json"), PLACED));
    let mut other = stored(&spans[0], 0);
    other["attributes"]["trace_id"] = REFUSED.into();
    let pages = vec![
        answer(200, page(&[stored(&spans[0], 0)], Some("n"))),
        answer(200, page(&[other], None)),
    ];
    let server = Replay::of([(PATH, pages)]).await;
    let wanted = SearchQuery {
        service: Some("api-gateway".to_owned()),
        limit: 5,
        ..SearchQuery::default()
    };
    let found = adapter(&server).find(&wanted).await.unwrap();
    assert_eq!(
        (found.traces, found.is_cut),
        (vec![id(PLACED), id(REFUSED)], false)
    );
    assert!(
        server.asked.lock().unwrap()[0]
            .body
            .contains("\"query\":\"service:api-gateway\"")
    );
    let quoted = SearchQuery {
        service: Some("a OR *".to_owned()),
        ..wanted
    };
    assert_eq!(query(&quoted), "*");
}

proptest::proptest! {
    #[test]
    fn spans_of_datadog_give_back_ids_durations_and_numbers(sent in crate::source::backend::any_span::spans()) {
        let mut sent = sent;
        sent.end = sent.end.max(sent.start);
        let found: FoundSpan = serde_json::from_value(stored(&sent, 0)["attributes"].clone()).unwrap();
        proptest::prop_assert!(found.is_of(sent.trace_id));
        let found = found.into_span(sent.trace_id, IdForm::Decimal).unwrap();
        proptest::prop_assert_eq!((found.span_id, found.parent_id), (sent.span_id, sent.parent_id));
        proptest::prop_assert_eq!(found.end - found.start, sent.end - sent.start);
        proptest::prop_assert_eq!(found.kind, sent.kind);
        for (key, value) in sent.attributes.iter().filter(|(_, value)| value.is_number()) {
            proptest::prop_assert!(found.attributes.get(key).unwrap().same(value), "{}", key);
        }
    }
}
