//! Hostile clients, and clients of other protocols.

use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use spanspec::{Origin, Receiver, Store, otlp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    JSON, PROTOBUF, TRACES, names, post, receiver, request, soon, span, trace_id,
};

/// Sends bytes and returns everything that comes back until the connection ends.
pub(crate) async fn converse(receiver: &Receiver, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    soon(stream.write_all(bytes)).await.unwrap();
    let mut response = Vec::new();
    // A client whose connection is closed while it sends may see a reset.
    let _ = soon(stream.read_to_end(&mut response)).await;
    String::from_utf8_lossy(&response).into_owned()
}

async fn still_serves(receiver: &Receiver) {
    let body = request("s", vec![span(9, 9, "alive")]);
    assert_eq!(post(receiver, "/v1/traces", PROTOBUF, body).await.0, 200);
    assert_eq!(names(receiver, 9), ["alive"]);
}

#[tokio::test]
async fn a_tls_handshake_is_refused_with_the_remedy() {
    let receiver = receiver().await;
    let hello = [
        0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03,
    ];
    // TLS libraries recognize plain HTTP, and say so.
    let answer = converse(&receiver, &hello).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("use http:// in the endpoint"), "{answer}");
    let stats = receiver.stats();
    assert_eq!(stats.refusals[0].endpoint, "a TLS handshake");
    assert!(
        stats.refusals[0]
            .remedy
            .contains("OTEL_EXPORTER_OTLP_INSECURE=true")
    );
    still_serves(&receiver).await;
}

#[tokio::test]
async fn invalid_http_only_closes_its_connection() {
    let receiver = receiver().await;
    for bytes in [
        &b"\0\0\0\0\0\0\0\0"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense, and more",
    ] {
        converse(&receiver, bytes).await;
    }
    still_serves(&receiver).await;
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_a_hole() {
    let headers: String = (0..120).map(|n| format!("x-{n}: 1\r\n")).collect();
    let post = |more: &str| format!("POST /v1/traces HTTP/1.1\r\nhost: x\r\n{more}");
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (bytes, remedy) in [
        ("\x16\x03\x01".to_owned(), "OTEL_EXPORTER_OTLP_INSECURE"),
        (
            post(&format!("{headers}\r\n")),
            "OTEL_EXPORTER_OTLP_HEADERS",
        ),
        (post("not a header\r\n\r\n"), "send only OTLP"),
        (post("content-length: many\r\n\r\n"), "send only OTLP"),
        (format!("{preface}nonsense, and more"), "send only OTLP"),
    ] {
        let receiver = receiver().await;
        let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
        converse(&receiver, bytes.as_bytes()).await;
        soon(follow.changed()).await;
        let snapshot = follow.snapshot();
        let [hole] = snapshot.trace.holes() else {
            panic!("{bytes:?}: {:?}", snapshot.trace.holes());
        };
        assert!(hole.remedy.contains(remedy), "{bytes:?}: {hole:?}");
        assert!(hole.sender.peer.is_some());
    }
}

/// A gRPC export of one span, as bytes of a connection of HTTP/2.
fn grpc_export(authority: &str) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    let literal = |name: &[u8], value: &str| {
        let length = u8::try_from(value.len()).unwrap();
        [name, &[length], value.as_bytes()].concat()
    };
    // `:method: POST`, `:scheme: http`, `:path`, `:authority` and `content-type` of the static table.
    let headers = [
        vec![0x83, 0x86],
        literal(&[4], TRACES),
        literal(&[1], authority),
        literal(&[0x0f, 16], "application/grpc"),
    ];
    let message = request("order", vec![span(1, 1, "it")]);
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0], length.as_slice(), &message].concat();
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, &[]),
        frame(1, 4, 1, &headers.concat()),
        frame(0, 1, 1, &body),
    ]
    .concat()
}

#[tokio::test]
async fn an_export_to_the_name_of_an_envoy_cluster_arrives_or_is_a_hole() {
    for (authority, is_valid) in [
        ("127.0.0.1:4317", true),
        ("opentelemetry_collector", true),
        (
            "outbound|4317||otel-collector.observability.svc.cluster.local",
            false,
        ),
    ] {
        let receiver = receiver().await;
        let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
        let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
        stream.write_all(&grpc_export(authority)).await.unwrap();
        soon(follow.changed()).await;
        let snapshot = follow.snapshot();
        assert_eq!(snapshot.trace.len(), usize::from(is_valid), "{authority}");
        let holes = snapshot.trace.holes();
        assert_eq!(holes.is_empty(), is_valid, "{authority}: {holes:?}");
        if !is_valid {
            assert!(
                holes[0].remedy.contains("set `authority: spanspec`"),
                "{holes:?}"
            );
        }
        still_serves(&receiver).await;
    }
}

