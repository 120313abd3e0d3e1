//! Simulated faults, requested by a request or the environment.
//!
//! This file defines the faults and their format. The services implement them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::service::Service;

/// Header with the faults of a request, as JSON.
pub(crate) const HEADER: &str = "x-shop-simulate";

/// Faults of a request. `None` means no fault.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Simulation {
    /// Services that answer 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fail: Option<Vec<Service>>,
    /// Extra time inside `inventory-check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inventory_delay_ms: Option<u64>,
    /// Number of stock queries; more than one simulates an N+1 query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stock_queries: Option<u32>,
    /// Reason for which every card is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refuse_card: Option<String>,
    /// Number of attempts until the bank answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_attempts: Option<u32>,
    /// Status message of a refused `process_payment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_message: Option<String>,
    /// Ships an order although its payment was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ship_refused: Option<bool>,
    /// Extra time inside `process orders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notification_delay_ms: Option<u64>,
    /// Hops that do not propagate the trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lose_propagation: Option<Vec<Edge>>,
    /// Names of spans that are never exported; their children are orphans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drop_spans: Option<Vec<String>>,
}

impl Simulation {
    /// These faults, with `base` for fields that are `None`.
    pub(crate) fn or(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            fail: self.fail.or(base.fail),
            inventory_delay_ms: self.inventory_delay_ms.or(base.inventory_delay_ms),
            stock_queries: self.stock_queries.or(base.stock_queries),
            refuse_card: self.refuse_card.or(base.refuse_card),
            payment_attempts: self.payment_attempts.or(base.payment_attempts),
            status_message: self.status_message.or(base.status_message),
            ship_refused: self.ship_refused.or(base.ship_refused),
            notification_delay_ms: self.notification_delay_ms.or(base.notification_delay_ms),
            lose_propagation: self.lose_propagation.or(base.lose_propagation),
            drop_spans: self.drop_spans.or(base.drop_spans),
        }
    }

    pub(crate) fn fails(&self, service: Service) -> bool {
        self.fail
            .as_ref()
            .is_some_and(|services| services.contains(&service))
    }

    pub(crate) fn inventory_delay(&self) -> Duration {
        Duration::from_millis(self.inventory_delay_ms.unwrap_or(0))
    }

    pub(crate) fn notification_delay(&self) -> Duration {
        Duration::from_millis(self.notification_delay_ms.unwrap_or(0))
    }

    pub(crate) fn ships_refused(&self) -> bool {
        self.ship_refused.unwrap_or(false)
    }

    pub(crate) fn loses_propagation(&self, from: Service, to: Service) -> bool {
        let lost = Edge { from, to };
        self.lose_propagation
            .as_ref()
            .is_some_and(|edges| edges.contains(&lost))
    }

    pub(crate) fn drops(&self, span: &str) -> bool {
        self.drop_spans
            .as_ref()
            .is_some_and(|names| names.iter().any(|name| name == span))
    }
}

/// A hop from one service to another, written `order->payment`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Edge {
    from: Service,
    to: Service,
}

/// An invalid [`Edge`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum EdgeError {
    /// The arrow is missing.
    #[error("invalid hop `{0}`: use two services and an arrow, such as order->payment")]
    Arrow(String),
    /// One side is not a service.
    #[error("unknown service `{0}`")]
    Service(String),
}

impl FromStr for Edge {
    type Err = EdgeError;

    fn from_str(text: &str) -> Result<Self, EdgeError> {
        let (from, to) = text
            .split_once("->")
            .ok_or_else(|| EdgeError::Arrow(text.to_owned()))?;
        Ok(Self {
            from: end(from)?,
            to: end(to)?,
        })
    }
}

fn end(name: &str) -> Result<Service, EdgeError> {
    Service::named(name.trim()).ok_or_else(|| EdgeError::Service(name.trim().to_owned()))
}

impl TryFrom<String> for Edge {
    type Error = EdgeError;

    fn try_from(text: String) -> Result<Self, EdgeError> {
        text.parse()
    }
}

impl From<Edge> for String {
    fn from(edge: Edge) -> Self {
        edge.to_string()
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_overrides_the_environment_field_by_field() {
        let environment = Simulation {
            inventory_delay_ms: Some(500),
            stock_queries: Some(4),
            ..Simulation::default()
        };
        let request = Simulation {
            inventory_delay_ms: Some(0),
            ..Simulation::default()
        };
        let both = request.or(&environment);
        assert_eq!(
            (both.inventory_delay_ms, both.stock_queries),
            (Some(0), Some(4))
        );
    }

    #[test]
    fn a_hop_consists_of_two_services_and_an_arrow() {
        let edge: Edge = "gateway -> order".parse().unwrap();
        assert_eq!(edge.to_string(), "api-gateway->order");
        assert!("order".parse::<Edge>().is_err());
        assert!("order->warehouse".parse::<Edge>().is_err());
    }

    #[test]
    fn an_unknown_fault_is_an_error() {
        let error = serde_json::from_str::<Simulation>(r#"{ "inventory_delay": 5 }"#).unwrap_err();
        assert!(error.to_string().contains("inventory_delay_ms"), "{error}");
    }
}
