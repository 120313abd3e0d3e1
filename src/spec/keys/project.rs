//! Keys of the project file.

use super::trigger::{ENV, SHELL};
use super::{Key, Keys, key};

/// Keys of the project file that a profile can have, too.
const VARS: Key = key("vars", "anything_by_name", "Variables for all specs.");
const RECEIVER_KEY: Key = key("receiver", "receiver", "The OTLP receiver.");
const SERVICE_ENV: Key = key(
    "env",
    "texts_by_name",
    "Variables added to the environment of all services.",
);
const DEFAULTS_KEY: Key = key("defaults", "defaults", "Defaults for all specs.");
const SOURCE: Key = key(
    "source",
    "source",
    "The backend from which traces are read, instead of the OTLP receiver.",
);

pub(crate) const PROJECT: Keys = Keys(&[&[
    key(
        "specs",
        "texts",
        "Files, folders and globs of specs; default [specs].",
    ),
    VARS,
    key(
        "secrets",
        "texts",
        "Names of variables whose values are masked in all output.",
    ),
    RECEIVER_KEY,
    key(
        "receivers",
        "ports",
        "Further OTLP receivers by name, each with a port; `auto` selects a free one. `${receivers.NAME.otlp}` is its number.",
    ),
    key(
        "lint",
        "lint",
        "Rules of `spanspec lint --traces`: levels, limits, and findings that are accepted.",
    ),
    key(
        "services",
        "services",
        "Services to start before the first spec, and to stop after the last.",
    ),
    SERVICE_ENV,
    DEFAULTS_KEY,
    key(
        "mutate",
        "mutate",
        "Faults that `spanspec mutate` does not count, in all specs.",
    ),
    SOURCE,
    key(
        "profiles",
        "profiles",
        "Named sets of other entries, chosen with --profile.",
    ),
]]);

/// An entry of `profiles`. Its keys replace those of the project file; maps of `vars` and `defaults` are
/// merged.
pub(crate) const PROFILE: Keys = Keys(&[&[
    VARS,
    SOURCE,
    key(
        "services",
        "services_or_none",
        "Services to start, or none.",
    ),
    SERVICE_ENV,
    RECEIVER_KEY,
    DEFAULTS_KEY,
    key(
        "read_only",
        "flag",
        "`true` refuses specs that would send a request.",
    ),
]]);

pub(crate) const RECEIVER: Keys = Keys(&[&[
    key(
        "listen",
        "list",
        "Addresses such as 127.0.0.1:4317, or ports on loopback; port 0 selects a free one.",
    ),
    key(
        "cors",
        "texts",
        "Origins of web pages that can send spans; `*` for all.",
    ),
    key(
        "token",
        "text",
        "The token that clients must send, such as ${RECEIVER_TOKEN}; services of the project get it.",
    ),
    key(
        "tls",
        "receiver_tls",
        "The certificate of the receiver, which then requires TLS.",
    ),
    key(
        "hosts",
        "texts",
        "Host names that web pages and clients of the HTTP API can use, in addition to IP addresses and names of this machine; `*` for all.",
    ),
]]);

/// `tls` of `receiver`.
pub(crate) const RECEIVER_TLS: Keys = Keys(&[&[
    key(
        "cert",
        "text",
        "A PEM file with the certificate of the receiver, and its chain; requires `key`.",
    ),
    key(
        "key",
        "text",
        "A PEM file with the key of `cert`, not encrypted.",
    ),
    key(
        "ca",
        "text",
        "A PEM file with the authority of `cert`, which clients trust; default: `cert`.",
    ),
    key(
        "client_ca",
        "text",
        "A PEM file with authorities; clients must have a certificate that one of them issued.",
    ),
]]);

