//! Runs both versions alternately.

use super::comparison::{Comparison, Ended};
use super::couple::Couple;
use super::{Both, turns};
use crate::measure::{Unmeasured, measure};
use crate::session::Session;
use crate::step::Options;

/// The size of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Number of runs of each version, at least [`FEWEST_PAIRS`](crate::budget::FEWEST_PAIRS).
    pub pairs: usize,
    /// Number of requests per run in a closed loop.
    pub requests: u64,
}

/// Runs each spec alternately for both versions, and calls `on_comparison` after each spec. A spec ends
/// after a run that does not pass; everything ends after a service died or the user interrupted.
///
/// A version warms up before its first run of a spec only, because it stays up.
pub async fn compare(
    couples: &[Couple],
    sessions: Both<&Session>,
    options: &Both<Options>,
    plan: Plan,
    mut on_comparison: impl FnMut(&Comparison),
) -> Vec<Comparison> {
    let mut all = Vec::new();
    for couple in couples {
        let comparison = interleave(couple, sessions, options, plan).await;
        on_comparison(&comparison);
        let ended = comparison.ended.as_ref().map(|ended| &ended.why);
        let is_over = match ended {
            None => false,
            Some(Unmeasured::Interrupted) => true,
            Some(Unmeasured::Unwell { is_last, .. }) => *is_last,
        };
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
        match measure(sessions.of(turn.side), &spec, options).await {
            Ok(measured) => comparison.add(turn.side, measured),
            Err(why) => {
                comparison.ended = Some(Ended {
                    side: turn.side,
                    why,
                });
                break;
            }
        }
    }
    comparison
}
