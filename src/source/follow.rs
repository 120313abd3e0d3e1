//! Follows one trace.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::select_all;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::metric_watch::MetricWatch;
#[cfg(feature = "run")]
use super::otlp;
use super::otlp::Signal;
#[cfg(feature = "run")]
use super::parcel::Parcel;
use super::poll_state::PollState;
use super::snapshot::{Passage, Snapshot};
#[cfg(feature = "run")]
use super::store::is_printed;
use super::store::{DecodedLogs, Lifetime, RecordDecoder, SharedState, undecoded};
#[cfg(feature = "run")]
use crate::trace::LogsWithoutTrace;
use crate::trace::{Delivery, Field, Hole, LogRecord, Origin, Span, SpanId, Trace, TraceId};

/// Number of spans that cannot be decoded of which a trace keeps the reason.
const MOST_UNDECODED: usize = 4;

/// Follows one trace and the traces that a link, in either direction, ties to it.
///
/// Their spans are kept until this is dropped; spans that arrive later are
/// [late](super::Store::late).
pub struct Follow {
    state: SharedState,
    trace: TraceId,
    origin: Origin,
    since: Instant,
    /// None of its spans was sent before.
    is_fresh: bool,
    changes: watch::Receiver<u64>,
    /// Number of changes up to the last snapshot.
    seen: u64,
    /// The progress of a source that polls.
    polls: Option<watch::Receiver<PollState>>,
    /// Starts the polling at the first snapshot.
    start: Option<oneshot::Sender<()>>,
    decoder: RecordDecoder,
    decoded: HashMap<TraceId, Decoded>,
    /// The markers that a pipeline got after the telemetry of this trace, each with the signals of its records.
    markers: Vec<(Follow, Vec<Signal>)>,
    /// Wakes up when metrics arrive, of which markers consist too.
    metrics: Option<MetricWatch>,
    /// The trace was sent into a pipeline, so that the arrivals of its spans count.
    is_of_pipeline: bool,
    /// The store receives the spans itself.
    is_first_hand: bool,
    /// Number of records of each trace that `parcels` returned.
    #[cfg(feature = "run")]
    given: HashMap<(TraceId, Signal), usize>,
    /// The holes that `parcels` returned.
    #[cfg(feature = "run")]
    given_holes: Vec<(Signal, Hole)>,
    /// Tasks that fetch the spans, aborted on drop.
    _feed: JoinSet<()>,
}

/// Number of spans and of log records of each trace that a [`Follow`] had decoded at one moment.
#[cfg(feature = "run")]
#[derive(Clone, Debug, Default)]
pub(crate) struct FollowMark(HashMap<TraceId, (usize, usize)>);

/// A span or log record that was decoded after a [`FollowMark`].
#[cfg(feature = "run")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateRecord {
    pub(crate) kind: LateKind,
    pub(crate) service: String,
    pub(crate) arrived: Instant,
}

/// The kind of a late record.
#[cfg(feature = "run")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LateKind {
    Span,
    LogRecord,
    /// The log record of a line that the service printed, without an exporter.
    PrintedLine,
}

#[cfg(feature = "run")]
impl LateRecord {
    pub(crate) fn of_log(record: &LogRecord, arrived: Instant) -> Self {
        Self {
            kind: match is_printed(record) {
                true => LateKind::PrintedLine,
                false => LateKind::LogRecord,
            },
            service: record.service().to_owned(),
            arrived,
        }
    }
}

/// The decoded spans of one trace.
#[derive(Debug, Default)]
struct Decoded {
    /// Number of raw spans that were read, including those that cannot be decoded.
    known: usize,
    /// Each copy of a span, with its arrival.
    copies: Vec<(Span, Instant)>,
    /// Spans that could not be decoded.
    holes: Vec<Hole>,
    logs: DecodedLogs,
}

impl Follow {
    pub(super) fn new(
        state: SharedState,
        trace: TraceId,
        origin: Origin,
        changes: watch::Receiver<u64>,
    ) -> Self {
        Self {
            state,
            trace,
            origin,
            since: Instant::now(),
            is_fresh: false,
            changes,
            seen: 0,
            polls: None,
            start: None,
            decoder: RecordDecoder::default(),
            decoded: HashMap::new(),
            markers: Vec::new(),
            metrics: None,
            is_of_pipeline: false,
            is_first_hand: true,
            #[cfg(feature = "run")]
            given: HashMap::new(),
            #[cfg(feature = "run")]
            given_holes: Vec::new(),
            _feed: JoinSet::new(),
        }
    }

