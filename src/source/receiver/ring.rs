//! The last requests whose spans nobody asked for, as raw bytes within a bound.
//!
//! They serve traces that a link or a late follower brings in, and the question what did arrive
//! when a trace did not.

use std::collections::VecDeque;
use std::time::Instant;

use crate::source::otlp::Walk;
use crate::trace::TraceId;

/// The bound on what the ring holds unless told otherwise, in bytes: about 30,000 spans of usual
/// size.
pub(super) const CAPACITY: usize = 16 << 20;

/// The last requests, oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    requests: VecDeque<Request>,
    bytes: usize,
    capacity: usize,
}

#[derive(Debug)]
struct Request {
    bytes: Box<[u8]>,
    /// The traces that have a span here, and those that a link in here refers to.
    traces: Box<[TraceId]>,
    arrived: Instant,
}

impl Default for Ring {
    fn default() -> Self {
        Self::of(CAPACITY)
    }
}

impl Ring {
    /// A ring that holds so many bytes at the most.
    pub(super) fn of(capacity: usize) -> Self {
        Self {
            requests: VecDeque::new(),
            bytes: 0,
            capacity,
        }
    }

    /// Remembers a request, and discards the oldest ones to make room. A request that would not
    /// fit by itself is discarded at once. Returns the traces of which something was discarded,
    /// with the time of its arrival.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        walk: &Walk<'_>,
        arrived: Instant,
    ) -> Vec<(Box<[TraceId]>, Instant)> {
        let request = Request {
            bytes: bytes.into(),
            traces: traces(walk),
            arrived,
        };
        let size = request.size();
        if size > self.capacity {
            return vec![(request.traces, arrived)];
        }
        let mut discarded = Vec::new();
        while self.bytes + size > self.capacity
            && let Some(oldest) = self.requests.pop_front()
        {
            self.bytes -= oldest.size();
            discarded.push((oldest.traces, oldest.arrived));
        }
        self.bytes += size;
        self.requests.push_back(request);
        discarded
    }

    /// The number of bytes that it holds at most.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Requests in which this trace has a span or a link refers to it, oldest first.
    pub(super) fn about(&self, trace: TraceId) -> impl Iterator<Item = (Walk<'_>, Instant)> {
        self.requests
            .iter()
            .filter(move |request| request.traces.contains(&trace))
            .filter_map(Request::walk)
    }

    /// Requests that arrived at this moment or later, oldest first; all without a moment.
    pub(super) fn since(
        &self,
        moment: Option<Instant>,
    ) -> impl Iterator<Item = (Walk<'_>, Instant)> {
        self.requests
            .iter()
            .filter(move |request| Some(request.arrived) >= moment)
            .filter_map(Request::walk)
    }
}

impl Request {
    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.traces)
    }

    /// It was walked when it came, so that it can be walked again.
    fn walk(&self) -> Option<(Walk<'_>, Instant)> {
        Some((Walk::of(&self.bytes).ok()?, self.arrived))
    }
}

/// Spans of one trace mostly stand side by side, so that this removes nearly all repetitions.
fn traces(walk: &Walk<'_>) -> Box<[TraceId]> {
    let own = walk.spans.iter().map(|span| span.trace_id);
    let referred = walk.links.iter().map(|link| link.to);
    let mut traces: Vec<TraceId> = own.chain(referred).collect();
    traces.dedup();
    traces.into()
}
