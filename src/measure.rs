//! Runs a spec for its measurements only. The caller combines several such runs, so budgets are not
//! judged.

use std::sync::Arc;
use std::time::Duration;

use crate::result::{Load, Report, Verdict};
use crate::session::Session;
use crate::spec::{Budget, Limit, Quantile, QuantileBudget, Spec};
use crate::step::Options;

/// The measurements of one run of a spec.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The name of the spec in reports.
    pub name: String,
    /// The start of the run.
    pub started: jiff::Timestamp,
    /// The measurements.
    pub load: Arc<Load>,
}

/// The reason why a run has no measurement.
#[derive(Clone, Debug)]
pub enum Unmeasured {
    /// The user ended the run.
    Interrupted,
    /// Too many requests failed or could not be judged, or no span was found.
    Unwell {
        /// The report of the run.
        report: Box<Report>,
        /// Another run is useless, since a service has ended.
        is_last: bool,
    },
}

/// Runs a spec with `repeat` once, without judging its budgets.
///
/// # Errors
/// The user ended the run, or the spec did not pass.
pub async fn measure(
    session: &Session,
    spec: &Spec,
    options: Options,
) -> Result<Measurement, Unmeasured> {
    let mut spec = spec.clone();
    for budget in &mut spec.budgets {
        budget.quantiles = any_measurement(budget);
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

/// A limit without effect for a budget that is compared: it only fails if nothing is found.
fn any_measurement(budget: &Budget) -> Vec<QuantileBudget> {
    if !budget.is_compared() || budget.expects_none() {
        return Vec::new();
    }
    let limit = Limit {
        most: Duration::MAX.into(),
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
