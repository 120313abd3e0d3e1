//! The notification service: notifies customers of orders, from a queue.
//!
//! Each message is processed in a new trace with a link to the span that sent it, as OpenTelemetry
//! recommends for queues.

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

/// Simulated duration of sending a mail.
const MAIL: Duration = Duration::from_millis(2);

/// A placed order, with the trace context of the sender in its headers.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) simulation: Simulation,
}

/// Processes messages concurrently until all senders are dropped and all messages are processed.
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
    let span = call.start(
        "send_notification",
        SpanKind::Internal,
        [
            KeyValue::new("notification.channel", "email"),
            KeyValue::new("order.id", order_id.clone()),
        ],
    );
    sleep(MAIL).await;
    span.log(|| tracing::info!(order.id = order_id, "customer notified"));
}
