//! Configuration from the command line and the environment.
//!
//! The OpenTelemetry SDK reads the `OTEL_*` variables itself.

use std::env;
use std::str::FromStr;
use std::time::Duration;

use axum::http::uri::{Authority, Scheme, Uri};

use crate::latency::Latency;
use crate::service::Service;
use crate::simulate::Simulation;

/// Settings of the shop.
#[derive(Debug)]
pub(crate) struct Config {
    /// The service to run; `None` runs all.
    pub(crate) only: Option<Service>,
    /// Port of the gateway, or of the only service.
    pub(crate) port: u16,
    /// Default faults of a request.
    pub(crate) simulation: Simulation,
    /// Distribution of the duration of `inventory-check`.
    pub(crate) inventory_latency: Option<Latency>,
}

/// An invalid argument or variable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// More than one argument, or an unknown service.
    #[error(
        "unknown service `{0}`: use api-gateway, order, inventory, payment or shipping, or no argument to run all"
    )]
    Argument(String),
    /// `shop notification`, whose queue is in memory.
    #[error("notification shares an in-memory queue with order: run `shop order`")]
    Queue,
    /// A variable has an invalid value.
    #[error("invalid {name}={found}: expected {wanted}")]
    Variable {
        /// Name of the variable.
        name: String,
        /// Its value.
        found: String,
        /// The expected value.
        wanted: String,
    },
}

impl Config {
    /// Reads the command line and the environment.
    pub(crate) fn read() -> Result<Self, ConfigError> {
        Ok(Self {
            only: only(env::args().skip(1))?,
            port: number("PORT")?.unwrap_or(8080),
            simulation: simulation()?,
            inventory_latency: inventory_latency()?,
        })
    }
}

/// The variable with an endpoint that needs TLS, if there is one.
pub(crate) fn https_endpoint() -> Option<&'static str> {
    let variables = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    ];
    let mut variables = variables.into_iter();
    variables.find(|name| text(name).is_some_and(|url| url.starts_with("https:")))
}

/// Version of a service: from its variable, that of the shop, or the package.
pub(crate) fn version(service: Service) -> String {
    text(&service.variable("VERSION"))
        .or_else(|| text("SHOP_VERSION"))
        .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
}

/// Address of a service in another process.
pub(crate) fn address(service: Service) -> Result<Option<Authority>, ConfigError> {
    let name = service.variable("URL");
    let Some(found) = text(&name) else {
        return Ok(None);
    };
    match found.parse::<Uri>() {
        Ok(url) if url.scheme() == Some(&Scheme::HTTP) => Ok(url.authority().cloned()),
        _ => Err(ConfigError::Variable {
            name,
            found,
            wanted: "an http URL".to_owned(),
        }),
    }
}

fn only(mut arguments: impl Iterator<Item = String>) -> Result<Option<Service>, ConfigError> {
    let Some(name) = arguments.next() else {
        return Ok(None);
    };
    if let Some(more) = arguments.next() {
        return Err(ConfigError::Argument(more));
    }
    match Service::named(&name) {
        Some(Service::Notification) => Err(ConfigError::Queue),
        Some(service) => Ok(Some(service)),
        None => Err(ConfigError::Argument(name)),
    }
}

fn simulation() -> Result<Simulation, ConfigError> {
    Ok(Simulation {
        fail: services("SHOP_FAIL")?,
        inventory_delay_ms: number("SHOP_INVENTORY_DELAY_MS")?,
        stock_queries: number("SHOP_STOCK_QUERIES")?,
        refuse_card: text("SHOP_REFUSE_CARD"),
        payment_attempts: number("SHOP_PAYMENT_ATTEMPTS")?,
        status_message: text("SHOP_STATUS_MESSAGE"),
        ship_refused: parsed("SHOP_SHIP_REFUSED", "true or false")?,
        notification_delay_ms: number("SHOP_NOTIFICATION_DELAY_MS")?,
        lose_propagation: list("SHOP_LOSE_PROPAGATION", "hops such as order->payment")?,
        drop_spans: list("SHOP_DROP_SPANS", "span names")?,
    })
}

fn inventory_latency() -> Result<Option<Latency>, ConfigError> {
    let (p50, p99) = (
        number("SHOP_INVENTORY_P50_MS")?,
        number("SHOP_INVENTORY_P99_MS")?,
    );
    let Some(median) = p50.or(p99) else {
        return Ok(None);
    };
    let tail: u64 = p99.unwrap_or(median);
    if tail < median {
        return Err(ConfigError::Variable {
            name: "SHOP_INVENTORY_P99_MS".to_owned(),
            found: tail.to_string(),
            wanted: "at least SHOP_INVENTORY_P50_MS".to_owned(),
        });
    }
    let (median, tail) = (Duration::from_millis(median), Duration::from_millis(tail));
    Ok(Some(Latency::new(median, tail, number("SHOP_SEED")?)))
}

fn services(name: &str) -> Result<Option<Vec<Service>>, ConfigError> {
    let names: Option<Vec<String>> = list(name, "service names")?;
    let Some(names) = names else { return Ok(None) };
    let services: Option<Vec<_>> = names.iter().map(|name| Service::named(name)).collect();
    services.map(Some).ok_or_else(|| ConfigError::Variable {
        name: name.to_owned(),
        found: names.join(","),
        wanted: "a list of service names".to_owned(),
    })
}

/// Values separated by commas.
fn list<T: FromStr>(name: &str, wanted: &str) -> Result<Option<Vec<T>>, ConfigError> {
    let Some(found) = text(name) else {
        return Ok(None);
    };
    let values: Result<Vec<T>, _> = found.split(',').map(|part| part.trim().parse()).collect();
    let wanted = format!("a list of {wanted}");
    values.map(Some).map_err(|_| ConfigError::Variable {
        name: name.to_owned(),
        found,
        wanted,
    })
}

fn number<T: FromStr>(name: &str) -> Result<Option<T>, ConfigError> {
    parsed(name, "an integer in range")
}

fn parsed<T: FromStr>(name: &str, wanted: &str) -> Result<Option<T>, ConfigError> {
    let Some(found) = text(name) else {
        return Ok(None);
    };
    let wanted = wanted.to_owned();
    found.parse().map(Some).map_err(|_| ConfigError::Variable {
        name: name.to_owned(),
        found,
        wanted,
    })
}

/// Value of a variable. As in OpenTelemetry, an empty value counts as unset.
fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
