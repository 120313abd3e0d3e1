//! The result of the runs of both versions.

use std::sync::Arc;

use super::{AbSide, Both};
use crate::budget::{
    Ab, AbRefusal, AbVerdict, Column, Pair, PairedClaim, PairedRun, Quantile, Table, TableRow,
    judge_pairs,
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
    /// Verdicts that are not proven fail.
    pub is_strict: bool,
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
    /// B is provably within all limits.
    Ok,
    /// B was not found slower by more than a limit, and this is not proven for all.
    NotProven,
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
    pub(super) fn new(spec: &Spec, pairs: usize, is_strict: bool) -> Self {
        Self {
            is_strict,
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
        self.judged().into_iter().map(|(_, claim)| claim).collect()
    }

    /// The results, each with the index of its budget.
    fn judged(&self) -> Vec<(usize, AbClaim)> {
        let budgets = self.budgets.iter().enumerate();
        let claims = budgets.flat_map(|(at, budget)| self.claims_of(at, budget));
        let (budgets, claims): (Vec<usize>, Vec<PairedClaim<'_>>) = claims.unzip();
        let judged = judge_pairs(&claims).into_iter().zip(claims);
        let judged = judged.map(|(judged, claim)| match judged {
            Ok(judged) => AbClaim::Judged(judged),
            Err(why) => AbClaim::Refused {
                subject: claim.subject,
                quantile: claim.quantile,
                why,
            },
        });
        budgets.into_iter().zip(judged).collect()
    }

    fn claims_of(&self, at: usize, budget: &Budget) -> Vec<(usize, PairedClaim<'_>)> {
        let runs = self.runs.a.iter().zip(&self.runs.b);
        let pairs: Vec<Pair<'_>> = runs
            .filter_map(|(a, b)| {
                Some(Pair {
                    a: paired_run(a, at)?,
                    b: paired_run(b, at)?,
                })
            })
            .collect();
        let Some(subject) = self.subject(at) else {
            return Vec::new();
        };
        let quantiles = budget.quantiles.iter().filter_map(|one| {
            let claim = PairedClaim {
                subject: subject.to_owned(),
                quantile: one.quantile,
                tolerance: one.regression.as_ref()?.tolerance_at(one.quantile),
                pairs: pairs.clone(),
            };
            Some((at, claim))
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
        let has = |verdict| {
            let mut claims = claims.iter();
            claims
                .any(|claim| matches!(claim, AbClaim::Judged(judged) if judged.verdict == verdict))
        };
        let is_judged = |claim: &AbClaim| matches!(claim, AbClaim::Judged(_));
        if has(AbVerdict::Regressed) {
            AbOutcome::Regressed
        } else if claims.iter().any(AbClaim::is_unjudged) || !claims.iter().any(is_judged) {
            AbOutcome::Unjudged
        } else if has(AbVerdict::NotProven) || !claims.iter().all(is_judged) {
            AbOutcome::NotProven
        } else {
            AbOutcome::Ok
        }
    }

    /// Returns `true` unless the comparison fails or is incomplete. NOT PROVEN passes if it is not strict.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self.outcome() {
            AbOutcome::Ok => true,
            AbOutcome::NotProven => !self.is_strict,
            AbOutcome::Regressed
            | AbOutcome::Failed
            | AbOutcome::Unjudged
            | AbOutcome::Interrupted => false,
        }
    }

    /// The judged quantiles of both versions, in the pair with the median ratio.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        let judged = self.judged();
        let rows = (0..self.budgets.len()).map(|at| {
            let claims = judged.iter().filter(|(budget, _)| *budget == at);
            let claims: Vec<&Ab> = claims.filter_map(|(_, claim)| claim.judged()).collect();
            let side = |side: usize| {
                let values = claims.iter().map(|of| (of.quantile, of.median[side]));
                values.collect()
            };
            let row = TableRow {
                subject: self.subject(at).unwrap_or_default().to_owned(),
                unit: self.budgets[at].measure.unit(),
                before: side(0),
                now: side(1),
                remarks: remarks(&claims),
            };
            (self.column(at, AbSide::A), self.column(at, AbSide::B), row)
        });
        Table::all(rows)
    }

    /// The version, and the samples of all runs.
    fn column(&self, at: usize, side: AbSide) -> Column {
        let runs = self.runs.of(side).iter();
        let measured: Vec<_> = runs.filter_map(|load| load.measured.get(at)).collect();
        let mut latest = measured.iter().rev();
        Column {
            version: latest.find_map(|one| one.version.clone()),
            count: measured.iter().map(|one| one.samples.len()).sum(),
        }
    }
}

/// The measurement of a budget in a run.
fn paired_run(load: &Load, at: usize) -> Option<PairedRun<'_>> {
    let measured = load.measured.get(at)?;
    Some(PairedRun {
        samples: &measured.samples,
        punctual: measured.punctual(),
        missing: measured.missing,
        allowed: load.allowed,
    })
}

/// `REGRESSED at p50, p95`
fn remarks(claims: &[&Ab]) -> Vec<String> {
    let regressed: Vec<String> = claims
        .iter()
        .filter(|judged| judged.verdict == AbVerdict::Regressed)
        .map(|judged| judged.quantile.to_string())
        .collect();
    if regressed.is_empty() {
        return Vec::new();
    }
    vec![format!("REGRESSED at {}", regressed.join(", "))]
}

impl AbClaim {
    fn judged(&self) -> Option<&Ab> {
        match self {
            Self::Judged(judged) => Some(judged),
            Self::Refused { .. } => None,
        }
    }

    /// Returns `true` if the comparison is an error because the quantile was not judged. A quantile
    /// from p99 on that lacks samples is not proven, since it takes more than the usual requests.
    #[must_use]
    pub fn is_unjudged(&self) -> bool {
        match self {
            Self::Judged(_) => false,
            Self::Refused { quantile, why, .. } => {
                *quantile < Quantile::P99 || !matches!(why, AbRefusal::TooFewSamples { .. })
            }
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
