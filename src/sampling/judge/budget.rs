//! Limits of rates: by the clock of the caller, which a Collector does not share.

use super::cast::{Cast, Ground};
use super::features::{OmittedShare, RateLimit};
use super::input::{Asked, Input};
use super::single;
use super::size::{lost_size, trace_size};
use crate::sampling::policy::Composite;
use crate::sampling::vote::{Vote, Votes};
use crate::trace::Nanos;

const SECOND: u64 = 1_000_000_000;

/// The vote of a limit that may be spent.
fn either() -> Votes {
    [Vote::Sampled, Vote::NotSampled].into_iter().collect()
}

/// `rate_limiting` and `bytes_limiting`.
#[derive(Debug)]
pub(super) struct Budget {
    unit: Unit,
    limit: Limit,
    /// It is not known what was spent.
    is_doubtful: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Spans,
    Bytes,
}

#[derive(Debug)]
enum Limit {
    /// Fewer than `limit` in each second of the clock.
    PerSecond {
        limit: i64,
        second: Option<u64>,
        used: i64,
    },
    /// The algorithm of `golang.org/x/time/rate`.
    Bucket {
        per_second: f64,
        capacity: i64,
        tokens: f64,
        /// When `tokens` was computed. `None`: the bucket is full.
        since: Option<Nanos>,
    },
}

impl Budget {
    pub(super) fn spans(rate: i64, capacity: i64, algorithm: RateLimit, shards: i64) -> Self {
        let limit = match algorithm {
            RateLimit::PerSecond => Limit::PerSecond {
                limit: rate,
                second: None,
                used: 0,
            },
            RateLimit::TokenBucket => Limit::bucket(rate, capacity, shards),
        };
        Self::new(Unit::Spans, limit)
    }

    pub(super) fn bytes(rate: i64, capacity: i64, shards: i64) -> Self {
        Self::new(Unit::Bytes, Limit::bucket(rate, capacity, shards))
    }

    fn new(unit: Unit, limit: Limit) -> Self {
        Self {
            unit,
            limit,
            is_doubtful: false,
        }
    }

    pub(super) fn cast(&mut self, input: Input<'_>, now: Nanos, asked: Asked) -> Cast {
        if self.unit == Unit::Bytes
            && let Some(field) = lost_size(input.losses)
        {
            self.is_doubtful |= asked != Asked::Not;
            return single::unknown(field);
        }
        let cost = match self.unit {
            Unit::Spans => input.count(),
            Unit::Bytes => trace_size(input.spans),
        };
        let ground = Ground::Cost(cost);
        if !self.limit.ever_allows(cost) {
            return Cast::of(Vote::NotSampled, ground);
        }
        self.is_doubtful |= asked == Asked::Perhaps;
        let votes = match asked {
            Asked::Surely if !self.is_doubtful => match self.limit.take(cost, now) {
                true => Vote::Sampled.into(),
                false => Vote::NotSampled.into(),
            },
            _ => either(),
        };
        Cast {
            votes,
            possible: either(),
            ground,
        }
    }
}

/// A rate of each of several shards.
fn divided(rate: i64, shards: i64) -> i64 {
    match rate {
        ..=0 => rate,
        rate => (rate / shards).max(1),
    }
}

impl Limit {
    /// A bucket of twice the rate, if its capacity is not set. The capacity is not divided among shards.
    fn bucket(rate: i64, capacity: i64, shards: i64) -> Self {
        let capacity = match capacity {
            ..=0 => rate.saturating_mul(2),
            capacity => capacity,
        };
        Self::Bucket {
            per_second: divided(rate, shards) as f64,
            capacity,
            tokens: capacity as f64,
            since: None,
        }
    }

    fn ever_allows(&self, cost: i64) -> bool {
        match self {
            Self::PerSecond { limit, .. } => cost < *limit,
            Self::Bucket { capacity, .. } => cost <= *capacity,
        }
    }

