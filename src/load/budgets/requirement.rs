//! The requirements of the budgets of a spec, and the values of the baseline.

use std::path::Path;
use std::time::Duration;

use crate::budget::baseline::{self, Case, FactDifference, Quantity};
use crate::budget::{Against, Claim, Contention, LateSamples, Reference, Samples};
use crate::check::CheckRef;
use crate::machine::Disturbance;
use crate::number::Unit;
use crate::result::{Before, Load, Measured};
use crate::spec::{Budget, Location, Quantile, UpperLimit};
use crate::step::RunContext;

/// A requirement of a budget for one quantile.
#[derive(Clone)]
pub(super) struct Requirement<'s> {
    pub(super) check: CheckRef,
    /// The index of the budget in the spec.
    pub(super) budget: usize,
    /// The subject of the budget.
    pub(super) subject: &'s str,
    pub(super) quantile: Quantile,
    /// The name of the check: `p50 of inventory-check`.
    pub(super) what: String,
    pub(super) at: &'s Location,
    kind: RequirementKind,
}

#[derive(Clone, Copy)]
enum RequirementKind {
    /// A maximum.
    Limit(UpperLimit),
    /// The maximum increase over the baseline: 0.2 for 20 %.
    Regression(f64),
    /// The maximum increase over another version.
    Versions(f64),
}

/// The runs of the baseline for one budget, at least one.
pub(super) struct Accepted {
    budget: baseline::Budget,
    /// The number of cores of the machine.
    cores: u32,
}

/// Those of these runs with which a run is compared.
pub(super) struct ComparedRuns {
    samples: Samples,
    /// The variation between all runs.
    spread: f64,
    version: Option<String>,
    contention: Option<Contention>,
}

/// All requirements, in the order of the spec.
pub(super) fn all(budgets: &[Budget]) -> Vec<Requirement<'_>> {
    let mut all: Vec<Requirement<'_>> = Vec::new();
    for (number, budget) in budgets.iter().enumerate() {
        for one in &budget.quantiles {
            let required = |claim, at, what, kind| Requirement {
                check: CheckRef::Budget {
                    budget: number,
                    claim,
                },
                budget: number,
                subject: &budget.subject,
                quantile: one.quantile,
                what,
                at,
                kind,
            };
            let what = format!("{} of {}", one.quantile, budget.subject);
            if let Some(limit) = &one.limit {
                let kind = RequirementKind::Limit(limit.most);
                all.push(required(all.len(), &limit.at, what.clone(), kind));
            }
            if let Some(regression) = &one.regression {
                let tolerance = regression.tolerance_at(one.quantile);
                // The names of the checks of a spec are unique.
                let what = match (&one.limit, &budget.compare) {
                    (Some(_), None) => what + " against the baseline",
                    (Some(_), Some(_)) => what + " against the other version",
                    (None, _) => what,
                };
                let kind = match budget.compare {
                    Some(_) => RequirementKind::Versions(tolerance),
                    None => RequirementKind::Regression(tolerance),
                };
                all.push(required(all.len(), &regression.at, what, kind));
            }
        }
    }
    all
}

