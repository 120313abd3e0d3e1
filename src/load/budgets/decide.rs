//! Decides all claims of a spec together, because they share the probability of an error.

use super::requirement::{Accepted, Requirement, compared};
use crate::budget::baseline::FactDifference;
use crate::budget::{
    self, Alpha, Claim, ClaimVerdict, JudgedClaim, MissingSpans, RunEvidence, confirmations,
};
use crate::check::CheckRef;
use crate::number::Unit;
use crate::result::{EarlierRun, Load};

/// A run of a spec with its claims. A spec has several if the first ones are not confirmed yet.
pub(crate) struct JudgedRun<'a> {
    pub(crate) started: jiff::Timestamp,
    pub(crate) load: Load,
    pub(crate) decided: Decisions<'a>,
}

impl<'a> JudgedRun<'a> {
    /// Its numbers for the report of a later run.
    pub(crate) fn summary(&self) -> EarlierRun {
        EarlierRun {
            requests: self.load.requests,
            failed: self.load.failed,
            errored: self.load.errored,
            duration: self.load.duration,
        }
    }

    /// The claims over all runs: one about durations only fails if it is above its limit in each of them.
    /// A run with too many failed requests confirms nothing.
    pub(super) fn confirmed_by(&self, earlier: &[Self]) -> Decisions<'a> {
        let mut decided = self.decided.clone();
        // The spec fails for this reason in any case.
        let confirms_nothing = !self.load.has_permitted_failures();
        for (required, judged) in &mut decided.claims {
            if judged.unit == Unit::Number {
                judged.keep_first_excess(evidence(required, earlier).map(|(of, _)| of));
                continue;
            }
            let before: Vec<_> = evidence(required, earlier).collect();
            let exceeded = before.iter().filter(|(_, of)| of.is_above()).count();
            let own = judged.evidence(self.load.allowed);
            judged.add_earlier_runs(before.into_iter(), own);
            if confirms_nothing && exceeded > 0 && judged.exceeds() {
                judged.leave_unconfirmed(exceeded);
            }
        }
        decided
    }
}

/// The result for all requirements in one run, or in all runs.
#[derive(Clone)]
pub(crate) struct Decisions<'a> {
    /// Each requirement with its verdict.
    pub(super) claims: Vec<(Requirement<'a>, JudgedClaim)>,
    /// Requirements without a baseline.
    pub(super) missing: Vec<Requirement<'a>>,
}

impl<'a> Decisions<'a> {
    /// The requirements that REGRESSED.
    pub(super) fn regressed(&self) -> impl Iterator<Item = &Requirement<'a>> {
        let claims = self.claims.iter();
        claims
            .filter(|(_, judged)| judged.verdict == ClaimVerdict::Regressed)
            .map(|(required, _)| required)
    }

    /// The claims that are above their limit in all runs that show it, as one of them proves; each with
    /// the number of these runs. Claims about plain numbers are not confirmed: a disturbance of the
    /// machine does not change a count.
    pub(crate) fn exceeded_after(
        &self,
        earlier: &[JudgedRun<'_>],
        load: &Load,
    ) -> Vec<(&JudgedClaim, usize)> {
        let claims = self.claims.iter();
        let claims = claims.filter(|(_, judged)| judged.unit == Unit::Micros);
        let exceeded = claims.filter_map(|(required, judged)| {
            let before = evidence(required, earlier).map(|(_, of)| of);
            let runs = before.chain([judged.evidence(load.allowed)]);
            let runs: Vec<RunEvidence> = runs.collect();
            Some((judged, confirmations(&runs)?))
        });
        exceeded.collect()
    }

    /// The claim of a check.
    pub(super) fn of(&self, check: CheckRef) -> Option<&JudgedClaim> {
        let mut claims = self.claims.iter();
        let (_, judged) = claims.find(|(required, _)| required.check == check)?;
        Some(judged)
    }
}

/// The claim of a requirement in each run, with its evidence.
fn evidence<'r>(
    required: &Requirement<'_>,
    runs: &'r [JudgedRun<'_>],
) -> impl Iterator<Item = (&'r JudgedClaim, RunEvidence)> {
    let check = required.check;
    runs.iter().filter_map(move |run| {
        let judged = run.decided.of(check)?;
        Some((judged, judged.evidence(run.load.allowed)))
    })
}

/// Decides all requirements for one run.
pub(super) fn decide<'a>(
    required: &[Requirement<'a>],
    accepted: &[Option<Accepted>],
    differs: &[FactDifference],
    load: &Load,
) -> Decisions<'a> {
    let compared = compared(accepted, load);
    let mut missing = Vec::new();
    let mut claimed: Vec<(Requirement<'a>, Claim<'_>)> = Vec::new();
    for one in required {
        let compared = compared.get(one.budget).and_then(Option::as_ref);
        let measured = load.measured.get(one.budget);
        match measured.map(|measured| one.claim(measured, compared, differs)) {
            Some(Some(claim)) => claimed.push((one.clone(), claim)),
            Some(None) if one.is_compared() => missing.push(one.clone()),
            // Versions that could not be chosen, which is an error of the run.
            Some(None) | None => {}
        }
    }
    let (made, claims): (Vec<_>, Vec<_>) = claimed.into_iter().unzip();
    let judged = budget::judge(&claims, Alpha::FIVE_PERCENT);
    let mut claims: Vec<_> = made.into_iter().zip(judged).collect();
    let of_all = Alpha::FIVE_PERCENT.shared_by(required.len());
    for (required, judged) in &mut claims {
        let measured = &load.measured[required.budget];
        judged.missing = measured.missing;
        if measured.found_nothing() {
            judged.find_nothing();
        }
        if judged.verdict == ClaimVerdict::TooFew {
            // As many as for all claims, as `lint` says: there may be a baseline next time.
            judged.alpha = of_all;
        }
        if measured.missing > load.allowed {
            judged.doubt_coverage(MissingSpans {
                missing: measured.missing,
                traces: measured.traces(),
                allowed: load.allowed,
            });
        }
    }
    Decisions { claims, missing }
}
