//! Keys of `repeat` and `budgets`.

use super::{Key, Keys, key};

pub(crate) const REPEAT: Keys = Keys(&[&[
    key(
        "times",
        "positive",
        "Total number of requests, each sent after a response (closed loop).",
    ),
    key(
        "concurrency",
        "positive",
        "Number of requests in flight, with `times`; default 1.",
    ),
    key(
        "rate",
        "rate",
        "Requests per second, minute or hour, independent of responses (open loop): 50/s, 600/m.",
    ),
    key("for", "duration", "Duration of the load, with `rate`."),
    key(
        "arrivals",
        "arrivals",
        "Distribution of the requests over time, with `rate`: `poisson` (default), as from many independent users, or `constant`.",
    ),
    key(
        "warmup",
        "whole",
        "Number of requests at the start that are not measured; default 0.",
    ),
    key(
        "failures",
        "allowance",
        "Maximum number of failed requests, or their share such as 1%; default 0.",
    ),
    key(
        "confirm",
        "confirm",
        "How often to repeat all requests if a budget is over its limit, before it fails; 0 to 2, default 2.",
    ),
]]);

/// A budget. Any other quantile, such as `p99.99`, is a key as well.
pub(crate) const BUDGET: Keys = Keys(&[BUDGET_ONLY, QUANTILES]);

/// The keys of a budget that are not quantiles.
pub(crate) const BUDGET_WITHOUT_QUANTILES: Keys = Keys(&[BUDGET_ONLY]);

/// The usual quantiles.
pub(crate) const USUAL_QUANTILES: Keys = Keys(&[QUANTILES]);

const BUDGET_ONLY: &[Key] = &[
    key(
        "find",
        "selector",
        "The span to measure: a name, or a map. If a trace has several, the longest or largest counts.",
    ),
    key(
        "measure",
        "measure",
        "The quantity to measure: with `find`, `duration` (default), `self_time`, `count`, or a map; without, `response_time` or `trace_duration`.",
    ),
    key(
        "regression",
        "regression",
        "Tolerated increase over the baseline: 20%, { p50: 20%, p99: 50% }, or `none`. Default: 20% up to p95, 50% above.",
    ),
    key(
        "compare",
        "compare",
        "With `search`: compares the versions of a service with each other, instead of a baseline: `service.version`, or a map.",
    ),
];

/// What is measured of the spans that `find` selects.
pub(crate) const MEASURE: Keys = Keys(&[&[
    key(
        "attribute",
        "text",
        "The attribute with this key; if a trace has several spans, the largest value.",
    ),
    key(
        "sum",
        "text",
        "The sum of the attribute with this key over all spans of a trace.",
    ),
]]);

pub(crate) const COMPARE: Keys = Keys(&[&[
    key(
        "resource",
        "text",
        "The resource attribute with the version: service.version.",
    ),
    key("from", "text", "The version to compare with."),
    key("to", "text", "The version that is judged."),
]]);

const QUANTILES: &[Key] = &[
    key(
        "p50",
        "limit",
        "Limit for the median: < 150ms, or <= 4 for plain numbers.",
    ),
    key("p90", "limit", "Limit for the 90th percentile."),
    key("p95", "limit", "Limit for the 95th percentile."),
    key("p99", "limit", "Limit for the 99th percentile."),
    key("p99.9", "limit", "Limit for the 99.9th percentile."),
];
