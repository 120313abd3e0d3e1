//! Attributes that OpenTelemetry's semantic conventions have renamed.

/// Old and new names of attributes of spans, from the deprecation notes of the semantic conventions up
/// to the state after 1.44. An attribute that was renamed twice, or split, has several rows.
const RENAMED: &[(&str, &str)] = &[
    ("az.namespace", "azure.resource_provider.namespace"),
    ("az.service_request_id", "azure.service.request.id"),
    ("code.column", "code.column.number"),
    ("code.filepath", "code.file.path"),
    ("code.lineno", "code.line.number"),
    ("container.labels", "container.label"),
    ("container.runtime", "container.runtime.name"),
    (
        "db.cassandra.consistency_level",
        "cassandra.consistency.level",
    ),
    ("db.cassandra.coordinator.dc", "cassandra.coordinator.dc"),
    ("db.cassandra.coordinator.id", "cassandra.coordinator.id"),
    ("db.cassandra.idempotence", "cassandra.query.idempotent"),
    ("db.cassandra.page_size", "cassandra.page.size"),
    (
        "db.cassandra.speculative_execution_count",
        "cassandra.speculative_execution.count",
    ),
    ("db.cassandra.table", "db.collection.name"),
    ("db.connection_string", "server.address"),
    ("db.cosmosdb.client_id", "azure.client.id"),
    (
        "db.cosmosdb.connection_mode",
        "azure.cosmosdb.connection.mode",
    ),
    (
        "db.cosmosdb.consistency_level",
        "azure.cosmosdb.consistency.level",
    ),
    ("db.cosmosdb.container", "db.collection.name"),
    (
        "db.cosmosdb.regions_contacted",
        "azure.cosmosdb.operation.contacted_regions",
    ),
    (
        "db.cosmosdb.request_charge",
        "azure.cosmosdb.operation.request_charge",
    ),
    (
        "db.cosmosdb.request_content_length",
        "azure.cosmosdb.request.body.size",
    ),
    ("db.cosmosdb.status_code", "db.response.status_code"),
    (
        "db.cosmosdb.sub_status_code",
        "azure.cosmosdb.response.sub_status_code",
    ),
    ("db.elasticsearch.cluster.name", "db.namespace"),
    ("db.elasticsearch.node.name", "elasticsearch.node.name"),
    ("db.elasticsearch.path_parts", "db.operation.parameter"),
    ("db.instance.id", "elasticsearch.node.name"),
    ("db.mongodb.collection", "db.collection.name"),
    ("db.name", "db.namespace"),
    ("db.operation", "db.operation.name"),
    ("db.redis.database_index", "db.namespace"),
    ("db.sql.table", "db.collection.name"),
    ("db.statement", "db.query.text"),
    ("db.system", "db.system.name"),
    ("deployment.environment", "deployment.environment.name"),
    ("enduser.id", "user.id"),
    ("enduser.role", "user.roles"),
    ("faas.execution", "faas.invocation_id"),
    (
        "feature_flag.evaluation.error.message",
        "feature_flag.error.message",
    ),
    (
        "feature_flag.evaluation.reason",
        "feature_flag.result.reason",
    ),
    ("feature_flag.provider_name", "feature_flag.provider.name"),
    ("feature_flag.variant", "feature_flag.result.variant"),
    (
        "gen_ai.openai.request.response_format",
        "gen_ai.output.type",
    ),
    ("gen_ai.openai.request.seed", "gen_ai.request.seed"),
    (
        "gen_ai.openai.request.service_tier",
        "openai.request.service_tier",
    ),
    (
        "gen_ai.openai.response.service_tier",
        "openai.response.service_tier",
    ),
    (
        "gen_ai.openai.response.system_fingerprint",
        "openai.response.system_fingerprint",
    ),
    ("gen_ai.system", "gen_ai.provider.name"),
    (
        "gen_ai.usage.completion_tokens",
        "gen_ai.usage.output_tokens",
    ),
    ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"),
    ("http.client_ip", "client.address"),
    ("http.flavor", "network.protocol.name"),
    ("http.flavor", "network.protocol.version"),
    ("http.host", "client.address"),
    ("http.host", "http.request.header.host"),
    ("http.host", "server.address"),
    ("http.method", "http.request.method"),
    ("http.request_content_length", "http.request.body.size"),
    (
        "http.request_content_length",
        "http.request.header.content-length",
    ),
    (
        "http.request_content_length_uncompressed",
        "http.request.body.size",
    ),
    ("http.resend_count", "http.request.resend_count"),
    ("http.response_content_length", "http.response.body.size"),
    (
        "http.response_content_length",
        "http.response.header.content-length",
    ),
    (
        "http.response_content_length_uncompressed",
        "http.response.body.size",
    ),
    ("http.scheme", "url.scheme"),
    ("http.server_name", "server.address"),
    ("http.status_code", "http.response.status_code"),
    ("http.target", "url.path"),
    ("http.target", "url.query"),
    ("http.url", "url.full"),
    ("http.user_agent", "user_agent.original"),
    ("k8s.pod.labels", "k8s.pod.label"),
    ("messaging.client_id", "messaging.client.id"),
    ("messaging.destination", "messaging.destination.name"),
    (
        "messaging.eventhubs.consumer.group",
        "messaging.consumer.group.name",
    ),
    (
        "messaging.kafka.consumer.group",
        "messaging.consumer.group.name",
    ),
    (
        "messaging.kafka.destination.partition",
        "messaging.destination.partition.id",
    ),
    ("messaging.kafka.message.offset", "messaging.kafka.offset"),
    ("messaging.message_id", "messaging.message.id"),
    ("messaging.operation", "messaging.operation.type"),
    (
        "messaging.rocketmq.client_group",
        "messaging.consumer.group.name",
    ),
    (
        "messaging.servicebus.destination.subscription_name",
        "messaging.destination.subscription.name",
    ),
    ("net.host.ip", "network.local.address"),
    ("net.host.ip", "server.address"),
    ("net.host.name", "server.address"),
    ("net.host.port", "server.port"),
    ("net.peer.ip", "network.peer.address"),
    ("net.peer.name", "client.address"),
    ("net.peer.name", "server.address"),
    ("net.peer.port", "client.port"),
    ("net.peer.port", "server.port"),
    ("net.protocol.name", "network.protocol.name"),
    ("net.protocol.version", "network.protocol.version"),
    ("net.sock.host.addr", "network.local.address"),
    ("net.sock.host.port", "network.local.port"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.sock.peer.port", "network.peer.port"),
    ("net.transport", "network.transport"),
    ("otel.library.name", "otel.scope.name"),
    ("otel.library.version", "otel.scope.version"),
    ("peer.service", "service.peer.name"),
    ("rpc.connect_rpc.error_code", "rpc.response.status_code"),
    ("rpc.connect_rpc.error_code", "rpc.status_code"),
    ("rpc.connect_rpc.request.metadata", "rpc.request.metadata"),
    ("rpc.connect_rpc.response.metadata", "rpc.response.metadata"),
    ("rpc.grpc.request.metadata", "rpc.request.metadata"),
    ("rpc.grpc.response.metadata", "rpc.response.metadata"),
    ("rpc.grpc.status_code", "rpc.response.status_code"),
    ("rpc.grpc.status_code", "rpc.status_code"),
    ("rpc.jsonrpc.error_code", "rpc.response.status_code"),
    ("rpc.jsonrpc.error_code", "rpc.status_code"),
    ("rpc.jsonrpc.request_id", "jsonrpc.request.id"),
    ("rpc.jsonrpc.version", "jsonrpc.protocol.version"),
    ("rpc.response.status_code", "rpc.status_code"),
    ("rpc.system", "rpc.system.name"),
    ("tls.client.server_name", "server.address"),
    ("vcs.repository.change.id", "vcs.change.id"),
    ("vcs.repository.change.title", "vcs.change.title"),
    ("vcs.repository.ref.name", "vcs.ref.head.name"),
    ("vcs.repository.ref.revision", "vcs.ref.head.revision"),
    ("vcs.repository.ref.type", "vcs.ref.head.type"),
];

/// Attributes whose value is now a part of another one.
const MERGED: &[(&str, &str)] = &[
    ("code.function", "code.function.name"),
    ("code.namespace", "code.function.name"),
    ("rpc.service", "rpc.method"),
];

/// The attribute that contains the value of a former one.
pub(crate) fn merged_into(key: &str) -> Option<&'static str> {
    let pair = MERGED.iter().find(|(old, _)| *old == key);
    pair.map(|(_, new)| *new)
}

