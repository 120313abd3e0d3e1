//! Warnings about timeouts that end before the flush bound.

use super::completeness::{DEFAULT_TIMEOUT, Flush};
use crate::number::{duration, yaml};
use crate::spec::{Spec, SpecError, Step};

/// Warnings about timeouts that are shorter than `tail` and the flush bound together. Checks that
/// need the complete trace cannot pass with them. `flush` is the default flush bound.
#[must_use]
pub fn short_timeouts(specs: &[Spec], flush: Flush) -> Vec<SpecError> {
    let mut found: Vec<SpecError> = Vec::new();
    let steps = specs.iter().flat_map(Spec::all_steps);
    for warning in steps.filter_map(|step| short_timeout(step, flush)) {
        if !found.contains(&warning) {
            found.push(warning);
        }
    }
    found
}

fn short_timeout(step: &Step, flush: Flush) -> Option<SpecError> {
    let wait = step.wait;
    let flush = wait.flush.map_or(flush.of_step(step), Flush::Known);
    let timeout = wait.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let tail = wait.tail.unwrap_or_default();
    let needed = tail + flush.bound();
    if !step.is_about_trace || timeout >= needed {
        return None;
    }
    let bound = match flush {
        Flush::Known(bound) => format!("the flush bound of {}", duration(bound)),
        Flush::Assumed => format!(
            "the flush bound, which is unknown and assumed to be {}",
            duration(flush.bound())
        ),
    };
    let until = match tail.is_zero() {
        true => bound,
        false => format!("`tail` of {} and {bound}", duration(tail)),
    };
    Some(SpecError {
        what: format!("a timeout of {} ends before {until}", duration(timeout)),
        at: step.timeout_at.clone().unwrap_or_else(|| step.at.clone()),
        label: "too early for checks that need the whole trace".to_owned(),
        help: Some(format!("set `timeout` to more than {}", yaml(needed))),
    })
}
