//! Traces of a receiver in another process: `spanspec exec` or `collect`, over its HTTP API.
//!
//! The spans of a followed trace are fetched as a stream into a [`Store`] of this process.

mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderValue};
use tokio::task::JoinSet;
use url::Url;

pub use wire::Health;
pub(crate) use wire::{StreamLine, WireDiagnostics, WireLogs};

use super::contract::TraceSource;
use super::diagnostics::SourceDiagnostics;
use super::follow::Follow;
use super::gone::Gone;
use super::metric_watch::MetricWatch;
use super::otlp::Signal;
use super::store::Store;
use crate::spec::Tls;
use crate::trace::{Hole, LogsWithoutTrace, Origin, Sender, TraceId};
use crate::trigger::{TlsBlame, TlsFault, TriggerError, backend_client, tls_fault};

/// The environment variable with the URL of a running receiver.
pub const RECEIVER_VARIABLE: &str = "SPANSPEC_RECEIVER";

/// The environment variable with the token of that receiver, if it has one.
pub const TOKEN_VARIABLE: &str = "SPANSPEC_RECEIVER_TOKEN";

/// The environment variable with a PEM file of certificates to trust, if that receiver has TLS.
pub const CERTIFICATE_VARIABLE: &str = "SPANSPEC_RECEIVER_CERTIFICATE";

/// The environment variables with the PEM files of a client certificate, if that receiver requires one.
const CLIENT_VARIABLES: [&str; 2] = [
    "SPANSPEC_RECEIVER_CLIENT_CERTIFICATE",
    "SPANSPEC_RECEIVER_CLIENT_KEY",
];

/// The version of the HTTP API.
pub const API_VERSION: u32 = 1;

/// A receiver on this machine answers at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to a receiver in another process.
#[derive(Debug)]
pub struct Connection {
    /// The receiver, as a source of traces.
    pub source: Box<dyn TraceSource>,
    /// The state of the receiver when the connection was made.
    pub health: Health,
}

/// Connects to the receiver at this URL.
///
/// # Errors
/// When nothing answers there, or something else than a receiver.
pub async fn connect(url: &str) -> Result<Connection, RemoteError> {
    let remote = Remote::connect(url).await?;
    Ok(Connection {
        health: remote.health.clone(),
        source: Box::new(remote),
    })
}

/// A receiver in another process.
#[derive(Debug)]
struct Remote {
    base: Url,
    client: reqwest::Client,
    health: Health,
    store: Store,
    gone: Gone,
    /// The stream of metrics, since specs need them.
    metrics: OnceLock<JoinSet<()>>,
}

/// The reason why a receiver in another process cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The text is not a URL.
    #[error(
        "{RECEIVER_VARIABLE} is `{given}`, which is not the URL of a receiver: it looks like http://127.0.0.1:4318, and `spanspec exec` sets it"
    )]
    NoUrl {
        /// The value of the variable.
        given: String,
    },
    /// Nothing answers there.
    #[error(
        "there is no receiver at {base}, which {RECEIVER_VARIABLE} names: is the `spanspec exec` or `spanspec collect` that set it still running?"
    )]
    Unreachable {
        /// The URL.
        base: Url,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// A certificate for the connection cannot be used.
    #[error(
        "cannot connect to the receiver at {base}: {reason}; {CERTIFICATE_VARIABLE}, {} and {} name PEM files",
        CLIENT_VARIABLES[0],
        CLIENT_VARIABLES[1]
    )]
    Certificate {
        /// The URL.
        base: Url,
        /// The error in the file.
        reason: String,
    },
    /// The TLS handshake failed.
    #[error(
        "no TLS connection to the receiver at {base}, which {RECEIVER_VARIABLE} names: {reason}"
    )]
    Handshake {
        /// The URL.
        base: Url,
        /// The cause, and the remedy.
        reason: String,
    },
    /// The receiver requires another token.
    #[error(
        "the receiver at {base} requires its token: set {TOKEN_VARIABLE} to the value of its `receiver.token`; `spanspec exec` sets it"
    )]
    NoAccess {
        /// The URL.
        base: Url,
    },
    /// Something else answers there.
    #[error(
        "what answers at {base}, which {RECEIVER_VARIABLE} names, is no receiver of `spanspec exec` or `spanspec collect` with API version {API_VERSION}: {found}"
    )]
    NotOurs {
        /// The URL.
        base: Url,
        /// The answer.
        found: String,
    },
}

