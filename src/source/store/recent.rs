//! The last requests with spans of unrelated traces, as raw bytes within a bound.
//!
//! They serve traces that are followed or linked later, and the diagnosis of a trace that did not
//! arrive.

use std::collections::VecDeque;
use std::time::Instant;

use crate::source::otlp::Walk;
use crate::trace::TraceId;

/// Default bound in bytes: about 30,000 spans of usual size.
pub(super) const CAPACITY: usize = 16 << 20;

/// The last requests, oldest first.
#[derive(Debug)]
pub(super) struct RecentRequests {
    requests: VecDeque<RecentRequest>,
    bytes: usize,
    capacity: usize,
}

#[derive(Debug)]
struct RecentRequest {
    bytes: Box<[u8]>,
    /// The traces of its spans, and those that its links refer to.
    traces: Box<[TraceId]>,
    arrived: Instant,
}

impl Default for RecentRequests {
    fn default() -> Self {
        Self::within(CAPACITY)
    }
}

impl RecentRequests {
    /// A buffer with this capacity in bytes.
    pub(super) fn within(capacity: usize) -> Self {
        Self {
            requests: VecDeque::new(),
            bytes: 0,
            capacity,
        }
    }

    /// Adds a request, and discards the oldest ones to make room. A request that does not fit at
    /// all is discarded at once. Returns the traces of the discarded requests, with their arrival.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        walk: &Walk<'_>,
        arrived: Instant,
    ) -> Vec<(Box<[TraceId]>, Instant)> {
        let request = RecentRequest {
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

    /// Maximum size in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Requests with a span of this trace or a link to it, oldest first.
    pub(super) fn about(&self, trace: TraceId) -> impl Iterator<Item = (Walk<'_>, Instant)> {
        self.requests
            .iter()
            .filter(move |request| request.traces.contains(&trace))
            .filter_map(RecentRequest::walk)
    }

    /// Requests that arrived at this moment or later, oldest first; all without a moment.
    pub(super) fn since(
        &self,
        moment: Option<Instant>,
    ) -> impl Iterator<Item = (Walk<'_>, Instant)> {
        self.requests
            .iter()
            .filter(move |request| Some(request.arrived) >= moment)
            .filter_map(RecentRequest::walk)
    }
}

impl RecentRequest {
    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.traces)
    }

    /// Always `Some`: the request was walked on arrival.
    fn walk(&self) -> Option<(Walk<'_>, Instant)> {
        Some((Walk::of(&self.bytes).ok()?, self.arrived))
    }
}

/// Spans of one trace are mostly adjacent, so this removes nearly all repetitions.
fn traces(walk: &Walk<'_>) -> Box<[TraceId]> {
    let own = walk.spans.iter().map(|span| span.trace_id);
    let referred = walk.links.iter().map(|link| link.to);
    let mut traces: Vec<TraceId> = own.chain(referred).collect();
    traces.dedup();
    traces.into()
}
