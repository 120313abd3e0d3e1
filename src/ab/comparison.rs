//! The result of the runs of both versions.

use std::sync::Arc;

use super::{AbSide, Both};
use crate::budget::{
    Ab, AbRefusal, AbVerdict, Column, Pair, Quantile, Samples, Table, TableRow, judge_pairs,
};
use crate::measure::{Measurement, Unmeasured};
use crate::result::{Load, Report, Verdict, masked};
use crate::spec::{Budget, Location, Spec};

/// The runs of a spec for both versions.
#[derive(Clone, Debug)]
pub struct AbComparison {
    /// Its name.
    pub name: String,
    /// Its location.
    pub at: Location,
    /// The planned number of pairs.
    pub pairs: usize,
    /// The runs of each version in order.
    pub runs: Both<Vec<Arc<Load>>>,
    /// The reason why there are fewer runs than planned.
    pub ended: Option<EarlyEnd>,
    budgets: Vec<Budget>,
}

/// The early end of a comparison.
#[derive(Clone, Debug)]
pub struct EarlyEnd {
    /// The version whose run ended it.
    pub side: AbSide,
    /// The reason why that run has no measurement.
    pub why: Unmeasured,
}

/// The result for a quantile of a budget.
#[derive(Clone, Debug, PartialEq)]
pub enum AbClaim {
    /// The verdict over all pairs.
    Judged(Ab),
    /// The pairs cannot be judged.
    Refused {
        /// The subject of the budget.
        subject: String,
        /// The quantile.
        quantile: Quantile,
        /// The reason.
        why: AbRefusal,
    },
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbOutcome {
    /// B was not found slower by more than the limit.
    Ok,
    /// B is slower by more than the limit.
    Regressed,
    /// More requests failed than permitted.
    Failed,
    /// The pairs cannot be judged.
    Unjudged,
    /// The user interrupted it.
    Interrupted,
}

impl AbComparison {
    /// A comparison without runs. The tolerances are those of `spec`.
    pub(super) fn new(spec: &Spec, pairs: usize) -> Self {
        Self {
            name: masked(&spec.name, spec),
            at: spec.at.clone(),
            pairs,
            runs: Both::default(),
            ended: None,
            budgets: spec.budgets.clone(),
        }
    }

    /// Adds a run. The name becomes that of its report, in which secrets are masked.
    pub(super) fn add(&mut self, side: AbSide, measured: Measurement) {
        self.name = measured.name;
        self.runs.of_mut(side).push(measured.load);
    }

    /// The number of complete pairs.
    #[must_use]
    pub fn complete_pairs(&self) -> usize {
        self.runs.a.len().min(self.runs.b.len())
    }

    /// The results of all compared quantiles.
    #[must_use]
    pub fn claims(&self) -> Vec<AbClaim> {
        let of = |(at, budget): (usize, &Budget)| self.claims_of(at, budget);
        self.budgets.iter().enumerate().flat_map(of).collect()
    }

    fn claims_of(&self, at: usize, budget: &Budget) -> Vec<AbClaim> {
        let runs = self.runs.a.iter().zip(&self.runs.b);
        let pairs: Vec<Pair<'_>> = runs
            .filter_map(|(a, b)| {
                Some(Pair {
                    a: a.measured.get(at)?.punctual(),
                    b: b.measured.get(at)?.punctual(),
                })
            })
            .collect();
        let Some(subject) = self.subject(at) else {
            return Vec::new();
        };
        let judged = |quantile, tolerance| match judge_pairs(subject, quantile, &pairs, tolerance) {
            Ok(judged) => AbClaim::Judged(judged),
            Err(why) => AbClaim::Refused {
                subject: subject.to_owned(),
                quantile,
                why,
            },
        };
        let quantiles = budget.quantiles.iter().filter_map(|one| {
            let regression = one.regression.as_ref()?;
            Some(judged(one.quantile, regression.tolerance_at(one.quantile)))
        });
        quantiles.collect()
    }