impl Remote {
    async fn connect(given: &str) -> Result<Self, RemoteError> {
        let base = parse(given).ok_or_else(|| RemoteError::NoUrl {
            given: given.to_owned(),
        })?;
        let unreachable = |source| RemoteError::Unreachable {
            base: base.clone(),
            source,
        };
        let client = client(&base)?;
        let asked = client.get(api(&base, "health")).timeout(CONNECT_TIMEOUT);
        let response = asked.send().await;
        let response = response
            .map_err(|error| handshake(&base, &error).unwrap_or_else(|| unreachable(error)))?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(RemoteError::NoAccess { base: base.clone() });
        }
        let body = response.bytes().await;
        let body =
            body.map_err(|error| handshake(&base, &error).unwrap_or_else(|| unreachable(error)))?;
        let health: Option<Health> = serde_json::from_slice(&body).ok();
        let ours = health.filter(|health| status.is_success() && health.api == API_VERSION);
        let health = ours.ok_or_else(|| RemoteError::NotOurs {
            base: base.clone(),
            found: format!(
                "it answers GET /api/v1/health with {status}{}",
                title(&body)
            ),
        })?;
        Ok(Self {
            base,
            client,
            health,
            store: Store::new(),
            gone: Gone::default(),
            metrics: OnceLock::new(),
        })
    }

    /// Reads a stream, of one trace or of metrics, until the tasks are dropped.
    fn feed(&self, trace: Option<TraceId>, path: &str) -> JoinSet<()> {
        let feed = Feed {
            trace,
            url: api(&self.base, path),
            client: self.client.clone(),
            store: self.store.clone(),
        };
        let (gone, base) = (self.gone.clone(), self.base.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let why = feed.run().await;
            gone.record(|| {
                format!("the receiver at {base}, which {RECEIVER_VARIABLE} names, is gone: {why}")
            });
        });
        tasks
    }

    /// The log records without a trace id. `None` if they cannot be read.
    async fn fetch_logs(
        &self,
        since: Option<Instant>,
    ) -> reqwest::Result<Option<LogsWithoutTrace>> {
        let mut url = api(&self.base, "logs");
        url.set_query(since.map(age_query).as_deref());
        let asked = self.client.get(url).timeout(CONNECT_TIMEOUT);
        let body = asked.send().await?.error_for_status()?.bytes().await?;
        let logs: Option<WireLogs> = serde_json::from_slice(&body).ok();
        Ok(logs.and_then(WireLogs::read))
    }

    async fn fetch_diagnostics(&self, since: Instant) -> reqwest::Result<SourceDiagnostics> {
        let mut url = api(&self.base, "sightings");
        url.set_query(Some(&age_query(since)));
        let asked = self.client.get(url).timeout(CONNECT_TIMEOUT);
        let body = asked.send().await?.error_for_status()?.bytes().await?;
        let diagnostics: WireDiagnostics = serde_json::from_slice(&body).unwrap_or_default();
        Ok(diagnostics.read())
    }
}

