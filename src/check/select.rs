//! Which spans meet a selector, and whether that can still change.
//!
//! Everything is a pass over all spans: relations are counted along the tree, once for the whole
//! trace, so that a check costs no more than the number of spans however deep they are nested.
//! Relations are in `relations` and `links`, the reasons of uncertain answers in `uncertain`.

use std::cell::OnceCell;

#[cfg(feature = "run")]
use super::Unjudged;
use super::attributes::{attribute, count_events};
use super::forest::{Forest, Reach};
use super::judgement::Detail;
use super::links::{Targets, count_links};
use super::matching::meets_text;
use super::relations::{Related, related};
use super::truth::{Count, Truth};
use crate::spec::{Ask, Matcher, Pattern, Relative, Selector, SpanEntry, Syntax, Take};
#[cfg(feature = "run")]
use crate::trace::Nanos;
use crate::trace::{Span, Trace};

/// The spans of a trace that meet a selector, by start time; those of linked traces too if it
/// follows links.
#[must_use]
pub fn select<'t>(selector: &Selector, trace: &'t Trace) -> Vec<&'t Span> {
    let forest = Forest::new(trace);
    let found = Evaluator::new(&forest, &[], Detail::Outcome).select(selector);
    found.into_iter().map(|span| forest.span(span)).collect()
}

/// The time that was measured of a span.
#[cfg(feature = "run")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanTime {
    /// From its start to its end.
    Duration,
    /// Without its children.
    SelfTime,
}

/// The span that took longest of those that meet a selector, with its time; `None` if none does.
///
/// # Errors
/// The reason if it is not known: a span that may be meant has no such time, or dropped parts that
/// the selector asks for.
#[cfg(feature = "run")]
pub(crate) fn longest<'t>(
    selector: &Selector,
    time: SpanTime,
    trace: &'t Trace,
) -> Result<Option<(Nanos, &'t Span)>, Unjudged> {
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &[], Detail::Outcome);
    let mask = evaluator.mask(selector, evaluator.reach(selector));
    if !mask.iter().all(|truth| truth.is_known()) {
        return Err(evaluator.why_uncertain(selector));
    }
    let mut longest: Option<(Nanos, &Span)> = None;
    for span in (0..mask.len()).filter(|&span| mask[span].seems()) {
        let taken = match time {
            SpanTime::Duration => forest.span(span).duration().ok(),
            SpanTime::SelfTime => forest.self_time(span),
        };
        let taken = taken.ok_or_else(|| evaluator.why_no_time(span))?;
        if longest.is_none_or(|(known, _)| known <= taken) {
            longest = Some((taken, forest.span(span)));
        }
    }
    Ok(longest)
}

/// Answers selectors over one forest.
pub(super) struct Evaluator<'a> {
    pub(super) forest: &'a Forest<'a>,
    pub(super) detail: Detail,
    pub(super) syntax: Syntax,
    pub(super) entries: &'a [SpanEntry],
    found: Vec<OnceCell<Vec<Truth>>>,
    depths: OnceCell<Vec<usize>>,
}

/// What must be known of all spans before a condition can be asked of one.
pub(super) enum Prepared {
    /// Nothing: the span says it all.
    Nothing,
    /// The other spans in the place that a relation names.
    Related(Related),
    /// The spans that a link may lead to.
    Targets(Targets),
}

impl Prepared {
    /// The spans that a link may lead to; `None` if it may lead to any.
    pub(super) fn targets(&self) -> Option<&Targets> {
        match self {
            Self::Targets(targets) => Some(targets),
            Self::Nothing | Self::Related(_) => None,
        }
    }
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

    /// The spans that meet the selector, by start time, as far as can be seen.
    pub(super) fn select(&self, selector: &Selector) -> Vec<usize> {
        self.by_start(&self.mask(selector, self.reach(selector)))
    }

    /// The spans that meet a condition by what is there, by start time.
    pub(super) fn by_start(&self, mask: &[Truth]) -> Vec<usize> {
        let mut spans: Vec<usize> = (0..mask.len()).filter(|&at| mask[at].seems()).collect();
        spans.sort_by_key(|&span| self.forest.span(span).start);
        spans
    }

    /// For each span within reach the answer to the selector.
    pub(super) fn mask(&self, selector: &Selector, reach: Reach) -> Vec<Truth> {
        let mut mask = vec![Truth::Yes; self.forest.len_within(reach)];
        for condition in &selector.conditions {
            let prepared = self.prepare(&condition.ask, reach);
            for (span, truth) in mask.iter_mut().enumerate() {
                if *truth != Truth::No {
                    *truth = (*truth).min(self.meets(&condition.ask, &prepared, span));
                }
            }
        }
        if let Some(take) = selector.take {
            self.keep_only(take, &mut mask);
        }
        mask
    }

    /// Which span is taken is certain only if all candidates are, and their order.
    fn keep_only(&self, take: Take, mask: &mut [Truth]) {
        let spans = self.by_start(mask);
        let kept = match take {
            Take::First => spans.first(),
            Take::Last => spans.last(),
            Take::Number(number) => spans.get(number - 1),
        };
        let kept = kept.copied();
        let is_certain = self.have_order(mask);
        for (span, truth) in mask.iter_mut().enumerate() {
            if *truth != Truth::No {
                *truth = Truth::of(Some(span) == kept).unless(!is_certain);
            }
        }
    }

