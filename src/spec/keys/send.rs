//! Keys of `send`.

use super::{Key, Keys, key};

/// `send`.
pub(crate) const SEND: Keys = Keys(&[&[
    key(
        "traces",
        "texts",
        "Files with the spans to send, as OTLP/JSON or OTLP protobuf; paths are relative to the spec.",
    ),
    key(
        "spans",
        "sent_spans",
        "The spans to send, written here instead of in a file.",
    ),
    key(
        "logs",
        "texts",
        "Files with log records to send, as OTLP/JSON or OTLP protobuf.",
    ),
    key(
        "metrics",
        "texts",
        "Files with metrics to send, as OTLP/JSON or OTLP protobuf.",
    ),
    key(
        "trace",
        "text",
        "The id of the trace to send, if the files contain several.",
    ),
    key(
        "to",
        "text",
        "The OTLP endpoint of the pipeline: http://127.0.0.1:4318, to which `/v1/traces`, `/v1/logs` or `/v1/metrics` is appended, or grpc://127.0.0.1:4317.",
    ),
    key(
        "headers",
        "fields",
        "Headers of the exports, or their metadata over gRPC. A list repeats the header.",
    ),
    key("tls", "tls", "Certificates."),
    key(
        "timeout",
        "duration",
        "Maximum time until the pipeline has accepted an export; default 30 s, or that of the project file.",
    ),
    key(
        "marker",
        "markers",
        "The span that is sent last, whose arrival proves that nothing more comes: a span as under `spans`, a list of them, or none.",
    ),
]]);

/// An entry of `spans` of `send`, and a marker.
pub(crate) const SENT_SPAN: Keys = Keys(&[
    MARKER_TABLE,
    &[key(
        "children",
        "sent_spans",
        "Its child spans. They have its service and resource unless they have their own.",
    )],
]);

/// A marker.
pub(crate) const MARKER: Keys = Keys(&[MARKER_TABLE]);

const MARKER_TABLE: &[Key] = &[
    key("name", "text", "The name of the span."),
    key("service", "text", "The `service.name` of its resource."),
    key("kind", "span_kind_word", "Its kind; default internal."),
    key(
        "attributes",
        "anything_by_name",
        "Its attributes, with the types of YAML.",
    ),
    key(
        "resource",
        "anything_by_name",
        "Attributes of its resource, beside `service.name`.",
    ),
    key("scope", "text", "The name of its instrumentation scope."),
    key(
        "status",
        "status_word",
        "Its status: unset, ok or error; default unset.",
    ),
    key("status_message", "text", "The message of its status."),
    key(
        "events",
        "sent_events",
        "Its events, each with `name`, `attributes` and `at`, the time since the start of the span.",
    ),
    key(
        "links",
        "list",
        "Links to spans of other traces, each as a W3C `traceparent`.",
    ),
    key(
        "start",
        "duration",
        "The time from the start of its parent to its own start; default 0.",
    ),
    key(
        "duration",
        "duration",
        "Its duration; default 1 ms, or as long as its children need.",
    ),
];

/// An event of a span of `send`.
pub(crate) const SENT_EVENT: Keys = Keys(&[&[
    key("name", "text", "The name of the event."),
    key("attributes", "anything_by_name", "Its attributes."),
    key(
        "at",
        "duration",
        "The time since the start of the span; default 0.",
    ),
]]);
