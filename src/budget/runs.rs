//! Judges a claim over several runs: it fails only if its value is above the limit in each run, and at
//! least one run proves it.
//!
//! If each run had to prove it, a slowdown that one run finds half of the time would almost never fail.

use super::judged::{Compared, JudgedClaim, OpenReason, RunEstimate};
use super::verdict::ClaimVerdict;

/// The conclusion that a run permits about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEvidence {
    /// The claim provably exceeds its limit, or would if the machine were not disturbed.
    Proof,
    /// The value is above the limit, but the samples do not prove that.
    Above,
    /// The value is not above the limit, or only because of the machine.
    Within,
    /// Samples or spans are missing.
    Nothing,
}

impl RunEvidence {
    /// Returns `true` if the value is above the limit.
    pub(crate) fn is_above(self) -> bool {
        matches!(self, Self::Proof | Self::Above)
    }
}

/// The number of runs whose value is above the limit. `None` if no run proves that, or if one refutes it.
#[must_use]
pub fn confirmations(runs: &[RunEvidence]) -> Option<usize> {
    let is_open = runs.contains(&RunEvidence::Proof) && !runs.contains(&RunEvidence::Within);
    is_open.then(|| above(runs))
}

fn above(runs: &[RunEvidence]) -> usize {
    runs.iter().filter(|of| of.is_above()).count()
}

impl JudgedClaim {
    /// Makes a claim NOT PROVEN, because no run after those that exceeded the limit confirmed it.
    pub(crate) fn leave_unconfirmed(&mut self, exceeded: usize) {
        self.verdict = ClaimVerdict::NotProven;
        self.doubt = Some(OpenReason::NotConfirmed { exceeded });
    }

    /// The evidence of this run, in which `allowed` traces may lack the span. A run with too few samples,
    /// or in which some are missing, cannot refute an earlier one.
    #[must_use]
    pub fn evidence(&self, allowed: u64) -> RunEvidence {
        let is_known = self.verdict == ClaimVerdict::Ok || self.has_bounds();
        let is_unknown = matches!(
            self.doubt,
            Some(OpenReason::NotMeasured | OpenReason::SentLate(_))
        );
        if self.may_exceed() {
            RunEvidence::Proof
        } else if !is_known || is_unknown || self.missing > allowed {
            RunEvidence::Nothing
        } else if self.is_above() {
            RunEvidence::Above
        } else {
            RunEvidence::Within
        }
    }

    /// Returns `true` if no bound is missing, also not of the baseline.
    fn has_bounds(&self) -> bool {
        let before = match &self.compared {
            Compared::Limit(_) => None,
            Compared::Baseline { before, .. } => Some(*before),
        };
        let mut sides = [Some(self.candidate), before].into_iter().flatten();
        sides.all(|side| side.is_some_and(|estimate| estimate.has_bounds()))
    }

    /// Returns `true` if the value of an open claim is above the limit. Variation between runs raises the
    /// limit, a disturbance does not: it only prevents a proof.
    fn is_above(&self) -> bool {
        let is_disturbed = match self.doubt {
            None => false,
            Some(OpenReason::Contention { .. }) => true,
            Some(_) => return false,
        };
        let (Some(now), ClaimVerdict::NotProven) = (self.candidate, self.verdict) else {
            return false;
        };
        match &self.compared {
            Compared::Limit(limit) => !limit.permits(now.value),
            Compared::Baseline {
                before,
                tau,
                raised,
                ..
            } => {
                let limit = if is_disturbed { *tau } else { *raised };
                before.is_some_and(|before| self.unit.change(now.value, before.value) > limit)
            }
        }
    }

    /// `proven in 2 of them`, if the value is above the limit in all runs but not each proves it.
    pub(super) fn share_of_proofs(&self) -> Option<String> {
        let proves = |of: &RunEstimate| match &self.compared {
            Compared::Limit(limit) => of.now.lower.is_some_and(|lower| !limit.permits(lower)),
            Compared::Baseline { raised, .. } => of.least(self.unit) > Some(*raised),
        };
        let (all, proven) = (self.runs().count(), self.runs().filter(proves).count());
        (self.exceeds() && proven < all).then(|| format!("proven in {proven} of them"))
    }

    /// Adds the same claim in earlier runs, each with its evidence; `own` is that of this run. Runs
    /// that show nothing do not count. The claim is NOT PROVEN if some runs are above the limit and others
    /// are not. The proof of one undisturbed run is enough.
    pub(crate) fn add_earlier_runs<'a>(
        &mut self,
        earlier: impl Iterator<Item = (&'a Self, RunEvidence)>,
        own: RunEvidence,
    ) {
        if self.verdict == ClaimVerdict::NothingFound {
            return;
        }
        let counts = |(_, evidence): &(&Self, RunEvidence)| *evidence != RunEvidence::Nothing;
        let mut earlier: Vec<(&Self, RunEvidence)> = earlier.filter(counts).collect();
        let evidence: Vec<RunEvidence> = earlier.iter().map(|(_, of)| *of).chain([own]).collect();
        let is_exceeded = evidence.contains(&RunEvidence::Proof);
        if is_exceeded
            && own == RunEvidence::Nothing
            && let Some((last, _)) = earlier.pop()
        {
            // The run before takes the place of this one.
            *self = last.clone();
        }
        if is_exceeded && evidence.contains(&RunEvidence::Within) {
            self.verdict = ClaimVerdict::NotProven;
            let exceeded = above(&evidence);
            self.doubt = Some(OpenReason::NotConfirmed { exceeded });
        } else if !self.exceeds()
            && let Some((proof, _)) = earlier.iter().find(|(one, _)| one.exceeds())
        {
            self.verdict = proof.verdict;
            self.doubt = None;
            self.compared.take_limit_of(&proof.compared);
        }
        self.earlier = earlier.iter().filter_map(|(one, _)| one.run()).collect();
    }
}
