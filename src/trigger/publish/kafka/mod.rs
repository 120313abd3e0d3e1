//! Kafka: one record, acknowledged by all replicas that are in sync.
//!
//! The client is ours, because a producer for tests must not send a record twice, and must give the
//! answer of the broker: `rskafka` tries again by itself, also after the broker has stored the
//! record and asks for a pause. Kafka's `delivery.timeout.ms` has no counterpart here.

mod connection;
mod errors;
mod sasl;
mod wire;

use std::time::SystemTime;

use self::connection::{Connection, Partition};
use self::wire::Record;
use super::connections::{Connections, Peer};
use super::error::{PublishProblem, Step};
use super::message::{Message, Receipt};
use super::stream::Address;
use crate::spec::KafkaTopic;
use crate::trace::{Nanos, Value, unix_nanos};
use crate::trigger::TriggerError;

pub(super) async fn send(
    topic: &KafkaTopic,
    message: &Message<'_>,
    connections: &Connections,
) -> Result<Receipt, TriggerError> {
    let clients = connections;
    let mut connection = any_broker(topic, message, clients).await?;
    message.progress.reach(Step::Greeting);
    let partitions = connection.partitions(&topic.topic, message).await?;
    let partition = chosen(topic, &partitions, message)?;
    let leader = connection.address_of(partition.leader).map(str::to_owned);
    let Some(leader) = leader else {
        let answer = format!("partition {} has no leader", partition.number);
        let help = "check that the brokers of the cluster run";
        return Err(rejected(message, answer, Some(help)));
    };
    if leader != connection.address() && connection.brokers() > 1 {
        clients.keep(peer(connection.address(), topic, message), connection);
        connection = broker(Address::Advertised(&leader), topic, message, clients).await?;
    }
    connection.refuse_old_format(&topic.topic, message).await?;
    let now: Nanos = unix_nanos(SystemTime::now());
    let record = Record {
        key: topic.key.as_ref().map(String::as_bytes),
        value: message.body.as_deref(),
        headers: &message.headers,
        time: i64::try_from(now / 1_000_000).unwrap_or_default(),
    };
    message.progress.reach(Step::Sent);
    let offset = connection
        .produce(&topic.topic, partition.number, &record, message)
        .await?;
    clients.keep(peer(connection.address(), topic, message), connection);
    Ok(Receipt::from_iter([
        ("partition", Value::Int(partition.number.into())),
        ("offset", Value::Int(offset)),
    ]))
}

/// The partition of a record: that of the spec, that of its key, or any.
fn chosen(
    topic: &KafkaTopic,
    partitions: &[Partition],
    message: &Message<'_>,
) -> Result<Partition, TriggerError> {
    let at = match (topic.partition, &topic.key) {
        (Some(number), _) => partitions.iter().position(|known| known.number == number),
        (None, Some(key)) => {
            let number = wire::partition(key.as_bytes(), partitions.len());
            let number = i32::try_from(number).unwrap_or_default();
            partitions.iter().position(|known| known.number == number)
        }
        (None, None) => Some(rand::random_range(0..partitions.len().max(1))),
    };
    let found = at.and_then(|at| partitions.get(at).copied());
    found.ok_or_else(|| {
        let number = topic.partition.unwrap_or_default();
        message.failed(PublishProblem::NoPlace {
            name: format!("partition {number} of {}", topic.topic),
            help: "choose an existing partition, or leave `partition` out".to_owned(),
        })
    })
}

fn rejected(message: &Message<'_>, answer: String, help: Option<&'static str>) -> TriggerError {
    message.failed(PublishProblem::Rejected { answer, help })
}

/// A connection to the first broker of the list that can be reached.
async fn any_broker(
    topic: &KafkaTopic,
    message: &Message<'_>,
    clients: &Connections,
) -> Result<Connection, TriggerError> {
    let mut first = None;
    for address in &topic.brokers {
        match broker(Address::Written(address), topic, message, clients).await {
            Ok(connection) => return Ok(connection),
            Err(error) => _ = first.get_or_insert(error),
        }
    }
    Err(first.expect("the reader requires a broker"))
}

/// A connection to this broker, perhaps one that was used before.
async fn broker(
    address: Address<'_>,
    topic: &KafkaTopic,
    message: &Message<'_>,
    clients: &Connections,
) -> Result<Connection, TriggerError> {
    let peer = peer(address.text(), topic, message);
    match clients.take(&peer, Connection::is_alive) {
        Some(connection) => Ok(connection),
        None => Connection::open(address, topic.mechanism, message).await,
    }
}

fn peer(address: &str, topic: &KafkaTopic, message: &Message<'_>) -> Peer {
    Peer {
        address: address.to_owned(),
        login: message.publish.login.clone(),
        tls: message.publish.tls.clone(),
        of: sasl::name(topic.mechanism).to_owned(),
    }
}
