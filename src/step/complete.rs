//! Waits for the trace of a call in a test, which judges the trace itself.
//!
//! The rules are those of a spec; see `completeness`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::completeness::{Completeness, Flush, WaitPolicy, WaitStart};
use super::delays::ExportDelays;
use super::drive::drive;
use crate::source::Follow;
use crate::spec::Wait;
use crate::trace::{SpanId, Trace};

/// The export delays that late spans have shown in this process.
static DELAYS: ExportDelays = ExportDelays::new();

/// Parameters of the wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    /// When the response was received.
    pub(crate) responded: Instant,
    /// Upper bound for the delay between the end of a span and its export.
    pub(crate) flush: Flush,
    /// `wait` of a spec.
    pub(crate) wait: Wait,
    /// Accept that parents never arrive.
    pub(crate) tolerates_orphans: bool,
}

/// A trace that was not complete at the end of the wait.
#[derive(Debug)]
pub(crate) struct Unsettled {
    pub(crate) trace: Trace,
    /// Spans that never arrived.
    pub(crate) missing: BTreeSet<SpanId>,
    /// The length of the wait, from the response.
    pub(crate) timeout: Duration,
}

/// Waits until the trace is complete.
pub(crate) async fn complete(follow: &mut Follow, waiting: Waiting) -> Result<Trace, Unsettled> {
    let start = WaitStart::Response(waiting.responded);
    let mut policy = WaitPolicy::new(start, waiting.wait, waiting.flush, &DELAYS);
    policy.tolerates_orphans = waiting.tolerates_orphans;
    drive(follow, |snapshot| {
        let completeness = policy.completeness(&snapshot, false, &DELAYS);
        if let Some(next) = completeness.next_change() {
            return ControlFlow::Continue(next);
        }
        let trace = snapshot.trace;
        let has_all = !trace.is_empty() && trace.holes().is_empty();
        ControlFlow::Break(match completeness {
            Completeness::Closed if has_all => Ok(trace),
            _ => Err(Unsettled {
                missing: trace.missing_spans(),
                trace,
                timeout: policy.timeout,
            }),
        })
    })
    .await
}
