//! Readiness checks of services.

use std::error::Error;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prost::Message;
use tokio::net::TcpStream;
use url::{Host, Url};

use super::output::ServiceOutput;
use crate::trace::{SpanId, TraceId};

/// Timeout of an attempt, and of its connection.
const ATTEMPT: Duration = Duration::from_secs(2);
const CONNECTION: Duration = Duration::from_secs(1);

/// The pause between attempts doubles from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_millis(200);

/// A readiness check.
#[derive(Clone, Debug)]
pub enum Ready {
    /// `GET` of this URL answers with status 2xx. Redirects are not followed, and certificates are
    /// not verified. The request has an unsampled trace context, so that a service that respects it
    /// records no spans.
    Http(Url),
    /// This `host:port` accepts a connection.
    Tcp(String),
    /// The gRPC health service of this server answers SERVING.
    Grpc(GrpcHealth),
    /// A line of one of the outputs contains a match.
    Log(regex::Regex),
}

/// A question for the gRPC health service.
#[derive(Clone, Debug)]
pub struct GrpcHealth {
    /// The `host:port` of the server.
    pub address: String,
    /// The service; empty for the server as a whole.
    pub service: String,
}

/// A failed attempt.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) answer: Answer,
    /// Describes the attempt and its result.
    pub(super) text: String,
}

/// The kind of an unsuccessful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The connection was refused.
    Refused,
    /// An HTTP status.
    Status(u16),
    /// No connection was established in time.
    Unreachable,
    /// A connection was established, but no answer came in time.
    Silence,
    /// No line of the output matches.
    NoLine,
    /// Another error, or no attempt ended.
    Other,
}

/// The host and port of a readiness check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
}

/// The last attempt.
#[derive(Debug, Default)]
pub(super) struct LastTry(Mutex<Option<Attempt>>);

impl LastTry {
    fn set(&self, attempt: Attempt) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt);
    }

    pub(super) fn get(&self) -> Attempt {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_else(|| Attempt::other("no attempt has ended".to_owned()))
    }
}

impl Attempt {
    fn other(text: String) -> Self {
        Self {
            answer: Answer::Other,
            text,
        }
    }

    /// The same with a description of the attempt.
    fn of(self, attempt: impl std::fmt::Display) -> Self {
        Self {
            text: format!("{attempt}: {}", self.text),
            ..self
        }
    }
}

impl Ready {
    /// Waits until the check succeeds, without a timeout.
    pub(super) async fn wait(&self, output: &ServiceOutput, last: &LastTry) {
        match self {
            Self::Http(url) => Probe::Http(client(), url).until_it_holds(last).await,
            Self::Tcp(address) => Probe::Tcp(address).until_it_holds(last).await,
            Self::Grpc(health) => {
                Probe::Grpc(grpc_client(), health)
                    .until_it_holds(last)
                    .await
            }
            Self::Log(regex) => {
                last.set(Attempt {
                    answer: Answer::NoLine,
                    text: format!("no line of its output matches `{regex}`"),
                });
                output.seen().await;
            }
        }
    }

    /// The line to search for in the output.
    pub(super) fn line(&self) -> Option<regex::Regex> {
        match self {
            Self::Log(regex) => Some(regex.clone()),
            Self::Http(_) | Self::Tcp(_) | Self::Grpc(_) => None,
        }
    }

