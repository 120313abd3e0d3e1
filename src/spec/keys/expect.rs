//! Keys of `expect`, of a matcher and of a limit.

use super::grpc::GRPC_RESPONSE;
#[cfg(feature = "_pure")]
use super::observe::TRAFFIC_ONLY;
use super::{Key, Keys, key};

/// Checks of an HTTP response.
pub(crate) const RESPONSE_CHECKS: Keys = Keys(&[STATUS, HTTP_RESPONSE, JSON, RESPONSE_TIME]);

/// Checks of a gRPC response.
pub(crate) const GRPC_CHECKS: Keys = Keys(&[STATUS, GRPC_RESPONSE, JSON, RESPONSE_TIME]);

/// Checks of a GraphQL response.
pub(crate) const GRAPHQL_CHECKS: Keys =
    Keys(&[STATUS, HTTP_RESPONSE, JSON, GRAPHQL, RESPONSE_TIME]);

/// Checks of a command.
pub(crate) const COMMAND_CHECKS: Keys = Keys(&[COMMAND, RESPONSE_TIME]);

/// Checks of the acknowledgement of a message.
pub(crate) const MESSAGE_CHECKS: Keys = Keys(&[JSON, RESPONSE_TIME]);

/// Checks of the result of any trigger.
pub(crate) const ANSWER_CHECKS: Keys = Keys(&[
    STATUS,
    HTTP_RESPONSE,
    JSON,
    GRAPHQL,
    GRPC_RESPONSE,
    COMMAND,
    RESPONSE_TIME,
]);

/// Checks of the output of a pipeline.
pub(crate) const OUTPUT_CHECKS: Keys = Keys(&[OUTPUT]);

/// Checks of the output that one named receiver got.
pub(crate) const RECEIVER_CHECKS: Keys = Keys(&[CONSERVATION, TRACE]);

/// Checks of a trigger that has no result.
pub(crate) const NO_CHECKS: Keys = Keys(&[]);

/// Checks of a trace.
pub(crate) const TRACE_CHECKS: Keys = Keys(&[TRACE]);

/// All of `expect`.
#[cfg(feature = "_pure")]
pub(crate) const EXPECT: Keys = Keys(&[
    OUTPUT,
    STATUS,
    HTTP_RESPONSE,
    JSON,
    GRAPHQL,
    GRPC_RESPONSE,
    COMMAND,
    RESPONSE_TIME,
    TRACE,
    TRAFFIC_ONLY,
]);

const OUTPUT: &[Key] = &[LOST, DUPLICATED, AT];

const CONSERVATION: &[Key] = &[LOST, DUPLICATED];

const LOST: Key = key(
    "lost",
    "lost_spans",
    "The number of spans that were sent and did not arrive; or a list of spans: exactly those.",
);
const DUPLICATED: Key = key(
    "duplicated",
    "count",
    "The number of spans that were sent and arrived more than once.",
);
const AT: Key = key(
    "at",
    "expect_at",
    "Names of `receivers` of the project file, each with expectations for what arrived there.",
);

const STATUS: &[Key] = &[key(
    "status",
    "status_codes",
    "The status code of the response: 201, 2xx, [200, 201], 200..299, { not: 500 }. Of a gRPC call: NOT_FOUND or 5; default OK.",
)];

const HTTP_RESPONSE: &[Key] = &[
    key(
        "headers",
        "matchers",
        "Headers of the response, each with a matcher.",
    ),
    key("body", "matcher", "The body of the response, as text."),
];

const GRAPHQL: &[Key] = &[key(
    "graphql_errors",
    "graphql_errors",
    "The number of errors in a GraphQL response, or a list of exactly these errors; default 0.",
)];

/// An expected error of a GraphQL response.
pub(crate) const GRAPHQL_ERROR: Keys = Keys(&[&[
    key("message", "matcher", "Its `message`."),
    key(
        "path",
        "graphql_path",
        "Its `path`, joined with dots: `order.lines.0`; or a list.",
    ),
    key("code", "matcher", "Its `extensions.code`."),
]]);

const JSON: &[Key] = &[key(
    "json",
    "paths",
    "JSONPath expressions into the body, the message of a gRPC call, or the acknowledgement of a message, each with a matcher.",
)];

const COMMAND: &[Key] = &[
    key(
        "exit_code",
        "matcher",
        "The exit code of the command; default 0.",
    ),
    key("stdout", "matcher", "The standard output of the command."),
    key("stderr", "matcher", "The standard error of the command."),
];

const RESPONSE_TIME: &[Key] = &[key(
    "response_time",
    "durations",
    "From sending the request to the end of the response: < 800ms.",
)];

