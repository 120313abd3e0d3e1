//! The log records in the state of a store.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::StoreState;
use crate::source::otlp::{self, LogAt, LogWalk, Signal};
use crate::source::store::entry::{Interner, Owners, RawRecord};
#[cfg(feature = "run")]
use crate::source::store::handle::LogArrival;
use crate::source::store::losses::{self, Loss};
use crate::source::store::recent::traces_of_logs;
#[cfg(feature = "run")]
use crate::source::store::request::services_of;
use crate::source::store::uncorrelated::ArrivedLogs;
use crate::trace::{SpanId, TraceId};

/// Bound in bytes for the log records of all kept traces.
const LOG_CAPACITY: usize = 16 << 20;

impl StoreState {
    /// Adds log records to the entries of their traces, and the request to the recent ones if it has
    /// others.
    pub(in crate::source::store) fn take_in_logs(
        &mut self,
        request: &[u8],
        walk: &LogWalk<'_>,
        arrived: Instant,
    ) {
        let mut changed = Vec::new();
        let mut has_others = false;
        for record in &walk.records {
            if record.has_wrong_id {
                let hole = Arc::new(otlp::wrong_log_id(record.trace_id.is_some()));
                let loss = Loss { at: arrived, hole };
                match record.trace_id {
                    Some(trace) => self.lose_logs(trace, loss),
                    None => self.lose_of_unknown(Signal::Logs, loss),
                }
            }
            let kept = record.trace_id.filter(|id| self.entries.contains_key(id));
            let Some(trace) = kept else {
                has_others = true;
                continue;
            };
            has_others |= self.remembers_all;
            self.keep_log(trace, walk, record, arrived);
            if changed.last() != Some(&trace) {
                changed.push(trace);
            }
        }
        if has_others {
            let traces = traces_of_logs(walk);
            let discarded = self.recent_logs.push(request, traces, arrived);
            self.note_discarded_logs(discarded);
        }
        for trace in changed {
            self.notify(trace);
        }
    }

    /// Records log records in the open windows.
    #[cfg(feature = "run")]
    pub(in crate::source::store) fn observe_logs(
        &mut self,
        walk: &LogWalk<'_>,
        arrived: Instant,
        by: LogArrival,
    ) {
        if !self.traffic.are_open() {
            return;
        }
        match by {
            LogArrival::Export => {
                let services = services_of(&walk.resources);
                self.traffic.logs(walk, &services, arrived);
            }
            LogArrival::Printed => self.traffic.printed(walk, arrived),
        }
    }

    /// Adds a log record to the entry of its trace if there is room.
    fn keep_log(
        &mut self,
        trace: TraceId,
        walk: &LogWalk<'_>,
        record: &LogAt<'_>,
        arrived: Instant,
    ) {
        let Some(entry) = self.entries.get_mut(&trace) else {
            return;
        };
        let size = RawRecord::size(record.bytes);
        if self.log_bytes + size > LOG_CAPACITY {
            let hole = Arc::new(losses::no_room(LOG_CAPACITY));
            let loss = Loss { at: arrived, hole };
            entry.log_losses.add(loss.clone());
            self.lost_logs.note(trace, loss);
            return;
        }
        let (bytes, scope) = (record.bytes, record.scope);
        let copy = RawRecord::copy(bytes, scope, walk.into(), &mut self.interner, arrived);
        entry.logs.push(copy);
        self.log_bytes += size;
    }

    /// Discarded log records are holes in their traces, except in those with an entry, which has a copy.
    fn note_discarded_logs(&mut self, discarded: Vec<(Box<[TraceId]>, Instant)>) {
        if discarded.is_empty() {
            return;
        }
        let capacity = self.recent_logs.capacity();
        let hole = Arc::new(losses::discarded("log records", capacity));
        for (traces, at) in discarded {
            self.logs_discarded = Some(at);
            for &trace in &traces {
                let hole = Arc::clone(&hole);
                self.lost_logs.note(trace, Loss { at, hole });
            }
        }
    }

    /// The log records without a trace id that arrived since this moment, or ever, and `true` if the store
    /// still has all of them.
    fn logs_without_trace(&self, since: Option<Instant>) -> (Vec<RawRecord>, bool) {
        let recent = self.recent_logs.since(since);
        let found = recent_logs(recent, |record| record.trace_id.is_none());
        (
            found,
            self.logs_discarded.is_none_or(|last| Some(last) < since),
        )
    }

    /// The log records that arrived since this moment, or ever, and are still remembered.
    pub(in crate::source) fn arrived_logs(&self, since: Option<Instant>) -> ArrivedLogs {
        let (without_trace, with_trace) =
            (self.logs_without_trace(since), self.logs_with_trace(since));
        ArrivedLogs::of(without_trace, with_trace, |ids| self.spans_with(ids))
    }

    /// The log records with a trace id that arrived since this moment, or ever, and are still remembered.
    fn logs_with_trace(&self, since: Option<Instant>) -> Vec<RawRecord> {
        let is_kept = |id: &TraceId| self.entries.contains_key(id);
        let recent = self.recent_logs.since(since);
        let mut found = recent_logs(recent, |record| {
            record.trace_id.as_ref().is_some_and(|id| !is_kept(id))
        });
        let kept = self.entries.values().flat_map(|entry| &entry.logs);
        found.extend(kept.filter(|record| Some(record.arrived) >= since).cloned());
        found
    }

    /// The spans with these ids that the store has.
    fn spans_with(&self, ids: &HashSet<(TraceId, SpanId)>) -> Vec<RawRecord> {
        let mut found = self.remembered(None, |span| ids.contains(&(span.trace_id, span.span_id)));
        let traces: HashSet<&TraceId> = ids.iter().map(|(trace, _)| trace).collect();
        let kept = traces.into_iter().filter_map(|id| self.entries.get(id));
        found.extend(kept.flat_map(|entry| entry.spans.iter().cloned()));
        found
    }

    /// Adds the recent log records of a trace to its new entry.
    pub(super) fn adopt_logs(&mut self, trace: TraceId) {
        let recent = std::mem::take(&mut self.recent_logs);
        for (request, arrived) in recent.about(trace) {
            let Ok(walk) = LogWalk::of_logs(request) else {
                continue;
            };
            for record in walk
                .records
                .iter()
                .filter(|record| record.trace_id == Some(trace))
            {
                self.keep_log(trace, &walk, record, arrived);
            }
        }
        self.recent_logs = recent;
    }

    /// The log records of a trace that the store has.
    pub(in crate::source::store) fn logs_of(&self, trace: TraceId) -> Vec<RawRecord> {
        if let Some(entry) = self.entries.get(&trace) {
            return entry.logs.clone();
        }
        let about = self.recent_logs.about(trace);
        recent_logs(about, |record| record.trace_id == Some(trace))
    }
}

/// The wanted log records of recent requests.
fn recent_logs<'a>(
    requests: impl Iterator<Item = (&'a [u8], Instant)>,
    is_wanted: impl Fn(&LogAt<'_>) -> bool,
) -> Vec<RawRecord> {
    let (mut copies, mut found) = (Interner::default(), Vec::new());
    for (request, arrived) in requests {
        // It was walked on arrival.
        let Ok(walk) = LogWalk::of_logs(request) else {
            continue;
        };
        let wanted = walk.records.iter().filter(|record| is_wanted(record));
        found.extend(wanted.map(|record| {
            let owners = Owners::from(&walk);
            RawRecord::copy(record.bytes, record.scope, owners, &mut copies, arrived)
        }));
    }
    found
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
