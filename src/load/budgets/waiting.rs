//! A proposal that nobody decided on, while the spec passes without it.

use super::place::Place;
use super::record::{Way, Wish, Written};
use crate::budget::baseline::{BaselineError, pending_path, proposal};
use crate::check::{Judged, Outcome};
use crate::result::Load;

/// What is told of a proposal that this run has not made, and does not need: it was made when
/// something was slow, and would hide that the next time, if somebody accepts it by chance.
pub(super) fn told(
    wish: Wish,
    written: Option<&Written>,
    checks: &[Judged],
    place: &Place,
    load: &Load,
) -> Option<String> {
    // Of a run that ended early, or could not be judged, nobody knows whether it would pass.
    if load.stopped.is_some() || load.failed + load.errored > load.allowed {
        return None;
    }
    let is_compared = matches!(wish, Wish::Write(_) | Wish::Never);
    let proposes = written.is_some_and(|written| written.way == Way::Proposed);
    let has_failed = |one: &Judged| matches!(one.outcome, Outcome::Fail(_));
    if !is_compared || proposes || checks.iter().any(has_failed) {
        return None;
    }
    let told = match proposal(&place.path) {
        Ok(proposal) => proposal.told(&place.case)?,
        Err(BaselineError::NothingPending { .. }) => return None,
        Err(error) => return Some(error.to_string()),
    };
    Some(format!(
        "{} waits {told}; this run passes without it: `{}` takes it all the same, `{}` deletes it",
        pending_path(&place.path).display(),
        place.accept,
        place.reject,
    ))
}
