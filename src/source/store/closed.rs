//! Traces that are followed no longer, and spans that arrived for them since.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::entry::SpanCopy;
use crate::source::diagnostics::LateTrace;
use crate::trace::TraceId;

/// Number of traces that are remembered.
const CAPACITY: usize = 4096;

/// Number of copies of spans that are remembered of all traces: about 16 MiB.
const MOST_COPIES: usize = 1_000_000;

/// The traces that were closed last.
#[derive(Debug)]
pub(super) struct ClosedTraces {
    traces: HashMap<TraceId, ClosedTrace>,
    order: VecDeque<TraceId>,
    /// The traces whose copies are remembered, with their numbers, the first one first. Some are followed again.
    remembered: VecDeque<(TraceId, u64)>,
    /// Number of the copies of all traces.
    copies: usize,
    most_copies: usize,
    /// Number of traces that were closed so far.
    closed: u64,
}

#[derive(Debug)]
struct ClosedTrace {
    number: u64,
    closed: Instant,
    /// Digests of the copies that arrived; `None` if there were too many to remember. Then a copy that is sent
    /// again counts as late.
    copies: Option<HashSet<u64>>,
    late: usize,
    by: Duration,
}

impl Default for ClosedTraces {
    fn default() -> Self {
        Self::remembering(MOST_COPIES)
    }
}

impl ClosedTraces {
    fn remembering(most_copies: usize) -> Self {
        Self {
            traces: HashMap::new(),
            order: VecDeque::new(),
            remembered: VecDeque::new(),
            copies: 0,
            most_copies,
            closed: 0,
        }
    }

    pub(super) fn insert(
        &mut self,
        trace: TraceId,
        copies: impl ExactSizeIterator<Item = SpanCopy>,
        closed: Instant,
    ) {
        self.remove(trace);
        self.closed += 1;
        let number = self.closed;
        let has_room = copies.len() <= self.most_copies;
        let copies = has_room.then(|| copies.map(|copy| copy.digest).collect::<HashSet<u64>>());
        self.copies += copies.as_ref().map_or(0, HashSet::len);
        let new = ClosedTrace {
            number,
            closed,
            copies,
            late: 0,
            by: Duration::ZERO,
        };
        self.traces.insert(trace, new);
        self.order.push_back(trace);
        self.remembered.push_back((trace, number));
        if self.remembered.len() > 2 * CAPACITY {
            let traces = &self.traces;
            let is_known = |(trace, number): &(TraceId, u64)| {
                let known = traces.get(trace);
                known.is_some_and(|known| known.number == *number)
            };
            self.remembered.retain(is_known);
        }
        if self.order.len() > CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.forget(oldest);
        }
        self.make_room();
    }

    /// Removes a trace that is followed again.
    pub(super) fn remove(&mut self, trace: TraceId) {
        if self.contains(trace) {
            self.forget(trace);
            self.order.retain(|&known| known != trace);
        }
    }

    pub(super) fn contains(&self, trace: TraceId) -> bool {
        !self.traces.is_empty() && self.traces.contains_key(&trace)
    }

    pub(super) fn len(&self) -> usize {
        self.traces.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = TraceId> {
        self.traces.keys().copied()
    }

    /// Counts a span of a closed trace, unless the same copy arrived before.
    pub(super) fn note(&mut self, trace: TraceId, copy: SpanCopy, arrived: Instant) {
        let Some(closed) = self.traces.get_mut(&trace) else {
            return;
        };
        if let Some(copies) = &mut closed.copies {
            if !copies.insert(copy.digest) {
                return;
            }
            self.copies += 1;
        }
        closed.late += 1;
        closed.by = arrived.saturating_duration_since(closed.closed);
        self.make_room();
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

    /// Forgets the copies of the oldest traces. They remain closed.
    fn make_room(&mut self) {
        while self.copies > self.most_copies
            && let Some((oldest, number)) = self.remembered.pop_front()
        {
            let trace = self.traces.get_mut(&oldest);
            let copies = trace
                .filter(|trace| trace.number == number)
                .and_then(|trace| trace.copies.take());
            self.copies -= copies.map_or(0, |copies| copies.len());
        }
    }

    fn forget(&mut self, trace: TraceId) {
        let forgotten = self.traces.remove(&trace);
        let copies = forgotten.and_then(|trace| trace.copies);
        self.copies -= copies.map_or(0, |copies| copies.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::SpanId;

    fn trace(number: u8) -> TraceId {
        TraceId::from_bytes([number; 16]).unwrap()
    }

    fn copy(digest: u64) -> SpanCopy {
        SpanCopy {
            span: SpanId::from_bytes([1; 8]).unwrap(),
            digest,
        }
    }

    fn close(closed: &mut ClosedTraces, number: u8, copies: u64) {
        let copies: Vec<SpanCopy> = (0..copies).map(copy).collect();
        closed.insert(trace(number), copies.into_iter(), Instant::now());
    }

    fn late(closed: &ClosedTraces) -> Vec<(TraceId, usize)> {
        let late = closed.late().into_iter();
        late.map(|late| (late.trace_id, late.spans)).collect()
    }

    #[test]
    fn a_copy_that_is_sent_again_is_not_late() {
        let mut closed = ClosedTraces::default();
        close(&mut closed, 1, 3);
        for digest in [2, 3, 3, 4] {
            closed.note(trace(1), copy(digest), Instant::now());
        }
        assert_eq!(late(&closed), [(trace(1), 2)]);
    }

    #[test]
    fn the_number_of_copies_is_bounded_and_copies_of_the_oldest_trace_count_as_late_then() {
        let mut closed = ClosedTraces::remembering(10);
        close(&mut closed, 1, 4);
        close(&mut closed, 2, 4);
        assert_eq!(closed.copies, 8);
        for digest in 4..100 {
            closed.note(trace(2), copy(digest), Instant::now());
            assert!(closed.copies <= 10, "{}", closed.copies);
        }
        closed.note(trace(1), copy(1), Instant::now());
        assert_eq!(late(&closed), [(trace(1), 1), (trace(2), 96)]);
    }

    #[test]
    fn a_trace_that_is_followed_again_takes_its_copies_along() {
        let mut closed = ClosedTraces::remembering(10);
        for _ in 0..2 * CAPACITY {
            close(&mut closed, 1, 6);
            close(&mut closed, 2, 4);
            closed.remove(trace(1));
            assert_eq!(closed.copies, 4);
        }
        assert!(closed.remembered.len() <= 2 * CAPACITY);
    }
}
