//! Spans that a selector excludes only because of the type of a value: `>= 500` and "503".
//!
//! A count that is met only without them would be a false pass.

use super::attributes::why_doubtful;
use super::forest::TraceReach;
use super::judgement::{FailureDetail, Finality, Standing};
use super::matching::{MatchInput, answer};
use super::present::{Present, all_of};
use super::select::{Evaluator, Prepared};
use super::truth::Truth;
use super::unjudged::ONE_KEY;
use super::{Failure, Subject, Witness, words};
use crate::spec::{Ask, Selector, SpanCondition, SpanEntry};

/// The failure of a count that is met without the doubtful spans and not with them.
pub(super) fn in_count(
    entry: &SpanEntry,
    number: u64,
    evaluator: &Evaluator<'_>,
) -> Option<Standing> {
    if entry.count.holds_for_all_above(number) {
        return None;
    }
    let doubtful = evaluator.doubtful(&entry.find, evaluator.reach(&entry.find));
    let most = match entry.find.take {
        None => doubtful.len() as u64,
        // One is taken already, or may be.
        Some(_) => {
            let mask = evaluator.mask(&entry.find, evaluator.reach(&entry.find));
            let may_be_taken = mask.iter().any(|&truth| truth != Truth::No);
            u64::from(number == 0 && !doubtful.is_empty() && may_be_taken)
        }
    };
    let more = (1..=most).find(|more| !entry.count.contains(number + more))?;
    let found = match more {
        1 => "and one span that `find` cannot judge".to_owned(),
        more => format!("and {more} spans that `find` cannot judge"),
    };
    let mut failure = Failure::new(
        Subject::Selected(entry.find.to_string()),
        entry.count_at.clone(),
        entry.count.in_words(),
        format!("{} {found}", words::count(number)),
    );
    if evaluator.detail == FailureDetail::Explained {
        failure.hints.extend(doubtful[0].help.clone());
        failure.show(&doubtful, |doubt| {
            Witness::new(evaluator.forest.span(doubt.span), doubt.mark.clone())
        });
    }
    Some(Standing::fails(failure, Finality::Open))
}

/// A span that the selector would select if its values had other types.
pub(super) struct DoubtfulSpan {
    pub(super) span: usize,
    /// The mark in the waterfall: `upstream.status = "503"`.
    mark: String,
    /// The remedy.
    pub(super) help: Option<String>,
}

impl Evaluator<'_> {
    /// The spans that would meet each unmet condition if a value had another type, without `take`.
    pub(super) fn doubtful(&self, selector: &Selector, reach: TraceReach) -> Vec<DoubtfulSpan> {
        let can_be = |ask: &Ask| matches!(ask, Ask::Attribute(..) | Ask::Resource(..));
        if !selector.all_conditions().iter().any(|one| can_be(&one.ask)) {
            return Vec::new();
        }
        let conditions = &selector.conditions;
        let prepared: Vec<Prepared> = conditions
            .iter()
            .map(|condition| self.prepare(&condition.ask, reach))
            .collect();
        (0..self.forest.len_within(reach))
            .filter_map(|span| {
                let all = conditions.iter().zip(&prepared);
                let unmet = all.filter(|(condition, prepared)| {
                    self.meets(&condition.ask, prepared, span) == Truth::No
                });
                self.doubt_of_all(unmet, span)
            })
            .collect()
    }

    /// The first doubt, if each of these conditions is in doubt.
    fn doubt_of_all<'q>(
        &self,
        unmet: impl Iterator<Item = (&'q SpanCondition, &'q Prepared)>,
        span: usize,
    ) -> Option<DoubtfulSpan> {
        let each = unmet.map(|(condition, prepared)| self.doubt(&condition.ask, prepared, span));
        each.collect::<Option<Vec<_>>>()?.into_iter().next()
    }

    fn doubt(&self, ask: &Ask, prepared: &Prepared, span: usize) -> Option<DoubtfulSpan> {
        let this = self.forest.span(span);
        let (attributes, key, matcher) = match ask {
            Ask::Attribute(key, matcher) => (&this.attributes, key, matcher),
            Ask::Resource(key, matcher) => (&this.resource.attributes, key, matcher),
            Ask::AnyOf(alternatives) => {
                let is_unmet = |answer| answer == Truth::No;
                let each = self.conditions_with(is_unmet, alternatives, prepared, span);
                let mut each = each.into_iter();
                return each.find_map(|unmet| self.doubt_of_all(unmet.into_iter(), span));
            }
            _ => return None,
        };
        why_doubtful(ask, this)?;
        let marks = all_of(attributes, key)
            .map(|(name, value)| format!("{name} = {}", words::value(value)));
        let help = match Present::of(attributes, key) {
            Present::One(value) => {
                let misfit = answer(matcher, MatchInput::Value(value)).misfit();
                misfit.and_then(|misfit| misfit.help(matcher, self.syntax))
            }
            Present::Several => Some(format!("a span has several of `{key}`; {ONE_KEY}")),
            Present::Nothing => None,
        };
        Some(DoubtfulSpan {
            span,
            mark: marks.collect::<Vec<_>>().join(", "),
            help,
        })
    }
}
