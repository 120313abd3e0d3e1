//! The causes of a span: its ancestors, and the spans to which its links and those of its ancestors
//! lead, at any number of hops.
//!
//! A span that repeats a link of an ancestor, as the handler of one message of a batch does, has only
//! its own links: its causes are its ancestors without their links.
//!
//! A link of a linked trace to a third one belongs to another message of a batch, and leads nowhere. It is an
//! unknown cause of spans of the judged trace, whose own links lead there.

use std::collections::{HashMap, VecDeque};

use super::forest::{Forest, TraceReach};
use super::links::{LinkTarget, narrowing, target, ties};
use super::truth::{Count, Truth};
use crate::spec::Limits;
use crate::trace::{Field, Link, SpanId, TraceId};

/// The causes of all spans, one hop at a time.
///
/// Each span is two nodes: `span` with its links, and `span + len` without them.
pub(super) struct Causes {
    len: usize,
    /// The nodes of the direct causes of each node.
    direct: Vec<Vec<usize>>,
    /// The spans with causes that are unknown.
    unknown: HashMap<usize, UnknownCause>,
    /// The nodes that the trigger caused directly: the spans of the judged trace, and those with a link
    /// to it.
    triggered: Vec<usize>,
}

/// The reason why a span can have further causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnknownCause {
    /// Its parent did not arrive.
    Parent(SpanId),
    /// A link leads to a span that did not arrive.
    Link(SpanId),
    /// A link leads to a linked trace, and a link of that one to this trace, which is not read.
    Beyond(TraceId),
    /// The SDK dropped this number of links.
    Dropped(u32),
    /// The source loses links.
    Lost,
}

impl Causes {
    pub(super) fn of(forest: &Forest<'_>) -> Self {
        let len = forest.len_within(TraceReach::Links);
        let mut causes = Self {
            len,
            direct: vec![Vec::new(); 2 * len],
            unknown: HashMap::new(),
            triggered: Vec::new(),
        };
        let judged = forest.trace();
        let ids = ids(forest);
        let beyond = beyond(forest);
        for (start, trace) in forest.traces(TraceReach::Links) {
            let narrowing = narrowing(trace);
            for (at, span) in trace.spans().iter().enumerate() {
                let node = start + at;
                if let Some(parent) = trace.parent(at) {
                    let parent = start + parent;
                    let with_links = if narrowing[at] { parent + len } else { parent };
                    causes.direct[node].push(with_links);
                    causes.direct[node + len].push(parent + len);
                }
                let tied = |link: &&Link| ties(forest, span.trace_id, link.trace_id);
                if trace.id() == judged.id() {
                    causes.triggered.extend([node, node + len]);
                } else if span.links.iter().any(|link| link.trace_id == judged.id()) {
                    causes.triggered.push(node);
                }
                let mut missing = None;
                for link in span.links.iter().filter(tied) {
                    match ids.get(&target(link)) {
                        Some(targets) => {
                            let mut ends = targets.iter().filter_map(|target| beyond.get(target));
                            let end = ends.next().filter(|_| start == 0);
                            missing = missing.or(end.map(|&end| UnknownCause::Beyond(end)));
                            causes.direct[node].extend(targets);
                        }
                        // The trigger itself exports no span.
                        None if judged.is_caller(link) => {}
                        None => missing = Some(UnknownCause::Link(link.span_id)),
                    }
                }
                let parent = span.parent_id.filter(|_| trace.is_orphan(at));
                let lost = forest.trace().losses().contains(Field::Links);
                let unknown = parent.map(UnknownCause::Parent).or(missing);
                let dropped = UnknownCause::Dropped(span.dropped_links);
                let unknown = unknown
                    .or((span.dropped_links > 0).then_some(dropped))
                    .or(lost.then_some(UnknownCause::Lost));
                causes.unknown.extend(unknown.map(|why| (node, why)));
            }
        }
        causes
    }

    /// For each span within reach, the number of others among its causes, exact as far as the limits need it.
    pub(super) fn count(&self, reach: usize, others: &[Truth], limits: &Limits<u64>) -> Vec<Count> {
        let dependents = self.dependents();
        let enough = enough(limits);
        let counted = |is: &dyn Fn(Truth) -> bool| {
            let chosen = (0..self.len).filter(|&span| is(others[span]));
            self.counted(&dependents, chosen, enough)
        };
        let seen = counted(&Truth::seems);
        let (least, most) = match others.iter().all(|truth| truth.is_known()) {
            true => (seen.clone(), seen.clone()),
            false => (
                counted(&|truth| truth == Truth::Yes),
                counted(&|truth| truth != Truth::No),
            ),
        };
        let open = self.open(&dependents);
        let count = |span: usize| Count {
            least: least[span],
            seen: seen[span],
            most: if open[span] { u64::MAX } else { most[span] },
        };
        (0..reach).map(count).collect()
    }