/// Returns `true` if a quantile of this budget is compared with a baseline.
pub(super) fn is_compared(required: &[Requirement<'_>], budget: usize) -> bool {
    let mut compared = required.iter().filter(|one| one.is_compared());
    compared.any(|one| one.budget == budget)
}

/// The location of the first requirement that needs a baseline.
pub(super) fn first_compared(required: &[Requirement<'_>]) -> Option<Location> {
    let first = required.iter().find(|one| one.is_compared())?;
    Some(first.at.clone())
}

impl Requirement<'_> {
    /// Returns `true` if it needs a baseline.
    pub(super) fn is_compared(&self) -> bool {
        matches!(self.kind, RequirementKind::Regression(_))
    }

    /// The claim about measured values, in a run. Returns `None` if there is no baseline to compare
    /// with.
    pub(super) fn claim<'m>(
        &self,
        measured: &'m Measured,
        compared: Option<&'m ComparedRuns>,
        differs: &[FactDifference],
    ) -> Option<Claim<'m>> {
        let against = match (self.kind, compared) {
            (RequirementKind::Limit(limit), _) => Against::Limit(limit),
            (
                RequirementKind::Regression(tolerance) | RequirementKind::Versions(tolerance),
                Some(compared),
            ) => Against::Baseline(Reference {
                samples: &compared.samples,
                tolerance,
                spread: compared.spread,
                contention: compared.contention,
                differs: material(differs, measured.unit()),
            }),
            // Without a span the budget fails, also without a baseline.
            (RequirementKind::Regression(tolerance), None) if measured.found_nothing() => {
                Against::Baseline(Reference {
                    tolerance,
                    ..Reference::new(&measured.samples)
                })
            }
            (RequirementKind::Regression(_) | RequirementKind::Versions(_), None) => return None,
        };
        Some(Claim {
            subject: measured.subject.clone(),
            quantile: self.quantile,
            candidate: &measured.samples,
            late: measured.punctual.as_ref().map(|without| LateSamples {
                by: lateness(&measured.samples, without, self.quantile),
                without,
            }),
            against,
        })
    }
}

/// The differences that can change a value: a count depends on the workload only.
fn material(differs: &[FactDifference], unit: Unit) -> Vec<FactDifference> {
    let differs = differs.iter();
    let material = differs.filter(|one| unit == Unit::Micros || one.fact.is_about_workload());
    material.cloned().collect()
}

/// The part of a quantile that is delay of the load generator.
fn lateness(all: &Samples, without: &Samples, quantile: Quantile) -> Duration {
    let pair = all.quantile(quantile).zip(without.quantile(quantile));
    let micros = pair.map_or(0.0, |(all, without)| (all - without).max(0.0));
    Duration::from_micros(micros as u64)
}

/// The runs of the baseline, or the durations of another version, with which this run is compared, for each
/// budget.
pub(super) fn compared(accepted: &[Option<Accepted>], load: &Load) -> Vec<Option<ComparedRuns>> {
    let budgets = accepted.iter().zip(&load.measured);
    let compared = budgets.map(|(accepted, measured)| match &measured.before {
        Some(Before {
            samples,
            version,
            path: None,
        }) => Some(ComparedRuns {
            samples: samples.clone(),
            spread: 0.0,
            version: version.clone(),
            contention: None,
        }),
        _ => Some(accepted.as_ref()?.comparable_to(load)),
    });
    compared.collect()
}

impl Accepted {
    /// The runs of the baseline for each budget.
    pub(super) fn of_all(
        setting: &RunContext<'_>,
        case: Option<&Case>,
        budgets: &[Budget],
    ) -> Vec<Option<Self>> {
        let masked = |text: &str| setting.secrets.text(text);
        let budgets = budgets.iter();
        budgets
            .map(|budget| {
                let measure = Quantity::of(&budget.measure, masked);
                Self::of(case?, &masked(&budget.subject), &measure)
            })
            .collect()
    }

    /// Values of another quantity are not compared.
    fn of(case: &Case, subject: &str, measure: &Quantity) -> Option<Self> {
        let budget = case.budgets.get(subject)?;
        (!budget.runs.is_empty() && budget.measure == *measure).then(|| Self {
            budget: budget.clone(),
            cores: case.fingerprint.cores,
        })
    }

    /// The runs that others disturbed as much as this run.
    fn comparable_to(&self, load: &Load) -> ComparedRuns {
        let now = load.machine.as_ref().map(Disturbance::cores);
        let compared = self.budget.comparable_to(now, self.cores);
        // Other processes do not change a count.
        let now = now.filter(|_| compared.unit() == Unit::Micros);
        let both = compared.disturbed_by().zip(now);
        ComparedRuns {
            samples: compared.samples(),
            spread: self.budget.spread(self.cores),
            version: compared.service_version().map(str::to_owned),
            contention: both.map(|(before, now)| Contention {
                before,
                now,
                cores: self.cores,
            }),
        }
    }
}

impl ComparedRuns {
    /// Their part of the report.
    pub(super) fn report(self, path: &Path) -> Before {
        Before {
            samples: self.samples,
            version: self.version,
            path: Some(path.to_owned()),
        }
    }
}
