//! Span links and the spans that they refer to.
//!
//! A link counts if it connects the judged trace with another one, or two spans of one trace. A
//! link between two other traces belongs to another request of the same batch.

use std::collections::{HashMap, HashSet};

use super::attributes::have;
use super::forest::{Forest, TraceReach};
use super::truth::{Count, Truth};
use crate::spec::LinkPattern;
use crate::trace::{Link, Span, SpanId, Trace, TraceId};

/// The ids with which a link refers to a span.
pub(super) type LinkTarget = (TraceId, SpanId);

/// The spans that a link can refer to.
pub(super) struct Targets(HashMap<LinkTarget, Truth>);

pub(super) fn target(link: &Link) -> LinkTarget {
    (link.trace_id, link.span_id)
}

impl Targets {
    /// The spans of a mask, by their ids.
    pub(super) fn of(forest: &Forest<'_>, mask: &[Truth]) -> Self {
        let mut ids = HashMap::new();
        for (at, &truth) in mask.iter().enumerate() {
            if truth != Truth::No {
                let span = forest.span(at);
                let known = ids.entry((span.trace_id, span.span_id)).or_insert(truth);
                *known = truth.max(*known);
            }
        }
        Self(ids)
    }

    fn get(&self, link: &Link) -> Truth {
        let target = self.0.get(&target(link));
        target.copied().unwrap_or(Truth::No)
    }
}

/// The number of matching links of a span; each dropped link can be one. Without targets, a link
/// can refer to any span.
pub(super) fn count_links(
    forest: &Forest<'_>,
    pattern: &LinkPattern,
    targets: Option<&Targets>,
    span: &Span,
) -> Count {
    let leads = |link: &Link| match targets {
        Some(targets) if ties(forest, span.trace_id, link.trace_id) => targets.get(link),
        Some(_) => Truth::No,
        None => Truth::Yes,
    };
    let links = span.links.iter();
    let answers = links.map(|link| {
        leads(link).min(have(
            &link.attributes,
            &pattern.attributes,
            forest.trace().losses(),
        ))
    });
    Count::of(answers).with_missing(span.dropped_links)
}

/// Returns `true` if a link between these traces can connect a span with the judged request.
pub(super) fn ties(forest: &Forest<'_>, from: TraceId, to: TraceId) -> bool {
    let judged = forest.trace().id();
    from == judged || to == judged || from == to
}

/// The number of others that each span is linked with. A span is linked with another if it or an
/// ancestor has a link to it, or if the other is in another trace and it or its ancestor has a
/// link to the span. A link that was dropped may have led to any span.
pub(super) fn over_links(forest: &Forest<'_>, reach: TraceReach, others: &[Truth]) -> Vec<Count> {
    let targets = Targets::of(forest, others);
    let mut counts = vec![Count::default(); forest.len_within(reach)];
    let mut linked: HashMap<LinkTarget, Count> = HashMap::new();
    let mut missing: HashMap<TraceId, u64> = HashMap::new();
    for (start, trace) in forest.traces(TraceReach::Links) {
        let narrowing = narrowing(trace);
        let end = start + trace.len();
        if start < counts.len() {
            forwards(forest, trace, &narrowing, &targets, &mut counts[start..end]);
        }
        let dropped = backwards(forest, trace, &narrowing, &others[start..end], &mut linked);
        if dropped > 0 {
            missing.insert(trace.id(), dropped);
        }
    }
    for (span, count) in counts.iter_mut().enumerate() {
        let span = forest.span(span);
        for (&from, &dropped) in &missing {
            if from != span.trace_id && ties(forest, from, span.trace_id) {
                count.most = count.most.saturating_add(dropped);
            }
        }
        if let Some(back) = linked.get(&(span.trace_id, span.span_id)) {
            *count = count.plus(*back);
        }
    }
    counts
}

fn forwards(
    forest: &Forest<'_>,
    trace: &Trace,
    narrowing: &[bool],
    targets: &Targets,
    counts: &mut [Count],
) {
    for &at in trace.top_down() {
        let span = &trace.spans()[at];
        let own: HashMap<LinkTarget, Truth> = span
            .links
            .iter()
            .filter(|link| ties(forest, span.trace_id, link.trace_id))
            .map(|link| (target(link), targets.get(link)))
            .collect();
        let own = Count::of(own.into_values()).with_missing(span.dropped_links);
        let above = trace.parent(at).filter(|_| !narrowing[at]);
        counts[at] = above.map_or(own, |parent| counts[parent].plus(own));
    }
}

/// For each span of another trace to which links of this trace refer, counts the others with such a
/// link. Returns the number of others whose dropped links may be such links.
fn backwards(
    forest: &Forest<'_>,
    trace: &Trace,
    narrowing: &[bool],
    others: &[Truth],
    linked: &mut HashMap<LinkTarget, Count>,
) -> u64 {
    let mut dropped = 0;
    let mut within: Vec<Count> = others.iter().map(|&truth| truth.into()).collect();
    for &at in trace.top_down().iter().rev() {
        let span = &trace.spans()[at];
        let leads_out: HashSet<LinkTarget> = span
            .links
            .iter()
            .filter(|link| link.trace_id != span.trace_id)
            .filter(|link| ties(forest, span.trace_id, link.trace_id))
            .map(target)
            .collect();
        for target in leads_out {
            let known = linked.entry(target).or_default();
            *known = known.plus(within[at]);
        }
        if span.dropped_links > 0 {
            dropped += within[at].most;
        }
        if let Some(parent) = trace.parent(at).filter(|_| !narrowing[at]) {
            within[parent] = within[parent].plus(within[at]);
        }
    }
    dropped
}

/// Returns `true` if a span with links is below another one with links. A span that arrives later can then
/// be an ancestor because of which it no longer inherits links.
pub(super) fn are_nested(forest: &Forest<'_>) -> bool {
    forest.traces(TraceReach::Links).any(|(_, trace)| {
        let mut is_below = vec![false; trace.len()];
        trace.top_down().iter().any(|&at| {
            let Some(parent) = trace.parent(at) else {
                return false;
            };
            is_below[at] = is_below[parent] || !trace.spans()[parent].links.is_empty();
            is_below[at] && !trace.spans()[at].links.is_empty()
        })
    })
}

/// For each span, `true` if it does not inherit the links of its ancestors. A batch consumer has a
/// link to each message, and each of its children has a link to the message that it handles.
pub(super) fn narrowing(trace: &Trace) -> Vec<bool> {
    let mut narrowing = vec![false; trace.len()];
    if trace.spans().iter().all(|span| span.links.is_empty()) {
        return narrowing;
    }
    // The ancestors of the current span, each with the depth from which it inherits links.
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut open: HashMap<LinkTarget, Vec<usize>> = HashMap::new();
    for &at in trace.top_down() {
        while let Some(&(above, _)) = path.last()
            && Some(above) != trace.parent(at)
        {
            path.pop();
            for link in &trace.spans()[above].links {
                open.entry(target(link)).or_default().pop();
            }
        }
        let (depth, from) = (path.len(), path.last().map_or(0, |&(_, from)| from));
        let links = &trace.spans()[at].links;
        narrowing[at] = links.iter().any(|link| {
            let deepest = open.get(&target(link)).and_then(|depths| depths.last());
            deepest.is_some_and(|&deepest| deepest >= from)
        });
        for link in links {
            open.entry(target(link)).or_default().push(depth);
        }
        path.push((at, if narrowing[at] { depth } else { from }));
    }
    narrowing
}
