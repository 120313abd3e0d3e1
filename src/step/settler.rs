//! Waits for traces that were fired elsewhere and are judged elsewhere.

use std::ops::ControlFlow;
use std::time::Instant;

use super::completeness::{Completeness, Flush, Patience, Seen, Start};
use super::delays::ProvenBound;
use super::drive::until;
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::Wait;

/// Decides when traces are complete, given the flush bound of the services.
///
/// A span that arrives after the flush bound starts the wait for its own trace again, and proves
/// nothing about others: work may go on for any time in a trace that was fired elsewhere.
#[derive(Debug)]
pub struct Settler {
    flush: Flush,
}

/// A trace at the end of a wait.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The spans that have arrived.
    pub snapshot: Snapshot,
    /// No further span is expected.
    pub is_complete: bool,
}

impl Settler {
    /// A settler for services with this flush bound.
    #[must_use]
    pub fn new(flush: Flush) -> Self {
        Self { flush }
    }

    /// Waits until the trace is complete, or for as long as `wait` permits; its `tail` and `flush`
    /// have the meaning that they have in a spec.
    pub async fn settle(&self, follow: &mut Follow, wait: Wait) -> Settled {
        let proven = ProvenBound::default();
        let patience = self.patience(Instant::now(), wait, &proven);
        until(follow, |snapshot| {
            let snapshot = with_unseen_caller(snapshot);
            match patience.look(&snapshot, false, &proven) {
                Completeness::Closed => ControlFlow::Break(Settled::complete(snapshot)),
                Completeness::TimedOut(_) => ControlFlow::Break(Settled::partial(snapshot)),
                Completeness::Open(next) | Completeness::Quiet(next) => ControlFlow::Continue(next),
            }
        })
        .await
    }

    /// Waits until a span of the trace has arrived, or for as long as `wait` permits. It does not
    /// wait for the flush bound, so more may come.
    pub async fn first_span(&self, follow: &mut Follow, wait: Wait) -> Settled {
        let proven = ProvenBound::default();
        let patience = self.patience(Instant::now(), wait, &proven);
        let deadline = patience.deadline();
        until(follow, |snapshot| {
            if snapshot.trace.is_empty() && snapshot.at < deadline {
                return ControlFlow::Continue(deadline);
            }
            ControlFlow::Break(self.judge(snapshot, wait))
        })
        .await
    }

    /// Judges whether the spans that have arrived are the complete trace, right after a response:
    /// as long as a service may still have a span to export, they are not.
    #[must_use]
    pub fn judge(&self, snapshot: Snapshot, wait: Wait) -> Settled {
        let snapshot = with_unseen_caller(snapshot);
        let proven = ProvenBound::default();
        let patience = self.patience(snapshot.at, wait, &proven);
        match patience.look(&snapshot, false, &proven) {
            Completeness::Closed => Settled::complete(snapshot),
            _ => Settled::partial(snapshot),
        }
    }

    /// The moment at which this trace will be complete relative to its last entry, unless something
    /// arrives. None if its entry or a parent is missing, or spans are lost.
    #[must_use]
    pub fn complete_at(&self, snapshot: &Snapshot) -> Option<Instant> {
        let snapshot = with_unseen_caller(snapshot.clone());
        let seen = Seen::of(&snapshot);
        let entered = seen
            .entered
            .filter(|_| !seen.misses_parts && !seen.has_holes)?;
        let proven = ProvenBound::default();
        let start = Start::Response(entered);
        let patience = Patience::new(start, Wait::default(), self.flush, &proven);
        match patience.look(&snapshot, false, &proven) {
            Completeness::Closed => Some(snapshot.at),
            Completeness::Open(until) => Some(until),
            _ => None,
        }
    }

    fn patience(&self, asked: Instant, wait: Wait, proven: &ProvenBound) -> Patience {
        Patience::new(Start::Watch(asked), wait, self.flush, proven)
    }
}

impl Settled {
    /// No further span is expected. A trace of which spans are lost is not complete even then.
    fn complete(snapshot: Snapshot) -> Self {
        Self {
            is_complete: snapshot.trace.holes().is_empty(),
            snapshot,
        }
    }

    fn partial(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            is_complete: false,
        }
    }
}

/// A trace id alone does not say which span is above the trace.
fn with_unseen_caller(mut snapshot: Snapshot) -> Snapshot {
    snapshot.trace = snapshot.trace.with_unseen_caller();
    snapshot
}
