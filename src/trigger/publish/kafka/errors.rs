//! Error codes of Kafka, with help.

/// The topic or the partition does not exist, or this user must not see it.
pub(super) const UNKNOWN_TOPIC: i16 = 3;

/// The name of an error with its number, and the remedy.
pub(super) fn explain(code: i16) -> (String, Option<&'static str>) {
    const LEADER: &str = "run it again when the cluster has elected a leader";
    const ACCESS: &str = "give the user the right to write to the topic, or check `user`";
    let (name, help) = match code {
        2 => (
            "CORRUPT_MESSAGE",
            "check that nothing between spanspec and the broker changes the bytes",
        ),
        3 => (
            "UNKNOWN_TOPIC_OR_PARTITION",
            "create the topic, or give the user the right to describe it",
        ),
        5 => ("LEADER_NOT_AVAILABLE", LEADER),
        6 => ("NOT_LEADER_OR_FOLLOWER", LEADER),
        7 => (
            "REQUEST_TIMED_OUT",
            "check the replicas of the topic: none confirmed the record in time",
        ),
        9 => ("REPLICA_NOT_AVAILABLE", LEADER),
        10 => (
            "MESSAGE_TOO_LARGE",
            "raise `max.message.bytes` of the topic, or publish a smaller message",
        ),
        17 => (
            "INVALID_TOPIC_EXCEPTION",
            "choose a topic that is not internal",
        ),
        18 => (
            "RECORD_LIST_TOO_LARGE",
            "raise `segment.bytes` of the topic, or publish a smaller message",
        ),
        19 => (
            "NOT_ENOUGH_REPLICAS",
            "start more brokers, or lower `min.insync.replicas` of the topic",
        ),
        20 => (
            "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
            "start more brokers, or lower `min.insync.replicas` of the topic; the record may be stored",
        ),
        29 => ("TOPIC_AUTHORIZATION_FAILED", ACCESS),
        31 => ("CLUSTER_AUTHORIZATION_FAILED", ACCESS),
        33 => (
            "UNSUPPORTED_SASL_MECHANISM",
            "choose another mechanism with `sasl`",
        ),
        34 => (
            "ILLEGAL_SASL_STATE",
            "this listener requires no login: remove `user` and `password`",
        ),
        35 => ("UNSUPPORTED_VERSION", "use a broker from version 0.11 on"),
        43 => (
            "UNSUPPORTED_FOR_MESSAGE_FORMAT",
            "raise `message.format.version` of the topic",
        ),
        44 => (
            "POLICY_VIOLATION",
            "look up the policy of the broker for topics",
        ),
        58 => (
            "SASL_AUTHENTICATION_FAILED",
            "check `user`, `password` and `sasl`",
        ),
        76 => (
            "UNSUPPORTED_COMPRESSION_TYPE",
            "allow `compression.type` of the topic",
        ),
        87 => (
            "INVALID_RECORD",
            "publish a message that the topic accepts: a compacted one requires a `key`",
        ),
        89 => (
            "THROTTLING_QUOTA_EXCEEDED",
            "raise the quota of this client",
        ),
        _ => return (format!("error {code}"), None),
    };
    (format!("{name} (error {code})"), Some(help))
}
