//! Decisions that are expected of a Collector's samplers about a trace.

use std::fmt;
use std::sync::Arc;

use super::Location;
use crate::sampling::{CollectorVersion, ProbabilisticSampler, TailSampling};

/// Expectations for the decision of a `tail_sampling` processor, of which there is at least one.
#[derive(Clone, Debug)]
pub struct TailExpectation {
    pub(crate) processor: Arc<TailSampling>,
    pub(crate) version: CollectorVersion,
    /// Whether the trace is kept.
    pub(crate) kept: Option<bool>,
    /// The policy that keeps it.
    pub(crate) kept_by: Option<String>,
    /// Policies that match the trace, or that do not.
    pub(crate) policies: Vec<(String, bool)>,
}

/// The expected decision of a `probabilistic_sampler` processor, the same about each span.
#[derive(Clone, Debug)]
pub struct SpanSamplingExpectation {
    pub(crate) processor: Arc<ProbabilisticSampler>,
    /// `true` if the spans must be kept.
    pub(crate) kept: bool,
}

/// The share of many traces that a sampler must keep.
#[derive(Clone, Debug)]
pub struct ShareExpectation {
    pub(crate) sampler: Sampler,
    pub(crate) within: ShareRange,
}

/// A sampler of a Collector.
#[derive(Clone, Debug)]
pub(crate) enum Sampler {
    /// It decides about traces, as in this version.
    Tail(Arc<TailSampling>, CollectorVersion),
    /// It decides about each span.
    Probabilistic(Arc<ProbabilisticSampler>),
}

/// A range of shares: 0.09 to 0.11 for `9%..11%`.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareRange {
    /// The smallest share.
    pub least: f64,
    /// The largest share.
    pub most: f64,
    /// The text of the spec.
    pub written: String,
}

/// The share that a spec expects of its traces.
#[derive(Clone, Debug)]
pub struct ExpectedShare {
    pub(crate) share: ShareExpectation,
    /// Its place in the spec.
    pub at: Location,
}

impl Sampler {
    /// Its key in the configuration.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Tail(processor, _) => &processor.id,
            Self::Probabilistic(processor) => &processor.id,
        }
    }
}

/// The text of the spec.
impl fmt::Display for ShareRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
