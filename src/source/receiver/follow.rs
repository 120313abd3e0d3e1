//! The watch over one trace.

use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::decoder::Decoder;
use super::kept::RawSpan;
use super::store::Store;
#[cfg(feature = "run")]
use crate::source::otlp;
use crate::trace::{Origin, Span, Trace, TraceId};

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
    /// How many spans of each trace `parcels` gave.
    #[cfg(feature = "run")]
    given: HashMap<TraceId, usize>,
    /// What fetches the spans from elsewhere, ended with the watch.
    _feed: JoinSet<()>,
}

/// Spans as an OTLP request in protobuf, and when they arrived.
#[cfg(feature = "run")]
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) arrived: Instant,
    pub(crate) request: Vec<u8>,
}

/// A trace at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// When it was taken: what arrived before this moment is in it. Decisions about the trace take
    /// this for the present, since spans may arrive while the snapshot is judged.
    pub at: Instant,
    /// What has arrived so far, with the linked traces attached. A linked trace of which nothing
    /// arrived is not there.
    pub trace: Trace,
    /// When each span of the trace arrived, in the order of [`Trace::spans`]. Of a span that was
    /// sent again with other content, the last arrival.
    pub arrivals: Vec<Instant>,
    /// When the last span of a linked trace arrived.
    pub linked_arrival: Option<Instant>,
}

/// What was decoded of one trace.
#[derive(Debug, Default)]
struct Decoded {
    /// How many kept spans were looked at, those that could not be decoded included.
    known: usize,
    /// Each copy of a span, with the time of its arrival.
    copies: Vec<(Span, Instant)>,
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
            #[cfg(feature = "run")]
            given: HashMap::new(),
            _feed: JoinSet::new(),
        }
    }

    /// The same, with a task that fetches the spans.
    #[cfg(feature = "run")]
    pub(crate) fn fed_by(mut self, feed: JoinSet<()>) -> Self {
        self._feed = feed;
        self
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
        // Both before reading: what comes in between is seen now and announced once more.
        let at = Instant::now();
        self.seen = *self.changes.borrow_and_update();
        let own = self.read(self.trace, self.origin);
        let ties = self.store.ties(self.trace);
        let linked = ties.into_iter().map(|id| self.read(id, Origin::Foreign));
        Snapshot::new(at, own, linked.collect())
    }

    /// What came for the trace and those linked with it since the last call, undecoded. Spans
    /// that arrived together are in one parcel.
    #[cfg(feature = "run")]
    pub(crate) fn parcels(&mut self) -> Vec<Parcel> {
        self.seen = *self.changes.borrow_and_update();
        let mut parcels: Vec<Parcel> = Vec::new();
        let ties = self.store.ties(self.trace);
        for trace in std::iter::once(self.trace).chain(ties) {
            let given = self.given.entry(trace).or_default();
            for raw in self.store.spans_from(trace, *given) {
                *given += 1;
                let packed = otlp::pack(&raw.resource, &raw.scope, &raw.bytes);
                match parcels.last_mut() {
                    Some(last) if last.arrived == raw.arrived => last.request.extend(packed),
                    _ => parcels.push(Parcel {
                        arrived: raw.arrived,
                        request: packed,
                    }),
                }
            }
        }
        parcels
    }

    /// A trace, and when each of its spans arrived.
    fn read(&mut self, trace: TraceId, origin: Origin) -> (Trace, Vec<Instant>) {
        let decoded = self.decoded.entry(trace).or_default();
        for raw in self.store.spans_from(trace, decoded.known) {
            decoded.known += 1;
            let arrived = raw.arrived;
            match self.decoder.span(raw) {
                Ok(Some(span)) => decoded.copies.push((span, arrived)),
                Ok(None) => {}
                Err(error) => {
                    self.store
                        .refuse(None, "a span that was accepted", &error.to_string())
                }
            }
        }
        Trace::assemble_marked(trace, origin, decoded.copies.iter().cloned())
    }
}

impl Snapshot {
    fn new(at: Instant, own: (Trace, Vec<Instant>), linked: Vec<(Trace, Vec<Instant>)>) -> Self {
        let (trace, arrivals) = own;
        let (linked, linked_arrivals): (Vec<Trace>, Vec<_>) = linked
            .into_iter()
            .filter(|(trace, _)| !trace.is_empty())
            .unzip();
        Self {
            at,
            trace: trace.with_linked(linked),
            arrivals,
            linked_arrival: linked_arrivals.into_iter().flatten().max(),
        }
    }

    /// The first of these traces, with the others linked to it, as they were at this moment. What
    /// cannot be decoded is left out.
    pub(super) fn of(
        at: Instant,
        trace: TraceId,
        origin: Origin,
        spans: Vec<(TraceId, Vec<RawSpan>)>,
    ) -> Self {
        let mut decoder = Decoder::default();
        let mut traces = spans.into_iter().map(|(id, raws)| {
            let copies = raws.into_iter().filter_map(|raw| {
                let arrived = raw.arrived;
                Some((decoder.span(raw).ok().flatten()?, arrived))
            });
            let origin = if id == trace { origin } else { Origin::Foreign };
            Trace::assemble_marked(id, origin, copies)
        });
        let own = traces
            .next()
            .unwrap_or_else(|| Trace::assemble_marked(trace, origin, []));
        Self::new(at, own, traces.collect())
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
