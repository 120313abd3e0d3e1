//! The outcome of a check.

use super::{CheckRef, Failure, FoundShape, Subject, Unjudged};
use crate::spec::{Capture, Location};

/// A check and its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Identity of the check within its step.
    pub check: CheckRef,
    /// The check in words: ``attribute `payment.method` of `process_payment` ``.
    pub what: String,
    /// Location of the check in the spec.
    pub at: Location,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The expectation is met.
    Pass,
    /// The evidence contradicts the expectation.
    Fail(Box<Failure>),
    /// The evidence does not suffice.
    Unjudged(Unjudged),
}

impl Judged {
    /// The capture with this number in its step, which gave no value.
    #[must_use]
    pub fn capture(index: usize, capture: &Capture, outcome: Outcome) -> Self {
        Self {
            check: CheckRef::Capture(index),
            what: Subject::Capture(capture.name.clone()).to_string(),
            at: capture.at.clone(),
            outcome,
        }
    }

    /// A failed check, named after the subject of the failure.
    #[must_use]
    pub fn failed(check: CheckRef, failure: impl Into<Box<Failure>>) -> Self {
        let failure = failure.into();
        Self {
            check,
            what: failure.subject.to_string(),
            at: failure.at.clone(),
            outcome: Outcome::Fail(failure),
        }
    }

    /// The failure of a failed check.
    #[cfg(feature = "run")]
    pub(crate) fn failure_mut(&mut self) -> Option<&mut Failure> {
        match &mut self.outcome {
            Outcome::Fail(failure) => Some(failure),
            Outcome::Pass | Outcome::Unjudged(_) => None,
        }
    }

    /// Sorts checks into the order of the spec.
    #[cfg(feature = "run")]
    pub(crate) fn sort(checks: &mut [Self]) {
        checks.sort_by_key(|judged| judged.at.place);
    }
}

impl Outcome {
    /// Returns `true` if lost spans could change it. Without a file, that is the shape that would be proposed.
    pub(crate) fn depends_on_spans(&self) -> bool {
        matches!(
            self,
            Self::Pass | Self::Fail(_) | Self::Unjudged(Unjudged::NoShape(_))
        )
    }

    /// The shape that was found, if it differs from that of its file, or if there is no file.
    pub(crate) fn found_shape(&self) -> Option<&FoundShape> {
        match self {
            Self::Fail(failure) => failure.shape.as_deref(),
            Self::Unjudged(Unjudged::NoShape(found)) => Some(found),
            Self::Pass | Self::Unjudged(_) => None,
        }
    }

    /// The same.
    #[cfg(feature = "run")]
    pub(crate) fn found_shape_mut(&mut self) -> Option<&mut FoundShape> {
        match self {
            Self::Fail(failure) => failure.shape.as_deref_mut(),
            Self::Unjudged(Unjudged::NoShape(found)) => Some(found),
            Self::Pass | Self::Unjudged(_) => None,
        }
    }

    /// The failure of a failed check.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fail(failure) => Some(failure),
            Self::Pass | Self::Unjudged(_) => None,
        }
    }

    /// The failure found in spans that arrived after the verdict.
    #[must_use]
    pub fn contradiction(&self) -> Option<&Failure> {
        match self {
            Self::Unjudged(Unjudged::Contradicted(failure)) => Some(failure),
            Self::Pass | Self::Fail(_) | Self::Unjudged(_) => None,
        }
    }
}
