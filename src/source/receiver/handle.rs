//! The handle of a receiver, which listens until it is dropped.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
#[cfg(any(feature = "run", test))]
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
#[cfg(any(feature = "run", test))]
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::certificates::ServerTls;
use super::listener::{self, Routers, Timeouts};
use super::routes::{self, Access};
use super::token::Token;
use crate::background;
use crate::source::contract::TraceSource;
use crate::source::diagnostics::{LateTrace, SourceDiagnostics};
use crate::source::follow::Follow;
use crate::source::metric_watch::MetricWatch;
use crate::source::stats::ReceiverStats;
use crate::source::store::Store;
#[cfg(feature = "run")]
use crate::source::store::TrafficInterest;
#[cfg(feature = "run")]
use crate::source::traffic_watch::TrafficWatch;
use crate::trace::{LogsWithoutTrace, Origin, Trace, TraceId};

/// The default ports of OTLP for gRPC and HTTP, on the loopback interface. Each serves both.
pub const DEFAULT_ADDRESSES: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4317),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4318),
];

/// An OTLP receiver. Dropping it closes its ports and ends its connections. The received spans
/// remain in the [`Store`].
#[derive(Debug)]
pub struct Receiver {
    addresses: Vec<SocketAddr>,
    tls: Option<ServerTls>,
    store: Store,
    /// Number of open connections.
    #[cfg_attr(
        not(feature = "run"),
        expect(dead_code, reason = "only a run waits for them to end")
    )]
    connections: watch::Sender<usize>,
    /// Aborted on drop. Each ends its connections.
    listeners: JoinSet<()>,
}

/// Settings of a [`Receiver`].
#[derive(Clone, Debug, Default)]
pub struct ReceiverBuilder {
    addresses: Option<Vec<SocketAddr>>,
    access: Access,
    store: Store,
    pub(super) timeouts: Timeouts,
    name: Option<Arc<str>>,
    routes: Option<Router>,
}

/// An address cannot be bound.
#[derive(Debug, thiserror::Error)]
#[error("failed to bind the OTLP receiver to {addr}")]
pub struct BindError {
    /// The requested address.
    pub addr: SocketAddr,
    /// The error of the operating system.
    #[source]
    pub source: io::Error,
}

impl ReceiverBuilder {
    /// Listens on these addresses, each for both gRPC and HTTP, instead of on
    /// [`DEFAULT_ADDRESSES`]. Port 0 takes any free port.
    #[must_use]
    pub fn listen(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.addresses = Some(addresses.into_iter().collect());
        self
    }

    /// Allows web pages of this origin, such as `https://shop.example`, to send spans. `*` allows
    /// every page. Pages of `localhost` are always allowed.
    #[must_use]
    pub fn cors_origin(mut self, origin: impl Into<String>) -> Self {
        self.access.origins.allow(origin.into());
        self
    }

    /// Refuses requests without the header `authorization: Bearer TOKEN`.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.access.token = Some(Token::new(token));
        self
    }

    /// Allows requests of web pages and to the HTTP API with this name as their host, in addition to IP addresses and
    /// names of this machine. `*` allows every name.
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.access.hosts.allow(name.into());
        self
    }

    /// Requires TLS.
    #[cfg(feature = "run")]
    #[must_use]
    pub(crate) fn tls(mut self, tls: ServerTls) -> Self {
        self.access.tls = Some(tls);
        self
    }

    /// Fills this store instead of a new one.
    #[must_use]
    pub fn store(mut self, store: Store) -> Self {
        self.store = store;
        self
    }

    /// Adds this name to the resources that arrive, as the attribute `spanspec.receiver`.
    #[cfg(feature = "run")]
    #[must_use]
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Also serves these routes, on the same ports and for the same web pages.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        self.routes = Some(routes);
        self
    }

    /// Binds all addresses and serves them. Exporters can connect when this returns.
    ///
    /// # Errors
    /// When an address cannot be bound. No address is bound then.
    pub async fn start(mut self) -> Result<Receiver, BindError> {
        let wanted = self
            .addresses
            .take()
            .unwrap_or_else(|| DEFAULT_ADDRESSES.to_vec());
        let mut bound = Vec::with_capacity(wanted.len());
        for addr in wanted {
            bound.push(
                bind(addr)
                    .await
                    .map_err(|source| BindError { addr, source })?,
            );
        }
        Ok(self.serve(bound, &Handle::current()))
    }

    fn serve(self, bound: Vec<(TcpListener, SocketAddr)>, runtime: &Handle) -> Receiver {
        let tls = self.access.tls.clone();
        let router = routes::router(
            &self.store,
            self.access,
            self.timeouts,
            self.name,
            self.routes,
        );
        let plain = || routes::without_tls(self.store.clone());
        let routers = Routers {
            router,
            tls: tls.clone().map(|tls| (tls, plain())),
        };
        let mut addresses = Vec::with_capacity(bound.len());
        let mut listeners = JoinSet::new();
        let connections = watch::Sender::new(0);
        for (listener, address) in bound {
            addresses.push(address);
            let store = self.store.clone();
            let open = connections.clone();
            let serving = listener::serve(listener, routers.clone(), store, self.timeouts, open);
            listeners.spawn_on(serving, runtime);
        }
        self.store.is_filled();
        Receiver {
            addresses,
            tls,
            store: self.store,
            connections,
            listeners,
        }
    }
}

