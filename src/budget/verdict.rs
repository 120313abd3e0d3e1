//! Decides claims.
//!
//! Alarms and proofs are two families of Holm's procedure ([`StepDown`]): the probability that *any*
//! alarm of a run is false is alpha, and so is that of any proof.

use super::calibrate::noise;
use super::claim::{Against, Claim, Reference};
use super::contention::Contention;
use super::holm::StepDown;
use super::judged::{Compared, JudgedClaim, OpenReason};
use super::quantile::{Alpha, Quantile, smallest_count};
use super::samples::{Estimate, Samples};
use crate::spec::UpperLimit;

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimVerdict {
    /// The increase over the baseline provably exceeds the limit.
    Regressed,
    /// The quantile is provably above its limit.
    OverLimit,
    /// There are no samples.
    NothingFound,
    /// The claim is proven.
    Ok,
    /// The samples prove neither.
    NotProven,
    /// There are too few samples for a bound.
    TooFew,
}

impl ClaimVerdict {
    /// Returns `true` if the spec fails in any case.
    #[must_use]
    pub fn fails(self) -> bool {
        matches!(self, Self::Regressed | Self::OverLimit | Self::NothingFound)
    }

    /// Returns `true` if the spec fails under `--strict`.
    #[must_use]
    pub fn fails_strictly(self) -> bool {
        self != Self::Ok
    }
}

