//! Alternatives of conditions: `any_of`.
//!
//! A source can lose what one alternative needs and keep what another needs, so a loss makes the
//! answers of single conditions uncertain, and not the whole condition.

use super::attributes::why_doubtful;
use super::forest::TraceReach;
use super::lost::lost_of;
use super::outcome::Unjudged;
use super::select::{Evaluator, Prepared};
use super::truth::Truth;
use crate::spec::{Ask, SpanCondition};
use crate::trace::Field;

/// The facts that a condition of an alternative needs.
pub(super) struct PreparedPart {
    prepared: Prepared,
    /// The field that it needs and that the source loses.
    lost: Option<Field>,
}

/// The answer to the alternatives: that of the best one, whose answer is that of its worst condition.
pub(super) fn any_of(
    alternatives: &[Vec<SpanCondition>],
    parts: &[Vec<PreparedPart>],
    answer: impl Fn(&Ask, &Prepared) -> Truth,
) -> Truth {
    let of_part = |(condition, part): (&SpanCondition, &PreparedPart)| {
        answer(&condition.ask, &part.prepared).unless(part.lost.is_some())
    };
    let each = alternatives.iter().zip(parts);
    best(each.map(|(conditions, parts)| conditions.iter().zip(parts).map(of_part)))
}

fn best(alternatives: impl Iterator<Item = impl Iterator<Item = Truth>>) -> Truth {
    let answers = alternatives.map(|all| all.min().unwrap_or(Truth::Yes));
    answers.max().unwrap_or(Truth::No)
}

impl Evaluator<'_> {
    pub(super) fn prepare_any(
        &self,
        alternatives: &[Vec<SpanCondition>],
        reach: TraceReach,
    ) -> Prepared {
        let part = |condition: &SpanCondition| PreparedPart {
            prepared: self.prepare(&condition.ask, reach),
            lost: lost_of(&condition.ask, self.losses()),
        };
        let parts = |conditions: &Vec<SpanCondition>| conditions.iter().map(part).collect();
        Prepared::AnyOf(alternatives.iter().map(parts).collect())
    }

    /// The conditions of each alternative about which a span has such an answer.
    pub(super) fn conditions_with<'q>(
        &self,
        is_such: fn(Truth) -> bool,
        alternatives: &'q [Vec<SpanCondition>],
        prepared: &'q Prepared,
        span: usize,
    ) -> Vec<Vec<(&'q SpanCondition, &'q Prepared)>> {
        let Prepared::AnyOf(parts) = prepared else {
            return Vec::new();
        };
        let has_such = |condition: &SpanCondition, part: &PreparedPart| {
            let answer = self.meets(&condition.ask, &part.prepared, span);
            is_such(answer.unless(part.lost.is_some()))
        };
        let each = alternatives.iter().zip(parts);
        each.map(|(conditions, parts)| {
            let all = conditions.iter().zip(parts);
            all.filter(|(condition, part)| has_such(condition, part))
                .map(|(condition, part)| (condition, &part.prepared))
                .collect()
        })
        .collect()
    }

    /// The conditions of each alternative that a span does not meet by the parts that arrived.
    pub(super) fn unmet_of_each<'q>(
        &self,
        alternatives: &'q [Vec<SpanCondition>],
        prepared: &'q Prepared,
        span: usize,
    ) -> Vec<Vec<(&'q SpanCondition, &'q Prepared)>> {
        self.conditions_with(|answer| !answer.seems(), alternatives, prepared, span)
    }

    /// The reason why an answer is uncertain, or why a selector is in doubt about a span.
    pub(super) fn reason_of_any(
        &self,
        alternatives: &[Vec<SpanCondition>],
        prepared: &Prepared,
        span: usize,
    ) -> Option<Unjudged> {
        let Prepared::AnyOf(parts) = prepared else {
            return None;
        };
        let conditions = alternatives.iter().flatten();
        let mut all = conditions.zip(parts.iter().flatten());
        all.find_map(|(condition, part)| match part.lost {
            Some(field) => Some(Unjudged::Lost(field)),
            None => self.reason_of_selection(&condition.ask, &part.prepared, span),
        })
    }

    /// The reason why the answer of a selector about a span is uncertain or in doubt.
    pub(super) fn reason_of_selection(
        &self,
        ask: &Ask,
        prepared: &Prepared,
        span: usize,
    ) -> Option<Unjudged> {
        if let Ask::AnyOf(alternatives) = ask {
            return self.reason_of_any(alternatives, prepared, span);
        }
        if !self.meets(ask, prepared, span).is_known() {
            return self.reason_of(ask, prepared, span);
        }
        let span = self.forest.span(span);
        let lost = || self.lost_type(ask, span).map(Unjudged::Lost);
        why_doubtful(ask, span).or_else(lost)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_certain_answer_holds_for_all_answers_that_are_possible(
            all in prop::collection::vec(prop::collection::vec((0..4_usize, any::<bool>()), 1..4), 1..4)
        ) {
            let truth = |at: usize| [Truth::No, Truth::SeemsNot, Truth::Seems, Truth::Yes][at];
            let known = best(all.iter().map(|all| all.iter().map(|(at, _)| truth(*at))));
            let really = |(at, otherwise): &(usize, bool)| match truth(*at) {
                Truth::Yes => true,
                Truth::No => false,
                Truth::Seems | Truth::SeemsNot => *otherwise,
            };
            let is_met = all.iter().any(|all| all.iter().all(really));
            if known.is_known() {
                prop_assert_eq!(known == Truth::Yes, is_met);
            }
            let seems = all.iter().any(|all| all.iter().all(|(at, _)| truth(*at).seems()));
            prop_assert_eq!(known.seems(), seems);
        }
    }
}
