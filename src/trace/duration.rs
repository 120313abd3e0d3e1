//! Durations of spans and traces, and the reasons why one is unknown.

use std::fmt;

use super::{Nanos, Span, Trace};

/// The reason why a span has no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDuration {
    /// Its end is not set: it was exported before its end.
    NeverEnded,
    /// Its end is before its start by this duration: the clock was set back.
    EndsBeforeStart(Nanos),
    /// Its start is not set.
    NoStart,
}

/// A start of zero is unset if the end is later than 1971.
const REAL_TIME: Nanos = 365 * 24 * 3_600 * 1_000_000_000;

impl Span {
    /// The time from its start to its end.
    ///
    /// # Errors
    /// The reason if it has none: the end is not set or before the start, or the start is not set.
    pub fn duration(&self) -> Result<Nanos, NoDuration> {
        match (self.start, self.end) {
            (_, 0) => Err(NoDuration::NeverEnded),
            (0, REAL_TIME..) => Err(NoDuration::NoStart),
            (start, end) => end
                .checked_sub(start)
                .ok_or_else(|| NoDuration::EndsBeforeStart(start - end)),
        }
    }

    /// Its start, if that is set and the end is not before it.
    #[must_use]
    pub fn known_start(&self) -> Option<Nanos> {
        match self.duration() {
            Ok(_) => Some(self.start),
            Err(NoDuration::NeverEnded) => Some(self.start).filter(|&start| start > 0),
            Err(_) => None,
        }
    }

    /// Its end, if the span has a duration.
    #[must_use]
    pub fn known_end(&self) -> Option<Nanos> {
        self.duration().is_ok().then_some(self.end)
    }
}

impl Trace {
    /// The time from the first start to the last end, across all clocks involved. `None` if a span
    /// has no duration.
    #[must_use]
    pub fn duration(&self) -> Option<Nanos> {
        let has_duration = |span: &Span| span.duration().is_ok();
        self.spans()
            .iter()
            .all(has_duration)
            .then(|| self.least_duration())
    }

    /// A lower bound of the duration, from the spans that have one.
    #[must_use]
    pub fn least_duration(&self) -> Nanos {
        let ended = || self.spans().iter().filter(|span| span.duration().is_ok());
        let start = ended().map(|span| span.start).min().unwrap_or(0);
        let end = ended().map(|span| span.end).max().unwrap_or(0);
        end.saturating_sub(start)
    }

    /// The duration of a span minus the parts that its direct children cover; overlapping children
    /// count once. `None` if the span or one of these children has no duration.
    #[must_use]
    pub fn self_time(&self, span: usize) -> Option<Nanos> {
        let outer = &self.spans()[span];
        let duration = outer.duration().ok()?;
        let mut covered = 0;
        let mut reached = outer.start;
        // Children are sorted by start, so one sweep merges them.
        for child in self
            .children(span)
            .iter()
            .map(|&child| &self.spans()[child])
        {
            child.duration().ok()?;
            let start = child.start.max(reached);
            let end = child.end.min(outer.end);
            covered += end.saturating_sub(start);
            reached = reached.max(end);
        }
        Some(duration.saturating_sub(covered))
    }
}

/// Writes a predicate of the span.
impl fmt::Display for NoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverEnded => f.write_str("never ended"),
            Self::EndsBeforeStart(_) => f.write_str("ended before it started"),
            Self::NoStart => f.write_str("has no start"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, SpanId, TraceId};
    use super::*;

    const NOW: Nanos = 1_790_000_000_000_000_000;

    fn id(n: u8) -> SpanId {
        SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, n]).unwrap()
    }

    fn span(n: u8, parent: Option<u8>, start: Nanos, end: Nanos) -> Span {
        Span {
            parent_id: parent.map(id),
            start,
            end,
            ..Span::new(TraceId::from_bytes([1; 16]).unwrap(), id(n), "work")
        }
    }

    fn trace(spans: Vec<Span>) -> Trace {
        Trace::assemble(spans[0].trace_id, Origin::Foreign, spans)
    }

    #[test]
    fn a_span_without_an_end_or_with_its_end_before_its_start_has_no_duration() {
        let of = |start, end| span(1, None, start, end).duration();
        assert_eq!(of(NOW, NOW + 5), Ok(5));
        assert_eq!(of(NOW, NOW), Ok(0));
        assert_eq!(of(NOW, 0), Err(NoDuration::NeverEnded));
        assert_eq!(of(NOW, NOW - 7), Err(NoDuration::EndsBeforeStart(7)));
        assert_eq!(of(0, NOW), Err(NoDuration::NoStart));
    }

    #[test]
    fn a_trace_with_such_a_span_has_none_either_and_took_at_least_as_long_as_the_others() {
        let ended = vec![span(1, None, 10, 100), span(2, Some(1), 20, 90)];
        assert_eq!(trace(ended.clone()).duration(), Some(90));
        let unended = trace([ended, vec![span(3, Some(1), 30, 0)]].concat());
        assert_eq!((unended.duration(), unended.least_duration()), (None, 90));
    }

    #[test]
    fn self_time_counts_children_that_overlap_once_and_only_within_the_span() {
        let spans = |last_end| {
            vec![
                span(1, None, 1, 100),
                span(2, Some(1), 10, 30),
                span(3, Some(1), 20, 40),
                span(4, Some(1), 25, 28),
                span(5, Some(1), 90, last_end),
            ]
        };
        assert_eq!(trace(spans(200)).self_time(0), Some(99 - 30 - 10));
        assert_eq!(trace(spans(0)).self_time(0), None);
        assert_eq!(trace(spans(80)).self_time(0), None);
    }
}
