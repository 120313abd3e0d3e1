//! The state of a store. `spans` adds each span to the entry of its trace, or its request to the recent ones, and
//! `logs` does the same with log records.

mod logs;
mod spans;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;

use super::closed::ClosedTraces;
use super::entry::{Followed, Interner, RawRecord, TraceEntry};
use super::event::Subscribers;
use super::grouped::Links;
use super::limit::Limits;
use super::losses::{Lifetime, Loss, LostRecords};
#[cfg(feature = "run")]
use super::metric_feed::MetricArrival;
use super::metrics::MetricHistory;
use super::presence::{OnClose, Presence};
use super::recent::{RecentRequest, RecentRequests, RecordView};
use super::request::service_of;
#[cfg(feature = "run")]
use super::traffic::TrafficRecorders;
use crate::source::otlp::{MetricExport, Signal};
#[cfg(feature = "run")]
use crate::source::parcel::Parcel;
use crate::source::stats::ReceiverStats;
#[cfg(feature = "run")]
use crate::source::text_log::WrittenTrace;
#[cfg(feature = "run")]
use crate::trace::Nanos;
use crate::trace::{Hole, MetricRecords, SpanId, TraceId};

use spans::Added;
pub(super) use spans::PORTION;

/// The state of a store, behind its lock.
#[derive(Debug, Default)]
pub(in crate::source) struct StoreState {
    entries: HashMap<TraceId, TraceEntry>,
    /// The traces of `entries` that link to a trace, by that trace and the number of the link.
    linking: HashMap<TraceId, BTreeMap<u64, TraceId>>,
    /// Number of traces that are followed.
    followed: usize,
    /// The last number of an entry or a link.
    numbers: u64,
    pub(super) closed: ClosedTraces,
    recent: RecentRequests,
    recent_logs: RecentRequests,
    /// The arrival of the last request that was discarded from `recent`.
    spans_discarded: Option<Instant>,
    /// The arrival of the last request that was discarded from `recent_logs`.
    logs_discarded: Option<Instant>,
    limits: Limits,
    /// The size of the spans in `entries`.
    span_bytes: usize,
    /// The size of the log records in `entries`.
    log_bytes: usize,
    /// Present if metrics are kept.
    metrics: Option<MetricHistory>,
    lost: LostRecords,
    lost_logs: LostRecords,
    interner: Interner,
    pub(super) stats: ReceiverStats,
    pub(super) subscribers: Subscribers,
    /// Maximum delay between the end of a span and its arrival, if it is known.
    pub(super) flush: Option<Duration>,
    pub(super) presence: Presence,
    pub(super) on_close: Option<OnClose>,
    /// Number of traces that were compared with those of a request.
    #[cfg(test)]
    compared: std::cell::Cell<usize>,
    /// The recent requests include records of `entries`.
    remembers_all: bool,
    /// The windows in which everything is recorded.
    #[cfg(feature = "run")]
    pub(in crate::source) traffic: TrafficRecorders,
}

