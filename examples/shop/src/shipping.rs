//! The shipping service: selects a carrier for a parcel.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Router};
use opentelemetry::trace::SpanKind;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

use crate::call::Call;
use crate::id;
use crate::server::{self, Answer, Reply};
use crate::telemetry::Telemetry;

/// Carriers, the cheapest first.
const CARRIERS: [&str; 3] = ["bike", "post", "courier"];

/// Simulated duration of the selection.
const OFFERS: Duration = Duration::from_millis(1);

/// Request to `shipping`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ShipmentRequest {
    pub(crate) order_id: String,
    pub(crate) parcels: u32,
}

/// Response of `shipping`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Shipment {
    id: String,
    carrier: String,
}

pub(crate) fn router(telemetry: &Telemetry) -> Router {
    server::routes(telemetry, (), [("/shipments", post(ship))])
}

async fn ship(Extension(call): Extension<Call>, body: Bytes) -> Answer {
    let request: ShipmentRequest = server::read(&body)?;
    let shipment = Shipment {
        id: id::fresh("shp"),
        carrier: CARRIERS[0].to_owned(),
    };
    let _span = call.start("ship", SpanKind::Internal, request.attributes(&shipment));
    sleep(OFFERS).await;
    Ok(Reply::new(StatusCode::CREATED, json!(shipment)))
}

impl ShipmentRequest {
    fn attributes(&self, shipment: &Shipment) -> [KeyValue; 5] {
        let carriers = CARRIERS.map(StringValue::from).to_vec();
        let label = json!({ "carrier": shipment.carrier, "parcels": self.parcels });
        [
            KeyValue::new("shipment.id", shipment.id.clone()),
            KeyValue::new("shipment.carriers", Value::Array(Array::String(carriers))),
            KeyValue::new("shipment.parcels", i64::from(self.parcels)),
            KeyValue::new("shipment.label", label.to_string()),
            KeyValue::new("order.id", self.order_id.clone()),
        ]
    }
}
