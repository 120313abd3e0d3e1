//! The decision that follows from the votes.

use super::cast::Cast;
use super::features::{Features, UnmatchedDrop};
use super::input::{Asked, Pending};
use super::rule::Check;
use crate::sampling::vote::{Vote, Votes};

/// The decision about a trace. Policies are indexes of the votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Kept, by this policy.
    Kept(usize),
    /// Not kept, by this `drop` policy.
    Dropped(usize),
    /// Not kept, because of the inverted match of this policy.
    Vetoed(usize),
    /// No policy keeps it.
    NotKept,
}

impl Decision {
    pub(crate) fn is_kept(self) -> bool {
        matches!(self, Self::Kept(_))
    }

    /// The policy that decides.
    pub(crate) fn policy(self) -> Option<usize> {
        match self {
            Self::Kept(policy) | Self::Dropped(policy) | Self::Vetoed(policy) => Some(policy),
            Self::NotKept => None,
        }
    }
}

/// Votes, and the decisions that they leave possible.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    casts: Vec<Option<Cast>>,
    decisions: Vec<Decision>,
    possible: Vec<Decision>,
}

impl Verdict {
    /// The vote of each policy; `None` if it is not asked, because another one decides first.
    pub(crate) fn casts(&self) -> impl ExactSizeIterator<Item = Option<&Cast>> + Clone {
        self.casts.iter().map(Option::as_ref)
    }

    /// Whether the trace is kept. `None` if that is not known.
    pub(crate) fn kept(&self) -> Option<bool> {
        let is_kept = self.decisions.first()?.is_kept();
        let agree = |decision: &Decision| decision.is_kept() == is_kept;
        self.decisions.iter().all(agree).then_some(is_kept)
    }

    /// Returns `true` for a decision of `span-ingest` that no later batch changes.
    pub(crate) fn is_final(&self) -> bool {
        !self.decisions.contains(&Decision::NotKept)
    }

    /// Opens the decision to keep, if a `drop` policy waits for later batches.
    pub(super) fn with_pending(mut self, pending: Pending) -> Self {
        let open = |decisions: &mut Vec<Decision>| {
            let has_kept = decisions.iter().any(|decision| decision.is_kept());
            if pending == Pending::Yes {
                decisions.retain(|decision| matches!(decision, Decision::Dropped(_)));
            }
            let is_open = has_kept && pending != Pending::No || decisions.is_empty();
            if is_open && !decisions.contains(&Decision::NotKept) {
                decisions.push(Decision::NotKept);
            }
        };
        open(&mut self.decisions);
        open(&mut self.possible);
        self
    }

    /// Adds the decisions that an earlier batch may have taken.
    pub(super) fn after(mut self, before: &Self) -> Self {
        let add = |decisions: &mut Vec<Decision>, earlier: &[Decision]| {
            let taken = earlier
                .iter()
                .filter(|decision| **decision != Decision::NotKept);
            for decision in taken {
                if !decisions.contains(decision) {
                    decisions.push(*decision);
                }
            }
        };
        add(&mut self.decisions, &before.decisions);
        add(&mut self.possible, &before.possible);
        self
    }

    /// Makes the decisions of another verdict possible, for another arrival.
    pub(crate) fn or_possible(mut self, other: &Self) -> Self {
        for decision in &other.possible {
            if !self.possible.contains(decision) {
                self.possible.push(*decision);
            }
        }
        self
    }

    /// The same votes, of a trace that nothing keeps in time.
    pub(crate) fn not_kept(self) -> Self {
        Self {
            decisions: vec![Decision::NotKept],
            possible: vec![Decision::NotKept],
            ..self
        }
    }

    /// The decision, if it is known with its policy.
    pub(crate) fn decision(&self) -> Option<Decision> {
        match *self.decisions {
            [decision] => Some(decision),
            _ => None,
        }
    }

    /// Another order of arrival, or another rate, may keep the trace or not, or by another policy.
    pub(crate) fn depends(&self) -> bool {
        self.possible
            .iter()
            .any(|other| !self.decisions.contains(other))
    }