/// Decides all claims of a run, which share the probability of an error.
#[must_use]
pub fn judge(claims: &[Claim<'_>], alpha: Alpha) -> Vec<JudgedClaim> {
    let open: Vec<&Claim<'_>> = claims
        .iter()
        .filter(|claim| can_be_decided(claim))
        .collect();
    let alarms = StepDown::of(&open, alpha, |claim, level| is_worse(claim, level));
    let proofs = StepDown::of(&open, alpha, |claim, level| holds(claim, level));
    // Open claims have bounds that decide neither family.
    let strict = if alarms.last < proofs.last {
        alarms.last
    } else {
        proofs.last
    };
    let decided = (alarms.decided.iter().zip(&proofs.decided)).zip(&open);
    let decided = decided.map(|(both, claim)| match both {
        (Some(level), _) => (Decision::Worse, *level),
        (None, Some(level)) => (Decision::Holds, *level),
        (None, None) => {
            let is_decided = |of: &Claim<'_>| is_worse(of, alarms.last) || holds(of, proofs.last);
            (Decision::Open(doubt(claim, strict, is_decided)), strict)
        }
    });
    let mut decided: std::vec::IntoIter<_> = decided.collect::<Vec<_>>().into_iter();
    claims
        .iter()
        .map(|claim| {
            let open = can_be_decided(claim).then(|| decided.next()).flatten();
            let (decision, level) = open.unwrap_or((Decision::Open(None), alpha));
            judged(claim, decision, level)
        })
        .collect()
}

/// Errors of the product of a ratio and a plain number are smaller.
const SLACK: f64 = 1.0 + 1e-12;

#[derive(Clone, Copy)]
enum Decision {
    Worse,
    Holds,
    /// Neither, perhaps for another reason than the number of samples.
    Open(Option<OpenReason>),
}

fn can_be_decided(claim: &Claim<'_>) -> bool {
    let is_comparable = match &claim.against {
        Against::Limit(_) => true,
        Against::Baseline(reference) => reference.differs.is_empty(),
    };
    is_comparable && !claim.candidate.is_empty()
}

fn is_worse(claim: &Claim<'_>, alpha: Alpha) -> bool {
    let lower = estimate(claim.certain(), claim.quantile, alpha).and_then(|one| one.lower);
    let Some(lower) = lower else {
        return false;
    };
    match &claim.against {
        Against::Limit(limit) => {
            !with_factor(*limit, 1.0 + claim.candidate.accuracy()).permits(lower)
        }
        Against::Baseline(reference) => {
            // Samples are truncated to whole microseconds: 1.9 is stored as 1.
            let truncated = claim.candidate.unit().resolution();
            let before = estimate(reference.samples, claim.quantile, alpha);
            let upper = before.and_then(|before| before.upper);
            let most = upper.map(|upper| (upper + truncated) * raised(claim.candidate, reference));
            most.is_some_and(|most| lower > most * SLACK)
        }
    }
}

fn with_factor(limit: UpperLimit, factor: f64) -> UpperLimit {
    UpperLimit {
        value: limit.value * factor,
        ..limit
    }
}

fn holds(claim: &Claim<'_>, alpha: Alpha) -> bool {
    let upper = estimate(claim.candidate, claim.quantile, alpha).and_then(|one| one.upper);
    let least = claim.candidate.unit().resolution();
    let Some(upper) = upper.map(|upper| upper.max(least)) else {
        return false;
    };
    match &claim.against {
        Against::Limit(limit) => {
            with_factor(*limit, 1.0 - claim.candidate.accuracy()).permits(upper)
        }
        Against::Baseline(reference) => {
            let before = estimate(reference.samples, claim.quantile, alpha);
            let lower = before.and_then(|before| before.lower);
            let most = lower.map(|lower| lower.max(least) * least_tau(claim.candidate, reference));
            most.is_some_and(|most| upper <= most * SLACK)
        }
    }
}

fn judged(claim: &Claim<'_>, decision: Decision, alpha: Alpha) -> JudgedClaim {
    let candidate = estimate(claim.candidate, claim.quantile, alpha).map(|seen| Estimate {
        lower: estimate(claim.certain(), claim.quantile, alpha).and_then(|one| one.lower),
        ..seen
    });
    let compared = match &claim.against {
        Against::Limit(limit) => Compared::Limit(*limit),
        Against::Baseline(reference) => Compared::Baseline {
            before: estimate(reference.samples, claim.quantile, alpha),
            tau: tau(claim.candidate, reference),
            raised: raised(claim.candidate, reference),
            differs: reference.differs.clone(),
        },
    };
    JudgedClaim {
        verdict: verdict(claim, decision, candidate.as_ref(), &compared),
        doubt: match decision {
            Decision::Open(doubt) => doubt,
            Decision::Worse | Decision::Holds => None,
        },
        subject: claim.subject.clone(),
        quantile: claim.quantile,
        unit: claim.candidate.unit(),
        alpha,
        candidate,
        compared,
        missing: 0,
        earlier: Vec::new(),
    }
}

/// The reason why a claim is open that has enough samples.
fn doubt(
    claim: &Claim<'_>,
    alpha: Alpha,
    is_decided: impl Fn(&Claim<'_>) -> bool,
) -> Option<OpenReason> {
    if let Some(late) = claim.late {
        let seen = Claim {
            late: None,
            ..claim.clone()
        };
        if is_decided(&seen) {
            return Some(OpenReason::SentLate(late.by));
        }
    }
    if if_all_were_known(claim, is_decided) || lacks_only_what_is_unknown(claim, alpha) {
        return Some(OpenReason::NotMeasured);
    }
    disturbance(claim, alpha)
}

/// The disturbance without which the claim would be decided.
fn disturbance(claim: &Claim<'_>, alpha: Alpha) -> Option<OpenReason> {
    let Against::Baseline(reference) = &claim.against else {
        return None;
    };
    let quiet = Claim {
        against: Against::Baseline(Reference {
            contention: None,
            ..reference.clone()
        }),
        ..claim.clone()
    };
    let exceeds = is_worse(&quiet, alpha);
    if let Some(by) = reference.contention
        && (exceeds || holds(&quiet, alpha))
    {
        return Some(OpenReason::Contention { by, exceeds });
    }
    let now = claim.candidate.quantile(claim.quantile)?;
    let before = reference.samples.quantile(claim.quantile)?;
    let ratio = claim.candidate.unit().change(now, before);
    let is_above = ratio > tau(claim.candidate, reference);
    if !is_above || ratio > raised(claim.candidate, reference) {
        return None;
    }
    // More samples would not decide it.
    match reference.contention {
        Some(by) if noise(reference.spread) <= 1.0 + reference.tolerance => {
            Some(OpenReason::Contention { by, exceeds })
        }
        _ => Some(OpenReason::Variation),
    }
}

/// The result of `is_true` for the claim without unknown values.
fn if_all_were_known(claim: &Claim<'_>, is_true: impl Fn(&Claim<'_>) -> bool) -> bool {
    let known = |samples: &Samples| samples.clone().with_unknown(0);
    let candidate = known(claim.candidate);
    let before = match &claim.against {
        Against::Limit(_) => Samples::default(),
        Against::Baseline(reference) => known(reference.samples),
    };
    let mut certain = claim.clone();
    certain.candidate = &candidate;
    if let Against::Baseline(reference) = &mut certain.against {
        reference.samples = &before;
    }
    is_true(&certain)
}

/// Returns `true` if a bound is missing only because values are unknown.
fn lacks_only_what_is_unknown(claim: &Claim<'_>, alpha: Alpha) -> bool {
    let before = match &claim.against {
        Against::Limit(_) => None,
        Against::Baseline(reference) => Some(reference.samples),
    };
    let sides = [Some(claim.candidate), before].into_iter().flatten();
    let mut lacking = sides
        .filter(|side| !estimate(side, claim.quantile, alpha).is_some_and(|it| it.has_bounds()))
        .peekable();
    let needed = smallest_count(claim.quantile, alpha);
    let is_enough = |side: &Samples| side.len().saturating_add(side.unknown()) >= needed;
    lacking.peek().is_some() && lacking.all(is_enough)
}

fn verdict(
    claim: &Claim<'_>,
    decision: Decision,
    candidate: Option<&Estimate>,
    compared: &Compared,
) -> ClaimVerdict {
    let Some(candidate) = candidate else {
        return ClaimVerdict::NothingFound;
    };
    match (decision, compared) {
        (Decision::Holds, _) => ClaimVerdict::Ok,
        (Decision::Worse, Compared::Limit(_)) => ClaimVerdict::OverLimit,
        (Decision::Worse, Compared::Baseline { .. }) => ClaimVerdict::Regressed,
        (Decision::Open(Some(_)), _) => ClaimVerdict::NotProven,
        (Decision::Open(None), Compared::Limit(_)) if candidate.has_bounds() => {
            ClaimVerdict::NotProven
        }
        (Decision::Open(None), Compared::Limit(_)) => ClaimVerdict::TooFew,
        (Decision::Open(None), Compared::Baseline { before, .. }) => {
            let is_same = can_be_decided(claim);
            let is_enough =
                candidate.has_bounds() && before.as_ref().is_some_and(Estimate::has_bounds);
            if is_enough || !is_same {
                ClaimVerdict::NotProven
            } else {
                ClaimVerdict::TooFew
            }
        }
    }
}

/// The permitted ratio of a quantile to the baseline, with the error of sketches.
fn tau(candidate: &Samples, reference: &Reference<'_>) -> f64 {
    (1.0 + reference.tolerance) * sketch_error(candidate, reference)
}

/// The ratio up to which an OK is proven: lower if other processes slowed the baseline.
fn least_tau(candidate: &Samples, reference: &Reference<'_>) -> f64 {
    let disturbed = reference.contention.map_or(1.0, Contention::of_baseline);
    tau(candidate, reference) / disturbed
}

/// The ratio above which a regression is proven: higher if the machine explains more than the
/// permitted ratio.
fn raised(candidate: &Samples, reference: &Reference<'_>) -> f64 {
    let allowed = (1.0 + reference.tolerance).max(noise(reference.spread));
    let disturbed = reference.contention.map_or(1.0, Contention::of_run);
    allowed * disturbed * sketch_error(candidate, reference)
}

fn sketch_error(candidate: &Samples, reference: &Reference<'_>) -> f64 {
    let accuracy = candidate.accuracy().max(reference.samples.accuracy());
    (1.0 + accuracy) / (1.0 - accuracy)
}

fn estimate(samples: &Samples, quantile: Quantile, alpha: Alpha) -> Option<Estimate> {
    samples.estimate(quantile, alpha)
}

/// A duration in microseconds.
pub(crate) fn micros(duration: std::time::Duration) -> f64 {
    duration.as_nanos() as f64 / 1_000.0
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
