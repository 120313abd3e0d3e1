//! The last requests of a signal with records of unrelated traces, as raw bytes within a bound.
//!
//! They serve traces that are followed or linked later, and the diagnosis of a trace that did not
//! arrive.

use std::collections::VecDeque;
use std::time::Instant;

use crate::source::otlp::{LogWalk, Walk};
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
    /// The traces of its records, and those that its links refer to.
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
        traces: Box<[TraceId]>,
        arrived: Instant,
    ) -> Vec<(Box<[TraceId]>, Instant)> {
        let request = RecentRequest {
            bytes: bytes.into(),
            traces,
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

    /// Requests with a record of this trace or a link to it, with their arrival, oldest first.
    pub(super) fn about(&self, trace: TraceId) -> impl Iterator<Item = (&[u8], Instant)> {
        self.requests
            .iter()
            .filter(move |request| request.traces.contains(&trace))
            .map(|request| (&*request.bytes, request.arrived))
    }

    /// Requests that arrived at this moment or later, oldest first; all without a moment.
    pub(super) fn since(&self, moment: Option<Instant>) -> impl Iterator<Item = (&[u8], Instant)> {
        self.requests
            .iter()
            .filter(move |request| Some(request.arrived) >= moment)
            .map(|request| (&*request.bytes, request.arrived))
    }
}

impl RecentRequest {
    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.traces)
    }
}

/// The traces of the spans of a request, and those that its links refer to.
pub(super) fn traces_of_spans(walk: &Walk<'_>) -> Box<[TraceId]> {
    let own = walk.spans.iter().map(|span| span.trace_id);
    let referred = walk.links.iter().map(|link| link.to);
    mostly_once(own.chain(referred))
}

/// The traces of the log records of a request.
pub(super) fn traces_of_logs(walk: &LogWalk<'_>) -> Box<[TraceId]> {
    mostly_once(walk.records.iter().filter_map(|record| record.trace_id))
}

/// Records of one trace are mostly adjacent, so this removes nearly all repetitions.
fn mostly_once(traces: impl Iterator<Item = TraceId>) -> Box<[TraceId]> {
    let mut traces: Vec<TraceId> = traces.collect();
    traces.dedup();
    traces.into()
}
