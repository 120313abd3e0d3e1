//! Publishes messages, and waits until the broker has acknowledged them.
//!
//! A message has the content and the headers of the spec, and the trace context in further headers:
//! `traceparent`, and `tracestate` and `baggage` if the context has them. Nothing is sent a second
//! time: an attempt without an acknowledgement is an error.

#[cfg(feature = "amqp")]
mod amqp;
mod connections;
mod error;
#[cfg(feature = "kafka")]
mod kafka;
mod message;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(any(feature = "kafka", feature = "nats", feature = "amqp"))]
mod stream;

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use self::message::{DEFAULT_TIMEOUT, Message, Progress, Receipt};
use super::body::EncodedBody;
use super::{Session, TraceContext, TriggerError};
use crate::spec::{Destination, Publish};
use crate::trace::{MessageResponse, Value};

pub(super) use connections::Connections;
pub use error::{PublishError, PublishProblem};

pub(super) async fn publish(
    publish: &Publish,
    context: &TraceContext,
    session: &Session,
) -> Result<MessageResponse, TriggerError> {
    let (body, content_type) = EncodedBody::load(&publish.body).await?.into_bytes();
    let fields = context.fields();
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    let message = Message {
        publish,
        body,
        content_type,
        headers: publish.headers.iter().cloned().chain(fields).collect(),
        progress: Progress::default(),
    };
    let limit = publish.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let started = Instant::now();
    let sending = send(&message, context, session);
    let receipt = match tokio::time::timeout(limit, sending).await {
        Ok(sent) => sent?,
        Err(_) => {
            let step = message.progress.step();
            return Err(message.failed(PublishProblem::Timeout { limit, step }));
        }
    };
    Ok(MessageResponse {
        broker: publish.to.broker(),
        place: publish.to.place(),
        receipt: Value::Map(receipt.parts).to_json_text(),
        note: receipt.note,
        time: started.elapsed(),
    })
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Receipt, TriggerError>> + Send + 'a>>;

/// Sends a message in the way of its broker. Each has a future of its own on the heap, so that one with
/// a large state does not enlarge those of all triggers.
#[cfg_attr(
    not(all(feature = "kafka", feature = "nats", feature = "amqp", feature = "sqs")),
    expect(unused_variables, reason = "only clients need them")
)]
fn send<'a>(
    message: &'a Message<'a>,
    context: &'a TraceContext,
    session: &'a Session,
) -> Sending<'a> {
    let connections = session.brokers();
    #[cfg_attr(
        all(feature = "kafka", feature = "nats", feature = "amqp", feature = "sqs"),
        expect(unused_variables, reason = "all are supported")
    )]
    let missing = |feature| -> Sending<'a> {
        let missing = message.failed(PublishProblem::NoFeature(feature));
        Box::pin(std::future::ready(Err(missing)))
    };
    match &message.publish.to {
        #[cfg(feature = "kafka")]
        Destination::Kafka(topic) => Box::pin(kafka::send(topic, message, connections)),
        #[cfg(not(feature = "kafka"))]
        Destination::Kafka(_) => missing("kafka"),
        #[cfg(feature = "nats")]
        Destination::Nats { server, subject } => {
            Box::pin(nats::send(server, subject, message, connections))
        }
        #[cfg(not(feature = "nats"))]
        Destination::Nats { .. } => missing("nats"),
        #[cfg(feature = "amqp")]
        Destination::Amqp {
            server,
            exchange,
            routing_key: key,
        } => {
            let route = amqp::Route {
                server,
                exchange,
                key,
            };
            Box::pin(amqp::send(route, message, connections))
        }
        #[cfg(not(feature = "amqp"))]
        Destination::Amqp { .. } => missing("amqp"),
        #[cfg(feature = "sqs")]
        Destination::Sqs(queue) => Box::pin(sqs::send(queue, message, context, session)),
        #[cfg(not(feature = "sqs"))]
        Destination::Sqs(_) => missing("sqs"),
    }
}
