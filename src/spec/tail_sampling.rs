//! Decisions that are expected of a Collector's samplers about a trace.

use std::sync::Arc;

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
