//! Limits that are not as the spec says, a sentence for each thing that is measured.

use super::decide::Decided;
use crate::budget::baseline::{Case, Raised};
use crate::budget::{Compared, Quantile};
use crate::spec::Budget;

/// Which limits the baseline raised; `masked` is what the file calls a subject.
pub(super) fn all(
    budgets: &[Budget],
    decided: &Decided<'_>,
    case: Option<&Case>,
    masked: impl Fn(&str) -> String,
) -> Vec<String> {
    let numbered = budgets.iter().enumerate();
    let raised = numbered.filter_map(|(number, budget)| {
        let known = case?.budgets.get(&masked(&budget.subject))?;
        let by = known.raised_by()?;
        let usual = |quantile: Quantile| {
            let mut of_budget = budget.quantiles.iter();
            let one = of_budget.find(|one| one.quantile == quantile)?;
            Some(1.0 + one.regression.as_ref()?.tolerance_at(quantile))
        };
        let compared = compared(decided, number).into_iter();
        let raised = compared.filter_map(|(quantile, limit)| {
            let usual = usual(quantile).filter(|usual| by.raises(*usual))?;
            Some((limit, (quantile, usual)))
        });
        let (limits, quantiles): (Vec<f64>, Vec<_>) = raised.unzip();
        let raised = Raised {
            subject: budget.subject.clone(),
            quantiles,
            // It is the same for all.
            limit: *limits.first()?,
            by,
        };
        Some(raised.to_string())
    });
    raised.collect()
}

/// The quantiles of a budget that were compared with a baseline, each with what was allowed.
fn compared(decided: &Decided<'_>, number: usize) -> Vec<(Quantile, f64)> {
    let of_budget = decided.claims.iter();
    of_budget
        .filter(|(asked, _)| asked.budget == number)
        .filter_map(|(asked, judged)| match &judged.compared {
            Compared::Baseline { tau, differs, .. } if differs.is_empty() => {
                Some((asked.quantile, *tau))
            }
            _ => None,
        })
        .collect()
}
