//! Decides claims.
//!
//! With k claims, each false alarm or false proof has a chance of its own; so each is decided at
//! alpha / k, and where one is decided, the others share what is left (Holm 1979). Alarms and
//! proofs are two families: the chance that *any* alarm of a run is false is alpha, and so is that
//! of any proof.

use super::calibrate::noise;
use super::claim::{Against, Claim, Reference};
use super::judged::{Compared, Judged};
use super::quantile::{Alpha, Quantile};
use super::samples::{Estimate, Samples};

/// What is known of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It became slower by more than is allowed.
    Regressed,
    /// It is above its limit.
    OverLimit,
    /// There is nothing to measure: what the budget looks for was not found.
    NothingFound,
    /// It holds.
    Ok,
    /// It may hold or not; more samples would tell.
    NotProven,
    /// There are too few samples for a bound.
    TooFew,
}

impl Verdict {
    /// Whether the spec fails by it in any case.
    #[must_use]
    pub fn fails(self) -> bool {
        matches!(self, Self::Regressed | Self::OverLimit | Self::NothingFound)
    }

    /// Whether the spec fails by it under `--strict`.
    #[must_use]
    pub fn fails_strictly(self) -> bool {
        self != Self::Ok
    }
}

/// Decides all claims of a run, which share the chance of an error.
#[must_use]
pub fn judge(claims: &[Claim<'_>], alpha: Alpha) -> Vec<Judged> {
    let open: Vec<&Claim<'_>> = claims
        .iter()
        .filter(|claim| can_be_decided(claim))
        .collect();
    let alarms = StepDown::of(&open, alpha, is_worse);
    let proofs = StepDown::of(&open, alpha, holds);
    let decided = (alarms.decided.iter().zip(&proofs.decided)).map(|both| match both {
        (Some(level), _) => (Some(Decision::Worse), *level),
        (None, Some(level)) => (Some(Decision::Holds), *level),
        // Shown with bounds that decide neither.
        (None, None) if alarms.last < proofs.last => (None, alarms.last),
        (None, None) => (None, proofs.last),
    });
    let mut decided: std::vec::IntoIter<_> = decided.collect::<Vec<_>>().into_iter();
    claims
        .iter()
        .map(|claim| {
            let open = can_be_decided(claim).then(|| decided.next()).flatten();
            let (decision, level) = open.unwrap_or((None, alpha));
            judged(claim, decision, level)
        })
        .collect()
}

/// Samples are whole microseconds, what is over is cut off: 2 may have been 1.9 the last time, which
/// was written as 1. What is shorter counts as one.
const RESOLUTION: f64 = 1.0;

#[derive(Clone, Copy)]
enum Decision {
    Worse,
    Holds,
}

/// Holm's procedure over one family of claims.
struct StepDown {
    /// The level at which each was decided.
    decided: Vec<Option<Alpha>>,
    /// The level at which the others were not.
    last: Alpha,
}

impl StepDown {
    fn of(claims: &[&Claim<'_>], alpha: Alpha, decides: fn(&Claim<'_>, Alpha) -> bool) -> Self {
        let mut decided = vec![None; claims.len()];
        loop {
            let open = decided.iter().filter(|one| one.is_none()).count();
            let level = alpha.shared_by(open);
            let mut is_over = true;
            for (claim, one) in claims.iter().zip(&mut decided) {
                if one.is_none() && decides(claim, level) {
                    *one = Some(level);
                    is_over = false;
                }
            }
            if is_over {
                return Self {
                    decided,
                    last: level,
                };
            }
        }
    }
}

fn can_be_decided(claim: &Claim<'_>) -> bool {
    let is_comparable = match &claim.against {
        Against::Limit(_) => true,
        Against::Baseline(reference) => reference.differs.is_empty(),
    };
    is_comparable && !claim.candidate.is_empty()
}

fn is_worse(claim: &Claim<'_>, alpha: Alpha) -> bool {
    let lower = estimate(claim.candidate, claim.quantile, alpha).and_then(|one| one.lower);
    let most = match &claim.against {
        Against::Limit(limit) => Some(micros(*limit) * (1.0 + claim.candidate.accuracy())),
        Against::Baseline(reference) => estimate(reference.samples, claim.quantile, alpha)
            .and_then(|before| before.upper)
            .map(|upper| (upper + RESOLUTION) * tau(claim.candidate, reference)),
    };
    lower.zip(most).is_some_and(|(lower, most)| lower > most)
}

fn holds(claim: &Claim<'_>, alpha: Alpha) -> bool {
    let upper = estimate(claim.candidate, claim.quantile, alpha).and_then(|one| one.upper);
    let most = match &claim.against {
        Against::Limit(limit) => Some(micros(*limit) * (1.0 - claim.candidate.accuracy())),
        Against::Baseline(reference) => estimate(reference.samples, claim.quantile, alpha)
            .and_then(|before| before.lower)
            .map(|lower| lower.max(RESOLUTION) * tau(claim.candidate, reference)),
    };
    let upper = upper.map(|upper| upper.max(RESOLUTION));
    upper.zip(most).is_some_and(|(upper, most)| upper <= most)
}

fn judged(claim: &Claim<'_>, decision: Option<Decision>, alpha: Alpha) -> Judged {
    let candidate = estimate(claim.candidate, claim.quantile, alpha);
    let compared = match &claim.against {
        Against::Limit(limit) => Compared::Limit(*limit),
        Against::Baseline(reference) => Compared::Baseline {
            before: estimate(reference.samples, claim.quantile, alpha),
            tau: tau(claim.candidate, reference),
            differs: reference.differs.clone(),
        },
    };
    Judged {
        verdict: verdict(claim, decision, candidate.as_ref(), &compared),
        subject: claim.subject.clone(),
        quantile: claim.quantile,
        alpha,
        candidate,
        compared,
    }
}

fn verdict(
    claim: &Claim<'_>,
    decision: Option<Decision>,
    candidate: Option<&Estimate>,
    compared: &Compared,
) -> Verdict {
    let Some(candidate) = candidate else {
        return Verdict::NothingFound;
    };
    let has_bounds = |one: &Estimate| one.lower.is_some() && one.upper.is_some();
    match (decision, compared) {
        (Some(Decision::Holds), _) => Verdict::Ok,
        (Some(Decision::Worse), Compared::Limit(_)) => Verdict::OverLimit,
        (Some(Decision::Worse), Compared::Baseline { .. }) => Verdict::Regressed,
        (None, Compared::Limit(_)) if has_bounds(candidate) => Verdict::NotProven,
        (None, Compared::Limit(_)) => Verdict::TooFew,
        (None, Compared::Baseline { before, .. }) => {
            let is_same = can_be_decided(claim);
            let is_enough = has_bounds(candidate) && before.as_ref().is_some_and(has_bounds);
            if is_enough || !is_same {
                Verdict::NotProven
            } else {
                Verdict::TooFew
            }
        }
    }
}

/// How many times as long a quantile may be.
fn tau(candidate: &Samples, reference: &Reference<'_>) -> f64 {
    let allowed = (1.0 + reference.tolerance).max(noise(reference.spread));
    let accuracy = candidate.accuracy().max(reference.samples.accuracy());
    allowed * (1.0 + accuracy) / (1.0 - accuracy)
}

fn estimate(samples: &Samples, quantile: Quantile, alpha: Alpha) -> Option<Estimate> {
    samples.estimate(quantile, alpha)
}

pub(super) fn micros(duration: std::time::Duration) -> f64 {
    duration.as_nanos() as f64 / 1_000.0
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
