//! Policies of policies: `and`, `not`, `drop` and `composite`.

use super::budget::Allowance;
use super::cast::{Cast, Ground};
use super::input::{Asked, Input};
use super::rule::Judged;
use crate::sampling::vote::{Vote, Votes};
use crate::trace::Nanos;

/// Sampled if all policies are for the trace. The first that is not decides.
pub(super) fn and(policies: &mut [Judged], input: Input<'_>, now: Nanos, asked: Asked) -> Cast {
    all(policies, input, now, asked, Vote::Sampled)
}

/// Dropped if all policies are for the trace.
pub(super) fn drop(policies: &mut [Judged], input: Input<'_>, now: Nanos, asked: Asked) -> Cast {
    all(policies, input, now, asked, Vote::Dropped)
}

/// The opposite vote. Errors remain.
pub(super) fn not(policy: &mut Judged, input: Input<'_>, now: Nanos, asked: Asked) -> Cast {
    let cast = policy.check.cast(input, now, asked);
    Cast {
        votes: cast.votes,
        possible: cast.possible,
        ground: Ground::Inner(vec![(0, cast)]),
    }
    .map(|vote| match vote {
        Vote::Sampled => Vote::NotSampled,
        Vote::NotSampled => Vote::Sampled,
        other => other,
    })
}

/// Votes so far, and whether the next policy is asked.
struct Chain {
    votes: Votes,
    /// The votes of the last policy let the next one be asked, or not.
    goes_on: bool,
    may_stop: bool,
}

impl Chain {
    fn new() -> Self {
        Self {
            votes: Votes::NONE,
            goes_on: true,
            may_stop: false,
        }
    }

    /// Adds the votes of a policy that is asked: those that are against the trace, and errors, decide.
    fn add(&mut self, votes: Votes) {
        if !self.goes_on {
            return;
        }
        for vote in votes.iter() {
            match vote {
                Vote::Error => self.votes = self.votes.with(Vote::Error),
                vote if vote.is_against() => self.votes = self.votes.with(Vote::NotSampled),
                _ => {}
            }
        }
        self.may_stop |= votes.any(stops);
        self.goes_on = votes.any(|vote| !stops(vote));
    }

    fn end(self, vote: Vote) -> Votes {
        match self.goes_on {
            true => self.votes.with(vote),
            false => self.votes,
        }
    }

    /// Whether the next policy is asked, if the first one is.
    fn asks(&self, asked: Asked) -> Asked {
        match (self.goes_on, self.may_stop) {
            (false, _) => Asked::Not,
            (true, true) if asked == Asked::Surely => Asked::Perhaps,
            (true, _) => asked,
        }
    }
}

fn stops(vote: Vote) -> bool {
    vote == Vote::Error || vote.is_against()
}

fn all(policies: &mut [Judged], input: Input<'_>, now: Nanos, asked: Asked, agreed: Vote) -> Cast {
    let (mut here, mut anywhere) = (Chain::new(), Chain::new());
    let mut casts = Vec::new();
    for (at, policy) in policies.iter_mut().enumerate() {
        if !anywhere.goes_on {
            break;
        }
        let cast = policy.check.cast(input, now, here.asks(asked));
        anywhere.add(cast.possible);
        if here.goes_on {
            here.add(cast.votes);
            casts.push((at, cast));
        }
    }
    Cast {
        votes: here.end(agreed),
        possible: anywhere.end(agreed),
        ground: Ground::Inner(casts),
    }
}

/// The first policy that is for the trace decides: it is kept, if the rate of that policy permits. The Collector
/// asks in the order of the policies, not in that of `policy_order`.
pub(super) fn composite(
    policies: &mut [Judged],
    allowance: &mut Allowance,
    input: Input<'_>,
    now: Nanos,
    asked: Asked,
) -> Cast {
    let (mut here, mut anywhere) = (Search::new(), Search::new());
    let mut casts = Vec::new();
    for (at, policy) in policies.iter_mut().enumerate() {
        if !anywhere.goes_on {
            break;
        }
        let asks = here.asks(asked);
        let cast = policy.check.cast(input, now, asks);
        let takes = match cast.votes.any(Vote::is_for) {
            true if cast.votes.single().is_none() && asks == Asked::Surely => Asked::Perhaps,
            true => asks,
            false => Asked::Not,
        };
        let (now_taken, ever_taken) = match cast.possible.any(Vote::is_for) {
            true => allowance.take(at, input.count(), now, takes),
            false => (Votes::NONE, Votes::NONE),
        };
        anywhere.add(cast.possible, ever_taken);
        if here.goes_on {
            here.add(cast.votes, now_taken);
            casts.push((at, cast));
        }
    }
    Cast {
        votes: here.end(),
        possible: anywhere.end(),
        ground: Ground::Inner(casts),
    }
}

/// Votes of a composite so far.
struct Search {
    votes: Votes,
    goes_on: bool,
    may_stop: bool,
}

impl Search {
    fn new() -> Self {
        Self {
            votes: Votes::NONE,
            goes_on: true,
            may_stop: false,
        }
    }

    fn add(&mut self, votes: Votes, taken: Votes) {
        if !self.goes_on {
            return;
        }
        if votes.any(Vote::is_for) {
            self.votes = self.votes.or(taken);
        }
        if votes.contains(Vote::Error) {
            self.votes = self.votes.with(Vote::Error);
        }
        let ends = |vote: Vote| vote == Vote::Error || vote.is_for();
        self.may_stop |= votes.any(ends);
        self.goes_on = votes.any(|vote| !ends(vote));
    }

    fn end(self) -> Votes {
        match self.goes_on {
            true => self.votes.with(Vote::NotSampled),
            false => self.votes,
        }
    }

    fn asks(&self, asked: Asked) -> Asked {
        match (self.goes_on, self.may_stop) {
            (false, _) => Asked::Not,
            (true, true) if asked == Asked::Surely => Asked::Perhaps,
            (true, _) => asked,
        }
    }
}
