//! Adds spans to the state of a store.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::StoreState;
use crate::source::otlp::Signal;
use crate::source::store::entry::{RawRecord, SpanCopy, TraceEntry};
use crate::source::store::event::StoreEvent;
use crate::source::store::grouped::ByTrace;
use crate::source::store::limit::{Excess, Limits};
use crate::source::store::losses::Loss;
use crate::source::store::recent::{RecentRequest, RecordView};
use crate::source::store::request::{RejectedLoss, ResourceDigests, SpanRequest};
use crate::trace::TraceId;

/// Maximum number of records that are kept, or read, in one go. That takes about 10 ms.
pub(in crate::source::store) const PORTION: usize = 16_384;

/// Maximum number of repeated spans of a trace that are recorded.
const MOST_REPEATS: usize = 100_000;

/// A trace of a request that has an entry or is closed.
#[derive(Clone, Copy, Debug)]
struct WatchedTrace {
    id: TraceId,
    /// The number of its entry.
    entry: Option<u64>,
}

/// The part of a request that concerns watched traces.
#[derive(Debug)]
pub(in crate::source::store) struct EnteredRequest {
    watched: Vec<WatchedTrace>,
    /// The spans of these traces: index of the trace, and position in the walk.
    pub(in crate::source::store) spans: Vec<(u32, u32)>,
    /// The request is among the recent ones, so that an entry that is created later has its spans.
    is_remembered: bool,
    /// Dropped without the lock.
    _discarded: Vec<Arc<RecentRequest>>,
}

/// A copy of a span of a watched trace.
#[derive(Debug)]
pub(in crate::source::store) struct PreparedSpan {
    trace: WatchedTrace,
    copy: SpanCopy,
    /// Empty if the trace has no entry.
    bytes: Bytes,
    scope: usize,
}

/// What became of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    New,
    /// The same copy arrived before.
    Known,
    /// There is no room for it.
    Exceeds(Excess),
}

impl EnteredRequest {
    /// Copies of these spans.
    pub(in crate::source::store) fn prepared(
        &self,
        request: &SpanRequest<'_>,
        portion: &[(u32, u32)],
    ) -> Vec<PreparedSpan> {
        let mut digests = ResourceDigests::default();
        let prepared = portion.iter().map(|&(trace, at)| {
            let (trace, walk) = (self.watched[trace as usize], &request.walk);
            let span = &walk.spans[at as usize];
            let resource = digests.of(walk, walk.scopes[span.scope].resource);
            PreparedSpan {
                trace,
                copy: SpanCopy::of(span.span_id, span.bytes, resource),
                bytes: match trace.entry {
                    Some(_) => Bytes::copy_from_slice(span.bytes),
                    None => Bytes::new(),
                },
                scope: span.scope,
            }
        });
        prepared.collect()
    }
}

impl StoreState {
    /// Ties linked traces, counts the spans, and adds the request to the recent ones. Returns the spans that are
    /// to be kept.
    pub(in crate::source::store) fn enter(&mut self, request: &SpanRequest<'_>) -> EnteredRequest {
        // First, so that a link also ties the spans before it.
        self.tie_all(&request.index.links);
        let watched = self.watched(&request.index.by_trace);
        for trace in watched.iter().filter(|trace| trace.entry.is_some()) {
            for to in request.index.links.from(trace.id) {
                self.note_link(trace.id, to);
            }
        }
        let mut spans = Vec::new();
        for (number, trace) in (0..).zip(&watched) {
            let positions = request.index.by_trace.of_trace(trace.id).iter();
            spans.extend(positions.map(|&at| (number, at)));
        }
        self.count(request, &spans);
        let is_worth_remembering = self.is_worth_remembering(request, &watched);
        let mut discarded = Vec::new();
        if is_worth_remembering {
            discarded = self.remember(request);
        }
        EnteredRequest {
            watched,
            spans,
            is_remembered: is_worth_remembering,
            _discarded: discarded,
        }
    }

