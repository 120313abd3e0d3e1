//! Runs a spec to measure it, and judges none of its budgets: what they come to is for whoever has
//! several such runs to say. Only where nothing is found to measure, no further run will tell.

use std::sync::Arc;
use std::time::Duration;

use crate::result::{Load, Report, Verdict};
use crate::session::Session;
use crate::spec::{Budget, Limit, Quantile, QuantileBudget, Spec};
use crate::step::Options;

/// What one run of a spec came to.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The name of the spec, as reports call it.
    pub name: String,
    /// When it began.
    pub started: jiff::Timestamp,
    /// What was measured.
    pub load: Arc<Load>,
}

/// Why a run measured nothing that counts.
#[derive(Clone, Debug)]
pub enum Unmeasured {
    /// The user wanted it to end.
    Interrupted,
    /// More requests failed than may, or could not be judged, or there was nothing to measure.
    Unwell {
        /// What was found.
        report: Box<Report>,
        /// Whether there is no use in another run: a service has died.
        is_last: bool,
    },
}

/// Runs a spec that has `repeat` once.
///
/// # Errors
/// The user ended it, or it was not well.
pub async fn measure(
    session: &Session,
    spec: &Spec,
    options: Options,
) -> Result<Measurement, Unmeasured> {
    let mut spec = spec.clone();
    for budget in &mut spec.budgets {
        budget.quantiles = whatever_is_found(budget);
    }
    let report = session.run(&[spec], options).await;
    if report.interrupted {
        return Err(Unmeasured::Interrupted);
    }
    match measured(&report) {
        Some(measurement) if report.trouble.is_empty() => Ok(measurement),
        _ => Err(Unmeasured::Unwell {
            is_last: !report.trouble.is_empty(),
            report: Box::new(report),
        }),
    }
}

/// Asks of a budget that somebody compares to find something, however long that takes.
fn whatever_is_found(budget: &Budget) -> Vec<QuantileBudget> {
    if !budget.is_compared() {
        return Vec::new();
    }
    let limit = Limit {
        at_most: Duration::MAX,
        at: budget.at.clone(),
    };
    vec![QuantileBudget {
        quantile: Quantile::P50,
        limit: Some(limit),
        regression: None,
    }]
}

fn measured(report: &Report) -> Option<Measurement> {
    let spec = report.specs.first()?;
    let attempt = spec
        .last_attempt()
        .filter(|_| spec.verdict == Verdict::Passed)?;
    Some(Measurement {
        name: spec.name.clone(),
        started: attempt.started,
        load: attempt.steps.iter().find_map(|step| step.load.clone())?,
    })
}
