//! Three-valued answers about spans with missing parts.
//!
//! SDKs can drop attributes, events and links, and a span that was exported before its end has no
//! duration. A condition that depends on a missing part has no certain answer.

use crate::spec::Limits;

/// The answer to a condition, ordered so that the conjunction of two answers is the smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    /// Not met.
    No,
    /// Not met by the parts that arrived; a missing part could meet it.
    SeemsNot,
    /// Met by the parts that arrived; a missing part could violate it.
    Seems,
    /// Met.
    Yes,
}

impl Truth {
    pub(super) fn of(is_met: bool) -> Self {
        if is_met { Self::Yes } else { Self::No }
    }

    /// Makes the answer uncertain if a missing part could change it.
    pub(super) fn unless(self, is_missing: bool) -> Self {
        match self {
            Self::Yes if is_missing => Self::Seems,
            Self::No if is_missing => Self::SeemsNot,
            truth => truth,
        }
    }

    /// The answer to alternatives, each of which has several conditions.
    pub(super) fn any_of(alternatives: impl Iterator<Item = impl Iterator<Item = Self>>) -> Self {
        let answers = alternatives.map(|all| all.min().unwrap_or(Self::Yes));
        answers.max().unwrap_or(Self::No)
    }

    /// Returns `true` if the parts that arrived meet the condition.
    pub(super) fn seems(self) -> bool {
        self >= Self::Seems
    }

    /// Returns `true` if no missing part could change the answer.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::Yes | Self::No)
    }
}

/// A number of items, some of which can be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Number of certain matches.
    pub(super) least: u64,
    /// Number of matches by the parts that arrived.
    pub(super) seen: u64,
    /// Number of possible matches.
    pub(super) most: u64,
}

impl Count {
    pub(super) fn exactly(number: u64) -> Self {
        Self {
            least: number,
            seen: number,
            most: number,
        }
    }

    /// The number of answers that are met.
    pub(super) fn of(all: impl IntoIterator<Item = Truth>) -> Self {
        all.into_iter()
            .map(Self::from)
            .fold(Self::default(), Self::plus)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            least: self.least + other.least,
            seen: self.seen + other.seen,
            most: self.most.saturating_add(other.most),
        }
    }

    /// Subtracts an answer that was counted.
    pub(super) fn minus(self, one: Truth) -> Self {
        let one = Self::from(one);
        Self {
            least: self.least - one.least,
            seen: self.seen - one.seen,
            most: self.most - one.most,
        }
    }

    /// Adds missing items, each of which can match.
    pub(super) fn with_missing(self, missing: u32) -> Self {
        Self {
            most: self.most.saturating_add(missing.into()),
            ..self
        }
    }

    /// Makes all matches merely possible.
    pub(super) fn uncertain(self) -> Self {
        Self {
            least: 0,
            seen: 0,
            ..self
        }
    }

    /// Returns `true` if the limits permit the number.
    pub(super) fn within(self, limits: &Limits<u64>) -> Truth {
        if limits.contains_all(self.least, self.most) {
            Truth::Yes
        } else if limits.contains_none(self.least, self.most) {
            Truth::No
        } else {
            Truth::of(limits.contains(self.seen)).unless(true)
        }
    }
}

impl From<Truth> for Count {
    fn from(truth: Truth) -> Self {
        Self {
            least: u64::from(truth == Truth::Yes),
            seen: u64::from(truth.seems()),
            most: u64::from(truth != Truth::No),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_with_missing_parts_is_certain_only_where_all_that_is_possible_agrees() {
        let within = |limits: Limits<u64>, count: Count| count.within(&limits);
        let none = Limits::range(None, Some(0), "0");
        let one = Count::exactly(1).with_missing(2);
        let zero = Count::default().with_missing(2);
        assert_eq!(within(none.clone(), Count::default()), Truth::Yes);
        assert_eq!(within(none.clone(), zero), Truth::Seems);
        assert_eq!(within(none, one), Truth::No);
        assert_eq!(within(Limits::at_least(1), zero), Truth::SeemsNot);
        assert_eq!(within(Limits::at_least(1), one), Truth::Yes);
        assert_eq!(within(Limits::at_least(4), one), Truth::No);
    }

    proptest! {
        #[test]
        fn a_certain_answer_holds_for_all_answers_that_are_possible(
            all in prop::collection::vec(prop::collection::vec((0..4_usize, any::<bool>()), 1..4), 1..4)
        ) {
            let truth = |at: usize| [Truth::No, Truth::SeemsNot, Truth::Seems, Truth::Yes][at];
            let known = Truth::any_of(all.iter().map(|all| all.iter().map(|(at, _)| truth(*at))));
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
