//! The log records in the state of a store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::{StoreState, wanted};
use crate::source::otlp::{self, Signal};
use crate::source::store::entry::RawRecord;
use crate::source::store::grouped::ByTrace;
use crate::source::store::losses::Loss;
use crate::source::store::recent::{RecentRequest, RecordView};
use crate::source::store::request::LogRequest;
use crate::source::store::uncorrelated::FoundLogs;
use crate::trace::TraceId;

impl StoreState {
    /// Adds log records to the entries of their traces, and the request to the recent ones if it has
    /// others. Returns what was discarded, to be dropped without the lock.
    #[must_use]
    pub(in crate::source::store) fn take_in_logs(
        &mut self,
        request: &LogRequest<'_>,
    ) -> Vec<Arc<RecentRequest>> {
        self.note_wrong_ids(request);
        let mut kept = 0;
        for trace in self.with_entry(&request.index.by_trace) {
            let positions = request.index.by_trace.of_trace(trace);
            kept += positions.len();
            let mut is_kept = true;
            for &at in positions {
                let record = request.view(&request.walk.records[at as usize]);
                is_kept = is_kept && self.keep_log(trace, &record, request.arrived);
            }
            if !is_kept {
                self.exceed_logs(trace, request.arrived);
            }
            self.notify(trace);
        }
        let all = request.walk.records.len();
        match kept < all || self.remembers_all && all > 0 {
            true => self.remember_logs(request),
            false => Vec::new(),
        }
    }

    /// Records with a wrong id are losses of their traces, or of any trace.
    fn note_wrong_ids(&mut self, request: &LogRequest<'_>) {
        let at = request.arrived;
        let loss = |has_trace: bool| Loss {
            at,
            hole: Arc::new(otlp::wrong_log_id(has_trace)),
        };
        if !request.wrong.traces().is_empty() {
            let loss = loss(true);
            for trace in self.with_entry(&request.wrong) {
                if let Some(entry) = self.entries.get_mut(&trace) {
                    entry.log_losses.add(loss.clone());
                    self.notify(trace);
                }
            }
            let traces = request.wrong.traces();
            self.lost_logs.note_all(std::iter::once((traces, loss)));
        }
        if request.has_wrong_trace {
            self.lose_of_unknown(Signal::Logs, loss(false));
        }
    }

    /// The traces that have an entry, in time that depends on the smaller of both numbers.
    fn with_entry(&self, by_trace: &ByTrace) -> Vec<TraceId> {
        let traces = by_trace.traces();
        let mut found: Vec<TraceId> = match traces.len() <= self.entries.len() {
            true => {
                let traces = traces.iter().copied();
                traces.filter(|id| self.entries.contains_key(id)).collect()
            }
            false => {
                let known = self.entries.keys().copied();
                known.filter(|id| by_trace.contains(*id)).collect()
            }
        };
        found.sort_unstable();
        found
    }

