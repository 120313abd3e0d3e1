//! Alternatives of conditions: `any_of`.
//!
//! A source can lose what one alternative needs and keep what another needs, so a loss makes the
//! answers of single conditions uncertain, and not the whole condition.

use super::attributes::why_doubtful;
use super::forest::TraceReach;
use super::lost::lost_of;
use super::select::{Evaluator, Prepared, PreparedPart};
use super::truth::Truth;
use super::unjudged::Unjudged;
use crate::spec::{Ask, SpanCondition};

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
