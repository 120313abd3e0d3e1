//! What the receiver remembers.
//!
//! Spans of traces that somebody follows are kept as raw bytes, as are those of traces that a link
//! ties to them; all others pass through a bounded ring. Nothing here knows how bytes arrive.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use super::census::{Carried, Census, Ingested, Refusal};
use super::decoder::Decoder;
use super::finished::Late;
use super::follow::{Follow, Snapshot};
use super::kept::RawSpan;
use super::lost::{Lifetime, Loss};
use super::news::News;
use super::paths::Misdirected;
use super::presence::{self, Presence};
use super::shelves::{Shelves, drops, rejections, services};
use crate::source::Sightings;
use crate::source::otlp::{self, Malformed, Walk};
use crate::trace::{Hole, Origin, Sender, Span, Trace, TraceId};

/// The spans that were received, shared by everybody who holds a copy of this handle.
///
/// A [`Receiver`](super::Receiver) fills one over the network; whoever has spans in this very
/// process calls [`Store::ingest`].
#[derive(Clone, Debug, Default)]
pub struct Store(Arc<Mutex<Shelves>>);

/// A store that does not keep its spans alive.
#[derive(Clone, Debug)]
pub(super) struct WeakStore(Weak<Mutex<Shelves>>);

impl WeakStore {
    pub(super) fn upgrade(&self) -> Option<Store> {
        self.0.upgrade().map(Store)
    }
}

