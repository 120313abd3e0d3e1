//! `publish`: a message to a broker, with variables substituted.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::{Body, Propagation, Tls};

/// A message that carries our trace context in its headers.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// The broker, and the place of the message in it.
    pub to: Destination,
    /// The content: none, JSON, text or a file.
    pub body: Body,
    /// Headers in order, without those of the trace context.
    pub headers: Vec<(String, String)>,
    /// User name and password; those of a URL are here too.
    pub login: Option<Login>,
    /// Certificates; with `None`, the scheme of the URL decides about TLS.
    pub tls: Option<Tls>,
    /// Maximum time until the broker has acknowledged the message.
    pub timeout: Option<Duration>,
    /// The sampled flag, trace state and baggage.
    pub propagation: Propagation,
}

/// The credentials of a client.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Login {
    /// The user name; the key id for SQS.
    pub user: String,
    /// The password; the secret key for SQS.
    pub password: String,
    /// The password as a URL spells it.
    pub encoded: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = &self.user;
        f.debug_struct("Login")
            .field("user", user)
            .finish_non_exhaustive()
    }
}

/// A broker, and the place of a message in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    /// A topic of Kafka.
    Kafka(KafkaTopic),
    /// A subject of NATS.
    Nats {
        /// The server: `nats://127.0.0.1:4222`, without user and password.
        server: Url,
        /// The subject.
        subject: String,
    },
    /// An exchange of AMQP 0.9.1.
    Amqp {
        /// The server with its virtual host, without user and password.
        server: Url,
        /// The exchange; empty for the default one, whose routing keys are the names of queues.
        exchange: String,
        /// The routing key.
        routing_key: String,
    },
    /// A queue of SQS, or of a server with its HTTP interface.
    Sqs(SqsQueue),
}

/// A queue of SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqsQueue {
    /// The URL of the queue.
    pub queue: Url,
    /// The AWS region; default: that of the URL.
    pub region: Option<String>,
    /// The session token of temporary credentials.
    pub token: Option<String>,
    /// The message group, for FIFO queues.
    pub group: Option<String>,
    /// The deduplication id, for FIFO queues.
    pub deduplication: Option<String>,
}

/// A topic of Kafka, and the place of a record in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaTopic {
    /// The brokers to ask first, `host:port` each.
    pub brokers: Vec<String>,
    /// The topic.
    pub topic: String,
    /// The key, which determines the partition.
    pub key: Option<String>,
    /// The partition, instead of that of the key.
    pub partition: Option<i32>,
    /// The SASL mechanism for the login.
    pub mechanism: SaslMechanism,
}

/// A SASL mechanism of Kafka.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SaslMechanism {
    /// `PLAIN`.
    #[default]
    Plain,
    /// `SCRAM-SHA-256`.
    ScramSha256,
    /// `SCRAM-SHA-512`.
    ScramSha512,
}

impl SaslMechanism {
    /// All mechanisms, by their names.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("plain", Self::Plain),
        ("scram-sha-256", Self::ScramSha256),
        ("scram-sha-512", Self::ScramSha512),
    ];
}

impl Destination {
    /// The broker, as messages name it: `Kafka at 127.0.0.1:9092`.
    #[must_use]
    pub fn broker(&self) -> String {
        match self {
            Self::Kafka(kafka) => format!("Kafka at {}", kafka.brokers.join(",")),
            Self::Nats { server, .. } => format!("NATS at {}", address(server)),
            Self::Amqp { server, .. } => format!("the AMQP broker at {}", address(server)),
            Self::Sqs(sqs) => format!("SQS at {}", address(&sqs.queue)),
        }
    }

    /// The place in the broker: `topic orders`.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Kafka(kafka) => format!("topic {}", kafka.topic),
            Self::Nats { subject, .. } => format!("subject {subject}"),
            Self::Amqp {
                exchange,
                routing_key,
                ..
            } if exchange.is_empty() => format!("queue {routing_key}"),
            Self::Amqp {
                exchange,
                routing_key,
                ..
            } => format!("exchange {exchange}, routing key {routing_key}"),
            Self::Sqs(_) => format!("queue {}", self.name()),
        }
    }

    /// The name of the destination in the attributes of spans, `messaging.destination.name`. For
    /// AMQP, instrumentations differ: it is one of several.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Kafka(kafka) => &kafka.topic,
            Self::Nats { subject, .. } => subject,
            Self::Amqp {
                exchange,
                routing_key,
                ..
            } => match exchange.is_empty() {
                true => routing_key,
                false => exchange,
            },
            Self::Sqs(sqs) => sqs.queue.path().rsplit('/').next().unwrap_or_default(),
        }
    }
}

/// The place of a message, as messages about missing spans name it.
#[cfg(feature = "run")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessagePlace {
    /// See [`Destination::broker`].
    pub(crate) broker: String,
    /// See [`Destination::place`].
    pub(crate) place: String,
    /// See [`Destination::name`].
    pub(crate) name: String,
}

#[cfg(feature = "run")]
impl MessagePlace {
    pub(crate) fn of(publish: &Publish) -> Self {
        Self {
            broker: publish.to.broker(),
            place: publish.to.place(),
            name: publish.to.name().to_owned(),
        }
    }
}

impl Publish {
    /// The secrets of the login and of the destination.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        // `nats://token@host`
        let is_token = |login: &&Login| {
            matches!(self.to, Destination::Nats { .. }) && login.password.is_empty()
        };
        let login = self.login.as_ref();
        let token = login.filter(is_token).map(|login| login.user.as_str());
        let password = login.map(|login| login.password.as_str());
        let encoded = login.and_then(|login| login.encoded.as_deref());
        let session = match &self.to {
            Destination::Sqs(queue) => queue.token.as_deref(),
            _ => None,
        };
        [token, password, encoded, session].into_iter().flatten()
    }

    /// `publish to topic orders of Kafka at 127.0.0.1:9092`.
    pub(super) fn describe(&self) -> String {
        format!("publish to {} of {}", self.to.place(), self.to.broker())
    }
}

/// Host and port.
fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