#[tokio::test]
async fn a_request_that_ends_within_its_headers_is_a_hole_and_a_connection_without_data_is_none() {
    let receiver = receiver().await;
    let mut follow = receiver.follow(trace_id(1), Origin::Foreign);
    // Ports are probed by connecting.
    drop(TcpStream::connect(receiver.addresses()[0]).await.unwrap());
    still_serves(&receiver).await;
    assert_eq!(follow.snapshot().trace.holes(), []);
    let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    stream.write_all(b"POST /v1/traces HT").await.unwrap();
    drop(stream);
    soon(follow.changed()).await;
    assert_eq!(follow.snapshot().trace.holes().len(), 1);
}

#[tokio::test]
async fn silent_clients_do_not_block_others() {
    let receiver = receiver().await;
    let mut silent = Vec::new();
    for at in 0..200 {
        let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
        if at % 2 == 0 {
            stream.write_all(b"PRI * HT").await.unwrap();
        }
        silent.push(stream);
    }
    still_serves(&receiver).await;
}

#[tokio::test]
async fn a_body_that_ends_early_is_discarded() {
    let receiver = receiver().await;
    let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    let head = b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
        content-length: 1000\r\n\r\nshort";
    stream.write_all(head).await.unwrap();
    drop(stream);
    still_serves(&receiver).await;
    assert_eq!(receiver.stats().spans, 1);
}

#[tokio::test]
async fn bodies_that_never_end_do_not_block_others() {
    let receiver = receiver().await;
    let mut unfinished = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
        let head =
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n\
            content-length: 1000\r\n\r\nshort";
        stream.write_all(head).await.unwrap();
        unfinished.push(stream);
    }
    still_serves(&receiver).await;
}

/// `begin`, then `piece` until the request has this number of MiB, then `end`.
fn repeated(begin: &str, piece: &str, end: &str, mib: usize) -> Vec<u8> {
    let times = (mib << 20) / piece.len();
    [begin, &piece.repeat(times), end].concat().into_bytes()
}

/// A protobuf message with this field.
fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut message = vec![tag << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut message);
    message.extend_from_slice(content);
    message
}

#[tokio::test]
async fn a_small_request_that_would_become_a_large_structure_is_refused() {
    let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}"#;
    let attributes = r#"{"resourceSpans":[{"resource":{"attributes":[1"#;
    let values =
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[{}"#;
    let points = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{}"#;
    let empty = |tag: u8, mib: usize| [tag << 3 | 2, 0].repeat(mib << 19);
    let metrics = "/v1/metrics";
    let bombs = [
        ("/v1/traces", JSON, repeated(spans, ",{}", "]}]}]}", 13)),
        (
            "/v1/traces",
            JSON,
            repeated(r#"{"resourceSpans":[{}"#, ",{}", "]}", 3),
        ),
        ("/v1/traces", JSON, repeated(attributes, ",1", "]}}]}", 3)),
        ("/v1/logs", JSON, repeated(values, ",{}", "]}}}]}]}]}", 13)),
        (metrics, JSON, repeated(points, ",{}", "]}}]}]}]}", 13)),
        ("/v1/traces", PROTOBUF, empty(1, 3)),
        ("/v1/traces", PROTOBUF, field(1, &empty(2, 3))),
        ("/v1/traces", PROTOBUF, field(1, &field(1, &empty(1, 9)))),
        (
            "/v1/traces",
            PROTOBUF,
            field(1, &field(2, &field(2, &empty(9, 9)))),
        ),
        ("/v1/logs", PROTOBUF, field(1, &field(2, &empty(2, 9)))),
        (
            metrics,
            PROTOBUF,
            field(1, &field(2, &field(2, &field(5, &empty(1, 9))))),
        ),
    ];
    let receiver = receiver().await;
    for (at, (path, content_type, body)) in bombs.into_iter().enumerate() {
        let (status, _, answer) = post(&receiver, path, content_type, body).await;
        assert!([400, 413].contains(&status), "bomb {at}: {status}");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("more than "), "bomb {at}: {answer}");
    }
    still_serves(&receiver).await;
}

proptest! {
    #[test]
    fn no_bytes_make_the_store_or_the_reader_panic(bytes in vec(any::<u8>(), 0..300)) {
        let store = Store::new();
        let _ = store.ingest(&bytes);
        let _ = otlp::read(&bytes);
    }

    #[test]
    fn no_change_to_a_request_makes_the_store_or_the_reader_panic(
        at in any::<proptest::sample::Index>(),
        bytes in vec(any::<u8>(), 0..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut changed = request("shop", vec![span(1, 1, "one"), span(1, 2, "two")]);
        let at = at.index(changed.len());
        let end = (at + 2).min(changed.len());
        changed.splice(at..end, bytes);
        changed.truncate(cut.index(changed.len() + 1));
        let store = Store::new();
        let mut follow = store.follow(trace_id(1), Origin::Foreign);
        let _ = store.ingest(&changed);
        follow.snapshot();
        let _ = otlp::read(&changed);
    }
}
