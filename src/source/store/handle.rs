//! The handle of a store.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard};
#[cfg(feature = "run")]
use std::time::SystemTime;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::broadcast;

use super::decoder::{DecodedLogs, RecordDecoder};
use super::entry::RawRecord;
use super::event::StoreEvent;
#[cfg(test)]
use super::limit::Limits;
#[cfg(feature = "run")]
use super::losses;
use super::losses::Loss;
#[cfg(feature = "run")]
use super::metric_feed::MetricFeed;
use super::presence::{OnClose, Presence};
use super::recent::{self, RecentRequest};
use super::registry;
use super::request::LogArrival;
#[cfg(feature = "run")]
use super::request::services_of;
use super::shared::SharedState;
use super::state::{Peek, StoreState, wanted};
#[cfg(feature = "run")]
use super::traffic::TrafficInterest;
use super::uncorrelated::ArrivedLogs;
use crate::source::diagnostics::{LateTrace, SourceDiagnostics};
use crate::source::follow::Follow;
use crate::source::metric_watch::MetricWatch;
use crate::source::otlp::{self, Malformed, MetricExport, MetricWalk, Signal};
use crate::source::snapshot::Snapshot;
use crate::source::stats::{Ingested, ReceiverStats, Refusal};
#[cfg(feature = "run")]
use crate::source::text_log::{TextLine, TextLog};
#[cfg(feature = "run")]
use crate::source::traffic_watch::TrafficWatch;
#[cfg(feature = "run")]
use crate::trace::Hole;
use crate::trace::{LogsWithoutTrace, Origin, Sender, Span, Trace, TraceId};

/// Size in bytes of the requests in which a diagnosis looks for other traces: as much as a store keeps by default.
/// Decoded, they need several times as much, in each of the judgements that run at the same time.
const MOST_DIAGNOSED: usize = recent::CAPACITY;