    /// Returns true if it is known which of the spans are meant, and in which order they started.
    fn have_order(&self, mask: &[Truth]) -> bool {
        let possible = || (0..mask.len()).filter(|&span| mask[span] != Truth::No);
        let is_one = possible().count() == 1;
        possible().all(|span| {
            let has_start = self.forest.span(span).known_start().is_some();
            mask[span] == Truth::Yes && (is_one || has_start)
        })
    }

    /// For each span within reach the answer to the question whether the pattern means it.
    pub(super) fn pattern(&self, pattern: &Pattern, outer: Reach) -> Vec<Truth> {
        match pattern {
            Pattern::Selector(selector) => {
                let reach = outer.or(self.reach(selector));
                let mut mask = self.mask(selector, reach);
                for doubt in self.doubtful(selector, reach) {
                    mask[doubt.span] = Truth::SeemsNot;
                }
                mask
            }
            Pattern::Entry { index, .. } => {
                let found = self.found.get(*index).zip(self.entries.get(*index));
                let mut mask = found.map_or_else(Vec::new, |(cell, entry)| {
                    cell.get_or_init(|| self.mask(&entry.find, self.reach(&entry.find)))
                        .clone()
                });
                // An entry that does not follow links found nothing in linked traces.
                mask.resize(mask.len().max(self.forest.len_within(outer)), Truth::No);
                mask
            }
        }
    }

    /// The traces in which a selector looks: linked ones if it says so at any depth, also by
    /// referring to an entry that does.
    pub(super) fn reach(&self, selector: &Selector) -> Reach {
        let conditions = selector.conditions.iter();
        let mut reaches = conditions.map(|condition| self.reach_of(&condition.ask));
        match reaches.any(|reach| reach == Reach::Links) {
            true => Reach::Links,
            false => Reach::Trace,
        }
    }

    /// The same of one condition.
    pub(super) fn reach_of(&self, ask: &Ask) -> Reach {
        let pattern = match ask {
            Ask::Relation(relation) if relation.place == Relative::LinkedTo => {
                return Reach::Links;
            }
            Ask::Relation(relation) => &relation.other,
            Ask::Link(link) => match &link.to {
                Some(to) => to,
                None => return Reach::Trace,
            },
            _ => return Reach::Trace,
        };
        match pattern {
            Pattern::Selector(selector) => self.reach(selector),
            Pattern::Entry { index, .. } => self
                .entries
                .get(*index)
                .map_or(Reach::Trace, |entry| self.reach(&entry.find)),
        }
    }

    /// What a condition needs to know of all spans.
    pub(super) fn prepare(&self, ask: &Ask, reach: Reach) -> Prepared {
        match ask {
            Ask::Relation(relation) => {
                let outer = match relation.place {
                    Relative::LinkedTo => Reach::Links,
                    _ => reach,
                };
                let others = self.pattern(&relation.other, outer);
                Prepared::Related(related(self.forest, relation.place, reach, &others))
            }
            Ask::Link(link) => match &link.to {
                Some(to) => {
                    let others = self.pattern(to, Reach::Links);
                    Prepared::Targets(Targets::of(self.forest, &others))
                }
                None => Prepared::Nothing,
            },
            _ => Prepared::Nothing,
        }
    }

    /// The answer of a span to a condition.
    pub(super) fn meets(&self, ask: &Ask, prepared: &Prepared, span: usize) -> Truth {
        let this = self.forest.span(span);
        let text = |matcher: &Matcher, text: &str| Truth::of(meets_text(matcher, text));
        let time = |is_met: Option<bool>| is_met.map_or(Truth::SeemsNot, Truth::of);
        match ask {
            Ask::Name(matcher) => text(matcher, &this.name),
            Ask::Service(matcher) => text(matcher, this.service()),
            Ask::Scope(matcher) => text(matcher, &this.scope.name),
            Ask::StatusMessage(matcher) => text(matcher, &this.status.message),
            Ask::Kind(choice) => Truth::of(choice.allowed.contains(&this.kind)),
            Ask::Type(choice) => {
                let keys = choice.allowed.iter().flat_map(|kind| kind.identified_by());
                let mut values = keys.filter_map(|key| this.attributes.get(key));
                let is_of_type = values.next().is_some();
                Truth::of(is_of_type).unless(!is_of_type && this.attributes.dropped() > 0)
            }
            Ask::Status(choice) => Truth::of(choice.allowed.contains(&this.status.code)),
            Ask::Attribute(key, matcher) => attribute(&this.attributes, key, matcher),
            Ask::Resource(key, matcher) => attribute(&this.resource.attributes, key, matcher),
            Ask::Duration(limits) => time(this.duration().ok().map(|nanos| limits.contains(nanos))),
            Ask::SelfTime(limits) => {
                let nanos = self.forest.self_time(span);
                time(nanos.map(|nanos| limits.contains(nanos)))
            }
            Ask::Event(pattern) => count_events(pattern, this).within(&pattern.count),
            Ask::LinkCount(limits) => Count::exactly(this.links.len() as u64)
                .with_missing(this.dropped_links)
                .within(limits),
            Ask::Link(pattern) => {
                let links = count_links(self.forest, pattern, prepared.targets(), this);
                links.within(&pattern.count)
            }
            Ask::Relation(relation) => match prepared {
                Prepared::Related(related) => related.counts[span].within(&relation.count),
                Prepared::Nothing | Prepared::Targets(_) => Truth::No,
            },
        }
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
                _ => relation.count.has_no_greatest() && self.pattern_only_grows(&relation.other),
            },
            Ask::Link(link) => link
                .to
                .as_ref()
                .is_none_or(|to| link.count.has_no_greatest() && self.pattern_only_grows(to)),
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
