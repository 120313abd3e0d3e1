//! Decides if further spans can change a selection.

use super::links::are_nested;
use super::select::Evaluator;
use crate::spec::{Ask, Pattern, Relative, Selector};

impl Evaluator<'_> {
    /// Returns `true` if further spans cannot remove a span from the selection.
    pub(super) fn only_grows(&self, selector: &Selector) -> bool {
        selector.take.is_none()
            && selector
                .conditions
                .iter()
                .all(|condition| self.stays_true(&condition.ask))
    }

    /// Returns `true` if further spans cannot make a met condition unmet.
    pub(super) fn stays_true(&self, ask: &Ask) -> bool {
        match ask {
            Ask::SelfTime(_) => false,
            // Further log records can be exceptions of the span.
            Ask::Event(pattern) => !pattern.may_be_exception() || pattern.count.has_no_greatest(),
            Ask::Relation(relation) => match relation.place {
                Relative::After | Relative::Before => false,
                place if place.follows_links() && are_nested(self.forest) => false,
                _ => relation.count.has_no_greatest() && self.pattern_only_grows(&relation.other),
            },
            Ask::Link(link) => link
                .to
                .as_ref()
                .is_none_or(|to| link.count.has_no_greatest() && self.pattern_only_grows(to)),
            Ask::AnyOf(alternatives) => {
                let mut all = alternatives.iter().flatten();
                all.all(|condition| self.stays_true(&condition.ask))
            }
            _ => true,
        }
    }

    /// Returns `true` if further spans cannot make an unmet condition met.
    pub(super) fn stays_false(ask: &Ask) -> bool {
        match ask {
            Ask::SelfTime(_) | Ask::Relation(_) => false,
            Ask::Event(pattern) => !pattern.may_be_exception(),
            Ask::Link(link) => link.to.is_none(),
            Ask::AnyOf(alternatives) => {
                let mut all = alternatives.iter().flatten();
                all.all(|condition| Self::stays_false(&condition.ask))
            }
            _ => true,
        }
    }

    pub(super) fn pattern_only_grows(&self, pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Selector(selector) => self.only_grows(selector),
            Pattern::Entry { index, .. } => self
                .entries
                .get(*index)
                .is_some_and(|entry| self.only_grows(&entry.find)),
            Pattern::Trigger => true,
        }
    }
}
