//! Relations between spans, counted for all spans at once.

use super::causes::Causes;
use super::forest::{Forest, TraceReach};
use super::links::over_links;
use super::lost::rounding;
use super::truth::{Count, Truth};
use crate::spec::{Pattern, Relation, Relative};
use crate::trace::{Nanos, Span, Trace};

/// The counts of a relation for all spans.
pub(super) struct Related {
    /// The number of other spans in the place, for each span.
    pub(super) counts: Vec<Count>,
    /// For a relation in time: the other spans that end last or start first.
    pub(super) outermost: Vec<usize>,
}

/// The order in time of a span relative to another.
#[derive(Clone, Copy)]
enum TimeOrder {
    After,
    Before,
}

impl TimeOrder {
    /// The times of the span and of the other that are compared.
    fn times(self, span: &Span, other: &Span) -> (Option<Nanos>, Option<Nanos>) {
        match self {
            Self::After => (span.known_start(), other.known_end()),
            Self::Before => (span.known_end(), other.known_start()),
        }
    }

    /// The answer for times whose difference has this maximum error.
    fn is_right(self, span: &Span, other: &Span, error: Nanos) -> Truth {
        match self.times(span, other) {
            (Some(own), Some(other)) => {
                let is_right = match self {
                    Self::After => other <= own,
                    Self::Before => own <= other,
                };
                Truth::of(is_right).unless(error > 0 && own.abs_diff(other) <= error)
            }
            _ => Truth::SeemsNot,
        }
    }
}

/// The number of other spans in the place of a relation, for each span within reach.
pub(super) fn related(
    forest: &Forest<'_>,
    relation: &Relation,
    reach: TraceReach,
    others: &[Truth],
) -> Related {
    let along = |count: &dyn Fn(&Trace, usize, &mut [Count])| along_tree(forest, reach, count);
    let counts = match relation.place {
        Relative::Below => along(&|trace, start, counts| {
            for (span, parent) in downwards(trace) {
                counts[start + span] = counts[start + parent].plus(others[start + parent].into());
            }
        }),
        Relative::Above => along(&|trace, start, counts| {
            for (span, parent) in downwards(trace).rev() {
                let below = counts[start + span].plus(others[start + span].into());
                counts[start + parent] = counts[start + parent].plus(below);
            }
        }),
        Relative::ChildOf => along(&|trace, start, counts| {
            for (span, parent) in downwards(trace) {
                counts[start + span] = others[start + parent].into();
            }
        }),
        Relative::ParentOf => along(&|trace, start, counts| {
            for (span, parent) in downwards(trace) {
                let child = others[start + span].into();
                counts[start + parent] = counts[start + parent].plus(child);
            }
        }),
        Relative::After => return in_time(forest, reach, others, TimeOrder::After),
        Relative::Before => return in_time(forest, reach, others, TimeOrder::Before),
        Relative::LinkedTo => over_links(forest, reach, others),
        Relative::CausedBy if matches!(relation.other, Pattern::Trigger) => {
            Causes::of(forest).count_trigger(forest.len_within(reach))
        }
        Relative::CausedBy => {
            Causes::of(forest).count(forest.len_within(reach), others, &relation.count)
        }
    };
    Related {
        counts,
        outermost: Vec::new(),
    }
}

fn along_tree(
    forest: &Forest<'_>,
    reach: TraceReach,
    count: &dyn Fn(&Trace, usize, &mut [Count]),
) -> Vec<Count> {
    let mut counts = vec![Count::default(); forest.len_within(reach)];
    for (start, trace) in forest.traces(reach) {
        count(trace, start, &mut counts);
    }
    counts
}

/// Counts all others if each is on the right side in time, else none of them. The outermost decide:
/// the last to end and the first to start.
fn in_time(forest: &Forest<'_>, reach: TraceReach, others: &[Truth], side: TimeOrder) -> Related {
    let possible: Vec<usize> = (0..others.len())
        .filter(|&other| others[other] != Truth::No)
        .collect();
    let (certain, uncertain): (Vec<usize>, Vec<usize>) = possible
        .iter()
        .partition(|&&other| others[other] == Truth::Yes);
    let outermost = [certain, uncertain].map(|group| self::outermost(forest, group));
    let [certain, uncertain] = &outermost;
    let all = Count::of(possible.iter().map(|&other| others[other]));
    let error = rounding(forest.trace().losses());
    let answer = |span: usize| {
        let this = forest.span(span);
        let apart = |outermost: &[usize]| {
            let apart = outermost.iter().filter(|&&other| other != span);
            let answers = apart.map(|&other| side.is_right(this, forest.span(other), error));
            answers.min().unwrap_or(Truth::Yes)
        };
        let count = others.get(span).map_or(all, |&itself| all.minus(itself));
        match (apart(certain), apart(uncertain)) {
            (Truth::No, _) => Count::default(),
            (Truth::Yes, Truth::Yes) => count,
            _ => count.uncertain(),
        }
    };
    Related {
        counts: (0..forest.len_within(reach)).map(answer).collect(),
        outermost: outermost.concat(),
    }
}

/// The two that end last, the two that start first, and two without such a time. Two of each,
/// because one of them can be the span itself.
fn outermost(forest: &Forest<'_>, mut others: Vec<usize>) -> Vec<usize> {
    let mut outermost = Vec::new();
    let mut take = |key: &dyn Fn(&Span) -> u64| {
        others.sort_by_key(|&other| key(forest.span(other)));
        outermost.extend(others.iter().take(2));
    };
    take(&|span| u64::MAX - span.known_end().unwrap_or(0));
    take(&|span| span.known_start().unwrap_or(u64::MAX));
    take(&|span| u64::from(span.known_end().is_some()));
    take(&|span| u64::from(span.known_start().is_some()));
    outermost
}

/// Each span with its parent, parents before children.
fn downwards(trace: &Trace) -> impl DoubleEndedIterator<Item = (usize, usize)> {
    let spans = trace.top_down().iter();
    spans.filter_map(|&span| Some((span, trace.parent(span)?)))
}