impl TraceSource for Remote {
    fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        let follow = self.store.follow(trace, origin);
        follow.fed_by(self.feed(Some(trace), &format!("traces/{trace}/spans")))
    }

    /// Opens the stream of metrics.
    fn keep_metrics(&self) {
        self.store.keep_metrics();
        self.metrics.get_or_init(|| self.feed(None, "metrics"));
    }

    fn watch_metrics(&self) -> Option<MetricWatch> {
        self.keep_metrics();
        Some(self.store.watch_metrics())
    }

    fn logs_without_trace(
        &self,
        since: Option<Instant>,
    ) -> BoxFuture<'_, Option<LogsWithoutTrace>> {
        async move { self.fetch_logs(since).await.unwrap_or_default() }.boxed()
    }

    fn diagnostics(&self, since: Instant) -> BoxFuture<'_, SourceDiagnostics> {
        // The streams notice if the receiver is gone.
        async move { self.fetch_diagnostics(since).await.unwrap_or_default() }.boxed()
    }

    /// Each takes one of the 1,024 connections that the receiver has for all clients and exporters.
    fn most_watched(&self) -> usize {
        64
    }

    fn addresses(&self) -> &[SocketAddr] {
        &self.health.listened
    }

    fn scheme(&self) -> &'static str {
        match self.base.scheme() {
            "https" => "https",
            _ => "http",
        }
    }

    fn gone(&self) -> BoxFuture<'static, String> {
        self.gone.reason()
    }
}

/// The stream of one trace, or of metrics.
struct Feed {
    trace: Option<TraceId>,
    url: Url,
    client: reqwest::Client,
    store: Store,
}

impl Feed {
    /// Reads the stream to its end, and returns the reason for the end.
    async fn run(&self) -> String {
        match self.take_in_all().await {
            Ok(()) => "it ended the stream of a trace".to_owned(),
            Err(error) => root_cause(&error),
        }
    }

    async fn take_in_all(&self) -> reqwest::Result<()> {
        let response = self.client.get(self.url.clone()).send().await?;
        let mut response = response.error_for_status()?;
        let mut pending: Vec<u8> = Vec::new();
        while let Some(bytes) = response.chunk().await? {
            pending.extend_from_slice(&bytes);
            let Some(end) = pending.iter().rposition(|&byte| byte == b'\n') else {
                continue;
            };
            let rest = pending.split_off(end + 1);
            pending
                .split(|&byte| byte == b'\n')
                .for_each(|line| self.take_in(line));
            pending = rest;
        }
        Ok(())
    }

    /// Stores a line. One that cannot be read may have contained spans.
    fn take_in(&self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        let (signal, lost) = match serde_json::from_slice::<StreamLine>(line) {
            Ok(StreamLine::Spans { age_us, otlp }) => {
                (Signal::Traces, self.ingest(Signal::Traces, age_us, &otlp))
            }
            Ok(StreamLine::Logs { age_us, logs }) => {
                (Signal::Logs, self.ingest(Signal::Logs, age_us, &logs))
            }
            Ok(StreamLine::Metrics { age_us, metrics }) => (
                Signal::Metrics,
                self.ingest(Signal::Metrics, age_us, &metrics),
            ),
            Ok(StreamLine::Hole { hole }) => (Signal::Traces, Some(hole)),
            Ok(StreamLine::LogHole { log_hole }) => (Signal::Logs, Some(log_hole)),
            Ok(StreamLine::MetricHole { metric_hole }) => (Signal::Metrics, Some(metric_hole)),
            Err(error) => {
                let signal = self.trace.map_or(Signal::Metrics, |_| Signal::Traces);
                (signal, Some(unreadable(&error)))
            }
        };
        let Some(hole) = lost else {
            return;
        };
        match (signal, self.trace) {
            (Signal::Traces, Some(trace)) => self.store.lose(trace, hole),
            (Signal::Logs, Some(trace)) => self.store.lose_logs(trace, hole),
            (_, _) => self.store.lose_metrics(hole),
        }
    }

    /// Stores what arrived together. Returns the hole that it leaves if it cannot be read.
    fn ingest(&self, signal: Signal, age_us: u64, otlp: &str) -> Option<Hole> {
        let parcel = match wire::parcel(signal, age_us, otlp) {
            Ok(parcel) => parcel,
            Err(error) => return Some(unreadable(&error)),
        };
        let (request, arrived) = (&parcel.request, parcel.arrived);
        let taken_in = match parcel.signal {
            Signal::Traces => self.store.ingest_at(request, arrived).map(drop),
            Signal::Logs => self.store.ingest_logs_at(request, arrived),
            Signal::Metrics => self.store.ingest_metrics_at(request, arrived),
        };
        taken_in.err().map(|error| unreadable(&error))
    }
}

