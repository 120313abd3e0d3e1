//! Exceptions that services send as log records, in place of span events or in addition to them.

use std::collections::{HashMap, HashSet};

use super::record::{event_name, unknown_service};
use crate::spec::EXCEPTION;
use crate::trace::{Event, LogRecord, Span, SpanId, Trace, TraceId, Value};

const TYPE: &str = "exception.type";
const MESSAGE: &str = "exception.message";
const STACKTRACE: &str = "exception.stacktrace";

/// The log records with an exception, by the trace and the span in which they were written.
#[derive(Default)]
pub(super) struct Exceptions<'t> {
    by_span: HashMap<(TraceId, SpanId), Vec<&'t LogRecord>>,
    /// Records whose exception can be among their dropped attributes.
    cut: HashMap<(TraceId, SpanId), Vec<&'t LogRecord>>,
    /// Exceptions without a span id, by trace.
    without_span: HashMap<TraceId, Vec<&'t LogRecord>>,
    /// Ids of the two ends of a call.
    shared: HashSet<(TraceId, SpanId)>,
}

/// The exceptions of a span in log records.
#[derive(Default)]
pub(super) struct ExceptionsOfSpan<'t> {
    /// Those that are not among its events.
    pub(super) certain: Vec<&'t LogRecord>,
    /// Records that can be exceptions, or exceptions that can belong to the span.
    pub(super) possible: Vec<&'t LogRecord>,
}

impl<'t> Exceptions<'t> {
    pub(super) fn of(traces: impl Iterator<Item = &'t Trace>) -> Self {
        let mut all = Self::default();
        for trace in traces {
            for record in trace.logs() {
                match (record.span_id, is_exception(record)) {
                    (Some(span), true) => {
                        let of_span = all.by_span.entry((trace.id(), span));
                        of_span.or_default().push(record);
                    }
                    (Some(span), false) if record.attributes.dropped() > 0 => {
                        let of_span = all.cut.entry((trace.id(), span));
                        of_span.or_default().push(record);
                    }
                    (None, true) => {
                        let of_trace = all.without_span.entry(trace.id());
                        of_trace.or_default().push(record);
                    }
                    _ => {}
                }
            }
            let mut seen = HashSet::new();
            let ids = trace
                .spans()
                .iter()
                .map(|span| (span.trace_id, span.span_id));
            all.shared.extend(ids.filter(|ids| !seen.insert(*ids)));
        }
        all
    }

    /// The exceptions of a span. A record with the type and message of an event is the same exception.
    pub(super) fn of_span(&self, span: &Span) -> ExceptionsOfSpan<'t> {
        let ids = (span.trace_id, span.span_id);
        let is_shared = self.shared.contains(&ids);
        let is_of_service = |record: &LogRecord| record.service() == span.service();
        let is_its = |record: &&&LogRecord| !is_shared || is_of_service(record);
        let is_exception = |event: &&Event| event.name == EXCEPTION;
        let mut events: Vec<&Event> = span.events.iter().filter(is_exception).collect();
        let records = self.by_span.get(&ids).into_iter().flatten();
        let mut certain: Vec<&LogRecord> = records.filter(is_its).copied().collect();
        certain.retain(|record| {
            let same = events.iter().position(|event| is_same(event, record));
            same.map(|at| events.remove(at)).is_none()
        });
        let cut = self.cut.get(&ids).into_iter().flatten().filter(is_its);
        let without_span = self.without_span.get(&span.trace_id).into_iter();
        let without_span = without_span
            .flatten()
            .filter(|record| is_of_service(record) || unknown_service(record).is_some());
        ExceptionsOfSpan {
            certain,
            possible: cut.chain(without_span).copied().collect(),
        }
    }
}

fn is_exception(record: &LogRecord) -> bool {
    let mut keys = [TYPE, MESSAGE, STACKTRACE].iter();
    event_name(record) == EXCEPTION || keys.any(|key| record.attributes.get(key).is_some())
}

/// Some bridges write the type without its module, or leave the message out.
fn is_same(event: &Event, record: &LogRecord) -> bool {
    let of_event = |key| event.attributes.get(key).map(Value::to_text);
    let of_record = |key| record.attributes.get(key).map(Value::to_text);
    let last = |name: String| {
        name.rsplit(['.', ':', '$', '/'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let is_equal = |a: Option<String>, b: Option<String>| match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    is_equal(of_event(TYPE).map(last), of_record(TYPE).map(last))
        && is_equal(of_event(MESSAGE), of_record(MESSAGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Attributes;

    fn exception(kind: &str) -> Attributes {
        [(TYPE.to_owned(), Value::from(kind))].into_iter().collect()
    }

    #[test]
    fn an_exception_that_is_sent_as_event_and_record_is_one() {
        let trace_id = TraceId::from_bytes([1; 16]).unwrap();
        let span_id = SpanId::from_bytes([1; 8]).unwrap();
        let mut span = Span::new(trace_id, span_id, "charge");
        span.events.push(Event {
            name: EXCEPTION.to_owned(),
            time: 1,
            attributes: exception("CardDeclined"),
        });
        let record = |kind| {
            std::sync::Arc::new(LogRecord {
                attributes: exception(kind),
                ..LogRecord::new(trace_id, span_id)
            })
        };
        let logs = ["CardDeclined", "Timeout", "CardDeclined"].map(record);
        let trace = Trace::assemble(trace_id, crate::trace::Origin::Foreign, [span]);
        let trace = trace.with_logs(std::sync::Arc::new(logs.to_vec()));
        let exceptions = Exceptions::of([&trace].into_iter());
        let others = exceptions.of_span(&trace.spans()[0]);
        assert!(others.possible.is_empty());
        let kinds: Vec<String> = others
            .certain
            .iter()
            .map(|one| one.attributes.get(TYPE).unwrap().to_text())
            .collect();
        assert_eq!(kinds, ["Timeout", "CardDeclined"]);
    }
}
