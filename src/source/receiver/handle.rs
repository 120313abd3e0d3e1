//! What one holds: a receiver that listens for as long as it lives.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::census::Census;
use super::cors::Origins;
use super::finished::Late;
use super::follow::Follow;
use super::http;
use super::listener::{self, Timeouts};
use super::store::Store;
use crate::trace::{Origin, Trace, TraceId};

/// The ports that OTLP has for gRPC and HTTP, on the loopback interface. Each serves both.
pub const DEFAULT_ADDRESSES: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4317),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4318),
];

/// An OTLP receiver. Dropping it closes its ports and ends its connections; what was received
/// stays with those who follow a trace or hold the [`Store`].
#[derive(Debug)]
pub struct Receiver {
    addresses: Vec<SocketAddr>,
    store: Store,
    /// Aborted when dropped, and each ends its own connections.
    listeners: JoinSet<()>,
}

/// How to start a [`Receiver`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    addresses: Option<Vec<SocketAddr>>,
    origins: Origins,
    store: Store,
    timeouts: Timeouts,
}

/// An address that we cannot listen on.
#[derive(Debug, thiserror::Error)]
#[error("failed to bind the OTLP receiver to {addr}")]
pub struct BindError {
    /// The address that was asked for.
    pub addr: SocketAddr,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl Builder {
    /// Listens on these addresses, each for both gRPC and HTTP, instead of on
    /// [`DEFAULT_ADDRESSES`]. Port 0 takes any free port.
    #[must_use]
    pub fn listen(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.addresses = Some(addresses.into_iter().collect());
        self
    }

    /// Lets web pages of this origin, such as `https://shop.example`, send spans, beside those of
    /// `localhost`, which always may. `*` lets every page.
    #[must_use]
    pub fn cors_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.allow(origin.into());
        self
    }

    /// Fills this store instead of one of its own.
    #[must_use]
    pub fn store(mut self, store: Store) -> Self {
        self.store = store;
        self
    }

    /// Binds all addresses and starts to serve them; when this returns, exporters can connect.
    ///
    /// # Errors
    /// When an address cannot be bound; then none is.
    pub async fn start(self) -> Result<Receiver, BindError> {
        let wanted = self.addresses.unwrap_or_else(|| DEFAULT_ADDRESSES.to_vec());
        let mut bound = Vec::with_capacity(wanted.len());
        for addr in wanted {
            bound.push(
                bind(addr)
                    .await
                    .map_err(|source| BindError { addr, source })?,
            );
        }
        let router = http::router(&self.store, self.origins, self.timeouts);
        let mut addresses = Vec::with_capacity(bound.len());
        let mut listeners = JoinSet::new();
        for (listener, address) in bound {
            addresses.push(address);
            listeners.spawn(listener::serve(
                listener,
                router.clone(),
                self.store.clone(),
                self.timeouts,
            ));
        }
        Ok(Receiver {
            addresses,
            store: self.store,
            listeners,
        })
    }
}

async fn bind(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

impl Receiver {
    /// How to start one.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens, in the order that was asked for, with the actual ports.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What it remembers.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// See [`Store::follow`].
    #[must_use]
    pub fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        self.store.follow(trace, origin)
    }

    /// See [`Store::census`].
    #[must_use]
    pub fn census(&self) -> Census {
        self.store.census()
    }

    /// See [`Store::strangers`].
    #[must_use]
    pub fn strangers(&self, since: Instant) -> Vec<Trace> {
        self.store.strangers(since)
    }

    /// See [`Store::late`].
    #[must_use]
    pub fn late(&self) -> Vec<Late> {
        self.store.late()
    }

    /// Closes the ports, and returns when they can be taken again: dropping does not wait for it.
    pub async fn stop(mut self) {
        self.listeners.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn clients_that_do_not_go_on_are_hung_up_on() {
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
            // Whoever is hung up on may see a reset.
            let _ = stream.read_to_end(&mut response).await;
            let response = String::from_utf8_lossy(&response);
            assert!(response.starts_with(answer), "{said:?}: {response}");
        }
    }
}
