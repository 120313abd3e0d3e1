//! Triggers against real sockets and real processes.

mod support;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body as Stream;
use axum::extract::Request as Incoming;
use axum::http::{Response as Reply, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use serde_json::{Value, json};
use spanspec::internal::spec::{Body, Part, PartContent, Propagation, Request, Tls, Trigger};
use spanspec::internal::trigger::{Session, TraceContext, TriggerError, fire};
use spanspec::{HttpResponse, Response};
use support::{ClosedPort, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn request(method: &str, url: &str) -> Request {
    Request {
        timeout: Some(support::DEADLINE),
        ..Request::new(method.parse().unwrap(), url.parse().unwrap())
    }
}

fn with_headers(mut request: Request, headers: &[(&'static str, &'static str)]) -> Request {
    for (name, value) in headers {
        let value = http::HeaderValue::from_static(value);
        request
            .headers
            .push((http::HeaderName::from_static(name), value));
    }
    request
}

async fn try_send(request: Request, session: &Session) -> Result<HttpResponse, TriggerError> {
    let trigger = Trigger::Request(Box::new(request));
    match fire(&trigger, &TraceContext::of(&trigger), session).await? {
        Response::Http(response) => Ok(response),
        other => panic!("a request gave {other:?}"),
    }
}

async fn send(request: Request) -> HttpResponse {
    try_send(request, &Session::new()).await.unwrap()
}

async fn refusal(request: Request) -> TriggerError {
    try_send(request, &Session::new()).await.unwrap_err()
}

/// The error and its causes, as a reporter would print them.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}

/// Answers with what it got.
async fn echo(request: Incoming) -> String {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers: serde_json::Map<_, _> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    json!({
        "method": parts.method.as_str(),
        "path": parts.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    })
    .to_string()
}

fn echoed(response: &HttpResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

fn redirect(status: u16, location: String) -> impl IntoResponse {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("location", location)])
}

async fn echo_server() -> SocketAddr {
    serve(Router::new().fallback(echo)).await
}

#[tokio::test]
async fn a_request_carries_the_context_and_nothing_that_nobody_asked_for() {
    let address = echo_server().await;
    let mut request = request("GET", &format!("http://{address}/"));
    request.propagation = Propagation {
        sampled: false,
        trace_state: Some("vendor=1".to_owned()),
        baggage: Some("tenant=acme".to_owned()),
    };
    let trigger = Trigger::Request(Box::new(request));
    let context = TraceContext::of(&trigger);

    let Response::Http(response) = fire(&trigger, &context, &Session::new()).await.unwrap() else {
        panic!("a request gives a response");
    };

    assert!(context.traceparent().ends_with("-00"));
    assert_eq!(
        echoed(&response)["headers"],
        json!({
            "traceparent": context.traceparent(),
            "tracestate": "vendor=1",
            "baggage": "tenant=acme",
            "user-agent": concat!("spanspec/", env!("CARGO_PKG_VERSION")),
            "accept": "*/*",
            "host": address.to_string(),
        })
    );
}

#[tokio::test]
async fn what_the_author_writes_replaces_the_defaults() {
    let url = format!("http://{}/search?page=1", echo_server().await);
    let written = [
        ("user-agent", "me"),
        ("accept", "text/html"),
        ("host", "shop.test"),
        ("content-type", "application/merge-patch+json"),
    ];
    let mut request = with_headers(request("PATCH", &url), &written);
    request.body = Body::Json(json!({"a": 1}).into());
    request.query = vec![("q".to_owned(), "a&b c".to_owned())];

    let seen = echoed(&send(request).await);

    assert_eq!(seen["method"], "PATCH");
    assert_eq!(seen["path"], "/search?page=1&q=a%26b+c");
    assert_eq!(seen["body"], r#"{"a":1}"#);
    for (name, value) in written {
        assert_eq!(seen["headers"][name], value);
    }
}

#[tokio::test]
async fn each_kind_of_body_says_what_it_is() {
    let url = format!("http://{}/", echo_server().await);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from a file").unwrap();
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (body, content_type, sent) in [
        (Body::None, Value::Null, ""),
        (
            Body::Json(json!([1]).into()),
            json!("application/json"),
            "[1]",
        ),
        (Body::Text("plain".to_owned()), Value::Null, "plain"),
        (
            Body::File(file.path().to_owned()),
            Value::Null,
            "from a file",
        ),
        (
            Body::Form(vec![field("a", "1 2"), field("a", "ü")]),
            json!("application/x-www-form-urlencoded"),
            "a=1+2&a=%C3%BC",
        ),
    ] {
        let mut request = request("POST", &url);
        request.body = body.clone();
        let seen = echoed(&send(request).await);
        assert_eq!(seen["headers"]["content-type"], content_type, "{body:?}");
        assert_eq!(seen["body"], sent, "{body:?}");
    }
}

#[tokio::test]
async fn a_multipart_body_holds_texts_and_files_with_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cat.txt");
    std::fs::write(&path, "meow").unwrap();
    let part = |name: &str, content, content_type: Option<&str>| Part {
        name: name.to_owned(),
        content,
        content_type: content_type.map(str::to_owned),
        file_name: None,
    };
    let mut request = request("POST", &format!("http://{}/", echo_server().await));
    request.body = Body::Multipart(vec![
        part("title", PartContent::Text("a cat".to_owned()), None),
        part("file", PartContent::File(path), Some("text/cat")),
    ]);

    let seen = echoed(&send(request).await);

    let content_type = seen["headers"]["content-type"].as_str().unwrap();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\
         Content-Type: text/plain\r\n\r\na cat\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cat.txt\"\r\n\
         Content-Type: text/cat\r\n\r\nmeow\r\n--{boundary}--\r\n"
    );
    assert_eq!(seen["body"], expected);
}

