//! The claims of budgets about quantiles.

use std::time::Duration;

use super::baseline::FactDifference;
use super::contention::Contention;
use super::quantile::Quantile;
use super::samples::Samples;
use crate::spec::{Regression, UpperLimit};

/// The claim that a quantile is within a limit, or not worse than in the baseline.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The subject of the budget: `inventory-check`, `response time`.
    pub subject: String,
    /// The quantile.
    pub quantile: Quantile,
    /// The values of this run.
    pub candidate: &'a Samples,
    /// The part of the durations that the load generator may have caused.
    pub late: Option<LateSamples<'a>>,
    /// The limit or the baseline.
    pub against: Against<'a>,
}

/// Requests that were sent too late. An OK must hold with the lateness, a failure without it.
#[derive(Clone, Copy, Debug)]
pub struct LateSamples<'a> {
    /// The part of the quantile that is lateness.
    pub by: Duration,
    /// The durations without lateness.
    pub without: &'a Samples,
}

impl Claim<'_> {
    /// The durations that must prove a failure.
    pub(super) fn certain(&self) -> &Samples {
        self.late.map_or(self.candidate, |late| late.without)
    }
}

/// The standard of a comparison.
#[derive(Clone, Debug)]
pub enum Against<'a> {
    /// A maximum.
    Limit(UpperLimit),
    /// The values of a baseline.
    Baseline(Reference<'a>),
}

/// The values of a baseline for one budget.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    /// The values of all its runs.
    pub samples: &'a Samples,
    /// The maximum increase: 0.2 for 20 %.
    pub tolerance: f64,
    /// The variation of the median between runs; see [`spread`](super::spread).
    pub spread: f64,
    /// The CPU time of other processes; `None` if it is unknown for one side.
    pub contention: Option<Contention>,
    /// Differences between the environments. With any of them the claim is NOT PROVEN.
    pub differs: Vec<FactDifference>,
}

impl<'a> Reference<'a> {
    /// A reference with a tolerance of 20 %, no spread, and the same environment.
    #[must_use]
    pub fn new(samples: &'a Samples) -> Self {
        Self {
            samples,
            tolerance: default_tolerance(Quantile::P50),
            spread: 0.0,
            contention: None,
            differs: Vec::new(),
        }
    }
}

/// The default tolerance: 20 % up to p95, and 50 % above, where few samples decide.
#[must_use]
pub fn default_tolerance(quantile: Quantile) -> f64 {
    if quantile <= Quantile::P95 { 0.2 } else { 0.5 }
}

impl Regression {
    /// The tolerance of a quantile: that of the spec, or the default.
    pub(crate) fn tolerance_at(&self, quantile: Quantile) -> f64 {
        self.tolerance.unwrap_or(default_tolerance(quantile))
    }
}
