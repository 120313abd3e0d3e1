//! The traces that are examined.

use crate::spec::SpanType;
use crate::trace::{LogsWithoutTrace, Losses, Span, Trace, Value};

/// Traces, and the log records that belong to none.
#[derive(Clone, Copy)]
pub(crate) struct Observed<'a> {
    pub(crate) traces: &'a [Trace],
    pub(crate) logs_without_trace: Option<&'a LogsWithoutTrace>,
}

impl<'a> Observed<'a> {
    /// All spans with the index in their trace.
    pub(super) fn spans(&self) -> impl Iterator<Item = (&'a Trace, usize, &'a Span)> {
        let traces = self.traces.iter();
        traces.flat_map(|trace| {
            let spans = trace.spans().iter().enumerate();
            spans.map(move |(at, span)| (trace, at, span))
        })
    }

    /// The fields that the source of any trace loses.
    pub(super) fn losses(&self) -> Losses {
        let mut all = Losses::none();
        self.traces.iter().for_each(|trace| all.add(trace.losses()));
        all
    }
}

/// The first of these attributes that a span has.
pub(super) fn first<'s>(span: &'s Span, keys: &[&str]) -> Option<&'s Value> {
    keys.iter().find_map(|key| span.attributes.get(key))
}

/// The first of these attributes as a string.
pub(super) fn text<'s>(span: &'s Span, keys: &[&str]) -> Option<&'s str> {
    first(span, keys).and_then(Value::as_str)
}

/// An attribute as an integer, also if it is a string.
pub(super) fn integer(span: &Span, keys: &[&str]) -> Option<i64> {
    match first(span, keys)? {
        Value::Int(number) => Some(*number),
        other => other.as_str()?.parse().ok(),
    }
}

/// Returns `true` for spans of this type by the semantic conventions.
pub(super) fn is_of(span: &Span, kind: SpanType) -> bool {
    first(span, kind.identified_by()).is_some()
}