/// The records that were received. Copies of a handle refer to the same store.
///
/// A [`Receiver`](crate::Receiver) fills it over the network; [`Store::ingest`] adds spans of this
/// process.
#[derive(Clone, Debug, Default)]
pub struct Store(SharedState);

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that remembers the most recent spans within this number of bytes, so that a trace can
    /// be requested after it arrived, and more than once.
    #[must_use]
    pub fn remembering(bytes: usize) -> Self {
        Self(SharedState::new(StoreState::remembering(bytes)))
    }

    /// A store with these limits.
    #[cfg(test)]
    pub(super) fn limited(limits: Limits) -> Self {
        Self(SharedState::new(StoreState::limited(limits)))
    }

    /// A store that keeps this number of spans of a trace.
    #[cfg(all(test, feature = "cli"))]
    pub(crate) fn keeping_spans(spans: usize) -> Self {
        Self::limited(Limits {
            spans,
            ..Limits::default()
        })
    }

    #[cfg(test)]
    pub(super) fn state(&self) -> &SharedState {
        &self.0
    }

    /// Stores an `ExportTraceServiceRequest` in protobuf, and notifies the followers of its traces and
    /// of those linked with them.
    ///
    /// # Errors
    /// When the bytes are not such a message. Nothing is stored then.
    pub fn ingest(&self, request: &[u8]) -> Result<Ingested, Malformed> {
        self.ingest_from(request, &Sender::default())
    }

    /// As [`Self::ingest`], with the sender.
    pub(in crate::source) fn ingest_from(
        &self,
        request: &[u8],
        sender: &Sender,
    ) -> Result<Ingested, Malformed> {
        self.take_in(request, Instant::now(), sender)
    }

    /// As [`Self::ingest`], with the moment of the arrival.
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
        let request = self.0.read_spans(request, arrived)?;
        self.0.take_in_spans(&request, sender);
        let ingested = request.ingested();
        self.lock().stats.count_losses(&ingested);
        Ok(ingested)
    }

    /// Starts to follow a trace. The first snapshot has the spans that the store still remembers.
    #[must_use]
    pub fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        let changes = self.lock().follow(trace);
        Follow::new(self.0.clone(), trace, origin, changes)
    }

    /// Sets the flush bound: the maximum delay between the end of a span and its export. A trace is
    /// complete when it has passed since the response. With `OTEL_BSP_SCHEDULE_DELAY=100`, 350 ms is
    /// sufficient; with a simple span processor, zero. Without a bound, each trace waits 5.5 s, which
    /// covers the default delay of SDKs.
    #[must_use]
    pub fn flush_within(self, flush: Duration) -> Self {
        self.lock().flush = Some(flush);
        self
    }

    /// Sets the flush bound unless there is one.
    #[cfg(feature = "run")]
    pub(crate) fn assume_flush(&self, flush: Duration) {
        self.lock().flush.get_or_insert(flush);
    }

    /// Both are the same store.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.is(&other.0)
    }

    /// Registers the store as one that a receiver or an exporter of this process fills.
    pub(crate) fn is_filled(&self) {
        registry::register(&self.0);
    }

    /// The other stores of this process that a receiver or an exporter fills.
    pub(crate) fn others(&self) -> Vec<Self> {
        registry::others(&self.0).into_iter().map(Self).collect()
    }

    /// The receiver and the exporters.
    pub(crate) fn presence(&self) -> Presence {
        self.lock().presence
    }

    /// Records a change of the exporters that feed the store.
    #[cfg(feature = "opentelemetry_0_33")]
    pub(crate) fn note_exporter(&self, change: impl FnOnce(&mut Presence)) {
        change(&mut self.lock().presence);
    }

    /// Calls this when the receiver is dropped, if the store still exists.
    pub(crate) fn when_closed(&self, call: fn(&Self)) {
        let store = self.0.downgrade();
        let call = move || {
            if let Some(store) = store.upgrade() {
                call(&Self(store));
            }
        };
        self.lock().on_close = Some(OnClose(Box::new(call)));
    }

    /// Records that the receiver was dropped.
    pub(in crate::source) fn close(&self) {
        let on_close = {
            let mut state = self.lock();
            state.presence.is_closed = true;
            state.on_close.take()
        };
        if let Some(OnClose(call)) = on_close {
            call();
        }
    }

    pub(crate) fn known_flush(&self) -> Option<Duration> {
        self.lock().flush
    }

    /// A snapshot of a trace, without following it. Spans that arrive later do not count as late.
    #[must_use]
    pub fn peek(&self, trace: TraceId, origin: Origin) -> Snapshot {
        let at = Instant::now();
        let Peek { spans, hole } = self.lock().peek(trace);
        let linked: Vec<TraceId> = spans.iter().skip(1).map(|(id, _)| *id).collect();
        let spans = spans
            .into_iter()
            .map(|(id, found)| (id, found.of_trace(id)));
        let spans = spans.collect();
        let snapshot = Snapshot::of(at, trace, origin, spans);
        let lifetime = snapshot.lifetime(at);
        let (mut logs, mut decoder) = (DecodedLogs::default(), RecordDecoder::default());
        let state = self.lock();
        let raw_logs = state.logs_of(trace);
        let mut holes = state.holes(trace, &linked, lifetime);
        let log_holes = state.log_holes(trace, &linked, lifetime);
        drop(state);
        holes.extend(hole);
        logs.read(raw_logs, &mut decoder);
        let mut snapshot = snapshot.with_holes(holes);
        let trace = snapshot.trace.with_logs(logs.records);
        snapshot.trace = trace.with_log_holes(log_holes);
        snapshot
    }

    /// A receiver of all further events.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<StoreEvent> {
        self.lock().subscribers.subscribe()
    }

    /// Counts of everything that was received.
    #[must_use]
    pub fn stats(&self) -> ReceiverStats {
        self.lock().stats.clone()
    }

    /// Traces that were never followed and are not linked with a followed one: their spans that
    /// arrived since this moment and are still remembered.
    #[must_use]
    pub fn unrelated(&self, since: Instant) -> Vec<Trace> {
        let state = self.lock();
        let (requests, known) = (state.recent(Some(since)), state.known());
        drop(state);
        of_others(&requests, &known)
    }

    /// Returns `true` if spans of traces that were never followed, which arrived since this moment, were discarded.
    #[cfg(feature = "cli")]
    pub(crate) fn has_discarded(&self, since: Instant) -> bool {
        self.lock().has_discarded_spans(since)
    }

    /// The SERVER spans that arrived since this moment and are still remembered, in traces. All of
    /// them without a moment.
    #[cfg(feature = "run")]
    pub(crate) fn servers(&self, since: Option<Instant>) -> Vec<Trace> {
        let requests = self.lock().recent(since);
        decoded(wanted(&requests, |span| otlp::is_server(span.bytes)))
    }

    /// Traces with spans that arrived after the last [`Follow`] was dropped.
    #[must_use]
    pub fn late(&self) -> Vec<LateTrace> {
        self.lock().closed.late()
    }

    /// See [`TraceSource::diagnostics`](crate::source::TraceSource::diagnostics).
    #[must_use]
    pub fn diagnostics(&self, since: Instant) -> SourceDiagnostics {
        let state = self.lock();
        let (requests, is_all) = state.newest_since(since, MOST_DIAGNOSED);
        let (known, has_discarded) = (state.known(), state.has_discarded_spans(since));
        drop(state);
        SourceDiagnostics {
            stats: self.stats(),
            unrelated: of_others(&requests, &known),
            has_discarded: has_discarded || !is_all,
            late: self.late(),
        }
    }

    /// Stores the log record of a line that a service printed.
    #[cfg(feature = "run")]
    pub(crate) fn ingest_line(&self, log: &mut TextLog, line: &str) {
        let kept = |written| self.lock().kept_trace(written);
        match log.read(line, SystemTime::now(), kept) {
            TextLine::Record(request) => {
                // It is valid OTLP.
                let _ = self.take_in_logs(&request, Instant::now(), LogArrival::Printed);
            }
            TextLine::Part => {}
            TextLine::Cut => {
                let loss = Loss::now(losses::cut_line(log.service()));
                self.lock().lose_of_unknown(Signal::Logs, loss);
            }
            TextLine::Joined => {
                let loss = Loss::now(losses::joined_lines(log.service()));
                self.lock().lose_of_unknown(Signal::Logs, loss);
            }
        }
    }

    /// Stores an `ExportLogsServiceRequest` in protobuf, and notifies the followers of its traces and of
    /// those linked with them.
    ///
    /// # Errors
    /// When the bytes are not such a message. Nothing is stored then.
    pub fn ingest_logs(&self, request: &[u8]) -> Result<(), Malformed> {
        self.ingest_logs_at(request, Instant::now())
    }

    /// As [`Self::ingest_logs`], with the moment of the arrival.
    pub(in crate::source) fn ingest_logs_at(
        &self,
        request: &[u8],
        arrived: Instant,
    ) -> Result<(), Malformed> {
        self.take_in_logs(request, arrived, LogArrival::Export)
    }

    fn take_in_logs(
        &self,
        request: &[u8],
        arrived: Instant,
        by: LogArrival,
    ) -> Result<(), Malformed> {
        let request = self.0.read_logs(request, arrived)?;
        #[cfg(feature = "run")]
        self.0.observe_logs(&request, by);
        #[cfg(not(feature = "run"))]
        let LogArrival::Export = by;
        self.0.take_in_logs(&request);
        let records = request.walk.records.len() as u64;
        self.lock().stats.count(records, 0, arrived);
        Ok(())
    }

    /// Counts the points of an `ExportMetricsServiceRequest`, and stores them if metrics are kept.
    ///
    /// # Errors
    /// When the bytes are not such a message. Nothing is stored then.
    pub fn ingest_metrics(&self, request: &[u8]) -> Result<(), Malformed> {
        self.ingest_metrics_at(request, Instant::now())
    }

    /// As [`Self::ingest_metrics`], with the moment of the arrival.
    pub(in crate::source) fn ingest_metrics_at(
        &self,
        request: &[u8],
        arrived: Instant,
    ) -> Result<(), Malformed> {
        let points = MetricWalk::of_metrics(request)?.points();
        let keeps_metrics = self.lock().keeps_metrics();
        let export = match keeps_metrics {
            true => Some(MetricExport::decode(Bytes::copy_from_slice(request))?),
            false => None,
        };
        #[cfg(feature = "run")]
        self.observe_metrics(request, arrived);
        let mut state = self.lock();
        state.stats.count(0, points, arrived);
        if let Some(export) = export {
            #[cfg(feature = "run")]
            state.forward_metrics(arrived, request);
            state.take_in_metrics(export, arrived);
        }
        Ok(())
    }

    /// Records the data points of a request, which was walked, in the open windows.
    #[cfg(feature = "run")]
    fn observe_metrics(&self, request: &[u8], arrived: Instant) {
        let are_open = self.lock().traffic.are_open();
        if !are_open {
            return;
        }
        if let (Ok(walk), Ok(times)) = (MetricWalk::of_metrics(request), otlp::point_times(request))
        {
            let services = services_of(&walk.resources);
            self.lock().observe_metrics(&times, &services, arrived);
        }
    }

    /// As [`Self::ingest_metrics`], for OTLP/JSON.
    pub(crate) fn ingest_json_metrics(&self, request: impl Into<Bytes>) -> Result<(), Malformed> {
        self.ingest_metrics(&otlp::metrics_from_json(request)?)
    }

    /// Keeps metrics from now on: the last point of each series. Without this call and watches, they
    /// are only counted.
    pub fn keep_metrics(&self) {
        self.lock().keep_metrics();
    }

    /// All exports of metrics that arrive from now on.
    #[cfg(feature = "run")]
    pub(crate) fn metric_feed(&self) -> MetricFeed {
        self.lock().keep_metrics().readers.feed()
    }

    /// Adds a hole for metrics.
    #[cfg(feature = "run")]
    pub(in crate::source) fn lose_metrics(&self, hole: Hole) {
        self.lock()
            .lose_of_unknown(Signal::Metrics, Loss::now(hole));
    }

    /// Watches the metrics that arrive.
    #[must_use]
    pub fn watch_metrics(&self) -> MetricWatch {
        MetricWatch::new(self.0.clone())
    }

    /// Watches everything that arrives from now on, of any trace.
    #[cfg(feature = "run")]
    pub(crate) fn watch_traffic(&self, interest: TrafficInterest) -> TrafficWatch {
        TrafficWatch::open(self.0.clone(), interest)
    }

    /// Counts a refused request.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        let mut state = self.lock();
        #[cfg(feature = "run")]
        state.traffic.refuse(&refusal);
        if let Some(hole) = refusal.hole().map(Arc::new) {
            for signal in Signal::ALL {
                if refusal.carried.may_be(signal) {
                    let (at, hole) = (refusal.at, Arc::clone(&hole));
                    state.lose_of_unknown(signal, Loss { at, hole });
                }
            }
        }
        state
            .subscribers
            .notify(|| StoreEvent::Refused(refusal.clone()));
        state.stats.refuse(refusal);
    }

    /// Adds a hole for spans of this trace.
    #[cfg(feature = "run")]
    pub(crate) fn lose(&self, trace: TraceId, hole: Hole) {
        self.lock().lose(trace, Loss::now(hole));
    }

    /// Adds a hole for log records of this trace.
    #[cfg(feature = "run")]
    pub(in crate::source) fn lose_logs(&self, trace: TraceId, hole: Hole) {
        self.lock().lose_logs(trace, Loss::now(hole));
    }

    /// The log records that arrived since this moment, or ever, and are still remembered, as export requests.
    #[cfg(feature = "run")]
    pub(crate) fn packed_logs(&self, since: Option<Instant>) -> ([Vec<u8>; 2], bool) {
        self.arrived_logs(since).packed()
    }

    /// The log records that arrived since this moment, or ever, and are still remembered.
    #[must_use]
    pub fn logs_without_trace(&self, since: Option<Instant>) -> LogsWithoutTrace {
        self.arrived_logs(since).decoded()
    }

    fn arrived_logs(&self, since: Option<Instant>) -> ArrivedLogs {
        self.0.arrived_logs(since)
    }

    fn lock(&self) -> MutexGuard<'_, StoreState> {
        self.0.lock()
    }
}

/// The traces of these requests that are not known.
fn of_others(requests: &[Arc<RecentRequest>], known: &HashSet<TraceId>) -> Vec<Trace> {
    let is_unrelated = |id: &TraceId| !known.contains(id);
    decoded(wanted(requests, |span| {
        span.trace.as_ref().is_some_and(is_unrelated)
    }))
}

/// The traces of these spans, without those that cannot be decoded.
fn decoded(spans: Vec<RawRecord>) -> Vec<Trace> {
    let mut decoder = RecordDecoder::default();
    let decoded = spans.into_iter().filter_map(|raw| decoder.span(raw).ok());
    otlp::assemble(decoded.flatten().collect::<Vec<Span>>())
}

impl AsRef<Self> for Store {
    fn as_ref(&self) -> &Self {
        self
    }
}
