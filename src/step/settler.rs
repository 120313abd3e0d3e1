//! Waits for traces that were fired elsewhere and are judged elsewhere.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::completeness::{Completeness, Flush, TraceProgress, WaitPolicy, WaitStart};
use super::delays::ExportDelays;
use super::diagnosis;
use super::drive::drive;
use super::settings::Shared;
use crate::source::{Follow, Snapshot, Store};
use crate::spec::Wait;
use crate::trace::{Peers, Trace};

/// Decides when traces are complete, given the flush bound of the services.
///
/// A span that arrives after the flush bound starts the wait for its own trace again, and does not
/// affect other traces: in a trace that was fired elsewhere, work may continue for any time.
#[derive(Debug)]
pub struct Settler {
    flush: Flush,
    store: Store,
    peers: Arc<Mutex<Peers>>,
    /// Spans that arrived before this moment are in `peers`.
    noted: Mutex<Option<Instant>>,
}

/// A span may be stored a little later than it is taken to have arrived.
const STORED_WITHIN: Duration = Duration::from_secs(1);

/// A trace at the end of a wait.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The spans that have arrived.
    pub snapshot: Snapshot,
    /// No further span is expected.
    pub is_complete: bool,
    /// Calls of traced services without a SERVER span, which keep the trace open because the flush
    /// bound is unknown; a sentence each.
    pub unanswered: BTreeSet<String>,
}

impl Settler {
    /// A settler for services with this flush bound, whose spans arrive in this store.
    #[must_use]
    pub fn new(flush: Flush, store: Store) -> Self {
        Self {
            flush,
            store,
            peers: Arc::default(),
            noted: Mutex::default(),
        }
    }

    /// State for a run that judges traces of the store: it knows the same traced services.
    #[must_use]
    pub fn shared(&self) -> Shared {
        self.note_servers();
        Shared::with_peers(Arc::clone(&self.peers))
    }

    /// Calls of traced services that have no SERVER span. They matter only if the flush bound is
    /// unknown.
    fn unanswered(&self, trace: &Trace) -> BTreeSet<String> {
        if self.flush != Flush::Assumed {
            return BTreeSet::new();
        }
        self.note_servers();
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.note(trace);
        diagnosis::unanswered(trace, &peers.unanswered(trace))
    }

    /// Notes the services with SERVER spans that arrived since the last call, in any trace.
    fn note_servers(&self) {
        if self.flush != Flush::Assumed {
            return;
        }
        let now = Instant::now();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let traces = self.store.servers(*noted);
        *noted = now.checked_sub(STORED_WITHIN);
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        traces.iter().for_each(|trace| peers.note(trace));
    }

    /// Waits until the trace is complete, or until the timeout of `wait`. Its `tail` and `flush` have
    /// the same meaning as in a spec.
    pub async fn settle(&self, follow: &mut Follow, wait: Wait) -> Settled {
        let delays = ExportDelays::default();
        let policy = self.policy(Instant::now(), wait, &delays);
        drive(follow, |snapshot| {
            let snapshot = with_unseen_caller(snapshot);
            let unanswered = self.unanswered(&snapshot.trace);
            let completeness = policy.completeness(&snapshot, !unanswered.is_empty(), &delays);
            match completeness.next_change() {
                Some(next) => ControlFlow::Continue(next),
                None => ControlFlow::Break(Settled::new(snapshot, completeness, unanswered)),
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
        let unanswered = self.unanswered(&snapshot.trace);
        let completeness = policy.completeness(&snapshot, !unanswered.is_empty(), &delays);
        Settled::new(snapshot, completeness, unanswered)
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
        let misses_servers = !self.unanswered(&snapshot.trace).is_empty();
        match policy.completeness(&snapshot, misses_servers, &delays) {
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
    fn new(snapshot: Snapshot, completeness: Completeness, unanswered: BTreeSet<String>) -> Self {
        Self {
            is_complete: completeness == Completeness::Closed && snapshot.trace.holes().is_empty(),
            snapshot,
            unanswered,
        }
    }
}

/// Treats the only missing parent as the caller, since a trace id alone does not identify it.
fn with_unseen_caller(mut snapshot: Snapshot) -> Snapshot {
    snapshot.trace = snapshot.trace.with_unseen_caller();
    snapshot
}
