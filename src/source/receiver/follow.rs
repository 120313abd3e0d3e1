//! The watch over one trace.

use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use tokio::sync::watch;

use super::decoder::Decoder;
use super::store::Store;
use crate::trace::{Origin, Span, SpanId, Trace, TraceId};

/// Keeps the spans of one trace for as long as it lives, and those of traces that a link ties to
/// it: because one of their spans links to this trace, or one of this trace's spans to them.
///
/// Dropping it ends the watch; spans that come later are counted as [late](Store::late).
pub struct Follow {
    store: Store,
    trace: TraceId,
    origin: Origin,
    changes: watch::Receiver<u64>,
    /// How many changes the last snapshot knew of.
    seen: u64,
    decoder: Decoder,
    decoded: HashMap<TraceId, Decoded>,
}

/// A trace at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// What has arrived so far, with the linked traces attached. A linked trace of which nothing
    /// arrived is not there.
    pub trace: Trace,
    /// When each span of the trace arrived, in the order of [`Trace::spans`].
    pub arrivals: Vec<Instant>,
    /// When the last span of a linked trace arrived.
    pub linked_arrival: Option<Instant>,
}

/// What was decoded of one trace.
#[derive(Debug, Default)]
struct Decoded {
    /// How many kept spans were looked at, those that could not be decoded included.
    known: usize,
    spans: Vec<Span>,
    arrivals: HashMap<SpanId, Instant>,
}

impl Follow {
    pub(super) fn new(
        store: Store,
        trace: TraceId,
        origin: Origin,
        changes: watch::Receiver<u64>,
    ) -> Self {
        Self {
            store,
            trace,
            origin,
            changes,
            seen: 0,
            decoder: Decoder::default(),
            decoded: HashMap::new(),
        }
    }

    /// The trace that is followed.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace
    }

    /// Waits until something has arrived for this trace, or for one that is linked to it, since
    /// the last snapshot; before the first snapshot, until anything has. Cancel-safe.
    pub async fn changed(&mut self) {
        let seen = self.seen;
        if self
            .changes
            .wait_for(|&changes| changes != seen)
            .await
            .is_err()
        {
            // The store keeps the other end for as long as we hold the store.
            std::future::pending().await
        }
    }

    /// The trace as far as it has arrived. Only what came since the last call is decoded.
    pub fn snapshot(&mut self) -> Snapshot {
        // Before reading: what comes in between is seen now and announced once more.
        self.seen = *self.changes.borrow_and_update();
        let trace = self.read(self.trace, self.origin);
        let arrivals = self.arrivals(&trace);
        let linked: Vec<Trace> = self
            .store
            .ties(self.trace)
            .into_iter()
            .map(|id| self.read(id, Origin::Foreign))
            .filter(|linked| !linked.is_empty())
            .collect();
        let linked_arrival = linked.iter().flat_map(|trace| self.arrivals(trace)).max();
        Snapshot {
            trace: trace.with_linked(linked),
            arrivals,
            linked_arrival,
        }
    }

    fn read(&mut self, trace: TraceId, origin: Origin) -> Trace {
        let decoded = self.decoded.entry(trace).or_default();
        for raw in self.store.news(trace, decoded.known) {
            decoded.known += 1;
            let arrived = raw.arrived;
            match self.decoder.span(raw) {
                Ok(Some(span)) => {
                    decoded.arrivals.insert(span.span_id, arrived);
                    decoded.spans.push(span);
                }
                Ok(None) => {}
                Err(error) => {
                    self.store
                        .refuse(None, "a span that was accepted", &error.to_string())
                }
            }
        }
        Trace::assemble(trace, origin, decoded.spans.iter().cloned())
    }

    fn arrivals(&self, trace: &Trace) -> Vec<Instant> {
        let arrivals = self
            .decoded
            .get(&trace.id())
            .map(|decoded| &decoded.arrivals);
        let of = |span: &Span| arrivals.and_then(|arrivals| arrivals.get(&span.span_id).copied());
        trace.spans().iter().filter_map(of).collect()
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.store.release(self.trace);
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("trace", &self.trace)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
