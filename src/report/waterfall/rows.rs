//! Selection and order of the spans that are shown, and rows that replace the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::trace::{SpanId, Trace};

/// A row, with its depth among the rows that are shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TraceRow {
    Span {
        span: usize,
        depth: usize,
    },
    /// Above the spans whose parent never arrived.
    MissingParent(SpanId),
    /// A chain of spans that is shown only because of its descendants.
    Between {
        spans: usize,
        depth: usize,
    },
    /// Omitted descendants of the row that is one level higher.
    More {
        spans: usize,
        marked: usize,
        depth: usize,
    },
}

/// Longer chains of spans, of which each only leads to the next, are shortened.
const LONGEST_RUN: usize = 4;

/// The rows for a trace, in linear time.
pub(super) fn select(trace: &Trace, marked: &[usize], most: usize) -> Vec<TraceRow> {
    let choice = if trace.len() <= most {
        SpanSelection::everything(trace)
    } else {
        SpanSelection::what_matters(trace, marked, most)
    };
    RowBuilder::new(trace, &choice, marked).rows()
}

/// Spans shorter than this fraction of the trace, a two-hundredth, are not selected by length, but
/// at least [`AT_LEAST`] spans are.
const SMALLEST_PART: u64 = 200;
const AT_LEAST: usize = 8;

struct SpanSelection {
    /// Shown, with all ancestors.
    kept: Vec<bool>,
    /// Selected itself, not only as an ancestor.
    picked: Vec<bool>,
    kept_count: usize,
}

impl SpanSelection {
    fn everything(trace: &Trace) -> Self {
        Self {
            kept: vec![true; trace.len()],
            picked: vec![true; trace.len()],
            kept_count: trace.len(),
        }
    }

    fn what_matters(trace: &Trace, marked: &[usize], most: usize) -> Self {
        let mut choice = Self {
            kept: vec![false; trace.len()],
            picked: vec![false; trace.len()],
            kept_count: 0,
        };
        let longest_first = |spans: &mut Vec<usize>, number: usize| {
            let key = |&span: &usize| (Reverse(trace.spans()[span].duration().ok()), span);
            if number < spans.len() {
                spans.select_nth_unstable_by_key(number, key);
                spans.truncate(number);
            }
            spans.sort_unstable_by_key(key);
        };
        marked
            .iter()
            .take(most)
            .for_each(|&span| choice.pick(trace, span));

        let mut roots = trace.roots().to_vec();
        longest_first(&mut roots, most.div_ceil(4));
        choice.pick_while_room(trace, &roots, most);
        let errors: Vec<usize> = trace.errors().take(most.div_ceil(2)).collect();
        choice.pick_while_room(trace, &errors, most);
        let mut others: Vec<usize> = (0..trace.len()).collect();
        longest_first(&mut others, most);
        let worth_it = trace.least_duration() / SMALLEST_PART;
        let worthy = |&span: &usize| {
            let duration = trace.spans()[span].duration();
            duration.is_ok_and(|duration| duration > worth_it)
        };
        let number = others
            .iter()
            .copied()
            .take_while(|span| worthy(span))
            .count();
        others.truncate(number.max(AT_LEAST));
        choice.pick_while_room(trace, &others, most);
        choice
    }

    fn pick_while_room(&mut self, trace: &Trace, spans: &[usize], most: usize) {
        for &span in spans {
            if self.kept_count >= most {
                return;
            }
            self.pick(trace, span);
        }
    }

    /// Visits each ancestor once in total, because it stops at those that are shown already.
    fn pick(&mut self, trace: &Trace, span: usize) {
        self.picked[span] = true;
        let mut above = Some(span);
        while let Some(at) = above {
            if std::mem::replace(&mut self.kept[at], true) {
                return;
            }
            self.kept_count += 1;
            above = trace.parent(at);
        }
    }
}

struct RowBuilder<'a> {
    trace: &'a Trace,
    choice: &'a SpanSelection,
    /// For each span: the size of its subtree, and the number of marked spans in it.
    below: Vec<(usize, usize)>,
    rows: Vec<TraceRow>,
}

enum Visit {
    Enter { span: usize, depth: usize },
    LeftOut { below: (usize, usize), depth: usize },
}

