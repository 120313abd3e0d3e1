//! Conditions that cannot be read, or not be evaluated.

use std::ops::Range;

use crate::yaml::{Location, Place};

/// A condition that cannot be read, or not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its place, in bytes of the condition.
    pub(crate) at: Range<usize>,
    /// The fact.
    pub(crate) what: String,
    pub(crate) help: Option<String>,
    pub(crate) kind: ProblemKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The Collector refuses it too.
    Invalid,
    /// The Collector evaluates it, but spanspec does not.
    Unsupported,
}

impl Problem {
    /// Its place in a file, where a condition has this place. That of the whole condition, if it is not written
    /// there as it is read, because of escapes.
    pub(crate) fn location(&self, text: &str, at: &Location) -> Location {
        let Some(start) = at.text().find(text) else {
            return at.clone();
        };
        let start = at.place.start + start;
        at.source.at(Place {
            start: start + self.at.start,
            end: start + self.at.end,
        })
    }
}
