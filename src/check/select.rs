//! Which spans meet a selector, and whether that can still change.
//!
//! Everything is a pass over all spans: relations are counted along the tree, once for the whole
//! trace, so that a check costs no more than the number of spans however deep they are nested.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::forest::{Forest, Reach};
use super::judge::Detail;
use super::matching::meets;
use crate::spec::{
    Ask, EventPattern, Limits, LinkPattern, Matcher, Pattern, Relation, Relative, Selector,
    SpanEntry, Syntax, Take,
};
use crate::trace::{Attributes, Link, Span, SpanId, Trace, TraceId, Value};

/// The spans of a trace that meet a selector, by start time; those of linked traces too if it
/// follows links.
#[must_use]
pub fn select<'t>(selector: &Selector, trace: &'t Trace) -> Vec<&'t Span> {
    let forest = Forest::new(trace);
    let found = Evaluator::new(&forest, &[], Detail::Outcome).select(selector);
    found.into_iter().map(|span| forest.span(span)).collect()
}

/// Answers selectors over one forest.
pub(super) struct Evaluator<'a> {
    pub(super) forest: &'a Forest<'a>,
    pub(super) detail: Detail,
    pub(super) syntax: Syntax,
    entries: &'a [SpanEntry],
    found: Vec<OnceCell<Vec<bool>>>,
    depths: OnceCell<Vec<usize>>,
}

/// What must be known of all spans before a condition can be asked of one.
pub(super) enum Prepared {
    /// Nothing: the span says it all.
    Nothing,
    /// The other spans in the place that a relation names.
    Related(Related),
    /// The spans that a link may lead to.
    Targets(HashSet<(TraceId, SpanId)>),
}

/// What a relation says of all spans at once.
pub(super) struct Related {
    /// How many others stand in the place, for each span.
    pub(super) counts: Vec<u64>,
    /// Of a relation in time: the others that end last, and those that start first.
    pub(super) outermost: Vec<usize>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(forest: &'a Forest<'a>, entries: &'a [SpanEntry], detail: Detail) -> Self {
        Self {
            forest,
            detail,
            syntax: Syntax::default(),
            entries,
            found: entries.iter().map(|_| OnceCell::new()).collect(),
            depths: OnceCell::new(),
        }
    }

    /// Gives hints in this language.
    pub(super) fn with_hints_in(self, syntax: Syntax) -> Self {
        Self { syntax, ..self }
    }

    /// How many ancestors a span has.
    pub(super) fn depth(&self, span: usize) -> usize {
        let depths = || {
            let mut depths = vec![0; self.forest.len_within(Reach::Links)];
            for (start, trace) in self.forest.traces(Reach::Links) {
                for &span in trace.top_down() {
                    if let Some(parent) = trace.parent(span) {
                        depths[start + span] = depths[start + parent] + 1;
                    }
                }
            }
            depths
        };
        self.depths.get_or_init(depths)[span]
    }

    /// The spans that meet the selector, by start time.
    pub(super) fn select(&self, selector: &Selector) -> Vec<usize> {
        let mask = self.mask(selector, reach(selector));
        let mut spans: Vec<usize> = (0..mask.len()).filter(|&span| mask[span]).collect();
        spans.sort_by_key(|&span| self.forest.span(span).start);
        spans
    }

    /// For each span within reach whether it meets the selector.
    fn mask(&self, selector: &Selector, reach: Reach) -> Vec<bool> {
        let mut mask = vec![true; self.forest.len_within(reach)];
        for condition in &selector.conditions {
            let prepared = self.prepare(&condition.ask, reach);
            for (span, is_met) in mask.iter_mut().enumerate() {
                *is_met = *is_met && self.meets(&condition.ask, &prepared, span);
            }
        }
        if let Some(take) = selector.take {
            self.keep_only(take, &mut mask);
        }
        mask
    }

    fn keep_only(&self, take: Take, mask: &mut [bool]) {
        let mut spans: Vec<usize> = (0..mask.len()).filter(|&span| mask[span]).collect();
        spans.sort_by_key(|&span| self.forest.span(span).start);
        let kept = match take {
            Take::First => spans.first(),
            Take::Last => spans.last(),
            Take::Number(number) => spans.get(number - 1),
        };
        let kept = kept.copied();
        for (span, is_met) in mask.iter_mut().enumerate() {
            *is_met = Some(span) == kept;
        }
    }

