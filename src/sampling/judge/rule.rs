//! Policies, ready to vote.

use std::collections::HashSet;

use regex::Regex;

use super::budget::{Allowance, Budget};
use super::cast::Cast;
use super::conditions::Conditions;
use super::features::{Features, Inverted, LatencyBound};
use super::input::{Asked, Input};
use super::{attribute, nested, single};
use crate::sampling::policy::{AttributeValue, Policy, Rule};
use crate::trace::Nanos;

/// A policy that votes.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) check: Check,
}

impl Judged {
    pub(super) fn new(policy: &Policy, features: Features, shards: i64) -> Self {
        Self {
            check: Check::new(&policy.rule, features, shards),
        }
    }
}

/// The spans that a policy reads.
#[derive(Debug)]
pub(super) enum Check {
    Always,
    Latency {
        threshold_ms: i64,
        upper_threshold_ms: i64,
        bound: LatencyBound,
    },
    Attribute {
        key: String,
        value: ValueCheck,
        /// `None`: not inverted.
        inverted: Option<Inverted>,
    },
    StatusCode(Vec<i32>),
    Probabilistic {
        salt: Vec<u8>,
        threshold: u64,
    },
    Budget(Budget),
    SpanCount {
        min: i64,
        max: i64,
    },
    TraceState {
        key: String,
        values: HashSet<String>,
    },
    TraceFlags,
    Conditions(Conditions),
    And(Vec<Judged>),
    Not(Box<Judged>),
    Drop(Vec<Judged>),
    Composite {
        policies: Vec<Judged>,
        allowance: Allowance,
    },
    /// Not evaluable, with the reason.
    Unknown(String),
}

/// The value of an attribute.
#[derive(Debug)]
pub(super) enum ValueCheck {
    /// An integer between these.
    Between(i64, i64),
    Text {
        exact: HashSet<String>,
        patterns: Vec<Regex>,
    },
    Bool(bool),
}

impl Check {
    pub(super) fn new(rule: &Rule, features: Features, shards: i64) -> Self {
        let inverted = |invert: &bool| invert.then_some(features.inverted);
        let inner = |policies: &[Policy]| -> Vec<Judged> {
            let policies = policies.iter();
            policies
                .map(|policy| Judged::new(policy, features, shards))
                .collect()
        };
        match rule {
            Rule::AlwaysSample => Self::Always,
            Rule::Latency {
                threshold_ms,
                upper_threshold_ms,
            } => Self::Latency {
                threshold_ms: *threshold_ms,
                upper_threshold_ms: *upper_threshold_ms,
                bound: features.latency,
            },
            Rule::NumericAttribute {
                key,
                min_value,
                max_value,
                invert_match,
            } => numeric(key, *min_value, *max_value, inverted(invert_match)),
            Rule::StringAttribute {
                key,
                values,
                invert_match,
            } => Self::Attribute {
                key: key.clone(),
                value: ValueCheck::text(values),
                inverted: inverted(invert_match),
            },
            Rule::BooleanAttribute {
                key,
                value,
                invert_match,
            } => Self::Attribute {
                key: key.clone(),
                value: ValueCheck::Bool(*value),
                inverted: inverted(invert_match),
            },
            Rule::StatusCode(codes) => Self::StatusCode(codes.clone()),
            Rule::Probabilistic {
                hash_salt,
                sampling_percentage,
            } => Self::Probabilistic {
                salt: single::salt(hash_salt).to_vec(),
                threshold: single::threshold(sampling_percentage / 100.0),
            },
            Rule::RateLimiting {
                spans_per_second,
                burst_capacity,
            } => Self::Budget(Budget::spans(
                *spans_per_second,
                *burst_capacity,
                features.rate,
                shards,
            )),
            Rule::BytesLimiting {
                bytes_per_second,
                burst_capacity,
            } => Self::Budget(Budget::bytes(*bytes_per_second, *burst_capacity, shards)),
            Rule::SpanCount {
                min_spans,
                max_spans,
            } => Self::SpanCount {
                min: (*min_spans).into(),
                max: (*max_spans).into(),
            },
            Rule::TraceState { key, values } => Self::TraceState {
                key: key.clone(),
                values: state_values(key, values),
            },
            Rule::TraceFlags => Self::TraceFlags,
            Rule::OttlCondition(conditions) => {
                Self::Conditions(Conditions::new(conditions, features.version))
            }
            Rule::And(policies) => Self::And(inner(policies)),
            Rule::Not(policy) => Self::Not(Box::new(Judged::new(policy, features, shards))),
            Rule::Drop(policies) => Self::Drop(inner(policies)),
            Rule::Composite(composite) => Self::Composite {
                policies: inner(&composite.policies),
                allowance: Allowance::new(composite, features.omitted_share, shards),
            },
            Rule::Extension(id) => {
                let what = format!("the type `{id}` is an extension, which spanspec does not have");
                Self::Unknown(what)
            }
        }
    }

