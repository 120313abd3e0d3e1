//! The judged trace and the linked traces as one sequence of spans.

use crate::trace::{Nanos, Span, Trace};

/// All spans that a check can see, addressed by index. The judged trace comes first.
pub(super) struct Forest<'a> {
    traces: Vec<&'a Trace>,
    /// The index of the first span of each trace.
    starts: Vec<usize>,
    len: usize,
}

/// The traces that a selection covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TraceReach {
    /// The judged trace.
    Trace,
    /// The judged trace and the linked traces.
    Links,
}

impl TraceReach {
    pub(super) fn or(self, other: Self) -> Self {
        match self {
            Self::Links => self,
            Self::Trace => other,
        }
    }
}

impl<'a> Forest<'a> {
    pub(super) fn new(trace: &'a Trace) -> Self {
        let traces: Vec<&Trace> = std::iter::once(trace).chain(trace.linked()).collect();
        let mut len = 0;
        let starts = traces
            .iter()
            .map(|trace| {
                len += trace.len();
                len - trace.len()
            })
            .collect();
        Self {
            traces,
            starts,
            len,
        }
    }

    /// Returns `true` if a span has no end: it was exported too early, and can arrive again.
    pub(super) fn may_change(&self) -> bool {
        self.traces
            .iter()
            .flat_map(|trace| trace.spans())
            .any(|span| span.end == 0)
    }

    /// The judged trace.
    pub(super) fn trace(&self) -> &'a Trace {
        self.traces[0]
    }

    /// The number of spans within reach.
    pub(super) fn len_within(&self, reach: TraceReach) -> usize {
        match reach {
            TraceReach::Trace => self.trace().len(),
            TraceReach::Links => self.len,
        }
    }

    /// The traces within reach, each with the index of its first span.
    pub(super) fn traces(&self, reach: TraceReach) -> impl Iterator<Item = (usize, &'a Trace)> {
        let most = if reach == TraceReach::Trace {
            1
        } else {
            self.traces.len()
        };
        self.starts
            .iter()
            .copied()
            .zip(self.traces.iter().copied())
            .take(most)
    }

    /// The trace of a span, and the index in that trace.
    pub(super) fn locate(&self, span: usize) -> (&'a Trace, usize) {
        let at = self.starts.partition_point(|&start| start <= span) - 1;
        (self.traces[at], span - self.starts[at])
    }

    pub(super) fn span(&self, span: usize) -> &'a Span {
        let (trace, index) = self.locate(span);
        &trace.spans()[index]
    }

    /// See [`Trace::self_time`].
    pub(super) fn self_time(&self, span: usize) -> Option<Nanos> {
        let (trace, index) = self.locate(span);
        trace.self_time(index)
    }
}
