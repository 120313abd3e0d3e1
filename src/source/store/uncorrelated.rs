//! Log records by their correlation: without a trace id, with the ids of a span, and others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::decoder::RecordDecoder;
use super::entry::RawRecord;
use crate::source::otlp;
use crate::trace::{LogRecord, LogsWithoutTrace, Span, SpanId, TraceId};

/// The log records that arrived since some moment and are still remembered. See [`LogsWithoutTrace`].
pub(in crate::source) struct ArrivedLogs {
    without_trace: Vec<RawRecord>,
    stray: Vec<RawRecord>,
    in_span: Vec<RawRecord>,
    has_all: bool,
}

impl ArrivedLogs {
    /// Sorts these records, of which none was lost if `has_all`. `spans_with` returns the known spans with some ids.
    pub(super) fn of(
        (without_trace, has_all): (Vec<RawRecord>, bool),
        with_trace: Vec<RawRecord>,
        spans_with: impl FnOnce(&HashSet<(TraceId, SpanId)>) -> Vec<RawRecord>,
    ) -> Self {
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