    /// The same, for whether it is kept at all.
    pub(crate) fn kept_depends(&self) -> bool {
        let has = |all: &[Decision], kept| all.iter().any(|one| one.is_kept() == kept);
        [true, false]
            .into_iter()
            .any(|kept| has(&self.possible, kept) && !has(&self.decisions, kept))
    }
}

/// The decision that the votes so far lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    is_over: bool,
    dropped: Option<usize>,
    vetoed: Option<usize>,
    sampled: Option<usize>,
    inverted: Option<usize>,
    has_not_sampled: bool,
}

impl State {
    fn with(mut self, at: usize, vote: Vote, rules: Rules) -> Self {
        match vote {
            Vote::Dropped => {
                self.dropped = self.dropped.or(Some(at));
                self.is_over = true;
            }
            Vote::InvertNotSampled => self.vetoed = self.vetoed.or(Some(at)),
            Vote::InvertSampled => self.inverted = self.inverted.or(Some(at)),
            Vote::Sampled => {
                self.sampled = self.sampled.or(Some(at));
                self.is_over = rules.stops_at_first;
            }
            Vote::NotSampled => self.has_not_sampled |= rules.counts_against,
            Vote::Error => {}
        }
        self
    }

    fn decision(self) -> Decision {
        match self {
            Self {
                dropped: Some(policy),
                ..
            } => Decision::Dropped(policy),
            Self {
                vetoed: Some(policy),
                ..
            } => Decision::Vetoed(policy),
            Self {
                sampled: Some(policy),
                ..
            } => Decision::Kept(policy),
            Self {
                inverted: Some(policy),
                has_not_sampled: false,
                ..
            } => Decision::Kept(policy),
            _ => Decision::NotKept,
        }
    }
}

/// The meaning of the votes of one policy.
#[derive(Clone, Copy)]
struct Rules {
    stops_at_first: bool,
    counts_against: bool,
}

/// All states that the votes so far leave possible: with this order and rate, and with any.
pub(super) struct States {
    here: Vec<State>,
    anywhere: Vec<State>,
    features: Features,
    stops_at_first: bool,
}

impl States {
    pub(super) fn new(features: Features, stops_at_first: bool) -> Self {
        Self {
            here: vec![State::default()],
            anywhere: vec![State::default()],
            features,
            stops_at_first,
        }
    }

    /// Whether the next policy is asked.
    pub(super) fn asked(&self) -> Asked {
        let over = self.here.iter().filter(|state| state.is_over).count();
        match over {
            0 => Asked::Surely,
            over if over == self.here.len() => Asked::Not,
            _ => Asked::Perhaps,
        }
    }

    pub(super) fn may_be_asked(&self) -> bool {
        self.anywhere.iter().any(|state| !state.is_over)
    }

    pub(super) fn add(&mut self, at: usize, check: &Check, cast: &Cast) {
        let is_silent = check.is_drop() && self.features.unmatched_drop == UnmatchedDrop::Ignored;
        let rules = Rules {
            stops_at_first: self.stops_at_first,
            counts_against: !is_silent,
        };
        self.here = next(&self.here, at, cast.votes, rules);
        self.anywhere = next(&self.anywhere, at, cast.possible, rules);
    }

    pub(super) fn verdict(self, casts: Vec<Option<Cast>>) -> Verdict {
        let decisions = |states: &[State]| {
            let mut decisions: Vec<Decision> = Vec::new();
            for state in states {
                let decision = state.decision();
                if !decisions.contains(&decision) {
                    decisions.push(decision);
                }
            }
            decisions
        };
        Verdict {
            casts,
            decisions: decisions(&self.here),
            possible: decisions(&self.anywhere),
        }
    }
}

fn next(states: &[State], at: usize, votes: Votes, rules: Rules) -> Vec<State> {
    let mut all: Vec<State> = Vec::with_capacity(states.len());
    let mut push = |state| {
        if !all.contains(&state) {
            all.push(state);
        }
    };
    for state in states {
        if state.is_over {
            push(*state);
            continue;
        }
        votes
            .iter()
            .for_each(|vote| push(state.with(at, vote, rules)));
    }
    all
}