#[tokio::test]
async fn a_body_file_that_is_missing_is_named() {
    let mut request = request("POST", "http://127.0.0.1:1/");
    request.body = Body::File(PathBuf::from("no/such.json"));
    let error = refusal(request).await;
    assert!(told(&error).starts_with("failed to read the body from no/such.json: "));
}

#[tokio::test]
async fn a_redirect_is_the_response_unless_it_is_to_be_followed() {
    let app = Router::new()
        .route("/a", any(async || redirect(302, "/b".to_owned())))
        .route("/b", any(async || redirect(307, "/c".to_owned())))
        .fallback(echo);
    let url = format!("http://{}/a", serve(app).await);
    for (redirects, status) in [(0, 302), (1, 307), (2, 200), (9, 200)] {
        let mut request = request("POST", &url);
        request.redirects = redirects;
        assert_eq!(send(request).await.status, status, "{redirects} redirects");
    }
}

#[tokio::test]
async fn a_redirect_keeps_the_trace_and_leaves_credentials_at_home() {
    let elsewhere = echo_server().await;
    let there = format!("http://{elsewhere}/there");
    let app = Router::new().fallback(async move || redirect(307, there));
    let mut request = with_headers(
        request("POST", &format!("http://user:pass@{}/", serve(app).await)),
        &[("cookie", "id=1"), ("x-auth-token", "t"), ("x-plain", "p")],
    );
    request.redirects = 1;
    request.body = Body::Json(json!({}).into());
    let trigger = Trigger::Request(Box::new(request));
    let context = TraceContext::of(&trigger);

    let Response::Http(response) = fire(&trigger, &context, &Session::new()).await.unwrap() else {
        panic!("a request gives a response");
    };

    let seen = echoed(&response);
    assert_eq!(seen["headers"]["traceparent"], context.traceparent());
    assert_eq!(seen["headers"]["x-plain"], "p");
    assert_eq!(seen["headers"]["host"], elsewhere.to_string());
    assert_eq!(seen["body"], "{}");
    for secret in ["authorization", "cookie", "x-auth-token"] {
        assert_eq!(seen["headers"][secret], Value::Null, "{secret}");
    }
}

#[tokio::test]
async fn cookies_last_for_the_session_and_no_longer() {
    let login = async || {
        let headers = [("set-cookie", "id=7; Path=/; HttpOnly")];
        (StatusCode::SEE_OTHER, headers, [("location", "/home")]).into_response()
    };
    let app = Router::new().route("/login", any(login)).fallback(echo);
    let address = serve(app).await;
    let session = Session::new();
    let mut login = request("POST", &format!("http://{address}/login"));
    login.redirects = 1;

    let home = try_send(login, &session).await.unwrap();
    assert_eq!(echoed(&home)["headers"]["cookie"], "id=7");
    assert_eq!(echoed(&home)["method"], "GET");

    let next = request("GET", &format!("http://{address}/next"));
    let own = with_headers(next.clone(), &[("cookie", "theme=dark")]);
    let seen = echoed(&try_send(own, &session).await.unwrap());
    assert_eq!(seen["headers"]["cookie"], "theme=dark; id=7");
    assert_eq!(session.cookie(&next.url, "id").as_deref(), Some("7"));

    assert_eq!(echoed(&send(next).await)["headers"]["cookie"], Value::Null);
}