pub(crate) const SERVICE: Keys = Keys(&[&[
    key("build", "words", "A command that completes before `run`."),
    key("run", "words", "The command that keeps running."),
    key(
        "shell",
        "flag",
        "`true` passes `run` and `build` to a shell.",
    ),
    key(
        "ports",
        "ports",
        "Names with port numbers; `auto` selects a free one. `${services.NAME.PORT}` is its number.",
    ),
    key(
        "env",
        "texts_by_name",
        "Variables added to the environment, such as OTEL_SERVICE_NAME.",
    ),
    key(
        "ready",
        "ready",
        "Condition for ready: http://… answers with 2xx, tcp://host:port accepts a connection, the health service of grpc://host:port answers SERVING, or { log: =~ … } matches a line of output.",
    ),
    key(
        "depends_on",
        "list",
        "Services that must be ready before this one starts.",
    ),
    key(
        "dir",
        "text",
        "Working directory; default: the folder of the project file.",
    ),
    key(
        "logs",
        "outputs",
        "The outputs of which each line is a log record: stdout, stderr, or both.",
    ),
    key(
        "scrape",
        "scrape",
        "The URL of its metrics in a text format of Prometheus; specs with `metrics` read it.",
    ),
    key(
        "start_timeout",
        "duration",
        "Maximum time until ready; default 60 s.",
    ),
]]);

/// `ready`, if it is a map.
pub(crate) const READY: Keys = Keys(&[&[key(
    "log",
    "log_line",
    "A regular expression that a line of the output matches.",
)]]);

pub(crate) const DEFAULTS: Keys = Keys(&[&[
    key("wait", "wait", "How long specs wait for the trace."),
    key("request", "request_defaults", "Defaults for requests."),
    key("run", "run_defaults", "Defaults for commands."),
]]);

pub(crate) const RUN_DEFAULTS: Keys = Keys(&[&[
    ENV,
    key(
        "dir",
        "text",
        "Working directory; default: the folder of the spec. Relative to the project file.",
    ),
    SHELL,
]]);

pub(crate) const REQUEST_DEFAULTS: Keys = Keys(&[&[key(
    "timeout",
    "duration",
    "Maximum time until the response is complete; default 30 s.",
)]]);

/// `lint`.
pub(crate) const LINT: Keys = Keys(&[&[
    key(
        "rules",
        "lint_rules",
        "`recommended` (default), `all` or `none`: the rules to start from.",
    ),
    key(
        "levels",
        "lint_levels",
        "Rules with another level: off, note, warn or deny.",
    ),
    key(
        "limits",
        "lint_limits",
        "The limits of rules that have one.",
    ),
    key(
        "ignore",
        "ignored_findings",
        "Findings that are accepted, each with a reason.",
    ),
    key(
        "weaver",
        "weaver",
        "A registry of conventions, with which OpenTelemetry Weaver compares the spans.",
    ),
]]);

/// `weaver` of `lint`.
pub(crate) const WEAVER: Keys = Keys(&[&[
    key(
        "registry",
        "text",
        "A folder, relative to this file, an archive, or the URL of a Git repository.",
    ),
    key(
        "fail_on",
        "weaver_level",
        "The least level that is an error: violation (default), improvement or information.",
    ),
]]);

/// `limits` of `lint`.
pub(crate) const LINT_LIMITS: Keys = Keys(&[&[
    key(
        "equal_children",
        "whole",
        "Maximum number of equal children of one span, for too-many-spans; default 20.",
    ),
    key(
        "spans_per_trace",
        "whole",
        "Maximum number of spans of a trace, for too-many-spans; default 2000.",
    ),
    key(
        "spans_per_second",
        "positive_number",
        "Maximum number of spans a second, for over-sampled; default none.",
    ),
]]);

/// An entry of `ignore` of `lint`.
pub(crate) const IGNORED_FINDINGS: Keys = Keys(&[&[
    key("rule", "lint_rule", "The rule."),
    key("service", "text", "The service; default all."),
    key(
        "contains",
        "text",
        "A part of the text of the finding; default all.",
    ),
    key(
        "reason",
        "text",
        "The reason why these findings are accepted.",
    ),
]]);
