//! All claims of a spec, decided together: they share the chance of an error.

use super::asked::{Asked, Known};
use crate::budget::baseline::Difference;
use crate::budget::{self, Alpha, Claim, Verdict};
use crate::result::Load;

/// What became of all that is asked.
pub(super) struct Decided<'a> {
    /// Each claim with its verdict.
    pub(super) claims: Vec<(&'a Asked<'a>, budget::Judged)>,
    /// What could not be claimed, for there is no baseline of it.
    pub(super) missing: Vec<&'a Asked<'a>>,
}

impl Decided<'_> {
    /// What became slower.
    pub(super) fn regressed(&self) -> impl Iterator<Item = &Asked<'_>> {
        let claims = self.claims.iter();
        claims
            .filter(|(_, judged)| judged.verdict == Verdict::Regressed)
            .map(|(asked, _)| *asked)
    }
}

/// Decides all that is asked, and puts the verdicts into the report.
pub(super) fn decide<'a>(
    asked: &'a [Asked<'a>],
    known: &[Option<Known>],
    differs: &[Difference],
    load: &mut Load,
) -> Decided<'a> {
    let mut missing = Vec::new();
    let mut claimed: Vec<(&Asked<'_>, Claim<'_>)> = Vec::new();
    for one in asked {
        let known = known.get(one.budget).and_then(Option::as_ref);
        let measured = load.measured.get(one.budget);
        match measured.map(|measured| one.claim(measured, known, load.behind, differs)) {
            Some(Some(claim)) => claimed.push((one, claim)),
            Some(None) => missing.push(one),
            None => {}
        }
    }
    let (made, claims): (Vec<_>, Vec<_>) = claimed.into_iter().unzip();
    let judged = budget::judge(&claims, Alpha::FIVE_PERCENT);
    let mut claims: Vec<_> = made.into_iter().zip(judged).collect();
    for (asked, judged) in &mut claims {
        let measured = &load.measured[asked.budget];
        if measured.missing > load.allowed {
            judged.doubt_coverage(measured.missing, measured.traces(), load.allowed);
        }
    }
    for (asked, judged) in &claims {
        load.measured[asked.budget].judged.push(judged.clone());
    }
    Decided { claims, missing }
}