    /// For each span within reach, 1 if the trigger caused it.
    pub(super) fn count_trigger(&self, reach: usize) -> Vec<Count> {
        let dependents = self.dependents();
        let caused = reached(&dependents, self.triggered.clone());
        let open = self.open(&dependents);
        let count = |span: usize| {
            let seen = u64::from(caused[span]);
            let most = if open[span] { 1 } else { seen };
            Count {
                least: seen,
                seen,
                most,
            }
        };
        (0..reach).map(count).collect()
    }

    /// The nodes of which each node is a direct cause.
    fn dependents(&self) -> Vec<Vec<usize>> {
        let mut dependents = vec![Vec::new(); self.direct.len()];
        for (node, causes) in self.direct.iter().enumerate() {
            for &cause in causes {
                dependents[cause].push(node);
            }
        }
        dependents
    }

    /// For each span, the number of the chosen ones among its causes, up to `enough`.
    ///
    /// Each node keeps one more than that: a link can lead back to the span itself, which does not
    /// count among its own causes.
    fn counted(
        &self,
        dependents: &[Vec<usize>],
        chosen: impl Iterator<Item = usize>,
        enough: usize,
    ) -> Vec<u64> {
        let mut found: Vec<Vec<usize>> = vec![Vec::new(); dependents.len()];
        let mut queue: VecDeque<(usize, usize)> = chosen
            .flat_map(|span| [(span, span), (span + self.len, span)])
            .collect();
        while let Some((node, cause)) = queue.pop_front() {
            for &dependent in &dependents[node] {
                let known = &mut found[dependent];
                let is_itself = dependent % self.len == cause;
                if !is_itself && known.len() <= enough && !known.contains(&cause) {
                    known.push(cause);
                    queue.push_back((dependent, cause));
                }
            }
        }
        let counts = found.iter().take(self.len);
        counts.map(|known| known.len().min(enough) as u64).collect()
    }

    /// For each node, `true` if it or a cause of it has unknown causes.
    fn open(&self, dependents: &[Vec<usize>]) -> Vec<bool> {
        let without_links = |(&span, why): (&usize, &UnknownCause)| match why {
            UnknownCause::Parent(_) => vec![span, span + self.len],
            _ => vec![span],
        };
        reached(
            dependents,
            self.unknown.iter().flat_map(without_links).collect(),
        )
    }

    /// The causes of a span, the nearest first.
    pub(super) fn all(&self, span: usize) -> Vec<usize> {
        let mut all: Vec<usize> = Vec::new();
        for node in self.nodes(span) {
            let cause = node % self.len;
            if cause != span && !all.contains(&cause) {
                all.push(cause);
            }
        }
        all
    }

    /// The first of a span and its causes that has unknown causes.
    pub(super) fn unknown(&self, span: usize) -> Option<(usize, UnknownCause)> {
        self.nodes(span).into_iter().find_map(|node| {
            let why = self.unknown.get(&(node % self.len))?;
            let is_parent = matches!(why, UnknownCause::Parent(_));
            (node < self.len || is_parent).then_some((node % self.len, *why))
        })
    }

    /// The node of a span and those of its causes, the nearest first.
    fn nodes(&self, span: usize) -> Vec<usize> {
        let mut is_known = vec![false; self.direct.len()];
        is_known[span] = true;
        let mut nodes = vec![span];
        let mut next = 0;
        while let Some(&node) = nodes.get(next) {
            for &cause in &self.direct[node] {
                if !std::mem::replace(&mut is_known[cause], true) {
                    nodes.push(cause);
                }
            }
            next += 1;
        }
        nodes
    }
}

/// For each node, `true` if it is one of these or depends on one.
fn reached(dependents: &[Vec<usize>], mut from: Vec<usize>) -> Vec<bool> {
    let mut reached = vec![false; dependents.len()];
    while let Some(node) = from.pop() {
        if !std::mem::replace(&mut reached[node], true) {
            from.extend(&dependents[node]);
        }
    }
    reached
}

/// The number from which the limits have the same answer for all larger ones.
pub(super) fn enough(limits: &Limits<u64>) -> usize {
    let bounds = limits.ranges.iter().flat_map(|range| {
        let above = range.greatest.map(|greatest| greatest.saturating_add(1));
        [range.least, above]
    });
    let enough = bounds.flatten().max().unwrap_or_default();
    usize::try_from(enough).unwrap_or(usize::MAX - 1)
}