#[tokio::test]
async fn headers_come_in_lower_case_and_in_order_and_repeated_ones_stay() {
    let reply = async || {
        Reply::builder()
            .header("X-One", "1")
            .header("Set-Cookie", "a=1")
            .header("Set-Cookie", "b=2")
            .header("X-Two", "2")
            .body(Stream::empty())
            .unwrap()
    };
    let url = format!("http://{}/", serve(Router::new().fallback(reply)).await);
    let response = send(request("GET", &url)).await;
    let named = |pair: &&(String, String)| pair.0.starts_with("x-") || pair.0 == "set-cookie";
    let kept: Vec<_> = response
        .headers
        .iter()
        .filter(named)
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(
        kept,
        ["x-one: 1", "set-cookie: a=1", "set-cookie: b=2", "x-two: 2"]
    );
}

#[tokio::test]
async fn a_compressed_body_is_unpacked_and_its_headers_stay() {
    let reply = async || {
        use std::io::Read;
        let mut packed = Vec::new();
        let level = flate2::Compression::default();
        let mut encoder = flate2::read::GzEncoder::new(&b"hello"[..], level);
        encoder.read_to_end(&mut packed).unwrap();
        ([("content-encoding", "gzip")], packed)
    };
    let url = format!("http://{}/", serve(Router::new().fallback(reply)).await);
    let response = send(request("GET", &url)).await;
    assert_eq!(response.text(), "hello");
    assert_eq!(
        response.header("content-encoding").collect::<Vec<_>>(),
        ["gzip"]
    );
}

#[tokio::test]
async fn a_body_that_is_not_what_its_encoding_says_is_an_error() {
    let reply = async || ([("content-encoding", "gzip")], "no gzip");
    let url = format!("http://{}/", serve(Router::new().fallback(reply)).await);
    let error = refusal(request("GET", &url)).await;
    assert!(matches!(error, TriggerError::Encoding { .. }), "{error}");
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_with_an_error() {
    let reply = async || Stream::from(vec![b'x'; 64 * 1024 * 1024 + 1]);
    let url = format!("http://{}/", serve(Router::new().fallback(reply)).await);
    let error = refusal(request("GET", &url)).await;
    assert_eq!(
        error.to_string(),
        format!("the body of the response exceeds 64 MiB (GET {url})")
    );
}

#[tokio::test]
async fn the_time_counts_until_the_body_is_read() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<&str, Infallible>>(1);
    let late = Duration::from_millis(50);
    tokio::spawn(async move {
        tokio::time::sleep(late).await;
        sender.send(Ok("late")).await.unwrap();
    });
    let url = format!("http://{}/", serve(streaming(receiver)).await);
    let response = send(request("GET", &url)).await;
    assert_eq!(response.text(), "late");
    assert!(response.time >= late, "{:?}", response.time);
}

type Chunks = tokio::sync::mpsc::Receiver<Result<&'static str, Infallible>>;

/// Answers with headers at once, and with whatever comes through the channel.
fn streaming(chunks: Chunks) -> Router {
    let chunks = Arc::new(tokio::sync::Mutex::new(Some(chunks)));
    let reply = async move || {
        let chunks = chunks.lock().await.take().unwrap();
        Stream::new(ChannelBody(chunks))
    };
    Router::new().fallback(reply)
}

struct ChannelBody(Chunks);

impl http_body::Body for ChannelBody {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Infallible>>> {
        let frame = |chunk: &'static str| http_body::Frame::data(chunk.into());
        self.0
            .poll_recv(context)
            .map(|chunk| chunk.map(|chunk| chunk.map(frame)))
    }
}

