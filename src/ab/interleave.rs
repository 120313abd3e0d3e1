//! Runs both versions in turn.

use std::sync::Arc;

use super::comparison::{Comparison, Ended, Unwell};
use super::couple::Couple;
use super::{Both, Side, turns};
use crate::run::{Load, Options, Report, Verdict};
use crate::session::Session;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many runs of each version; fewer than [`FEWEST_PAIRS`](crate::budget::FEWEST_PAIRS) say
    /// nothing.
    pub pairs: usize,
    /// How many requests a run has, where its spec says how many and not for how long.
    pub requests: u64,
}

/// Runs spec after spec, each of them in turn for both versions. A spec ends with the first run that
/// is not well; after a service has died, or where the user wants to end, no further run begins. Each
/// comparison is told as soon as it is there.
///
/// Versions warm up before their first run of a spec, and not again: they stay up meanwhile.
pub async fn compare(
    couples: &[Couple],
    sessions: Both<&Session>,
    options: &Both<Options>,
    plan: Plan,
    mut tell: impl FnMut(&Comparison),
) -> Vec<Comparison> {
    let mut all = Vec::new();
    for couple in couples {
        let comparison = interleave(couple, sessions, options, plan).await;
        tell(&comparison);
        let is_over = matches!(
            comparison.ended,
            Some(Ended::Interrupted | Ended::Unwell(Unwell { is_last: true, .. }))
        );
        all.push(comparison);
        if is_over {
            break;
        }
    }
    all
}

async fn interleave(
    couple: &Couple,
    sessions: Both<&Session>,
    options: &Both<Options>,
    plan: Plan,
) -> Comparison {
    let mut comparison = Comparison::new(&couple.specs.b, plan.pairs);
    for turn in turns(plan.pairs) {
        let spec = couple.run_of(turn, plan.requests);
        let options = options.of(turn.side).clone();
        let report = sessions.of(turn.side).run(&[spec], options).await;
        match result(report, turn.side) {
            Ok(load) => comparison.runs.of_mut(turn.side).push(load),
            Err(ended) => {
                comparison.ended = Some(ended);
                break;
            }
        }
    }
    comparison
}

/// What the requests came to, if they were well.
fn result(report: Report, side: Side) -> Result<Arc<Load>, Ended> {
    if report.interrupted {
        return Err(Ended::Interrupted);
    }
    let load = report
        .specs
        .first()
        .filter(|spec| spec.verdict == Verdict::Passed)
        .and_then(|spec| spec.last_attempt())
        .and_then(|attempt| attempt.steps.iter().find_map(|step| step.load.clone()));
    match load {
        Some(load) if report.trouble.is_empty() => Ok(load),
        _ => Err(Ended::Unwell(Unwell {
            side,
            is_last: !report.trouble.is_empty(),
            report: Box::new(report),
        })),
    }
}
