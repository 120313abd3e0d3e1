//! The schedule of requests: closed and open loops.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::spec::{Arrivals, Pace, Repeat};

/// Maximum number of due requests in the queue. If it is full, the clock waits, and later requests
/// are sent late.
const MAX_OVERDUE: usize = 1_024;

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The scheduled moment; `None` for at once.
    pub(super) intended: Option<Instant>,
    /// `false` during the warm-up.
    pub(super) counts: bool,
}

/// The schedule of the requests of a `repeat`.
pub(super) enum Pacer {
    Closed(Closed),
    Open(Open),
}

/// A fixed number of concurrent requests.
pub(super) struct Closed {
    warmup: u64,
    left: u64,
    concurrency: usize,
}

/// Scheduled moments, from a clock on its own thread.
pub(super) struct Open {
    due: tokio::sync::mpsc::Receiver<Due>,
    is_over: bool,
    /// The clock ends when this is dropped.
    _clock: mpsc::Sender<()>,
}

impl Pacer {
    pub(super) fn new(repeat: &Repeat) -> Self {
        match &repeat.pace {
            // It sends nothing.
            Pace::Search { .. } => Self::Closed(Closed {
                warmup: 0,
                left: 0,
                concurrency: 1,
            }),
            Pace::Closed { times, concurrency } => Self::Closed(Closed {
                warmup: repeat.warmup,
                left: *times,
                concurrency: usize::try_from(*concurrency).unwrap_or(usize::MAX),
            }),
            Pace::Open {
                rate,
                period,
                arrivals,
            } => Self::Open(Open::start(Schedule {
                gap: 1.0 / rate.per_second,
                arrivals: *arrivals,
                warmup: repeat.warmup,
                period: *period,
                at: 0.0,
                counted_from: None,
            })),
        }
    }

    /// Returns `true` if no further request follows.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Closed(closed) => closed.warmup == 0 && closed.left == 0,
            Self::Open(open) => open.is_over,
        }
    }

    /// Waits for the next due request; `None` if there is none. `in_flight` is the number of
    /// unanswered requests. Cancel-safe.
    pub(super) async fn next(&mut self, in_flight: usize) -> Option<Due> {
        match self {
            Self::Closed(closed) => closed.next(in_flight).await,
            Self::Open(open) => open.next().await,
        }
    }
}

impl Closed {
    async fn next(&mut self, in_flight: usize) -> Option<Due> {
        if in_flight >= self.concurrency {
            // Until a request is answered.
            std::future::pending::<()>().await;
        }
        let counts = self.warmup == 0;
        let left = match counts {
            true => &mut self.left,
            false => &mut self.warmup,
        };
        *left = left.checked_sub(1)?;
        Some(Due {
            intended: None,
            counts,
        })
    }
}

impl Open {
    /// The clock is a thread, since timers of the runtime are up to a millisecond late, which would
    /// distort every response time.
    fn start(schedule: Schedule) -> Self {
        let (tell, due) = tokio::sync::mpsc::channel(MAX_OVERDUE);
        let (clock, stop) = mpsc::channel();
        std::thread::spawn(move || tick(schedule, &stop, &tell));
        Self {
            due,
            is_over: false,
            _clock: clock,
        }
    }

    async fn next(&mut self) -> Option<Due> {
        let due = self.due.recv().await;
        self.is_over = due.is_none();
        due
    }
}

fn tick(schedule: Schedule, stop: &mpsc::Receiver<()>, tell: &tokio::sync::mpsc::Sender<Due>) {
    let start = Instant::now();
    for (after, counts) in schedule {
        let Some(intended) = start.checked_add(after) else {
            return;
        };
        let wait = intended.saturating_duration_since(Instant::now());
        let due = Due {
            intended: Some(intended),
            counts,
        };
        let is_told = || tell.blocking_send(due).is_ok();
        match stop.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) if is_told() => {}
            _ => return,
        }
    }
}

/// The scheduled times of an open loop, from its start, each with `true` if it counts. Computed
/// lazily, since there may be many.
struct Schedule {
    /// Seconds between two requests; the mean for Poisson arrivals.
    gap: f64,
    arrivals: Arrivals,
    warmup: u64,
    period: Duration,
    at: f64,
    /// The time of the first request that counts.
    counted_from: Option<f64>,
}

impl Iterator for Schedule {
    type Item = (Duration, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        self.at += match self.arrivals {
            Arrivals::Constant => self.gap,
            // 1 - u, since u may be 0, which has no logarithm.
            Arrivals::Poisson => -self.gap * (1.0 - rand::random::<f64>()).ln(),
        };
        let counts = self.warmup == 0;
        self.warmup = self.warmup.saturating_sub(1);
        if counts {
            let from = *self.counted_from.get_or_insert(at);
            // A tolerance of a billionth of a gap, so that rounding errors do not add a request.
            if at - from >= self.period.as_secs_f64() - self.gap * 1e-9 {
                return None;
            }
        }
        Some((Duration::try_from_secs_f64(at).ok()?, counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(arrivals: Arrivals, warmup: u64) -> Schedule {
        Schedule {
            gap: 0.02,
            arrivals,
            warmup,
            period: Duration::from_secs(100),
            at: 0.0,
            counted_from: None,
        }
    }

    #[test]
    fn a_constant_rate_sends_as_many_as_it_says_after_the_warm_up() {
        let all: Vec<_> = schedule(Arrivals::Constant, 10).collect();
        let counted = all.iter().filter(|(_, counts)| *counts).count();
        assert_eq!((all.len(), counted), (5_010, 5_000));
        assert_eq!(all[0], (Duration::ZERO, false));
        assert!(!all[9].1 && all[10].1);
    }

    #[test]
    fn independent_users_come_as_often_on_average_and_at_uneven_times() {
        let all: Vec<_> = schedule(Arrivals::Poisson, 0).collect();
        // Six standard deviations of a Poisson distribution with this mean are 424.
        assert!(all.len().abs_diff(5_000) < 424, "{}", all.len());
        let gaps: Vec<_> = all.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        let short = gaps.iter().filter(|gap| gap.as_secs_f64() < 0.02).count();
        // 63 % of an exponential distribution are below the mean.
        let share = short as f64 / gaps.len() as f64;
        assert!((0.58..0.68).contains(&share), "{share}");
    }
}
