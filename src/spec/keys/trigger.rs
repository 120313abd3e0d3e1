//! Keys of triggers.

use super::{Key, Keys, key};

/// The triggers. A spec or step has exactly one.
pub(crate) const TRIGGERS: Keys = Keys(&[TRIGGER_TABLE]);

pub(super) const TRIGGER_TABLE: &[Key] = &[
    key(
        "request",
        "request",
        "The HTTP request to send: `GET http://…`, or a map.",
    ),
    key(
        "graphql",
        "graphql",
        "The GraphQL operation to send. It must have no errors unless `graphql_errors` permits them.",
    ),
    key(
        "grpc",
        "grpc",
        "The gRPC call to make: `127.0.0.1:50051/shop.v1.Payment/Charge`, or a map.",
    ),
    key(
        "run",
        "command",
        "A command that makes requests; TRACEPARENT contains the trace context.",
    ),
    key(
        "trace_id",
        "text",
        "Sends nothing, and waits for the trace with this id.",
    ),
    key(
        "publish",
        "publish",
        "A message to send through Kafka, NATS, AMQP 0.9.1 or SQS; its headers contain the trace context.",
    ),
    key(
        "send",
        "send",
        "Spans, log records or metrics to send into a pipeline, such as a Collector; what comes out is checked.",
    ),
    key(
        "conformance",
        "conformance",
        "Cases of W3C Trace Context and Baggage, sent to a URL as raw bytes; each is a check.",
    ),
    key(
        "search",
        "search",
        "Sends nothing, and checks traces that a backend has already.",
    ),
    key(
        "observe",
        "observe",
        "Sends nothing, and checks everything that arrives, of any trace, for this time.",
    ),
];

pub(crate) const SEARCH: Keys = Keys(&[&[
    key(
        "find",
        "selector",
        "A span that each trace contains: a name, or a map.",
    ),
    key(
        "since",
        "duration",
        "How long ago the span started at most: 1h.",
    ),
    key(
        "limit",
        "positive",
        "Maximum number of traces, the newest first; default 100.",
    ),
    key(
        "at_least",
        "positive",
        "The spec is errored if fewer traces are found; default 1.",
    ),
    key(
        "failures",
        "allowance",
        "Maximum number of failed traces, or their share such as 1%; default 0.",
    ),
]]);

/// `request`, if it is a map.
pub(crate) const REQUEST: Keys = Keys(&[
    METHOD_TABLE,
    TARGET,
    CONTENT_TABLE,
    FORM_TABLE,
    HTTP_OPTIONS,
    PROPAGATION,
]);

/// `graphql`.
pub(crate) const GRAPHQL: Keys = Keys(&[GRAPHQL_TABLE, HTTP_OPTIONS, PROPAGATION]);

/// `query` of `graphql`, if it is a map.
pub(crate) const QUERY_FILE: Keys = Keys(&[&[key(
    "file",
    "text",
    "A file with the query; the path is relative to the spec.",
)]]);

const GRAPHQL_TABLE: &[Key] = &[
    key("url", "text", "The URL of the server."),
    key(
        "query",
        "graphql_query",
        "The query, or `{ file: order.graphql }`. Its syntax and variables are checked before anything runs.",
    ),
    key(
        "operation",
        "text",
        "The name of the operation, if the query has several.",
    ),
    key(
        "variables",
        "anything_by_name",
        "Values of the variables that the operation declares.",
    ),
    key(
        "extensions",
        "anything_by_name",
        "The member `extensions` of the request.",
    ),
    key(
        "method",
        "text",
        "`GET` sends a query in the URL; default `POST`.",
    ),
    key("headers", "fields", "Headers. A list repeats the header."),
];

/// The methods with a key.
pub(crate) const METHODS: Keys = Keys(&[METHOD_TABLE]);

/// The kinds of a body. A request has at most one.
pub(crate) const BODIES: Keys = Keys(&[CONTENT_TABLE, FORM_TABLE]);

