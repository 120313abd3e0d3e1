//! The state of a store. Each span is added to the entry of its trace, or to the recent requests. `logs` does the
//! same with log records.

mod logs;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;

use super::closed::ClosedTraces;
use super::entry::{Followed, Interner, RawRecord, SpanCopy, TraceEntry};
use super::event::{StoreEvent, Subscribers};
use super::losses::{self, Lifetime, Loss, LostRecords};
#[cfg(feature = "run")]
use super::metric_feed::MetricArrival;
use super::metrics::MetricHistory;
use super::presence::{OnClose, Presence};
use super::recent::{RecentRequests, traces_of_spans};
use super::request::service;
#[cfg(feature = "run")]
use super::request::services_of;
#[cfg(feature = "run")]
use super::traffic::TrafficRecorders;
#[cfg(feature = "run")]
use crate::source::otlp;
use crate::source::otlp::{LinkAt, MetricExport, Signal, SpanAt, Walk};
#[cfg(feature = "run")]
use crate::source::parcel::Parcel;
use crate::source::stats::ReceiverStats;
#[cfg(feature = "run")]
use crate::source::text_log::WrittenTrace;
use crate::trace::{Hole, MetricRecords, Sender, SpanId, TraceId};

/// The state of a store, behind its lock.
#[derive(Debug, Default)]
pub(in crate::source) struct StoreState {
    entries: HashMap<TraceId, TraceEntry>,
    /// The traces of `entries` that link to a trace, by that trace.
    linking: HashMap<TraceId, Vec<TraceId>>,
    pub(super) closed: ClosedTraces,
    recent: RecentRequests,
    recent_logs: RecentRequests,
    /// The arrival of the last request that was discarded from `recent`.
    spans_discarded: Option<Instant>,
    /// The arrival of the last request that was discarded from `recent_logs`.
    logs_discarded: Option<Instant>,
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

    pub(super) fn take_in(
        &mut self,
        request: &[u8],
        walk: &Walk<'_>,
        services: &[String],
        arrived: Instant,
    ) {
        #[cfg(feature = "run")]
        self.traffic.spans(walk, services, arrived);
        // First, so that a link also ties the spans before it.
        self.tie_all(&walk.links);
        let watched = self.keep(walk, arrived);
        self.count(walk, services, &watched, arrived);
        if self.is_worth_remembering(walk, &watched) {
            let traces = traces_of_spans(walk);
            let discarded = self.recent.push(request, traces, arrived);
            self.note_discarded(discarded);
        }
        self.publish(walk);
    }

    /// Discarded spans are holes in their traces, except in those with an entry, which has a copy.
    fn note_discarded(&mut self, discarded: Vec<(Box<[TraceId]>, Instant)>) {
        if discarded.is_empty() {
            return;
        }
        let hole = Arc::new(losses::discarded("spans", self.recent.capacity()));
        for (traces, at) in discarded {
            self.spans_discarded = self.spans_discarded.max(Some(at));
            for &trace in &traces {
                let hole = Arc::clone(&hole);
                self.lost.note(trace, Loss { at, hole });
            }
        }
    }