    /// Adds spans to the entries of their traces, or counts them as late.
    pub(in crate::source::store) fn keep(
        &mut self,
        request: &SpanRequest<'_>,
        entered: &EnteredRequest,
        portion: Vec<PreparedSpan>,
    ) {
        let mut changed: Vec<TraceId> = Vec::new();
        let mut exceeded: Vec<(TraceId, Excess)> = Vec::new();
        let mut owners: Option<(usize, Bytes, Bytes)> = None;
        for span in portion {
            let trace = span.trace.id;
            let entry = self.entries.get(&trace);
            let is_followed = entry.is_some_and(TraceEntry::is_followed);
            // Another entry has what is remembered.
            let is_wanted = entry.is_some_and(|entry| {
                let is_same = Some(entry.number) == span.trace.entry;
                is_same || !entered.is_remembered && span.trace.entry.is_some()
            });
            if is_wanted {
                if owners
                    .as_ref()
                    .is_none_or(|(scope, ..)| *scope != span.scope)
                {
                    owners = Some(self.owners(request, span.scope));
                }
                let (_, resource, scope) = owners.clone().unwrap_or_default();
                let record = RawRecord {
                    bytes: span.bytes,
                    resource,
                    scope,
                    arrived: request.arrived,
                };
                match self.add(trace, span.copy, record) {
                    Added::New if changed.last() != Some(&trace) => changed.push(trace),
                    Added::New | Added::Known => {}
                    Added::Exceeds(excess) if exceeded.last() != Some(&(trace, excess)) => {
                        exceeded.push((trace, excess));
                    }
                    Added::Exceeds(_) => {}
                }
            }
            if !is_followed {
                self.closed.note(trace, span.copy, request.arrived);
            }
        }
        for (trace, excess) in exceeded {
            self.exceed(trace, excess);
        }
        for trace in changed {
            self.notify(trace);
        }
    }

    /// Adds a span of a recent request to the entry of its trace.
    pub(super) fn add_recent(
        &mut self,
        trace: TraceId,
        view: &RecordView<'_>,
        arrived: Instant,
    ) -> Added {
        let Some(copy) = view.copy() else {
            return Added::Known;
        };
        let record = RawRecord::copy(view, &mut self.interner, arrived);
        self.add(trace, copy, record)
    }

    /// Adds a span to the entry of its trace, unless the same copy arrived before.
    fn add(&mut self, trace: TraceId, copy: SpanCopy, record: RawRecord) -> Added {
        let Some(entry) = self.entries.get_mut(&trace) else {
            return Added::Known;
        };
        if entry.copies.contains(&copy) {
            if entry.repeats.len() < MOST_REPEATS {
                entry.repeats.push((copy.span, record.resource));
            }
            return Added::Known;
        }
        let size = RawRecord::size_of_span(&record.bytes);
        if let Some(excess) = excess(&self.limits, entry, self.span_bytes, size) {
            return Added::Exceeds(excess);
        }
        entry.copies.insert(copy);
        entry.span_bytes += size;
        self.span_bytes += size;
        entry.spans.push(record);
        Added::New
    }

    /// Records that spans of a trace were discarded.
    pub(super) fn exceed(&mut self, trace: TraceId, excess: Excess) {
        self.lose(trace, Loss::now(self.limits.hole(excess)));
    }

    /// Records losses of rejected spans: of their traces and of those that they link to, or of any trace if the
    /// trace id is invalid.
    pub(in crate::source::store) fn note_rejected(&mut self, rejected: &[RejectedLoss]) {
        for span in rejected {
            #[cfg(feature = "run")]
            self.traffic.lose(&[Signal::Traces], &span.loss.hole);
            match span.trace {
                Some(trace) => self.lose(trace, span.loss.clone()),
                None => self.lose_of_unknown(Signal::Traces, span.loss.clone()),
            }
            for &linked in &span.links {
                self.lose(linked, span.loss.clone());
            }
        }
    }

    /// Notifies subscribers which traces received spans.
    pub(in crate::source::store) fn announce(&self, request: &SpanRequest<'_>) {
        let traces = request.index.by_trace.traces();
        let announced = traces.len().min(StoreEvent::MOST_ANNOUNCED);
        let mut counts = request.index.by_trace.counts().take(announced);
        for _ in 0..announced.div_ceil(StoreEvent::MOST_TRACES) {
            let part = counts.by_ref().take(StoreEvent::MOST_TRACES);
            self.subscribers
                .notify(|| StoreEvent::Arrived(part.collect()));
        }
        if traces.len() > announced {
            let traces = traces.len() - announced;
            self.subscribers.notify(|| StoreEvent::Omitted { traces });
        }
    }

