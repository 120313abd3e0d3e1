//! The configuration of a `tail_sampling` processor, as it decides.
//!
//! Zero stands for an absent number where the Collector does not tell them apart.

use std::time::Duration;

use crate::yaml::Location;

/// A `tail_sampling` processor.
#[derive(Clone, Debug)]
pub(crate) struct TailSampling {
    /// The id of the component: `tail_sampling`, or `tail_sampling/name`.
    pub(crate) id: String,
    pub(crate) at: Location,
    pub(crate) policies: Vec<Policy>,
    pub(crate) strategy: Strategy,
    pub(crate) sample_on_first_match: bool,
    /// From the first span of a trace to the decision; default 30 s.
    pub(crate) decision_wait: Duration,
    /// From the end of the root span to the decision; zero: not used.
    pub(crate) decision_wait_after_root_received: Duration,
    /// Maximum number of traces that wait for a decision; default 50,000.
    pub(crate) num_traces: u64,
    pub(crate) decision_cache: DecisionCache,
    /// Traces above this size are dropped before a decision; zero: no limit.
    pub(crate) maximum_trace_size_bytes: u64,
    /// Number of independent loops, among which rates are divided; default 1.
    pub(crate) num_shards: u32,
}

/// The moment at which a trace is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Once, with all spans that arrived within `decision_wait`.
    #[default]
    TraceComplete,
    /// With each batch of spans, alone.
    SpanIngest,
}

/// Number of decisions that are remembered after the spans are gone; zero: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DecisionCache {
    pub(crate) sampled: u64,
    pub(crate) non_sampled: u64,
}

/// A policy with its name.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) name: String,
    /// Its entry in the configuration.
    pub(crate) at: Location,
    pub(crate) rule: Rule,
}

/// The condition of a policy.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    AlwaysSample,
    /// The time from the first start to the last end, in whole milliseconds.
    Latency {
        threshold_ms: i64,
        upper_threshold_ms: i64,
    },
    NumericAttribute {
        key: String,
        min_value: i64,
        max_value: i64,
        invert_match: bool,
    },
    StringAttribute {
        key: String,
        values: Vec<AttributeValue>,
        invert_match: bool,
    },
    BooleanAttribute {
        key: String,
        value: bool,
        invert_match: bool,
    },
    /// Any of these statuses, as `StatusCode` of OTLP: 0 unset, 1 ok, 2 error.
    StatusCode(Vec<i32>),
    Probabilistic {
        hash_salt: String,
        sampling_percentage: f64,
    },
    RateLimiting {
        spans_per_second: i64,
        burst_capacity: i64,
    },
    BytesLimiting {
        bytes_per_second: i64,
        burst_capacity: i64,
    },
    SpanCount {
        min_spans: i32,
        max_spans: i32,
    },
    TraceState {
        key: String,
        values: Vec<String>,
    },
    TraceFlags,
    OttlCondition(OttlConditions),
    And(Vec<Policy>),
    Not(Box<Policy>),
    Drop(Vec<Policy>),
    Composite(Composite),
    /// A type that an extension of the Collector provides, by its id.
    Extension(String),
}

/// A value of `string_attribute`.
#[derive(Clone, Debug)]
pub(crate) enum AttributeValue {
    Exact(String),
    /// Unanchored, as in Go.
    Pattern(regex::Regex),
}

/// Conditions in OTTL. One that holds is enough.
#[derive(Clone, Debug)]
pub(crate) struct OttlConditions {
    /// An error in a condition counts as false, instead of an error of the policy.
    pub(crate) ignores_errors: bool,
    /// Conditions on each span, as written, with their places.
    pub(crate) span: Vec<(String, Location)>,
    /// Conditions on each event of each span.
    pub(crate) span_event: Vec<(String, Location)>,
}

/// Policies that share a rate.
#[derive(Clone, Debug)]
pub(crate) struct Composite {
    pub(crate) max_total_spans_per_second: i64,
    /// In the order in which they are asked: the Collector does not read `policy_order`.
    pub(crate) policies: Vec<Policy>,
    pub(crate) rate_allocation: Vec<Allocation>,
}

/// A policy's share of the rate of its `composite`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allocation {
    pub(crate) policy: String,
    pub(crate) percent: i64,
}

impl Policy {
    /// Returns `true` for a policy that drops traces, and is asked before the others.
    pub(crate) fn is_drop(&self) -> bool {
        matches!(self.rule, Rule::Drop(_))
    }

    /// Returns `true` if its vote depends on other traces of the same time.
    pub(crate) fn limits_rate(&self) -> bool {
        let is_limit = matches!(
            self.rule,
            Rule::RateLimiting { .. } | Rule::BytesLimiting { .. } | Rule::Composite(_)
        );
        is_limit || self.inner().iter().any(Self::limits_rate)
    }

    /// The policies inside of it.
    pub(crate) fn inner(&self) -> &[Policy] {
        match &self.rule {
            Rule::And(policies) | Rule::Drop(policies) => policies,
            Rule::Not(policy) => std::slice::from_ref(policy),
            Rule::Composite(composite) => &composite.policies,
            _ => &[],
        }
    }
}
