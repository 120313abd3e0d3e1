//! Keys of `grpc`.

use super::trigger::PROPAGATION;
use super::{Key, Keys, key};

/// `grpc`, if it is a map.
pub(crate) const GRPC: Keys = Keys(&[CALL, OPTIONS, PROPAGATION]);

/// `proto`, if it is a map.
pub(crate) const PROTO: Keys = Keys(&[&[
    key(
        "files",
        "texts",
        "The `.proto` files; paths are relative to the spec.",
    ),
    key(
        "include",
        "texts",
        "The folders to which `import` statements are relative; default: the folder of each file.",
    ),
]]);

/// Checks of the response to a gRPC call.
pub(super) const GRPC_RESPONSE: &[Key] = &[
    key(
        "status_message",
        "matcher",
        "The message of the gRPC status.",
    ),
    key(
        "messages",
        "matcher",
        "The list of the messages of a stream: `{ length: 3 }`, or `{ any: … }`.",
    ),
    key(
        "metadata",
        "matchers",
        "gRPC metadata before the first message, each with a matcher.",
    ),
    key(
        "trailers",
        "matchers",
        "gRPC metadata after the last message, each with a matcher.",
    ),
    key(
        "details",
        "matcher",
        "The list of the details of the gRPC status, each with `@type`.",
    ),
];

/// Captures from the response to a gRPC call.
pub(super) const GRPC_CAPTURE: &[Key] = &[
    key(
        "status_message",
        "regex",
        "The first group of a regular expression in the message of the gRPC status, or the whole match.",
    ),
    key("metadata", "text", "The value of this gRPC metadata."),
    key(
        "trailer",
        "text",
        "The value of this gRPC metadata after the last message.",
    ),
    key(
        "details",
        "json_path",
        "A JSONPath into the list of the details of the gRPC status.",
    ),
];

const CALL: &[Key] = &[
    key(
        "call",
        "text",
        "Server and method: `127.0.0.1:50051/shop.v1.Payment/Charge`.",
    ),
    key(
        "message",
        "anything",
        "The message, as proto3 JSON; default: empty.",
    ),
    key(
        "messages",
        "messages",
        "The messages of a client or bidirectional stream.",
    ),
    key(
        "proto",
        "proto",
        "The `.proto` files with the service; default: server reflection.",
    ),
    key(
        "descriptors",
        "text",
        "A descriptor set with the service, made with `--include_imports`.",
    ),
    key(
        "metadata",
        "fields",
        "Metadata. Values of names that end in `-bin` are base64. A list repeats the name.",
    ),
];

const OPTIONS: &[Key] = &[
    key(
        "timeout",
        "duration",
        "The deadline of the call; default 30 s, or that of the project file.",
    ),
    key("tls", "tls", "Certificates."),
];
