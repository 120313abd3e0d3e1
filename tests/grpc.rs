//! Calls of gRPC methods: what a server receives, and what is made of its answers.

mod support;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response as Reply};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use prost::Message;
use spanspec::internal::spec::Trigger;
use spanspec::internal::trigger::{Session, TraceContext, TriggerError, fire};
use spanspec::{Context, GrpcCode, GrpcResponse, Response, Source, Spec};
use support::{ClosedPort, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CHARGE: &str = "/shop.v1.Payment/Charge";
const V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const V1_ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

/// A local schema, as a key of `grpc`.
const DESCRIPTORS: &str = "descriptors: tests/fixtures/grpc/payment.binpb";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The trigger of a spec whose `grpc` has these lines.
fn trigger(lines: &[&str]) -> Trigger {
    let text = format!("grpc:\n  {}\nexpect: {{ errors: 0 }}\n", lines.join("\n  "));
    let source = Source::new("specs/grpc.yaml".to_owned(), text);
    let specs = Spec::read_all(&source, &root(), &Context::default());
    let specs = specs.unwrap_or_else(|errors| panic!("{errors}"));
    specs[0].steps[0].trigger(&specs[0].scope()).unwrap()
}

async fn called(lines: &[&str]) -> Result<GrpcResponse, TriggerError> {
    let trigger = trigger(lines);
    let context = TraceContext::of(&trigger);
    match fire(&trigger, &context, &Session::default()).await? {
        Response::Grpc(grpc) => Ok(*grpc),
        other => panic!("{other:?}"),
    }
}

async fn answered(lines: &[&str]) -> GrpcResponse {
    called(lines)
        .await
        .unwrap_or_else(|error| panic!("{error}: {:?}", error.help()))
}

/// The text of an error, and its help.
async fn refused(lines: &[&str]) -> (String, String) {
    let error = called(lines).await.unwrap_err();
    let help = error.help().unwrap_or_default().to_owned();
    (error.to_string(), help)
}

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Received {
    path: String,
    headers: HeaderMap,
    messages: Vec<Bytes>,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// The requests that a server received.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<Received>>>);

impl Log {
    fn of(&self, path: &str) -> Vec<Received> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|one| one.path == path).cloned().collect()
    }
}

fn app<A>(answer: A) -> (Router, Log)
where
    A: Fn(&Received) -> Reply<Body> + Clone + Send + Sync + 'static,
{
    let log = Log::default();
    let received = log.clone();
    let app = Router::new().fallback(async move |request: Request| {
        let (parts, body) = request.into_parts();
        let one = Received {
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            messages: unframed(&to_bytes(body, usize::MAX).await.unwrap()),
        };
        let reply = answer(&one);
        received.0.lock().unwrap().push(one);
        reply
    });
    (app, log)
}

/// The line of a call to a server with these answers.
async fn server<A>(answer: A) -> (String, Log)
where
    A: Fn(&Received) -> Reply<Body> + Clone + Send + Sync + 'static,
{
    let (app, log) = app(answer);
    let address = serve(app).await;
    (format!("call: {address}{CHARGE}"), log)
}

fn unframed(mut body: &[u8]) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while let Some((prefix, rest)) = body.split_at_checked(5) {
        let length = u32::from_be_bytes(prefix[1..].try_into().unwrap());
        let (message, rest) = rest.split_at(usize::try_from(length).unwrap());
        messages.push(Bytes::copy_from_slice(message));
        body = rest;
    }
    messages
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap();
    let prefix: Vec<u8> = [&[0][..], &length.to_be_bytes()].concat();
    [&prefix, message].concat().into()
}

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let all = all.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    all.collect()
}

/// Messages, and then trailers.
fn reply(messages: &[Bytes], trailers: &[(&str, &str)]) -> Reply<Body> {
    let data = messages.iter().map(|message| Frame::data(framed(message)));
    let frames: Vec<_> = data
        .chain([Frame::trailers(headers(trailers))])
        .map(Ok::<_, std::io::Error>)
        .collect();
    grpc(Body::new(StreamBody::new(stream::iter(frames))))
}

