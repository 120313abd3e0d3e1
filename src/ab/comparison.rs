//! What the runs of both versions come to.

use std::sync::Arc;

use super::{Both, Side};
use crate::budget::{
    Ab, AbRefusal, AbVerdict, Column, Pair, Quantile, Row, Samples, Table, judge_pairs,
};
use crate::measure::{Measurement, Unmeasured};
use crate::result::{Load, Report, Verdict, masked};
use crate::spec::{Budget, Location, Spec};

/// A spec that both versions ran in turn.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub at: Location,
    /// How many pairs there were to be.
    pub pairs: usize,
    /// The runs of each version, in their order.
    pub runs: Both<Vec<Arc<Load>>>,
    /// Why there are fewer runs than there were to be, if so.
    pub ended: Option<Ended>,
    budgets: Vec<Budget>,
}

/// What ended a comparison early.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whose run it was.
    pub side: Side,
    /// Why there is no measurement of it.
    pub why: Unmeasured,
}

/// What is said of a quantile of a budget.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// What the pairs say.
    Judged(Ab),
    /// They cannot say anything.
    Refused {
        /// What was measured.
        subject: String,
        /// The quantile.
        quantile: Quantile,
        /// Why.
        why: AbRefusal,
    },
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// B is not slower by more than is allowed, as far as pairs can tell.
    Ok,
    /// B is.
    Regressed,
    /// More requests failed than may.
    Failed,
    /// It is not known.
    Unjudged,
    /// The user ended it before it was known.
    Interrupted,
}

impl Comparison {
    /// Of a spec that has not run yet; its tolerances count.
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

    /// Takes in another run. Names are those of its report, which shows no secret.
    pub(super) fn add(&mut self, side: Side, measured: Measurement) {
        self.name = measured.name;
        self.runs.of_mut(side).push(measured.load);
    }

    /// How many pairs there are.
    #[must_use]
    pub fn complete_pairs(&self) -> usize {
        self.runs.a.len().min(self.runs.b.len())
    }

    /// What is said of each quantile that is to be compared.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let of = |(at, budget): (usize, &Budget)| self.claims_of(at, budget);
        self.budgets.iter().enumerate().flat_map(of).collect()
    }

    fn claims_of(&self, at: usize, budget: &Budget) -> Vec<Claim> {
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
            Ok(judged) => Claim::Judged(judged),
            Err(why) => Claim::Refused {
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

    /// What a budget measures, as reports call it; None before anything is measured.
    fn subject(&self, at: usize) -> Option<&str> {
        let latest = [self.runs.a.last(), self.runs.b.last()];
        let mut measured = latest.into_iter().flatten();
        measured.find_map(|load| Some(load.measured.get(at)?.subject.as_str()))
    }

    /// What it comes to.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.ended.as_ref().map(|ended| &ended.why) {
            Some(Unmeasured::Interrupted) => return Outcome::Interrupted,
            Some(Unmeasured::Unwell { report, .. }) if has_failed(report) => {
                return Outcome::Failed;
            }
            Some(Unmeasured::Unwell { .. }) => return Outcome::Unjudged,
            None => {}
        }
        let claims = self.claims();
        let judged = || {
            claims.iter().filter_map(|claim| match claim {
                Claim::Judged(judged) => Some(judged.verdict),
                Claim::Refused { .. } => None,
            })
        };
        let is_unjudged = claims.iter().any(Claim::is_unjudged);
        if judged().any(|verdict| verdict == AbVerdict::Regressed) {
            Outcome::Regressed
        } else if is_unjudged || judged().next().is_none() {
            Outcome::Unjudged
        } else {
            Outcome::Ok
        }
    }

    /// Both versions side by side.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        let rows = self.budgets.iter().enumerate().map(|(at, budget)| {
            let [(baseline, before), (candidate, now)] =
                [Side::A, Side::B].map(|side| self.measured(at, side));
            let quantiles = |samples: &Samples| {
                let all = budget.quantiles.iter().map(|one| one.quantile);
                all.filter_map(|one| Some((one, samples.quantile(one)?)))
                    .collect()
            };
            let row = Row {
                subject: self.subject(at).unwrap_or_default().to_owned(),
                before: quantiles(&before),
                now: quantiles(&now),
                remarks: remarks(&self.claims_of(at, budget)),
            };
            (baseline, candidate, row)
        });
        Table::all(rows)
    }

    /// What was measured in all runs of one version.
    fn measured(&self, at: usize, side: Side) -> (Column, Samples) {
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
fn remarks(claims: &[Claim]) -> Vec<String> {
    let regressed: Vec<String> = claims
        .iter()
        .filter_map(|claim| match claim {
            Claim::Judged(judged) if judged.verdict == AbVerdict::Regressed => Some(judged),
            _ => None,
        })
        .map(|judged| judged.quantile.to_string())
        .collect();
    if regressed.is_empty() {
        return Vec::new();
    }
    vec![format!("REGRESSED at {}", regressed.join(", "))]
}

impl Claim {
    /// Whether it is not known though pairs could tell. That they cannot tell of the longest few is
    /// known beforehand, and no news.
    #[must_use]
    pub fn is_unjudged(&self) -> bool {
        match self {
            Self::Judged(_) => false,
            Self::Refused { why, .. } => !matches!(why, AbRefusal::Tail(_)),
        }
    }
}

/// The sentence.
impl std::fmt::Display for Claim {
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

/// Whether something is wrong with the version, or could not be judged.
fn has_failed(report: &Report) -> bool {
    report.count(|verdict| *verdict == Verdict::Failed) > 0
}