#[tokio::test]
async fn a_refused_connection_says_who_refused_and_can_be_told_apart() {
    let port = ClosedPort::reserve();
    let url = format!("http://user:pass@127.0.0.1:{}/orders", port.number());
    let error = refusal(request("POST", &url)).await;
    assert!(error.is_refused());
    let address = format!("127.0.0.1:{}", port.number());
    assert_eq!(
        error.to_string(),
        format!("connection refused by {address} (POST http://{address}/orders)")
    );
}

#[tokio::test]
async fn an_unknown_host_is_named() {
    // A label of more than 63 letters is refused before any name server is asked, and a proxy is
    // not asked for names below `localhost`.
    let host = format!("{}.localhost", "a".repeat(64));
    let error = refusal(request("GET", &format!("http://{host}/"))).await;
    assert!(!error.is_refused());
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot resolve the host `{host}` (GET ")),
        "{text}"
    );
}

#[tokio::test]
async fn a_response_that_does_not_come_in_time_names_the_timeout() {
    let app = Router::new().fallback(async || std::future::pending::<()>().await);
    let url = format!("http://{}/", serve(app).await);
    let mut request = request("GET", &url);
    request.timeout = Some(Duration::from_millis(20));
    assert_eq!(
        refusal(request).await.to_string(),
        format!("no response within 20 ms (GET {url})")
    );
}

#[tokio::test]
async fn a_body_that_stalls_is_told_from_silence() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    sender.send(Ok("12345")).await.unwrap();
    let url = format!("http://{}/", serve(streaming(receiver)).await);
    let mut request = request("GET", &url);
    request.timeout = Some(Duration::from_secs(2));
    let error = refusal(request).await.to_string();
    let began = "the response was incomplete (5 bytes of its body) within 2 s";
    assert!(error.starts_with(began), "{error}");
}

#[tokio::test]
async fn an_event_stream_that_does_not_end_is_what_arrived_until_the_timeout() {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    sender.send(Ok("data: 1\n\n")).await.unwrap();
    let kind = [("content-type", "Text/Event-Stream; charset=utf-8")];
    let app = streaming(receiver).layer(axum::middleware::map_response(
        move |response: axum::response::Response| async move { (kind, response) },
    ));
    let url = format!("http://{}/", serve(app).await);
    let mut request = request("GET", &url);
    request.timeout = Some(Duration::from_secs(2));
    let response = send(request).await;
    assert_eq!((response.status, &*response.text()), (200, "data: 1\n\n"));
    assert!(response.is_open && response.time >= Duration::from_secs(2));
}

#[tokio::test]
async fn text_is_decoded_from_its_charset_and_an_unknown_one_is_named() {
    use axum::extract::Path;
    let reply = async |Path(charset): Path<String>| {
        let kind = format!("text/plain; charset={charset}");
        ([("content-type", kind)], b"gr\xfc\xdfe".to_vec())
    };
    let app = Router::new().route("/{charset}", get(reply));
    let address = serve(app).await;
    let response = send(request("GET", &format!("http://{address}/latin1"))).await;
    assert_eq!(response.text(), "gr\u{fc}\u{df}e");
    assert_eq!(response.undecoded, None);
    let response = send(request("GET", &format!("http://{address}/klingon"))).await;
    let unknown = response.undecoded.map(|unknown| unknown.to_string());
    assert_eq!(unknown.as_deref(), Some("unknown charset `klingon`"));
}

/// Answers every connection with these bytes, and closes it.
async fn raw_server(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    address
}

#[tokio::test]
async fn a_connection_that_ends_early_is_no_response() {
    for answer in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n",
    ] {
        let url = format!("http://{}/", raw_server(answer).await);
        let error = refusal(request("GET", &url)).await;
        let shown = String::from_utf8_lossy(answer);
        assert!(
            matches!(error, TriggerError::Closed { .. }),
            "{shown}: {error:?}"
        );
        assert!(!error.is_refused());
    }
}

#[tokio::test]
async fn what_is_no_http_is_called_so() {
    let url = format!("http://{}/", raw_server(b"SSH-2.0-OpenSSH_9.2\r\n").await);
    let error = refusal(request("GET", &url)).await;
    assert!(matches!(error, TriggerError::NotHttp { .. }), "{error:?}");
}

fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

/// Answers over TLS as `localhost`, by an authority of ours; may ask for a certificate of ours.
async fn tls_server(clients: Clients) -> u16 {
    tls_server_with(clients, "server").await
}