fn grpc(body: Body) -> Reply<Body> {
    let kind = ("content-type", "application/grpc");
    Reply::builder().header(kind.0, kind.1).body(body).unwrap()
}

/// A status and nothing else.
fn only(trailers: &[(&str, &str)]) -> Reply<Body> {
    let mut reply = grpc(Body::empty());
    reply.headers_mut().extend(headers(trailers));
    reply
}

fn unimplemented() -> Reply<Body> {
    only(&[("grpc-status", "12"), ("grpc-message", "unknown service")])
}

#[derive(Clone, PartialEq, Message)]
struct ChargeReply {
    #[prost(string, tag = "1")]
    transaction_id: String,
    #[prost(string, repeated, tag = "15")]
    unknown: Vec<String>,
}

fn charged(id: &str) -> Bytes {
    let reply = ChargeReply {
        transaction_id: id.to_owned(),
        ..ChargeReply::default()
    };
    reply.encode_to_vec().into()
}

fn ok() -> Reply<Body> {
    reply(&[charged("tx-1")], &[("grpc-status", "0")])
}

#[derive(Clone, PartialEq, Message)]
struct FileSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct FileName {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Question {
    #[prost(string, optional, tag = "3")]
    file: Option<String>,
    #[prost(string, optional, tag = "4")]
    symbol: Option<String>,
    #[prost(string, optional, tag = "7")]
    list: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "4")]
    files: Option<FileSet>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error: Option<Problem>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<FileName>,
}

