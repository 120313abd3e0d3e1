//! Sampling in the OpenTelemetry Collector: its configuration, and the decisions that it leads to.
//!
//! Pure: no clock, no network. Times are those of the spans.

mod policy;
mod probabilistic;
mod tracestate;

pub(crate) use policy::{
    Allocation, AttributeValue, Composite, DecisionCache, OttlConditions, Policy, Rule, Strategy,
    TailSampling,
};
pub(crate) use probabilistic::{Mode, ProbabilisticSampler, Reason, SpanDecision};
pub(crate) use tracestate::{OtelState, Randomness};
