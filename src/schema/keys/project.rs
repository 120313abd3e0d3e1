//! The keys of the project file.

use super::{Key, key};

pub(in crate::schema) const PROJECT: [Key; 6] = [
    key(
        "specs",
        "texts",
        "Files, folders and globs of specs; [specs] unless given.",
    ),
    key("vars", "anything_by_name", "Variables for all specs."),
    key(
        "secrets",
        "texts",
        "Names of variables whose values are masked in everything that is written.",
    ),
    key("receiver", "receiver", "Where spans are received."),
    key(
        "services",
        "services",
        "What to start before the first spec, and to stop after the last.",
    ),
    key("defaults", "defaults", "What specs need not say."),
];

pub(in crate::schema) const RECEIVER: [Key; 2] = [
    key(
        "listen",
        "list",
        "Addresses such as 127.0.0.1:4317, or ports on loopback; port 0 is any free one.",
    ),
    key(
        "cors",
        "texts",
        "Origins of web pages that may send spans; `*` for all.",
    ),
];

pub(in crate::schema) const SERVICE: [Key; 9] = [
    key("build", "words", "A command that runs to its end first."),
    key("run", "words", "The command that keeps running."),
    key(
        "shell",
        "flag",
        "`true` gives `run` and `build` to a shell.",
    ),
    key(
        "ports",
        "ports",
        "Names and numbers; `auto` takes a free one. `${services.NAME.PORT}` is its number.",
    ),
    key(
        "env",
        "texts_by_name",
        "Variables added to the environment, such as OTEL_SERVICE_NAME.",
    ),
    key(
        "ready",
        "ready",
        "When it can be used: http://… answers with 2xx, tcp://host:port accepts, or { log: =~ … } was written.",
    ),
    key(
        "depends_on",
        "list",
        "Services that must be ready before this one starts.",
    ),
    key(
        "dir",
        "text",
        "Where it is built and runs; the folder of the project file unless given.",
    ),
    key(
        "start_timeout",
        "duration",
        "How long it may take to become ready; 60 s unless given.",
    ),
];

pub(in crate::schema) const DEFAULTS: [Key; 2] = [
    key(
        "wait",
        "wait",
        "How long to wait for the trace, for every spec.",
    ),
    key("request", "request_defaults", "For every request."),
];

pub(in crate::schema) const REQUEST_DEFAULTS: [Key; 1] = [key(
    "timeout",
    "duration",
    "Until the whole response was read; 30 s unless given.",
)];
