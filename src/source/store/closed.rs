//! Traces that are followed no longer, and spans that arrived for them since.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::entry::SpanCopy;
use crate::source::diagnostics::LateTrace;
use crate::source::otlp::{SpanAt, Walk};
use crate::trace::TraceId;

/// Number of traces that are remembered.
const CAPACITY: usize = 4096;

/// The traces that were closed last.
#[derive(Debug, Default)]
pub(super) struct ClosedTraces {
    traces: HashMap<TraceId, ClosedTrace>,
    order: VecDeque<TraceId>,
}

#[derive(Debug)]
struct ClosedTrace {
    closed: Instant,
    copies: HashSet<SpanCopy>,
    late: usize,
    by: Duration,
}

impl ClosedTraces {
    pub(super) fn insert(&mut self, trace: TraceId, copies: HashSet<SpanCopy>, closed: Instant) {
        let new = ClosedTrace {
            closed,
            copies,
            late: 0,
            by: Duration::ZERO,
        };
        if self.traces.insert(trace, new).is_none() {
            self.order.push_back(trace);
        }
        if self.order.len() > CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.traces.remove(&oldest);
        }
    }

    /// Removes a trace that is followed again.
    pub(super) fn remove(&mut self, trace: TraceId) {
        if self.traces.remove(&trace).is_some() {
            self.order.retain(|&known| known != trace);
        }
    }

    pub(super) fn contains(&self, trace: TraceId) -> bool {
        !self.traces.is_empty() && self.traces.contains_key(&trace)
    }

    /// Counts a span, unless the same copy arrived before. Returns `true` if its trace is closed.
    pub(super) fn note(&mut self, walk: &Walk<'_>, span: &SpanAt<'_>, arrived: Instant) -> bool {
        if self.traces.is_empty() {
            return false;
        }
        let Some(trace) = self.traces.get_mut(&span.trace_id) else {
            return false;
        };
        if trace.copies.insert(SpanCopy::of(walk, span)) {
            trace.late += 1;
            trace.by = arrived.saturating_duration_since(trace.closed);
        }
        true
    }

    /// The traces with late spans, in the order in which they were closed.
    pub(super) fn late(&self) -> Vec<LateTrace> {
        let traces = self
            .order
            .iter()
            .filter_map(|id| Some((*id, self.traces.get(id)?)));
        traces
            .filter(|(_, trace)| trace.late > 0)
            .map(|(trace_id, trace)| LateTrace {
                trace_id,
                spans: trace.late,
                by: trace.by,
            })
            .collect()
    }
}
