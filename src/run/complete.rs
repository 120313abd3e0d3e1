//! Waits until a trace is complete, for whoever judges it himself.
//!
//! The rules are those of a spec; see `settle`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Flush;
use super::settle::{Completeness, Lags, Patience, Seen};
use crate::source::receiver::{Follow, Snapshot};
use crate::spec::Wait;
use crate::trace::{SpanId, Trace};

/// How late spans came in this process, whoever waited for them.
static LAGS: Lags = Lags::new();

/// What to wait for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    /// When the response was there.
    pub(crate) responded: Instant,
    /// For how long services may keep a span.
    pub(crate) flush: Flush,
    /// What else is known of the work that goes on, and of the user's patience.
    pub(crate) wait: Wait,
    /// Whether parents may be missing for good.
    pub(crate) tolerates_orphans: bool,
}

/// A trace of which more should have come.
#[derive(Debug)]
pub(crate) struct Unsettled {
    pub(crate) trace: Trace,
    /// Parents that were referred to and never came.
    pub(crate) missing: BTreeSet<SpanId>,
    /// How long it was waited for, after the response.
    pub(crate) timeout: Duration,
}

/// The trace once nothing more will come.
pub(crate) async fn complete(follow: &mut Follow, waiting: Waiting) -> Result<Trace, Unsettled> {
    let mut patience = Patience::new(waiting.wait, waiting.flush);
    patience.tolerates_orphans = waiting.tolerates_orphans;
    loop {
        let snapshot = look(follow, waiting.responded);
        let seen = Seen::of(&snapshot);
        let next = match patience.completeness(Instant::now(), waiting.responded, &seen, &LAGS) {
            Completeness::Closed if !snapshot.trace.is_empty() => return Ok(snapshot.trace),
            Completeness::Closed | Completeness::TimedOut => {
                return Err(Unsettled {
                    missing: snapshot.trace.missing_parents(),
                    trace: snapshot.trace,
                    timeout: patience.timeout,
                });
            }
            Completeness::Open(next) | Completeness::Quiet(next) => next,
        };
        tokio::select! {
            () = follow.changed() => {}
            () = tokio::time::sleep_until(next.into()) => {}
        }
    }
}

fn look(follow: &mut Follow, responded: Instant) -> Snapshot {
    let snapshot = follow.snapshot();
    for arrival in &snapshot.arrivals {
        LAGS.note(arrival.saturating_duration_since(responded));
    }
    snapshot
}
