//! When a trace is complete.
//!
//! Services export spans some time after they end, in batches, and nothing in OTLP says that a
//! span was the last. What is known is for how long a service may keep a span: its *flush bound*.
//! So a trace is *quiet* once its entry was seen and the flush bound has passed since the
//! response, and *closed* if no parent is missing then. Nothing here sleeps or asks a clock: these
//! are functions of moments, and the caller waits until the next one that matters.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::source::receiver::Snapshot;
use crate::trace::SpanKind;

/// Added to the schedule delay of the slowest service: exporting takes time too.
const MARGIN: Duration = Duration::from_millis(250);

/// What SDKs wait before they export, and a margin, where nobody has said anything: 5.5 s.
const DEFAULT_FLUSH: Duration = Duration::from_millis(5_500);

/// The least silence after which nothing more is expected where the flush bound is not known.
const LEAST_SILENCE: Duration = Duration::from_secs(1);

/// How long a step waits for its trace unless the spec or project says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// For how long a service may keep a span before it exports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// So long at the most: we started the services, or the author says it.
    Known(Duration),
    /// Nobody knows; silence has to tell.
    Assumed,
}

/// How far behind the response spans came in this run; what was slow once may be so again.
#[derive(Debug, Default)]
pub(super) struct Lags(Mutex<Option<Duration>>);

/// How long a step waits for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) flush: Flush,
    /// How long work may go on after the response.
    pub(super) tail: Duration,
    /// From the response to the verdict at the latest.
    pub(super) timeout: Duration,
    /// Whether parents may be missing for good.
    pub(super) tolerates_orphans: bool,
    /// Whether services were asked to record at all.
    pub(super) sampled: bool,
}

/// What matters of a snapshot for the question whether more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) has_entry: bool,
    pub(super) misses_parents: bool,
    pub(super) last_arrival: Option<Instant>,
    /// The last arrival that shows that work goes on: of a message sent, or of a linked trace.
    pub(super) last_activity: Option<Instant>,
    /// Of a trace that somebody else fired, when the last of its entries arrived: the response
    /// was there by then.
    pub(super) answered: Option<Instant>,
}

/// Whether more may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// It may; this changes at that moment unless something arrives.
    Open(Instant),
    /// Every service has had its time, and yet parents are missing; the next moment is the
    /// deadline.
    Quiet(Instant),
    /// Nothing more will come.
    Closed,
    /// The deadline has passed.
    TimedOut,
}

impl Flush {
    /// The flush bound of services that we started, by the longest schedule delay among them.
    #[must_use]
    pub fn of_schedule_delay(delay: Duration) -> Self {
        Self::Known(delay + MARGIN)
    }

    /// How long it is worth waiting for the rest of a trace whose verdict is known.
    #[cfg(feature = "run")]
    pub(super) fn bound(self) -> Duration {
        match self {
            Self::Known(bound) => bound,
            Self::Assumed => DEFAULT_FLUSH,
        }
    }
}

impl Lags {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Notes how far behind the response a span came.
    pub(super) fn note(&self, lag: Duration) {
        let mut largest = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *largest = (*largest).max(Some(lag));
    }

    /// The silence after which nothing more is expected.
    fn silence(&self) -> Duration {
        let largest = *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        largest.map_or(DEFAULT_FLUSH, |lag| (lag * 3 / 2).max(LEAST_SILENCE))
    }
}

impl Patience {
    /// The patience that a spec asks for; what it does not say is the run's or the default.
    pub(super) fn new(wait: crate::spec::Wait, of_run: Flush) -> Self {
        Self {
            flush: wait.flush.map_or(of_run, Flush::Known),
            tail: wait.tail.unwrap_or_default(),
            timeout: wait.timeout.unwrap_or(DEFAULT_TIMEOUT),
            tolerates_orphans: false,
            sampled: true,
        }
    }

    /// Whether more may come for a trace whose response was received at `responded`.
    pub(super) fn completeness(
        &self,
        now: Instant,
        responded: Instant,
        seen: &Seen,
        lags: &Lags,
    ) -> Completeness {
        let deadline = responded + self.timeout;
        let may_be_incomplete = self.tolerates_orphans || !self.sampled;
        if seen.has_entry || may_be_incomplete {
            let quiet_at = self.quiet_at(responded, seen, lags);
            let is_whole = !seen.misses_parents || may_be_incomplete;
            return match (now >= quiet_at, is_whole) {
                (true, true) => Completeness::Closed,
                _ if now >= deadline => Completeness::TimedOut,
                (true, false) => Completeness::Quiet(deadline),
                (false, _) => Completeness::Open(quiet_at.min(deadline)),
            };
        }
        if now >= deadline {
            Completeness::TimedOut
        } else {
            Completeness::Open(deadline)
        }
    }

    /// When a trace can be complete at the earliest if nothing of it has been looked at yet.
    #[cfg(feature = "run")]
    pub(super) fn quiet_after(&self, responded: Instant, lags: &Lags) -> Instant {
        let silence = match self.flush {
            Flush::Known(bound) => bound,
            Flush::Assumed => lags.silence(),
        };
        responded + self.tail + silence
    }

