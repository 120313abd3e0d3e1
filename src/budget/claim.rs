//! What a budget claims of a quantile.

use std::time::Duration;

use super::baseline::Difference;
use super::quantile::Quantile;
use super::samples::Samples;
use crate::spec::Regression;

/// That a quantile is within a limit, or no worse than in the baseline.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// What was measured, as reports call it: `inventory-check`, `response time`.
    pub subject: String,
    /// The quantile.
    pub quantile: Quantile,
    /// What was measured now.
    pub candidate: &'a Samples,
    /// How much of that is the work of the machine that measured, if some may be.
    pub late: Option<Late<'a>>,
    /// What it is held against.
    pub against: Against<'a>,
}

/// Requests were sent later than they should have been. That counts where a claim is to hold, but
/// what is slow by it alone is no alarm.
#[derive(Clone, Copy, Debug)]
pub struct Late<'a> {
    /// How much later the latest was.
    pub by: Duration,
    /// What would have been measured, had all been sent in time.
    pub without: &'a Samples,
}

impl Claim<'_> {
    /// What an alarm must be proven with.
    pub(super) fn certain(&self) -> &Samples {
        self.late.map_or(self.candidate, |late| late.without)
    }
}

/// What a quantile is held against.
#[derive(Clone, Debug)]
pub enum Against<'a> {
    /// It must not be longer than this.
    Limit(Duration),
    /// It must not be much longer than it was.
    Baseline(Reference<'a>),
}

/// What a baseline knows of a budget.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    /// The durations of all its runs.
    pub samples: &'a Samples,
    /// How much worse a quantile may become, as a share: 0.2 for 20 %.
    pub tolerance: f64,
    /// How much the median differs from run to run; see [`spread`](super::spread).
    pub spread: f64,
    /// What is not as it was when the baseline was measured; nothing can be proven then.
    pub differs: Vec<Difference>,
}

impl<'a> Reference<'a> {
    /// With a tolerance of 20 %, no spread, and measured here.
    #[must_use]
    pub fn new(samples: &'a Samples) -> Self {
        Self {
            samples,
            tolerance: default_tolerance(Quantile::P50),
            spread: 0.0,
            differs: Vec::new(),
        }
    }
}

/// How much worse a quantile may become where the author does not say: 20 % up to p95, 50 % above,
/// where few samples decide.
#[must_use]
pub fn default_tolerance(quantile: Quantile) -> f64 {
    if quantile <= Quantile::P95 { 0.2 } else { 0.5 }
}

impl Regression {
    /// How much worse this quantile may become, whether the author says so or not.
    pub(crate) fn tolerance_at(&self, quantile: Quantile) -> f64 {
        self.tolerance.unwrap_or(default_tolerance(quantile))
    }
}
