//! The verdict about a check, and whether a further span can change it.

use super::{CheckRef, EntryCheck, Failure, Judged, Outcome, Unjudged};
use crate::spec::{Limits, Location, SpanEntry};

/// A judged check and the finality of its outcome.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The check with its outcome.
    pub judged: Judged,
    /// The finality of the outcome.
    pub finality: Finality,
}

/// The possibility that a further span changes an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// No further span can change it.
    Final,
    /// A further span can change it.
    Open,
}

/// Amount of detail in a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureDetail {
    /// The outcome only.
    Outcome,
    /// Also witnesses, nearest spans and hints.
    Explained,
}

/// An outcome and its finality, without the check.
pub(super) struct Standing {
    pub(super) outcome: Outcome,
    pub(super) finality: Finality,
}

impl Standing {
    pub(super) fn holds(finality: Finality) -> Self {
        Self {
            outcome: Outcome::Pass,
            finality,
        }
    }

    pub(super) fn fails(failure: Failure, finality: Finality) -> Self {
        Self {
            outcome: Outcome::Fail(Box::new(failure)),
            finality,
        }
    }

    pub(super) fn unjudged(why: Unjudged) -> Self {
        Self {
            outcome: Outcome::Unjudged(why),
            finality: Finality::Open,
        }
    }

    /// The standing of a condition that stays true once it is true.
    pub(super) fn that_stays_true(is_true: bool, failure: Failure) -> Self {
        if is_true {
            Self::holds(Finality::Final)
        } else {
            Self::fails(failure, Finality::Open)
        }
    }

    /// The standing of a count that only grows.
    pub(super) fn of_count(limits: &Limits<u64>, number: u64, failure: Failure) -> Self {
        let finality = |is_final: bool| {
            if is_final {
                Finality::Final
            } else {
                Finality::Open
            }
        };
        if limits.contains(number) {
            Self::holds(finality(limits.holds_for_all_above(number)))
        } else {
            Self::fails(failure, finality(limits.fails_for_all_above(number)))
        }
    }

    pub(super) fn failure_mut(&mut self) -> Option<&mut Failure> {
        match &mut self.outcome {
            Outcome::Fail(failure) => Some(failure),
            Outcome::Pass | Outcome::Unjudged(_) => None,
        }
    }
}

impl Judgement {
    pub(super) fn new(check: CheckRef, what: String, at: Location, standing: Standing) -> Self {
        let Standing { outcome, finality } = standing;
        Self {
            judged: Judged {
                check,
                what,
                at,
                outcome,
            },
            finality,
        }
    }

    pub(super) fn unjudged(check: CheckRef, what: String, at: Location, why: Unjudged) -> Self {
        Self::new(check, what, at, Standing::unjudged(why))
    }

    /// The judgement of an entry of `spans` of which no part can be judged.
    pub(super) fn unjudged_entry(number: usize, entry: &SpanEntry, why: Unjudged) -> Self {
        let check = CheckRef::Span {
            entry: number,
            part: EntryCheck::Entry,
        };
        let what = format!("spans that match {}", entry.find);
        Self::unjudged(check, what, entry.at.clone(), why)
    }

    /// Makes an open verdict unjudged, because a lost span or record could change it.
    pub(super) fn mark(&mut self, why: impl FnOnce() -> Unjudged) {
        if self.finality == Finality::Open && self.judged.outcome.depends_on_spans() {
            self.judged.outcome = Outcome::Unjudged(why());
        }
    }
}
