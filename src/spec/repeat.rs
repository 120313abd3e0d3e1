//! Repetition of a spec.

use std::fmt;
use std::time::Duration;

use super::Location;

/// Sends the request of a spec many times, each time with its own trace.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// Its place in the spec.
    pub at: Location,
    /// Schedule of the requests.
    pub pace: Pace,
    /// Number of requests at the start that are not measured, to warm up caches, pools and compilers.
    pub warmup: u64,
    /// Tolerated failures among the measured requests.
    pub failures: Allowance,
    /// Place of `failures`; by default that of `repeat`.
    pub failures_at: Location,
    /// Maximum number of further runs before a budget fails.
    pub confirm: u8,
}

/// The usual and the largest number of further runs before a budget fails.
pub const MOST_CONFIRMATIONS: u8 = 2;

/// Schedule of requests.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// Closed loop: a fixed number in flight, each sent after a response.
    Closed {
        /// Total number of requests.
        times: u64,
        /// Number of requests in flight.
        concurrency: u32,
    },
    /// Open loop: a fixed rate, independent of responses.
    Open {
        /// Average rate.
        rate: Rate,
        /// Duration of the load.
        period: Duration,
        /// Distribution over time.
        arrivals: Arrivals,
    },
    /// None: the traces that a search finds.
    Search {
        /// Maximum number of traces.
        limit: u64,
        /// The length of the window, which ends now.
        since: Duration,
    },
}

/// Requests per time, such as `50/s`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// Requests per second; more than 0.
    pub per_second: f64,
    /// The text of the spec.
    pub written: String,
}

/// Distribution of the requests of an open loop over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// As from many independent users: the time between two requests is exponentially distributed.
    #[default]
    Poisson,
    /// Constant time between two requests.
    Constant,
}

/// Tolerated failures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// A number of requests.
    Count(u64),
    /// A share: 0.01 for 1 %.
    Share(f64),
}

impl Pace {
    /// Returns `true` if nothing is sent: the traces are found.
    #[must_use]
    pub fn is_search(&self) -> bool {
        matches!(self, Self::Search { .. })
    }

    /// The word for one of them: `request` or `trace`.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Closed { .. } | Self::Open { .. } => "request",
            Self::Search { .. } => "trace",
        }
    }

    /// Number of requests; in an open loop the expected number, of a search the maximum.
    #[must_use]
    pub fn requests(&self) -> u64 {
        match self {
            Self::Closed { times, .. } => *times,
            Self::Search { limit, .. } => *limit,
            Self::Open { rate, period, .. } => {
                (rate.per_second * period.as_secs_f64()).round() as u64
            }
        }
    }
}

impl Allowance {
    /// Tolerated number of failures among this number of requests.
    #[must_use]
    pub fn of(self, requests: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            // The small addition corrects rounding: 10 % of 30 must be 3, not 2.
            Self::Share(share) => (share * requests as f64 + 1e-9).floor() as u64,
        }
    }
}

impl Allowance {
    /// Scales the number of tolerated failures from `meant_for` requests to `requests`.
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

/// The notation of specs: `0`, `1%`.
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
