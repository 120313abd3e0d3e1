//! Keys of `observe`, and of `expect` beside it.

use super::expect::TRACE;
use super::{Key, Keys, key};

/// `observe`, if it is a map.
pub(crate) const OBSERVE: Keys = Keys(&[&[
    key("for", "duration", "Maximum length of the window: 2m."),
    key(
        "until",
        "observe_until",
        "`satisfied`: the window ends when no further arrival can change a verdict.",
    ),
]]);

/// Expectations for everything that arrives in a window.
pub(crate) const TRAFFIC_CHECKS: Keys = Keys(&[TRAFFIC_ONLY, SHARED]);

pub(super) const TRAFFIC_ONLY: &[Key] = &[
    key(
        "signals",
        "signals",
        "Services, each with the signals that it sends: `[traces, metrics, logs]`; `{ not: logs }` for one that it never sends.",
    ),
    key(
        "each_trace",
        "each_trace",
        "Expectations for each trace that begins in the window.",
    ),
];

/// Checks with the keys of those of a trace, over everything in the window.
const SHARED: &[Key] = &[
    key(
        "services",
        "list",
        "Services (`service.name`) that send anything.",
    ),
    key(
        "edges",
        "edges",
        "Pairs of services: `caller -> callee` for a parent and its child, `{ link: from -> to }` for a link.",
    ),
    key(
        "spans",
        "span_entries",
        "Expectations for single spans of any trace.",
    ),
    key(
        "logs",
        "log_entries",
        "Expectations for log records, with or without a trace.",
    ),
    key(
        "metrics",
        "metric_entries",
        "Expectations for metrics that arrive.",
    ),
    key(
        "lint",
        "expect_lint",
        "Rules of `spanspec lint --traces` for all traces: `recommended`, `all`, or rules with their levels.",
    ),
];

/// An edge that is not a call.
pub(crate) const EDGE: Keys = Keys(&[&[key(
    "link",
    "text",
    "`from -> to`: a span of the second service has a link to a span of the first.",
)]]);

/// `each_trace`.
pub(crate) const EACH_TRACE: Keys = Keys(&[EACH_TRACE_ONLY, TRACE]);

const EACH_TRACE_ONLY: &[Key] = &[
    key(
        "find",
        "selector",
        "A span that each of these traces contains: a name, or a map. Default: all traces.",
    ),
    key(
        "failures",
        "allowance",
        "Maximum number of traces that do not meet the expectations, or their share such as 5%; default 0.",
    ),
];