    pub(super) fn is_drop(&self) -> bool {
        matches!(self, Self::Drop(_))
    }

    /// Votes on a trace.
    pub(super) fn cast(&mut self, input: Input<'_>, now: Nanos, asked: Asked) -> Cast {
        match self {
            Self::Always => single::always(),
            Self::Latency {
                threshold_ms,
                upper_threshold_ms,
                bound,
            } => single::latency(*threshold_ms, *upper_threshold_ms, *bound, input),
            Self::Attribute {
                key,
                value,
                inverted,
            } => attribute::cast(key, value, *inverted, input),
            Self::StatusCode(codes) => single::status_code(codes, input),
            Self::Probabilistic { salt, threshold } => {
                single::probabilistic(salt, *threshold, input)
            }
            Self::Budget(budget) => budget.cast(input, now, asked),
            Self::SpanCount { min, max } => single::span_count(*min, *max, input),
            Self::TraceState { key, values } => single::trace_state(key, values, input),
            Self::TraceFlags => single::trace_flags(input),
            Self::Conditions(conditions) => conditions.cast(input),
            Self::And(policies) => nested::and(policies, input, now, asked),
            Self::Not(policy) => nested::not(policy, input, now, asked),
            Self::Drop(policies) => nested::drop(policies, input, now, asked),
            Self::Composite {
                policies,
                allowance,
            } => nested::composite(policies, allowance, input, now, asked),
            Self::Unknown(why) => Cast::unknown(why.as_str()),
        }
    }
}

/// Zero stands for a missing bound. Without bounds, the Collector panics.
fn numeric(key: &str, min: i64, max: i64, inverted: Option<Inverted>) -> Check {
    if min == 0 && max == 0 {
        let what = "a `numeric_attribute` without bounds makes the Collector panic";
        return Check::Unknown(what.to_owned());
    }
    let or = |bound: i64, missing: i64| match bound {
        0 => missing,
        bound => bound,
    };
    Check::Attribute {
        key: key.to_owned(),
        value: ValueCheck::Between(or(min, i64::MIN), or(max, i64::MAX)),
        inverted,
    }
}

/// The values that a header can have. Longer ones, and empty ones, are ignored.
fn state_values(key: &str, values: &[String]) -> HashSet<String> {
    let fits = |value: &&String| !value.is_empty() && key.len() + value.len() < 256;
    values.iter().filter(fits).cloned().collect()
}

impl ValueCheck {
    fn text(values: &[AttributeValue]) -> Self {
        let mut exact = HashSet::new();
        let mut patterns = Vec::new();
        for value in values {
            match value {
                AttributeValue::Exact(text) if text.is_empty() => {}
                AttributeValue::Exact(text) => drop(exact.insert(text.clone())),
                AttributeValue::Pattern(pattern) => patterns.push(pattern.clone()),
            }
        }
        Self::Text { exact, patterns }
    }
}
