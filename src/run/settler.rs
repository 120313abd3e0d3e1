//! Waits for traces that somebody else fired and judges.

use std::time::Instant;

use super::settle::{Completeness, Flush, Lags, Patience, Seen};
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::Wait;

/// Decides when traces are complete, by what is known of the services, and learns from the traces
/// that it saw where nothing is known.
#[derive(Debug)]
pub struct Settler {
    flush: Flush,
    lags: Lags,
}

/// A trace at the end of a wait.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What has arrived.
    pub snapshot: Snapshot,
    /// Whether nothing more will come, as far as that can be told.
    pub is_complete: bool,
}

impl Settler {
    /// One for services that may keep a span for so long.
    #[must_use]
    pub fn new(flush: Flush) -> Self {
        Self {
            flush,
            lags: Lags::default(),
        }
    }

    /// For how long services may keep a span.
    #[must_use]
    pub fn flush(&self) -> Flush {
        self.flush
    }

    /// Waits until the trace is complete, or for as long as `wait` says; its `tail` and `flush`
    /// count as in a spec.
    pub async fn settle(&self, follow: &mut Follow, wait: Wait) -> Settled {
        let patience = Patience::new(wait, self.flush);
        let asked = Instant::now();
        loop {
            let snapshot = seen(follow);
            for arrival in &snapshot.arrivals {
                self.lags.note(arrival.saturating_duration_since(asked));
            }
            let until = match self.look(&patience, asked, &snapshot) {
                Completeness::Closed => return Settled::complete(snapshot),
                Completeness::TimedOut => return Settled::partial(snapshot),
                Completeness::Open(until) | Completeness::Quiet(until) => until,
            };
            wait_for_news(follow, until).await;
        }
    }

    /// Waits until a span of the trace is there, or for so long. Nobody can tell by then whether
    /// more will come, unless enough time has passed.
    pub async fn first_span(&self, follow: &mut Follow, wait: Wait) -> Settled {
        let patience = Patience::new(wait, self.flush);
        let asked = Instant::now();
        let deadline = asked + patience.timeout;
        loop {
            let snapshot = seen(follow);
            if !snapshot.trace.is_empty() || Instant::now() >= deadline {
                return self.judge(snapshot, wait);
            }
            wait_for_news(follow, deadline).await;
        }
    }

    /// Whether what has arrived is complete already.
    #[must_use]
    pub fn judge(&self, snapshot: Snapshot, wait: Wait) -> Settled {
        let snapshot = with_unseen_caller(snapshot);
        let patience = Patience::new(wait, self.flush);
        match self.look(&patience, Instant::now(), &snapshot) {
            Completeness::Closed => Settled::complete(snapshot),
            _ => Settled::partial(snapshot),
        }
    }

    /// When a trace that is like this now will be complete unless something arrives. Nothing where
    /// its entry or a parent is missing.
    #[must_use]
    pub fn complete_at(&self, snapshot: &Snapshot) -> Option<Instant> {
        let patience = Patience::new(Wait::default(), self.flush);
        let now = Instant::now();
        let seen = Seen::of_somebody_else(&with_unseen_caller(snapshot.clone()));
        let is_whole = seen.has_entry && !seen.misses_parents;
        match patience.completeness(now, now, &seen, &self.lags) {
            Completeness::Closed => Some(now),
            Completeness::Open(until) if is_whole => Some(until),
            _ => None,
        }
    }

    fn look(&self, patience: &Patience, asked: Instant, snapshot: &Snapshot) -> Completeness {
        let seen = Seen::of_somebody_else(snapshot);
        patience.completeness(Instant::now(), asked, &seen, &self.lags)
    }
}

impl Settled {
    fn complete(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            is_complete: true,
        }
    }

    fn partial(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            is_complete: false,
        }
    }
}

fn seen(follow: &mut Follow) -> Snapshot {
    with_unseen_caller(follow.snapshot())
}

/// Who asks by the trace id alone cannot say what is above the trace.
fn with_unseen_caller(mut snapshot: Snapshot) -> Snapshot {
    snapshot.trace = snapshot.trace.with_unseen_caller();
    snapshot
}

async fn wait_for_news(follow: &mut Follow, until: Instant) {
    tokio::select! {
        () = follow.changed() => {}
        () = tokio::time::sleep_until(until.into()) => {}
    }
}
