//! The notification service: reads the queue and tells customers, after they had their answer.
//!
//! Each message is worked on in a trace of its own that links to the span which sent it, as
//! OpenTelemetry recommends for queues.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanBuilder, SpanKind};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::call::Call;
use crate::simulate::Simulation;
use crate::telemetry::Telemetry;

/// `messaging.system`: the queue is in memory.
pub(crate) const SYSTEM: &str = "in_memory";

/// `messaging.destination.name`.
pub(crate) const DESTINATION: &str = "orders";

/// What handing a letter to the mail server takes.
const MAIL: Duration = Duration::from_millis(2);

/// Word of an order, with the sender's trace context in its headers.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) simulation: Simulation,
}

/// Handles messages side by side until no sender is left and all of them are done with.
pub(crate) async fn consume(
    telemetry: Telemetry,
    mut queue: mpsc::Receiver<Message>,
) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    while let Some(message) = queue.recv().await {
        while tasks.try_join_next().is_some() {}
        let telemetry = telemetry.clone();
        tasks.spawn(async move { process(&telemetry, message).await });
    }
    tasks.join_all().await;
    Ok(())
}

async fn process(telemetry: &Telemetry, message: Message) {
    let span = SpanBuilder::from_name(format!("process {DESTINATION}"))
        .with_kind(SpanKind::Consumer)
        .with_attributes([
            KeyValue::new("messaging.system", SYSTEM),
            KeyValue::new("messaging.destination.name", DESTINATION),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.message.id", message.id),
        ]);
    let call = Call::follow(telemetry, message.simulation, &message.headers, span);
    sleep(call.simulation.notification_delay()).await;
    send_notification(&call, message.order_id).await;
}

async fn send_notification(call: &Call, order_id: String) {
    let _span = call.start(
        "send_notification",
        SpanKind::Internal,
        [
            KeyValue::new("notification.channel", "email"),
            KeyValue::new("order.id", order_id),
        ],
    );
    sleep(MAIL).await;
}
