//! The traces that are examined.

use std::collections::HashSet;

use crate::spec::SpanType;
use crate::trace::{LogsWithoutTrace, Losses, Span, SpanId, Trace, TraceId, Value};

/// Traces, and what is known beside them.
#[derive(Clone, Copy)]
pub(crate) struct Observed<'a> {
    pub(crate) traces: &'a [Trace],
    pub(crate) extent: Extent<'a>,
    /// The log records that belong to no trace; `None` if they are not known.
    pub(crate) logs_without_trace: Option<&'a LogsWithoutTrace>,
}

/// The part of the traffic that the traces are.
#[derive(Clone, Copy)]
pub(crate) enum Extent<'a> {
    /// All of it. Of traces with these ids, spans may lie outside of the observed time.
    Whole(&'a HashSet<TraceId>),
    /// A single trace; with its surroundings, if they are known.
    OneTrace(Option<&'a Surroundings>),
}

/// The other traces of the time of a trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The other traces that arrived at that time, of no known request.
    pub(crate) others: Vec<Trace>,
    /// None of them was discarded.
    pub(crate) has_all: bool,
    /// Calls of the trace to services that recorded other calls, and recorded nothing of these.
    pub(crate) unanswered: Vec<SpanId>,
}

impl<'a> Extent<'a> {
    /// Traces in which the context of the examined ones may continue.
    pub(super) fn others(self) -> &'a [Trace] {
        match self {
            Self::OneTrace(Some(surroundings)) => &surroundings.others,
            Self::Whole(_) | Self::OneTrace(None) => &[],
        }
    }

    pub(super) fn unanswered(self) -> &'a [SpanId] {
        match self {
            Self::OneTrace(Some(surroundings)) => &surroundings.unanswered,
            Self::Whole(_) | Self::OneTrace(None) => &[],
        }
    }

    /// The reason why further traces can exist, and the remedy.
    pub(super) fn gap(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::OneTrace(None) => Some((
                "it needs the other traces that arrived, and only this one is known",
                "let the services send their spans to spanspec, or use `spanspec lint --traces` with many traces",
            )),
            Self::OneTrace(Some(surroundings)) if !surroundings.has_all => Some((
                "it needs the other traces that arrived, and some of them were discarded",
                "stop other traffic while this spec runs",
            )),
            Self::Whole(_) | Self::OneTrace(Some(_)) => None,
        }
    }

    /// Returns `true` if no span of the trace is known to be missing, so that the absence of a span is a fact.
    pub(super) fn is_complete(self, trace: &Trace) -> bool {
        let is_cut = match self {
            Self::Whole(cut) => cut.contains(&trace.id()),
            Self::OneTrace(_) => false,
        };
        !is_cut && trace.holes().is_empty()
    }
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
