//! Decides all claims of a spec together, because they share the probability of an error.

use super::requirement::{Accepted, Requirement};
use crate::budget::baseline::FactDifference;
use crate::budget::{self, Alpha, Claim, ClaimVerdict};
use crate::result::Load;

/// The result for all requirements.
pub(super) struct Decisions<'a> {
    /// Each requirement with its verdict.
    pub(super) claims: Vec<(&'a Requirement<'a>, budget::JudgedClaim)>,
    /// Requirements without a baseline.
    pub(super) missing: Vec<&'a Requirement<'a>>,
}

impl Decisions<'_> {
    /// The requirements that REGRESSED.
    pub(super) fn regressed(&self) -> impl Iterator<Item = &Requirement<'_>> {
        let claims = self.claims.iter();
        claims
            .filter(|(_, judged)| judged.verdict == ClaimVerdict::Regressed)
            .map(|(required, _)| *required)
    }
}

/// Decides all requirements, and adds the verdicts to the report.
pub(super) fn decide<'a>(
    required: &'a [Requirement<'a>],
    accepted: &[Option<Accepted>],
    differs: &[FactDifference],
    load: &mut Load,
) -> Decisions<'a> {
    let mut missing = Vec::new();
    let mut claimed: Vec<(&Requirement<'_>, Claim<'_>)> = Vec::new();
    for one in required {
        let accepted = accepted.get(one.budget).and_then(Option::as_ref);
        let measured = load.measured.get(one.budget);
        match measured.map(|measured| one.claim(measured, accepted, load.behind, differs)) {
            Some(Some(claim)) => claimed.push((one, claim)),
            Some(None) => missing.push(one),
            None => {}
        }
    }
    let (made, claims): (Vec<_>, Vec<_>) = claimed.into_iter().unzip();
    let judged = budget::judge(&claims, Alpha::FIVE_PERCENT);
    let mut claims: Vec<_> = made.into_iter().zip(judged).collect();
    for (required, judged) in &mut claims {
        let measured = &load.measured[required.budget];
        if measured.missing > load.allowed {
            judged.doubt_coverage(measured.missing, measured.traces(), load.allowed);
        }
    }
    for (required, judged) in &claims {
        load.measured[required.budget].judged.push(judged.clone());
    }
    Decisions { claims, missing }
}