fn unreadable(error: &dyn std::error::Error) -> Hole {
    Hole {
        reason: format!(
            "the receiver that {RECEIVER_VARIABLE} names sent something unreadable: {error}"
        ),
        sender: Sender::default(),
        remedy: "run `spanspec run` and `spanspec exec` in the same version".to_owned(),
    }
}

/// The title of a problem (RFC 9457), after a colon.
fn title(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let title = problem
        .as_ref()
        .and_then(|problem| problem["title"].as_str());
    title.map_or_else(String::new, |title| format!(": {title}"))
}

/// The error of a failed TLS handshake. `None` if there was another error.
fn handshake(base: &Url, error: &reqwest::Error) -> Option<RemoteError> {
    let is_ended = base.scheme() == "https" && !error.is_connect() && !error.is_timeout();
    // A receiver looks at the certificate of a client after the client has ended its handshake.
    let ended = || TlsFault {
        blame: TlsBlame::ClientCertificate,
        reason: "the receiver ended the connection after the handshake".to_owned(),
    };
    let fault = tls_fault(error).or_else(|| is_ended.then(ended));
    let TlsFault { blame, reason } = fault?;
    let [certificate, key] = CLIENT_VARIABLES;
    let remedy = match blame {
        TlsBlame::Trust => format!(
            "set {CERTIFICATE_VARIABLE} to the file of its `receiver.tls.ca` or `cert`, and use a host that the certificate names; `spanspec exec` sets both"
        ),
        TlsBlame::ClientCertificate => {
            format!("set {certificate} and {key} to files that `receiver.tls.client_ca` admits")
        }
        TlsBlame::NoTls => "use http:// if the receiver has no `tls`".to_owned(),
        TlsBlame::Other => format!("check {CERTIFICATE_VARIABLE}"),
    };
    Some(RemoteError::Handshake {
        base: base.clone(),
        reason: format!("{reason}: {remedy}"),
    })
}

/// A client with the token and the certificates of the environment. A receiver on this machine needs no proxy.
fn client(base: &Url) -> Result<reqwest::Client, RemoteError> {
    let token = std::env::var(TOKEN_VARIABLE).ok();
    let value = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    let headers = value.map(|mut value| {
        value.set_sensitive(true);
        (header::AUTHORIZATION, value)
    });
    let invalid = |reason| RemoteError::Certificate {
        base: base.clone(),
        reason,
    };
    let file = |name| std::env::var_os(name).filter(|file| !file.is_empty());
    let [certificate, key] = CLIENT_VARIABLES;
    let tls = Tls {
        ca: file(CERTIFICATE_VARIABLE).map(PathBuf::from),
        cert: file(certificate).map(PathBuf::from),
        key: file(key).map(PathBuf::from),
        ..Tls::default()
    };
    let builder = reqwest::Client::builder().default_headers(headers.into_iter().collect());
    let builder = backend_client(builder, base, &tls);
    builder
        .map_err(|error| invalid(with_cause(&error)))?
        .no_proxy()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .build()
        .map_err(|error| invalid(root_cause(&error)))
}

fn with_cause(error: &TriggerError) -> String {
    match std::error::Error::source(error).and_then(std::error::Error::source) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn parse(given: &str) -> Option<Url> {
    let url = Url::parse(given.trim()).ok()?;
    (["http", "https"].contains(&url.scheme()) && url.has_host()).then_some(url)
}

fn age_query(since: Instant) -> String {
    format!("age={}us", since.elapsed().as_micros())
}

fn api(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("/api/v{API_VERSION}/{path}"));
    url.set_query(None);
    url
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let cause = std::iter::successors(Some(error), |error| error.source()).last();
    cause.unwrap_or(error).to_string()
}