    /// Adds the tasks that fetch the spans.
    #[cfg(feature = "run")]
    pub(crate) fn fed_by(mut self, feed: JoinSet<()>) -> Self {
        self._feed = feed;
        self.is_first_hand = false;
        self
    }

    /// Adds the task that reads the spans again and again, and its state. `start` is sent at the first snapshot.
    #[cfg(feature = "run")]
    pub(super) fn polled_by(
        mut self,
        polls: watch::Receiver<PollState>,
        start: oneshot::Sender<()>,
        task: JoinSet<()>,
    ) -> Self {
        self.polls = Some(polls);
        self.start = Some(start);
        self.fed_by(task)
    }

    /// Ends the task of a source that polls, whose answer cannot change any more.
    #[cfg(feature = "run")]
    pub(crate) fn end_polling(&mut self) {
        if self.polls.is_some() {
            self._feed = JoinSet::new();
        }
    }

    /// Declares that the trace begins now, so that earlier losses do not concern it.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.is_fresh = true;
        self
    }

    /// Also follows these markers, each with a record of these signals.
    #[cfg(feature = "run")]
    pub(crate) fn with_markers(mut self, markers: Vec<Self>, signals: &[Signal]) -> Self {
        if signals.contains(&Signal::Metrics) {
            self.metrics = Some(MetricWatch::new(self.state.clone()));
        }
        let markers = markers.into_iter();
        self.markers = markers.map(|marker| (marker, signals.to_vec())).collect();
        self.is_of_pipeline = true;
        self
    }

    /// A second watch over the same trace and the same time.
    pub(crate) fn beside(&self) -> Self {
        let changes = self.state.lock().follow(self.trace);
        let mut other = Self::new(self.state.clone(), self.trace, self.origin, changes);
        other.since = self.since;
        other.polls = self.polls.clone();
        other.is_fresh = self.is_fresh;
        other
    }

    /// The trace that is followed.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace
    }

    /// Waits for a change of this trace or of a linked one since the last snapshot. Before the first
    /// snapshot, waits until anything has arrived. If the source polls, also waits for its next answer
    /// at most. Cancel-safe.
    pub async fn changed(&mut self) {
        let seen = self.seen;
        let changed = self.changes.wait_for(|&changes| changes != seen);
        let polled = async {
            match &mut self.polls {
                Some(polls) => polls.changed().await,
                None => std::future::pending().await,
            }
        };
        let markers = self.markers.iter_mut().map(|(marker, _)| {
            let seen = marker.seen;
            marker
                .changes
                .wait_for(move |&changes| changes != seen)
                .boxed()
        });
        let markers: Vec<_> = markers.collect();
        let marked = async {
            match markers.is_empty() {
                true => std::future::pending().await,
                false => select_all(markers).await.0.is_err(),
            }
        };
        let measured = async {
            match &mut self.metrics {
                Some(metrics) => metrics.changed().await,
                None => std::future::pending().await,
            }
        };
        let is_closed = tokio::select! {
            () = measured => false,
            changed = changed => changed.is_err(),
            polled = polled => polled.is_err(),
            is_closed = marked => is_closed,
        };
        if is_closed {
            // Only after the task that polls has ended: the state that we hold has the other sender.
            std::future::pending().await
        }
    }

    /// Waits for the next change after this moment. [`changed`](Self::changed) returns for it, too.
    pub(crate) async fn arrival(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// The trace at this moment. Only spans that arrived since the last call are decoded.
    pub fn snapshot(&mut self) -> Snapshot {
        if let Some(start) = self.start.take() {
            // Without the task, there is nothing to start.
            let _ = start.send(());
        }
        // Both before reading: a change in between is in this snapshot, and announced again.
        let at = Instant::now();
        self.seen = *self.changes.borrow_and_update();
        let polled = self
            .polls
            .as_mut()
            .map(|polls| polls.borrow_and_update().clone());
        let own = self.read(self.trace, self.origin);
        let ties = self.state.lock().ties(self.trace);
        let linked = ties.iter().map(|&id| self.read(id, Origin::Foreign));
        let mut snapshot = Snapshot::new(at, own, linked.collect());
        let logs = self.decoded.values().map(|decoded| &decoded.logs);
        snapshot.log_arrival = logs.flat_map(|logs| &logs.arrivals).max().copied();
        if let Some(polled) = &polled {
            snapshot.known_until = polled.confirmed.unwrap_or(self.since);
        }
        let lifetime = match self.is_fresh {
            true => Lifetime::since(self.since),
            false => snapshot.lifetime(self.since),
        };
        let mut holes = self.state.lock().holes(self.trace, &ties, lifetime);
        // After the records, so that no discarded one is missing in both.
        let log_holes = self.state.lock().log_holes(self.trace, &ties, lifetime);
        snapshot.trace = snapshot.trace.with_log_holes(log_holes);
        let read = std::iter::once(&self.trace).chain(&ties);
        let undecoded = read.filter_map(|id| self.decoded.get(id));
        holes.extend(undecoded.flat_map(|decoded| decoded.holes.iter().cloned()));
        if let Some(polled) = polled {
            holes.extend(polled.troubles);
            let mut losses = polled.losses;
            if polled.lacks_logs {
                losses.add(&std::iter::once(Field::LogRecords).collect());
            }
            let trace = snapshot.trace.with_losses(losses);
            snapshot.trace = trace.with_log_holes(polled.log_troubles);
        }
        snapshot.passage = self.passage();
        if self.is_of_pipeline {
            snapshot.trace = snapshot.trace.with_delivery(self.delivery());
        }
        snapshot.with_holes(holes)
    }

    fn passage(&mut self) -> Passage {
        let markers = self.markers.iter_mut();
        let arrivals: Option<Vec<Instant>> = markers
            .map(|(marker, signals)| marker.arrival_of_all(signals))
            .collect();
        match arrivals {
            None => Passage::Missing,
            Some(arrivals) => arrivals
                .into_iter()
                .max()
                .map_or(Passage::NotAwaited, Passage::Complete),
        }
    }

    /// The arrivals of the spans, and the part of the trace that each named receiver got.
    fn delivery(&mut self) -> Delivery {
        let mut delivery = Delivery {
            has_repeats: self.is_first_hand,
            ..Delivery::default()
        };
        let mut arrived = |span: SpanId, receiver: &str| {
            let receivers = delivery.arrivals.entry(span).or_default();
            receivers.push(receiver.to_owned());
        };
        let Some(decoded) = self.decoded.get(&self.trace) else {
            return delivery;
        };
        let mut parts: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        for (span, _) in &decoded.copies {
            arrived(span.span_id, span.resource.receiver());
            let part = parts
                .entry(span.resource.receiver().to_owned())
                .or_default();
            part.push(span.clone());
        }
        let repeats = self.state.lock().repeats(self.trace);
        for (span, resource) in repeats {
            if let Ok(resource) = self.decoder.resource(resource) {
                arrived(span, resource.receiver());
            }
        }
        let mut logs: BTreeMap<String, Vec<Arc<LogRecord>>> = BTreeMap::new();
        for record in decoded.logs.records.iter() {
            let name = record.resource.receiver().to_owned();
            logs.entry(name).or_default().push(Arc::clone(record));
        }
        let names: BTreeSet<String> = parts.keys().chain(logs.keys()).cloned().collect();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let spans = parts.remove(&name).unwrap_or_default();
            let logs = logs.remove(&name).unwrap_or_default();
            let part = Trace::assemble(self.trace, self.origin, spans).with_logs(Arc::new(logs));
            delivery.at.insert(name, part);
        }
        delivery.marked = (!self.markers.is_empty()).then(|| self.marked());
        delivery
    }

    /// The named receivers at which a marker arrived.
    fn marked(&self) -> BTreeSet<String> {
        let decoded = self.markers.iter();
        let decoded = decoded.filter_map(|(marker, _)| marker.decoded.get(&marker.trace));
        let names = decoded.flat_map(|decoded| {
            let of_spans = decoded
                .copies
                .iter()
                .map(|(span, _)| span.resource.receiver());
            let of_logs = decoded.logs.records.iter();
            of_spans.chain(of_logs.map(|record| record.resource.receiver()))
        });
        let names = names.filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    /// The last arrival of a record, if one of each of these signals arrived.
    fn arrival_of_all(&mut self, signals: &[Signal]) -> Option<Instant> {
        let snapshot = self.snapshot();
        let arrivals: Option<Vec<Instant>> = signals
            .iter()
            .map(|signal| match signal {
                Signal::Traces => snapshot.arrivals.iter().max().copied(),
                Signal::Logs => snapshot.log_arrival,
                Signal::Metrics => self.arrival_of_metric(),
            })
            .collect();
        arrivals?.into_iter().max()
    }

    /// The arrival of the data point of this marker.
    #[cfg(feature = "run")]
    fn arrival_of_metric(&self) -> Option<Instant> {
        let value = crate::trace::marker_value(self.trace);
        self.state.lock().arrival_of_value(value)
    }

    /// Without `run`, no marker is sent.
    #[cfg(not(feature = "run"))]
    fn arrival_of_metric(&self) -> Option<Instant> {
        None
    }

    /// The log records that its store has, since this moment or ever.
    #[cfg(feature = "run")]
    pub(crate) fn logs_without_trace(&self, since: Option<Instant>) -> LogsWithoutTrace {
        let arrived = self.state.arrived_logs(since);
        arrived.decoded()
    }

    /// The point that [`snapshot`](Self::snapshot) has reached.
    #[cfg(feature = "run")]
    pub(crate) fn mark(&self) -> FollowMark {
        let decoded = self.decoded.iter();
        let counts = decoded.map(|(id, of)| (*id, (of.copies.len(), of.logs.records.len())));
        FollowMark(counts.collect())
    }

    /// Returns `true` if there was a change since the last snapshot.
    #[cfg(feature = "run")]
    pub(crate) fn has_changed(&self) -> bool {
        *self.changes.borrow() != self.seen
    }

    /// The spans and log records that were decoded after this point, including those of linked traces.
    #[cfg(feature = "run")]
    pub(crate) fn since(&self, mark: &FollowMark) -> Vec<LateRecord> {
        let mut late = Vec::new();
        for (id, decoded) in &self.decoded {
            let (spans, logs) = mark.0.get(id).copied().unwrap_or_default();
            let spans = decoded.copies.iter().skip(spans);
            late.extend(spans.map(|(span, arrived)| LateRecord {
                kind: LateKind::Span,
                service: span.service().to_owned(),
                arrived: *arrived,
            }));
            let DecodedLogs {
                records, arrivals, ..
            } = &decoded.logs;
            let logs = records.iter().zip(arrivals).skip(logs);
            late.extend(logs.map(|(record, arrived)| LateRecord::of_log(record, *arrived)));
        }
        late
    }

    /// The spans and log records of the trace and of linked ones that arrived since the last call,
    /// undecoded, and the holes that became known since then. Records of one signal that arrived
    /// together are in one parcel.
    #[cfg(feature = "run")]
    pub(crate) fn parcels(&mut self) -> (Vec<Parcel>, Vec<(Signal, Hole)>) {
        // The snapshot also resets `changed`.
        let trace = self.snapshot().trace;
        let of_spans = trace.holes().iter().map(|hole| (Signal::Traces, hole));
        let of_logs = trace.log_holes().iter().map(|hole| (Signal::Logs, hole));
        let all = of_spans.chain(of_logs);
        let mut holes: Vec<_> = all.map(|(signal, hole)| (signal, hole.clone())).collect();
        holes.retain(|hole| !self.given_holes.contains(hole));
        self.given_holes.extend(holes.iter().cloned());
        let mut parcels = Vec::new();
        for signal in [Signal::Traces, Signal::Logs] {
            self.add_parcels(signal, &mut parcels);
        }
        (parcels, holes)
    }

    #[cfg(feature = "run")]
    fn add_parcels(&mut self, signal: Signal, parcels: &mut Vec<Parcel>) {
        let ties = self.state.lock().ties(self.trace);
        for trace in std::iter::once(self.trace).chain(ties) {
            let given = self.given.entry((trace, signal)).or_default();
            for raw in self.state.records_from(trace, signal, *given) {
                *given += 1;
                let packed = otlp::pack(&raw.resource, &raw.scope, &raw.bytes);
                match parcels.last_mut() {
                    Some(last) if (last.signal, last.arrived) == (signal, raw.arrived) => {
                        last.request.extend(packed);
                    }
                    _ => parcels.push(Parcel {
                        signal,
                        arrived: raw.arrived,
                        request: packed,
                    }),
                }
            }
        }
    }

    /// A trace, and the arrival of each of its spans.
    fn read(&mut self, trace: TraceId, origin: Origin) -> (Trace, Vec<Instant>) {
        let decoded = self.decoded.entry(trace).or_default();
        let spans = self
            .state
            .records_from(trace, Signal::Traces, decoded.known);
        for raw in spans {
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
        let logs = self
            .state
            .records_from(trace, Signal::Logs, decoded.logs.known);
        decoded.logs.read(logs, &mut self.decoder);
        let logs = Arc::clone(&decoded.logs.records);
        let (trace, arrivals) = Trace::assemble_marked(trace, origin, &decoded.copies);
        (trace.with_logs(logs), arrivals)
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.state.release(self.trace);
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