/// The spans of linked traces of which a link, or one of an ancestor, leads to a trace that is not read, with
/// that trace.
fn beyond(forest: &Forest<'_>) -> HashMap<usize, TraceId> {
    let mut beyond = HashMap::new();
    for (start, trace) in forest.traces(TraceReach::Links).skip(1) {
        if trace.spans().iter().all(|span| span.links.is_empty()) {
            continue;
        }
        let narrowing = narrowing(trace);
        for &at in trace.top_down() {
            let mut links = trace.spans()[at].links.iter();
            let third = links.find(|link| !ties(forest, trace.id(), link.trace_id));
            let above = trace.parent(at).filter(|_| !narrowing[at]);
            let inherited = || beyond.get(&(start + above?)).copied();
            if let Some(end) = third.map(|link| link.trace_id).or_else(inherited) {
                beyond.insert(start + at, end);
            }
        }
    }
    beyond
}

/// The spans by the ids with which links refer to them; none if there are no links.
fn ids(forest: &Forest<'_>) -> HashMap<LinkTarget, Vec<usize>> {
    let spans = || (0..forest.len_within(TraceReach::Links)).map(|at| (at, forest.span(at)));
    let mut ids: HashMap<LinkTarget, Vec<usize>> = HashMap::new();
    if spans().all(|(_, span)| span.links.is_empty()) {
        return ids;
    }
    for (at, span) in spans() {
        ids.entry((span.trace_id, span.span_id))
            .or_default()
            .push(at);
    }
    ids
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::trace::{Attributes, Origin, Span, Trace, TraceId};

    fn trace_id(linked: bool) -> TraceId {
        TraceId::from_bytes([if linked { 2 } else { 1 }; 16]).unwrap()
    }

    fn span_id(number: usize) -> SpanId {
        SpanId::from_bytes([u8::try_from(number).unwrap() + 1; 8]).unwrap()
    }

    /// A span of the judged trace or of a linked one: of which, with its parent and links.
    type Sketch = (bool, Option<usize>, Vec<(bool, usize)>);

    fn trace(spans: &[Sketch]) -> Trace {
        let link = |(linked, to): &(bool, usize)| Link {
            trace_id: trace_id(*linked),
            span_id: span_id(*to),
            trace_state: String::new(),
            attributes: Attributes::default(),
        };
        let spans: Vec<Span> = spans
            .iter()
            .enumerate()
            .map(|(at, (linked, parent, links))| Span {
                parent_id: parent.map(span_id),
                start: 1 + at as u64,
                end: 2 + at as u64,
                links: links.iter().map(link).collect(),
                ..Span::new(trace_id(*linked), span_id(at), format!("{at}"))
            })
            .collect();
        let of = |linked| Trace::assemble(trace_id(linked), Origin::Foreign, spans.clone());
        of(false).with_linked(vec![of(true)])
    }

    /// The indices of spans by name.
    fn named(forest: &Forest<'_>, name: usize) -> usize {
        let mut spans = 0..forest.len_within(TraceReach::Links);
        spans
            .find(|&at| forest.span(at).name == name.to_string())
            .unwrap()
    }

    #[test]
    fn a_batch_consumer_hands_each_message_to_its_handler_only() {
        // 0 publishes 1 and 2; 3 receives both, 4 handles 1, and 5 is below 4.
        let trace = trace(&[
            (false, None, vec![]),
            (false, Some(0), vec![]),
            (false, Some(0), vec![]),
            (true, None, vec![(false, 1), (false, 2)]),
            (true, Some(3), vec![(false, 1)]),
            (true, Some(4), vec![]),
        ]);
        let forest = Forest::new(&trace);
        let causes = Causes::of(&forest);
        let of = |name: usize| -> BTreeSet<String> {
            let all = causes.all(named(&forest, name)).into_iter();
            all.map(|at| forest.span(at).name.clone()).collect()
        };
        let names = |all: &[usize]| all.iter().map(usize::to_string).collect::<BTreeSet<_>>();
        assert_eq!(of(3), names(&[0, 1, 2]));
        assert_eq!(of(4), names(&[0, 1, 3]));
        assert_eq!(of(5), names(&[0, 1, 3, 4]));
    }

    #[test]
    fn the_trigger_causes_its_trace_and_what_links_to_it() {
        // 0 continues the trace, 1 lost its parent. 2 receives a batch with our message and another's,
        // 3 handles ours, 4 the other's, and 5 is below 2. The parent of 6 did not arrive, and 7 sent
        // the other message.
        let mut trace = trace(&[
            (false, Some(40), vec![]),
            (false, Some(41), vec![]),
            (true, None, vec![(false, 40), (true, 7)]),
            (true, Some(2), vec![(false, 40)]),
            (true, Some(2), vec![(true, 7)]),
            (true, Some(2), vec![]),
            (true, Some(60), vec![]),
            (true, None, vec![]),
        ]);
        let linked = trace.linked().to_vec();
        let origin = Origin::Injected(span_id(40));
        trace = Trace::assemble(trace_id(false), origin, trace.spans().to_vec());
        let trace = trace.with_linked(linked);
        let forest = Forest::new(&trace);
        let counts = Causes::of(&forest).count_trigger(8);
        let count = |name| counts[named(&forest, name)];
        let answers: Vec<(u64, u64)> = (0..8)
            .map(|name| (count(name).least, count(name).most))
            .collect();
        let (yes, no, maybe) = ((1, 1), (0, 0), (0, 1));
        assert_eq!(answers, [yes, yes, yes, yes, no, yes, maybe, no]);
    }

    #[test]
    fn a_missing_part_can_only_matter_below_it() {
        // 0 links to a span that did not arrive, 1 is below it, 2 is another root.
        let trace = trace(&[
            (false, None, vec![(false, 40)]),
            (false, Some(0), vec![]),
            (false, None, vec![]),
            (false, Some(50), vec![]),
        ]);
        let forest = Forest::new(&trace);
        let causes = Causes::of(&forest);
        let unknown = |name| causes.unknown(named(&forest, name)).map(|(_, why)| why);
        assert_eq!(unknown(1), Some(UnknownCause::Link(span_id(40))));
        assert_eq!(unknown(2), None);
        assert_eq!(unknown(3), Some(UnknownCause::Parent(span_id(50))));
        let counts = causes.count(4, &[Truth::No; 4], &Limits::at_least(1));
        let open: Vec<bool> = counts.iter().map(|count| count.most > 0).collect();
        assert_eq!(open, [true, true, false, true]);
    }

    #[test]
    fn a_trace_two_links_away_is_unknown_to_spans_of_the_judged_trace_only() {
        let third = TraceId::from_bytes([3; 16]).unwrap();
        let with_link_to_third = |span: Span| Span {
            links: vec![Link {
                trace_id: third,
                span_id: span_id(40),
                trace_state: String::new(),
                attributes: Attributes::default(),
            }],
            ..span
        };
        // 1 links to 3, which is below 2; 4 consumes 0, and a message of the third trace.
        let sketch = trace(&[
            (false, None, vec![]),
            (false, Some(0), vec![(true, 3)]),
            (true, None, vec![]),
            (true, Some(2), vec![]),
            (true, None, vec![(false, 0)]),
        ]);
        let linked = sketch.linked()[0].spans().iter().cloned();
        let linked = linked.map(|span| match span.name.as_str() {
            "2" => with_link_to_third(span),
            "4" => {
                let links = [span.links.clone(), with_link_to_third(span.clone()).links].concat();
                Span { links, ..span }
            }
            _ => span,
        });
        let linked = Trace::assemble(trace_id(true), Origin::Foreign, linked);
        let trace = sketch.with_linked(vec![linked]);
        let forest = Forest::new(&trace);
        let causes = Causes::of(&forest);
        let unknown = |name| causes.unknown(named(&forest, name)).map(|(_, why)| why);
        assert_eq!(unknown(0), None);
        assert_eq!(unknown(1), Some(UnknownCause::Beyond(third)));
        assert_eq!(unknown(4), None);
    }

    proptest! {
        #[test]
        fn the_counts_are_those_of_the_causes_one_by_one(
            spans in prop::collection::vec(
                (any::<bool>(), prop::option::of(0..8_usize), prop::collection::vec((any::<bool>(), 0..8_usize), 0..3)),
                1..8,
            ),
            others in prop::collection::vec(0..4_usize, 8),
            enough in 1..4_u64,
        ) {
            let trace = trace(&spans);
            let forest = Forest::new(&trace);
            let len = forest.len_within(TraceReach::Links);
            let truth = |at: usize| [Truth::No, Truth::SeemsNot, Truth::Seems, Truth::Yes][others[at]];
            let others: Vec<Truth> = (0..len).map(truth).collect();
            let limits = Limits::at_least(enough);
            let causes = Causes::of(&forest);
            for (span, count) in causes.count(len, &others, &limits).into_iter().enumerate() {
                let all = causes.all(span).into_iter().map(|cause| others[cause]);
                let expected = Count::of(all);
                let most = if causes.unknown(span).is_some() { u64::MAX } else { expected.most };
                let expected = Count { most, ..expected };
                prop_assert_eq!(count.seen, expected.seen.min(enough));
                prop_assert_eq!(count.within(&limits), expected.within(&limits));
            }
        }
    }
}