    fn quiet_at(&self, responded: Instant, seen: &Seen, lags: &Lags) -> Instant {
        let responded = responded.min(seen.answered.unwrap_or(responded));
        let tail_ends = responded + self.tail;
        match self.flush {
            Flush::Known(bound) => {
                let activity = seen.last_activity.filter(|_| !self.tail.is_zero());
                tail_ends.max(activity.unwrap_or(responded)) + bound
            }
            Flush::Assumed => {
                tail_ends.max(seen.last_arrival.unwrap_or(responded)) + lags.silence()
            }
        }
    }
}

impl Seen {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let trace = &snapshot.trace;
        let producers = trace
            .spans()
            .iter()
            .zip(&snapshot.arrivals)
            .filter(|(span, _)| span.kind == SpanKind::Producer)
            .map(|(_, arrival)| *arrival);
        Self {
            has_entry: trace.has_entry(),
            misses_parents: trace.orphans().next().is_some(),
            last_arrival: snapshot
                .arrivals
                .iter()
                .copied()
                .chain(snapshot.linked_arrival)
                .max(),
            last_activity: producers.chain(snapshot.linked_arrival).max(),
            answered: None,
        }
    }

    /// The same of a trace that somebody else fired, who may ask for it long after.
    #[cfg(feature = "run")]
    pub(super) fn of_somebody_else(snapshot: &Snapshot) -> Self {
        let trace = &snapshot.trace;
        let entries = trace.entries();
        let arrivals = entries.filter_map(|root| snapshot.arrivals.get(root).copied());
        Self {
            answered: arrivals.max(),
            ..Self::of(snapshot)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn patience() -> Patience {
        Patience {
            flush: Flush::Known(350 * MS),
            tail: Duration::ZERO,
            timeout: 30_000 * MS,
            tolerates_orphans: false,
            sampled: true,
        }
    }

    fn whole() -> Seen {
        Seen {
            has_entry: true,
            misses_parents: false,
            last_arrival: None,
            last_activity: None,
            answered: None,
        }
    }

    /// What is known so many milliseconds after the response.
    fn after(millis: u32, patience: &Patience, seen: &Seen) -> Completeness {
        let start = Instant::now();
        patience.completeness(start + millis * MS, start, seen, &Lags::default())
    }

    #[test]
    fn a_whole_trace_is_closed_one_flush_bound_after_the_response_and_no_sooner() {
        assert!(matches!(
            after(349, &patience(), &whole()),
            Completeness::Open(_)
        ));
        assert_eq!(after(350, &patience(), &whole()), Completeness::Closed);
    }

    #[test]
    fn a_trace_without_its_entry_is_open_until_the_deadline() {
        let seen = Seen {
            has_entry: false,
            ..whole()
        };
        assert!(matches!(
            after(29_999, &patience(), &seen),
            Completeness::Open(_)
        ));
        assert_eq!(after(30_000, &patience(), &seen), Completeness::TimedOut);
    }

    #[test]
    fn missing_parents_keep_a_quiet_trace_from_being_closed_unless_the_author_tolerates_them() {
        let seen = Seen {
            misses_parents: true,
            ..whole()
        };
        assert!(matches!(
            after(350, &patience(), &seen),
            Completeness::Quiet(_)
        ));
        let tolerant = Patience {
            tolerates_orphans: true,
            ..patience()
        };
        assert_eq!(after(350, &tolerant, &seen), Completeness::Closed);
    }

    #[test]
    fn a_tail_is_waited_for_and_what_goes_on_in_it_prolongs_it() {
        let start = Instant::now();
        let patience = Patience {
            tail: 1_000 * MS,
            ..patience()
        };
        let seen = Seen {
            last_activity: Some(start + 2_000 * MS),
            ..whole()
        };
        let at = |millis: u32| {
            patience.completeness(start + millis * MS, start, &seen, &Lags::default())
        };
        assert_eq!(at(1_350), Completeness::Open(start + 2_350 * MS));
        assert_eq!(at(2_350), Completeness::Closed);
    }

    #[test]
    fn without_a_known_bound_silence_decides_and_learns_from_what_came_late() {
        let start = Instant::now();
        let patience = Patience {
            flush: Flush::Assumed,
            ..patience()
        };
        let seen = Seen {
            last_arrival: Some(start + 100 * MS),
            ..whole()
        };
        let lags = Lags::default();
        let at = |millis: u32, lags: &Lags| {
            patience.completeness(start + millis * MS, start, &seen, lags)
        };
        assert_eq!(at(0, &lags), Completeness::Open(start + 5_600 * MS));
        lags.note(100 * MS);
        assert_eq!(at(1_100, &lags), Completeness::Closed);
        lags.note(2_000 * MS);
        assert_eq!(at(1_100, &lags), Completeness::Open(start + 3_100 * MS));
    }

    #[test]
    fn who_asks_long_after_the_entry_arrived_need_not_wait() {
        let seen = |before: u32| Seen {
            answered: Instant::now().checked_sub(before * MS),
            ..whole()
        };
        assert_eq!(after(1, &patience(), &seen(400)), Completeness::Closed);
        assert!(matches!(
            after(1, &patience(), &seen(100)),
            Completeness::Open(_)
        ));
    }

    #[test]
    fn without_the_sampled_flag_having_no_span_is_complete() {
        let patience = Patience {
            sampled: false,
            ..patience()
        };
        let seen = Seen {
            has_entry: false,
            ..whole()
        };
        assert_eq!(after(350, &patience, &seen), Completeness::Closed);
    }
}
