//! The end of the wait for a trace, and the outcome of open checks then.

use super::completeness::AtDeadline;
use crate::check::{Outcome, Unjudged};
use crate::trace::Trace;

/// The end of the wait for a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitEnd {
    /// All checks were final before the trace was closed.
    Early,
    /// No further span was expected.
    Closed,
    /// Parents were missing after the flush bound, and a check is about missing parents.
    Quiet,
    /// The deadline passed, with the trace in this state.
    TimedOut(AtDeadline),
}

impl WaitEnd {
    /// Returns `true` if the flush bound had passed.
    pub(super) fn is_quiet(self) -> bool {
        matches!(
            self,
            Self::Closed | Self::Quiet | Self::TimedOut(AtDeadline::Quiet)
        )
    }

    /// The final outcome of a check that a further span could change.
    pub(super) fn final_outcome(self, outcome: Outcome, trace: &Trace) -> Outcome {
        if let (true, Some(hole)) = (outcome.depends_on_spans(), trace.holes().first()) {
            return Outcome::Unjudged(Unjudged::Hole(Box::new(hole.clone())));
        }
        match (self, outcome) {
            (Self::Early | Self::Quiet, outcome) if outcome.depends_on_spans() => {
                Outcome::Unjudged(Unjudged::NotReached)
            }
            // A span that is missing may still be in the pipeline.
            (Self::TimedOut(AtDeadline::NoMarker), outcome) if outcome.depends_on_spans() => {
                Outcome::Unjudged(Unjudged::MarkerMissing)
            }
            // A shape without all spans is another one.
            (Self::TimedOut(at), outcome)
                if outcome == Outcome::Pass || outcome.found_shape().is_some() =>
            {
                Outcome::Unjudged(match at {
                    AtDeadline::NoEntry => Unjudged::EntryMissing,
                    AtDeadline::NoMarker => Unjudged::MarkerMissing,
                    AtDeadline::Open => Unjudged::TimedOut,
                    AtDeadline::Quiet => {
                        Unjudged::missing_spans(trace).unwrap_or(Unjudged::ServerMissing)
                    }
                })
            }
            (_, outcome) => outcome,
        }
    }
}