const METHOD_TABLE: &[Key] = &[
    key("get", "text", "The URL of a GET request."),
    key("post", "text", "The URL of a POST request."),
    key("put", "text", "The URL of a PUT request."),
    key("patch", "text", "The URL of a PATCH request."),
    key("delete", "text", "The URL of a DELETE request."),
    key("head", "text", "The URL of a HEAD request."),
    key("options", "text", "The URL of an OPTIONS request."),
];

const TARGET: &[Key] = &[
    key(
        "method",
        "text",
        "A method without a key, together with `url`.",
    ),
    key("url", "text", "The URL, together with `method`."),
    key("headers", "fields", "Headers. A list repeats the header."),
    key(
        "query",
        "fields",
        "Parameters to add to the query of the URL. A list repeats the name.",
    ),
];

/// The bodies that messages have as well.
pub(super) const CONTENT_TABLE: &[Key] = &[
    key(
        "json",
        "anything",
        "A JSON body; a request gets `content-type: application/json` unless `headers` has one.",
    ),
    key("body", "text", "A text body, sent as written."),
    key(
        "body_file",
        "text",
        "A body from a file; the path is relative to the spec.",
    ),
];

const FORM_TABLE: &[Key] = &[
    key("form", "fields", "A URL-encoded form."),
    key("multipart", "parts", "A multipart form, with files."),
];

/// Options of a request over HTTP.
const HTTP_OPTIONS: &[Key] = &[
    key(
        "timeout",
        "duration",
        "Maximum time until the response is complete; default 30 s, or that of the project file.",
    ),
    key(
        "redirects",
        "whole",
        "Maximum number of redirects to follow; default 0.",
    ),
    key("tls", "tls", "Certificates."),
];

/// What a trigger sends beside the ids of the trace.
pub(super) const PROPAGATION: &[Key] = &[
    key(
        "sampled",
        "flag",
        "`false` clears the sampled flag of the trace context: the services should record no spans.",
    ),
    key("tracestate", "text", "The W3C `tracestate`."),
    key(
        "baggage",
        "baggage",
        "The W3C `baggage`: keys and values, which are encoded.",
    ),
];

/// A part of `multipart`.
pub(crate) const PART: Keys = Keys(&[&[
    key("name", "text", "The name of the field."),
    key("text", "text", "The content, as text."),
    key(
        "file",
        "text",
        "The content, from a file; the path is relative to the spec.",
    ),
    key(
        "content_type",
        "text",
        "The media type; default for a file: `application/octet-stream`.",
    ),
    key(
        "file_name",
        "text",
        "The file name to send; default: that of the file.",
    ),
]]);

pub(crate) const TLS: Keys = Keys(&[&[
    key("verify", "flag", "`false` accepts any certificate."),
    key(
        "ca",
        "text",
        "A PEM file with authorities to trust, in addition to the system's.",
    ),
    key(
        "cert",
        "text",
        "A PEM file with the client certificate; requires `key`.",
    ),
    key("key", "text", "A PEM file with the key of `cert`."),
    key(
        "key_password",
        "text",
        "The password of an encrypted `key`. It is masked in all output.",
    ),
]]);

/// `run`, if it is a map.
pub(crate) const RUN: Keys = Keys(&[RUN_TABLE, PROPAGATION]);

/// Keys of a command that have defaults in the project file.
pub(super) const SHELL: Key = key(
    "shell",
    "flag",
    "`true` passes a command that is a text to a shell.",
);
pub(super) const ENV: Key = key(
    "env",
    "texts_by_name",
    "Variables added to the environment.",
);

const RUN_TABLE: &[Key] = &[
    key(
        "command",
        "words",
        "A text that is split into words as in a shell, or a list of words. No shell runs without `shell: true`.",
    ),
    SHELL,
    ENV,
    key(
        "dir",
        "text",
        "Working directory; default: the folder of the spec.",
    ),
    key(
        "timeout",
        "duration",
        "Time after which the command and its child processes are ended; default 10 min.",
    ),
];
