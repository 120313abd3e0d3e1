//! The vote of a policy, and sets of votes that are possible.

use std::fmt;

/// The decision of a policy about a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Vote {
    Sampled,
    NotSampled,
    /// For the trace, unless another policy is against it. By `invert_match` before 0.144.
    InvertSampled,
    /// A veto, by `invert_match` before 0.144.
    InvertNotSampled,
    Dropped,
    /// The policy failed. It does not count.
    Error,
}

impl Vote {
    const ALL: [Self; 6] = [
        Self::Sampled,
        Self::NotSampled,
        Self::InvertSampled,
        Self::InvertNotSampled,
        Self::Dropped,
        Self::Error,
    ];

    /// The name in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::NotSampled => "not_sampled",
            Self::InvertSampled => "invert_sampled",
            Self::InvertNotSampled => "invert_not_sampled",
            Self::Dropped => "dropped",
            Self::Error => "error",
        }
    }

    /// Against the trace, as `and` and `drop` read the votes of their policies.
    pub(super) fn is_against(self) -> bool {
        matches!(self, Self::NotSampled | Self::InvertNotSampled)
    }

    /// For the trace, as a composite reads the votes of its policies.
    pub(super) fn is_for(self) -> bool {
        matches!(self, Self::Sampled | Self::InvertSampled)
    }
}

impl fmt::Display for Vote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sampled => "sampled",
            Self::NotSampled => "not sampled",
            Self::InvertSampled => "sampled (inverted)",
            Self::InvertNotSampled => "not sampled (inverted: a veto)",
            Self::Dropped => "dropped",
            Self::Error => "error",
        })
    }
}

/// The votes that are possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Votes(u8);

impl Votes {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn contains(self, vote: Vote) -> bool {
        self.0 & 1 << vote as u8 != 0
    }

    #[must_use]
    pub(super) fn with(self, vote: Vote) -> Self {
        Self(self.0 | 1 << vote as u8)
    }

    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Vote> {
        let all = Vote::ALL.into_iter();
        all.filter(move |vote| self.contains(*vote))
    }

    pub(super) fn any(self, holds: impl Fn(Vote) -> bool) -> bool {
        self.iter().any(holds)
    }

    #[must_use]
    pub(super) fn map(self, vote: impl Fn(Vote) -> Vote) -> Self {
        self.iter().map(vote).collect()
    }

    /// The vote, if no other is possible.
    pub(crate) fn single(self) -> Option<Vote> {
        let mut votes = self.iter();
        votes.next().filter(|_| votes.next().is_none())
    }
}

impl FromIterator<Vote> for Votes {
    fn from_iter<I: IntoIterator<Item = Vote>>(votes: I) -> Self {
        votes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Vote> for Votes {
    fn from(vote: Vote) -> Self {
        Self::NONE.with(vote)
    }
}
