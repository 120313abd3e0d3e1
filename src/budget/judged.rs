//! Judged claims: the verdict, and the facts behind it.

use std::time::Duration;

use super::baseline::FactDifference;
use super::contention::Contention;
use super::missing::MissingSpans;
use super::quantile::{Alpha, Quantile};
use super::sample_size::SampleSize;
use super::samples::Estimate;
use super::verdict::ClaimVerdict;
use crate::number::Unit;
use crate::spec::UpperLimit;

/// A claim with its verdict and the facts behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedClaim {
    /// The subject of the budget.
    pub subject: String,
    /// The quantile.
    pub quantile: Quantile,
    /// The unit of all values.
    pub unit: Unit,
    /// The verdict.
    pub verdict: ClaimVerdict,
    /// The probability of an error for this claim, from which the bounds are computed.
    pub alpha: Alpha,
    /// The quantile of this run; `None` without samples.
    pub candidate: Option<Estimate>,
    /// The limit or the baseline.
    pub compared: Compared,
    /// The reason why it is NOT PROVEN, other than the number of samples.
    pub doubt: Option<OpenReason>,
    /// Number of complete traces without a sample.
    pub missing: u64,
    /// Earlier runs, which were repeated to confirm them; the first run first.
    pub earlier: Vec<RunEstimate>,
}

/// The quantile in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunEstimate {
    /// Its value.
    pub now: Estimate,
    /// That of the baseline runs with which this run was compared; `None` beside a limit.
    pub before: Option<Estimate>,
}

/// The reason why a claim is open that has enough samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OpenReason {
    /// Some requests have no measurement.
    NotMeasured,
    /// Too many traces have no such span.
    NotFound(MissingSpans),
    /// It is too slow, perhaps only because of this delay of the load generator.
    SentLate(Duration),
    /// It is above the limit, but runs of one version vary as much.
    Variation,
    /// Other processes disturbed this run or the baseline, which can be the only cause.
    Contention {
        /// Their CPU time.
        by: Contention,
        /// Without them it would exceed its limit.
        exceeds: bool,
    },
    /// Not all runs exceeded the limit.
    NotConfirmed {
        /// The runs that did.
        exceeded: usize,
    },
}

/// The standard of a judged claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Compared {
    /// A limit of the spec.
    Limit(UpperLimit),
    /// A baseline.
    Baseline {
        /// The quantile of the baseline; `None` without samples.
        before: Option<Estimate>,
        /// The maximum ratio to the baseline.
        tau: f64,
        /// The ratio above which it is REGRESSED; higher than `tau` if the machine explains more.
        raised: f64,
        /// Differences between the environments.
        differs: Vec<FactDifference>,
    },
}

impl Compared {
    /// The quantile of the baseline.
    pub(super) fn before(&self) -> Option<Estimate> {
        match self {
            Self::Limit(_) => None,
            Self::Baseline { before, .. } => *before,
        }
    }

    /// Takes the ratio above which another run is REGRESSED, but not its baseline runs.
    pub(super) fn take_limit_of(&mut self, other: &Self) {
        if let (
            Self::Baseline { raised, .. },
            Self::Baseline {
                raised: of_other, ..
            },
        ) = (self, other)
        {
            *raised = *of_other;
        }
    }
}

impl RunEstimate {
    /// The minimum of the ratio to the baseline; `None` if a bound is missing.
    pub(super) fn least(&self, unit: Unit) -> Option<f64> {
        Some(unit.change(self.now.lower?, self.before?.upper?))
    }

    /// The ratio to the baseline.
    pub(super) fn change(&self, unit: Unit) -> Option<f64> {
        Some(unit.change(self.now.value, self.before?.value))
    }
}

impl JudgedClaim {
    /// The number of samples that would decide it. Returns `None` if it is decided, if a bound is
    /// missing, or if it is open for another reason.
    #[must_use]
    pub fn needed(&self) -> Option<SampleSize> {
        if self.verdict != ClaimVerdict::NotProven || self.doubt.is_some() {
            return None;
        }
        match (&self.candidate, &self.compared) {
            (Some(now), Compared::Limit(limit)) => SampleSize::to_limit(now, limit.value),
            (
                Some(now),
                Compared::Baseline {
                    before,
                    tau,
                    raised,
                    ..
                },
            ) => {
                let before = before.as_ref()?;
                let is_above = now.value > before.value * tau;
                SampleSize::to_compare(now, before, if is_above { *raised } else { *tau })
            }
            (None, _) => None,
        }
    }

    /// Returns `true` if it provably exceeds its limit.
    #[must_use]
    pub fn exceeds(&self) -> bool {
        matches!(
            self.verdict,
            ClaimVerdict::Regressed | ClaimVerdict::OverLimit
        )
    }

    /// Returns `true` if it exceeds its limit, or would if other processes did not explain that.
    #[must_use]
    pub fn may_exceed(&self) -> bool {
        let is_disturbed = matches!(
            self.doubt,
            Some(OpenReason::Contention { exceeds: true, .. })
        );
        self.exceeds() || is_disturbed
    }

    /// Returns `true` if some runs exceeded the limit, but not all.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        matches!(self.doubt, Some(OpenReason::NotConfirmed { .. }))
    }

    /// Makes it NOTHING FOUND.
    pub(crate) fn find_nothing(&mut self) {
        self.verdict = ClaimVerdict::NothingFound;
        self.candidate = None;
        self.doubt = None;
    }

    /// Takes the place of the first run that exceeds its limit, if this one does not.
    pub(crate) fn keep_first_excess<'a>(&mut self, mut earlier: impl Iterator<Item = &'a Self>) {
        if !self.exceeds()
            && let Some(first) = earlier.find(|one| one.exceeds())
        {
            *self = first.clone();
        }
    }

    /// Returns `true` if its samples may become part of a baseline: they neither lack spans, nor is it
    /// unknown whether they show a regression.
    pub(crate) fn is_recordable(&self) -> bool {
        !matches!(
            self.doubt,
            Some(OpenReason::NotFound(_) | OpenReason::Contention { exceeds: true, .. })
        )
    }

    /// Turns OK into NOT PROVEN, because too many traces have no such span.
    pub(crate) fn doubt_coverage(&mut self, missing: MissingSpans) {
        if self.verdict == ClaimVerdict::Ok {
            self.verdict = ClaimVerdict::NotProven;
            self.doubt = Some(OpenReason::NotFound(missing));
        }
    }

    /// The increase over the baseline; `None` beside a limit.
    pub(crate) fn increase(&self) -> Option<f64> {
        let before = self.compared.before()?.value;
        Some(self.candidate?.value - before)
    }

    /// The quantile in all runs.
    pub(super) fn runs(&self) -> impl Iterator<Item = RunEstimate> {
        self.earlier.iter().copied().chain(self.run())
    }

    /// The quantile in this run; `None` without samples.
    pub(super) fn run(&self) -> Option<RunEstimate> {
        Some(RunEstimate {
            now: self.candidate?,
            before: self.compared.before(),
        })
    }
}

#[cfg(test)]
#[path = "judged_tests.rs"]
mod tests;
