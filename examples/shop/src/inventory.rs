//! The inventory service: knows the stock, reserves it, and takes reservations back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, post};
use axum::{Extension, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

use crate::call::Call;
use crate::database::Statement;
use crate::id;
use crate::latency::Latency;
use crate::server::{self, Answer, Reply};
use crate::telemetry::Telemetry;

const SELECT: Statement = Statement {
    operation: "SELECT",
    table: "stock",
    text: "SELECT quantity, price FROM stock WHERE sku = $1",
};
const UPDATE: Statement = Statement {
    operation: "UPDATE",
    table: "stock",
    text: "UPDATE stock SET quantity = quantity - $2 WHERE sku = $1 AND quantity >= $2",
};
const RETURN: Statement = Statement {
    operation: "UPDATE",
    table: "stock",
    text: "UPDATE stock SET quantity = quantity + $2 WHERE sku = $1",
};

/// What a full shelf holds. An article is put back to it once half of it is sold, so that no
/// number of runs empties the shop.
const FULL: u32 = 1000;

/// What `inventory` is asked for.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ReservationRequest {
    pub(crate) order_id: String,
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

/// What `inventory` sets aside.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Reservation {
    pub(crate) id: String,
    pub(crate) unit_price: f64,
}

/// The stock, what of it is reserved, and how long looking it up takes.
#[derive(Clone, Debug)]
pub(crate) struct Inventory {
    shelves: Arc<Mutex<Shelves>>,
    latency: Option<Arc<Latency>>,
}

#[derive(Debug)]
struct Shelves {
    stock: HashMap<&'static str, Article>,
    reserved: HashMap<String, (&'static str, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Article {
    sku: &'static str,
    quantity: u32,
    price: f64,
}

pub(crate) fn router(telemetry: &Telemetry, inventory: Inventory) -> Router {
    let routes = [
        ("/reservations", post(reserve)),
        ("/reservations/{id}", delete(release)),
    ];
    server::routes(telemetry, inventory, routes)
}

async fn reserve(
    State(inventory): State<Inventory>,
    Extension(call): Extension<Call>,
    body: Bytes,
) -> Answer {
    let request: ReservationRequest = server::read(&body)?;
    let span = call.start("inventory-check", SpanKind::Internal, request.attributes());
    let reservation = inventory.reserve(&span, &request).await?;
    Ok(Reply::new(StatusCode::CREATED, json!(reservation)))
}

async fn release(
    State(inventory): State<Inventory>,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Answer {
    if RETURN
        .run(&call, || inventory.shelves().give_back(&id))
        .await
    {
        return Ok(Reply::new(StatusCode::OK, json!({ "released": id })));
    }
    let message = format!("there is no reservation {id}");
    Err(Reply::error(
        StatusCode::NOT_FOUND,
        "unknown_reservation",
        &message,
    ))
}

impl ReservationRequest {
    fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new("order.id", self.order_id.clone()),
            KeyValue::new("inventory.sku", self.sku.clone()),
            KeyValue::new("inventory.quantity", i64::from(self.quantity)),
        ]
    }
}

impl Inventory {
    pub(crate) fn new(latency: Option<Latency>) -> Self {
        let shelves = Arc::new(Mutex::new(Shelves::seeded()));
        Self {
            shelves,
            latency: latency.map(Arc::new),
        }
    }

    async fn reserve(
        &self,
        call: &Call,
        request: &ReservationRequest,
    ) -> Result<Reservation, Reply> {
        sleep(self.delay(call)).await;
        let article = self
            .look_up(call, &request.sku)
            .await
            .ok_or_else(|| unknown(request))?;
        call.set("inventory.available", i64::from(article.quantity));
        call.set("inventory.in_stock", article.quantity >= request.quantity);
        if article.quantity < request.quantity {
            return Err(out_of_stock(article.quantity));
        }
        let take = || self.shelves().take(article.sku, request.quantity);
        let id = UPDATE
            .run(call, take)
            .await
            .ok_or_else(|| out_of_stock(0))?;
        call.set("reservation.id", id.clone());
        Ok(Reservation {
            id,
            unit_price: article.price,
        })
    }

    fn delay(&self, call: &Call) -> Duration {
        let usual = self
            .latency
            .as_ref()
            .map_or(Duration::ZERO, |latency| latency.draw());
        usual + call.simulation.inventory_delay()
    }

    /// Reads the stock: once, or as often as the request wants the N+1 mistake to be made.
    async fn look_up(&self, call: &Call, sku: &str) -> Option<Article> {
        for _ in 1..call.simulation.stock_queries.unwrap_or(1) {
            SELECT.run(call, || ()).await;
        }
        SELECT
            .run(call, || self.shelves().stock.get(sku).copied())
            .await
    }

    fn shelves(&self) -> std::sync::MutexGuard<'_, Shelves> {
        self.shelves.lock().expect("no holder panics")
    }
}

impl Shelves {
    fn seeded() -> Self {
        let articles = [
            Article {
                sku: "A1",
                quantity: FULL,
                price: 12.50,
            },
            Article {
                sku: "B2",
                quantity: FULL,
                price: 49.50,
            },
            Article {
                sku: "SOLD-OUT",
                quantity: 0,
                price: 5.00,
            },
        ];
        let stock = articles
            .into_iter()
            .map(|article| (article.sku, article))
            .collect();
        Self {
            stock,
            reserved: HashMap::new(),
        }
    }

    /// Takes from a shelf, and gives the name of the reservation, if there is enough.
    fn take(&mut self, sku: &'static str, quantity: u32) -> Option<String> {
        let article = self.stock.get_mut(sku)?;
        article.quantity = article.quantity.checked_sub(quantity)?;
        if article.quantity < FULL / 2 {
            article.quantity = FULL;
        }
        let id = id::fresh("res");
        self.reserved.insert(id.clone(), (sku, quantity));
        Some(id)
    }

    fn give_back(&mut self, reservation: &str) -> bool {
        let Some((sku, quantity)) = self.reserved.remove(reservation) else {
            return false;
        };
        if let Some(article) = self.stock.get_mut(sku) {
            article.quantity = (article.quantity + quantity).min(FULL);
        }
        true
    }
}

fn unknown(request: &ReservationRequest) -> Reply {
    let message = format!("there is no article {}", request.sku);
    Reply::error(StatusCode::NOT_FOUND, "unknown_sku", &message)
}

fn out_of_stock(available: u32) -> Reply {
    let message = format!("only {available} left");
    let body = json!({ "error": "out_of_stock", "message": message, "available": available });
    Reply::new(StatusCode::CONFLICT, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_orders_empties_a_shelf() {
        let mut shelves = Shelves::seeded();
        assert!((0..10_000).all(|_| shelves.take("A1", 7).is_some()));
    }

    #[test]
    fn what_was_reserved_can_be_given_back_once() {
        let mut shelves = Shelves::seeded();
        let id = shelves.take("A1", 3).unwrap();
        assert_eq!(shelves.stock["A1"].quantity, FULL - 3);
        assert!(shelves.give_back(&id));
        assert!(!shelves.give_back(&id));
        assert_eq!(shelves.stock["A1"].quantity, FULL);
    }
}
