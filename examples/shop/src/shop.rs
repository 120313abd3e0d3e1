//! Starts the services, connects them, and stops them.

use std::io;
use std::iter;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::uri::Authority;
use opentelemetry_otlp::ExporterBuildError;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::client::{Http, Peer};
use crate::config::{self, Config, ConfigError};
use crate::inventory::Inventory;
use crate::notification::Message;
use crate::order::Orders;
use crate::service::Service;
use crate::telemetry::{self, Telemetry};
use crate::{gateway, inventory, notification, order, payment, server, shipping};

/// Time limit of each step of the shutdown: front server, other servers, last export.
const GRACE: Duration = Duration::from_millis(300);

/// Capacity of the queue of `notification`.
const QUEUE: usize = 1024;

/// The shop could not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Most often, the port is in use.
    #[error("failed to listen on {address}: set PORT to a free port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// An `OTEL_*` variable requires a feature that this build does not have.
    #[error("unsupported OTLP settings in the environment")]
    Export(#[from] ExporterBuildError),
    /// An exporter would have to use TLS.
    #[error("{0} is an https:// address, and the shop exports without TLS: use http://")]
    Tls(&'static str),
    /// A `SHOP_*` variable is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The service runs alone, and the address of another one is missing.
    #[error("missing address of {peer} for {needs}: set {}", peer.variable("URL"))]
    Alone {
        /// The service that runs.
        needs: Service,
        /// The service that it calls.
        peer: Service,
    },
}

/// A running shop.
#[derive(Debug)]
pub(crate) struct Shop {
    /// Address of each service, the one on `PORT` first.
    pub(crate) addresses: Vec<(Service, SocketAddr)>,
    /// The service on `PORT`. It is closed first, since it calls the others.
    front: Servers,
    back: Servers,
    telemetry: Vec<Telemetry>,
}

impl Shop {
    /// Starts the services. All of them listen when this returns.
    pub(crate) async fn open(config: Config) -> Result<Self, OpenError> {
        if let Some(variable) = config::https_endpoint() {
            return Err(OpenError::Tls(variable));
        }
        let http = Http::new();
        let simulation = Arc::new(config.simulation);
        let telemetry = running(config.only)
            .into_iter()
            .map(|service| Telemetry::start(service, &http, &simulation))
            .collect::<Result<Vec<_>, _>>()?;
        let listeners = listen(&telemetry, config.port).await?;
        let addresses = listeners
            .iter()
            .map(|(service, _, at)| (*service, *at))
            .collect();
        let (queue, messages) = mpsc::channel(QUEUE);
        let inventory = Inventory::new(config.inventory_latency);
        let wiring = Wiring {
            http,
            addresses,
            inventory,
            queue,
        };

        let (mut front, mut back) = (Servers::default(), Servers::default());
        for (index, (telemetry, (_, listener, _))) in telemetry.iter().zip(listeners).enumerate() {
            let servers = if index == 0 { &mut front } else { &mut back };
            servers.serve(listener, wiring.router(telemetry)?);
        }
        if let Some(telemetry) = telemetry.last().filter(|last| !last.service.listens()) {
            back.tasks
                .spawn(notification::consume(telemetry.clone(), messages));
        }
        Ok(Self {
            addresses: wiring.addresses,
            front,
            back,
            telemetry,
        })
    }

    /// Resolves when a server ends unexpectedly.
    pub(crate) async fn broken(&mut self) -> io::Error {
        let ended = tokio::select! {
            Some(ended) = self.front.tasks.join_next() => ended,
            Some(ended) = self.back.tasks.join_next() => ended,
            else => return io::Error::other("no server runs"),
        };
        match ended {
            Ok(Err(error)) => error,
            _ => io::Error::other("a server stopped"),
        }
    }

    /// Answers the requests in flight and exports the last spans, each with a time limit.
    pub(crate) async fn close(self) {
        self.front.close().await;
        self.back.close().await;
        let telemetry = self.telemetry;
        // A panic has already been printed.
        spawn_blocking(move || telemetry::flush(&telemetry, GRACE))
            .await
            .ok();
    }
}

/// Servers that stop together.
#[derive(Debug, Default)]
struct Servers {
    tasks: JoinSet<io::Result<()>>,
    stop: watch::Sender<()>,
}

impl Servers {
    fn serve(&mut self, listener: TcpListener, router: Router) {
        let mut stop = self.stop.subscribe();
        let stopped = async move {
            // An error means that the shop was dropped.
            stop.changed().await.ok();
        };
        self.tasks.spawn(server::serve(listener, router, stopped));
    }

    async fn close(mut self) {
        self.stop.send_replace(());
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        // Requests that take longer are aborted.
        timeout(GRACE, ended).await.ok();
    }
}

/// The services of this process. `notification` runs with `order`, whose queue it reads.
fn running(only: Option<Service>) -> Vec<Service> {
    match only {
        None => Service::ALL.to_vec(),
        Some(Service::Order) => vec![Service::Order, Service::Notification],
        Some(service) => vec![service],
    }
}

type Listener = (Service, TcpListener, SocketAddr);

/// Binds the first service to `port`, the others to free ports.
async fn listen(services: &[Telemetry], port: u16) -> Result<Vec<Listener>, OpenError> {
    let mut listeners = Vec::new();
    let ports = [port].into_iter().chain(iter::repeat(0));
    let services = services.iter().map(|telemetry| telemetry.service);
    for (service, port) in services.filter(|service| service.listens()).zip(ports) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let refused = |source| OpenError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        listeners.push((service, listener, address));
    }
    Ok(listeners)
}

/// The connections between services.
#[derive(Debug)]
struct Wiring {
    http: Http,
    addresses: Vec<(Service, SocketAddr)>,
    inventory: Inventory,
    queue: mpsc::Sender<Message>,
}

impl Wiring {
    fn router(&self, telemetry: &Telemetry) -> Result<Router, OpenError> {
        Ok(match telemetry.service {
            Service::Gateway => gateway::router(telemetry, self.peer(telemetry, Service::Order)?),
            Service::Order => order::router(telemetry, self.orders(telemetry)?),
            Service::Inventory => inventory::router(telemetry, self.inventory.clone()),
            Service::Payment => payment::router(telemetry),
            Service::Shipping => shipping::router(telemetry),
            Service::Notification => Router::new(),
        })
    }

    fn orders(&self, telemetry: &Telemetry) -> Result<Orders, OpenError> {
        Ok(Orders {
            inventory: self.peer(telemetry, Service::Inventory)?,
            payment: self.peer(telemetry, Service::Payment)?,
            shipping: self.peer(telemetry, Service::Shipping)?,
            queue: self.queue.clone(),
            placed: Arc::default(),
        })
    }

    /// A service of this process, or one with an address in the environment.
    fn peer(&self, telemetry: &Telemetry, service: Service) -> Result<Peer, OpenError> {
        let own = self.addresses.iter().find(|(name, _)| *name == service);
        let address = match own {
            Some((_, address)) => Some(authority(*address)),
            None => config::address(service)?,
        };
        let address = address.ok_or(OpenError::Alone {
            needs: telemetry.service,
            peer: service,
        })?;
        Ok(Peer::new(service, address, &self.http))
    }
}

fn authority(address: SocketAddr) -> Authority {
    address
        .to_string()
        .parse()
        .expect("a socket address is a valid authority")
}