    /// The subject of a budget. Returns `None` before the first run.
    fn subject(&self, at: usize) -> Option<&str> {
        let latest = [self.runs.a.last(), self.runs.b.last()];
        let mut measured = latest.into_iter().flatten();
        measured.find_map(|load| Some(load.measured.get(at)?.subject.as_str()))
    }

    /// The result.
    #[must_use]
    pub fn outcome(&self) -> AbOutcome {
        match self.ended.as_ref().map(|ended| &ended.why) {
            Some(Unmeasured::Interrupted) => return AbOutcome::Interrupted,
            Some(Unmeasured::Unwell { report, .. }) if has_failed(report) => {
                return AbOutcome::Failed;
            }
            Some(Unmeasured::Unwell { .. }) => return AbOutcome::Unjudged,
            None => {}
        }
        let claims = self.claims();
        let judged = || {
            claims.iter().filter_map(|claim| match claim {
                AbClaim::Judged(judged) => Some(judged.verdict),
                AbClaim::Refused { .. } => None,
            })
        };
        let is_unjudged = claims.iter().any(AbClaim::is_unjudged);
        if judged().any(|verdict| verdict == AbVerdict::Regressed) {
            AbOutcome::Regressed
        } else if is_unjudged || judged().next().is_none() {
            AbOutcome::Unjudged
        } else {
            AbOutcome::Ok
        }
    }

    /// The quantiles of both versions.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        let rows = self.budgets.iter().enumerate().map(|(at, budget)| {
            let [(baseline, before), (candidate, now)] =
                [AbSide::A, AbSide::B].map(|side| self.measured(at, side));
            let quantiles = |samples: &Samples| {
                let all = budget.quantiles.iter().map(|one| one.quantile);
                all.filter_map(|one| Some((one, samples.quantile(one)?)))
                    .collect()
            };
            let row = TableRow {
                subject: self.subject(at).unwrap_or_default().to_owned(),
                before: quantiles(&before),
                now: quantiles(&now),
                remarks: remarks(&self.claims_of(at, budget)),
            };
            (baseline, candidate, row)
        });
        Table::all(rows)
    }

    /// The durations of all runs of one version.
    fn measured(&self, at: usize, side: AbSide) -> (Column, Samples) {
        let mut samples = Samples::default();
        let mut version = None;
        for load in self.runs.of(side) {
            if let Some(measured) = load.measured.get(at) {
                samples.merge(&measured.samples);
                version = measured.version.clone().or(version);
            }
        }
        let count = samples.len();
        (Column { version, count }, samples)
    }
}

/// `REGRESSED at p50, p95`
fn remarks(claims: &[AbClaim]) -> Vec<String> {
    let regressed: Vec<String> = claims
        .iter()
        .filter_map(|claim| match claim {
            AbClaim::Judged(judged) if judged.verdict == AbVerdict::Regressed => Some(judged),
            _ => None,
        })
        .map(|judged| judged.quantile.to_string())
        .collect();
    if regressed.is_empty() {
        return Vec::new();
    }
    vec![format!("REGRESSED at {}", regressed.join(", "))]
}

impl AbClaim {
    /// Returns `true` if pairs could have judged the quantile. Quantiles from p99 on are never judged, so
    /// they do not count.
    #[must_use]
    pub fn is_unjudged(&self) -> bool {
        match self {
            Self::Judged(_) => false,
            Self::Refused { why, .. } => !matches!(why, AbRefusal::Tail(_)),
        }
    }
}

impl std::fmt::Display for AbClaim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Judged(judged) => judged.fmt(f),
            Self::Refused {
                subject,
                quantile,
                why,
            } => write!(f, "{quantile} of {subject}: NOT JUDGED: {why}"),
        }
    }
}

/// Returns `true` if a spec failed, and `false` if it could not be judged.
fn has_failed(report: &Report) -> bool {
    report.count(|verdict| *verdict == Verdict::Failed) > 0
}
