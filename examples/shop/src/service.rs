//! The six services by name. Each is implemented in the file with its name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A service of the shop.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Service {
    /// The public API.
    #[serde(rename = "api-gateway", alias = "gateway")]
    Gateway,
    /// Places orders, with calls to the other services.
    Order,
    /// Reserves stock.
    Inventory,
    /// Charges cards.
    Payment,
    /// Ships parcels.
    Shipping,
    /// Notifies customers, from a queue.
    Notification,
}

impl Service {
    pub(crate) const ALL: [Self; 6] = [
        Self::Gateway,
        Self::Order,
        Self::Inventory,
        Self::Payment,
        Self::Shipping,
        Self::Notification,
    ];

    /// The value of `service.name`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "api-gateway",
            Self::Order => "order",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::Shipping => "shipping",
            Self::Notification => "notification",
        }
    }

    /// The service with this name. `gateway` is an alias of `api-gateway`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if name == "gateway" {
            return Some(Self::Gateway);
        }
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Returns `true` if the service listens on a port; `notification` reads a queue.
    pub(crate) fn listens(self) -> bool {
        self != Self::Notification
    }

    /// Name of an environment variable: `SHOP_GATEWAY_VERSION`.
    pub(crate) fn variable(self, suffix: &str) -> String {
        let name = self.name().trim_start_matches("api-").to_uppercase();
        format!("SHOP_{name}_{suffix}")
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
