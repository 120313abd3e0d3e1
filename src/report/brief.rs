//! The message and the kind of an attempt that did not pass, for structured reports.

use super::text;
use crate::result::{Attempt, SpecReport, StepReport};

/// The first failure or error, and the number of others.
pub(super) fn message(attempt: &Attempt) -> String {
    let lines = text::in_short(attempt);
    match lines.split_first() {
        None => "failed".to_owned(),
        Some((first, [])) => first.clone(),
        Some((first, more)) => format!("{first} (and {} more)", more.len()),
    }
}

/// The kind of the first failure; part of the format of reports.
pub(super) fn kind(attempt: &Attempt) -> &'static str {
    let failure = attempt.steps.iter().flat_map(StepReport::failures).next();
    let trouble = attempt.steps.iter().any(|step| step.trouble.is_some());
    match failure {
        Some(failure) => failure.subject.kind(),
        None if trouble => "trouble",
        None => "unjudged",
    }
}

/// The kind of a flaky spec that fails the run.
pub(super) const FLAKY: &str = "flaky";

/// The message of a flaky spec that fails the run.
pub(super) fn flaky(spec: &SpecReport) -> String {
    let first = spec.attempts.first().map(message).unwrap_or_default();
    flaky_after(spec.attempts.len(), &first)
}

/// The same, with the number of attempts and the message of the first.
pub(super) fn flaky_after(attempts: usize, first: &str) -> String {
    format!("passed only on attempt {attempts} (--fail-flaky); the first attempt: {first}")
}
