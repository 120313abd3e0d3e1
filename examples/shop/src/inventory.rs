//! The inventory service: reserves stock, and releases reservations.

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

/// Initial stock of an article. It is refilled when half of it is sold, so that any number of specs
/// can run.
const FULL: u32 = 1000;

/// Request to `inventory`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ReservationRequest {
    pub(crate) order_id: String,
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

/// Response of `inventory`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Reservation {
    pub(crate) id: String,
    pub(crate) unit_price: f64,
}

/// The stock, and the distribution of the duration of `inventory-check`.
#[derive(Clone, Debug)]
pub(crate) struct Inventory {
    stock: Arc<Mutex<Stock>>,
    latency: Option<Arc<Latency>>,
}

#[derive(Debug)]
struct Stock {
    articles: HashMap<&'static str, Article>,
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
    if RETURN.run(&call, || inventory.stock().release(&id)).await {
        return Ok(Reply::new(StatusCode::OK, json!({ "released": id })));
    }
    let message = format!("unknown reservation {id}");
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
        let stock = Arc::new(Mutex::new(Stock::seeded()));
        Self {
            stock,
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
        let take = || self.stock().take(article.sku, request.quantity);
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

    /// Reads the stock, `stock_queries` times to simulate an N+1 query.
    async fn look_up(&self, call: &Call, sku: &str) -> Option<Article> {
        for _ in 1..call.simulation.stock_queries.unwrap_or(1) {
            SELECT.run(call, || ()).await;
        }
        SELECT
            .run(call, || self.stock().articles.get(sku).copied())
            .await
    }

    fn stock(&self) -> std::sync::MutexGuard<'_, Stock> {
        self.stock.lock().expect("no holder panics")
    }
}

impl Stock {
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
        let articles = articles
            .into_iter()
            .map(|article| (article.sku, article))
            .collect();
        Self {
            articles,
            reserved: HashMap::new(),
        }
    }

    /// Reserves a quantity and returns the id of the reservation; `None` if the stock is too low.
    fn take(&mut self, sku: &'static str, quantity: u32) -> Option<String> {
        let article = self.articles.get_mut(sku)?;
        article.quantity = article.quantity.checked_sub(quantity)?;
        if article.quantity < FULL / 2 {
            article.quantity = FULL;
        }
        let id = id::fresh("res");
        self.reserved.insert(id.clone(), (sku, quantity));
        Some(id)
    }

    fn release(&mut self, reservation: &str) -> bool {
        let Some((sku, quantity)) = self.reserved.remove(reservation) else {
            return false;
        };
        if let Some(article) = self.articles.get_mut(sku) {
            article.quantity = (article.quantity + quantity).min(FULL);
        }
        true
    }
}

fn unknown(request: &ReservationRequest) -> Reply {
    let message = format!("unknown article {}", request.sku);
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
    fn stock_is_refilled() {
        let mut stock = Stock::seeded();
        assert!((0..10_000).all(|_| stock.take("A1", 7).is_some()));
    }

    #[test]
    fn a_reservation_is_released_once() {
        let mut stock = Stock::seeded();
        let id = stock.take("A1", 3).unwrap();
        assert_eq!(stock.articles["A1"].quantity, FULL - 3);
        assert!(stock.release(&id));
        assert!(!stock.release(&id));
        assert_eq!(stock.articles["A1"].quantity, FULL);
    }
}