/// The same with another certificate.
async fn tls_server_with(clients: Clients, name: &str) -> u16 {
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::server::WebPkiClientVerifier;
    use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
    use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs};

    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match clients {
        Clients::Any => config.with_no_client_auth(),
        Clients::Ours => {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_file(pem("authority.pem")).unwrap();
            roots.add(authority).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .build();
            config.with_client_cert_verifier(verifier.unwrap())
        }
        Clients::WithAnyCertificate => config.with_client_cert_verifier(Arc::new(AnyClient)),
    };
    let chain = vec![CertificateDer::from_pem_file(pem(&format!("{name}.pem"))).unwrap()];
    let key = match name {
        "server" => "server.key",
        _ => "self.key",
    };
    let key = PrivateKeyDer::from_pem_file(pem(key)).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    // Without a look at the certificate, which may be of an old version.
    let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = config.with_cert_resolver(Arc::new(resolver));
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let _ = stream.read(&mut [0; 4096]).await?;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await?;
                stream.shutdown().await
            });
        }
    });
    port
}

enum Clients {
    Any,
    Ours,
    WithAnyCertificate,
}

mod any_client {
    use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
    use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
    use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

    /// Asks for a certificate, and accepts any.
    #[derive(Debug)]
    pub(super) struct AnyClient;

    impl ClientCertVerifier for AnyClient {
        fn root_hint_subjects(&self) -> &[DistinguishedName] {
            &[]
        }

        fn verify_client_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: UnixTime,
        ) -> Result<ClientCertVerified, Error> {
            Ok(ClientCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            let provider = aws_lc_rs::default_provider();
            provider
                .signature_verification_algorithms
                .supported_schemes()
        }
    }
}

use any_client::AnyClient;

fn secure(host: &str, port: u16, tls: Tls) -> Request {
    let mut request = request("GET", &format!("https://{host}:{port}/"));
    request.tls = tls;
    request
}

fn our_authority() -> Tls {
    Tls {
        ca: Some(pem("authority.pem")),
        ..Tls::default()
    }
}

#[tokio::test]
async fn a_named_authority_is_trusted() {
    let port = tls_server(Clients::Any).await;
    let response = send(secure("localhost", port, our_authority())).await;
    assert_eq!(response.text(), "ok");
}

#[tokio::test]
async fn without_verification_any_certificate_will_do() {
    let port = tls_server(Clients::Any).await;
    let tls = Tls {
        verify: false,
        ..Tls::default()
    };
    assert_eq!(send(secure("127.0.0.1", port, tls)).await.text(), "ok");
}

#[tokio::test]
async fn an_unknown_authority_is_refused_with_both_ways_out() {
    let port = tls_server(Clients::Any).await;
    // Any authority but ours, so that the outcome does not depend on what the machine trusts.
    let tls = Tls {
        ca: Some(pem("server.pem")),
        ..Tls::default()
    };
    let error = refusal(secure("localhost", port, tls)).await;
    assert_eq!(
        told(&error),
        format!(
            "the certificate of localhost:{port} is not trusted (GET https://localhost:{port}/): \
             invalid peer certificate: UnknownIssuer"
        )
    );
    assert_eq!(
        error.help(),
        Some("add its authority with `tls: { ca: … }`, or set `tls: { verify: false }`")
    );
}

