//! Each single thing that the budgets of a spec ask, and what a baseline knows of it.

use std::path::Path;
use std::time::Duration;

use crate::budget::baseline::{Case, Difference};
use crate::budget::{Against, Claim, Late, Reference, Samples};
use crate::check::CheckRef;
use crate::result::{Before, Load, Measured};
use crate::spec::{Budget, Location, Quantile};
use crate::step::Setting;

/// Something that a budget asks of a quantile.
pub(super) struct Asked<'s> {
    /// The number of the budget in the spec.
    pub(super) budget: usize,
    pub(super) check: CheckRef,
    /// What is measured.
    pub(super) subject: &'s str,
    pub(super) quantile: Quantile,
    /// What the check is called: `p50 of inventory-check`.
    pub(super) what: String,
    pub(super) at: &'s Location,
    ask: Ask,
}

#[derive(Clone, Copy)]
enum Ask {
    /// Not to be longer than this.
    Limit(Duration),
    /// To be worse than the baseline by no more than this share.
    NoWorse(f64),
}

/// What the baseline knows of a budget.
pub(super) struct Known {
    samples: Samples,
    spread: f64,
    version: Option<String>,
}

/// All that budgets ask, in their order.
pub(super) fn all(budgets: &[Budget]) -> Vec<Asked<'_>> {
    let mut all: Vec<Asked<'_>> = Vec::new();
    for (number, budget) in budgets.iter().enumerate() {
        for one in &budget.quantiles {
            let asked = |claim, at, what, ask| Asked {
                budget: number,
                check: CheckRef::Budget {
                    budget: number,
                    claim,
                },
                subject: &budget.subject,
                quantile: one.quantile,
                what,
                at,
                ask,
            };
            let what = format!("{} of {}", one.quantile, budget.subject);
            if let Some(limit) = &one.limit {
                let ask = Ask::Limit(limit.at_most);
                all.push(asked(all.len(), &limit.at, what.clone(), ask));
            }
            if let Some(regression) = &one.regression {
                let tolerance = regression.tolerance_at(one.quantile);
                // Two checks of a spec do not have the same name.
                let what = match one.limit {
                    Some(_) => what + " against the baseline",
                    None => what,
                };
                let ask = Ask::NoWorse(tolerance);
                all.push(asked(all.len(), &regression.at, what, ask));
            }
        }
    }
    all
}

/// Whether anything is compared with a baseline that the budget of this number measures.
pub(super) fn is_compared(asked: &[Asked<'_>], budget: usize) -> bool {
    let mut compared = asked.iter().filter(|one| one.is_compared());
    compared.any(|one| one.budget == budget)
}

/// Where a baseline is first asked for.
pub(super) fn first_compared(asked: &[Asked<'_>]) -> Option<Location> {
    let first = asked.iter().find(|one| one.is_compared())?;
    Some(first.at.clone())
}

impl Asked<'_> {
    /// Whether it takes a baseline.
    pub(super) fn is_compared(&self) -> bool {
        matches!(self.ask, Ask::NoWorse(_))
    }

    /// What is claimed of what was measured by a machine that was late by so much; None where there is
    /// no baseline to compare with.
    pub(super) fn claim<'m>(
        &self,
        measured: &'m Measured,
        known: Option<&'m Known>,
        behind: Duration,
        differs: &[Difference],
    ) -> Option<Claim<'m>> {
        let against = match (self.ask, known) {
            (Ask::Limit(limit), _) => Against::Limit(limit),
            (Ask::NoWorse(tolerance), Some(known)) => Against::Baseline(Reference {
                samples: &known.samples,
                tolerance,
                spread: known.spread,
                differs: differs.to_vec(),
            }),
            // Where nothing was found the budget does not hold, whatever there is to compare with.
            (Ask::NoWorse(tolerance), None) if measured.samples.is_empty() => {
                Against::Baseline(Reference {
                    tolerance,
                    ..Reference::new(&measured.samples)
                })
            }
            (Ask::NoWorse(_), None) => return None,
        };
        Some(Claim {
            subject: measured.subject.clone(),
            quantile: self.quantile,
            candidate: &measured.samples,
            late: measured.punctual.as_ref().map(|without| Late {
                by: behind,
                without,
            }),
            against,
        })
    }
}

impl Known {
    /// What a baseline knows of each budget.
    pub(super) fn of_all(
        setting: &Setting<'_>,
        case: Option<&Case>,
        load: &Load,
    ) -> Vec<Option<Self>> {
        let subjects = load.measured.iter().map(|measured| &measured.subject);
        subjects
            .map(|subject| Self::of(case?, &setting.secrets.text(subject)))
            .collect()
    }

    fn of(case: &Case, subject: &str) -> Option<Self> {
        let budget = case.budgets.get(subject)?;
        let samples = budget.samples();
        (!samples.is_empty()).then(|| Self {
            samples,
            spread: budget.spread(),
            version: budget.service_version().map(str::to_owned),
        })
    }

    /// Puts it into the report.
    pub(super) fn tell(all: Vec<Option<Self>>, path: &Path, load: &mut Load) {
        for (measured, known) in load.measured.iter_mut().zip(all) {
            measured.before = known.map(|known| Before {
                samples: known.samples,
                version: known.version,
                path: path.to_owned(),
            });
        }
    }
}
