//! TLS, and hosts, with real clients.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::certificates::{ServerTls, TlsFile, TlsFiles, TlsProblem};
use super::handle::Receiver;
use super::listener::Timeouts;
use crate::spec::Tls;
use crate::trigger::{backend_client, client_config};

/// Longer than anything here takes on the slowest machine; reached only by a test that fails.
const DEADLINE: Duration = Duration::from_secs(60);

fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

/// The certificate of the tests' authority, for `localhost`.
fn files() -> TlsFiles {
    TlsFiles {
        cert: pem("server.pem"),
        key: pem("server.key"),
        ca: Some(pem("authority.pem")),
        client_ca: None,
    }
}

fn problem(files: &TlsFiles) -> TlsProblem {
    ServerTls::load(files).unwrap_err()
}

async fn receiver_with(files: Option<TlsFiles>, timeouts: Timeouts) -> Receiver {
    let mut builder = Receiver::builder().listen([([127, 0, 0, 1], 0).into()]);
    builder.timeouts = timeouts;
    if let Some(files) = files {
        builder = builder.tls(ServerTls::load(&files).unwrap().0);
    }
    builder.start().await.unwrap()
}

async fn receiver(files: Option<TlsFiles>) -> Receiver {
    receiver_with(files, Timeouts::default()).await
}

/// A client that trusts the tests' authority. It speaks HTTP/2 by ALPN.
fn client(cert: Option<&str>) -> Client {
    let tls = Tls {
        ca: Some(pem("authority.pem")),
        cert: cert.map(|name| pem(&format!("{name}.pem"))),
        key: cert.map(|name| pem(&format!("{name}.key"))),
        ..Tls::default()
    };
    let url = Url::parse("https://localhost/").unwrap();
    let builder = backend_client(Client::builder(), &url, &tls).unwrap();
    builder.timeout(DEADLINE).build().unwrap()
}

/// Exports nothing, as OTLP/HTTP in JSON.
async fn export(client: &Client, endpoint: &str) -> reqwest::Result<reqwest::Response> {
    let request = client.post(format!("{endpoint}/v1/traces"));
    let request = request.header("content-type", "application/json");
    request.body("{\"resourceSpans\":[]}").send().await
}

