//! The api-gateway: the public API. Forwards requests to `order`.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::client::Peer;
use crate::payment::Means;
use crate::server::{self, Answer, Reply};
use crate::simulate::Simulation;
use crate::telemetry::Telemetry;

/// Body of `POST /orders`, with simulated faults.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    sku: String,
    quantity: u32,
    #[serde(default)]
    payment: Means,
    #[serde(default)]
    simulate: Simulation,
}

/// Request to `order`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct OrderRequest {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) payment: Means,
}

pub(crate) fn router(telemetry: &Telemetry, orders: Peer) -> Router {
    let routes = [("/orders", post(place)), ("/orders/{id}", get(show))];
    server::routes(telemetry, orders, routes).route("/health", get(health))
}

/// Health check, not traced.
async fn health() -> Reply {
    Reply::new(StatusCode::OK, json!({ "status": "ok" }))
}

async fn place(
    State(orders): State<Peer>,
    Extension(call): Extension<Call>,
    body: Bytes,
) -> Answer {
    let Request {
        sku,
        quantity,
        payment,
        simulate,
    } = server::read(&body)?;
    if quantity == 0 {
        return Err(server::bad_request("quantity must be at least 1"));
    }
    let call = call.simulating(simulate);
    let request = OrderRequest {
        sku,
        quantity,
        payment,
    };
    let placed = orders.post(&call, "/orders", &request).await?;
    let location = format!(
        "/orders/{}",
        placed.body["order"]["id"].as_str().unwrap_or_default()
    );
    Ok(placed.at(location))
}

async fn show(
    State(orders): State<Peer>,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Answer {
    if !id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(Reply::new(StatusCode::NOT_FOUND, unknown_order(&id)));
    }
    orders.get(&call, &format!("/orders/{id}")).await
}

/// Body of a 404 response.
pub(crate) fn unknown_order(id: &str) -> Value {
    json!({ "error": "unknown_order", "message": format!("unknown order {id}") })
}
