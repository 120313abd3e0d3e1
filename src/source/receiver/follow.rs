//! The watch over one trace.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::decoder::Decoder;
use super::kept::RawSpan;
use super::lost::Lifetime;
use super::store::Store;
use crate::source::otlp;
use crate::trace::{Hole, Origin, Sender, Span, Trace, TraceId};

/// A span is taken to arrive at most this long after its end if its own clock cannot tell: SDKs
/// export every 5 s by default.
const LONGEST_EXPORT_DELAY: Duration = Duration::from_millis(5_500);

/// A clock that is ahead by no more than this is taken to be right: some SDKs count in milliseconds.
const CLOCK_PRECISION: Duration = Duration::from_millis(10);

/// Number of spans that cannot be decoded of which a trace keeps the reason.
const MOST_UNDECODED: usize = 4;

/// Keeps the spans of one trace for as long as it lives, and those of traces that a link ties to
/// it: because one of their spans links to this trace, or one of this trace's spans to them.
///
/// Dropping it ends the watch; spans that come later are counted as [late](Store::late).
pub struct Follow {
    store: Store,
    trace: TraceId,
    origin: Origin,
    since: Instant,
    /// Whether none of its spans was sent before.
    is_fresh: bool,
    changes: watch::Receiver<u64>,
    /// How many changes the last snapshot knew of.
    seen: u64,
    decoder: Decoder,
    decoded: HashMap<TraceId, Decoded>,
    /// How many spans of each trace `parcels` gave.
    #[cfg(feature = "run")]
    given: HashMap<TraceId, usize>,
    /// The holes that `parcels` gave.
    #[cfg(feature = "run")]
    given_holes: Vec<Hole>,
    /// What fetches the spans from elsewhere, ended with the watch.
    _feed: JoinSet<()>,
}

/// How many spans of each trace a [`Follow`] had decoded at one moment.
#[cfg(feature = "run")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Mark(HashMap<TraceId, usize>);

/// A span that was decoded after a [`Mark`].
#[cfg(feature = "run")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateSpan {
    pub(crate) service: String,
    pub(crate) arrived: Instant,
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
    /// Spans that could not be decoded.
    holes: Vec<Hole>,
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
            since: Instant::now(),
            is_fresh: false,
            changes,
            seen: 0,
            decoder: Decoder::default(),
            decoded: HashMap::new(),
            #[cfg(feature = "run")]
            given: HashMap::new(),
            #[cfg(feature = "run")]
            given_holes: Vec::new(),
            _feed: JoinSet::new(),
        }
    }

    /// The same, with a task that fetches the spans.
    #[cfg(feature = "run")]
    pub(crate) fn fed_by(mut self, feed: JoinSet<()>) -> Self {
        self._feed = feed;
        self
    }

    /// Declares that the trace begins now: losses before this moment are none of its.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.is_fresh = true;
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
        let linked = ties.iter().map(|&id| self.read(id, Origin::Foreign));
        let snapshot = Snapshot::new(at, own, linked.collect());
        let lifetime = match self.is_fresh {
            true => Lifetime::since(self.since),
            false => snapshot.lifetime(self.since),
        };
        let mut holes = self.store.holes(self.trace, &ties, lifetime);
        let read = std::iter::once(&self.trace).chain(&ties);
        let undecoded = read.filter_map(|id| self.decoded.get(id));
        holes.extend(undecoded.flat_map(|decoded| decoded.holes.iter().cloned()));
        snapshot.with_holes(holes)
    }

    /// The point that [`snapshot`](Self::snapshot) has reached.
    #[cfg(feature = "run")]
    pub(crate) fn mark(&self) -> Mark {
        let decoded = self.decoded.iter();
        Mark(decoded.map(|(id, of)| (*id, of.copies.len())).collect())
    }

    /// Whether anything has changed since the last snapshot.
    #[cfg(feature = "run")]
    pub(crate) fn has_changed(&self) -> bool {
        *self.changes.borrow() != self.seen
    }

    /// The spans that snapshots took up after this point, also those of linked traces.
    #[cfg(feature = "run")]
    pub(crate) fn since(&self, mark: &Mark) -> Vec<LateSpan> {
        let late = |(id, decoded): (&TraceId, &Decoded)| {
            let known = mark.0.get(id).copied().unwrap_or_default();
            let copies = decoded.copies.iter().skip(known);
            let late = copies.map(|(span, arrived)| LateSpan {
                service: span.service().to_owned(),
                arrived: *arrived,
            });
            late.collect::<Vec<_>>()
        };
        self.decoded.iter().flat_map(late).collect()
    }

    /// Spans of the trace and of those linked with it that arrived since the last call, undecoded,
    /// and losses that became known since then. Spans that arrived together are in one parcel.
    #[cfg(feature = "run")]
    pub(crate) fn parcels(&mut self) -> (Vec<Parcel>, Vec<Hole>) {
        // It notes the changes that it saw, so that later ones are announced once more.
        let mut holes = self.snapshot().trace.holes().to_vec();
        holes.retain(|hole| !self.given_holes.contains(hole));
        self.given_holes.extend(holes.iter().cloned());
        (self.new_parcels(), holes)
    }

    #[cfg(feature = "run")]
    fn new_parcels(&mut self) -> Vec<Parcel> {
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
                Err(error) if decoded.holes.len() < MOST_UNDECODED => {
                    decoded.holes.push(undecoded(&error));
                }
                Err(_) => {}
            }
        }
        Trace::assemble_marked(trace, origin, decoded.copies.iter().cloned())
    }
}

