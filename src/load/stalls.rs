//! Detects stalls of this process.
//!
//! An answer that is not read in time distorts the response time. A task that only sleeps for a few
//! milliseconds at a time measures how late the runtime resumes it; all other tasks are as late.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::trace::nanos_of;

/// The sleep of the task.
const SLEEP: Duration = Duration::from_millis(5);

/// A delay up to this is normal for timers and for a busy system.
const TOLERANCE: Duration = Duration::from_millis(5);

/// The length of a window in which stalls are added up.
const WINDOW: Duration = Duration::from_millis(500);

/// With this share of stalls in a window, the process does not keep up.
const MAX_SHARE: f64 = 0.1;

/// Measures stalls until it is dropped.
pub(super) struct StallMonitor {
    stalls: Arc<Stalls>,
    _task: JoinSet<()>,
}

/// The time in which no task of this process was resumed.
pub(super) struct Stalls {
    start: Instant,
    /// The next moment at which the task is due, in nanoseconds from the start.
    due: AtomicU64,
    /// The total of stalls, in nanoseconds.
    stalled: AtomicU64,
    window: Mutex<StallWindow>,
}

/// A period in which stalls are added up.
#[derive(Clone, Copy, Default)]
struct StallWindow {
    began: Duration,
    /// The total of stalls at its begin.
    stalled: Duration,
    /// The share of stalls in the window before.
    last: f64,
}

impl StallMonitor {
    pub(super) fn start() -> Self {
        let stalls = Arc::new(Stalls::new(Instant::now()));
        let mut task = JoinSet::new();
        let known = Arc::clone(&stalls);
        task.spawn(async move {
            loop {
                let due = Instant::now() + SLEEP;
                known.expect(due);
                tokio::time::sleep_until(due.into()).await;
                known.resumed(Instant::now());
            }
        });
        Self {
            stalls,
            _task: task,
        }
    }

    pub(super) fn stalls(&self) -> &Arc<Stalls> {
        &self.stalls
    }
}

impl Stalls {
    fn new(start: Instant) -> Self {
        let stalls = Self {
            start,
            due: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            window: Mutex::default(),
        };
        stalls.expect(start + SLEEP);
        stalls
    }

    fn expect(&self, due: Instant) {
        self.due
            .store(nanos_of(due - self.start), Ordering::Relaxed);
    }

    fn resumed(&self, now: Instant) {
        let over = nanos_of(self.overdue(now));
        self.stalled.fetch_add(over, Ordering::Relaxed);
        // The time until the task is due again is not a stall.
        self.expect(now + SLEEP);
        let (at, stalled) = (now - self.start, self.until(now));
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if at - window.began >= WINDOW {
            *window = StallWindow {
                began: at,
                stalled,
                last: window.share(at, stalled),
            };
        }
    }

    /// The length of the current stall; zero if there is none.
    fn overdue(&self, now: Instant) -> Duration {
        let due = Duration::from_nanos(self.due.load(Ordering::Relaxed));
        let over = (now - self.start).saturating_sub(due);
        match over > TOLERANCE {
            true => over,
            false => Duration::ZERO,
        }
    }

    /// The total of stalls until now.
    pub(super) fn until(&self, now: Instant) -> Duration {
        Duration::from_nanos(self.stalled.load(Ordering::Relaxed)) + self.overdue(now)
    }

    /// Returns `true` if stalls are rare in this window and in the one before.
    pub(super) fn keeps_up(&self, now: Instant) -> bool {
        let stalled = self.until(now);
        let window = *self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.last < MAX_SHARE && window.share(now - self.start, stalled) < MAX_SHARE
    }
}

impl StallWindow {
    /// The share of stalls; at least the length of a full window is assumed.
    fn share(&self, now: Duration, stalled: Duration) -> f64 {
        let length = now.saturating_sub(self.began).max(WINDOW);
        stalled.saturating_sub(self.stalled).as_secs_f64() / length.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn what_is_late_for_its_turn_has_stood_still() {
        let start = Instant::now();
        let stalls = Stalls::new(start);
        let until = |millis| stalls.until(after(start, millis)).as_millis();
        // The task is due after 5 ms, and 5 ms more are normal.
        assert_eq!([until(5), until(10), until(12)], [0, 0, 7]);
        stalls.resumed(after(start, 45));
        assert_eq!([until(45), until(55), until(65)], [40, 40, 55]);
    }

    #[test]
    fn it_keeps_up_until_it_stands_still_for_a_tenth_of_the_time() {
        let start = Instant::now();
        let stalls = Stalls::new(start);
        let keeps_up = |millis| stalls.keeps_up(after(start, millis));
        stalls.resumed(after(start, 45));
        assert!(keeps_up(45) && !keeps_up(70));
        stalls.resumed(after(start, 70));
        assert!(!keeps_up(71));
        // The next window has no stall.
        for millis in (75..600).step_by(5) {
            stalls.resumed(after(start, millis));
        }
        assert!(!keeps_up(601));
        for millis in (600..1_200).step_by(5) {
            stalls.resumed(after(start, millis));
        }
        assert!(keeps_up(1_200));
    }
}
