//! Decides if a trace has the span that a search asks for.

use super::Unjudged;
use super::forest::Forest;
use super::judgement::FailureDetail;
use super::lost::lost_in;
use super::select::Evaluator;
use super::truth::Truth;
use crate::spec::Selector;
use crate::trace::{Losses, Trace};

/// # Errors
/// The reason why spans of a source with these losses do not show which of them are selected.
pub(crate) fn can_be_found(selector: &Selector, losses: &Losses) -> Result<(), Unjudged> {
    match lost_in(selector, losses) {
        Some(field) => Err(Unjudged::Lost(field)),
        None => Ok(()),
    }
}

/// Returns `true` if the trace has a span that is selected.
///
/// # Errors
/// The reason why the trace does not show that.
pub(crate) fn is_found(selector: &Selector, trace: &Trace) -> Result<bool, Unjudged> {
    can_be_found(selector, trace.losses())?;
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &[], FailureDetail::Outcome);
    let mask = evaluator.mask(selector, evaluator.reach(selector));
    if mask.contains(&Truth::Yes) {
        return Ok(true);
    }
    match mask.iter().all(|truth| *truth == Truth::No) {
        true => Ok(false),
        false => Err(evaluator.why_uncertain(selector)),
    }
}
