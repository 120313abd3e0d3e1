//! Sums, greatest, smallest and average values of an attribute over several spans.

use super::{AttributeKey, Location, Matcher};

/// An expectation for one number that is made of an attribute of all spans of an entry.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// The number.
    pub of: AggregateOf,
    /// The attribute. Each span must have it, as a number.
    pub key: AttributeKey,
    /// The expectation.
    pub matcher: Matcher,
    /// Its place in the spec.
    pub at: Location,
}

/// The number that is made of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateOf {
    /// The sum; 0 if there are no values.
    Sum,
    /// The greatest.
    Max,
    /// The smallest.
    Min,
    /// The average.
    Avg,
}

impl AggregateOf {
    /// All of them, with their keys in specs.
    pub const ALL: [(&'static str, Self); 4] = [
        ("sum", Self::Sum),
        ("max", Self::Max),
        ("min", Self::Min),
        ("avg", Self::Avg),
    ];

    /// Its key in a spec.
    #[must_use]
    pub fn key(self) -> &'static str {
        let of = Self::ALL.iter().find(|(_, each)| *each == self);
        of.map_or("", |(key, _)| key)
    }
}
