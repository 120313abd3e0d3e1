//! How often a spec is fired.

use std::fmt;
use std::time::Duration;

use super::Location;

/// That a spec is fired many times, each time with a trace of its own.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// Where it stands.
    pub at: Location,
    /// When each request is sent.
    pub pace: Pace,
    /// So many requests come first and do not count: for caches, pools and compilers to warm up.
    pub warmup: u64,
    /// How many of those that count may fail.
    pub failures: Allowance,
    /// Where that stands; where the author says nothing, where `repeat` does.
    pub failures_at: Location,
}

/// When requests are sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// So many at a time, each after an answer: a closed loop.
    Closed {
        /// How many in all.
        times: u64,
        /// How many wait for an answer at the same time.
        concurrency: u32,
    },
    /// So many in a time, whatever the answers: an open loop.
    Open {
        /// How often.
        rate: Rate,
        /// For how long.
        period: Duration,
        /// How they are spread.
        arrivals: Arrivals,
    },
}

/// Requests in a time, such as `50/s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// More than 0.
    pub per_second: f64,
    /// As the author wrote it.
    pub written: String,
}

/// How the requests of an open loop are spread over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// As those of many independent users: the time between two is exponentially distributed.
    #[default]
    Poisson,
    /// The same time between any two.
    Constant,
}

/// How many requests may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// So many.
    Count(u64),
    /// Such a share: 0.01 for 1 %.
    Share(f64),
}

impl Pace {
    /// How many requests there will be; in an open loop about so many.
    #[must_use]
    pub fn requests(&self) -> u64 {
        match self {
            Self::Closed { times, .. } => *times,
            Self::Open { rate, period, .. } => {
                (rate.per_second * period.as_secs_f64()).round() as u64
            }
        }
    }
}

impl Allowance {
    /// How many of so many may fail.
    #[must_use]
    pub fn of(self, requests: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            // The small addition keeps 10 % of 30 from being 2.
            Self::Share(share) => (share * requests as f64 + 1e-9).floor() as u64,
        }
    }
}

impl Allowance {
    /// What may fail where there are so many requests, and not as many as it was meant for: the same
    /// share.
    #[must_use]
    pub fn scaled(self, meant_for: u64, requests: u64) -> Self {
        match self {
            Self::Count(count) => {
                let share = u128::from(count) * u128::from(requests) / u128::from(meant_for.max(1));
                Self::Count(u64::try_from(share).unwrap_or(u64::MAX))
            }
            Self::Share(_) => self,
        }
    }
}

/// As specs write it: `0`, `1%`.
impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(share) => write!(f, "{}%", (share * 1e6).round() / 1e4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_requests_may_fail_and_no_part_of_one() {
        assert_eq!(Allowance::Share(0.1).of(30), 3);
        assert_eq!(Allowance::Share(0.01).of(199), 1);
        assert_eq!(Allowance::Share(0.01).of(99), 0);
        assert_eq!(Allowance::Count(3).of(2), 3);
    }

    #[test]
    fn of_fewer_requests_fewer_may_fail() {
        let fifty = Allowance::Count(50);
        assert_eq!(fifty.scaled(1_000, 20), Allowance::Count(1));
        assert_eq!(fifty.scaled(1_000, 10), Allowance::Count(0));
        assert_eq!(fifty.scaled(100, 200), Allowance::Count(100));
        let share = Allowance::Share(0.01);
        assert_eq!(share.scaled(1_000, 20), share);
    }

    #[test]
    fn an_allowance_is_said_as_it_is_written() {
        assert_eq!(Allowance::Share(0.001).to_string(), "0.1%");
        assert_eq!(Allowance::Count(0).to_string(), "0");
    }
}