    /// For each span within reach whether it is one of those that the pattern means.
    pub(super) fn pattern(&self, pattern: &Pattern, outer: Reach) -> Vec<bool> {
        match pattern {
            Pattern::Selector(selector) => {
                let reach = if outer == Reach::Links {
                    outer
                } else {
                    reach(selector)
                };
                self.mask(selector, reach)
            }
            Pattern::Entry { index, .. } => {
                let found = self.found.get(*index).zip(self.entries.get(*index));
                let mut mask = found.map_or_else(Vec::new, |(cell, entry)| {
                    cell.get_or_init(|| self.mask(&entry.find, reach(&entry.find)))
                        .clone()
                });
                // An entry that does not follow links found nothing in linked traces.
                mask.resize(mask.len().max(self.forest.len_within(outer)), false);
                mask
            }
        }
    }

    /// What a condition needs to know of all spans.
    pub(super) fn prepare(&self, ask: &Ask, reach: Reach) -> Prepared {
        match ask {
            Ask::Relation(relation) => Prepared::Related(self.related(relation, reach)),
            Ask::Link(link) => match &link.to {
                Some(to) => Prepared::Targets(self.ids(&self.pattern(to, Reach::Links))),
                None => Prepared::Nothing,
            },
            _ => Prepared::Nothing,
        }
    }

    /// Whether a span meets a condition.
    pub(super) fn meets(&self, ask: &Ask, prepared: &Prepared, span: usize) -> bool {
        let this = self.forest.span(span);
        let text = |matcher: &Matcher, text: &str| meets_text(matcher, text);
        match ask {
            Ask::Name(matcher) => text(matcher, &this.name),
            Ask::Service(matcher) => text(matcher, this.service()),
            Ask::Scope(matcher) => text(matcher, &this.scope.name),
            Ask::StatusMessage(matcher) => text(matcher, &this.status.message),
            Ask::Kind(choice) => choice.allowed.contains(&this.kind),
            Ask::Type(choice) => choice.allowed.iter().any(|kind| {
                kind.identified_by()
                    .iter()
                    .any(|key| this.attributes.get(key).is_some())
            }),
            Ask::Status(choice) => choice.allowed.contains(&this.status.code),
            Ask::Attribute(key, matcher) => meets(matcher, this.attributes.get(key)),
            Ask::Resource(key, matcher) => meets(matcher, this.resource.attributes.get(key)),
            Ask::Duration(limits) => limits.contains(this.duration()),
            Ask::SelfTime(limits) => {
                let (trace, index) = self.forest.locate(span);
                limits.contains(trace.self_time(index))
            }
            Ask::Event(pattern) => pattern.count.contains(count_events(pattern, this)),
            Ask::LinkCount(limits) => limits.contains(this.links.len() as u64),
            Ask::Link(pattern) => pattern.count.contains(count_links(pattern, prepared, this)),
            Ask::Relation(relation) => match prepared {
                Prepared::Related(related) => relation.count.contains(related.counts[span]),
                Prepared::Nothing | Prepared::Targets(_) => false,
            },
        }
    }