impl StoreState {
    /// The state of a store that remembers all spans, and all log records, within this number of bytes.
    pub(super) fn remembering(bytes: usize) -> Self {
        Self {
            recent: RecentRequests::within(bytes),
            recent_logs: RecentRequests::within(bytes),
            remembers_all: true,
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(super) fn limited(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Returns `true` if nothing is kept because of a trace that is followed.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        let sizes = self.span_bytes + self.log_bytes + self.followed;
        self.entries.is_empty() && self.linking.is_empty() && sizes == 0
    }

    /// The number of requests and of traces that were looked at.
    #[cfg(test)]
    pub(super) fn visits(&self) -> usize {
        self.recent.visits() + self.compared.get()
    }

    #[cfg(test)]
    pub(super) fn reset_visits(&mut self) {
        self.recent.reset_visits();
        self.compared.set(0);
    }

    /// Adds a loss of this trace.
    pub(super) fn lose(&mut self, trace: TraceId, loss: Loss) {
        if let Some(entry) = self.entries.get_mut(&trace) {
            entry.losses.add(loss.clone());
            self.notify(trace);
        }
        self.lost.note(trace, loss);
    }

    /// Adds a loss of log records of this trace.
    pub(super) fn lose_logs(&mut self, trace: TraceId, loss: Loss) {
        if let Some(entry) = self.entries.get_mut(&trace) {
            entry.log_losses.add(loss.clone());
            self.notify(trace);
        }
        self.lost_logs.note(trace, loss);
    }

    /// Adds a loss of records of this signal that may concern any trace.
    pub(super) fn lose_of_unknown(&mut self, signal: Signal, loss: Loss) {
        match signal {
            Signal::Traces => self.lost.note_general(loss),
            Signal::Logs => self.lost_logs.note_general(loss),
            Signal::Metrics => {
                if let Some(metrics) = &mut self.metrics {
                    metrics.lose(Hole::clone(&loss.hole));
                }
                return;
            }
        }
        self.entries.values().for_each(TraceEntry::notify);
    }

    /// The known losses of spans of a trace and of the linked ones.
    pub(in crate::source) fn holes(
        &self,
        trace: TraceId,
        linked: &[TraceId],
        lifetime: Lifetime,
    ) -> Vec<Hole> {
        let mut holes: Vec<Hole> = Vec::new();
        for id in std::iter::once(&trace).chain(linked) {
            let losses = match self.entries.get(id) {
                Some(entry) => entry.losses.clone(),
                None => self.lost.of(*id),
            };
            holes.extend(losses.holes().map(|hole| Hole::clone(hole)));
        }
        let general = self.lost.general(lifetime);
        holes.extend(general.map(|hole| Hole::clone(hole)));
        holes
    }

    /// The known losses of log records of a trace and of the linked ones.
    pub(in crate::source) fn log_holes(
        &self,
        trace: TraceId,
        linked: &[TraceId],
        lifetime: Lifetime,
    ) -> Vec<Hole> {
        let mut holes: Vec<Hole> = Vec::new();
        for id in std::iter::once(&trace).chain(linked) {
            let losses = match self.entries.get(id) {
                Some(entry) => entry.log_losses.clone(),
                None => self.lost_logs.of(*id),
            };
            holes.extend(losses.holes().map(|hole| Hole::clone(hole)));
        }
        let general = self.lost_logs.general(lifetime);
        holes.extend(general.map(|hole| Hole::clone(hole)));
        holes
    }

    /// The kept trace with the id in a line; for half of an id, the only one.
    #[cfg(feature = "run")]
    pub(super) fn kept_trace(&self, written: WrittenTrace) -> Option<TraceId> {
        let half = match written {
            WrittenTrace::Whole(id) => return self.entries.contains_key(&id).then_some(id),
            WrittenTrace::Half(half) => half.to_be_bytes(),
        };
        let mut found = self.entries.keys().filter(|id| id.as_bytes()[8..] == half);
        found.next().copied().filter(|_| found.next().is_none())
    }

    /// Keeps metrics from now on.
    pub(super) fn keep_metrics(&mut self) -> &mut MetricHistory {
        self.metrics.get_or_insert_default()
    }

    pub(super) fn keeps_metrics(&self) -> bool {
        self.metrics.is_some()
    }

    /// Records data points in the open windows: `times` has those of each service.
    #[cfg(feature = "run")]
    pub(super) fn observe_metrics(
        &mut self,
        times: &[Vec<Nanos>],
        services: &[String],
        arrived: Instant,
    ) {
        self.traffic.metrics(times, services, arrived);
    }

    /// Sends an export to readers in other processes.
    #[cfg(feature = "run")]
    pub(super) fn forward_metrics(&self, arrived: Instant, request: &[u8]) {
        if let Some(metrics) = &self.metrics {
            metrics.readers.send(|| {
                MetricArrival::Export(Arc::new(Parcel {
                    signal: Signal::Metrics,
                    arrived,
                    request: request.to_vec(),
                }))
            });
        }
    }

    pub(in crate::source) fn take_in_metrics(&mut self, export: MetricExport, arrived: Instant) {
        if let Some(metrics) = &mut self.metrics {
            metrics.take_in(export, arrived);
        }
    }

    /// Begins to keep all points of metrics. Returns the counter of changes.
    pub(in crate::source) fn watch_metrics(&mut self) -> watch::Receiver<u64> {
        self.keep_metrics().open()
    }

    /// The first arrival of a point with this integer.
    #[cfg(feature = "run")]
    pub(in crate::source) fn arrival_of_value(&self, value: i64) -> Option<Instant> {
        self.metrics.as_ref()?.arrival_of_value(value)
    }

    pub(in crate::source) fn unwatch_metrics(&mut self) {
        if let Some(metrics) = &mut self.metrics {
            metrics.close();
        }
    }

    pub(in crate::source) fn metric_records(&self) -> MetricRecords {
        self.metrics
            .as_ref()
            .map(MetricHistory::records)
            .unwrap_or_default()
    }

    /// Adds a follower of this trace. Returns the counter of its changes.
    pub(in crate::source) fn follow(&mut self, trace: TraceId) -> watch::Receiver<u64> {
        let was_followed = self.closed.contains(trace);
        self.closed.remove(trace);
        self.keep_from_now_on(trace, !was_followed);
        let entry = self.entries.entry(trace).or_default();
        let followed = entry.followed.get_or_insert_with(Followed::default);
        followed.followers += 1;
        self.followed += usize::from(followed.followers == 1);
        let changes = followed.changes.subscribe();
        if followed.followers == 1 {
            if !entry.spans.is_empty() {
                entry.notify();
            }
            if entry.exceeds_ties {
                self.lose_ties(trace);
            }
            for linked in self.linked_with(trace) {
                self.tie(trace, linked);
            }
        }
        changes
    }

    /// The traces that link to this one or that this one links to.
    fn linked_with(&self, trace: TraceId) -> Vec<TraceId> {
        let links = self.entries.get(&trace).map(|entry| &entry.links);
        let links = links.into_iter().flatten();
        let own: BTreeMap<u64, TraceId> = links.map(|(&to, &number)| (number, to)).collect();
        let linking = self.linking.get(&trace).into_iter().flatten();
        let remembered = self.recent.about(trace);
        let remembered = remembered.iter().flat_map(|one| one.links().to(trace));
        own.into_values()
            .chain(linking.map(|(_, from)| *from))
            .chain(remembered)
            .collect()
    }

    /// Ties the traces that are linked with followed ones, in time that depends on the smaller number of both.
    fn tie_all(&mut self, links: &Links) {
        if self.followed == 0 || links.all().is_empty() {
            return;
        }
        let is_followed = |id: &TraceId| self.entries.get(id).is_some_and(TraceEntry::is_followed);
        let mut followed: Vec<TraceId> = if self.followed < links.all().len() {
            let all = self.entries.keys().copied();
            all.filter(is_followed).collect()
        } else {
            let ends = links.all().iter().flat_map(|link| [link.from, link.to]);
            ends.filter(is_followed).collect()
        };
        followed.sort_unstable();
        followed.dedup();
        for trace in followed {
            for linked in links.from(trace).chain(links.to(trace)) {
                self.tie(trace, linked);
            }
        }
    }

    /// Creates the entry of a trace that is linked with a followed one.
    fn tie(&mut self, trace: TraceId, linked: TraceId) {
        let entry = self.entries.get(&trace);
        let Some(followed) = entry.and_then(|entry| entry.followed.as_ref()) else {
            return;
        };
        let known = self.entries.get(&linked);
        if trace == linked || known.is_some_and(|known| known.tied_to.contains(&trace)) {
            return;
        }
        if followed.ties.len() >= self.limits.ties {
            return self.exceed_ties(trace);
        }
        let is_new = !self.closed.contains(linked);
        self.keep_from_now_on(linked, is_new);
        let entry = self.entries.entry(linked).or_default();
        entry.tied_to.insert(trace);
        let has_spans = !entry.spans.is_empty();
        if let Some(followed) = self
            .entries
            .get_mut(&trace)
            .and_then(|entry| entry.followed.as_mut())
        {
            followed.ties.push(linked);
            if has_spans {
                followed.changes.send_modify(|changes| *changes += 1);
            }
        }
    }

    /// Records that links with a trace were ignored. This is a loss if the trace is followed.
    fn exceed_ties(&mut self, trace: TraceId) {
        let Some(entry) = self.entries.get_mut(&trace) else {
            return;
        };
        let is_known = std::mem::replace(&mut entry.exceeds_ties, true);
        if entry.is_followed() && !is_known {
            self.lose_ties(trace);
        }
    }

    fn lose_ties(&mut self, trace: TraceId) {
        let hole = self.limits.too_many_ties();
        self.lose(trace, Loss::now(hole));
    }

    /// Records the link of a kept trace.
    fn note_link(&mut self, from: TraceId, to: TraceId) {
        let Some(entry) = self.entries.get_mut(&from) else {
            return;
        };
        if entry.links.contains_key(&to) {
            return;
        }
        if entry.links.len() >= self.limits.ties {
            return self.exceed_ties(from);
        }
        self.numbers += 1;
        entry.links.insert(to, self.numbers);
        let linking = self.linking.entry(to).or_default();
        linking.insert(self.numbers, from);
    }

    /// Creates the entry of a trace, with its spans among the recent requests. If the trace `is_new`,
    /// these spans were counted as unrelated.
    fn keep_from_now_on(&mut self, trace: TraceId, is_new: bool) {
        if self.entries.contains_key(&trace) {
            return;
        }
        self.numbers += 1;
        let entry = TraceEntry {
            number: self.numbers,
            losses: self.lost.of(trace),
            log_losses: self.lost_logs.of(trace),
            ..TraceEntry::default()
        };
        self.entries.insert(trace, entry);
        let (mut excess, mut adopted) = (None, Vec::<(Vec<u8>, u64)>::new());
        for request in self.recent.about(trace) {
            for view in request.records_of(trace) {
                match self.add_recent(trace, &view, request.arrived()) {
                    Added::New => match adopted.last_mut() {
                        Some((resource, spans)) if *resource == *view.resource => *spans += 1,
                        _ => adopted.push((view.resource.to_vec(), 1)),
                    },
                    Added::Known => {}
                    Added::Exceeds(limit) => excess = Some(limit),
                }
            }
            let linked: Vec<TraceId> = request.links().from(trace).collect();
            for to in linked {
                self.note_link(trace, to);
            }
        }
        for (resource, spans) in adopted.iter().filter(|_| is_new) {
            self.stats.adopt(&service_of(resource), *spans);
        }
        if let Some(excess) = excess {
            self.exceed(trace, excess);
        }
        self.adopt_logs(trace);
    }

    /// Removes a follower of this trace. Returns what is not needed any more, to be dropped without the lock.
    #[must_use]
    pub(super) fn release(&mut self, trace: TraceId) -> Vec<TraceEntry> {
        let Some(entry) = self.entries.get_mut(&trace) else {
            return Vec::new();
        };
        let Some(followed) = &mut entry.followed else {
            return Vec::new();
        };
        followed.followers -= 1;
        if followed.followers > 0 {
            return Vec::new();
        }
        let ties = std::mem::take(&mut followed.ties);
        entry.followed = None;
        self.followed -= 1;
        let copies = entry.copies.iter().copied();
        self.closed.insert(trace, copies, Instant::now());
        let mut forgotten = Vec::new();
        for linked in ties {
            if let Some(entry) = self.entries.get_mut(&linked) {
                entry.tied_to.remove(&trace);
            }
            forgotten.extend(self.forget_if_idle(linked));
        }
        forgotten.extend(self.forget_if_idle(trace));
        forgotten
    }

    fn forget_if_idle(&mut self, trace: TraceId) -> Option<TraceEntry> {
        let entry = self.entries.get(&trace)?;
        if !entry.is_idle() {
            return None;
        }
        let forgotten = self.entries.remove(&trace)?;
        self.span_bytes -= forgotten.span_bytes;
        let sizes = forgotten.logs.iter().map(|log| RawRecord::size(&log.bytes));
        self.log_bytes -= sizes.sum::<usize>();
        for (&linked, number) in &forgotten.links {
            if let Entry::Occupied(mut linking) = self.linking.entry(linked) {
                linking.get_mut().remove(number);
                if linking.get().is_empty() {
                    linking.remove();
                }
            }
        }
        Some(forgotten)
    }

    /// Notifies the followers of this trace and of the linked ones.
    fn notify(&self, trace: TraceId) {
        let Some(entry) = self.entries.get(&trace) else {
            return;
        };
        entry.notify();
        for followed in &entry.tied_to {
            if let Some(followed) = self.entries.get(followed) {
                followed.notify();
            }
        }
    }

    /// The records of a followed trace in this range, as far as there are any.
    pub(super) fn records_in(
        &self,
        trace: TraceId,
        signal: Signal,
        range: Range<usize>,
    ) -> &[RawRecord] {
        let entry = self.entries.get(&trace);
        let records = entry.map_or(&[][..], |entry| entry.records(signal));
        let end = range.end.min(records.len());
        records.get(range.start..end).unwrap_or_default()
    }

    /// The spans of a followed trace of which the same copy arrived again, each with its resource.
    pub(in crate::source) fn repeats(&self, trace: TraceId) -> Vec<(SpanId, Bytes)> {
        let entry = self.entries.get(&trace);
        entry.map_or_else(Vec::new, |entry| entry.repeats.clone())
    }

    /// The traces that a followed trace is linked with.
    pub(in crate::source) fn ties(&self, trace: TraceId) -> Vec<TraceId> {
        let followed = self
            .entries
            .get(&trace)
            .and_then(|entry| entry.followed.as_ref());
        followed.map_or_else(Vec::new, |followed| followed.ties.clone())
    }

    /// The spans of a trace, followed by those of the linked traces, and the holes in them if `exceed_ties`.
    pub(super) fn peek(&self, trace: TraceId) -> Peek {
        let mut traces = vec![trace];
        let mut known = HashSet::from([trace]);
        let remembered = self.recent.about(trace);
        let own = remembered.iter().flat_map(|one| one.links().from(trace));
        for linked in self.linked_with(trace).into_iter().chain(own) {
            if known.insert(linked) {
                traces.push(linked);
            }
        }
        let most = self.limits.ties + 1;
        let has_too_many = traces.len() > most;
        traces.truncate(most);
        let found = traces.into_iter().map(|id| (id, self.found(id)));
        Peek {
            spans: found.collect(),
            hole: has_too_many.then(|| self.limits.too_many_ties()),
        }
    }

    /// The spans of a trace that the store has.
    fn found(&self, trace: TraceId) -> FoundSpans {
        match self.entries.get(&trace) {
            Some(entry) => FoundSpans::Kept(entry.spans.clone()),
            None => FoundSpans::Recent(self.recent.about(trace)),
        }
    }

    /// The newest requests with spans that arrived since this moment, up to this size in bytes; and `true` if these
    /// are all.
    pub(super) fn newest_since(
        &self,
        since: Instant,
        most: usize,
    ) -> (Vec<Arc<RecentRequest>>, bool) {
        self.recent.newest_since(since, most)
    }

    /// The traces that are followed, linked or closed.
    pub(super) fn known(&self) -> HashSet<TraceId> {
        let entries = self.entries.keys().copied();
        entries.chain(self.closed.ids()).collect()
    }

    /// Returns `true` if recent spans that arrived since this moment were discarded.
    pub(super) fn has_discarded_spans(&self, since: Instant) -> bool {
        self.spans_discarded.is_some_and(|at| at >= since)
    }

    /// The requests with spans that arrived since this moment, or ever.
    pub(super) fn recent(&self, since: Option<Instant>) -> Vec<Arc<RecentRequest>> {
        self.recent.since(since)
    }

    /// Capacity for recent requests of one signal, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.recent.capacity()
    }
}

/// The spans of a trace and of the linked ones. They are read without the lock.
pub(super) struct Peek {
    pub(super) spans: Vec<(TraceId, FoundSpans)>,
    /// Links were ignored.
    pub(super) hole: Option<Hole>,
}

/// Spans of one trace.
pub(super) enum FoundSpans {
    /// In the entry of the trace.
    Kept(Vec<RawRecord>),
    /// Among others in recent requests.
    Recent(Vec<Arc<RecentRequest>>),
}

impl FoundSpans {
    /// The spans of this trace, each copy once.
    pub(super) fn of_trace(self, trace: TraceId) -> Vec<RawRecord> {
        let requests = match self {
            Self::Kept(spans) => return spans,
            Self::Recent(requests) => requests,
        };
        let (mut interner, mut copies) = (Interner::default(), HashSet::new());
        let mut found = Vec::new();
        for request in requests {
            for view in request.records_of(trace) {
                if view.copy().is_none_or(|copy| copies.insert(copy)) {
                    found.push(RawRecord::copy(&view, &mut interner, request.arrived()));
                }
            }
        }
        found
    }
}

/// The wanted records of recent requests.
pub(super) fn wanted(
    requests: &[Arc<RecentRequest>],
    is_wanted: impl Fn(&RecordView<'_>) -> bool,
) -> Vec<RawRecord> {
    let mut interner = Interner::default();
    let mut found = Vec::new();
    for request in requests {
        for view in request.records().filter(|view| is_wanted(view)) {
            found.push(RawRecord::copy(&view, &mut interner, request.arrived()));
        }
    }
    found
}
