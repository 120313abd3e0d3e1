//! Which spans of a trace are shown, in which order, and what is said in place of the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::trace::{SpanId, Trace};

/// One row, and how deep it stands among the rows shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row {
    Span {
        span: usize,
        depth: usize,
    },
    /// Stands above the spans that refer to a parent which never arrived.
    MissingParent(SpanId),
    /// Spans one below the other, of no interest but for what hangs below them.
    Between {
        spans: usize,
        depth: usize,
    },
    /// Spans left out below the row that stands one level higher.
    More {
        spans: usize,
        marked: usize,
        depth: usize,
    },
}

/// A run of spans of which each only leads to the next is cut when it is longer than this.
const LONGEST_RUN: usize = 4;

/// The rows for a trace; time is linear in its spans.
pub(super) fn select(trace: &Trace, marked: &[usize], most: usize) -> Vec<Row> {
    let choice = if trace.len() <= most {
        Choice::everything(trace)
    } else {
        Choice::what_matters(trace, marked, most)
    };
    Walk::new(trace, &choice, marked).rows()
}

/// Spans that take less than this part of the trace, a two-hundredth, are not shown for their
/// length, but for so many of them.
const SMALLEST_PART: u64 = 200;
const AT_LEAST: usize = 8;

struct Choice {
    /// Shown; so is all that stands above it.
    kept: Vec<bool>,
    /// Shown for its own sake.
    picked: Vec<bool>,
    kept_count: usize,
}

impl Choice {
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

    /// Each span is climbed over once, whatever is picked below it.
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

struct Walk<'a> {
    trace: &'a Trace,
    choice: &'a Choice,
    /// For each span: itself and all below it, and how many of them are marked.
    below: Vec<(usize, usize)>,
    rows: Vec<Row>,
}

enum Step {
    Enter { span: usize, depth: usize },
    LeftOut { below: (usize, usize), depth: usize },
}

impl<'a> Walk<'a> {
    fn new(trace: &'a Trace, choice: &'a Choice, marked: &[usize]) -> Self {
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

    fn rows(mut self) -> Vec<Row> {
        for (missing, roots) in self.groups() {
            let depth = usize::from(missing.is_some());
            self.rows.extend(missing.map(Row::MissingParent));
            for root in roots {
                self.walk(root, depth);
            }
        }
        let roots = self.trace.roots();
        self.more(self.left_out(roots), 0);
        self.rows
    }

    /// The shown roots, each alone, but those together that lack the same parent.
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
        let mut open = vec![Step::Enter { span: root, depth }];
        while let Some(step) = open.pop() {
            match step {
                Step::LeftOut { below, depth } => self.more(below, depth),
                Step::Enter { span, depth } => {
                    let (span, depth) = self.enter(span, depth);
                    let children = self.trace.children(span);
                    open.push(Step::LeftOut {
                        below: self.left_out(children),
                        depth,
                    });
                    let kept = children
                        .iter()
                        .rev()
                        .filter(|&&child| self.choice.kept[child]);
                    open.extend(kept.map(|&span| Step::Enter { span, depth }));
                }
            }
        }
    }

    /// Shows a span, or a whole run that starts with it; the last span shown, and the depth of
    /// what is below it.
    fn enter(&mut self, span: usize, depth: usize) -> (usize, usize) {
        self.rows.push(Row::Span { span, depth });
        let run: Vec<usize> =
            std::iter::successors(self.only_leads_to(span), |&next| self.only_leads_to(next))
                .collect();
        let Some(&last) = run.last().filter(|_| run.len() > LONGEST_RUN) else {
            return (span, depth + 1);
        };
        // What was left out beside the run is counted with it.
        let spans = self.below[run[0]].0 - self.below[last].0;
        let beside = self.left_out(self.trace.children(span));
        self.rows.push(Row::Between {
            spans: spans + beside.0,
            depth: depth + 1,
        });
        self.rows.push(Row::Span {
            span: last,
            depth: depth + 2,
        });
        (last, depth + 3)
    }

    /// The one shown child of a span, if that child is shown only for what is below it.
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
            self.rows.push(Row::More {
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
