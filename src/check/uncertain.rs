//! The reasons of uncertain answers: spans without a duration, and dropped parts.

use super::attributes::why_doubtful_key;
use super::causes::{Causes, UnknownCause};
use super::exceptions::ExceptionsOfSpan;
use super::forest::TraceReach;
use super::judgement::Standing;
use super::lost::{is_guessed, mistyped};
use super::record::name_of;
use super::relations::Related;
use super::select::{Evaluator, Prepared};
use super::truth::Truth;
use super::unjudged::{DroppedPart, SpanName, Unjudged};
use crate::spec::{
    Ask, AttributeKey, EventPattern, Matcher, Pattern, Relation, Relative, Selector,
};
use crate::trace::{Attributes, Field, Span, Value};

impl Evaluator<'_> {
    /// The reason why the selection is uncertain.
    pub(super) fn why_uncertain(&self, selector: &Selector) -> Unjudged {
        self.reason(selector, self.reach(selector))
            .unwrap_or(Unjudged::NotReached)
    }

    /// The reason why the answer about a span is uncertain.
    pub(super) fn why_unmet(&self, ask: &Ask, prepared: &Prepared, span: usize) -> Unjudged {
        self.reason_of(ask, prepared, span)
            .unwrap_or(Unjudged::NotReached)
    }

    /// The reason why a span or its self time has no duration.
    #[cfg(feature = "run")]
    pub(super) fn why_no_time(&self, span: usize) -> Unjudged {
        no_duration(self.forest.span(span))
            .or_else(|| self.reason_of_children(span))
            .unwrap_or(Unjudged::NotReached)
    }

    /// The reason of the first uncertain condition of the first uncertain span.
    fn reason(&self, selector: &Selector, reach: TraceReach) -> Option<Unjudged> {
        let mask = self.mask(selector, reach);
        let open = (0..mask.len()).find(|&span| !mask[span].is_known())?;
        let mut conditions = selector.conditions.iter();
        let of_condition = conditions.find_map(|condition| {
            let prepared = self.prepare(&condition.ask, reach);
            self.reason_of_selection(&condition.ask, &prepared, open)
        });
        of_condition.or_else(|| self.reason_of_order(selector, &mask))
    }

    /// The reason why the choice of `take` is uncertain: an uncertain candidate, or one without a
    /// start.
    fn reason_of_order(&self, selector: &Selector, mask: &[Truth]) -> Option<Unjudged> {
        let any = Selector {
            take: None,
            ..selector.clone()
        };
        selector.take?;
        let candidates = (0..mask.len()).filter(|&span| mask[span] != Truth::No);
        let mut spans = candidates.map(|span| self.forest.span(span));
        let unordered = spans.find(|span| span.known_start().is_none());
        unordered
            .and_then(no_duration)
            .or_else(|| self.reason(&any, self.reach(selector)))
            .or_else(|| self.reason_of_rounding())
    }

    pub(super) fn reason_of(
        &self,
        ask: &Ask,
        prepared: &Prepared,
        span: usize,
    ) -> Option<Unjudged> {
        let this = self.forest.span(span);
        match ask {
            Ask::Duration(_) => no_duration(this).or_else(|| self.reason_of_rounding()),
            Ask::SelfTime(_) => no_duration(this)
                .or_else(|| self.reason_of_children(span))
                .or_else(|| self.reason_of_rounding()),
            Ask::Attribute(..) | Ask::Type(_) => match self.lost_about(ask, prepared, this) {
                Some(field) => Some(Unjudged::Lost(field)),
                None => dropped(this, DroppedPart::Attributes, this.attributes.dropped()),
            },
            Ask::Service(_) if is_guessed(this, self.losses()) => {
                Some(Unjudged::Lost(Field::Services))
            }
            Ask::Service(_) => unknown_service(this),
            Ask::Resource(..) => match self.lost_about(ask, prepared, this) {
                Some(field) => Some(Unjudged::Lost(field)),
                None => {
                    let number = this.resource.attributes.dropped();
                    dropped(this, DroppedPart::Resource, number)
                }
            },
            Ask::Event(pattern) => dropped(this, DroppedPart::Events, this.dropped_events)
                .or_else(|| {
                    let each = this.events.iter().map(|event| event.attributes.dropped());
                    dropped(this, DroppedPart::EventAttributes, each.sum())
                })
                .or_else(|| {
                    let each = this.events.iter().map(|event| &event.attributes);
                    self.of_another_type(this, each, &pattern.attributes)
                })
                .or_else(|| self.reason_of_exceptions(pattern, this)),
            Ask::LinkCount(_) => dropped(this, DroppedPart::Links, this.dropped_links),
            Ask::Link(link) => dropped(this, DroppedPart::Links, this.dropped_links)
                .or_else(|| {
                    let each = this.links.iter().map(|link| link.attributes.dropped());
                    dropped(this, DroppedPart::LinkAttributes, each.sum())
                })
                .or_else(|| {
                    let each = this.links.iter().map(|link| &link.attributes);
                    self.of_another_type(this, each, &link.attributes)
                })
                .or_else(|| self.reason_of_pattern(link.to.as_ref()?, TraceReach::Links)),
            Ask::Relation(relation) => {
                let reach = self.reach_of(ask);
                let Prepared::Related(related) = prepared else {
                    return None;
                };
                self.reason_of_relation(relation, related, span, reach)
            }
            Ask::AnyOf(alternatives) => self.reason_of_any(alternatives, prepared, span),
            _ => None,
        }
    }

    /// The reason why the number of exceptions in log records is uncertain.
    fn reason_of_exceptions(&self, pattern: &EventPattern, span: &Span) -> Option<Unjudged> {
        let ExceptionsOfSpan { certain, possible } = self.exceptions(pattern, span);
        let mut repeated = certain.iter().filter(|record| record.is_repeated);
        let repeated = repeated.next();
        let repeated = repeated.map(|record| Unjudged::Repeated(name_of(record)));
        repeated.or_else(|| {
            let without_span = possible.iter().find(|record| record.span_id.is_none());
            let mut all = certain.iter().chain(&possible);
            let cut = all.find(|record| record.attributes.dropped() > 0);
            let cut = cut.map(|cut| {
                let (part, number) = (DroppedPart::LogAttributes, cut.attributes.dropped());
                Unjudged::Dropped(name_of(cut), part, number)
            });
            cut.or_else(|| without_span.map(|one| Unjudged::ExceptionWithoutSpan(name_of(one))))
        })
    }

    fn reason_of_rounding(&self) -> Option<Unjudged> {
        let is_rounded = self.loses(Field::Nanoseconds);
        is_rounded.then_some(Unjudged::Lost(Field::Nanoseconds))
    }

    /// The reason if an attribute has a type that its matcher cannot judge, or can have been sent in another
    /// type.
    fn of_another_type<'t>(
        &self,
        span: &Span,
        all: impl Iterator<Item = &'t Attributes>,
        wanted: &[(AttributeKey, Matcher)],
    ) -> Option<Unjudged> {
        let mut pairs =
            all.flat_map(|attributes| wanted.iter().map(move |wanted| (attributes, wanted)));
        pairs.find_map(|(of, (key, matcher))| {
            let lost = mistyped(of, key, matcher, self.losses()).map(Unjudged::Lost);
            lost.or_else(|| why_doubtful_key(of, key, matcher, span))
        })
    }

    fn reason_of_children(&self, span: usize) -> Option<Unjudged> {
        let (trace, index) = self.forest.locate(span);
        let mut children = trace.children(index).iter();
        children.find_map(|&child| no_duration(&trace.spans()[child]))
    }

    pub(super) fn reason_of_pattern(
        &self,
        pattern: &Pattern,
        reach: TraceReach,
    ) -> Option<Unjudged> {
        match pattern {
            Pattern::Selector(selector) => {
                let reach = reach.or(self.reach(selector));
                self.reason(selector, reach)
            }
            Pattern::Entry { index, .. } => {
                let find = &self.entries.get(*index)?.find;
                self.reason(find, self.reach(find))
            }
            Pattern::Trigger => None,
        }
    }

    fn reason_of_relation(
        &self,
        relation: &Relation,
        related: &Related,
        span: usize,
        reach: TraceReach,
    ) -> Option<Unjudged> {
        let this = self.forest.span(span);
        let others = related.outermost.iter().filter(|&&other| other != span);
        let mut others = others.map(|&other| self.forest.span(other));
        let of_time = match relation.place {
            Relative::After if this.known_start().is_none() => no_duration(this),
            Relative::Before if this.known_end().is_none() => no_duration(this),
            Relative::After => others
                .find(|other| other.known_end().is_none())
                .and_then(no_duration),
            Relative::Before => others
                .find(|other| other.known_start().is_none())
                .and_then(no_duration),
            _ => None,
        };
        let of_causes = || match relation.place {
            Relative::CausedBy => self.reason_of_causes(span),
            _ => None,
        };
        let of_rounding = || match relation.place {
            Relative::After | Relative::Before => self.reason_of_rounding(),
            _ => None,
        };
        of_time
            .or_else(|| self.reason_of_pattern(&relation.other, reach))
            .or_else(of_causes)
            .or_else(of_rounding)
            .or_else(|| {
                let spans =
                    (0..self.forest.len_within(TraceReach::Links)).map(|at| self.forest.span(at));
                let mut cut = spans.filter(|span| span.dropped_links > 0);
                let cut = cut
                    .next()
                    .filter(|_| relation.place == Relative::LinkedTo)?;
                dropped(cut, DroppedPart::Links, cut.dropped_links)
            })
    }
}

