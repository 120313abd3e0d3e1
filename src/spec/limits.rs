//! Ranges of numbers and durations: `1..`, `2..4`, `< 600ms`.

use std::fmt;

/// Allowed values: a set of ranges, each possibly open.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits<T> {
    /// The ranges. An empty list allows no value.
    pub ranges: Vec<Bounds<T>>,
    /// The text of the spec, for messages.
    pub written: String,
    /// A part of it stands under a `not`.
    pub negates: bool,
}

/// One range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds<T> {
    /// The smallest value, if it has a lower bound.
    pub least: Option<T>,
    /// The largest value, if it has an upper bound.
    pub greatest: Option<T>,
}

impl<T: Copy + Ord> Bounds<T> {
    /// Returns `true` if the value is in the range.
    pub fn contains(&self, value: T) -> bool {
        self.least.is_none_or(|least| least <= value)
            && self.greatest.is_none_or(|greatest| value <= greatest)
    }
}

impl<T: Copy + Ord> Limits<T> {
    /// A single range with its text.
    pub fn range(least: Option<T>, greatest: Option<T>, written: impl Into<String>) -> Self {
        Self {
            ranges: vec![Bounds { least, greatest }],
            written: written.into(),
            negates: false,
        }
    }

    /// A lower bound, included.
    pub fn at_least(least: T) -> Self
    where
        T: fmt::Display,
    {
        Self::range(Some(least), None, format!("{least}.."))
    }

    /// Returns `true` if the value is allowed.
    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        self.ranges.iter().any(|bounds| bounds.contains(value))
    }

    /// Returns `true` if this and all larger values are allowed.
    #[must_use]
    pub fn holds_for_all_above(&self, value: T) -> bool {
        self.ranges
            .iter()
            .any(|bounds| bounds.contains(value) && bounds.greatest.is_none())
    }

    /// Returns `true` if neither this nor any larger value is allowed.
    #[must_use]
    pub fn fails_for_all_above(&self, value: T) -> bool {
        self.ranges
            .iter()
            .all(|bounds| bounds.greatest.is_some_and(|greatest| greatest < value))
    }
}

impl Limits<u64> {
    /// Returns `true` if every number of the inclusive range is allowed.
    #[must_use]
    pub fn contains_all(&self, least: u64, most: u64) -> bool {
        let mut next = least;
        loop {
            let containing = self.ranges.iter().filter(|range| range.contains(next));
            let Some(end) = containing
                .map(|range| range.greatest.unwrap_or(u64::MAX))
                .max()
            else {
                return false;
            };
            if end >= most {
                return true;
            }
            next = end + 1;
        }
    }

    /// Returns `true` if no number of the inclusive range is allowed.
    #[must_use]
    pub fn contains_none(&self, least: u64, most: u64) -> bool {
        self.ranges.iter().all(|range| {
            range.least.is_some_and(|from| from > most)
                || range.greatest.is_some_and(|to| to < least)
        })
    }

    /// Returns `true` if there is no upper bound.
    #[must_use]
    pub fn has_no_greatest(&self) -> bool {
        self.ranges.iter().all(|range| range.greatest.is_none())
    }

    /// A count in words: `at least 1`, `exactly 2`, `none`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.ranges.as_slice() {
            [range] => match (range.least, range.greatest) {
                (Some(0) | None, Some(0)) => "none".to_owned(),
                (Some(least), Some(greatest)) if least == greatest => format!("exactly {least}"),
                (Some(least), Some(greatest)) => format!("{least} to {greatest}"),
                (Some(least), None) => format!("at least {least}"),
                (None, Some(greatest)) => format!("at most {greatest}"),
                (None, None) => "any number".to_owned(),
            },
            _ => self.to_string(),
        }
    }
}

/// As written.
impl<T> fmt::Display for Limits<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_said_in_words() {
        assert_eq!(Limits::at_least(1_u64).in_words(), "at least 1");
        assert_eq!(Limits::range(None, Some(0), "").in_words(), "none");
        assert_eq!(Limits::range(Some(2), Some(2), "2").in_words(), "exactly 2");
        assert_eq!(Limits::range(Some(2), Some(4), "").in_words(), "2 to 4");
    }

    #[test]
    fn of_a_range_of_numbers_all_some_or_none_are_allowed() {
        let both = |limits: &Limits<u64>, least, most| {
            (
                limits.contains_all(least, most),
                limits.contains_none(least, most),
            )
        };
        let mut some = Limits::range(Some(1), Some(2), "[1..2, 3]");
        some.ranges
            .extend(Limits::range(Some(3_u64), Some(3), "").ranges);
        assert_eq!(both(&some, 1, 3), (true, false));
        assert_eq!(both(&some, 2, 4), (false, false));
        assert_eq!(both(&some, 4, 9), (false, true));
        assert_eq!(both(&Limits::at_least(2), 2, u64::MAX), (true, false));
    }

    #[test]
    fn a_count_that_only_grows_can_be_decided_early() {
        let some = Limits::at_least(2_u64);
        assert!(some.holds_for_all_above(2) && !some.fails_for_all_above(1));
        let few = Limits::range(Some(1), Some(3), "1..3");
        assert!(!few.holds_for_all_above(2) && few.fails_for_all_above(4));
    }
}
