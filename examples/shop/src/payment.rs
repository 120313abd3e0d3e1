//! The payment service: charges cards, or returns the reason of a refusal.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Router};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

use crate::call::Call;
use crate::id;
use crate::server::{self, Answer, Reply};
use crate::telemetry::Telemetry;

/// Test card numbers that are refused, with the reason.
const REFUSED: [(&str, &str); 3] = [
    ("4000000000000002", "do_not_honor"),
    ("4000000000000069", "expired_card"),
    ("expired", "expired_card"),
];

/// Simulated duration of a bank call.
const BANK: Duration = Duration::from_millis(2);

/// Means of payment. Default: a card.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Means {
    #[serde(default)]
    method: Method,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    #[default]
    Card,
    Invoice,
    Paypal,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Invoice => "invoice",
            Self::Paypal => "paypal",
        }
    }
}

/// Request to `payment`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Charge {
    pub(crate) order_id: String,
    pub(crate) amount: f64,
    pub(crate) means: Means,
}

/// Response of `payment`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Payment {
    id: String,
    method: Method,
}

pub(crate) fn router(telemetry: &Telemetry) -> Router {
    server::routes(telemetry, (), [("/payments", post(pay))])
}

async fn pay(Extension(call): Extension<Call>, body: Bytes) -> Answer {
    let charge: Charge = server::read(&body)?;
    let payment = Payment {
        id: id::fresh("pay"),
        method: charge.means.method,
    };
    let span = call.start(
        "process_payment",
        SpanKind::Internal,
        charge.attributes(&payment),
    );
    ask_bank(&span).await;
    match charge.refusal(&span) {
        Some(reason) => Err(refuse(&span, &reason)),
        None => Ok(authorize(&span, &payment)),
    }
}

impl Charge {
    /// Attributes of `process_payment`. Contains only the last digits of the card.
    fn attributes(&self, payment: &Payment) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new("payment.id", payment.id.clone()),
            KeyValue::new("payment.method", payment.method.name()),
            KeyValue::new("payment.amount", self.amount),
            KeyValue::new("payment.currency", "EUR"),
            KeyValue::new("order.id", self.order_id.clone()),
        ];
        let digits = self.means.number.as_ref().and_then(|number| {
            let start = number.len().checked_sub(4)?;
            number.get(start..).map(str::to_owned)
        });
        attributes.extend(digits.map(|digits| KeyValue::new("payment.card.last_digits", digits)));
        attributes
    }

    fn refusal(&self, call: &Call) -> Option<String> {
        if !matches!(self.means.method, Method::Card) {
            return None;
        }
        let number = self.means.number.as_deref();
        let known = REFUSED.iter().find(|(refused, _)| Some(*refused) == number);
        call.simulation
            .refuse_card
            .clone()
            .or_else(|| known.map(|(_, reason)| (*reason).to_owned()))
    }
}

/// Calls the bank once, or as often as `payment_attempts` requires.
async fn ask_bank(call: &Call) {
    let attempts = i64::from(call.simulation.payment_attempts.unwrap_or(1).max(1));
    for attempt in 1..attempts {
        sleep(BANK).await;
        call.event(
            "authorization.retried",
            vec![KeyValue::new("attempt", attempt)],
        );
    }
    sleep(BANK).await;
    call.set("payment.attempts", attempts);
}

fn authorize(call: &Call, payment: &Payment) -> Reply {
    let code = KeyValue::new("authorization.code", id::fresh("auth"));
    call.event("card.authorized", vec![code]);
    call.log(|| tracing::info!(payment.id = payment.id, "payment processed"));
    Reply::new(StatusCode::CREATED, json!(payment))
}

fn refuse(call: &Call, reason: &str) -> Reply {
    call.event(
        "card.refused",
        vec![KeyValue::new("reason", reason.to_owned())],
    );
    call.set("error.type", reason.to_owned());
    call.log(|| tracing::warn!(reason, "card refused"));
    let message = call.simulation.status_message.clone();
    call.fail(message.unwrap_or_else(|| format!("card refused: {reason}")));
    let message = format!("the bank refused the card: {reason}");
    let body = json!({ "error": "card_declined", "reason": reason, "message": message });
    Reply::new(StatusCode::PAYMENT_REQUIRED, body)
}
