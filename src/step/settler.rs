//! Waits for traces that were fired elsewhere and are judged elsewhere.

use std::ops::ControlFlow;
use std::time::Instant;

use super::completeness::{Completeness, Flush, TraceProgress, WaitPolicy, WaitStart};
use super::delays::ExportDelays;
use super::drive::drive;
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::Wait;

/// Decides when traces are complete, given the flush bound of the services.
///
/// A span that arrives after the flush bound starts the wait for its own trace again, and does not
/// affect other traces: in a trace that was fired elsewhere, work may continue for any time.
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

    /// Waits until the trace is complete, or until the timeout of `wait`. Its `tail` and `flush` have
    /// the same meaning as in a spec.
    pub async fn settle(&self, follow: &mut Follow, wait: Wait) -> Settled {
        let delays = ExportDelays::default();
        let policy = self.policy(Instant::now(), wait, &delays);
        drive(follow, |snapshot| {
            let snapshot = with_unseen_caller(snapshot);
            let completeness = policy.completeness(&snapshot, false, &delays);
            match completeness.next_change() {
                Some(next) => ControlFlow::Continue(next),
                None => ControlFlow::Break(Settled::new(snapshot, completeness)),
            }
        })
        .await
    }

    /// Waits until a span of the trace has arrived, or until the timeout of `wait`. Does not wait
    /// for the flush bound, so further spans may follow.
    pub async fn first_span(&self, follow: &mut Follow, wait: Wait) -> Settled {
        let deadline = self
            .policy(Instant::now(), wait, &ExportDelays::default())
            .deadline();
        drive(follow, |snapshot| {
            if snapshot.trace.is_empty() && snapshot.at < deadline {
                return ControlFlow::Continue(deadline);
            }
            ControlFlow::Break(self.judge(snapshot, wait))
        })
        .await
    }

    /// Judges whether these spans are the complete trace, without a wait. They are not while a
    /// service may still export a span.
    #[must_use]
    pub fn judge(&self, snapshot: Snapshot, wait: Wait) -> Settled {
        let snapshot = with_unseen_caller(snapshot);
        let delays = ExportDelays::default();
        let policy = self.policy(snapshot.at, wait, &delays);
        let completeness = policy.completeness(&snapshot, false, &delays);
        Settled::new(snapshot, completeness)
    }

    /// The moment at which this trace will be complete relative to its last entry, if nothing else
    /// arrives. `None` if its entry or a parent is missing, or spans are lost.
    #[must_use]
    pub fn complete_at(&self, snapshot: &Snapshot) -> Option<Instant> {
        let snapshot = with_unseen_caller(snapshot.clone());
        let entered = TraceProgress::of(&snapshot).whole_since()?;
        let delays = ExportDelays::default();
        let start = WaitStart::Response(entered);
        let policy = WaitPolicy::new(start, Wait::default(), self.flush, &delays);
        match policy.completeness(&snapshot, false, &delays) {
            Completeness::Closed => Some(snapshot.at),
            Completeness::Open(until) => Some(until),
            _ => None,
        }
    }

    fn policy(&self, asked: Instant, wait: Wait, delays: &ExportDelays) -> WaitPolicy {
        WaitPolicy::new(WaitStart::Watch(asked), wait, self.flush, delays)
    }
}

impl Settled {
    /// A trace with lost spans is never complete.
    fn new(snapshot: Snapshot, completeness: Completeness) -> Self {
        Self {
            is_complete: completeness == Completeness::Closed && snapshot.trace.holes().is_empty(),
            snapshot,
        }
    }
}

/// Treats the only missing parent as the caller, since a trace id alone does not identify it.
fn with_unseen_caller(mut snapshot: Snapshot) -> Snapshot {
    snapshot.trace = snapshot.trace.with_unseen_caller();
    snapshot
}
