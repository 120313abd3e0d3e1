//! Runs both versions in turn.

use super::comparison::{Comparison, Ended};
use super::couple::Couple;
use super::{Both, turns};
use crate::measure::{Unmeasured, measure};
use crate::session::Session;
use crate::step::Options;

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