impl Evaluator<'_> {
    /// The reason if a span can have causes that are not known.
    fn reason_of_causes(&self, span: usize) -> Option<Unjudged> {
        let (at, why) = Causes::of(self.forest).unknown(span)?;
        let name = SpanName::of(self.forest.span(at));
        Some(match why {
            UnknownCause::Parent(id) => Unjudged::Incomplete(vec![id]),
            UnknownCause::Link(id) => Unjudged::LinkedMissing(name, id),
            UnknownCause::Beyond(trace) => Unjudged::BeyondLinked(name, trace),
            UnknownCause::Dropped(number) => Unjudged::Dropped(name, DroppedPart::Links, number),
            UnknownCause::Lost => Unjudged::Lost(Field::Links),
        })
    }
}

/// The reason, if the span has no duration.
pub(crate) fn no_duration(span: &Span) -> Option<Unjudged> {
    let reason = span.duration().err()?;
    Some(Unjudged::NoDuration(SpanName::of(span), reason))
}

/// The reason, if the service of a span is not known: an attribute of its resource was dropped, or
/// `service.name` is no string.
pub(super) fn unknown_service(span: &Span) -> Option<Unjudged> {
    const KEY: &str = "service.name";
    let attributes = &span.resource.attributes;
    match attributes.get(KEY) {
        Some(Value::String(_)) => None,
        Some(_) => Some(Unjudged::OtherType(SpanName::of(span), KEY.to_owned())),
        None => dropped(span, DroppedPart::Resource, attributes.dropped()),
    }
}

/// The reason, if an attribute that a span does not have may be one that was dropped.
pub(super) fn why_absent(span: &Span, key: &str) -> Option<Unjudged> {
    let is_absent = span.attributes.get(key).is_none();
    let number = span.attributes.dropped();
    dropped(span, DroppedPart::Attributes, number).filter(|_| is_absent)
}

fn dropped(span: &Span, part: DroppedPart, number: u32) -> Option<Unjudged> {
    (number > 0).then(|| Unjudged::Dropped(SpanName::of(span), part, number))
}

/// Makes a failure unjudged if it is uncertain. If parts were dropped, it stays a failure with a
/// hint.
pub(super) fn or_uncertain(why: Option<Unjudged>, mut failed: Standing) -> Standing {
    match why {
        None => failed,
        Some(
            why @ (Unjudged::Dropped(..) | Unjudged::OtherType(..) | Unjudged::SeveralKeys(..)),
        ) => {
            if let Some(failure) = failed.failure_mut() {
                failure.hints.push(why.with_help());
            }
            failed
        }
        Some(why) => Standing::unjudged(why),
    }
}
