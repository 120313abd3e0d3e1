//! Traces that nobody follows any longer, and what came for them since.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::kept::SpanCopy;
use crate::source::otlp::{SpanAt, Walk};
use crate::trace::TraceId;

/// How many traces are remembered after they were finished.
const CAPACITY: usize = 4096;

/// Spans that arrived after the last [`Follow`](super::Follow) of their trace was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Late {
    /// The trace.
    pub trace_id: TraceId,
    /// How many spans came too late.
    pub spans: usize,
    /// How long after the end of the watch the last of them came.
    pub by: Duration,
}

/// The traces that were finished last.
#[derive(Debug, Default)]
pub(super) struct Finished {
    traces: HashMap<TraceId, Watch>,
    order: VecDeque<TraceId>,
}

#[derive(Debug)]
struct Watch {
    ended: Instant,
    seen: HashSet<SpanCopy>,
    late: usize,
    by: Duration,
}

impl Finished {
    pub(super) fn insert(&mut self, trace: TraceId, seen: HashSet<SpanCopy>, ended: Instant) {
        let watch = Watch {
            ended,
            seen,
            late: 0,
            by: Duration::ZERO,
        };
        if self.traces.insert(trace, watch).is_none() {
            self.order.push_back(trace);
        }
        if self.order.len() > CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.traces.remove(&oldest);
        }
    }

    /// The trace is followed once more.
    pub(super) fn remove(&mut self, trace: TraceId) {
        if self.traces.remove(&trace).is_some() {
            self.order.retain(|&known| known != trace);
        }
    }

    pub(super) fn contains(&self, trace: TraceId) -> bool {
        !self.traces.is_empty() && self.traces.contains_key(&trace)
    }

    /// Counts a span, unless the same copy of it came before. Returns true if its trace is among
    /// the finished.
    pub(super) fn note(&mut self, walk: &Walk<'_>, span: &SpanAt<'_>, arrived: Instant) -> bool {
        if self.traces.is_empty() {
            return false;
        }
        let Some(watch) = self.traces.get_mut(&span.trace_id) else {
            return false;
        };
        if watch.seen.insert(SpanCopy::of(walk, span)) {
            watch.late += 1;
            watch.by = arrived.saturating_duration_since(watch.ended);
        }
        true
    }

    /// The traces for which spans came too late, in the order in which they were finished.
    pub(super) fn late(&self) -> Vec<Late> {
        let watches = self
            .order
            .iter()
            .filter_map(|id| Some((*id, self.traces.get(id)?)));
        watches
            .filter(|(_, watch)| watch.late > 0)
            .map(|(trace_id, watch)| Late {
                trace_id,
                spans: watch.late,
                by: watch.by,
            })
            .collect()
    }
}
