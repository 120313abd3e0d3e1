//! The vote that a policy casts, with its grounds.

use crate::sampling::vote::{Vote, Votes};

/// The vote of a policy on a trace.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    /// The votes that are possible with this order of spans, and the rates so far.
    pub(super) votes: Votes,
    /// Those with any order of spans, and any rate. Includes `votes`.
    pub(super) possible: Votes,
    pub(super) ground: Ground,
}

/// The reason of a vote. Spans are indexes of the input.
#[derive(Clone, Debug)]
pub(crate) enum Ground {
    /// For each trace.
    Always,
    /// A resource has the value: that of this span.
    Resource(usize),
    Span(usize),
    /// The condition with this index holds for a span, or for one of its events.
    Condition {
        condition: usize,
        span: usize,
        event: Option<usize>,
    },
    /// No span matches.
    NoMatch,
    /// The duration of the trace, in nanoseconds.
    Duration(i64),
    /// The hash of the trace id.
    Hash(u64),
    /// The number of spans.
    Count(i64),
    /// The number of spans or bytes, of which a rate is left or not.
    Cost(i64),
    /// An error of a condition.
    Failed(String),
    /// The reason that the vote is not known.
    Unknown(String),
    /// The votes of inner policies that were asked, with their indexes.
    Inner(Vec<(usize, Cast)>),
}

impl Cast {
    pub(super) fn of(vote: Vote, ground: Ground) -> Self {
        Self {
            votes: vote.into(),
            possible: vote.into(),
            ground,
        }
    }

    /// A vote that is for the trace, or against it.
    pub(super) fn of_match(is_match: bool, ground: Ground) -> Self {
        let vote = match is_match {
            true => Vote::Sampled,
            false => Vote::NotSampled,
        };
        Self::of(vote, ground)
    }

    /// A vote that is not known. An error is a possible one, too.
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        let all: Votes = [Vote::Sampled, Vote::NotSampled, Vote::Error]
            .into_iter()
            .collect();
        Self {
            votes: all,
            possible: all,
            ground: Ground::Unknown(why.into()),
        }
    }

    /// The vote, if it is known.
    pub(crate) fn vote(&self) -> Option<Vote> {
        self.votes.single()
    }

    /// Another order of arrival, or another rate, may change it.
    pub(crate) fn depends(&self) -> bool {
        self.votes != self.possible
    }

    pub(super) fn may_be_against(&self) -> bool {
        self.votes.any(Vote::is_against)
    }

    #[must_use]
    pub(super) fn map(self, vote: impl Fn(Vote) -> Vote) -> Self {
        Self {
            votes: self.votes.map(&vote),
            possible: self.possible.map(&vote),
            ..self
        }
    }
}