async fn bind(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

impl Receiver {
    /// Listens on a free port of the loopback interface until it is dropped. A separate thread serves
    /// it, so it can be started in a plain `#[test]`, and receives spans while a test keeps its
    /// runtime busy.
    ///
    /// # Errors
    /// When the system has no free port.
    pub fn start() -> Result<Self, BindError> {
        let runtime = background::handle();
        let _within = runtime.enter();
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = std::net::TcpListener::bind(addr).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((TcpListener::from_std(listener)?, address))
        });
        let bound = bound.map_err(|source| BindError { addr, source })?;
        Ok(Self::builder().serve(vec![bound], runtime))
    }

    /// See [`Store::flush_within`].
    #[must_use]
    pub fn flush_within(mut self, flush: Duration) -> Self {
        self.store = self.store.clone().flush_within(flush);
        self
    }

    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT` for services on this machine.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let Some(address) = self.addresses.first() else {
            return String::new();
        };
        let ip = match address.ip() {
            ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip => ip,
        };
        match &self.tls {
            Some(tls) => format!("https://{}:{}", tls.host(ip), address.port()),
            None => format!("http://{}", SocketAddr::new(ip, address.port())),
        }
    }

    /// Settings for other addresses, another store or other web pages.
    #[must_use]
    pub fn builder() -> ReceiverBuilder {
        ReceiverBuilder::default()
    }

    /// The addresses at which it listens, in the requested order, with the actual ports.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The store that it fills.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// See [`Store::follow`].
    #[must_use]
    pub fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        self.store.follow(trace, origin)
    }

    /// See [`Store::stats`].
    #[must_use]
    pub fn stats(&self) -> ReceiverStats {
        self.store.stats()
    }

    /// See [`Store::unrelated`].
    #[must_use]
    pub fn unrelated(&self, since: Instant) -> Vec<Trace> {
        self.store.unrelated(since)
    }

    /// See [`Store::late`].
    #[must_use]
    pub fn late(&self) -> Vec<LateTrace> {
        self.store.late()
    }

    /// Waits until every connection has ended and all its requests are stored, or this time is over.
    #[cfg(feature = "run")]
    pub(crate) async fn drained(&self, at_most: Duration) {
        // A timeout is no error.
        let _ = tokio::time::timeout(at_most, async {
            for address in &self.addresses {
                // Connections are accepted in order: earlier ones were accepted when this one ends.
                if let Ok(mut last) = TcpStream::connect(address).await {
                    let _ = last.shutdown().await;
                    let _ = last.read(&mut [0]).await;
                }
            }
            let mut open = self.connections.subscribe();
            let _ = open.wait_for(|&open| open == 0).await;
        })
        .await;
    }

    /// Closes the ports, and returns when they can be bound again. Dropping does not wait for that.
    pub async fn stop(mut self) {
        self.listeners.shutdown().await;
    }
}

/// Reports late spans of traces that were complete.
impl Drop for Receiver {
    fn drop(&mut self) {
        self.store.close();
    }
}

impl AsRef<Store> for Receiver {
    fn as_ref(&self) -> &Store {
        self.store()
    }
}

impl TraceSource for Receiver {
    fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        self.store.follow(trace, origin)
    }

    fn diagnostics(&self, since: Instant) -> BoxFuture<'_, SourceDiagnostics> {
        std::future::ready(self.store.diagnostics(since)).boxed()
    }

    fn logs_without_trace(
        &self,
        since: Option<Instant>,
    ) -> BoxFuture<'_, Option<LogsWithoutTrace>> {
        let logs = self.store.logs_without_trace(since);
        std::future::ready(Some(logs)).boxed()
    }

    fn keep_metrics(&self) {
        self.store.keep_metrics();
    }

    fn watch_metrics(&self) -> Option<MetricWatch> {
        Some(self.store.watch_metrics())
    }

    #[cfg(feature = "run")]
    fn watch_traffic(&self, interest: TrafficInterest) -> Option<TrafficWatch> {
        Some(self.store.watch_traffic(interest))
    }

    fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_receiver_on_all_interfaces_is_found_on_loopback() {
        for (listen, endpoint) in [
            ("0.0.0.0:0", "http://127.0.0.1:"),
            ("127.0.0.1:0", "http://127.0.0.1:"),
        ] {
            let builder = Receiver::builder().listen([listen.parse().unwrap()]);
            let receiver = builder.start().await.unwrap();
            assert!(receiver.endpoint().starts_with(endpoint), "{listen}");
        }
    }

    #[tokio::test]
    async fn connections_of_clients_that_stop_sending_are_closed() {
        let soon = Duration::from_millis(50);
        let mut builder = Receiver::builder().listen([SocketAddr::from(([127, 0, 0, 1], 0))]);
        builder.timeouts = Timeouts {
            preface: soon,
            headers: soon,
            request: soon,
        };
        let receiver = builder.start().await.unwrap();
        let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\n";
        let body = "content-type: application/json\r\ncontent-length: 9\r\n\r\n{";
        for (said, answer) in [
            ("", ""),
            ("PRI * HT", ""),
            (head, ""),
            (&format!("{head}{body}"), "HTTP/1.1 408 Request Timeout"),
        ] {
            let mut stream = TcpStream::connect(receiver.addresses()[0]).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            let mut response = Vec::new();
            // The client may see a reset.
            let _ = stream.read_to_end(&mut response).await;
            let response = String::from_utf8_lossy(&response);
            assert!(response.starts_with(answer), "{said:?}: {response}");
        }
    }
}