#[derive(Clone, PartialEq, Message)]
struct Problem {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The answers of a reflection service that sends each file alone.
fn reflect(received: &Received, has: fn(&str) -> bool) -> Reply<Body> {
    let set = std::fs::read(root().join("tests/fixtures/grpc/payment.binpb")).unwrap();
    let files = FileSet::decode(set.as_slice()).unwrap().files;
    let file = |name: &str| {
        let named = |file: &&Vec<u8>| FileName::decode(file.as_slice()).unwrap().name == name;
        files.iter().find(named).filter(|_| has(name)).cloned()
    };
    let answers = received.messages.iter().map(|message| {
        let question = Question::decode(message.clone()).unwrap();
        let found = match (&question.symbol, &question.file) {
            (Some(symbol), _) if symbol == "shop.v1.Payment" => file("shop/v1/payment.proto"),
            (None, Some(name)) => file(name),
            _ => None,
        };
        let mut answer = Answer::default();
        match (found, question.list) {
            (Some(file), _) => answer.files = Some(FileSet { files: vec![file] }),
            (None, Some(_)) => {
                let name = "shop.v1.Payment".to_owned();
                let services = vec![FileName { name }];
                answer.services = Some(Services { services });
            }
            (None, None) => {
                let message = "not found".to_owned();
                answer.error = Some(Problem { code: 5, message });
            }
        }
        Bytes::from(answer.encode_to_vec())
    });
    reply(&answers.collect::<Vec<_>>(), &[("grpc-status", "0")])
}

#[tokio::test]
async fn a_call_sends_message_metadata_deadline_and_trace_context() {
    let (call, log) = server(|_| ok()).await;
    let response = answered(&[
        &call,
        DESCRIPTORS,
        "message: { order_id: A1 }",
        "metadata: { x-tenant: [a, b], key-bin: AAEC }",
        "timeout: 20s",
    ])
    .await;
    assert_eq!(response.code, GrpcCode::OK);
    let id = response.json().unwrap();
    assert_eq!(id.to_json()["transaction_id"], "tx-1");

    let [received] = log.of(CHARGE).try_into().unwrap();
    assert_eq!(received.messages, [Bytes::from_static(b"\x0a\x02A1")]);
    assert_eq!(received.header("content-type"), "application/grpc");
    assert_eq!(received.header("te"), "trailers");
    assert_eq!(received.header("grpc-timeout"), "20000000u");
    assert_eq!(received.header("key-bin"), "AAEC");
    assert!(received.header("traceparent").ends_with("-01"));
    let tenants: Vec<_> = received.headers.get_all("x-tenant").iter().collect();
    assert_eq!(tenants, ["a", "b"]);
}

#[tokio::test]
async fn metadata_and_trailers_are_told_apart() {
    let (call, _) = server(|_| {
        let mut reply = reply(&[charged("tx-1")], &[("grpc-status", "0"), ("x-cost", "3")]);
        reply.headers_mut().extend(headers(&[("x-region", "eu")]));
        reply
    })
    .await;
    let response = answered(&[&call, DESCRIPTORS]).await;
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(response.metadata, pair("x-region", "eu"));
    assert_eq!(response.trailers, pair("x-cost", "3"));
}

#[tokio::test]
async fn reflection_collects_the_imports_one_by_one_without_recording_spans() {
    let (call, log) = server(|received| match received.path.as_str() {
        V1 => reflect(received, |_| true),
        _ => ok(),
    })
    .await;
    let response = answered(&[&call, "message: { amount: { units: 5 } }"]).await;
    assert_eq!(response.messages.len(), 1);
    let asked = log.of(V1);
    assert_eq!(asked.len(), 2);
    for received in asked {
        assert!(received.header("traceparent").ends_with("-00"));
    }
}

#[tokio::test]
async fn an_older_server_is_asked_by_the_older_reflection_service() {
    let (call, log) = server(|received| match received.path.as_str() {
        V1 => unimplemented(),
        V1_ALPHA => reflect(received, |_| true),
        _ => ok(),
    })
    .await;
    answered(&[&call]).await;
    assert_eq!(log.of(CHARGE).len(), 1);
}

#[tokio::test]
async fn a_server_without_reflection_needs_a_local_schema() {
    let (call, log) = server(|_| unimplemented()).await;
    let (text, help) = refused(&[&call]).await;
    assert!(text.ends_with("has no reflection service"), "{text}");
    assert!(help.contains("add `proto: protos/shop.proto`"), "{help}");
    assert!(log.of(CHARGE).is_empty());
}

#[tokio::test]
async fn an_incomplete_schema_of_reflection_names_the_missing_file() {
    let (call, _) = server(|received| match received.path.as_str() {
        V1 => reflect(received, |file| !file.ends_with("money.proto")),
        _ => ok(),
    })
    .await;
    let (text, _) = refused(&[&call]).await;
    let missing = "no file `shop/v1/money.proto`, which `shop/v1/payment.proto` imports";
    assert!(text.contains(missing), "{text}");
}

#[tokio::test]
async fn names_that_reflection_does_not_know_have_a_place_and_a_suggestion() {
    let (call, log) = server(|received| match received.path.as_str() {
        V1 => reflect(received, |_| true),
        _ => ok(),
    })
    .await;
    let service = call.replace("shop.v1.Payment", "shop.Payment");
    let method = call.replace("Charge", "Charg");
    for (lines, text, help, line) in [
        (
            [service.as_str(), ""],
            "unknown service `shop.Payment`",
            "did you mean `shop.v1.Payment`?",
            2,
        ),
        (
            [&method, ""],
            "service `shop.v1.Payment` has no method `Charg`",
            "did you mean `Charge`?",
            2,
        ),
        (
            [&call, "message: { order_idd: A1 }"],
            "message shop.v1.ChargeRequest has no field `order_idd`",
            "did you mean `order_id`?",
            3,
        ),
        (
            [&call, "messages: [{ order_id: A1 }]"],
            "`Charge` takes one message, and not a stream",
            "write `message: …`",
            3,
        ),
    ] {
        let error = called(&lines).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(error.help().unwrap().contains(help), "{:?}", error.help());
        let TriggerError::Spec(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.at.line(), line);
    }
    assert!(log.of(CHARGE).is_empty());
}

#[tokio::test]
async fn an_error_has_its_message_and_details_some_of_an_unknown_type() {
    // google.rpc.Status with ErrorInfo { reason: "x" } and a type that nobody describes.
    let details = "Gi8KKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5FcnJvckluZm8SAwoBeBoXChBh\
                   LnRlc3Qvc2hvcC5Ob25lEgMKAXg";
    let (call, _) = server(move |_| {
        only(&[
            ("grpc-status", "5"),
            ("grpc-message", "gr%C3%BCn %2F"),
            ("grpc-status-details-bin", details),
        ])
    })
    .await;
    let response = answered(&[&call, DESCRIPTORS]).await;
    assert_eq!(response.status(), "NOT_FOUND: grün /");
    assert_eq!(response.unknown_details, ["shop.None"]);
    let [known, unknown] = response.details.try_into().unwrap();
    assert_eq!(known.to_json()["reason"], "x");
    assert_eq!(unknown.to_json()["value"], "CgF4");
}

#[tokio::test]
async fn messages_of_megabytes_are_sent_and_received() {
    let half = "a".repeat(2_000_000);
    let (call, log) = server(|_| {
        let trailers = [("grpc-status", "0")];
        reply(&[charged(&"a".repeat(5_000_000))], &trailers)
    })
    .await;
    let message = format!("message: {{ order_id: {half}, token: {half} }}");
    let response = answered(&[&call, DESCRIPTORS, &message]).await;
    assert!(log.of(CHARGE)[0].messages[0].len() > 3_400_000);
    assert_eq!(response.bytes, 5_000_005);
}

#[tokio::test]
async fn a_stream_that_never_ends_stops_at_the_deadline_with_its_messages() {
    let (call, _) = server(|_| {
        let one = Frame::data(framed(&charged("tx-1")));
        let one = stream::iter([Ok::<_, std::io::Error>(one)]);
        grpc(Body::new(StreamBody::new(one.chain(stream::pending()))))
    })
    .await;
    let response = answered(&[&call, DESCRIPTORS, "timeout: 500ms"]).await;
    assert_eq!(response.code, GrpcCode::DEADLINE_EXCEEDED);
    assert_eq!(response.messages.len(), 1);
}

#[tokio::test]
async fn an_answer_without_a_status_is_no_answer() {
    let (call, _) = server(|_| reply(&[charged("tx-1")], &[])).await;
    let (text, help) = refused(&[&call, DESCRIPTORS]).await;
    assert!(text.contains("without a gRPC status"), "{text}");
    assert!(help.contains("removed the trailers"), "{help}");

    // A message that is cut.
    let (call, _) = server(|_| {
        let frames = [
            Frame::data(Bytes::from_static(&[0, 0, 0, 0, 9, 1])),
            Frame::trailers(headers(&[("grpc-status", "0")])),
        ];
        let frames = frames.map(Ok::<_, std::io::Error>);
        grpc(Body::new(StreamBody::new(stream::iter(frames))))
    })
    .await;
    let (text, _) = refused(&[&call, DESCRIPTORS]).await;
    assert!(text.contains("without a gRPC status"), "{text}");
}

#[tokio::test]
async fn a_method_without_a_stream_returns_one_message() {
    for messages in [vec![], vec![charged("tx-1"), charged("tx-2")]] {
        let count = messages.len();
        let (call, _) = server(move |_| reply(&messages, &[("grpc-status", "0")])).await;
        let (text, _) = refused(&[&call, DESCRIPTORS]).await;
        let expected = format!("the response has {count} messages, but the method returns one");
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[tokio::test]
async fn a_message_of_another_type_is_an_error_with_the_type() {
    let broken = Bytes::from_static(b"\x0a\x7fshort");
    let (call, _) =
        server(move |_| reply(std::slice::from_ref(&broken), &[("grpc-status", "0")])).await;
    let (text, help) = refused(&[&call, DESCRIPTORS]).await;
    assert!(text.contains("not of type shop.v1.ChargeReply"), "{text}");
    assert!(help.contains("the version of the server"), "{help}");
}

#[tokio::test]
async fn the_page_of_a_proxy_is_not_grpc() {
    let (call, _) = server(|_| {
        let page = Reply::builder()
            .status(502)
            .header("content-type", "text/html");
        page.body(Body::from("<html>bad gateway")).unwrap()
    })
    .await;
    let (text, _) = refused(&[&call, DESCRIPTORS]).await;
    assert!(
        text.starts_with("the response is not gRPC: status 502, content-type text/html"),
        "{text}"
    );
    assert!(text.contains("<html>bad gateway"), "{text}");
}

/// A server that answers any connection with these bytes.
async fn raw_server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(answer).await;
            // Until the client closes: a server that closes first loses its answer.
            while stream
                .read(&mut [0; 4096])
                .await
                .is_ok_and(|count| count > 0)
            {}
        }
    });
    format!("call: {address}{CHARGE}")
}

