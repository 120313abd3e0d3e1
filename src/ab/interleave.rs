//! Runs both versions alternately.

use super::comparison::{AbComparison, EarlyEnd};
use super::pairing::SpecPair;
use super::{Both, turns};
use crate::budget::pairs_needed;
use crate::measure::{Unmeasured, measure};
use crate::session::Session;
use crate::step::Options;

/// The size of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbPlan {
    /// Number of runs of each version; `None` for the default, which depends on the spec.
    pub pairs: Option<usize>,
    /// Number of requests per run in a closed loop.
    pub requests: u64,
    /// Verdicts that are not proven fail.
    pub is_strict: bool,
}

impl AbPlan {
    /// Number of pairs for a spec. The default can prove each of its claims, and is odd, so that one
    /// pair has the median.
    #[must_use]
    pub fn pairs_of(&self, pair: &SpecPair) -> usize {
        self.pairs.unwrap_or(self.least_pairs(pair) | 1)
    }

    /// The smallest number of pairs that can prove a claim of a spec.
    #[must_use]
    pub fn least_pairs(&self, pair: &SpecPair) -> usize {
        pairs_needed(pair.claims(self.requests))
    }
}

/// Runs each spec alternately for both versions, and calls `on_comparison` after each spec. A spec ends
/// after a run that does not pass; everything ends after a service died or the user interrupted.
///
/// A version warms up before its first run of a spec only, because it stays up.
pub async fn compare(
    specs: &[SpecPair],
    sessions: Both<&Session>,
    options: &Both<Options>,
    plan: AbPlan,
    mut on_comparison: impl FnMut(&AbComparison),
) -> Vec<AbComparison> {
    let mut all = Vec::new();
    for pair in specs {
        let comparison = interleave(pair, sessions, options, plan).await;
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
    pair: &SpecPair,
    sessions: Both<&Session>,
    options: &Both<Options>,
    plan: AbPlan,
) -> AbComparison {
    let pairs = plan.pairs_of(pair);
    let mut comparison = AbComparison::new(&pair.specs.b, pairs, plan.is_strict);
    for turn in turns(pairs) {
        let spec = pair.run_of(turn, plan.requests);
        let options = options.of(turn.side).clone();
        match measure(sessions.of(turn.side), &spec, options).await {
            Ok(measured) => comparison.add(turn.side, measured),
            Err(why) => {
                comparison.ended = Some(EarlyEnd {
                    side: turn.side,
                    why,
                });
                break;
            }
        }
    }
    comparison
}
