//! The log records of a trace in the compact form that the scripts of the page read.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use super::shared::{AttributeRow, PageValues};
use crate::spec::severity_name;
use crate::trace::{LogRecord, Nanos, Trace, Value};

/// Maximum number of log records of a trace; the most severe are shown. The saved trace has all.
const MOST: usize = 1_000;

/// The log records of a trace.
#[derive(Serialize)]
pub(super) struct PageLogs {
    /// By time.
    records: Vec<LogRow>,
    /// Number of the others, by span. The last is that of records without a span.
    left_out: Vec<(Option<usize>, usize)>,
}

/// A log record; references are indices in [`PageValues`].
#[derive(Serialize)]
struct LogRow(
    Option<usize>, // 0: span; null if none arrived
    Option<i64>,   // 1: nanoseconds since the start of the trace; null if the record has no time
    u8,            // 2: severity number; 0 if it is unspecified
    usize,         // 3: name of the severity
    usize,         // 4: body
    usize,         // 5: name of an event
    usize,         // 6: service
    usize,         // 7: resource
    usize,         // 8: scope
    AttributeRow,  // 9: attributes
    u32,           // 10: number of dropped attributes
);

impl PageLogs {
    /// `numbers` are the indices of spans on the page.
    pub(super) fn of(
        trace: &Trace,
        zero: Nanos,
        numbers: &[usize],
        shared: &mut PageValues,
    ) -> Self {
        let span = |record: &LogRecord| {
            let at = record.span_id.and_then(|id| trace.find(id))?;
            Some(numbers[at])
        };
        let mut records: Vec<&LogRecord> = trace.logs().iter().map(|record| &**record).collect();
        let mut left_out: HashMap<Option<usize>, usize> = HashMap::new();
        if records.len() > MOST {
            records.sort_by_key(|record| Reverse(record.severity));
            for record in records.drain(MOST..) {
                *left_out.entry(span(record)).or_default() += 1;
            }
        }
        records.sort_by_key(|record| record.time);
        let mut left_out: Vec<(Option<usize>, usize)> = left_out.into_iter().collect();
        left_out.sort_unstable_by_key(|(span, _)| (span.is_none(), *span));
        Self {
            records: records
                .into_iter()
                .map(|record| row(record, span(record), zero, shared))
                .collect(),
            left_out,
        }
    }
}

fn row(record: &LogRecord, span: Option<usize>, zero: Nanos, shared: &mut PageValues) -> LogRow {
    let after = i64::try_from(i128::from(record.time) - i128::from(zero));
    let severity = match record.severity {
        Some(number) => severity_name(number),
        None => record.severity_text.clone(),
    };
    let body = match &record.body {
        Value::Null => String::new(),
        body => body.to_text(),
    };
    LogRow(
        span,
        after.ok().filter(|_| record.time > 0),
        record.severity.unwrap_or(0),
        shared.string(&severity),
        shared.string(&body),
        shared.string(&record.event_name),
        shared.string(record.service()),
        shared.resource(&record.resource),
        shared.scope(&record.scope),
        shared.attributes(&record.attributes),
        record.attributes.dropped(),
    )
}
