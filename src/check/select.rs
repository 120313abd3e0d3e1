//! Evaluates selectors.
//!
//! Each condition is one pass over all spans, so that a check takes linear time in traces of any
//! depth. `relations` and `links` count related spans, `uncertain` gives the reasons of uncertain
//! answers, `lasting` decides if further spans can change the selection.

use std::cell::OnceCell;

use super::Unjudged;
use super::attributes::{attribute, count_events, why_doubtful};
use super::exceptions::{Exceptions, ExceptionsOfSpan};
use super::forest::{Forest, TraceReach};
use super::judgement::FailureDetail;
use super::links::{Targets, count_links};
use super::lost::{
    doubtful, in_lower_case, is_doubtful, is_guessed, is_moved, lower_case, mistyped,
    mistyped_in_doubt, rounding, within,
};
use super::matching::meets_text;
use super::relations::{Related, related};
use super::truth::{Count, Truth};
use super::uncertain::unknown_service;
use crate::spec::{
    Ask, AttributeKey, EXCEPTION, EventPattern, Limits, Matcher, Pattern, Selector, SpanCondition,
    SpanEntry, Syntax, Take,
};
use crate::trace::{Attributes, Field, Losses, Nanos, Span, Trace};

/// The spans of a trace that meet a selector, by start time. Includes linked traces if the selector
/// follows links.
#[must_use]
pub fn select<'t>(selector: &Selector, trace: &'t Trace) -> Vec<&'t Span> {
    let forest = Forest::new(trace);
    let found = Evaluator::new(&forest, &[], FailureDetail::Outcome).select(selector);
    found.into_iter().map(|span| forest.span(span)).collect()
}

/// Evaluates selectors in one forest.
pub(super) struct Evaluator<'a> {
    pub(super) forest: &'a Forest<'a>,
    pub(super) detail: FailureDetail,
    pub(super) syntax: Syntax,
    pub(super) entries: &'a [SpanEntry],
    /// The least reach of a selection.
    pub(super) least_reach: TraceReach,
    found: Vec<OnceCell<Vec<Truth>>>,
    depths: OnceCell<Vec<usize>>,
    exceptions: OnceCell<Exceptions<'a>>,
}

/// The types in which a selector reads values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Types {
    /// The types that were sent.
    Sent,
    /// Any: a value that would match in another type is in doubt.
    Any,
}

/// Facts about all spans that a condition needs.
pub(super) enum Prepared {
    /// None: the condition needs the span only.
    Nothing,
    /// The numbers of related spans.
    Related(Related),
    /// The spans that a link can refer to.
    Targets(Targets),
    /// The matcher for names in lower case.
    LowerCase(Matcher),
    /// The attributes with these alternatives of a key can be ones that were not sent with the span,
    /// because this is lost.
    Doubtful(Vec<Option<Field>>),
    /// The facts for each condition of each alternative.
    AnyOf(Vec<Vec<PreparedPart>>),
}

/// The facts that a condition of an alternative needs.
pub(super) struct PreparedPart {
    pub(super) prepared: Prepared,
    /// The field that it needs and that the source loses.
    pub(super) lost: Option<Field>,
}

impl Prepared {
    /// The spans that a link can refer to; `None` if every link counts.
    pub(super) fn targets(&self) -> Option<&Targets> {
        match self {
            Self::Targets(targets) => Some(targets),
            _ => None,
        }
    }

    /// The loss because of which the attribute of a span can be one that was not sent with it.
    fn doubt(&self, key: &AttributeKey, attributes: &Attributes) -> Option<Field> {
        let Self::Doubtful(fields) = self else {
            return None;
        };
        let mut names = key.names().zip(fields);
        names.find_map(|(name, field)| field.filter(|_| is_doubtful(name, attributes)))
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        forest: &'a Forest<'a>,
        entries: &'a [SpanEntry],
        detail: FailureDetail,
    ) -> Self {
        Self {
            forest,
            detail,
            syntax: Syntax::default(),
            entries,
            least_reach: TraceReach::Trace,
            found: entries.iter().map(|_| OnceCell::new()).collect(),
            depths: OnceCell::new(),
            exceptions: OnceCell::new(),
        }
    }