fn undecoded(error: &otlp::Malformed) -> Hole {
    Hole {
        reason: format!("a span of this trace cannot be decoded: {error}"),
        sender: Sender::default(),
        remedy: "update the OpenTelemetry SDK or Collector that sent it".to_owned(),
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

    /// The time in which spans of this trace may have been lost, if it is followed since then.
    ///
    /// It begins with the trace, at the earliest moment that a span gives: its start, or its
    /// arrival minus its duration. A service whose clock runs ahead reports a start that is later
    /// than that; the delay of its export is then unknown, so the usual longest one is assumed.
    pub(super) fn lifetime(&self, followed: Instant) -> Lifetime {
        let (now, wall_clock) = (Instant::now(), SystemTime::now());
        let spans = self.trace.spans().iter().zip(&self.arrivals);
        let ages = spans.map(|(span, &arrival)| {
            let before_arrival = span.duration().map_or(Duration::ZERO, Duration::from_nanos);
            let by_arrival = now.saturating_duration_since(arrival) + before_arrival;
            // Zero is no time: such a span says nothing.
            if span.start == 0 {
                return by_arrival;
            }
            let start = SystemTime::UNIX_EPOCH + Duration::from_nanos(span.start);
            match wall_clock.duration_since(start) {
                Ok(by_start) if by_start + CLOCK_PRECISION >= by_arrival => {
                    by_start.max(by_arrival)
                }
                _ => by_arrival + LONGEST_EXPORT_DELAY,
            }
        });
        let age = ages.max().unwrap_or_default().max(followed.elapsed());
        Lifetime {
            began: now.checked_sub(age),
            followed,
        }
    }

    pub(super) fn with_holes(mut self, holes: Vec<Hole>) -> Self {
        self.trace = self.trace.with_holes(holes);
        self
    }

    /// The first of these traces, with the others linked to it, as they were at this moment.
    pub(super) fn of(
        at: Instant,
        trace: TraceId,
        origin: Origin,
        spans: Vec<(TraceId, Vec<RawSpan>)>,
    ) -> Self {
        let mut decoder = Decoder::default();
        let mut holes = Vec::new();
        let mut traces = spans.into_iter().map(|(id, raws)| {
            let copies = raws.into_iter().filter_map(|raw| {
                let arrived = raw.arrived;
                let decoded = decoder.span(raw).map_err(|error| undecoded(&error));
                let span = decoded.map_err(|hole| holes.push(hole)).ok().flatten()?;
                Some((span, arrived))
            });
            let origin = if id == trace { origin } else { Origin::Foreign };
            Trace::assemble_marked(id, origin, copies)
        });
        let own = traces
            .next()
            .unwrap_or_else(|| Trace::assemble_marked(trace, origin, []));
        let linked = traces.collect();
        Self::new(at, own, linked).with_holes(holes)
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