    /// A rejected span is a loss of its trace and of those that it links to, or of any trace if its
    /// trace id is invalid.
    pub(super) fn note_rejected(
        &mut self,
        walk: &Walk<'_>,
        services: &[String],
        at: Instant,
        sender: &Sender,
    ) {
        for span in &walk.rejected {
            let service = services[walk.scopes[span.scope].resource].clone();
            let sender = Sender {
                service: Some(service),
                ..sender.clone()
            };
            let hole = Arc::new(span.reason.hole(span.name, sender));
            #[cfg(feature = "run")]
            self.traffic.lose(&[Signal::Traces], &hole);
            let loss = Loss { at, hole };
            match span.trace_id {
                Some(trace) => self.lose(trace, loss.clone()),
                None => self.lose_of_unknown(Signal::Traces, loss.clone()),
            }
            for &linked in &span.links {
                self.lose(linked, loss.clone());
            }
        }
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

    /// Notifies subscribers which traces received spans.
    fn publish(&self, walk: &Walk<'_>) {
        self.subscribers.notify(|| {
            let mut traces: Vec<(TraceId, usize)> = Vec::new();
            for span in &walk.spans {
                match traces.iter_mut().find(|(id, _)| *id == span.trace_id) {
                    Some((_, spans)) => *spans += 1,
                    None => traces.push((span.trace_id, 1)),
                }
            }
            StoreEvent::Arrived(traces)
        });
    }

    /// Adds the spans of followed and linked traces to their entries. Returns for each span `true` if
    /// its trace has an entry or is closed.
    fn keep(&mut self, walk: &Walk<'_>, arrived: Instant) -> Vec<bool> {
        let mut changed = Vec::new();
        let watched = walk.spans.iter().map(|span| {
            let entry = self.entries.get_mut(&span.trace_id);
            let is_kept = entry.is_some();
            let is_followed = entry.as_ref().is_some_and(|entry| entry.is_followed());
            if let Some(entry) = entry
                && add(entry, &mut self.interner, walk, span, arrived)
                && changed.last() != Some(&span.trace_id)
            {
                changed.push(span.trace_id);
            }
            let was_followed = !is_followed && self.closed.note(walk, span, arrived);
            is_kept || was_followed
        });
        let watched = watched.collect();
        for link in &walk.links {
            if let Some(entry) = self.entries.get_mut(&link.from)
                && entry.links.insert(link.to)
            {
                self.linking.entry(link.to).or_default().push(link.from);
            }
        }
        for trace in changed {
            self.notify(trace);
        }
        watched
    }

    /// Keeps metrics from now on.
    pub(super) fn keep_metrics(&mut self) -> &mut MetricHistory {
        self.metrics.get_or_insert_default()
    }

    pub(super) fn keeps_metrics(&self) -> bool {
        self.metrics.is_some()
    }

    /// Records the data points of a request, which was walked, in the open windows.
    #[cfg(feature = "run")]
    pub(super) fn observe_metrics(&mut self, request: &[u8], arrived: Instant) {
        if !self.traffic.are_open() {
            return;
        }
        if let (Ok(walk), Ok(times)) = (
            otlp::MetricWalk::of_metrics(request),
            otlp::point_times(request),
        ) {
            let services = services_of(&walk.resources);
            self.traffic.metrics(&times, &services, arrived);
        }
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

    /// Returns `true` if a span has no entry, or its trace was followed and may be again.
    fn is_worth_remembering(&self, walk: &Walk<'_>, watched: &[bool]) -> bool {
        let mut spans = walk.spans.iter().zip(watched);
        self.remembers_all && !walk.spans.is_empty()
            || spans.any(|(span, &watched)| !watched || self.closed.contains(span.trace_id))
    }

    fn count(&mut self, walk: &Walk<'_>, services: &[String], watched: &[bool], arrived: Instant) {
        let mut counts = vec![(0, 0); services.len()];
        for (span, &watched) in walk.spans.iter().zip(watched) {
            let (related, unrelated) = &mut counts[walk.scopes[span.scope].resource];
            *(if watched { related } else { unrelated }) += 1;
        }
        for (service, (related, unrelated)) in services.iter().zip(counts) {
            self.stats.count_related(service, related);
            self.stats.count_unrelated(service, unrelated);
        }
        self.stats.requests += 1;
        self.stats.spans += walk.spans.len() as u64;
        self.stats.last_arrival = Some(arrived);
    }

    /// Adds a follower of this trace. Returns the counter of its changes.
    pub(in crate::source) fn follow(&mut self, trace: TraceId) -> watch::Receiver<u64> {
        let was_followed = self.closed.contains(trace);
        self.closed.remove(trace);
        self.keep_from_now_on(trace, !was_followed);
        let entry = self.entries.entry(trace).or_default();
        let followed = entry.followed.get_or_insert_with(Followed::default);
        followed.followers += 1;
        let changes = followed.changes.subscribe();
        if followed.followers == 1 {
            if !entry.spans.is_empty() {
                entry.notify();
            }
            for linked in self.linked_with(trace) {
                self.tie(trace, linked);
            }
        }
        changes
    }

    /// The traces that link to this one or that this one links to.
    fn linked_with(&self, trace: TraceId) -> Vec<TraceId> {
        let own = self
            .entries
            .get(&trace)
            .into_iter()
            .flat_map(|entry| &entry.links);
        let linking = self.linking.get(&trace).into_iter().flatten();
        let remembered = self.recent_spans(trace).flat_map(|(walk, _)| walk.links);
        own.copied()
            .chain(linking.copied())
            .chain(
                remembered
                    .filter(|link| link.to == trace)
                    .map(|link| link.from),
            )
            .collect()
    }

    fn tie_all(&mut self, links: &[LinkAt]) {
        for link in links {
            self.tie(link.from, link.to);
            self.tie(link.to, link.from);
        }
    }

    /// Creates the entry of a trace that is linked with a followed one.
    fn tie(&mut self, trace: TraceId, linked: TraceId) {
        let is_followed = self
            .entries
            .get(&trace)
            .is_some_and(TraceEntry::is_followed);
        if trace == linked || !is_followed {
            return;
        }
        let is_new = !self.closed.contains(linked);
        self.keep_from_now_on(linked, is_new);
        let entry = self.entries.entry(linked).or_default();
        if !entry.tied_to.insert(trace) {
            return;
        }
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

    /// Creates the entry of a trace, with its spans among the recent requests. If the trace `is_new`,
    /// these spans were counted as unrelated.
    fn keep_from_now_on(&mut self, trace: TraceId, is_new: bool) {
        if self.entries.contains_key(&trace) {
            return;
        }
        let mut entry = TraceEntry {
            losses: self.lost.of(trace),
            log_losses: self.lost_logs.of(trace),
            ..TraceEntry::default()
        };
        for (walk, arrived) in walks_of_spans(self.recent.about(trace)) {
            for span in walk.spans.iter().filter(|span| span.trace_id == trace) {
                if add(&mut entry, &mut self.interner, &walk, span, arrived) && is_new {
                    self.stats.adopt(&service(&walk, span), 1);
                }
            }
            let own = walk.links.iter().filter(|link| link.from == trace);
            entry.links.extend(own.map(|link| link.to));
        }
        for &linked in &entry.links {
            self.linking.entry(linked).or_default().push(trace);
        }
        self.entries.insert(trace, entry);
        self.adopt_logs(trace);
    }

    /// The recent requests with a span of this trace or a link to it.
    fn recent_spans(&self, trace: TraceId) -> impl Iterator<Item = (Walk<'_>, Instant)> {
        walks_of_spans(self.recent.about(trace))
    }

    /// Removes a follower of this trace.
    pub(in crate::source) fn release(&mut self, trace: TraceId) {
        let Some(entry) = self.entries.get_mut(&trace) else {
            return;
        };
        let Some(followed) = &mut entry.followed else {
            return;
        };
        followed.followers -= 1;
        if followed.followers > 0 {
            return;
        }
        let ties = std::mem::take(&mut followed.ties);
        entry.followed = None;
        self.closed
            .insert(trace, entry.copies.clone(), Instant::now());
        for linked in ties {
            if let Some(entry) = self.entries.get_mut(&linked) {
                entry.tied_to.remove(&trace);
            }
            self.forget_if_idle(linked);
        }
        self.forget_if_idle(trace);
    }

    fn forget_if_idle(&mut self, trace: TraceId) {
        if !self.entries.get(&trace).is_some_and(TraceEntry::is_idle) {
            return;
        }
        let Some(forgotten) = self.entries.remove(&trace) else {
            return;
        };
        let sizes = forgotten.logs.iter().map(|log| RawRecord::size(&log.bytes));
        self.log_bytes -= sizes.sum::<usize>();
        for linked in forgotten.links {
            if let Entry::Occupied(mut linking) = self.linking.entry(linked) {
                linking.get_mut().retain(|&from| from != trace);
                if linking.get().is_empty() {
                    linking.remove();
                }
            }
        }
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

    /// The records of a followed trace without the first ones.
    pub(in crate::source) fn records_from(
        &self,
        trace: TraceId,
        signal: Signal,
        known: usize,
    ) -> Vec<RawRecord> {
        let entry = self.entries.get(&trace);
        let new = entry.and_then(|entry| entry.records(signal).get(known..));
        new.unwrap_or_default().to_vec()
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

    /// The spans of a trace, followed by those of the linked traces.
    pub(super) fn peek(&self, trace: TraceId) -> Vec<(TraceId, Vec<RawRecord>)> {
        let mut traces = vec![trace];
        let own = self.recent_spans(trace).flat_map(|(walk, _)| walk.links);
        let own = own.filter(|link| link.from == trace).map(|link| link.to);
        for linked in self.linked_with(trace).into_iter().chain(own) {
            if !traces.contains(&linked) {
                traces.push(linked);
            }
        }
        let spans = traces.into_iter().map(|id| (id, self.spans_of(id)));
        spans.collect()
    }

    /// The spans of a trace that the store has, each copy once.
    fn spans_of(&self, trace: TraceId) -> Vec<RawRecord> {
        if let Some(entry) = self.entries.get(&trace) {
            return entry.spans.to_vec();
        }
        let (mut copies, mut found) = (Interner::default(), TraceEntry::default());
        for (walk, arrived) in self.recent_spans(trace) {
            for span in walk.spans.iter().filter(|span| span.trace_id == trace) {
                add(&mut found, &mut copies, &walk, span, arrived);
            }
        }
        found.spans.to_vec()
    }

    /// Spans that arrived since this moment, of traces that are neither followed, linked nor closed.
    pub(super) fn unrelated(&self, since: Instant) -> Vec<RawRecord> {
        self.remembered(Some(since), |span| {
            let known = self.entries.contains_key(&span.trace_id);
            !known && !self.closed.contains(span.trace_id)
        })
    }

    /// Returns `true` if recent spans that arrived since this moment were discarded.
    pub(super) fn has_discarded_spans(&self, since: Instant) -> bool {
        self.spans_discarded.is_some_and(|at| at >= since)
    }

    /// SERVER spans that arrived since this moment.
    #[cfg(feature = "run")]
    pub(super) fn servers(&self, since: Option<Instant>) -> Vec<RawRecord> {
        self.remembered(since, |span| otlp::is_server(span.bytes))
    }

    /// The recent spans that arrived since this moment and for which `is_wanted` is true.
    fn remembered(
        &self,
        since: Option<Instant>,
        is_wanted: impl Fn(&SpanAt<'_>) -> bool,
    ) -> Vec<RawRecord> {
        let mut copies = Interner::default();
        let mut found = Vec::new();
        for (walk, arrived) in walks_of_spans(self.recent.since(since)) {
            for span in walk.spans.iter().filter(|span| is_wanted(span)) {
                found.push(raw(&mut copies, &walk, span, arrived));
            }
        }
        found
    }
}

/// The walks of recent requests of spans. They were walked on arrival, so none is left out.
fn walks_of_spans<'a>(
    requests: impl Iterator<Item = (&'a [u8], Instant)>,
) -> impl Iterator<Item = (Walk<'a>, Instant)> {
    requests.filter_map(|(request, arrived)| Some((Walk::of(request).ok()?, arrived)))
}

/// Maximum number of repeated spans of a trace that are recorded.
const MOST_REPEATS: usize = 100_000;

/// Adds a span to a trace, unless the same copy arrived before.
fn add(
    entry: &mut TraceEntry,
    interner: &mut Interner,
    walk: &Walk<'_>,
    span: &SpanAt<'_>,
    arrived: Instant,
) -> bool {
    let is_new = entry.copies.insert(SpanCopy::of(walk, span));
    if is_new {
        entry.spans.push(raw(interner, walk, span, arrived));
    } else if entry.repeats.len() < MOST_REPEATS {
        let resource = &walk.resources[walk.scopes[span.scope].resource];
        let resource = interner.intern(&resource.joined());
        entry.repeats.push((span.span_id, resource));
    }
    is_new
}

fn raw(interner: &mut Interner, walk: &Walk<'_>, span: &SpanAt<'_>, arrived: Instant) -> RawRecord {
    RawRecord::copy(span.bytes, span.scope, walk.into(), interner, arrived)
}
