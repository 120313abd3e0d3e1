//! Answers to conditions on the attributes of a span, a resource, an event or a link.

use super::lost::{mistyped, mistyped_in_doubt};
use super::matching::{MatchInput, answer, meets, meets_text, would_match};
use super::truth::{Count, Truth};
use crate::spec::{Ask, EventPattern, Matcher};
use crate::trace::{Attributes, Losses, Span};

/// The answer about one attribute. A missing attribute can be among the dropped ones.
pub(super) fn attribute(attributes: &Attributes, key: &str, matcher: &Matcher) -> Truth {
    let value = attributes.get(key);
    let is_missing = value.is_none() && attributes.dropped() > 0;
    Truth::of(meets(matcher, value)).unless(is_missing)
}

/// The number of matching events of a span; each dropped event can be one.
pub(super) fn count_events(pattern: &EventPattern, span: &Span, losses: &Losses) -> Count {
    let is_like = |name: &str| {
        let matcher = pattern.name.as_ref();
        Truth::of(matcher.is_none_or(|matcher| meets_text(matcher, name)))
    };
    let events = span.events.iter();
    let answers = events.map(|event| {
        is_like(&event.name).min(have(&event.attributes, &pattern.attributes, losses))
    });
    Count::of(answers).with_missing(span.dropped_events)
}

pub(super) fn have(
    attributes: &Attributes,
    wanted: &[(String, Matcher)],
    losses: &Losses,
) -> Truth {
    let answers = wanted.iter().map(|(key, matcher)| {
        let may_be_meant = other_type(attributes, key, matcher)
            || mistyped(attributes, key, matcher, losses).is_some()
            || mistyped_in_doubt(attributes, key, matcher, losses).is_some();
        attribute(attributes, key, matcher).unless(may_be_meant)
    });
    answers.min().unwrap_or(Truth::Yes)
}

/// The key that a condition of a selector asks for, if its value would meet it in another type only.
pub(super) fn doubtful_key<'q>(ask: &'q Ask, span: &Span) -> Option<&'q str> {
    let (attributes, key, matcher) = match ask {
        Ask::Attribute(key, matcher) => (&span.attributes, key, matcher),
        Ask::Resource(key, matcher) => (&span.resource.attributes, key, matcher),
        _ => return None,
    };
    other_type(attributes, key, matcher).then_some(key)
}

/// Returns `true` if the matcher cannot judge the type of the value, but would match in another
/// type.
pub(super) fn other_type(attributes: &Attributes, key: &str, matcher: &Matcher) -> bool {
    let asked = attributes.get(key).map(MatchInput::Value);
    asked.is_some_and(|asked| {
        answer(matcher, asked).misfit().is_some() && would_match(matcher, asked)
    })
}