#[tokio::test]
async fn a_certificate_of_another_name_is_called_so() {
    let port = tls_server(Clients::Any).await;
    let error = refusal(secure("127.0.0.1", port, our_authority())).await;
    let help = error.help().unwrap();
    assert!(help.contains("was issued for others"), "{help}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_it() {
    let port = tls_server(Clients::Ours).await;
    let tls = Tls {
        cert: Some(pem("server.pem")),
        key: Some(pem("server.key")),
        ..our_authority()
    };
    assert_eq!(send(secure("localhost", port, tls)).await.text(), "ok");

    let error = refusal(secure("localhost", port, our_authority())).await;
    let help = error.help().unwrap_or_default();
    assert!(help.contains("client certificate"), "{error:?}");
}

#[tokio::test]
async fn plain_http_on_an_https_url_is_called_so() {
    let address = echo_server().await;
    let error = refusal(secure("127.0.0.1", address.port(), our_authority())).await;
    assert!(matches!(error, TriggerError::NotTls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_tls_file_that_is_missing_or_holds_nothing_is_named() {
    let named = async |tls: Tls| refusal(secure("localhost", 1, tls)).await.to_string();
    let missing = named(Tls {
        ca: Some("no/such.pem".into()),
        ..Tls::default()
    });
    assert_eq!(
        missing.await,
        "failed to read no/such.pem, which `tls` names"
    );
    let without_certificate = named(Tls {
        ca: Some(pem("server.key")),
        ..Tls::default()
    });
    assert_eq!(
        without_certificate.await,
        format!(
            "{} has no certificate in PEM format",
            pem("server.key").display()
        )
    );
}

#[tokio::test]
async fn a_self_signed_certificate_in_ca_is_trusted_for_its_name_only() {
    let port = tls_server_with(Clients::Any, "self").await;
    let tls = Tls {
        ca: Some(pem("self.pem")),
        ..Tls::default()
    };
    assert_eq!(
        send(secure("localhost", port, tls.clone())).await.text(),
        "ok"
    );
    let refused = refusal(secure("127.0.0.1", port, tls)).await;
    let help = refused.help().unwrap();
    assert!(help.contains("was issued for others"), "{help}");
    let error = refusal(secure("localhost", port, our_authority())).await;
    let help = error.help().unwrap();
    assert!(
        help.contains("put its file into `tls: { ca: … }`"),
        "{help}"
    );
}

#[tokio::test]
async fn a_server_with_version_1_is_refused_with_the_reason_and_works_without_verification() {
    let port = tls_server_with(Clients::Any, "version1").await;
    let tls = Tls {
        ca: Some(pem("version1.pem")),
        ..Tls::default()
    };
    let error = refusal(secure("localhost", port, tls.clone())).await;
    let help = error.help().unwrap();
    assert!(
        help.contains("rustls accepts no server with version 1"),
        "{help}"
    );
    let tls = Tls {
        verify: false,
        ..tls
    };
    assert_eq!(send(secure("localhost", port, tls)).await.text(), "ok");
}

/// Certificate and key of a client, for a server that accepts any.
fn client(cert: &str, key: &str, password: Option<&str>) -> Tls {
    Tls {
        cert: Some(pem(cert)),
        key: Some(pem(key)),
        key_password: password.map(str::to_owned),
        ..our_authority()
    }
}

#[tokio::test]
async fn clients_can_have_encrypted_keys_and_certificates_of_version_1() {
    let port = tls_server(Clients::WithAnyCertificate).await;
    for tls in [
        client("self.pem", "encrypted.key", Some("open-sesame")),
        client("version1.pem", "self.key", None),
    ] {
        assert_eq!(send(secure("localhost", port, tls)).await.text(), "ok");
    }
}

#[tokio::test]
async fn errors_of_certificates_and_keys_name_the_file() {
    for (cert, key, password, wrong, text, help) in [
        (
            "self.pem",
            "encrypted.key",
            None,
            "encrypted.key",
            "is encrypted",
            "key_password",
        ),
        (
            "self.pem",
            "encrypted.key",
            Some("wrong"),
            "encrypted.key",
            "cannot be decrypted with `key_password`",
            "check the password",
        ),
        (
            "self.pem",
            "old.key",
            Some("open-sesame"),
            "old.key",
            "is encrypted in the format of old OpenSSL versions (`Proc-Type: 4,ENCRYPTED`)",
            "openssl pkcs8 -topk8",
        ),
        (
            "self.pem",
            "self.key",
            Some("open-sesame"),
            "self.key",
            "is not encrypted, although there is a `key_password`",
            "remove `key_password`",
        ),
        (
            "self.key",
            "self.key",
            None,
            "self.key",
            "has no certificate in PEM format",
            "`cert`",
        ),
        (
            "self.pem",
            "self.pem",
            None,
            "self.pem",
            "has no private key in PEM format",
            "`key`",
        ),
    ] {
        let error = refusal(secure("localhost", 1, client(cert, key, password))).await;
        assert_eq!(
            error.to_string(),
            format!("{} {text}", pem(wrong).display())
        );
        assert!(error.help().unwrap().contains(help), "{error:?}");
    }
    let error = refusal(secure(
        "localhost",
        1,
        client("self.pem", "server.key", None),
    ))
    .await;
    assert_eq!(
        error.to_string(),
        format!(
            "{} is not the key of {}",
            pem("server.key").display(),
            pem("self.pem").display()
        )
    );
}

/// An environment without installed authorities.
const BARE: [(&str, &str); 2] = [
    ("SSL_CERT_FILE", "/no/such/file"),
    ("SSL_CERT_DIR", "/no/such/folder"),
];

#[test]
fn without_installed_authorities_all_works_that_does_not_need_them() {
    support::again_with(
        &BARE,
        &[
            "a_request_carries_the_context_and_nothing_that_nobody_asked_for",
            "a_named_authority_is_trusted",
            "without_verification_any_certificate_will_do",
            "https_without_any_authority_says_what_to_do",
        ],
    );
}

#[tokio::test]
#[ignore = "runs where no authorities are installed"]
async fn https_without_any_authority_says_what_to_do() {
    let error = refusal(secure("localhost", 1, Tls::default())).await;
    let help = error.help().unwrap_or_default();
    assert!(help.contains("ca-certificates"), "{error}");
    assert!(help.contains("tls: { ca: … }"), "{error}");
}

#[test]
fn a_proxy_of_the_environment_is_not_asked_for_this_machine() {
    let closed = ClosedPort::reserve();
    let proxy = format!("http://127.0.0.1:{}", closed.number());
    support::again_with(
        &[
            ("HTTP_PROXY", &proxy),
            ("http_proxy", &proxy),
            ("NO_PROXY", ""),
        ],
        &["what_the_author_writes_replaces_the_defaults"],
    );
}

#[tokio::test]
async fn a_trace_id_fires_nothing() {
    let trigger = Trigger::TraceId(spanspec::TraceId::random().into());
    let context = TraceContext::of(&trigger);
    assert_eq!(trigger.existing_trace(), Some(context.trace_id.into()));
    let response = fire(&trigger, &context, &Session::new()).await.unwrap();
    assert_eq!(response, Response::None);
}

#[test]
fn firing_can_be_spawned() {
    fn is_send(_: impl Future + Send) {}
    let trigger = Trigger::TraceId(spanspec::TraceId::random().into());
    is_send(fire(&trigger, &TraceContext::random(), &Session::new()));
}

#[tokio::test]
async fn requests_of_a_session_share_a_connection() {
    let app = Router::new().route(
        "/",
        get(
            async |axum::extract::ConnectInfo(peer): axum::extract::ConnectInfo<SocketAddr>| {
                peer.to_string()
            },
        ),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, app).into_future());
    let session = Session::new();
    let first = try_send(request("GET", &url), &session).await.unwrap();
    let second = try_send(request("GET", &url), &session).await.unwrap();
    assert_eq!(first.body, second.body);
}

#[cfg(unix)]
mod command {
    use super::support::{eventually, runs};
    use super::*;
    use spanspec::CommandResponse;
    use spanspec::internal::spec::Command;

    fn command(words: &[&str]) -> Command {
        Command {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            env: Vec::new(),
            dir: ".".into(),
            timeout: Some(support::DEADLINE),
            propagation: Propagation::default(),
        }
    }

    fn shell(line: &str) -> Command {
        command(&["sh", "-c", line])
    }

    async fn try_run(command: Command) -> Result<CommandResponse, TriggerError> {
        let trigger = Trigger::Run(command);
        match fire(&trigger, &TraceContext::of(&trigger), &Session::new()).await? {
            Response::Command(response) => Ok(response),
            other => panic!("a command gave {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_command_finds_the_context_in_its_environment() {
        let mut command = shell("echo $TRACEPARENT $TRACESTATE $BAGGAGE $SKU; pwd");
        command.env = vec![("SKU".to_owned(), "A1".to_owned())];
        command.propagation.trace_state = Some("vendor=1".to_owned());
        command.propagation.baggage = Some("tenant=acme".to_owned());
        command.dir = "/".into();
        let trigger = Trigger::Run(command);
        let context = TraceContext::of(&trigger);
        let Response::Command(response) = fire(&trigger, &context, &Session::new()).await.unwrap()
        else {
            panic!("a command gives its result");
        };
        let expected = format!("{} vendor=1 tenant=acme A1\n/\n", context.traceparent());
        assert_eq!(response.stdout, expected);
        assert_eq!(response.exit_code, Some(0));
    }

    #[tokio::test]
    async fn an_exit_code_is_a_response_and_a_signal_is_none() {
        let failed = try_run(shell("echo out; echo err >&2; exit 3"))
            .await
            .unwrap();
        assert_eq!(failed.exit_code, Some(3));
        assert_eq!(
            (failed.stdout.as_str(), failed.stderr.as_str()),
            ("out\n", "err\n")
        );
        let killed = try_run(shell("kill -9 $$")).await.unwrap();
        assert_eq!(killed.exit_code, None);
    }

    #[tokio::test]
    async fn no_shell_sees_the_words() {
        let response = try_run(command(&["printf", "%s|", "$HOME", "a b", "&&"])).await;
        assert_eq!(response.unwrap().stdout, "$HOME|a b|&&|");
    }

    #[tokio::test]
    async fn of_a_long_output_the_end_is_kept() {
        let response = try_run(shell("head -c 3000000 /dev/zero; echo; echo end"))
            .await
            .unwrap();
        let head = "[the first 1951429 bytes were dropped]\n";
        assert!(response.stdout.starts_with(head), "{:.60}", response.stdout);
        assert!(response.stdout.ends_with("end\n"));
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_says_where_it_was_looked_for() {
        let error = try_run(command(&["no-such-command"]))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("`no-such-command` was not found in PATH ("),
            "{error}"
        );
        let error = try_run(command(&["PORT=1", "env"]))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("put `PORT` into `env`"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let mut elsewhere = command(&["true"]);
        elsewhere.dir = folder.path().join("gone");
        let gone = elsewhere.dir.display().to_string();
        assert_eq!(
            try_run(elsewhere).await.unwrap_err().to_string(),
            format!("the folder {gone} to run `true` in does not exist: correct `dir`")
        );
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_executed_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tool");
        std::fs::write(&path, "echo hi").unwrap();
        let mut tool = command(&["./tool"]);
        tool.dir = folder.path().to_owned();
        let error = try_run(tool.clone()).await.unwrap_err();
        let advice = format!("try `chmod +x {}`", path.display());
        assert!(error.to_string().contains("is not executable"), "{error}");
        assert!(error.to_string().ends_with(&advice), "{error}");
        tool.words = vec!["tool".to_owned()];
        let error = try_run(tool).await.unwrap_err().to_string();
        assert!(error.contains("write `./tool`"), "{error}");
    }

    /// Starts a process that ignores SIGTERM, in a group that does.
    const STUBBORN: &str = "trap '' TERM; echo working; \
        sh -c 'echo $$ > started; mv started pid; while :; do sleep 1; done' & wait";

    #[tokio::test]
    async fn a_command_over_its_time_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let mut stubborn = shell(STUBBORN);
        stubborn.dir = folder.path().to_owned();
        // A slow machine gets more time, until the grandchild was there to be ended.
        for millis in [300, 3_000, 30_000] {
            let limit = Duration::from_millis(millis);
            stubborn.timeout = Some(limit);
            let error = try_run(stubborn.clone()).await.unwrap_err().to_string();
            let Ok(pid) = std::fs::read_to_string(&pid) else {
                continue;
            };
            assert!(error.contains("did not end within "), "{error}");
            assert!(
                error.ends_with("the end of its output:\n  working"),
                "{error}"
            );
            return eventually("the grandchild ends", || (!runs(&pid)).then_some(())).await;
        }
        panic!("the grandchild never started");
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_ends_with_it() {
        let response = try_run(shell("sleep 600 & echo $!")).await.unwrap();
        let left = || (!runs(&response.stdout)).then_some(());
        eventually("the process left behind ends", left).await;
    }

    #[tokio::test]
    async fn giving_up_on_a_command_kills_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut endless = shell("echo $$ > started; mv started pid; sleep 600");
        endless.dir = folder.path().to_owned();
        let running = tokio::spawn(try_run(endless));
        let pid = eventually("the command starts", || {
            std::fs::read_to_string(folder.path().join("pid")).ok()
        })
        .await;
        assert!(runs(&pid));
        running.abort();
        eventually("the command ends", || (!runs(&pid)).then_some(())).await;
    }
}