    /// The traces of a request that have an entry or are closed, in time that depends on the smaller of both numbers.
    fn watched(&self, by_trace: &ByTrace) -> Vec<WatchedTrace> {
        let entry = |id: &TraceId| self.entries.get(id).map(|entry| entry.number);
        let traces = by_trace.traces();
        let is_small = traces.len() <= self.entries.len() + self.closed.len();
        let mut watched: Vec<TraceId> = if is_small {
            let is_watched = |id: &TraceId| {
                self.note_compared();
                self.entries.contains_key(id) || self.closed.contains(*id)
            };
            traces.iter().copied().filter(is_watched).collect()
        } else {
            let known = self.entries.keys().copied().chain(self.closed.ids());
            let is_there = |id: &TraceId| {
                self.note_compared();
                by_trace.contains(*id)
            };
            known.filter(is_there).collect()
        };
        watched.sort_unstable();
        watched.dedup();
        let watched = watched.into_iter();
        watched
            .map(|id| WatchedTrace {
                id,
                entry: entry(&id),
            })
            .collect()
    }

    #[cfg(test)]
    fn note_compared(&self) {
        self.compared.set(self.compared.get() + 1);
    }

    #[cfg(not(test))]
    fn note_compared(&self) {}

    /// Returns `true` if a span has no entry, or its trace was followed and may be again.
    fn is_worth_remembering(&self, request: &SpanRequest<'_>, watched: &[WatchedTrace]) -> bool {
        let traces = request.index.by_trace.traces().len();
        self.remembers_all && traces > 0
            || watched.len() < traces
            || watched.iter().any(|trace| self.closed.contains(trace.id))
    }

    /// Adds a request to the recent ones. Discarded spans are holes in their traces, except in those with an entry,
    /// which has a copy. Returns the discarded requests.
    fn remember(&mut self, request: &SpanRequest<'_>) -> Vec<Arc<RecentRequest>> {
        let capacity = self.recent.capacity();
        let Some(recent) = &request.recent else {
            let at = request.arrived;
            self.spans_discarded = self.spans_discarded.max(Some(at));
            let unkept = std::iter::once((request.index.about(), at));
            self.lost.note_discarded("spans", capacity, unkept);
            return Vec::new();
        };
        let discarded = self.recent.push(Arc::clone(recent));
        let requests = discarded.iter().map(|one| (one.about(), one.arrived()));
        self.lost.note_discarded("spans", capacity, requests);
        let last = discarded.iter().map(|one| one.arrived()).max();
        self.spans_discarded = self.spans_discarded.max(last);
        discarded
    }

    fn count(&mut self, request: &SpanRequest<'_>, watched: &[(u32, u32)]) {
        let (walk, counts) = (&request.walk, &request.counts);
        let mut related = vec![0; counts.services.len()];
        for &(_, at) in watched {
            let resource = walk.scopes[walk.spans[at as usize].scope].resource;
            related[counts.of_resource[resource]] += 1;
        }
        for ((service, all), related) in counts.services.iter().zip(related) {
            self.stats.count_related(service, related);
            self.stats.count_unrelated(service, all - related);
        }
        self.stats.requests += 1;
        self.stats.spans += walk.spans.len() as u64;
        self.stats.last_arrival = Some(request.arrived);
    }

    /// The shared copies of a resource and a scope, with the index of the scope.
    fn owners(&mut self, request: &SpanRequest<'_>, scope: usize) -> (usize, Bytes, Bytes) {
        let of_scope = &request.walk.scopes[scope];
        let resource = request.walk.resources[of_scope.resource].joined();
        let resource = self.interner.intern(&resource);
        let joined = self.interner.intern(&of_scope.scope.joined());
        (scope, resource, joined)
    }
}

/// The limit that one more span of this size exceeds.
fn excess(limits: &Limits, entry: &TraceEntry, all: usize, size: usize) -> Option<Excess> {
    if entry.spans.len() >= limits.spans {
        Some(Excess::Spans)
    } else if entry.span_bytes + size > limits.bytes {
        Some(Excess::Bytes)
    } else if all + size > limits.all_bytes {
        Some(Excess::AllBytes)
    } else {
        None
    }
}
