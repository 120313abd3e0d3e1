//! Sampling in the OpenTelemetry Collector: its configuration, and the decisions that it leads to.
//!
//! Pure: no clock, no network. Times are those of the spans.

pub(crate) mod config;
mod policy;
mod probabilistic;
pub(crate) mod re2;
mod tracestate;
mod version;

pub(crate) use policy::{
    Allocation, AttributeValue, Composite, DecisionCache, OttlConditions, Policy, Rule, Strategy,
    TailSampling,
};
pub(crate) use probabilistic::{Mode, ProbabilisticSampler, Reason, SpanDecision};
pub(crate) use tracestate::{OtelState, Randomness};
pub(crate) use version::{CollectorVersion, Since};
