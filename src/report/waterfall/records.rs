//! Selection of the log records that stand below their spans.

use std::collections::HashMap;
use std::sync::Arc;

use crate::trace::{LogRecord, Trace};

/// The log records of a waterfall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// Those with a severity of at least WARN.
    Warnings,
    /// All.
    All,
}

/// The smallest number of the severity WARN.
const WARN: u8 = 13;

/// Maximum number of log records below a span, and of those that belong to no span.
const MOST_OF_SPAN: usize = 5;

/// The log records of a trace, by span.
pub(super) struct SpanRecords<'t> {
    by_span: HashMap<usize, Chosen<'t>>,
    pub(super) others: Chosen<'t>,
}

/// Log records by time, and the number of those that are left out.
#[derive(Default)]
pub(super) struct Chosen<'t> {
    pub(super) shown: Vec<&'t LogRecord>,
    pub(super) more: usize,
}

impl<'t> SpanRecords<'t> {
    pub(super) fn of(trace: &'t Trace, which: Records) -> Self {
        let is_wanted = |record: &&Arc<LogRecord>| {
            which == Records::All || record.severity.is_some_and(|severity| severity >= WARN)
        };
        let mut by_span: HashMap<Option<usize>, Vec<&LogRecord>> = HashMap::new();
        for record in trace.logs().iter().filter(is_wanted) {
            let span = record.span_id.and_then(|id| trace.find(id));
            by_span.entry(span).or_default().push(record);
        }
        let others = by_span.remove(&None).map(Chosen::of).unwrap_or_default();
        let of_spans = by_span.into_iter();
        Self {
            by_span: of_spans
                .filter_map(|(span, records)| Some((span?, Chosen::of(records))))
                .collect(),
            others,
        }
    }

    pub(super) fn of_span(&self, span: usize) -> Option<&Chosen<'t>> {
        self.by_span.get(&span)
    }
}

impl<'t> Chosen<'t> {
    /// The most severe records.
    fn of(mut records: Vec<&'t LogRecord>) -> Self {
        records.sort_by_key(|record| record.time);
        let more = records.len().saturating_sub(MOST_OF_SPAN);
        if more > 0 {
            records.sort_by_key(|record| std::cmp::Reverse(record.severity));
            records.truncate(MOST_OF_SPAN);
            records.sort_by_key(|record| record.time);
        }
        Self {
            shown: records,
            more,
        }
    }
}