impl<'a> RowBuilder<'a> {
    fn new(trace: &'a Trace, choice: &'a SpanSelection, marked: &[usize]) -> Self {
        let mut below = vec![(1, 0); trace.len()];
        for &span in marked {
            below[span].1 = 1;
        }
        for &span in trace.top_down().iter().rev() {
            if let Some(parent) = trace.parent(span) {
                below[parent] = sum(below[parent], below[span]);
            }
        }
        Self {
            trace,
            choice,
            below,
            rows: Vec::new(),
        }
    }

    fn rows(mut self) -> Vec<TraceRow> {
        for (missing, roots) in self.groups() {
            let depth = usize::from(missing.is_some());
            self.rows.extend(missing.map(TraceRow::MissingParent));
            for root in roots {
                self.walk(root, depth);
            }
        }
        let roots = self.trace.roots();
        self.more(self.left_out(roots), 0);
        self.rows
    }

    /// The shown roots; orphans of the same parent are grouped.
    fn groups(&self) -> Vec<(Option<SpanId>, Vec<usize>)> {
        let mut groups: Vec<(Option<SpanId>, Vec<usize>)> = Vec::new();
        let mut by_parent = BTreeMap::new();
        for &root in self.trace.roots() {
            if !self.choice.kept[root] {
                continue;
            }
            let missing = self.trace.spans()[root]
                .parent_id
                .filter(|_| self.trace.is_orphan(root));
            let group = missing.map_or(groups.len(), |parent| {
                *by_parent.entry(parent).or_insert(groups.len())
            });
            match groups.get_mut(group) {
                Some((_, roots)) => roots.push(root),
                None => groups.push((missing, vec![root])),
            }
        }
        groups
    }

    fn walk(&mut self, root: usize, depth: usize) {
        let mut open = vec![Visit::Enter { span: root, depth }];
        while let Some(step) = open.pop() {
            match step {
                Visit::LeftOut { below, depth } => self.more(below, depth),
                Visit::Enter { span, depth } => {
                    let (span, depth) = self.enter(span, depth);
                    let children = self.trace.children(span);
                    open.push(Visit::LeftOut {
                        below: self.left_out(children),
                        depth,
                    });
                    let kept = children
                        .iter()
                        .rev()
                        .filter(|&&child| self.choice.kept[child]);
                    open.extend(kept.map(|&span| Visit::Enter { span, depth }));
                }
            }
        }
    }

    /// Adds a span, or the chain that starts with it. Returns its last span, and the depth of the
    /// children of that span.
    fn enter(&mut self, span: usize, depth: usize) -> (usize, usize) {
        self.rows.push(TraceRow::Span { span, depth });
        let run: Vec<usize> =
            std::iter::successors(self.only_leads_to(span), |&next| self.only_leads_to(next))
                .collect();
        let Some(&last) = run.last().filter(|_| run.len() > LONGEST_RUN) else {
            return (span, depth + 1);
        };
        // Spans omitted beside the chain are counted with it.
        let spans = self.below[run[0]].0 - self.below[last].0;
        let beside = self.left_out(self.trace.children(span));
        self.rows.push(TraceRow::Between {
            spans: spans + beside.0,
            depth: depth + 1,
        });
        self.rows.push(TraceRow::Span {
            span: last,
            depth: depth + 2,
        });
        (last, depth + 3)
    }

    /// The only shown child of a span, if that child is shown only because of its descendants.
    fn only_leads_to(&self, span: usize) -> Option<usize> {
        let mut kept = self
            .trace
            .children(span)
            .iter()
            .copied()
            .filter(|&child| self.choice.kept[child]);
        let only = kept.next().filter(|_| kept.next().is_none())?;
        (!self.choice.picked[only]).then_some(only)
    }

    fn left_out(&self, spans: &[usize]) -> (usize, usize) {
        spans
            .iter()
            .filter(|&&span| !self.choice.kept[span])
            .fold((0, 0), |all, &span| sum(all, self.below[span]))
    }

    fn more(&mut self, (spans, marked): (usize, usize), depth: usize) {
        if spans > 0 {
            self.rows.push(TraceRow::More {
                spans,
                marked,
                depth,
            });
        }
    }
}

fn sum(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0 + b.0, a.1 + b.1)
}