#[tokio::test]
async fn a_server_of_http_1_is_named() {
    let call = raw_server(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let (text, help) = refused(&[&call, DESCRIPTORS]).await;
    assert!(text.starts_with("the response is not HTTP/2"), "{text}");
    assert!(help.contains("HTTP/1"), "{help}");
}

#[tokio::test]
async fn a_closed_port_refuses_with_or_without_a_schema() {
    let port = ClosedPort::reserve();
    let call = format!("call: 127.0.0.1:{}{CHARGE}", port.number());
    for lines in [&[call.as_str(), DESCRIPTORS][..], &[call.as_str()]] {
        let error = called(lines).await.unwrap_err();
        assert!(error.is_refused(), "{error:?}");
    }
}

fn pem(name: &str) -> String {
    let path: &Path = &root().join("tests/tls").join(name);
    path.to_str().unwrap().to_owned()
}

/// A server with TLS for `localhost`, which can require a certificate of our authority.
async fn tls_server(with_clients: bool) -> String {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::server::WebPkiClientVerifier;
    use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs};

    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = match with_clients {
        false => config.with_no_client_auth(),
        true => {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_file(pem("authority.pem"));
            roots.add(authority.unwrap()).unwrap();
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(builder.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_file(pem("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(pem("server.key")).unwrap();
    let mut config = config.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (app, _) = app(|_| ok());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, app) = (acceptor.clone(), app.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = hyper_util::service::TowerToHyperService::new(app);
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    format!("call: https://localhost:{port}{CHARGE}")
}

#[tokio::test]
async fn a_server_with_tls_is_trusted_by_its_authority_only() {
    let call = tls_server(false).await;
    let authority = format!("tls: {{ ca: {} }}", pem("authority.pem"));
    let response = answered(&[&call, DESCRIPTORS, &authority]).await;
    assert_eq!(response.code, GrpcCode::OK);
    let (text, _) = refused(&[&call, DESCRIPTORS]).await;
    assert!(text.contains("is not trusted"), "{text}");
    let plain = call.replace("https://", "http://");
    let (text, help) = refused(&[&plain, DESCRIPTORS]).await;
    assert!(help.contains("https"), "{text}: {help}");
}

#[tokio::test]
async fn a_server_that_requires_a_certificate_gets_ours() {
    let call = tls_server(true).await;
    let authority = pem("authority.pem");
    let ours = format!(
        "tls: {{ ca: {authority}, cert: {}, key: {} }}",
        pem("server.pem"),
        pem("server.key")
    );
    let response = answered(&[&call, DESCRIPTORS, &ours]).await;
    assert_eq!(response.code, GrpcCode::OK);
    let without = format!("tls: {{ ca: {authority} }}");
    let (text, help) = refused(&[&call, DESCRIPTORS, &without]).await;
    assert!(help.contains("tls: { cert: …, key: … }"), "{text}: {help}");
}
