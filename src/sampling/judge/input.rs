//! What is judged, and whether a policy is asked.

use super::cast::Cast;
use crate::sampling::vote::Vote;
use crate::trace::{Losses, Span};

/// The spans of a trace, or a part of them, that are judged together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'t> {
    /// In the order of arrival. Not empty.
    pub(crate) spans: &'t [&'t Span],
    /// The number of spans that the Collector counts, which can include spans of earlier batches.
    pub(crate) count: usize,
    /// The fields that the source of the trace loses.
    pub(crate) losses: &'t Losses,
}

impl<'t> Input<'t> {
    pub(crate) fn new(spans: &'t [&'t Span], losses: &'t Losses) -> Self {
        Self {
            spans,
            count: spans.len(),
            losses,
        }
    }

    /// The number of spans, as policies compare it.
    pub(super) fn count(&self) -> i64 {
        i64::try_from(self.count).unwrap_or(i64::MAX)
    }
}

/// Whether a policy is asked, which limits of rates count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Surely,
    /// The votes of other policies are not known.
    Perhaps,
    /// It is not, but would be in another order of arrival.
    Not,
}

/// Whether a `drop` policy leaves a batch open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    No,
    Perhaps,
    Yes,
}

impl Pending {
    pub(super) fn and(self, cast: &Cast) -> Self {
        match (cast.vote().map(Vote::is_against), self) {
            (Some(true), _) | (_, Self::Yes) => Self::Yes,
            (None, _) if cast.may_be_against() => Self::Perhaps,
            _ => self,
        }
    }
}
