//! Judges traces as a `tail_sampling` processor does: the vote of each policy, and the decision.
//!
//! Pure, but for limits of rates, which have a state. What is not known is a set of possible votes, so that a
//! decision that does not depend on it is known all the same.

mod attribute;
mod budget;
mod cast;
mod conditions;
mod features;
mod input;
mod nested;
mod outcome;
mod rule;
mod single;
mod size;
mod words;

#[cfg(test)]
mod tests;

use crate::trace::{Losses, Nanos, Span};

use super::policy::{Policy, TailSampling};
use super::version::CollectorVersion;

pub(crate) use cast::Cast;
pub(crate) use conditions::WrongCondition;
pub(crate) use input::Input;
pub(crate) use outcome::{Decision, Verdict};
pub(crate) use size::{lost_size, trace_size};
pub(crate) use words::reason;
#[cfg(feature = "cli")]
pub(crate) use words::span_name;

use features::Features;
use input::{Asked, Pending};
use rule::Judged;

/// A processor that judges.
#[derive(Debug)]
pub(crate) struct Judge {
    /// In the order in which they are asked: `drop` policies first.
    policies: Vec<Judged>,
    features: Features,
    stops_at_first: bool,
}

impl Judge {
    /// A processor of this version, without any spent rate.
    pub(crate) fn new(config: &TailSampling, version: CollectorVersion) -> Self {
        let features = Features::of(version);
        let shards = i64::from(config.num_shards.max(1));
        let judged = |policy: &Policy| Judged::new(policy, features, shards);
        Self {
            policies: in_order(config).into_iter().map(judged).collect(),
            features,
            stops_at_first: config.sample_on_first_match,
        }
    }

    /// Votes and the decision, at a time of the clock that limits rates.
    pub(crate) fn judge(&mut self, input: Input<'_>, now: Nanos) -> Verdict {
        let mut states = outcome::States::new(self.features, self.stops_at_first);
        let mut casts = Vec::with_capacity(self.policies.len());
        for (at, policy) in self.policies.iter_mut().enumerate() {
            let asked = states.asked();
            if asked == Asked::Not && !states.may_be_asked() {
                casts.push(None);
                continue;
            }
            let cast = policy.check.cast(input, now, asked);
            states.add(at, &policy.check, &cast);
            casts.push((asked != Asked::Not).then_some(cast));
        }
        states.verdict(casts)
    }

    /// The decision about one batch of spans at its arrival, by `sampling_strategy: span-ingest`: to keep, to drop,
    /// or not yet. A `drop` policy that does not match leaves it open, since a later batch may match.
    pub(crate) fn judge_batch(&mut self, input: Input<'_>, now: Nanos) -> Verdict {
        let stops_at_first = std::mem::replace(&mut self.stops_at_first, true);
        let verdict = self.judge(input, now);
        self.stops_at_first = stops_at_first;
        let votes = self.policies.iter().zip(verdict.casts());
        let drops = votes.filter(|(policy, _)| policy.check.is_drop());
        let pending = drops
            .filter_map(|(_, cast)| cast)
            .fold(Pending::No, Pending::and);
        verdict.with_pending(pending)
    }

    /// The decision about batches that arrive one after the other. What no batch decides is not kept.
    pub(crate) fn judge_batches(
        &mut self,
        batches: &[&[&Span]],
        losses: &Losses,
        now: Nanos,
    ) -> Verdict {
        let mut count = 0;
        let mut last: Option<Verdict> = None;
        for &spans in batches {
            count += spans.len();
            let input = Input {
                spans,
                count,
                losses,
            };
            let verdict = self.judge_batch(input, now);
            let verdict = match last.take() {
                Some(before) => verdict.after(&before),
                None => verdict,
            };
            if verdict.is_final() {
                return verdict;
            }
            last = Some(verdict);
        }
        last.unwrap_or_default()
    }
}

/// The policies in the order in which they are asked, which is that of the votes.
pub(crate) fn in_order(config: &TailSampling) -> Vec<&Policy> {
    let (drops, others): (Vec<&Policy>, Vec<&Policy>) =
        config.policies.iter().partition(|policy| policy.is_drop());
    drops.into_iter().chain(others).collect()
}

/// The conditions that cannot be evaluated as this version does, in the order of the configuration.
pub(crate) fn wrong_conditions(
    policies: &[Policy],
    version: CollectorVersion,
) -> Vec<WrongCondition> {
    let mut found = Vec::new();
    for policy in policies {
        conditions::find_wrong(policy, &policy.name, version, &mut found);
    }
    found
}
