//! The critical path of a trace: the span that determines the total duration at each moment.
//!
//! `report` draws it.

use super::{Nanos, Trace};

/// A section of the critical path within one span, outside its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriticalPart {
    /// The index of the span.
    pub span: usize,
    /// Start of the section.
    pub start: Nanos,
    /// End of the section.
    pub end: Nanos,
}

/// A span of the depth-first walk with its progress.
struct Frame {
    span: usize,
    /// The path within this span is known from its end back to this time.
    reached: Nanos,
    /// The section of this span starts here.
    from: Nanos,
    /// Its children, by end time.
    children: Vec<usize>,
}

impl Trace {
    /// The sections of the critical path, by time, without overlap.
    ///
    /// The walk goes backwards from the end of the root that ends last: it enters the child that
    /// ended last, then the child that ended last before the start of that one, and so on (Uber's
    /// CRISP, USENIX ATC 2022). A child that outlives its parent is cut at the parent's end.
    ///
    /// `None` if a span has no duration, because that span could be on the path.
    #[must_use]
    pub fn critical_path(&self) -> Option<Vec<CriticalPart>> {
        self.duration()?;
        let ends_last = |&&root: &&usize| (self.spans()[root].end, std::cmp::Reverse(root));
        let Some(&root) = self.roots().iter().max_by_key(ends_last) else {
            return Some(Vec::new());
        };
        let span = &self.spans()[root];
        let mut path = Vec::new();
        let mut open = vec![self.frame(root, span.start, span.end)];
        while let Some(frame) = open.last_mut() {
            match self.next_waited_for(frame) {
                Some((child, from, to)) => {
                    tell(&mut path, frame.span, to, frame.reached);
                    frame.reached = from;
                    open.push(self.frame(child, from, to));
                }
                None => {
                    tell(&mut path, frame.span, frame.from, frame.reached);
                    open.pop();
                }
            }
        }
        path.reverse();
        Some(path)
    }

    fn frame(&self, span: usize, from: Nanos, to: Nanos) -> Frame {
        let mut children = self.children(span).to_vec();
        children.sort_by_key(|&child| self.spans()[child].end);
        Frame {
            span,
            reached: to,
            from,
            children,
        }
    }

    /// The child that the rest of the frame waited for, with the start and end of the section.
    fn next_waited_for(&self, frame: &mut Frame) -> Option<(usize, Nanos, Nanos)> {
        let limit = self.spans()[frame.span].end;
        while let Some(child) = frame.children.pop() {
            let span = &self.spans()[child];
            let (from, to) = (span.start.max(frame.from), span.end.min(limit));
            if from < to && to <= frame.reached {
                return Some((child, from, to));
            }
        }
        None
    }
}

fn tell(path: &mut Vec<CriticalPart>, span: usize, start: Nanos, end: Nanos) {
    if start < end {
        path.push(CriticalPart { span, start, end });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, Span, SpanId, TraceId};
    use super::*;

    fn trace(spans: &[(u64, u64, Nanos, Nanos)]) -> Trace {
        let id = |n: u64| SpanId::from_bytes(n.to_be_bytes());
        let trace_id = TraceId::from_bytes([1; 16]).unwrap();
        let spans = spans.iter().map(|&(n, parent, start, end)| Span {
            parent_id: id(parent),
            start,
            end,
            ..Span::new(trace_id, id(n).unwrap(), "")
        });
        Trace::assemble(trace_id, Origin::Foreign, spans)
    }

    fn parts(trace: &Trace) -> Vec<(usize, Nanos, Nanos)> {
        let parts = trace.critical_path().unwrap();
        parts.iter().map(|p| (p.span, p.start, p.end)).collect()
    }

    #[test]
    fn a_span_waits_for_the_child_that_finishes_last_and_before_it_for_the_one_before() {
        let trace = trace(&[
            (1, 0, 0, 100),
            (2, 1, 10, 40),
            (3, 1, 20, 50),
            (4, 1, 60, 90),
        ]);
        assert_eq!(
            parts(&trace),
            [
                (0, 0, 20),
                (2, 20, 50),
                (0, 50, 60),
                (3, 60, 90),
                (0, 90, 100)
            ]
        );
    }

    #[test]
    fn a_child_that_outlives_its_parent_is_cut_at_the_parents_end() {
        let trace = trace(&[(1, 0, 0, 100), (2, 1, 50, 300), (3, 1, 110, 200)]);
        assert_eq!(parts(&trace), [(0, 0, 50), (1, 50, 100)]);
    }

    #[test]
    fn the_parts_of_a_root_have_no_gap_however_deep_the_trace_is() {
        let deep: Vec<_> = (1..20_000).map(|n| (n, n - 1, n, 90_000 - n)).collect();
        let path = trace(&deep).critical_path().unwrap();
        assert!(path.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((path[0].start, path[path.len() - 1].end), (1, 89_999));
    }

    #[test]
    fn an_empty_trace_has_none() {
        assert_eq!(trace(&[]).critical_path(), Some(Vec::new()));
    }

    #[test]
    fn there_is_none_where_a_span_never_ended() {
        assert_eq!(
            trace(&[(1, 0, 1, 100), (2, 1, 10, 0)]).critical_path(),
            None
        );
    }
}