    /// The other spans in the place that the relation names, for each span within reach.
    fn related(&self, relation: &Relation, reach: Reach) -> Related {
        let of_links = relation.place == Relative::LinkedTo;
        let others = self.pattern(&relation.other, if of_links { Reach::Links } else { reach });
        let mut outermost = Vec::new();
        let counts = match relation.place {
            Relative::Below => self.along_tree(reach, |trace, start, counts| {
                for &span in trace.top_down() {
                    if let Some(parent) = trace.parent(span) {
                        counts[start + span] =
                            counts[start + parent] + u64::from(others[start + parent]);
                    }
                }
            }),
            Relative::Above => self.along_tree(reach, |trace, start, counts| {
                for &span in trace.top_down().iter().rev() {
                    if let Some(parent) = trace.parent(span) {
                        counts[start + parent] +=
                            counts[start + span] + u64::from(others[start + span]);
                    }
                }
            }),
            Relative::ChildOf => self.along_tree(reach, |trace, start, counts| {
                for span in 0..trace.len() {
                    let parent = trace.parent(span);
                    counts[start + span] =
                        u64::from(parent.is_some_and(|parent| others[start + parent]));
                }
            }),
            Relative::ParentOf => self.along_tree(reach, |trace, start, counts| {
                for span in 0..trace.len() {
                    if let Some(parent) = trace.parent(span) {
                        counts[start + parent] += u64::from(others[start + span]);
                    }
                }
            }),
            Relative::After => {
                outermost = self.outermost(&others);
                self.in_time(reach, &others, &outermost, |span, other| {
                    other.end <= span.start
                })
            }
            Relative::Before => {
                outermost = self.outermost(&others);
                self.in_time(reach, &others, &outermost, |span, other| {
                    span.end <= other.start
                })
            }
            Relative::LinkedTo => self.over_links(reach, &others),
        };
        Related { counts, outermost }
    }

    fn along_tree(
        &self,
        reach: Reach,
        count: impl Fn(&crate::trace::Trace, usize, &mut [u64]),
    ) -> Vec<u64> {
        let mut counts = vec![0; self.forest.len_within(reach)];
        for (start, trace) in self.forest.traces(reach) {
            count(trace, start, &mut counts);
        }
        counts
    }

    /// All of the others, where each is on the right side in time; else none of them. It is
    /// enough to look at the outermost: the last to end and the first to start.
    fn in_time(
        &self,
        reach: Reach,
        others: &[bool],
        outermost: &[usize],
        is_right: impl Fn(&Span, &Span) -> bool,
    ) -> Vec<u64> {
        let number = others.iter().filter(|&&is_other| is_other).count();
        (0..self.forest.len_within(reach))
            .map(|span| {
                let this = self.forest.span(span);
                let is_right = outermost
                    .iter()
                    .filter(|&&other| other != span)
                    .all(|&other| is_right(this, self.forest.span(other)));
                let count = number - usize::from(others.get(span) == Some(&true));
                if is_right { count as u64 } else { 0 }
            })
            .collect()
    }

    /// The two that end last and the two that start first; two, for one may be the span itself.
    fn outermost(&self, others: &[bool]) -> Vec<usize> {
        let others: Vec<usize> = (0..others.len()).filter(|&other| others[other]).collect();
        let mut by_end = others.clone();
        by_end.sort_by_key(|&other| std::cmp::Reverse(self.forest.span(other).end));
        by_end.truncate(2);
        let mut by_start = others;
        by_start.sort_by_key(|&other| self.forest.span(other).start);
        by_start.truncate(2);
        by_end.extend(by_start);
        by_end
    }

    /// A span of another trace counts those that any span of its trace links to, or that link into
    /// its trace. Within the same trace the span itself or an ancestor must have the link.
    fn over_links(&self, reach: Reach, others: &[bool]) -> Vec<u64> {
        let targets = self.ids(others);
        let mut counts = vec![0; self.forest.len_within(reach)];
        for (start, trace) in self.forest.traces(reach) {
            let within = |link: &&Link| targets.contains(&(link.trace_id, link.span_id));
            let is_own = |link: &&Link| link.trace_id == trace.id();
            let back = trace
                .spans()
                .iter()
                .flat_map(|span| &span.links)
                .filter(within);
            let mut linked: HashSet<SpanId> = back
                .filter(|link| !is_own(link))
                .map(|link| link.span_id)
                .collect();
            for other in (0..others.len()).filter(|&other| others[other]) {
                let other = self.forest.span(other);
                if other.trace_id != trace.id() && other.links.iter().any(|link| is_own(&link)) {
                    linked.insert(other.span_id);
                }
            }
            for &span in trace.top_down() {
                let own = trace.spans()[span]
                    .links
                    .iter()
                    .filter(within)
                    .filter(is_own)
                    .count();
                let above = trace
                    .parent(span)
                    .map_or(linked.len() as u64, |p| counts[start + p]);
                counts[start + span] = above + own as u64;
            }
        }
        counts
    }

