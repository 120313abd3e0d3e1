//! Remedies for refused exports, in the imperative. Both protocols refuse them for the same causes.

pub(super) const UNREADABLE: &str = "update the OpenTelemetry SDK or Collector that sent it, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf there";
pub(super) const TOO_LARGE: &str = "export smaller batches: set OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128 (for log records, OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=128), or limit attributes with OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";
pub(super) const COMPRESSION: &str = "set OTEL_EXPORTER_OTLP_COMPRESSION=gzip or none";
pub(super) const CONTENT_TYPE: &str =
    "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, and the header content-type as OTLP does";
pub(super) const GRPC_CONTENT_TYPE: &str =
    "set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, and no header content-type";
pub(super) const METHOD: &str = "send exports with POST";
pub(super) const INTERRUPTED: &str = "let the service finish its last export before it ends, and check proxies between it and spanspec";
pub(super) const TOKEN: &str = "set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN there, with the value of `receiver.token`";
pub(super) const OVERLOAD: &str =
    "run fewer specs at the same time (`--jobs`), or give this machine less to do";
pub(super) const HOST: &str =
    "ask 127.0.0.1 or localhost, or add the name to `receiver: { hosts: [ … ] }` of spanspec.yaml";
pub(super) const TLS: &str = "use https:// in the endpoint, and set OTEL_EXPORTER_OTLP_CERTIFICATE there to the file of `receiver.tls.ca` or `cert`";
