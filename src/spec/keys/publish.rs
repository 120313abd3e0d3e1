//! Keys of `publish`.

use super::trigger::{CONTENT_TABLE, PROPAGATION};
use super::{Key, Keys, key};

/// `publish`, for any broker.
pub(crate) const PUBLISH: Keys = Keys(&[
    BROKER_TABLE,
    KAFKA_TABLE,
    NATS_TABLE,
    AMQP_TABLE,
    SQS_TABLE,
    CONTENT_TABLE,
    MESSAGE_TABLE,
    PROPAGATION,
]);

/// The keys with the address of a broker. A message has exactly one.
pub(crate) const BROKERS: Keys = Keys(&[BROKER_TABLE]);

/// The keys of each broker that others do not have.
pub(crate) const OF_BROKERS: [(&str, Keys); 4] = [
    ("kafka", Keys(&[KAFKA_TABLE])),
    ("nats", Keys(&[NATS_TABLE])),
    ("amqp", Keys(&[AMQP_TABLE])),
    ("sqs", Keys(&[SQS_TABLE])),
];

const BROKER_TABLE: &[Key] = &[
    key(
        "kafka",
        "texts",
        "The Kafka brokers to connect to first: 127.0.0.1:9092, or a list.",
    ),
    key("nats", "text", "The NATS server: nats://127.0.0.1:4222."),
    key(
        "amqp",
        "text",
        "The AMQP 0.9.1 broker, such as RabbitMQ: amqp://127.0.0.1:5672, with a virtual host as path.",
    ),
    key(
        "sqs",
        "text",
        "The URL of a queue of SQS, or of a server with its HTTP interface.",
    ),
];

const KAFKA_TABLE: &[Key] = &[
    key("topic", "text", "The topic, which must exist."),
    key(
        "key",
        "text",
        "The key of the record. As in Java's client, it determines the partition.",
    ),
    key(
        "partition",
        "whole",
        "The partition, instead of that of the key.",
    ),
    key(
        "sasl",
        "sasl",
        "The SASL mechanism for `user` and `password`; default plain.",
    ),
];

const NATS_TABLE: &[Key] = &[key("subject", "text", "The subject.")];

const AMQP_TABLE: &[Key] = &[
    key(
        "exchange",
        "text",
        "The exchange; default: that whose routing keys are the names of queues.",
    ),
    key("routing_key", "text", "The routing key."),
];

const SQS_TABLE: &[Key] = &[
    key(
        "region",
        "text",
        "The AWS region; default: that of the URL, or AWS_REGION.",
    ),
    key("group", "text", "The message group of a FIFO queue."),
    key(
        "deduplication",
        "text",
        "The deduplication id of a FIFO queue.",
    ),
];

const MESSAGE_TABLE: &[Key] = &[
    key(
        "headers",
        "texts_by_name",
        "Headers of the message, in addition to the trace context; attributes of an SQS message.",
    ),
    key("user", "text", "The user; the access key id for SQS."),
    key(
        "password",
        "text",
        "The password, which is masked in all output; the secret access key for SQS.",
    ),
    key(
        "tls",
        "tls",
        "Certificates. An empty map turns TLS on for Kafka.",
    ),
    key(
        "timeout",
        "duration",
        "Maximum time until the broker has acknowledged the message; default 10 s.",
    ),
];
