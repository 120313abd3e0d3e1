//! Evaluates matchers for a text of which only a part is known.

use super::matching::{all_known, any_known};
use crate::spec::Matcher;
use crate::trace::Value;

/// The known part of a text.
#[derive(Clone, Copy)]
pub(super) enum KnownPart<'t> {
    /// The start of a text, or all of it.
    Start(&'t str),
    /// The end of a text that has more before it.
    End(&'t str),
}

use KnownPart::{End, Start};

/// The answer of a matcher about a text of which this part is known. `None` if the answer depends on
/// the rest.
pub(super) fn known(matcher: &Matcher, part: KnownPart<'_>) -> Option<bool> {
    let each = |matcher| known(matcher, part);
    let (Start(kept) | End(kept)) = part;
    match matcher {
        Matcher::Exists => Some(true),
        Matcher::Absent => match part {
            Start("") => None,
            _ => Some(false),
        },
        Matcher::Not(inner) => each(inner).map(|is_met| !is_met),
        Matcher::OneOf(any) => any_known(any.iter().map(each)),
        Matcher::Every(all) => all_known(all.iter().map(each)),
        Matcher::Regex(regex) => {
            let is_match = match part {
                // Only before its end does a known character follow the match.
                Start(kept) => regex.find(kept)?.end() < kept.len(),
                // Only in `kept` does the first character follow the start of the output or of a line.
                End(kept) => regex.is_match_at(kept, kept.chars().next()?.len_utf8()),
            };
            is_match.then_some(true)
        }
        Matcher::Contains(Value::String(text)) => kept.contains(text.as_str()).then_some(true),
        Matcher::StartsWith(start) => match part {
            Start(kept) if kept.starts_with(start.as_str()) => Some(true),
            Start(kept) => (!start.starts_with(kept)).then_some(false),
            End(_) => None,
        },
        Matcher::EndsWith(end) => match part {
            Start(_) => None,
            End(kept) => (end.len() <= kept.len()).then(|| kept.ends_with(end.as_str())),
        },
        Matcher::Equal(Value::String(text)) => match part {
            Start(kept) => (!text.starts_with(kept)).then_some(false),
            End(kept) => (text.len() <= kept.len()).then_some(false),
        },
        Matcher::Length(limits) => {
            let least = kept.chars().count() as u64;
            let (fails, holds) = (
                limits.fails_for_all_above(least),
                limits.holds_for_all_above(least),
            );
            (fails || holds).then_some(holds)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::matching::{MatchInput, answer};
    use super::*;
    use crate::spec::Limits;

    fn matchers() -> impl Strategy<Value = Matcher> {
        let regex = |text| Matcher::Regex(regex::Regex::new(text).unwrap());
        let leaf = prop_oneof![
            "[ab\n]{0,3}".prop_map(|text| Matcher::Equal(Value::from(text))),
            "[ab]{1,2}".prop_map(|text| Matcher::Contains(Value::from(text))),
            "[ab]{1,2}".prop_map(Matcher::StartsWith),
            "[ab]{1,2}".prop_map(Matcher::EndsWith),
            prop::sample::select(&["^a", "a$", "(?m)^ab", r"\bb", "ab", "^$", "b*"][..])
                .prop_map(regex),
            (0_u64..6, 0_u64..4).prop_map(|(least, more)| {
                Matcher::Length(Limits::range(Some(least), Some(least + more), ""))
            }),
            (0_u64..6).prop_map(|least| Matcher::Length(Limits::at_least(least))),
            Just(Matcher::Exists),
        ];
        leaf.prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                inner
                    .clone()
                    .prop_map(|inner| Matcher::Not(Box::new(inner))),
                prop::collection::vec(inner.clone(), 1..3).prop_map(Matcher::OneOf),
                prop::collection::vec(inner, 1..3).prop_map(Matcher::Every),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_known_of_the_end_holds_whatever_came_before(
            matcher in matchers(), before in "[ab\n]{1,4}", kept in "[ab\n]{0,5}"
        ) {
            if let Some(known) = known(&matcher, End(&kept)) {
                let whole = before + &kept;
                prop_assert_eq!(answer(&matcher, MatchInput::Text(&whole)).is_match(), known);
            }
        }

        #[test]
        fn what_is_known_of_the_start_holds_whatever_comes_later(
            matcher in matchers(), kept in "[ab\n]{0,5}", later in "[ab\n]{0,4}"
        ) {
            if let Some(known) = known(&matcher, Start(&kept)) {
                let whole = kept + &later;
                prop_assert_eq!(answer(&matcher, MatchInput::Text(&whole)).is_match(), known);
            }
        }
    }
}
