//! Answers of Jaeger 2.13, and of versions without version 3 of the API.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::source::TraceSource;
use crate::source::backend::Backend;
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
async fn a_search_does_not_leave_out_spans_that_cannot_be_read() {
    let good = json!({ "traceId": PLACED, "spanId": "00000000000000aa", "name": "work" });
    let bad = json!({ "traceId": "aa", "spanId": "00000000000000aa", "name": "work" });
    let spans = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [good, bad] }] }] });
    // A span whose trace id has one byte.
    let bad = [10, 9, 18, 7, 18, 5, 10, 1, 0xaa, 18, 0];
    let good = recorded!("backends/jaeger/grpc-find-0.pb");
    let message = [good, bad.as_slice()].concat();
    let jaeger = Replay::of([
        (
            "/api/v3/traces",
            vec![answer(200, json!({ "result": spans }).to_string())],
        ),
        (
            "/jaeger.api_v3.QueryService/FindTraces",
            vec![stream(&[&message], "0")],
        ),
    ])
    .await;
    for backend in [jaeger.backend("jaeger"), jaeger.grpc_backend("jaeger")] {
        let error = backend.search(&query()).await.unwrap_err();
        assert!(
            error.why.contains("was rejected: its trace id"),
            "{error:?}"
        );
    }
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

/// A stream of messages, which ends with this status.
fn stream(messages: &[&[u8]], status: &'static str) -> Answer {
    let frames = messages.iter().map(|message| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], length.as_slice(), message].concat()
    });
    Answer {
        trailers: vec![("grpc-status", status), ("grpc-message", "no%20luck")],
        ..answer(200, frames.collect::<Vec<_>>().concat())
    }
}

const GET_TRACE: &str = "/jaeger.api_v3.QueryService/GetTrace";

#[tokio::test]
async fn the_chunks_of_a_stream_are_one_trace() {
    let whole = recorded!("backends/jaeger/grpc-get-refused-0.pb");
    // The first chunk has the resource spans before this byte.
    let (mut first, mut rest) = (Vec::new(), whole);
    while let [10, tail @ ..] = rest {
        let mut length = tail;
        let size = prost::decode_length_delimiter(&mut length).unwrap();
        let end = rest.len() - length.len() + size;
        first.push(&rest[..end]);
        rest = &rest[end..];
    }
    assert!(first.len() > 1);
    let jaeger = Replay::of([(GET_TRACE, vec![stream(&[], "0"), stream(&first, "0")])]).await;
    let trace = settled(&jaeger.grpc_backend("jaeger"), REFUSED).await;
    let expected = sent(recorded!("backends/sent/refused.json"), REFUSED);
    assert_eq!(by_id(&trace), by_id(&expected));
    let asked = jaeger.asked.lock().unwrap();
    assert_eq!(asked[0].headers["content-type"], "application/grpc");
    assert_eq!(
        asked[0].body,
        format!("\0\0\0\0\x24\n\x20{REFUSED}\x20\x01")
    );
}

#[tokio::test]
async fn a_search_over_grpc_finds_the_ids_of_all_chunks() {
    let chunks = [
        recorded!("backends/jaeger/grpc-find-0.pb"),
        recorded!("backends/jaeger/grpc-find-1.pb"),
    ];
    let services = stream(&[recorded!("backends/jaeger/grpc-services-0.pb")], "0");
    let jaeger = Replay::of([
        (
            "/jaeger.api_v3.QueryService/FindTraces",
            vec![stream(&[], "2"), stream(&chunks, "0"), stream(&[], "0")],
        ),
        ("/jaeger.api_v3.QueryService/GetServices", vec![services]),
    ])
    .await;
    let any = SearchQuery {
        service: None,
        ..query()
    };
    let backend = jaeger.grpc_backend("jaeger");
    let answer = backend.adapter.search(&any).await.unwrap();
    assert_eq!(ids(&answer), [REFUSED, PLACED]);
    assert!(!answer.is_cut);
    let asked = jaeger.paths();
    let finds = asked.iter().filter(|path| path.ends_with("FindTraces"));
    // One without a service, and one for each of the five.
    assert_eq!(finds.count(), 6, "{asked:?}");
}

#[tokio::test]
async fn the_port_of_http_is_not_that_of_grpc() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = tokio::task::JoinSet::new();
    server.spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut method = [0; 4];
            client.read_exact(&mut method).await.unwrap();
            // The preface of HTTP/2 is `PRI * HTTP/2.0`.
            let status = match &method {
                b"PRI " => "400 Bad Request",
                _ => "404 Not Found",
            };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            client.write_all(answer.as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            // Data that are not read would reset the connection.
            let _ = client.read_to_end(&mut Vec::new()).await;
        }
    });
    let backend = Backend::new(settings("jaeger", &format!("grpc://{address}"))).unwrap();
    assert_eq!(
        refusal(&backend).await,
        format!(
            "Jaeger at grpc://{address} does not answer in HTTP/2, which gRPC needs, but in HTTP/1.1; write `http://` in the address of `source`, or the port of gRPC"
        )
    );
}

#[tokio::test]
async fn a_stream_that_does_not_end_well_is_no_trace() {
    let whole = recorded!("backends/jaeger/grpc-get-refused-0.pb");
    let cut = Answer {
        trailers: Vec::new(),
        ..stream(&[whole], "0")
    };
    for (answer, expected) in [
        (cut, "is not complete"),
        (
            stream(&[whole], "14"),
            "answers with gRPC status 14: no luck",
        ),
    ] {
        let jaeger = Replay::of([(GET_TRACE, vec![answer])]).await;
        let hole = trouble(&jaeger.grpc_backend("jaeger")).await;
        assert!(hole.ends_with(expected), "{hole}");
    }
    let denied = stream(&[], "16");
    let jaeger = Replay::of([(GET_TRACE, vec![denied])]).await;
    let why = refusal(&jaeger.grpc_backend("jaeger")).await;
    assert!(why.contains("check the credentials"), "{why}");
    let not_found = Replay::of([(GET_TRACE, vec![stream(&[], "5"), stream(&[whole], "0")])]).await;
    let trace = settled(&not_found.grpc_backend("jaeger"), REFUSED).await;
    assert_eq!(trace.holes(), []);
}