impl Store {
    /// A store that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that remembers every span, followed or not, until so many bytes are full and the
    /// oldest have to go: for those who ask for a trace after it came, and more than once.
    #[must_use]
    pub fn remembering(bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Shelves::remembering(bytes))))
    }

    /// Takes in an `ExportTraceServiceRequest` in protobuf. Whoever follows one of its traces, or
    /// one that is linked to them, has been notified when this returns.
    ///
    /// # Errors
    /// When the bytes are no such message; nothing is taken in then.
    pub fn ingest(&self, request: &[u8]) -> Result<Ingested, Malformed> {
        self.ingest_from(request, &Sender::default())
    }

    /// As [`Self::ingest`], of something that this process sent.
    pub(super) fn ingest_from(
        &self,
        request: &[u8],
        sender: &Sender,
    ) -> Result<Ingested, Malformed> {
        self.take_in(request, Instant::now(), sender)
    }

    /// As [`Self::ingest`], of something that arrived at this moment.
    #[cfg(feature = "run")]
    pub(crate) fn ingest_at(
        &self,
        request: &[u8],
        arrived: Instant,
    ) -> Result<Ingested, Malformed> {
        self.take_in(request, arrived, &Sender::default())
    }

    fn take_in(
        &self,
        request: &[u8],
        arrived: Instant,
        sender: &Sender,
    ) -> Result<Ingested, Malformed> {
        let walk = Walk::of(request)?;
        let services = services(&walk)?;
        let ingested = Ingested {
            spans: walk.spans.len(),
            rejected: walk.invalid,
            rejections: rejections(&walk, &services),
            dropped_attributes: walk.dropped_attributes,
            drops: drops(&walk, &services),
        };
        let mut shelves = self.lock();
        shelves.take_in(request, &walk, &services, arrived);
        shelves.note_rejected(&walk, &services, arrived, sender);
        shelves.census.count_losses(&ingested);
        Ok(ingested)
    }

    /// Starts to keep the spans of this trace, and takes up those that came already, as far as
    /// they are still remembered.
    #[must_use]
    pub fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        let changes = self.lock().follow(trace);
        Follow::new(self.clone(), trace, origin, changes)
    }

    /// Says for how long whoever exports to this store may keep a span before that: with
    /// `OTEL_BSP_SCHEDULE_DELAY=100`, 350 ms is plenty; with a simple span processor, nothing. Then
    /// a trace is known to be complete so long after the response. Without it, a trace waits for
    /// 5.5 s, which covers the default delay of SDKs.
    #[must_use]
    pub fn flush_within(self, flush: Duration) -> Self {
        self.lock().flush = Some(flush);
        self
    }

    /// Takes this for the flush bound unless the user has declared one.
    #[cfg(feature = "run")]
    pub(crate) fn assume_flush(&self, flush: Duration) {
        self.lock().flush.get_or_insert(flush);
    }

    /// Both are the same store.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn downgrade(&self) -> WeakStore {
        WeakStore(Arc::downgrade(&self.0))
    }

    /// A receiver or an exporter of this process fills the store from now on.
    pub(crate) fn is_filled(&self) {
        presence::register(self);
    }

    /// The other stores of this process that a receiver or an exporter fills.
    pub(crate) fn others(&self) -> Vec<Self> {
        presence::others(self)
    }

    /// What is known about the receiver and the exporters.
    pub(crate) fn presence(&self) -> Presence {
        self.lock().presence
    }

    /// Notes a change of the exporters that feed the store.
    #[cfg(feature = "opentelemetry_0_33")]
    pub(crate) fn note_exporter(&self, change: impl FnOnce(&mut Presence)) {
        change(&mut self.lock().presence);
    }

    /// Calls this when the receiver is dropped.
    pub(crate) fn when_closed(&self, call: fn(&Self)) {
        self.lock().presence.on_close = Some(call);
    }

    /// The receiver is dropped.
    pub(super) fn close(&self) {
        let on_close = {
            let presence = &mut self.lock().presence;
            presence.is_closed = true;
            presence.on_close.take()
        };
        if let Some(call) = on_close {
            call(self);
        }
    }

    pub(crate) fn known_flush(&self) -> Option<Duration> {
        self.lock().flush
    }

    /// What is there of a trace at this moment, without following it: a `Late` span is none for
    /// it, and spans that nobody asked for stay so.
    #[must_use]
    pub fn peek(&self, trace: TraceId, origin: Origin) -> Snapshot {
        let at = Instant::now();
        let spans = self.lock().peek(trace);
        let linked: Vec<TraceId> = spans.iter().skip(1).map(|(id, _)| *id).collect();
        let snapshot = Snapshot::of(at, trace, origin, spans);
        let holes = self.holes(trace, &linked, snapshot.lifetime(at));
        snapshot.with_holes(holes)
    }

    /// What happens from now on: which traces get spans, and what is refused.
    #[must_use]
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.lock().news.join()
    }

    /// What was received so far, in numbers.
    #[must_use]
    pub fn census(&self) -> Census {
        self.lock().census.clone()
    }

    /// Traces that nobody follows or followed, and that no link ties to one that somebody
    /// follows: as much of what came for them at this moment or later as is still remembered.
    #[must_use]
    pub fn strangers(&self, since: Instant) -> Vec<Trace> {
        let spans = self.lock().strangers(since);
        decoded(spans)
    }

    /// The SERVER spans that arrived at this moment or later and that the store still remembers, by
    /// their traces. Without a moment, all of them.
    #[cfg(feature = "run")]
    pub(crate) fn servers(&self, since: Option<Instant>) -> Vec<Trace> {
        let spans = self.lock().servers(since);
        decoded(spans)
    }

    /// Traces for which spans came after the last [`Follow`] of them was dropped.
    #[must_use]
    pub fn late(&self) -> Vec<Late> {
        self.lock().finished.late()
    }

    /// See [`TraceSource::sightings`](crate::source::TraceSource::sightings).
    #[must_use]
    pub fn sightings(&self, since: Instant) -> Sightings {
        Sightings {
            census: self.census(),
            strangers: self.strangers(since),
            late: self.late(),
        }
    }

    /// Counts an accepted request for logs or metrics.
    pub(super) fn count(&self, log_records: u64, metric_points: u64) {
        let census = &mut self.lock().census;
        census.requests += 1;
        census.log_records += log_records;
        census.metric_points += metric_points;
        census.last_arrival = Some(Instant::now());
    }

    /// Counts a request that was not accepted.
    pub(super) fn refuse(&self, refusal: Refusal) {
        let mut shelves = self.lock();
        if let Some(hole) = refusal.hole() {
            shelves.lose_of_unknown(Loss {
                at: refusal.at,
                hole: Arc::new(hole),
            });
        }
        shelves.news.tell(|| News::Refused(refusal.clone()));
        shelves.census.refuse(refusal);
    }

    /// Counts a request to a path that is not served.
    pub(super) fn misdirected(&self, sender: Sender, endpoint: String, why: Misdirected) {
        self.refuse(Refusal {
            at: Instant::now(),
            sender,
            endpoint,
            reason: why.reason,
            remedy: why.remedy,
            carried: Carried::NoSpans,
        });
    }

    /// Counts a request to a path that another protocol has.
    #[cfg(feature = "run")]
    pub(crate) fn other_protocol(&self, sender: Sender, method: &axum::http::Method, path: &str) {
        if let Some(why) = Misdirected::to_other_protocol(path) {
            self.misdirected(sender, format!("{method} {path}"), why);
        }
    }

    /// Notes that spans of this trace are lost.
    #[cfg(feature = "run")]
    pub(crate) fn lose(&self, trace: TraceId, hole: Hole) {
        let loss = Loss {
            at: Instant::now(),
            hole: Arc::new(hole),
        };
        self.lock().lose(trace, loss);
    }

    /// The known losses of a followed trace and of those that it is linked with.
    pub(super) fn holes(&self, trace: TraceId, linked: &[TraceId], life: Lifetime) -> Vec<Hole> {
        self.lock().holes(trace, linked, life)
    }

    /// The spans of a followed trace from the `known`th on.
    pub(super) fn spans_from(&self, trace: TraceId, known: usize) -> Vec<RawSpan> {
        self.lock().spans_from(trace, known)
    }

    /// The traces that a followed trace is linked with.
    pub(super) fn ties(&self, trace: TraceId) -> Vec<TraceId> {
        let shelves = self.lock();
        let followed = shelves
            .kept
            .get(&trace)
            .and_then(|kept| kept.followed.as_ref());
        followed.map_or_else(Vec::new, |followed| followed.ties.clone())
    }

    /// One of those who follow this trace does so no longer.
    pub(super) fn release(&self, trace: TraceId) {
        self.lock().release(trace);
    }

    /// Nothing in here can panic half-way through a change, so a poisoned lock is a sound one.
    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The traces of these spans, without those that cannot be decoded.
fn decoded(spans: Vec<RawSpan>) -> Vec<Trace> {
    let mut decoder = Decoder::default();
    let decoded = spans.into_iter().filter_map(|raw| decoder.span(raw).ok());
    otlp::assemble(decoded.flatten().collect::<Vec<Span>>())
}

impl AsRef<Self> for Store {
    fn as_ref(&self) -> &Self {
        self
    }
}