pub(super) const TRACE: &[Key] = &[
    key(
        "errors",
        "count",
        "The number of spans with status error, anywhere in the trace.",
    ),
    key(
        "orphans",
        "count",
        "The number of spans whose parent did not arrive.",
    ),
    key("span_count", "count", "The number of spans."),
    key(
        "trace_duration",
        "durations",
        "From the first start of a span to the last end.",
    ),
    key(
        "services",
        "list",
        "Services (`service.name`) that have at least one span; others are allowed.",
    ),
    key(
        "edges",
        "edges",
        "Calls between services, `caller -> callee`; others are allowed.",
    ),
    key(
        "sequence",
        "selectors",
        "Spans in this order: all spans of an entry start before the first span of the next entry.",
    ),
    key("spans", "span_entries", "Expectations for single spans."),
    key(
        "logs",
        "log_entries",
        "Expectations for log records with the id of this trace.",
    ),
    key(
        "metrics",
        "metric_entries",
        "Expectations for metrics; such a spec runs alone.",
    ),
    key(
        "logs_correlated",
        "correlated",
        "Services of which each log record inside their spans has the trace id; or `true` for all.",
    ),
    key(
        "shape",
        "shape",
        "File with the tree of spans, relative to this file: shapes/placed.txt. A run proposes it, `spanspec baseline accept` accepts it.",
    ),
    key(
        "propagation",
        "continued",
        "`continued`: each call of an instrumented service has its SERVER span in this trace; or services that may begin a new trace.",
    ),
    key(
        "sampling",
        "sampling",
        "How the trace is sampled: whether services follow the sampled flag.",
    ),
    key(
        "lint",
        "expect_lint",
        "Rules of `spanspec lint --traces` for this trace: `recommended`, `all`, or rules with their levels.",
    ),
];

/// `shape`, if it is a map.
pub(crate) const SHAPE: Keys = Keys(&[&[
    key(
        "file",
        "text",
        "File with the tree of spans, relative to this file; it ends with `.txt`.",
    ),
    key(
        "attributes",
        "list",
        "Keys of attributes whose values belong to the shape, under their former and current names.",
    ),
    key(
        "linked",
        "flag",
        "Whether linked traces belong to the shape; default false.",
    ),
]]);

/// `propagation`.
pub(crate) const CONTINUED: Keys = Keys(&[&[key(
    "restarted",
    "list",
    "Services (`service.name`) that may begin a new trace, such as a front gate.",
)]]);

/// `sampling`.
pub(crate) const SAMPLING: Keys = Keys(&[&[
    key(
        "head",
        "head_sampling",
        "`consistent`: services follow the sampled flag and the thresholds in `tracestate` of their callers.",
    ),
    key(
        "config",
        "text",
        "Configuration of a Collector, relative to this file, whose tail sampling decides about the trace.",
    ),
    key(
        "processor",
        "text",
        "The processor, if the configuration has several of type `tail_sampling`; or a `probabilistic_sampler`, which decides about each span.",
    ),
    key(
        "collector_version",
        "text",
        "Version of the Collector, such as 0.161.0.",
    ),
    key("kept", "flag", "Whether the Collector keeps the trace."),
    key("kept_by", "text", "The policy that keeps the trace."),
    key(
        "policies",
        "policy_votes",
        "Policies, and whether each of them matches the trace.",
    ),
    key(
        "share",
        "text",
        "The share of the traces of a `repeat` or a search that the Collector keeps, such as `9%..11%`.",
    ),
]]);

pub(crate) const MATCHER: Keys = Keys(&[&[
    key(
        "equals",
        "anything",
        "The value equals this one; nothing is interpreted.",
    ),
    key(
        "not",
        "matcher",
        "The value exists and does not match this.",
    ),
    key(
        "contains",
        "anything",
        "A string that contains this string, or an array with an element equal to this.",
    ),
    key("starts_with", "text", "A string with this prefix."),
    key("ends_with", "text", "A string with this suffix."),
    key(
        "includes",
        "anything",
        "A map or array that includes this one.",
    ),
    key(
        "length",
        "count",
        "The number of characters, bytes, elements or entries.",
    ),
    key("type", "value_type", "The type of the value."),
    key("gt", "number", "A number greater than this."),
    key("gte", "number", "A number greater than or equal to this."),
    key("lt", "number", "A number less than this."),
    key("lte", "number", "A number less than or equal to this."),
    key(
        "any",
        "matcher",
        "An array with an element that matches this.",
    ),
    key(
        "all",
        "matcher",
        "A non-empty array in which every element matches this.",
    ),
    key(
        "json",
        "paths",
        "A map, an array, or a string that contains JSON: JSONPath expressions, each with a matcher.",
    ),
    key(
        "number",
        "matcher",
        "A number, or a string that contains one, that matches this.",
    ),
    key(
        "same_items",
        "anything",
        "An array with exactly these elements, in any order.",
    ),
    key("after", "text", "A time in RFC 3339 after this one."),
    key("before", "text", "A time in RFC 3339 before this one."),
]]);

/// A limit of a number or duration: `{ gte: 2, lt: 5 }`.
pub(crate) const LIMITS: Keys = Keys(&[UPPER, LOWER, NOT]);

/// A limit that can have an upper bound only.
#[cfg(feature = "_pure")]
pub(crate) const UPPER_LIMITS: Keys = Keys(&[UPPER]);

/// The negation of words: `{ not: error }`.
pub(crate) const CHOICE: Keys = Keys(&[NOT]);

const UPPER: &[Key] = &[
    key("lt", "bound", "Less than this."),
    key("lte", "bound", "Less than or equal to this."),
];

const LOWER: &[Key] = &[
    key("gt", "bound", "Greater than this."),
    key("gte", "bound", "Greater than or equal to this."),
];

/// The schema replaces the shape by that of the value that is negated.
const NOT: &[Key] = &[key("not", "anything", "Anything except this.")];