    fn ids(&self, mask: &[bool]) -> HashSet<(TraceId, SpanId)> {
        (0..mask.len())
            .filter(|&span| mask[span])
            .map(|span| self.forest.span(span))
            .map(|span| (span.trace_id, span.span_id))
            .collect()
    }

    /// Whether spans that are found stay found, whatever else arrives.
    pub(super) fn only_grows(&self, selector: &Selector) -> bool {
        selector.take.is_none()
            && selector
                .conditions
                .iter()
                .all(|condition| self.stays_true(&condition.ask))
    }

    /// Whether a condition that a span meets is met for good.
    pub(super) fn stays_true(&self, ask: &Ask) -> bool {
        match ask {
            Ask::SelfTime(_) => false,
            Ask::Relation(relation) => match relation.place {
                Relative::After | Relative::Before => false,
                _ => has_no_greatest(&relation.count) && self.pattern_only_grows(&relation.other),
            },
            Ask::Link(link) => link
                .to
                .as_ref()
                .is_none_or(|to| has_no_greatest(&link.count) && self.pattern_only_grows(to)),
            _ => true,
        }
    }

    /// Whether a condition that a span does not meet can never be met.
    pub(super) fn stays_false(ask: &Ask) -> bool {
        match ask {
            Ask::SelfTime(_) | Ask::Relation(_) => false,
            Ask::Link(link) => link.to.is_none(),
            _ => true,
        }
    }

    fn pattern_only_grows(&self, pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Selector(selector) => self.only_grows(selector),
            Pattern::Entry { index, .. } => self
                .entries
                .get(*index)
                .is_some_and(|entry| self.only_grows(&entry.find)),
        }
    }
}

/// How far a selector looks: over links only if it says so.
pub(super) fn reach(selector: &Selector) -> Reach {
    if selector.follows_links() {
        Reach::Links
    } else {
        Reach::Trace
    }
}

fn has_no_greatest(count: &Limits<u64>) -> bool {
    count.ranges.iter().all(|range| range.greatest.is_none())
}

/// Text matchers are asked of every span, so the common ones look at the text itself. OTLP does
/// not tell an empty text from none, so what is empty is absent, too.
fn meets_text(matcher: &Matcher, text: &str) -> bool {
    match matcher {
        Matcher::Equal(Value::String(expected)) => expected == text,
        Matcher::Regex(regex) => regex.is_match(text),
        Matcher::OneOf(any) => any.iter().any(|matcher| meets_text(matcher, text)),
        Matcher::Every(all) => all.iter().all(|matcher| meets_text(matcher, text)),
        Matcher::Not(inner) if text.is_empty() => matches!(**inner, Matcher::Exists),
        Matcher::Not(inner) => !meets_text(inner, text),
        Matcher::Exists => !text.is_empty(),
        Matcher::Absent => text.is_empty(),
        _ => meets(matcher, Some(&Value::from(text))),
    }
}

pub(super) fn count_events(pattern: &EventPattern, span: &Span) -> u64 {
    let is_like = |name: &str, attributes: &Attributes| {
        pattern
            .name
            .as_ref()
            .is_none_or(|matcher| meets_text(matcher, name))
            && have(attributes, &pattern.attributes)
    };
    span.events
        .iter()
        .filter(|event| is_like(&event.name, &event.attributes))
        .count() as u64
}

pub(super) fn count_links(pattern: &LinkPattern, prepared: &Prepared, span: &Span) -> u64 {
    let leads_right = |link: &Link| match prepared {
        Prepared::Targets(targets) => targets.contains(&(link.trace_id, link.span_id)),
        Prepared::Nothing | Prepared::Related(_) => true,
    };
    let links = span.links.iter();
    links
        .filter(|link| leads_right(link) && have(&link.attributes, &pattern.attributes))
        .count() as u64
}

fn have(attributes: &Attributes, wanted: &[(String, Matcher)]) -> bool {
    wanted
        .iter()
        .all(|(key, matcher)| meets(matcher, attributes.get(key)))
}