    fn take(&mut self, cost: i64, now: Nanos) -> bool {
        match self {
            Self::PerSecond {
                limit,
                second,
                used,
            } => {
                let current = now / SECOND;
                if *second != Some(current) {
                    (*second, *used) = (Some(current), 0);
                }
                let is_allowed = *used + cost < *limit;
                *used += if is_allowed { cost } else { 0 };
                is_allowed
            }
            Self::Bucket {
                per_second,
                capacity,
                tokens,
                since,
            } => {
                let elapsed = since.map_or(f64::INFINITY, |since| {
                    now.saturating_sub(since) as f64 / SECOND as f64
                });
                let refilled = match elapsed.is_infinite() {
                    true => *capacity as f64,
                    false => (*tokens + elapsed * *per_second).min(*capacity as f64),
                };
                let is_allowed = refilled >= cost as f64;
                if is_allowed {
                    (*tokens, *since) = (refilled - cost as f64, Some(now));
                }
                is_allowed
            }
        }
    }
}

/// The rates of a `composite`.
#[derive(Debug)]
pub(super) struct Allowance {
    total: i64,
    /// Of each policy.
    shares: Vec<i64>,
    second: Option<u64>,
    used: Vec<i64>,
    is_doubtful: bool,
}

impl Allowance {
    pub(super) fn new(composite: &Composite, omitted: OmittedShare, shards: i64) -> Self {
        let total = divided(composite.max_total_spans_per_second, shards);
        let number = composite.policies.len();
        let equal = total as f64 / number as f64;
        let share = |name: &str| {
            // The last entry of a name counts.
            let entry = composite
                .rate_allocation
                .iter()
                .rfind(|entry| entry.policy == name);
            match entry.map(|entry| entry.percent) {
                Some(percent) if percent > 0 => percent as f64 / 100.0 * total as f64,
                None if omitted == OmittedShare::Nothing => 0.0,
                _ => equal,
            }
        };
        let policies = composite.policies.iter();
        Self {
            total,
            shares: policies.map(|policy| share(&policy.name) as i64).collect(),
            second: None,
            used: vec![0; number],
            is_doubtful: false,
        }
    }

    /// Votes about a trace that a policy wants to keep: with the rates so far, and with any.
    pub(super) fn take(
        &mut self,
        policy: usize,
        cost: i64,
        now: Nanos,
        asked: Asked,
    ) -> (Votes, Votes) {
        let share = self.shares[policy];
        if cost > share || cost > self.total {
            return (Vote::NotSampled.into(), Vote::NotSampled.into());
        }
        self.is_doubtful |= asked == Asked::Perhaps;
        if asked != Asked::Surely || self.is_doubtful {
            return (either(), either());
        }
        let current = now / SECOND;
        if self.second != Some(current) {
            self.second = Some(current);
            self.used.fill(0);
        }
        let used = self.used[policy].saturating_add(cost);
        let is_allowed = used <= share && used <= self.total;
        if is_allowed {
            self.used[policy] = used;
        }
        let vote = match is_allowed {
            true => Vote::Sampled,
            false => Vote::NotSampled,
        };
        (vote.into(), either())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_refilled_up_to_its_capacity() {
        let mut limit = Limit::bucket(10, 0, 1);
        assert!(limit.ever_allows(20) && !limit.ever_allows(21));
        assert!(limit.take(20, 0));
        assert!(!limit.take(1, 0));
        assert!(!limit.take(11, SECOND));
        assert!(limit.take(10, SECOND));
        assert!(limit.take(20, 100 * SECOND));
        assert!(!limit.take(1, 100 * SECOND));
    }

    #[test]
    fn a_counter_stays_below_its_limit_and_starts_again_each_second() {
        let mut limit = Limit::PerSecond {
            limit: 10,
            second: None,
            used: 0,
        };
        assert!(!limit.ever_allows(10));
        assert!(limit.take(5, 0) && limit.take(4, 1));
        assert!(!limit.take(1, 2));
        assert!(limit.take(9, SECOND));
    }
}