/// The current names of an attribute that was renamed: `http.request.method`, or several joined with `or`.
pub(crate) fn renamed_to(key: &str) -> Option<String> {
    let is_current = |name: &str| RENAMED.iter().any(|(_, new)| *new == name);
    if is_current(key) {
        return None;
    }
    let all = RENAMED.iter().chain(MERGED);
    let names: Vec<&str> = all
        .filter(|(old, _)| *old == key)
        .map(|(_, new)| *new)
        .collect();
    (!names.is_empty()).then(|| names.join("` or `"))
}

/// The former and later names of an attribute.
pub(crate) fn other_names(key: &str) -> impl Iterator<Item = &'static str> + use<> {
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
    fn a_type_is_identified_by_all_names_of_its_attributes() {
        for (name, kind) in crate::spec::SpanType::ALL {
            let keys = kind.identified_by();
            for other in keys.iter().flat_map(|key| other_names(key)) {
                assert!(keys.contains(&other), "{name}: {other}");
            }
        }
    }

    #[test]
    fn a_renamed_attribute_is_known_in_both_directions() {
        let other = |key| other_names(key).collect::<Vec<_>>();
        assert_eq!(other("http.status_code"), ["http.response.status_code"]);
        assert_eq!(other("http.response.status_code"), ["http.status_code"]);
        assert!(other("order.id").is_empty());
        let codes = ["rpc.response.status_code", "rpc.status_code"];
        assert_eq!(other("rpc.grpc.status_code"), codes);
        assert_eq!(merged_into("rpc.service"), Some("rpc.method"));
    }
}