async fn refusal(receiver: &Receiver) -> (String, String) {
    let there = async {
        loop {
            if let Some(refusal) = receiver.stats().refusals.back() {
                return (
                    format!("{}: {}", refusal.endpoint, refusal.reason),
                    refusal.remedy.clone(),
                );
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, there).await.expect("a refusal")
}

#[tokio::test]
async fn both_protocols_are_served_with_tls_on_one_port() {
    let receiver = receiver(Some(files())).await;
    let endpoint = receiver.endpoint();
    assert!(endpoint.starts_with("https://localhost:"), "{endpoint}");
    let answer = export(&client(None), &endpoint).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let grpc = client(None)
        .post(format!(
            "{endpoint}/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        ))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(&[0_u8; 5][..])
        .send();
    let grpc = grpc.await.unwrap();
    assert_eq!(
        (grpc.status().as_u16(), grpc.bytes().await.unwrap().len()),
        (200, 5)
    );
    assert_eq!(receiver.stats().requests, 2);
    assert_eq!(receiver.stats().refused, 0);
}

#[tokio::test]
async fn a_client_without_tls_is_answered_how_to_use_it() {
    let receiver = receiver(Some(files())).await;
    let endpoint = receiver.endpoint().replace("https", "http");
    for client in [
        Client::builder().no_proxy(),
        Client::builder().no_proxy().http2_prior_knowledge(),
    ] {
        let client = client.timeout(DEADLINE).build().unwrap();
        let answer = export(&client, &endpoint).await.unwrap();
        assert_eq!(answer.status(), 400);
        let text = answer.text().await.unwrap();
        assert!(text.contains("this receiver requires TLS"), "{text}");
        let api = client.get(format!("{endpoint}/api/health")).send().await;
        let api = api.unwrap().text().await.unwrap();
        assert!(api.contains("use https:// in the endpoint"), "{api}");
    }
    let (what, remedy) = refusal(&receiver).await;
    assert!(what.contains("requires TLS"), "{what}");
    assert!(
        remedy.contains("OTEL_EXPORTER_OTLP_CERTIFICATE"),
        "{remedy}"
    );
}

#[tokio::test]
async fn a_client_with_tls_is_told_that_there_is_none() {
    let receiver = receiver(None).await;
    let endpoint = receiver.endpoint().replace("http", "https");
    assert!(export(&client(None), &endpoint).await.is_err());
    let (what, remedy) = refusal(&receiver).await;
    assert_eq!(
        what,
        "a TLS handshake: the client speaks TLS, and this receiver does not"
    );
    assert!(remedy.contains("http:// endpoint"), "{remedy}");
    let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    stream.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(DEADLINE, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("this receiver does not speak TLS"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_certificate_is_a_refusal_with_the_remedy() {
    let files = TlsFiles {
        cert: pem("loopback.pem"),
        key: pem("self.key"),
        ca: None,
        client_ca: None,
    };
    let receiver = receiver(Some(files)).await;
    let endpoint = receiver.endpoint();
    assert!(endpoint.starts_with("https://127.0.0.1:"), "{endpoint}");
    assert!(export(&client(None), &endpoint).await.is_err());
    let (what, remedy) = refusal(&receiver).await;
    assert!(
        what.starts_with("a TLS handshake: the client refuses the certificate"),
        "{what}"
    );
    assert!(
        remedy.contains("OTEL_EXPORTER_OTLP_CERTIFICATE"),
        "{remedy}"
    );
}

#[tokio::test]
async fn with_an_authority_of_clients_only_those_with_its_certificate_are_served() {
    let files = TlsFiles {
        client_ca: Some(pem("authority.pem")),
        ..files()
    };
    let receiver = receiver(Some(files)).await;
    let endpoint = receiver.endpoint();
    let answer = export(&client(Some("server")), &endpoint).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(export(&client(None), &endpoint).await.is_err());
    let (what, remedy) = refusal(&receiver).await;
    assert!(what.contains("the client has no certificate"), "{what}");
    assert!(
        remedy.contains("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        "{remedy}"
    );
    assert!(export(&client(Some("self")), &endpoint).await.is_err());
    assert_eq!(receiver.stats().requests, 1);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let timeouts = Timeouts {
        preface: Duration::from_millis(50),
        ..Timeouts::default()
    };
    let receiver = receiver_with(Some(files()), timeouts).await;
    let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    stream.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    // The client may see a reset.
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = timeout(DEADLINE, read).await.expect("it ends");
    let (what, _) = refusal(&receiver).await;
    assert!(what.contains("it was not complete in time"), "{what}");
}

#[tokio::test]
async fn a_request_within_tls_that_is_cut_off_is_a_refusal() {
    use tokio_rustls::rustls::pki_types::ServerName;
    let receiver = receiver(Some(files())).await;
    let tls = Tls {
        ca: Some(pem("authority.pem")),
        ..Tls::default()
    };
    let config = Arc::new(client_config(&tls).unwrap());
    let connector = tokio_rustls::TlsConnector::from(config);
    let stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(b"POST /v1/traces HT").await.unwrap();
    stream.flush().await.unwrap();
    // Without a notice.
    drop(stream);
    let (what, _) = refusal(&receiver).await;
    assert!(what.starts_with("a request: "), "{what}");
}

#[test]
fn each_file_that_cannot_be_used_is_named_with_the_remedy() {
    let with = |change: fn(&mut TlsFiles)| {
        let mut changed = files();
        change(&mut changed);
        problem(&changed)
    };
    for (problem, file, what, help) in [
        (
            with(|files| files.cert = pem("server.key")),
            TlsFile::Cert,
            "server.key has no certificate in PEM format",
            "BEGIN CERTIFICATE",
        ),
        (
            with(|files| files.key = pem("server.pem")),
            TlsFile::Key,
            "server.pem has no private key in PEM format",
            "BEGIN PRIVATE KEY",
        ),
        (
            with(|files| files.key = pem("self.key")),
            TlsFile::Key,
            "server.pem",
            "check that `cert` and `key` name the right files",
        ),
        (
            with(|files| files.key = pem("encrypted.key")),
            TlsFile::Key,
            "encrypted.key is encrypted",
            "openssl pkey -in old.key -out new.key",
        ),
        (
            with(|files| files.client_ca = Some(pem("server.key"))),
            TlsFile::ClientCa,
            "server.key has no certificate",
            "BEGIN CERTIFICATE",
        ),
        (
            with(|files| files.ca = Some(pem("nowhere.pem"))),
            TlsFile::Ca,
            "failed to read",
            "check the path",
        ),
    ] {
        assert_eq!(problem.file, file, "{problem:?}");
        assert!(problem.what.contains(what), "{problem:?}");
        assert!(problem.help.contains(help), "{problem:?}");
    }
}

#[test]
fn certificates_that_clients_will_refuse_are_warned_of() {
    let warnings = |cert: &str| {
        let files = TlsFiles {
            cert: pem(cert),
            key: pem("self.key"),
            ca: None,
            client_ca: None,
        };
        let (_, warnings) = ServerTls::load(&files).unwrap();
        let texts = warnings.into_iter().map(|warning| warning.what);
        texts.collect::<Vec<_>>()
    };
    let [expired] = &warnings("expired.pem")[..] else {
        panic!("one warning");
    };
    assert!(
        expired.ends_with("expired.pem has expired on 2021-01-01T00:00:00Z: peers refuse it"),
        "{expired}"
    );
    assert!(warnings("loopback.pem").is_empty());
    let [no_name] = &warnings("version1.pem")[..] else {
        panic!("one warning");
    };
    assert!(
        no_name.contains("neither valid for 127.0.0.1 nor"),
        "{no_name}"
    );
}
