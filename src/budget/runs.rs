//! Judges a claim over several runs: it fails only if it exceeds its limit in each run that shows it.

use super::judged::{JudgedClaim, OpenReason};
use super::verdict::ClaimVerdict;

/// The conclusion that a run permits about a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEvidence {
    /// The claim exceeds its limit, or may on a disturbed machine.
    Exceeds,
    /// There are enough samples, and they do not prove an excess.
    Within,
    /// Samples or spans are missing.
    Nothing,
}

impl JudgedClaim {
    /// Makes a claim NOT PROVEN, because too many requests of the last run failed.
    pub(crate) fn leave_unconfirmed(&mut self, exceeded: usize) {
        self.verdict = ClaimVerdict::NotProven;
        self.doubt = Some(OpenReason::NotConfirmed { exceeded });
    }

    /// The evidence of this run, in which `allowed` traces may lack the span. A run with too few samples,
    /// or in which some are missing, cannot refute an earlier one.
    pub(crate) fn evidence(&self, allowed: u64) -> RunEvidence {
        let has_bounds = !matches!(
            self.verdict,
            ClaimVerdict::TooFew | ClaimVerdict::NothingFound
        );
        let is_unknown = matches!(
            self.doubt,
            Some(OpenReason::NotMeasured | OpenReason::SentLate(_))
        );
        if self.may_exceed() {
            RunEvidence::Exceeds
        } else if has_bounds && !is_unknown && self.missing <= allowed {
            RunEvidence::Within
        } else {
            RunEvidence::Nothing
        }
    }

    /// Adds the same claim in earlier runs, each with its evidence; `own` is that of this run. Runs
    /// that show nothing do not count. The claim is NOT PROVEN if some runs exceed the limit and others
    /// do not. One undisturbed run is proof enough if the disturbed ones agree with it.
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
        let evidence = earlier.iter().map(|(_, evidence)| *evidence).chain([own]);
        let exceeded = evidence
            .clone()
            .filter(|one| *one == RunEvidence::Exceeds)
            .count();
        let is_refuted = evidence.into_iter().any(|one| one == RunEvidence::Within);
        if exceeded > 0 && own == RunEvidence::Nothing {
            // Another run takes the place of this one.
            let proof = earlier.iter().rposition(|(one, _)| one.exceeds());
            let (last, _) = earlier.remove(proof.unwrap_or(earlier.len() - 1));
            *self = last.clone();
        }
        if exceeded > 0 && is_refuted {
            self.verdict = ClaimVerdict::NotProven;
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
