//! The order service: calls inventory, payment and shipping, stores the order, and sends a message
//! to `notification`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::call::Call;
use crate::client::Peer;
use crate::database::Statement;
use crate::gateway::{self, OrderRequest};
use crate::id;
use crate::inventory::{Reservation, ReservationRequest};
use crate::notification::{DESTINATION, Message, SYSTEM};
use crate::payment::{Charge, Payment};
use crate::server::{self, Answer, Reply};
use crate::service::Service;
use crate::shipping::{Shipment, ShipmentRequest};
use crate::telemetry::Telemetry;

const INSERT: Statement = Statement {
    operation: "INSERT",
    table: "orders",
    text: "INSERT INTO orders (id, document) VALUES ($1, $2)",
};
const SELECT: Statement = Statement {
    operation: "SELECT",
    table: "orders",
    text: "SELECT document FROM orders WHERE id = $1",
};

/// The services that `order` calls, and the placed orders.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) inventory: Peer,
    pub(crate) payment: Peer,
    pub(crate) shipping: Peer,
    pub(crate) queue: mpsc::Sender<Message>,
    pub(crate) placed: Arc<Mutex<HashMap<String, Value>>>,
}

/// An order that is not placed yet.
#[derive(Debug)]
struct Draft {
    id: String,
    request: OrderRequest,
}

pub(crate) fn router(telemetry: &Telemetry, orders: Orders) -> Router {
    server::routes(
        telemetry,
        orders,
        [("/orders", post(place)), ("/orders/{id}", get(show))],
    )
}

async fn place(
    State(orders): State<Orders>,
    Extension(call): Extension<Call>,
    body: Bytes,
) -> Answer {
    let draft = Draft {
        id: id::fresh("ord"),
        request: server::read(&body)?,
    };
    let span = call.start("place_order", SpanKind::Internal, draft.attributes());
    orders.place(&span, &draft).await
}

async fn show(
    State(orders): State<Orders>,
    Extension(call): Extension<Call>,
    Path(id): Path<String>,
) -> Answer {
    let find = || {
        orders
            .placed
            .lock()
            .expect("no holder panics")
            .get(&id)
            .cloned()
    };
    match SELECT.run(&call, find).await {
        Some(order) => Ok(Reply::new(StatusCode::OK, json!({ "order": order }))),
        None => Err(Reply::new(
            StatusCode::NOT_FOUND,
            gateway::unknown_order(&id),
        )),
    }
}

impl Draft {
    fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new("order.id", self.id.clone()),
            KeyValue::new("order.sku", self.request.sku.clone()),
            KeyValue::new("order.quantity", i64::from(self.request.quantity)),
        ]
    }
}

impl Orders {
    async fn place(&self, call: &Call, draft: &Draft) -> Answer {
        let reservation = self.reserve_stock(call, draft).await?;
        let total = reservation.unit_price * f64::from(draft.request.quantity);
        call.set("order.total", total);
        match self.pay_and_ship(call, draft, total).await {
            Ok((payment, shipment)) => Ok(self.keep(call, draft, total, payment, shipment).await),
            Err(refusal) => {
                self.release_stock(call, &reservation).await;
                Err(refusal)
            }
        }
    }

    async fn reserve_stock(&self, call: &Call, draft: &Draft) -> Result<Reservation, Reply> {
        let span = call.start("reserve_stock", SpanKind::Internal, draft.attributes());
        let request = ReservationRequest {
            order_id: draft.id.clone(),
            sku: draft.request.sku.clone(),
            quantity: draft.request.quantity,
        };
        let answer = self.inventory.post(&span, "/reservations", &request).await;
        answer
            .and_then(Reply::read)
            .inspect(|Reservation { id, .. }| {
                span.set("reservation.id", id.clone());
            })
    }

    /// Releases a reservation. An error is only recorded in the span.
    async fn release_stock(&self, call: &Call, reservation: &Reservation) {
        let id = KeyValue::new("reservation.id", reservation.id.clone());
        let span = call.start("release_stock", SpanKind::Internal, [id]);
        let path = format!("/reservations/{}", reservation.id);
        if let Err(refusal) = self.inventory.delete(&span, &path).await {
            span.fail(format!("inventory answered {}", refusal.status));
        }
    }

    async fn pay_and_ship(
        &self,
        call: &Call,
        draft: &Draft,
        total: f64,
    ) -> Result<(Payment, Shipment), Reply> {
        let payment = self.pay(call, draft, total).await;
        if payment.is_err() && call.simulation.ships_refused() {
            self.ship(call, draft).await?;
        }
        Ok((payment?, self.ship(call, draft).await?))
    }

    async fn pay(&self, call: &Call, draft: &Draft, amount: f64) -> Result<Payment, Reply> {
        let means = draft.request.payment.clone();
        let charge = Charge {
            order_id: draft.id.clone(),
            amount,
            means,
        };
        self.payment
            .post(call, "/payments", &charge)
            .await
            .and_then(Reply::read)
    }

    async fn ship(&self, call: &Call, draft: &Draft) -> Result<Shipment, Reply> {
        let request = ShipmentRequest {
            order_id: draft.id.clone(),
            parcels: 1,
        };
        self.shipping
            .post(call, "/shipments", &request)
            .await
            .and_then(Reply::read)
    }

    async fn keep(
        &self,
        call: &Call,
        draft: &Draft,
        total: f64,
        payment: Payment,
        shipment: Shipment,
    ) -> Reply {
        let order = json!({
            "id": draft.id,
            "status": "placed",
            "sku": draft.request.sku,
            "quantity": draft.request.quantity,
            "total": total,
            "payment": payment,
            "shipment": shipment,
        });
        let keep = || {
            self.placed
                .lock()
                .expect("no holder panics")
                .insert(draft.id.clone(), order.clone());
        };
        INSERT.run(call, keep).await;
        call.log(|| tracing::info!(order.id = draft.id, order.total = total, "order placed"));
        self.announce(call, draft).await;
        Reply::new(StatusCode::CREATED, json!({ "order": order }))
    }

    /// Sends a message with the trace context of the PRODUCER span.
    async fn announce(&self, call: &Call, draft: &Draft) {
        let id = id::fresh("msg");
        let span = call.start(
            format!("send {DESTINATION}"),
            SpanKind::Producer,
            [
                KeyValue::new("messaging.system", SYSTEM),
                KeyValue::new("messaging.destination.name", DESTINATION),
                KeyValue::new("messaging.operation.name", "send"),
                KeyValue::new("messaging.operation.type", "send"),
                KeyValue::new("messaging.message.id", id.clone()),
            ],
        );
        let mut headers = HashMap::new();
        span.inject(Service::Notification, &mut headers);
        let simulation = (*span.simulation).clone();
        let message = Message {
            id,
            order_id: draft.id.clone(),
            headers,
            simulation,
        };
        if self.queue.send(message).await.is_err() {
            span.fail("the queue is closed");
        }
    }
}
