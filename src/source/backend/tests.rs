//! Adapters against recorded answers, and the reading of a trace against a backend that changes.

use super::replay::*;
use super::*;
use crate::project::parse_source;
use crate::trace::Trace;

#[tokio::test]
async fn jaeger_gives_back_what_was_sent() {
    let path = format!("/api/v3/traces/{PLACED}");
    let consumer = format!("/api/v3/traces/{CONSUMER}");
    let refused = format!("/api/v3/traces/{REFUSED}");
    let jaeger = Replay::of([
        (
            &path,
            vec![answer(
                200,
                recorded!("backends/jaeger/v3-trace-placed.json"),
            )],
        ),
        (
            &consumer,
            vec![answer(
                200,
                recorded!("backends/jaeger/v3-trace-linked.json"),
            )],
        ),
        // It was opened in the user interface before.
        (
            &refused,
            vec![answer(
                200,
                recorded!("backends/jaeger/v3-trace-refused-raw-after-adjusted.json"),
            )],
        ),
    ])
    .await;
    let backend = jaeger.backend("jaeger");
    let placed = settled(&backend, PLACED).await;
    let expected = sent(recorded!("backends/sent/placed.json"), PLACED);
    assert_eq!(by_id(&placed), by_id(&expected));
    // Its consumer links to it.
    let consumer = settled(&backend, CONSUMER).await;
    let linked: Vec<(TraceId, usize)> = consumer
        .linked()
        .iter()
        .map(|one| (one.id(), one.spans().len()))
        .collect();
    assert_eq!(linked, [(id(PLACED), expected.spans().len())]);
    let refused = settled(&backend, REFUSED).await;
    let expected = sent(recorded!("backends/sent/refused.json"), REFUSED);
    // Jaeger has sorted the attributes.
    let number = |trace: &Trace| {
        let spans = by_id(trace);
        let each = spans
            .iter()
            .map(|span| (span.span_id, span.attributes.iter().len()));
        each.collect::<Vec<_>>()
    };
    assert_eq!(number(&refused), number(&expected));
    let asked = jaeger.paths();
    assert!(
        asked[0].ends_with("?raw_traces=true&rawTraces=true"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_trace_that_grows_is_known_when_two_answers_agree() {
    let path = format!("/api/v3/traces/{REFUSED}");
    let whole = recorded!("backends/jaeger/v3-trace-refused.json");
    let mut part: serde_json::Value = serde_json::from_slice(whole).unwrap();
    part["result"]["resourceSpans"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    let unknown = recorded!("backends/jaeger/v3-trace-unknown.json");
    let jaeger = Replay::of([(
        &path,
        vec![
            answer(404, unknown),
            answer(200, part.to_string()),
            answer(200, whole),
        ],
    )])
    .await;
    let trace = settled(&jaeger.backend("jaeger"), REFUSED).await;
    let expected = sent(recorded!("backends/sent/refused.json"), REFUSED);
    assert_eq!(trace.spans().len(), expected.spans().len());
    assert!(jaeger.paths().len() >= 4);
}

#[tokio::test]
async fn tempo_answers_in_either_version_and_encoding() {
    let trace = "5b8efff798038103d269b633813fc60c";
    let expected = sent(recorded!("tempo/placed-v2.pb"), trace);
    let (v1, v2) = (
        format!("/api/traces/{trace}"),
        format!("/api/v2/traces/{trace}"),
    );
    for (path, body) in [
        (&v2, recorded!("tempo/placed-v2.pb")),
        (&v2, recorded!("tempo/placed-v2.json")),
        (&v1, recorded!("tempo/placed-v1.pb")),
        (&v1, recorded!("tempo/placed-v1.json")),
    ] {
        let tempo = Replay::of([(path, vec![answer(200, body)])]).await;
        let backend = tempo.with("tempo", |settings| {
            settings.tenant = Some("shop".to_owned())
        });
        let found = settled(&backend, trace).await;
        assert_eq!(found.spans().len(), expected.spans().len(), "{path}");
        let asked = tempo.asked.lock().unwrap();
        assert_eq!(asked[0].headers["x-scope-orgid"], "shop");
    }
}

#[tokio::test]
async fn tempo_is_read_through_the_data_source_proxy_of_grafana() {
    let trace = "5b8efff798038103d269b633813fc60c";
    let path = format!("/grafana/api/datasources/proxy/uid/abc/api/v2/traces/{trace}");
    let grafana = Replay::of([(&path, vec![answer(200, recorded!("tempo/placed-v2.pb"))])]).await;
    let backend = grafana.with("tempo", |settings| {
        settings
            .url
            .set_path("/grafana/api/datasources/proxy/uid/abc/");
        let token = ("Authorization".to_owned(), "Bearer token".to_owned());
        settings.headers = vec![token];
    });
    let found = settled(&backend, trace).await;
    assert!(!found.is_empty());
    let asked = grafana.asked.lock().unwrap();
    assert_eq!(asked[0].headers["authorization"], "Bearer token");
}

#[tokio::test]
async fn a_part_of_a_trace_leaves_a_hole() {
    let path = format!("/api/v2/traces/{PLACED}");
    // `status: PARTIAL`, and a message.
    let mut body = recorded!("tempo/placed-v2.pb").to_vec();
    body.extend(b"\x18\x01\x22\x0ftrace too large");
    let tempo = Replay::of([(&path, vec![answer(200, body)])]).await;
    let hole = trouble(&tempo.backend("tempo")).await;
    let expected = format!(
        "Tempo at http://{}/ gave a part of the trace only: trace too large",
        tempo.address
    );
    assert_eq!(hole, expected);
}

#[tokio::test]
async fn a_part_of_a_trace_in_json_leaves_a_hole() {
    let path = format!("/api/v2/traces/{PLACED}");
    let mut body: serde_json::Value =
        serde_json::from_slice(recorded!("tempo/placed-v2.json")).unwrap();
    body["status"] = "PARTIAL".into();
    body["message"] = "trace too large".into();
    let tempo = Replay::of([(&path, vec![answer(200, body.to_string())])]).await;
    let hole = trouble(&tempo.backend("tempo")).await;
    assert!(hole.ends_with(": trace too large"), "{hole}");
}

/// An answer of Jaeger with spans in the trace of the refused order.
fn jaeger_answer(spans: &[serde_json::Value]) -> Answer {
    let of_all = serde_json::json!({ "traceId": REFUSED, "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000000050000000" });
    let spans: Vec<serde_json::Value> = spans
        .iter()
        .map(|span| {
            let mut all = of_all.clone();
            let entries = span.as_object().unwrap().clone();
            all.as_object_mut().unwrap().extend(entries);
            all
        })
        .collect();
    let body = serde_json::json!({ "result": { "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] } });
    answer(200, body.to_string())
}

#[tokio::test]
async fn a_client_and_a_server_half_with_one_id_are_known_when_two_answers_agree() {
    let path = format!("/api/v3/traces/{REFUSED}");
    let half =
        |kind| serde_json::json!({ "spanId": "00000000000000aa", "name": "call", "kind": kind });
    let jaeger = Replay::of([(&path, vec![jaeger_answer(&[half(2), half(3)])])]).await;
    let trace = settled(&jaeger.backend("jaeger"), REFUSED).await;
    assert_eq!(trace.spans().len(), 2);
}

#[tokio::test]
async fn an_answer_with_fewer_spans_does_not_agree_with_the_one_before() {
    let path = format!("/api/v3/traces/{REFUSED}");
    let span = |id: &str| serde_json::json!({ "spanId": id, "name": id, "kind": 2 });
    let (one, both) = (
        jaeger_answer(&[span("00000000000000aa")]),
        jaeger_answer(&[span("00000000000000aa"), span("00000000000000ab")]),
    );
    let jaeger = Replay::of([(&path, vec![both.clone(), one, both])]).await;
    let trace = settled(&jaeger.backend("jaeger"), REFUSED).await;
    assert_eq!(trace.spans().len(), 2);
    assert!(jaeger.paths().len() >= 4, "{:?}", jaeger.paths());
}

#[tokio::test]
async fn more_linked_traces_than_are_read_leave_a_hole() {
    let path = format!("/api/v3/traces/{PLACED}");
    let links: Vec<serde_json::Value> = (1..=17)
        .map(|number| serde_json::json!({ "traceId": format!("{number:032x}"), "spanId": "00000000000000aa" }))
        .collect();
    let consumer = serde_json::json!({ "traceId": PLACED, "spanId": "00000000000000ac", "name": "consume",
        "kind": 5, "links": links });
    let jaeger = Replay::of([(&path, vec![jaeger_answer(&[consumer])])]).await;
    let hole = trouble(&jaeger.backend("jaeger")).await;
    assert_eq!(hole, "its spans link to 17 traces, of which 16 were read");
}

#[test]
fn settings_that_cannot_be_sent_or_would_be_shown_are_refused() {
    let shown = parse_source("jaeger=http://me:s3cret@127.0.0.1:1").unwrap_err();
    assert!(
        shown.starts_with("the address of a backend contains a user or a password"),
        "{shown}"
    );
    assert!(!shown.contains("s3cret"));
    let mut settings = parse_source("tempo=http://127.0.0.1:1").unwrap();
    settings.tenant = Some("a\nb".to_owned());
    let tenant = Backend::new(settings).unwrap_err().to_string();
    assert!(
        tenant.starts_with("invalid `tenant` of `source`"),
        "{tenant}"
    );
}

#[tokio::test]
async fn an_answer_that_no_repetition_can_change_ends_the_run() {
    let path = format!("/api/v3/traces/{PLACED}");
    let page = "<!doctype html><title>Sign in</title>";
    let redirect = Answer {
        headers: vec![("location", "https://login.example/")],
        ..answer(302, "")
    };
    let gateway = answer(400, r#"{"error":"invalid trace id"}"#);
    for (first, expected) in [
        (
            answer(401, "no token"),
            "answers 401 Unauthorized: no token; check the credentials: `headers` of `source`, and their variables",
        ),
        (
            answer(200, page),
            "answers 200 OK with a web page; check the address and the credentials of `source`: a proxy or a login page answers",
        ),
        (
            redirect,
            "redirects to https://login.example/; check the address of `source`: a login page, or `https` instead of `http`",
        ),
        (
            gateway,
            "answers 400 Bad Request: {\"error\":\"invalid trace id\"}; check the address of `source`, and the version of the backend",
        ),
        (
            answer(200, "{\"data\":[]}"),
            "answers something unreadable: JSON, but not OTLP/JSON: no document in it has the key `resourceSpans` (nor `scopeSpans`, `batches`, `trace` or `result`, as the Java exporter, Tempo and Jaeger's API v3 write): {\"data\":[]}; check the address of `source`, and the version of the backend",
        ),
    ] {
        let old = format!("/api/traces/{PLACED}");
        let jaeger = Replay::of([(&path, vec![first.clone()]), (&old, vec![first])]).await;
        let why = refusal(&jaeger.backend("jaeger")).await;
        assert_eq!(
            why,
            format!("Jaeger at http://{}/ {expected}", jaeger.address)
        );
    }
}

#[tokio::test]
async fn a_backend_that_is_busy_is_asked_again() {
    let path = format!("/api/v3/traces/{REFUSED}");
    let busy = Answer {
        headers: vec![("retry-after", "0")],
        ..answer(429, "")
    };
    let whole = recorded!("backends/jaeger/v3-trace-refused.json");
    let jaeger = Replay::of([(
        &path,
        vec![busy, answer(503, "starting"), answer(200, whole)],
    )])
    .await;
    let trace = settled(&jaeger.backend("jaeger"), REFUSED).await;
    assert_eq!(trace.holes(), []);
}

#[tokio::test]
async fn a_backend_that_cannot_be_reached_leaves_a_hole() {
    let jaeger = Replay::of([]).await;
    let backend = jaeger.backend("jaeger");
    drop(jaeger);
    let hole = trouble(&backend).await;
    assert!(hole.contains(" cannot be reached: "), "{hole}");
}

/// A server with the certificate of `tests/tls`, which knows no trace.
#[cfg(feature = "tls")]
async fn tls_server() -> (std::net::SocketAddr, JoinSet<()>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let file = |name: &str| {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/tls")
            .join(name)
    };
    let chain = CertificateDer::pem_file_iter(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await.ok()?;
                let mut request = [0; 4096];
                while client.read(&mut request).await.ok()? > 0 {
                    let body = recorded!("backends/jaeger/v3-trace-unknown.json");
                    let length = body.len();
                    let head =
                        format!("HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\n\r\n");
                    client.write_all(head.as_bytes()).await.ok()?;
                    client.write_all(body).await.ok()?;
                }
                Some(())
            });
        }
    });
    (address, server)
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_the_run_and_its_authority_can_be_given() {
    let (address, _server) = tls_server().await;
    let settings = |ca: Option<&str>| {
        let mut settings =
            parse_source(&format!("jaeger=https://localhost:{}", address.port())).unwrap();
        settings.tls.ca = ca.map(|name| {
            std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/tls")
                .join(name)
        });
        settings
    };
    let why = refusal(&Backend::new(settings(None)).unwrap()).await;
    assert!(why.contains(" is not trusted: "), "{why}");
    assert!(why.contains("tls: { ca: … }"), "{why}");
    let trusted = Backend::new(settings(Some("authority.pem"))).unwrap();
    let known = trusted.adapter.fetch(id(PLACED)).await.unwrap();
    assert_eq!(known.spans, []);
    let missing = Backend::new(settings(Some("nothing.pem"))).unwrap_err();
    assert!(missing.to_string().contains("nothing.pem"), "{missing}");
}

#[tokio::test]
async fn a_search_ends_after_its_time_and_waits_for_slow_answers_until_then() {
    let second = Duration::from_secs(1);
    let never = ask_again(second, || {
        std::future::pending::<Result<(), FetchError>>().boxed()
    });
    let expected = SearchError {
        why: "the search took longer than 1 s".to_owned(),
        help: "choose a shorter `since`, or add conditions to `find`".to_owned(),
    };
    assert_eq!(never.await, Err(expected));
    let slow = ask_again(10 * second, || {
        async {
            tokio::time::sleep(second).await;
            Ok(7)
        }
        .boxed()
    });
    assert_eq!(slow.await, Ok(7));
}

#[tokio::test]
async fn a_search_does_not_wait_longer_than_its_time() {
    let huge = u64::MAX.to_string();
    for header in ["retry-after", "x-ratelimit-reset"] {
        let busy = Answer {
            headers: vec![(header, huge.clone().leak())],
            ..answer(429, "")
        };
        let zipkin = Replay::of([("/api/v2/traces", vec![busy])]).await;
        let backend = zipkin.backend("zipkin");
        let error = backend.search(&SearchQuery::default()).await.unwrap_err();
        assert!(error.why.contains("answers 429"), "{error:?}");
        let error = backend.adapter.search(&SearchQuery::default()).await;
        assert_eq!(error.unwrap_err().after(), Duration::from_hours(1));
    }
    let later = ask_again::<()>(LONGEST_SEARCH, || {
        let error = FetchError::Later {
            why: "busy".to_owned(),
            after: Some(Duration::MAX),
            help: String::new(),
        };
        std::future::ready(Err(error)).boxed()
    });
    assert_eq!(later.await.unwrap_err().why, "busy");
}
