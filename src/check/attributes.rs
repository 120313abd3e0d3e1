//! Answers to conditions on the attributes of a span, a resource, an event or a link.

use super::exceptions::ExceptionsOfSpan;
use super::lost::{mistyped, mistyped_in_doubt};
use super::matching::{MatchInput, answer, meets, meets_text, would_match};
use super::present::{Present, all_of};
use super::truth::{Count, Truth};
use super::unjudged::{SpanName, Unjudged};
use crate::spec::{Ask, AttributeKey, EventPattern, Matcher};
use crate::trace::{Attributes, LogRecord, Losses, Span};

/// The answer about one attribute. A missing attribute can be among the dropped ones.
pub(super) fn attribute(attributes: &Attributes, key: &AttributeKey, matcher: &Matcher) -> Truth {
    let has_dropped = attributes.dropped() > 0;
    match Present::of(attributes, key) {
        Present::Nothing => Truth::of(meets(matcher, None)).unless(has_dropped),
        Present::One(value) => {
            let is_alone = key.single().is_some();
            Truth::of(meets(matcher, Some(value))).unless(has_dropped && !is_alone)
        }
        Present::Several => Truth::No,
    }
}

/// The number of matching events of a span; each dropped event can be one. `exceptions` are those in log
/// records.
pub(super) fn count_events(
    pattern: &EventPattern,
    span: &Span,
    exceptions: &ExceptionsOfSpan<'_>,
    losses: &Losses,
) -> Count {
    let is_like = |name: &str| {
        let matcher = pattern.name.as_ref();
        Truth::of(matcher.is_none_or(|matcher| meets_text(matcher, name)))
    };
    let events = span.events.iter();
    let answers = events.map(|event| {
        is_like(&event.name).min(have(&event.attributes, &pattern.attributes, losses))
    });
    let has = |record: &&LogRecord| have(&record.attributes, &pattern.attributes, losses);
    let of_records = exceptions.certain.iter().map(|record| {
        has(record).min(match record.is_repeated {
            true => Truth::Seems,
            false => Truth::Yes,
        })
    });
    let possible = exceptions.possible.iter();
    let possible = possible.map(|record| has(record).min(Truth::SeemsNot));
    let all = answers.chain(of_records).chain(possible);
    Count::of(all).with_missing(span.dropped_events)
}

pub(super) fn have(
    attributes: &Attributes,
    wanted: &[(AttributeKey, Matcher)],
    losses: &Losses,
) -> Truth {
    let answers = wanted.iter().map(|(key, matcher)| {
        let may_be_meant = is_doubtful_key(attributes, key, matcher)
            || mistyped(attributes, key, matcher, losses).is_some()
            || mistyped_in_doubt(attributes, key, matcher, losses).is_some();
        attribute(attributes, key, matcher).unless(may_be_meant)
    });
    answers.min().unwrap_or(Truth::Yes)
}

/// The reason why a span that a condition of a selector excludes can be meant: the value would meet it in
/// another type only, or the span has several of the alternative keys.
pub(super) fn why_doubtful(ask: &Ask, span: &Span) -> Option<Unjudged> {
    match ask {
        Ask::Attribute(key, matcher) => why_doubtful_key(&span.attributes, key, matcher, span),
        Ask::Resource(key, matcher) => {
            why_doubtful_key(&span.resource.attributes, key, matcher, span)
        }
        _ => None,
    }
}

/// The same for attributes of the span, of its resource, of an event or of a link.
pub(super) fn why_doubtful_key(
    attributes: &Attributes,
    key: &AttributeKey,
    matcher: &Matcher,
    span: &Span,
) -> Option<Unjudged> {
    let reason = match Present::of(attributes, key) {
        Present::Several => Unjudged::SeveralKeys,
        Present::One(_) | Present::Nothing => Unjudged::OtherType,
    };
    is_doubtful_key(attributes, key, matcher).then(|| reason(SpanName::of(span), key.to_string()))
}

pub(super) fn is_doubtful_key(
    attributes: &Attributes,
    key: &AttributeKey,
    matcher: &Matcher,
) -> bool {
    let of_other_type = |value| {
        let asked = MatchInput::Value(value);
        answer(matcher, asked).misfit().is_some() && would_match(matcher, asked)
    };
    match Present::of(attributes, key) {
        Present::Nothing => false,
        Present::One(value) => of_other_type(value),
        Present::Several => all_of(attributes, key)
            .any(|(_, value)| meets(matcher, Some(value)) || of_other_type(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::trace::Value;

    fn matchers() -> impl Strategy<Value = Matcher> {
        let equal = (0_i64..2).prop_map(|number| Matcher::Equal(Value::Int(number)));
        prop_oneof![
            equal.clone(),
            equal.prop_map(|one| Matcher::Not(Box::new(one))),
            Just(Matcher::Exists),
            Just(Matcher::Absent),
            Just(Matcher::OneOf(vec![
                Matcher::Absent,
                Matcher::Equal(Value::Int(1))
            ])),
        ]
    }

    fn attributes<'a>(all: impl IntoIterator<Item = (&'a &'static str, &'a i64)>) -> Attributes {
        let values = all
            .into_iter()
            .map(|(key, value)| (*key, Value::Int(*value)));
        values.collect()
    }

    #[test]
    fn exactly_one_of_the_alternatives_is_present() {
        let key = AttributeKey::parse("new | old").unwrap();
        let truth = |all: &[(&str, i64)], matcher: &Matcher| {
            let values = all.iter().map(|(name, value)| (*name, Value::Int(*value)));
            attribute(&values.collect(), &key, matcher)
        };
        let one = Matcher::Equal(Value::Int(1));
        assert_eq!(truth(&[("new", 1)], &one), Truth::Yes);
        assert_eq!(truth(&[("old", 1), ("other", 2)], &one), Truth::Yes);
        assert_eq!(truth(&[("old", 2)], &one), Truth::No);
        assert_eq!(truth(&[("new", 1), ("old", 1)], &one), Truth::No);
        assert_eq!(
            truth(&[("new", 1), ("old", 1)], &Matcher::Exists),
            Truth::No
        );
        assert_eq!(
            truth(&[("new", 1), ("old", 1)], &Matcher::Absent),
            Truth::No
        );
        assert_eq!(truth(&[], &Matcher::Absent), Truth::Yes);
        assert_eq!(truth(&[], &Matcher::Not(Box::new(one))), Truth::No);
    }

    proptest! {
        #[test]
        fn a_certain_answer_holds_whatever_was_dropped(
            sent in prop::collection::btree_map(prop::sample::select(&["a", "b", "c"][..]), 0_i64..2, 0..4),
            kept in prop::collection::btree_set(prop::sample::select(&["a", "b", "c"][..]), 0..4),
            key in prop::sample::select(&["a", "a | b", "a | b | c"][..]),
            matcher in matchers(),
        ) {
            let key = AttributeKey::parse(key).unwrap();
            let kept: BTreeMap<_, _> = sent.iter().filter(|(name, _)| kept.contains(*name)).collect();
            let dropped = u32::try_from(sent.len() - kept.len()).unwrap();
            let arrived = attributes(kept).with_dropped(dropped);
            let known = attribute(&arrived, &key, &matcher);
            if known.is_known() {
                prop_assert_eq!(known, attribute(&attributes(&sent), &key, &matcher));
            }
        }
    }
}
