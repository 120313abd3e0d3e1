//! Sampling in the OpenTelemetry Collector: its configuration, and the decisions that it leads to.
//!
//! Pure: no clock, no network. Times are those of the spans.

#[cfg(feature = "cli")]
pub(crate) mod bench;
pub(crate) mod config;
#[cfg(feature = "cli")]
pub(crate) mod design;
mod go_duration;
pub(crate) mod judge;
pub(crate) mod ottl;
mod policy;
mod probabilistic;
pub(crate) mod re2;
pub(crate) mod replay;
mod state_value;
mod tracestate;
mod version;
mod vote;

pub(crate) use policy::{Policy, Rule, Strategy, TailSampling};
#[cfg(feature = "cli")]
pub(crate) use probabilistic::SpanDecision;
pub(crate) use probabilistic::{Mode, ProbabilisticSampler, Reason};
pub(crate) use tracestate::{OtelState, Randomness};
pub(crate) use version::CollectorVersion;
pub(crate) use vote::Vote;

use crate::trace::{Attributes, Value};

/// The value of an attribute, as the Collector finds it.
fn attribute<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a Value> {
    attributes.first(key)
}
