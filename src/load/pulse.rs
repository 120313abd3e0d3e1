//! Whether this machine keeps up with its own work.
//!
//! A request whose answer lies there unread has waited for us, not for the system under test. So a
//! task that has next to nothing to do says every few milliseconds that it had its turn; where it
//! is late, everything in this process is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

/// How often it has its turn.
const BEAT: Duration = Duration::from_millis(5);

/// Timers are no better than this, nor is a system that has something else to do for a moment.
const USUAL: Duration = Duration::from_millis(5);

/// So long is looked back to tell whether it keeps up.
const WINDOW: Duration = Duration::from_millis(500);

/// It does not where it stands still for such a share of that.
const TOO_MUCH: f64 = 0.1;

/// Beats as long as it is there.
pub(super) struct Pulse {
    stalls: Arc<Stalls>,
    _beating: JoinSet<()>,
}

/// For how long nothing in this process had its turn.
pub(super) struct Stalls {
    start: Instant,
    /// When the next beat is due, in nanoseconds from the start.
    due: AtomicU64,
    /// In nanoseconds.
    stalled: AtomicU64,
    window: Mutex<Window>,
}

/// What is looked back at.
#[derive(Clone, Copy, Default)]
struct Window {
    began: Duration,
    /// All that had been stalled when it began.
    stalled: Duration,
    /// Which share of the one before.
    last: f64,
}

impl Pulse {
    pub(super) fn start() -> Self {
        let stalls = Arc::new(Stalls::new(Instant::now()));
        let mut beating = JoinSet::new();
        let known = Arc::clone(&stalls);
        beating.spawn(async move {
            loop {
                let due = Instant::now() + BEAT;
                known.expect(due);
                tokio::time::sleep_until(due.into()).await;
                known.beat(Instant::now());
            }
        });
        Self {
            stalls,
            _beating: beating,
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
        stalls.expect(start + BEAT);
        stalls
    }

    fn expect(&self, due: Instant) {
        self.due.store(nanos(due - self.start), Ordering::Relaxed);
    }

    fn beat(&self, now: Instant) {
        let over = nanos(self.overdue(now));
        self.stalled.fetch_add(over, Ordering::Relaxed);
        // What comes before the next one is due belongs to nobody.
        self.expect(now + BEAT);
        let (at, stalled) = (now - self.start, self.until(now));
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if at - window.began >= WINDOW {
            *window = Window {
                began: at,
                stalled,
                last: window.share(at, stalled),
            };
        }
    }

    /// Since when nothing had its turn, if something should have had.
    fn overdue(&self, now: Instant) -> Duration {
        let due = Duration::from_nanos(self.due.load(Ordering::Relaxed));
        let over = (now - self.start).saturating_sub(due);
        match over > USUAL {
            true => over,
            false => Duration::ZERO,
        }
    }

    /// For how long in all it stood still until now.
    pub(super) fn until(&self, now: Instant) -> Duration {
        Duration::from_nanos(self.stalled.load(Ordering::Relaxed)) + self.overdue(now)
    }

    /// Whether it does its own work in time.
    pub(super) fn keeps_up(&self, now: Instant) -> bool {
        let stalled = self.until(now);
        let window = *self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.last < TOO_MUCH && window.share(now - self.start, stalled) < TOO_MUCH
    }
}

impl Window {
    /// Which share of it was stalled; at the beginning as if it were a whole one.
    fn share(&self, now: Duration, stalled: Duration) -> f64 {
        let length = now.saturating_sub(self.began).max(WINDOW);
        stalled.saturating_sub(self.stalled).as_secs_f64() / length.as_secs_f64()
    }
}

fn nanos(of: Duration) -> u64 {
    u64::try_from(of.as_nanos()).unwrap_or(u64::MAX)
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
        // 5 ms are a beat, and 5 more are usual.
        assert_eq!([until(5), until(10), until(12)], [0, 0, 7]);
        stalls.beat(after(start, 45));
        assert_eq!([until(45), until(55), until(65)], [40, 40, 55]);
    }

    #[test]
    fn it_keeps_up_until_it_stands_still_for_a_tenth_of_the_time() {
        let start = Instant::now();
        let stalls = Stalls::new(start);
        let keeps_up = |millis| stalls.keeps_up(after(start, millis));
        stalls.beat(after(start, 45));
        assert!(keeps_up(45) && !keeps_up(70));
        stalls.beat(after(start, 70));
        assert!(!keeps_up(71));
        // The next window is well, and so is what comes then.
        for millis in (75..600).step_by(5) {
            stalls.beat(after(start, millis));
        }
        assert!(!keeps_up(601));
        for millis in (600..1_200).step_by(5) {
            stalls.beat(after(start, millis));
        }
        assert!(keeps_up(1_200));
    }
}
