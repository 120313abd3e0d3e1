//! The keys of `repeat` and `budgets`.

use super::{Key, key};

pub(in crate::schema) const REPEAT: [Key; 7] = [
    key(
        "times",
        "positive",
        "How many requests in all, each sent after an answer: a closed loop.",
    ),
    key(
        "concurrency",
        "positive",
        "How many are under way at the same time, beside `times`; 1 unless given.",
    ),
    key(
        "rate",
        "rate",
        "How often a request is sent, whatever the answers: 50/s, 600/m. An open loop.",
    ),
    key("for", "duration", "For how long, beside `rate`."),
    key(
        "arrivals",
        "arrivals",
        "How requests are spread, beside `rate`: `poisson`, as of many independent users, unless given; or `constant`.",
    ),
    key(
        "warmup",
        "whole",
        "How many requests come first and do not count; 0 unless given.",
    ),
    key(
        "failures",
        "allowance",
        "How many requests may fail: a number, or a share such as 1%. 0 unless given.",
    ),
];

pub(in crate::schema) const BUDGET: [Key; 8] = [
    key(
        "find",
        "selector",
        "Which span is measured: a name, or a map. Where a trace has several, the longest.",
    ),
    key(
        "measure",
        "measure",
        "What is measured: beside `find` `duration`, unless given, or `self_time`; else `response_time` or `trace_duration`.",
    ),
    key(
        "regression",
        "regression",
        "How much worse than the baseline: 20%, { p50: 20%, p99: 50% }, or `none`. Unless given 20% up to p95, 50% above.",
    ),
    key("p50", "limit", "The most that the median may be: < 150ms."),
    key("p90", "limit", "The most that nine of ten may be."),
    key("p95", "limit", "The most that 95 of a hundred may be."),
    key("p99", "limit", "The most that 99 of a hundred may be."),
    key("p99.9", "limit", "The most that 999 of a thousand may be."),
];