    /// The reason if a log record that may be missing could change the selection.
    pub(super) fn log_hole(&self, selector: &Selector) -> Option<Unjudged> {
        let hole = self.forest.trace().log_holes().first()?;
        selector
            .has_exceptions()
            .then(|| Unjudged::LogHole(Box::new(hole.clone())))
    }

    /// Selects spans of all traces: those of a window, of which the judged one is empty.
    pub(super) fn over_all_traces(self) -> Self {
        Self {
            least_reach: TraceReach::Links,
            ..self
        }
    }

    pub(super) fn with_hints_in(self, syntax: Syntax) -> Self {
        Self { syntax, ..self }
    }

    /// The number of ancestors of a span.
    pub(super) fn depth(&self, span: usize) -> usize {
        let depths = || {
            let mut depths = vec![0; self.forest.len_within(TraceReach::Links)];
            for (start, trace) in self.forest.traces(TraceReach::Links) {
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

    /// The spans that meet the selector by the parts that arrived, by start time.
    pub(super) fn select(&self, selector: &Selector) -> Vec<usize> {
        self.by_start(&self.mask(selector, self.reach(selector)))
    }

    /// The spans of a mask that match by the parts that arrived, by start time.
    pub(super) fn by_start(&self, mask: &[Truth]) -> Vec<usize> {
        let mut spans: Vec<usize> = (0..mask.len()).filter(|&at| mask[at].seems()).collect();
        spans.sort_by_key(|&span| self.forest.span(span).start);
        spans
    }

    /// For each span within reach, the answer to the selector. A span that it excludes only because of the type
    /// of a value is in doubt.
    pub(super) fn mask(&self, selector: &Selector, reach: TraceReach) -> Vec<Truth> {
        self.mask_with(selector, reach, Types::Any)
    }

    /// The same with values in the types that they were sent in, or in any.
    pub(super) fn mask_with(
        &self,
        selector: &Selector,
        reach: TraceReach,
        types: Types,
    ) -> Vec<Truth> {
        let mut mask = vec![Truth::Yes; self.forest.len_within(reach)];
        for condition in &selector.conditions {
            let prepared = self.prepare(&condition.ask, reach);
            for (span, truth) in mask.iter_mut().enumerate() {
                if *truth != Truth::No {
                    *truth = (*truth).min(self.selects(&condition.ask, &prepared, span, types));
                }
            }
        }
        if let Some(take) = selector.take {
            self.keep_only(take, &mut mask);
        }
        mask
    }

    /// Applies `take`. The choice is certain only if all candidates and their order are certain.
    fn keep_only(&self, take: Take, mask: &mut [Truth]) {
        let spans = self.by_start(mask);
        let kept = match take {
            Take::First => spans.first(),
            Take::Last => spans.last(),
            Take::Number(number) => spans.get(number - 1),
        };
        let kept = kept.copied();
        let possible = mask.iter().filter(|&&truth| truth != Truth::No).count();
        if matches!(take, Take::Number(number) if number > possible) {
            mask.fill(Truth::No);
            return;
        }
        let is_certain = match kept {
            Some(kept) => self.is_certain(take, kept, mask),
            None => possible == 0,
        };
        for (span, truth) in mask.iter_mut().enumerate() {
            if *truth != Truth::No {
                *truth = Truth::of(Some(span) == kept).unless(!is_certain);
            }
        }
    }

    /// Returns `true` if the span is taken whichever of the possible spans are meant: those in doubt
    /// started on the other side of it.
    fn is_certain(&self, take: Take, kept: usize, mask: &[Truth]) -> bool {
        let start = |span: usize| self.forest.span(span).known_start();
        let is_apart = |span: usize| match (start(span), start(kept)) {
            (Some(own), Some(kept)) => match take {
                Take::First | Take::Number(_) => own > kept + self.rounding(),
                Take::Last => own + self.rounding() < kept,
            },
            _ => false,
        };
        let is_ordered = |span: usize| match (start(span), start(kept)) {
            (Some(own), Some(kept)) => self.rounding() == 0 || own.abs_diff(kept) > self.rounding(),
            _ => false,
        };
        let mut others = (0..mask.len()).filter(|&span| span != kept);
        mask[kept] == Truth::Yes
            && others.all(|span| match mask[span] {
                Truth::No => true,
                Truth::Yes if is_ordered(span) => true,
                _ => is_apart(span),
            })
    }

    /// For each span within reach, the answer to the pattern.
    pub(super) fn pattern(&self, pattern: &Pattern, outer: TraceReach) -> Vec<Truth> {
        match pattern {
            Pattern::Selector(selector) => {
                let reach = outer.or(self.reach(selector));
                self.mask(selector, reach)
            }
            Pattern::Entry { index, .. } => {
                let found = self.found.get(*index).zip(self.entries.get(*index));
                let mut mask = found.map_or_else(Vec::new, |(cell, entry)| {
                    cell.get_or_init(|| self.mask(&entry.find, self.reach(&entry.find)))
                        .clone()
                });
                // An entry that does not follow links has no answers for linked traces.
                mask.resize(mask.len().max(self.forest.len_within(outer)), Truth::No);
                mask
            }
            // It has no span.
            Pattern::Trigger => vec![Truth::No; self.forest.len_within(outer)],
        }
    }

    /// The traces that a selector covers: also linked ones if it, a nested selector or a referenced
    /// entry follows links.
    pub(super) fn reach(&self, selector: &Selector) -> TraceReach {
        let conditions = selector.conditions.iter();
        let mut reaches = conditions.map(|condition| self.reach_of(&condition.ask));
        match reaches.any(|reach| reach == TraceReach::Links) {
            true => TraceReach::Links,
            false => self.least_reach,
        }
    }

    /// The traces that a condition covers.
    pub(super) fn reach_of(&self, ask: &Ask) -> TraceReach {
        let pattern = match ask {
            Ask::Relation(relation) if relation.place.follows_links() => {
                return TraceReach::Links;
            }
            Ask::Relation(relation) => &relation.other,
            Ask::Link(link) => match &link.to {
                Some(to) => to,
                None => return TraceReach::Trace,
            },
            Ask::AnyOf(alternatives) => {
                let all = alternatives.iter().flatten();
                return all.fold(TraceReach::Trace, |reach, one| {
                    reach.or(self.reach_of(&one.ask))
                });
            }
            _ => return TraceReach::Trace,
        };
        self.reach_of_pattern(pattern)
    }

    /// The traces that a pattern covers.
    pub(super) fn reach_of_pattern(&self, pattern: &Pattern) -> TraceReach {
        match pattern {
            Pattern::Selector(selector) => self.reach(selector),
            Pattern::Entry { index, .. } => self
                .entries
                .get(*index)
                .map_or(TraceReach::Trace, |entry| self.reach(&entry.find)),
            Pattern::Trigger => TraceReach::Trace,
        }
    }

    /// The facts about all spans that a condition needs. `reach` covers that of the condition.
    pub(super) fn prepare(&self, ask: &Ask, reach: TraceReach) -> Prepared {
        match ask {
            Ask::Relation(relation) => {
                let outer = match relation.place.follows_links() {
                    true => TraceReach::Links,
                    false => reach,
                };
                let others = self.pattern(&relation.other, outer);
                Prepared::Related(related(self.forest, relation, reach, &others))
            }
            Ask::Link(link) => match &link.to {
                Some(to) => {
                    let others = self.pattern(to, TraceReach::Links);
                    Prepared::Targets(Targets::of(self.forest, &others))
                }
                None => Prepared::Nothing,
            },
            Ask::Name(matcher) | Ask::Service(matcher) if self.loses(Field::NameCase) => {
                // If there is none, the condition is unjudged.
                in_lower_case(matcher).map_or(Prepared::Nothing, Prepared::LowerCase)
            }
            Ask::Attribute(key, _) => {
                let names = key.names().map(|name| doubtful(name, self.losses()));
                let fields: Vec<Option<Field>> = names.collect();
                match fields.iter().any(Option::is_some) {
                    true => Prepared::Doubtful(fields),
                    false => Prepared::Nothing,
                }
            }
            Ask::AnyOf(alternatives) => self.prepare_any(alternatives, reach),
            _ => Prepared::Nothing,
        }
    }

    /// The maximum error of the difference of two times.
    pub(super) fn rounding(&self) -> Nanos {
        rounding(self.forest.trace().losses())
    }

    pub(super) fn loses(&self, field: Field) -> bool {
        self.losses().contains(field)
    }

    pub(super) fn losses(&self) -> &Losses {
        self.forest.trace().losses()
    }

    /// The loss because of which an attribute of a span can have been sent otherwise.
    pub(super) fn lost_about(&self, ask: &Ask, prepared: &Prepared, span: &Span) -> Option<Field> {
        match ask {
            Ask::Attribute(key, matcher) => {
                let attributes = &span.attributes;
                let of_types = || mistyped(attributes, key, matcher, self.losses());
                let of_key = || {
                    let is_moved = is_moved(key, attributes, self.losses());
                    is_moved.then_some(Field::MovedAttributes)
                };
                let doubt = prepared.doubt(key, attributes);
                doubt.or_else(of_types).or_else(of_key)
            }
            // Their keys are among those that are moved.
            Ask::Type(_) if self.loses(Field::MovedAttributes) => Some(Field::MovedAttributes),
            Ask::Resource(key, matcher) => {
                mistyped(&span.resource.attributes, key, matcher, self.losses())
            }
            _ => None,
        }
    }

    /// The answer of a span to a condition of a selector.
    fn selects(&self, ask: &Ask, prepared: &Prepared, span: usize, types: Types) -> Truth {
        if let (Ask::AnyOf(alternatives), Prepared::AnyOf(parts)) = (ask, prepared) {
            return any_of(alternatives, parts, |ask, prepared| {
                self.selects(ask, prepared, span, types)
            });
        }
        let answer = self.meets(ask, prepared, span);
        let this = self.forest.span(span);
        let is_in_doubt = || {
            types == Types::Any && why_doubtful(ask, this).is_some()
                || self.lost_type(ask, this).is_some()
        };
        answer.unless(answer == Truth::No && is_in_doubt())
    }

    /// The loss because of which a span that is not selected can be in doubt for the type of a value.
    pub(super) fn lost_type(&self, ask: &Ask, span: &Span) -> Option<Field> {
        let (attributes, key, matcher) = match ask {
            Ask::Attribute(key, matcher) => (&span.attributes, key, matcher),
            Ask::Resource(key, matcher) => (&span.resource.attributes, key, matcher),
            _ => return None,
        };
        mistyped_in_doubt(attributes, key, matcher, self.losses())
    }

    /// The answer about one span.
    pub(super) fn meets(&self, ask: &Ask, prepared: &Prepared, span: usize) -> Truth {
        let this = self.forest.span(span);
        let text = |matcher: &Matcher, text: &str| Truth::of(meets_text(matcher, text));
        let name = |matcher: &Matcher, name: &str| match prepared {
            Prepared::LowerCase(matcher) => text(matcher, &lower_case(name)),
            _ => text(matcher, name),
        };
        let time = |nanos: Option<Nanos>, limits: &Limits<Nanos>, parts: usize| match nanos {
            Some(nanos) => within(nanos, limits, parts as Nanos * self.rounding()),
            None => Truth::SeemsNot,
        };
        match ask {
            Ask::Name(matcher) => name(matcher, &this.name),
            Ask::Service(matcher) => name(matcher, this.service())
                .unless(unknown_service(this).is_some() || is_guessed(this, self.losses())),
            Ask::Scope(matcher) => text(matcher, &this.scope.name),
            Ask::StatusMessage(matcher) => text(matcher, &this.status.message),
            Ask::Kind(choice) => Truth::of(choice.allowed.contains(&this.kind)),
            Ask::Type(choice) => {
                let keys = choice.allowed.iter().flat_map(|kind| kind.identified_by());
                let mut values = keys.filter_map(|key| this.attributes.get(key));
                let is_of_type = values.next().is_some();
                let may_be =
                    this.attributes.dropped() > 0 || self.lost_about(ask, prepared, this).is_some();
                Truth::of(is_of_type).unless(!is_of_type && may_be)
            }
            Ask::Status(choice) => Truth::of(choice.allowed.contains(&this.status.code)),
            Ask::Attribute(key, matcher) => attribute(&this.attributes, key, matcher)
                .unless(self.lost_about(ask, prepared, this).is_some()),
            Ask::Resource(key, matcher) => attribute(&this.resource.attributes, key, matcher)
                .unless(self.lost_about(ask, prepared, this).is_some()),
            Ask::Duration(limits) => time(this.duration().ok(), limits, 1),
            Ask::SelfTime(limits) => {
                let (trace, index) = self.forest.locate(span);
                let parts = 1 + trace.children(index).len();
                time(self.forest.self_time(span), limits, parts)
            }
            Ask::Event(pattern) => {
                let exceptions = self.exceptions(pattern, this);
                count_events(pattern, this, &exceptions, self.losses()).within(&pattern.count)
            }
            Ask::LinkCount(limits) => Count::exactly(this.links.len() as u64)
                .with_missing(this.dropped_links)
                .within(limits),
            Ask::Link(pattern) => {
                let links = count_links(self.forest, pattern, prepared.targets(), this);
                links.within(&pattern.count)
            }
            Ask::Relation(relation) => match prepared {
                Prepared::Related(related) => related.counts[span].within(&relation.count),
                _ => Truth::No,
            },
            Ask::AnyOf(alternatives) => match prepared {
                Prepared::AnyOf(parts) => any_of(alternatives, parts, |ask, prepared| {
                    self.meets(ask, prepared, span)
                }),
                _ => Truth::No,
            },
        }
    }

    /// The log records that count as events of a span for this pattern.
    pub(super) fn exceptions(&self, pattern: &EventPattern, span: &Span) -> ExceptionsOfSpan<'_> {
        let name = pattern.name.as_ref();
        if !name.is_none_or(|name| meets_text(name, EXCEPTION)) {
            return ExceptionsOfSpan::default();
        }
        let traces = || {
            self.forest
                .traces(TraceReach::Links)
                .map(|(_, trace)| trace)
        };
        let exceptions = self.exceptions.get_or_init(|| Exceptions::of(traces()));
        exceptions.of_span(span)
    }
}

/// The answer to alternatives: that of the best one, whose answer is that of its worst condition.
fn any_of(
    alternatives: &[Vec<SpanCondition>],
    parts: &[Vec<PreparedPart>],
    answer: impl Fn(&Ask, &Prepared) -> Truth,
) -> Truth {
    let of_part = |(condition, part): (&SpanCondition, &PreparedPart)| {
        answer(&condition.ask, &part.prepared).unless(part.lost.is_some())
    };
    let each = alternatives.iter().zip(parts);
    Truth::any_of(each.map(|(conditions, parts)| conditions.iter().zip(parts).map(of_part)))
}