    /// Adds a log record to the entry of its trace. Returns `false` if there is no room.
    fn keep_log(&mut self, trace: TraceId, view: &RecordView<'_>, arrived: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(&trace) else {
            return true;
        };
        let size = RawRecord::size(view.bytes);
        if self.log_bytes + size > self.limits.log_bytes {
            return false;
        }
        let copy = RawRecord::copy(view, &mut self.interner, arrived);
        entry.logs.push(copy);
        self.log_bytes += size;
        true
    }

    /// Records that log records of a trace were discarded.
    fn exceed_logs(&mut self, trace: TraceId, at: Instant) {
        let hole = Arc::new(self.limits.no_room_for_logs());
        self.lose_logs(trace, Loss { at, hole });
    }

    /// Adds a request to the recent ones. Discarded log records are holes in their traces, except in those with an
    /// entry, which has a copy. Returns the discarded requests.
    fn remember_logs(&mut self, request: &LogRequest<'_>) -> Vec<Arc<RecentRequest>> {
        let capacity = self.recent_logs.capacity();
        let Some(recent) = &request.recent else {
            let at = request.arrived;
            self.logs_discarded = Some(at);
            let unkept = std::iter::once((request.index.about(), at));
            self.lost_logs
                .note_discarded("log records", capacity, unkept);
            return Vec::new();
        };
        let discarded = self.recent_logs.push(Arc::clone(recent));
        if let Some(last) = discarded.last() {
            self.logs_discarded = Some(last.arrived());
        }
        let requests = discarded.iter().map(|one| (one.about(), one.arrived()));
        self.lost_logs
            .note_discarded("log records", capacity, requests);
        discarded
    }

    /// The log records that arrived since this moment, or ever, and are still remembered, with the spans that are.
    pub(in crate::source::store) fn found_logs(&self, since: Option<Instant>) -> FoundLogs {
        let kept = self.entries.values().flat_map(|entry| &entry.logs);
        let kept = kept.filter(|record| Some(record.arrived) >= since);
        FoundLogs {
            recent: self.recent_logs.since(since),
            kept: kept.cloned().collect(),
            with_entry: self.entries.keys().copied().collect(),
            has_all: self.logs_discarded.is_none_or(|last| Some(last) < since),
        }
    }

    /// The spans of entries among these traces.
    pub(in crate::source::store) fn kept_spans(&self, traces: &HashSet<TraceId>) -> Vec<RawRecord> {
        let kept = traces.iter().filter_map(|id| self.entries.get(id));
        kept.flat_map(|entry| entry.spans.iter().cloned()).collect()
    }

    /// Adds the recent log records of a trace to its new entry.
    pub(super) fn adopt_logs(&mut self, trace: TraceId) {
        for request in self.recent_logs.about(trace) {
            for view in request.records_of(trace) {
                if !self.keep_log(trace, &view, request.arrived()) {
                    return self.exceed_logs(trace, request.arrived());
                }
            }
        }
    }

    /// The log records of a trace that the store has.
    pub(in crate::source::store) fn logs_of(&self, trace: TraceId) -> Vec<RawRecord> {
        match self.entries.get(&trace) {
            Some(entry) => entry.logs.clone(),
            None => {
                let about = self.recent_logs.about(trace);
                wanted(&about, |record| record.trace == Some(trace))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use prost::Message as _;

    use super::*;
    use crate::source::Store;
    use crate::trace::Origin;

    /// A log record of about 1 MiB.
    fn take_in_log(store: &Store, trace: TraceId) {
        let record = LogRecord {
            trace_id: trace.as_bytes().to_vec(),
            severity_text: "x".repeat(1 << 20),
            ..LogRecord::default()
        };
        let scope = ScopeLogs {
            log_records: vec![record],
            ..ScopeLogs::default()
        };
        let resource = ResourceLogs {
            scope_logs: vec![scope],
            ..ResourceLogs::default()
        };
        let request = ExportLogsServiceRequest {
            resource_logs: vec![resource],
        };
        let request = request.encode_to_vec();
        store.ingest_logs_at(&request, Instant::now()).unwrap();
    }

    #[test]
    fn log_records_without_room_leave_a_hole_in_their_trace() {
        let store = Store::new();
        let [one, other] = [1_u8, 2].map(|number| TraceId::from_bytes([number; 16]).unwrap());
        let mut first = store.follow(one, Origin::Foreign);
        let mut second = store.follow(other, Origin::Foreign);
        let found = |follow: &mut crate::source::Follow| {
            let trace = follow.snapshot().trace;
            (trace.logs().len(), trace.log_holes().len())
        };
        for _ in 0..15 {
            take_in_log(&store, one);
        }
        assert_eq!(found(&mut first), (15, 0));
        take_in_log(&store, one);
        take_in_log(&store, other);
        assert_eq!(found(&mut first), (15, 1));
        assert_eq!(found(&mut second), (0, 1));
        drop(first);
        take_in_log(&store, other);
        // The loss stays known.
        assert_eq!(found(&mut second), (1, 1));
    }

    #[test]
    fn a_trace_has_the_log_records_that_arrived_before_it_was_followed() {
        let store = Store::new();
        let [one, other] = [1_u8, 2].map(|number| TraceId::from_bytes([number; 16]).unwrap());
        take_in_log(&store, one);
        take_in_log(&store, other);
        let mut follow = store.follow(one, Origin::Foreign);
        assert_eq!(follow.snapshot().trace.logs().len(), 1);
        for _ in 0..20 {
            take_in_log(&store, one);
            take_in_log(&store, TraceId::random());
        }
        // Discarded to make room for records of other traces.
        let trace = store.follow(other, Origin::Foreign).snapshot().trace;
        assert_eq!((trace.logs().len(), trace.log_holes().len()), (0, 1));
    }
}
