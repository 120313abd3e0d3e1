//! Log records by their correlation: without a trace id, with the ids of a span, and others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::decoder::RecordDecoder;
use super::entry::RawRecord;
use super::recent::RecentRequest;
use super::state::wanted;
use crate::source::otlp;
use crate::trace::{LogRecord, LogsWithoutTrace, Span, SpanId, TraceId};

/// The log records that arrived since some moment and are still remembered. See [`LogsWithoutTrace`].
pub(in crate::source) struct ArrivedLogs {
    without_trace: Vec<RawRecord>,
    stray: Vec<RawRecord>,
    in_span: Vec<RawRecord>,
    has_all: bool,
}

/// The log records that a store has, to be sorted without its lock.
pub(in crate::source) struct FoundLogs {
    /// The requests that arrived since the moment.
    pub(super) recent: Vec<Arc<RecentRequest>>,
    /// The records in the entries of traces.
    pub(super) kept: Vec<RawRecord>,
    /// The traces that have an entry.
    pub(super) with_entry: HashSet<TraceId>,
    /// None was lost.
    pub(super) has_all: bool,
}

impl FoundLogs {
    fn without_trace(&self) -> Vec<RawRecord> {
        wanted(&self.recent, |record| record.trace.is_none())
    }

    fn with_trace(&self) -> Vec<RawRecord> {
        let mut found = wanted(&self.recent, |record| {
            let trace = record.trace.as_ref();
            trace.is_some_and(|id| !self.with_entry.contains(id))
        });
        found.extend(self.kept.iter().cloned());
        found
    }
}

impl ArrivedLogs {
    /// Sorts these records. `spans_with` returns the known spans with some ids.
    pub(super) fn of(
        found: &FoundLogs,
        spans_with: impl FnOnce(&HashSet<(TraceId, SpanId)>) -> Vec<RawRecord>,
    ) -> Self {
        let (without_trace, with_trace) = (found.without_trace(), found.with_trace());
        let has_all = found.has_all;
        let mut decoder = RecordDecoder::default();
        let mut others: Vec<(RawRecord, LogRecord)> = Vec::new();
        for raw in with_trace {
            // The walk accepts no record that cannot be decoded.
            others.extend(decoder.log_record(raw.clone()).map(|record| (raw, record)));
        }
        let wanted = others.iter().filter_map(|(_, record)| ids(record));
        let wanted: HashSet<(TraceId, SpanId)> = wanted.collect();
        let mut spans: HashMap<(TraceId, SpanId), Vec<Span>> = HashMap::new();
        for raw in spans_with(&wanted) {
            if let Ok(Some(span)) = decoder.span(raw) {
                let of_ids = spans.entry((span.trace_id, span.span_id));
                of_ids.or_default().push(span);
            }
        }
        let (in_span, stray) = others.into_iter().partition(|(_, record)| {
            let mut of_ids = ids(record)
                .into_iter()
                .filter_map(|ids| spans.get(&ids))
                .flatten();
            of_ids.any(|span| span.may_contain(record.time))
        });
        let raw = |all: Vec<(RawRecord, LogRecord)>| all.into_iter().map(|(raw, _)| raw).collect();
        Self {
            without_trace,
            stray: raw(stray),
            in_span: raw(in_span),
            has_all,
        }
    }

    pub(in crate::source) fn decoded(self) -> LogsWithoutTrace {
        let mut decoder = RecordDecoder::default();
        let mut decoded = |records: Vec<RawRecord>| {
            let decoded = records.into_iter().map(|raw| decoder.log_record(raw));
            decoded.filter_map(Result::ok).map(Arc::new).collect()
        };
        LogsWithoutTrace {
            records: decoded(self.without_trace),
            stray: decoded(self.stray),
            in_span: decoded(self.in_span),
            has_all: self.has_all,
        }
    }

    /// The records as two export requests in protobuf, the second with those of open spans; `true` if none was
    /// lost.
    #[cfg(feature = "run")]
    pub(crate) fn packed(&self) -> ([Vec<u8>; 2], bool) {
        let packed = |records: &mut dyn Iterator<Item = &RawRecord>| {
            let packed = records.flat_map(|raw| otlp::pack(&raw.resource, &raw.scope, &raw.bytes));
            packed.collect()
        };
        let uncorrelated = &mut self.without_trace.iter().chain(&self.stray);
        let requests = [packed(uncorrelated), packed(&mut self.in_span.iter())];
        (requests, self.has_all)
    }
}

fn ids(record: &LogRecord) -> Option<(TraceId, SpanId)> {
    record.trace_id.zip(record.span_id)
}
