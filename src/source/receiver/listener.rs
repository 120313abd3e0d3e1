//! Accepts connections, and serves HTTP/1.1 or HTTP/2 on them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Request, Response, header};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tower_service::Service;

use super::certificates::ServerTls;
use super::coding;
use super::connections::{Activity, Connections, Counted, Slot};
use super::incoming::{Incoming, Protocol};
use super::resets::WatchedResets;
use super::unread;
use crate::source::store::Store;
use crate::trace::Sender;

/// Interval of pings to an idle client of HTTP/2, and the timeout of the answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Time for the end of a connection that another one needs.
const FAREWELL: Duration = Duration::from_millis(100);

/// With the default of 64 KiB, a large export needs many round trips.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Larger headers are refused by the HTTP/2 library, without a notice to this receiver.
const MAX_HEADERS: u32 = 1 << 20;

/// Timeouts of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Until the protocol is known, after the TLS handshake if there is one.
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

/// The routers of a port.
#[derive(Clone)]
pub(super) struct Routers {
    /// Everything that it serves.
    pub(super) router: Router,
    /// TLS, with the router of clients that do not speak it.
    pub(super) tls: Option<(ServerTls, Router)>,
}

/// Serves a listener until the future is dropped, which also ends its connections.
/// `open` counts them.
pub(super) async fn serve(
    listener: TcpListener,
    routers: Routers,
    store: Store,
    timeouts: Timeouts,
    open: watch::Sender<usize>,
) {
    let slots = Arc::new(Connections::new());
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = accept(&listener).await;
        let slot = slots.slot().await;
        let connection = OpenConnection::new(&open);
        let conversation = Conversation {
            peer,
            slot,
            routers: routers.clone(),
            store: store.clone(),
            timeouts,
        };
        connections.spawn(async move {
            conversation.hold(stream).await;
            drop((conversation, connection));
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

/// A connection of a client.
struct Conversation {
    peer: SocketAddr,
    slot: Slot,
    routers: Routers,
    store: Store,
    timeouts: Timeouts,
}

impl Conversation {
    /// Serves the connection until either side ends it.
    async fn hold(&self, stream: TcpStream) {
        // Answers are small and should not be delayed. An error only delays them.
        let _ = stream.set_nodelay(true);
        let deadline = Instant::now() + self.timeouts.preface;
        let mut stream = Incoming::new(stream, Arc::clone(&self.slot.activity));
        let protocol = self.before(deadline, stream.protocol()).await;
        match (protocol.flatten(), &self.routers.tls) {
            (None, _) => {}
            (Some(Protocol::Tls), Some((tls, _))) => self.secure(tls, stream, deadline).await,
            (Some(Protocol::Tls), None) => {
                self.store.refuse(unread::tls_handshake(self.peer));
                self.before(deadline, answer_to_tls(stream)).await;
            }
            (Some(protocol), Some((_, plain))) => self.speak(protocol, stream, plain).await,
            (Some(protocol), None) => self.speak(protocol, stream, &self.routers.router).await,
        }
    }

    /// The output of the future. `None` if the deadline is over, or another client needs the connection.
    async fn before<T>(&self, deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            output = timeout_at(deadline, future) => output.ok(),
            () = self.slot.activity.leave() => None,
        }
    }

    /// Does the handshake, and serves what is within.
    async fn secure(&self, tls: &ServerTls, stream: Incoming<TcpStream>, deadline: Instant) {
        let accepted = self.before(deadline, tls.acceptor.accept(stream)).await;
        let refusal = match accepted {
            Some(Ok(stream)) => {
                let mut stream = Incoming::new(stream, Arc::clone(&self.slot.activity));
                let protocol = self.before(deadline, stream.protocol()).await;
                if let Some(protocol) = protocol.flatten() {
                    self.speak(protocol, stream, &self.routers.router).await;
                }
                return;
            }
            Some(Err(failed)) => unread::failed_handshake(self.peer, failed),
            None => unread::unfinished_handshake(self.peer),
        };
        self.store.refuse(refusal);
    }

    /// Serves HTTP on this stream.
    async fn speak<S>(&self, protocol: Protocol, stream: Incoming<S>, router: &Router)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match protocol {
            // What is no HTTP is refused by its parser.
            Protocol::Http1 | Protocol::Tls => self.serve(stream, router).await,
            Protocol::Http2 => {
                let (store, peer) = (self.store.clone(), self.peer);
                let on_reset = move || store.refuse(unread::malformed(peer));
                self.serve(WatchedResets::new(stream, on_reset), router)
                    .await;
            }
        }
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, router: &Router) {
        let activity = &self.slot.activity;
        let requests = Arc::new(AtomicUsize::new(0));
        let service = TowerToHyperService::new(WithArrival {
            router: router.clone(),
            peer: self.peer,
            requests: Arc::clone(&requests),
            activity: Arc::clone(activity),
        });
        let server = server(self.timeouts);
        let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
        let served = tokio::select! {
            served = &mut connection => Some(served),
            () = activity.leave() => None,
        };
        let served = match served {
            Some(served) => served,
            None => {
                // A client that sends just now is told to use another connection.
                connection.as_mut().graceful_shutdown();
                let ended = timeout(FAREWELL, connection).await;
                if ended.is_err() && activity.is_reading() {
                    self.store.refuse(unread::displaced(self.peer));
                }
                ended.unwrap_or(Ok(()))
            }
        };
        let error = served.err();
        let error = error.as_deref().and_then(|error| error.downcast_ref());
        let refusal = error.and_then(|error| unread::broken(error, &requests, self.peer));
        if let Some(refusal) = refusal {
            self.store.refuse(refusal);
        }
    }
}

/// Answers a client that speaks TLS in plain HTTP, which TLS libraries name in their errors, and waits until the
/// client has read it.
async fn answer_to_tls(mut stream: Incoming<TcpStream>) {
    /// A client sends no more than its first message.
    const MOST_UNREAD: u64 = 64 << 10;
    let text = "this receiver does not speak TLS: use http:// in the endpoint\n";
    let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n";
    let answer = format!("{head}content-length: {}\r\n\r\n{text}", text.len());
    // The client may have gone.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream.take(MOST_UNREAD), &mut tokio::io::sink()).await;
}

fn server(timeouts: Timeouts) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        // It panics if the clock of this machine is before 1970.
        .auto_date_header(false)
        .header_read_timeout(timeouts.headers);
    server
        .http2()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEADERS);
    server
}

/// Adds the [`Arrival`] to each request.
#[derive(Clone)]
struct WithArrival {
    router: Router,
    peer: SocketAddr,
    /// Number of requests on this connection.
    requests: Arc<AtomicUsize>,
    activity: Arc<Activity>,
}

impl Service<Request<hyper::body::Incoming>> for WithArrival {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<hyper::body::Incoming>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, mut request: Request<hyper::body::Incoming>) -> Self::Future {
        self.requests.fetch_add(1, Ordering::Relaxed);
        coding::normalize(request.headers_mut());
        let arrival = Arrival {
            peer: self.peer,
            is_empty: request.body().is_end_stream(),
        };
        let serving = self.activity.serve();
        request.extensions_mut().insert(arrival);
        request.extensions_mut().insert(Arc::clone(&self.activity));
        let answer = self.router.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            Ok(match answer.body().size_hint().exact() {
                Some(_) => answer,
                // An endless stream.
                None => answer.map(|body| {
                    Body::new(CountedBody {
                        body,
                        _serving: serving,
                    })
                }),
            })
        })
    }
}

/// The body of an answer, which counts its request until it is sent.
struct CountedBody {
    body: Body,
    _serving: Counted,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
