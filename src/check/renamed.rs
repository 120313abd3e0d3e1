//! Attributes that OpenTelemetry's semantic conventions have renamed.

/// Old and new names, from the migration guides and deprecation notes of the semantic conventions
/// (1.20 to 1.37).
const RENAMED: [(&str, &str); 44] = [
    ("code.filepath", "code.file.path"),
    ("code.function", "code.function.name"),
    ("code.lineno", "code.line.number"),
    ("db.cassandra.table", "db.collection.name"),
    ("db.mongodb.collection", "db.collection.name"),
    ("db.name", "db.namespace"),
    ("db.operation", "db.operation.name"),
    ("db.redis.database_index", "db.namespace"),
    ("db.sql.table", "db.collection.name"),
    ("db.statement", "db.query.text"),
    ("db.system", "db.system.name"),
    ("deployment.environment", "deployment.environment.name"),
    ("enduser.id", "user.id"),
    ("faas.execution", "faas.invocation_id"),
    ("gen_ai.system", "gen_ai.provider.name"),
    (
        "gen_ai.usage.completion_tokens",
        "gen_ai.usage.output_tokens",
    ),
    ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"),
    ("http.client_ip", "client.address"),
    ("http.flavor", "network.protocol.version"),
    ("http.host", "server.address"),
    ("http.method", "http.request.method"),
    ("http.request_content_length", "http.request.body.size"),
    ("http.resend_count", "http.request.resend_count"),
    ("http.response_content_length", "http.response.body.size"),
    ("http.scheme", "url.scheme"),
    ("http.server_name", "server.address"),
    ("http.status_code", "http.response.status_code"),
    ("http.target", "url.path"),
    ("http.url", "url.full"),
    ("http.user_agent", "user_agent.original"),
    ("messaging.destination", "messaging.destination.name"),
    ("messaging.message_id", "messaging.message.id"),
    ("messaging.operation", "messaging.operation.type"),
    ("net.host.ip", "server.address"),
    ("net.host.name", "server.address"),
    ("net.host.port", "server.port"),
    ("net.peer.ip", "network.peer.address"),
    ("net.peer.name", "server.address"),
    ("net.peer.port", "server.port"),
    ("net.protocol.name", "network.protocol.name"),
    ("net.protocol.version", "network.protocol.version"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.transport", "network.transport"),
    ("rpc.system", "rpc.system.name"),
];

/// The former and later names of an attribute.
pub(super) fn other_names(key: &str) -> impl Iterator<Item = &'static str> {
    let key = key.to_owned();
    RENAMED
        .iter()
        .filter_map(move |(old, new)| match key.as_str() {
            key if key == *old => Some(*new),
            key if key == *new => Some(*old),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_attribute_is_known_in_both_directions() {
        let other = |key| other_names(key).collect::<Vec<_>>();
        assert_eq!(other("http.status_code"), ["http.response.status_code"]);
        assert_eq!(other("http.response.status_code"), ["http.status_code"]);
        assert!(other("order.id").is_empty());
    }
}