    /// The host and port that must answer.
    pub(super) fn target(&self) -> Option<Target> {
        let url = self.url()?;
        Some(Target {
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    fn url(&self) -> Option<Url> {
        match self {
            Self::Http(url) => Some(url.clone()),
            // With an unknown scheme, the parser returns an IPv4 address as a name.
            Self::Tcp(address) | Self::Grpc(GrpcHealth { address, .. }) => {
                format!("http://{address}").parse().ok()
            }
            Self::Log(_) => None,
        }
    }

    /// The port on this machine that must answer.
    pub(super) fn local_port(&self) -> Option<u16> {
        let url = self.url()?;
        let here = match url.host()? {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(name) => name == "localhost",
        };
        url.port_or_known_default().filter(|_| here)
    }
}

/// A check that is repeated until it succeeds.
enum Probe<'a> {
    Http(reqwest::Client, &'a Url),
    Tcp(&'a str),
    Grpc(reqwest::Client, &'a GrpcHealth),
}

impl Probe<'_> {
    async fn until_it_holds(&self, last: &LastTry) {
        let mut pause = FIRST_PAUSE;
        while let Err(attempt) = self.attempt().await {
            last.set(attempt);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn attempt(&self) -> Result<(), Attempt> {
        match self {
            Self::Http(client, url) => match get(client, url).await {
                Ok(status) if status.is_success() => Ok(()),
                Ok(status) => Err(Attempt {
                    answer: Answer::Status(status.as_u16()),
                    text: format!("GET {url} answered {}", status.as_u16()),
                }),
                Err(error) => Err(reason(&error).of(format_args!("GET {url}"))),
            },
            Self::Tcp(address) => connect(address)
                .await
                .map(drop)
                .map_err(|failed| failed.of(format_args!("connecting to {address}"))),
            Self::Grpc(client, health) => health
                .check(client)
                .await
                .map_err(|failed| failed.of(format_args!("gRPC health of {}", health.address))),
        }
    }
}

impl GrpcHealth {
    /// Calls `grpc.health.v1.Health/Check`.
    async fn check(&self, client: &reqwest::Client) -> Result<(), Attempt> {
        let question = HealthCheckRequest {
            service: self.service.clone(),
        };
        let message = question.encode_to_vec();
        // A frame begins with a flag for compression and the length.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let frame = [&[0], length.to_be_bytes().as_slice(), &message].concat();
        let request = client
            .post(format!(
                "http://{}/grpc.health.v1.Health/Check",
                self.address
            ))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("traceparent", unsampled())
            .body(frame);
        let answer = request.send().await.map_err(|error| reason(&error))?;
        if let Some(code) = answer.headers().get("grpc-status") {
            let code = code.to_str().unwrap_or_default();
            return Err(Attempt::other(match code {
                "5" => format!("the server does not know the service `{}`", self.service),
                "12" => "the server has no health service".to_owned(),
                code => format!("it answered with gRPC status {code}"),
            }));
        }
        let frame = answer.bytes().await.map_err(|error| reason(&error))?;
        let status = frame
            .get(5..)
            .and_then(|message| HealthCheckResponse::decode(message).ok())
            .map(|answer| answer.status);
        let problem = match status {
            Some(1) => return Ok(()),
            Some(2) => "NOT_SERVING",
            Some(_) => "UNKNOWN",
            None => "the answer is not one of a health service",
        };
        Err(Attempt::other(problem.to_owned()))
    }
}

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckResponse {
    /// 1 is SERVING, 2 is NOT_SERVING.
    #[prost(int32, tag = "1")]
    status: i32,
}

fn client() -> reqwest::Client {
    build(reqwest::Client::builder())
}

/// A client for HTTP/2 without TLS.
fn grpc_client() -> reqwest::Client {
    build(reqwest::Client::builder().http2_prior_knowledge())
}

/// Without a proxy, since services of spanspec run on this machine.
fn build(builder: reqwest::ClientBuilder) -> reqwest::Client {
    #[cfg(feature = "tls")]
    let builder = builder.tls_danger_accept_invalid_certs(true);
    builder
        .user_agent(concat!("spanspec/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECTION)
        .timeout(ATTEMPT)
        .build()
        .expect("nothing is read from this machine, so nothing can be missing")
}

async fn get(client: &reqwest::Client, url: &Url) -> reqwest::Result<reqwest::StatusCode> {
    let request = client.get(url.clone()).header("traceparent", unsampled());
    Ok(request.send().await?.status())
}

/// A trace context of which a service records no spans, if it respects the flag.
fn unsampled() -> String {
    format!("00-{}-{}-00", TraceId::random(), SpanId::random())
}

async fn connect(address: &str) -> Result<TcpStream, Attempt> {
    match tokio::time::timeout(CONNECTION, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(|error| reason(&error)),
        Err(_) => Err(unreachable()),
    }
}

fn unreachable() -> Attempt {
    Attempt {
        answer: Answer::Unreachable,
        text: format!("no connection within {CONNECTION:?}"),
    }
}

/// The cause of a failed attempt.
fn reason(error: &(dyn Error + 'static)) -> Attempt {
    let request = error.downcast_ref::<reqwest::Error>();
    if let Some(error) = request.filter(|error| error.is_timeout()) {
        return match error.is_connect() {
            true => unreachable(),
            false => Attempt {
                answer: Answer::Silence,
                text: format!("no answer within {ATTEMPT:?}"),
            },
        };
    }
    let mut deepest = error;
    loop {
        if let Some(system) = deepest.downcast_ref::<io::Error>()
            && system.kind() == io::ErrorKind::ConnectionRefused
        {
            return Attempt {
                answer: Answer::Refused,
                text: "connection refused".to_owned(),
            };
        }
        match deepest.source() {
            Some(source) => deepest = source,
            None => return Attempt::other(deepest.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers of a health service to a question about `service`, until it is SERVING.
    async fn health(service: &str, answers: &'static [&'static [u8]]) -> Vec<String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let expected = [&[0, 0, 0, 0, 6, 0x0a, 4], service.as_bytes()].concat();
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let answer = move |question: bytes::Bytes| async move {
            assert_eq!(question, expected);
            let number = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let answer = answers[number];
            let status = (answer.len() == 1).then(|| ("grpc-status", answer[0].to_string()));
            (axum::response::AppendHeaders(status), answer)
        };
        let path = "/grpc.health.v1.Health/Check";
        let app = axum::Router::new().route(path, axum::routing::post(answer));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let (client, service) = (grpc_client(), service.to_owned());
        let health = GrpcHealth { address, service };
        let mut seen = Vec::new();
        for _ in answers {
            match health.check(&client).await {
                Ok(()) => break,
                Err(failed) => seen.push(failed.text),
            }
        }
        server.abort();
        seen
    }

    #[tokio::test]
    async fn a_grpc_server_is_ready_when_its_health_service_answers_serving() {
        const ANSWERS: &[&[u8]] = &[
            &[12],
            &[5],
            &[0, 0, 0, 0, 0],
            &[0, 0, 0, 0, 2, 8, 2],
            b"<html>",
            &[0, 0, 0, 0, 2, 8, 1],
        ];
        assert_eq!(
            health("shop", ANSWERS).await,
            [
                "the server has no health service",
                "the server does not know the service `shop`",
                "UNKNOWN",
                "NOT_SERVING",
                "the answer is not one of a health service",
            ]
        );
    }

    /// Linux ignores connections beyond the backlog.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_cannot_be_reached_is_not_a_silent_server() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let url: Url = format!("http://{address}/").parse().unwrap();
        let client = client();
        let http = Probe::Http(client.clone(), &url);
        assert_eq!(http.attempt().await.unwrap_err().answer, Answer::Silence);
        let mut open = Vec::new();
        let failed = loop {
            match connect(&address).await {
                Ok(connection) => open.push(connection),
                Err(failed) => break failed,
            }
        };
        assert_eq!(failed.answer, Answer::Unreachable);
        let failed = http.attempt().await.unwrap_err();
        assert_eq!(failed.answer, Answer::Unreachable);
    }

    #[test]
    fn only_a_port_of_this_machine_is_local() {
        let http = |url: &str| Ready::Http(url.parse().unwrap()).local_port();
        assert_eq!(http("http://127.0.0.1:8080/health"), Some(8080));
        assert_eq!(http("http://localhost/"), Some(80));
        assert_eq!(http("http://shop.test:8080/"), None);
        assert_eq!(Ready::Tcp("[::1]:5432".into()).local_port(), Some(5432));
        assert_eq!(Ready::Tcp("127.0.0.1:80".into()).local_port(), Some(80));
        assert_eq!(Ready::Tcp("db:5432".into()).local_port(), None);
    }
}
