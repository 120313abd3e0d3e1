//! Waits until a trace is complete, for whoever judges it himself.
//!
//! The rules are those of a spec; see `settle`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::completeness::Flush;
use super::completeness::{Completeness, Patience, Start};
use super::delays::ProvenBound;
use super::drive;
use crate::source::receiver::Follow;
use crate::spec::Wait;
use crate::trace::{SpanId, Trace};

/// The flush bound that late spans have proved in this process.
static PROVEN: ProvenBound = ProvenBound::new();

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
    let start = Start::Response(waiting.responded);
    let mut patience = Patience::new(start, waiting.wait, waiting.flush, &PROVEN);
    patience.tolerates_orphans = waiting.tolerates_orphans;
    drive::until(follow, |snapshot| {
        match patience.look(&snapshot, false, &PROVEN) {
            Completeness::Closed
                if !snapshot.trace.is_empty() && snapshot.trace.holes().is_empty() =>
            {
                ControlFlow::Break(Ok(snapshot.trace))
            }
            Completeness::Closed | Completeness::TimedOut(_) => {
                ControlFlow::Break(Err(Unsettled {
                    missing: snapshot.trace.missing_parents(),
                    trace: snapshot.trace,
                    timeout: patience.timeout,
                }))
            }
            Completeness::Open(next) | Completeness::Quiet(next) => ControlFlow::Continue(next),
        }
    })
    .await
}
