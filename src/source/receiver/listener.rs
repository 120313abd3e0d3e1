//! Accepts connections, and serves HTTP/1.1 or HTTP/2 on them.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::HttpBody;
use axum::http::{HeaderMap, Request, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use super::coding;
use super::remedy;
use super::resets::WatchedResets;
use crate::source::stats::{Carried, Refusal};
use crate::source::store::Store;
use crate::trace::Sender;

/// Maximum number of connections. Further ones wait.
const MAX_CONNECTIONS: usize = 1024;

/// Interval of pings to an idle client of HTTP/2, and the timeout of the answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// With the default of 64 KiB, a large export needs many round trips.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Larger headers are refused by the HTTP/2 library, without a notice to this receiver.
const MAX_HEADERS: u32 = 1 << 20;

/// Timeouts of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Until the protocol is known.
    pub(super) preface: Duration,
    /// Until a client of HTTP/1.1 has sent the headers of a request, including the time between two
    /// requests.
    pub(super) headers: Duration,
    /// Until a request has arrived, and until it has its turn.
    pub(super) request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            preface: Duration::from_secs(10),
            // Longer than usual export intervals (60 s for metrics), since a client that sends while
            // the connection is closed loses its data.
            headers: Duration::from_secs(90),
            request: Duration::from_secs(60),
        }
    }
}

/// Facts about the connection, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(super) peer: SocketAddr,
    /// The request has no body.
    pub(super) is_empty: bool,
}

/// Number of characters of a user agent that reports show.
const MAX_USER_AGENT: usize = 120;

impl Arrival {
    /// The sender of the request. Its service is unknown until the body is read.
    pub(crate) fn sender(self, headers: &HeaderMap) -> Sender {
        let user_agent = headers.get(header::USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok());
        Sender {
            service: None,
            peer: Some(self.peer),
            user_agent: user_agent.map(|text| text.chars().take(MAX_USER_AGENT).collect()),
        }
    }
}

/// Serves a listener until the future is dropped, which also ends its connections.
/// `open` counts them.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    store: Store,
    timeouts: Timeouts,
    open: watch::Sender<usize>,
) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let (stream, peer) = accept(&listener).await;
        let router = router.clone();
        let store = store.clone();
        let connection = OpenConnection::new(&open);
        connections.spawn(async move {
            converse(stream, peer, router, store, timeouts).await;
            drop((slot, connection));
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Counts an open connection until it is dropped.
struct OpenConnection(watch::Sender<usize>);

impl OpenConnection {
    fn new(open: &watch::Sender<usize>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(open.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// Accepts the next connection. Retries while the system has no file descriptors.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Serves one connection until either side ends it.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    store: Store,
    timeouts: Timeouts,
) {
    // Answers are small and should not be delayed. An error only delays them.
    let _ = stream.set_nodelay(true);
    let words = match timeout(timeouts.preface, first_words(&stream)).await {
        Ok(Some(FirstWords::Tls)) => {
            return store.refuse(tls_handshake(peer));
        }
        Ok(Some(words)) => words,
        Ok(None) | Err(_) => return,
    };
    let requests = Arc::new(AtomicUsize::new(0));
    let service = TowerToHyperService::new(WithArrival {
        router,
        peer,
        requests: Arc::clone(&requests),
    });
    let server = server(timeouts);
    let served = match words {
        FirstWords::Http2 => {
            let resets = store.clone();
            let stream = WatchedResets::new(stream, move || resets.refuse(malformed(peer)));
            server.serve_connection(TokioIo::new(stream), service).await
        }
        _ => server.serve_connection(TokioIo::new(stream), service).await,
    };
    let error = served.err();
    let error = error.as_deref().and_then(|error| error.downcast_ref());
    if let Some(refusal) = error.and_then(|error| unread(error, &requests, peer)) {
        store.refuse(refusal);
    }
}

fn tls_handshake(peer: SocketAddr) -> Refusal {
    refusal(
        peer,
        "a TLS handshake",
        "the client speaks TLS, and this receiver does not".to_owned(),
        "give it an http:// endpoint, or set OTEL_EXPORTER_OTLP_INSECURE=true",
    )
}

/// The refusal of a request whose headers HTTP/2 does not allow.
fn malformed(peer: SocketAddr) -> Refusal {
    refusal(
        peer,
        "a request",
        "HTTP/2 protocol error: a header is malformed, such as `:authority`".to_owned(),
        "an Envoy proxy sends the name of its cluster as `:authority`, which fails for names with `|` (Istio): set `authority: spanspec` in its `envoy_grpc`",
    )
}

/// The refusal of a request that hyper could not read, so that the router did not get it. `None` if
/// the connection ended for another reason.
fn unread(error: &hyper::Error, requests: &AtomicUsize, peer: SocketAddr) -> Option<Refusal> {
    let is_cut_off = error.is_incomplete_message() && requests.load(Ordering::Relaxed) == 0;
    let cause = error.source();
    let is_of_http_2 = !error.is_user() && cause.is_some_and(|cause| !cause.is::<io::Error>());
    if !error.is_parse() && !is_cut_off && !is_of_http_2 {
        return None;
    }
    let remedy = match () {
        () if error.is_parse_too_large() => {
            "send at most 100 headers: check OTEL_EXPORTER_OTLP_HEADERS"
        }
        () if is_cut_off => remedy::INTERRUPTED,
        () => "send only OTLP, over HTTP or gRPC, to this port",
    };
    Some(refusal(peer, "a request", error.to_string(), remedy))
}

/// The refusal of an unknown request, which may have been an export.
fn refusal(peer: SocketAddr, endpoint: &str, reason: String, remedy: &str) -> Refusal {
    Refusal {
        at: Instant::now(),
        sender: Sender {
            peer: Some(peer),
            ..Sender::default()
        },
        endpoint: endpoint.to_owned(),
        reason,
        remedy: remedy.to_owned(),
        carried: Carried::Anything,
    }
}

fn server(timeouts: Timeouts) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.headers);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEADERS);
    server
}

enum FirstWords {
    Http1,
    Http2,
    Tls,
}

/// Waits until the protocol of the client is known. `None` if the client disconnects. The HTTP server
/// has no timeout for the preface of HTTP/2.
async fn first_words(stream: &TcpStream) -> Option<FirstWords> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const TLS_HANDSHAKE: u8 = 0x16;
    let mut buffer = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut buffer).await.ok()?;
        match &buffer[..length] {
            [] => return None,
            [TLS_HANDSHAKE, ..] => return Some(FirstWords::Tls),
            words if words == PREFACE => return Some(FirstWords::Http2),
            words if PREFACE.starts_with(words) => {}
            _ => return Some(FirstWords::Http1),
        }
        // Peeking again returns at once. A preface in pieces is rare, so polling is acceptable.
        sleep(Duration::from_millis(5)).await;
    }
}

/// Adds the [`Arrival`] to each request.
#[derive(Clone)]
struct WithArrival {
    router: Router,
    peer: SocketAddr,
    /// Number of requests on this connection.
    requests: Arc<AtomicUsize>,
}

impl<B: HttpBody> Service<Request<B>> for WithArrival
where
    Router: Service<Request<B>>,
{
    type Response = <Router as Service<Request<B>>>::Response;
    type Error = <Router as Service<Request<B>>>::Error;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.router.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.requests.fetch_add(1, Ordering::Relaxed);
        coding::normalize(request.headers_mut());
        let arrival = Arrival {
            peer: self.peer,
            is_empty: request.body().is_end_stream(),
        };
        request.extensions_mut().insert(arrival);
        self.router.call(request)
    }
}
