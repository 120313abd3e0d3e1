//! When a trace is complete.
//!
//! Services export spans some time after they end, in batches, and nothing in OTLP marks a span as
//! the last one. The *flush bound* is an upper limit for that delay. A trace is *quiet* when its
//! entry has arrived and the flush bound has passed since the response, and *closed* when, in
//! addition, no parent is missing. These are functions of moments: nothing here sleeps or reads a
//! clock. The present is the moment at which the snapshot was taken, so that a span that arrives
//! while a trace is judged is never missed. The loop that waits is in `wait`.

use std::time::{Duration, Instant};

use super::delays::{MARGIN, ProvenBound};
use crate::source::receiver::Snapshot;
use crate::trace::SpanKind;

/// The flush bound where none is known: SDKs export every 5 s by default, and exporting takes time.
const DEFAULT_FLUSH: Duration = Duration::from_millis(5_500);

/// Default for the time from the response to the verdict.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The flush bound: an upper limit for the delay between the end of a span and its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// At most this long: we started the services, or the author declares it.
    Known(Duration),
    /// Unknown: 5.5 s, which covers the default delay of SDKs.
    Assumed,
}

/// How long a step waits for its trace, and for which reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) start: Start,
    pub(crate) flush: Flush,
    /// The flush bound when the wait began. A later arrival proves it wrong.
    pub(crate) bound: Duration,
    /// How long work may go on after the response.
    pub(crate) tail: Duration,
    /// From the start to the verdict at the latest.
    pub(crate) timeout: Duration,
    /// The author accepts that parents never arrive.
    pub(crate) tolerates_orphans: bool,
    /// Services were asked to record spans.
    pub(crate) sampled: bool,
}

/// The moment from which services have their time to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The response was received.
    Response(Instant),
    /// The wait for a trace that was fired elsewhere began, perhaps before the response: the arrival
    /// of the last entry counts if that is later. An earlier one proves nothing, because another
    /// request may have been sent in the same trace since.
    #[cfg_attr(
        not(feature = "run"),
        expect(dead_code, reason = "only a run follows such a trace")
    )]
    Watch(Instant),
}

/// The facts of a snapshot that decide when a trace is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When the snapshot was taken.
    pub(crate) at: Instant,
    /// A parent never arrived, or, where the flush bound is unknown, the SERVER span of a call.
    pub(crate) misses_parts: bool,
    /// Spans are known to be lost: it is useless to wait for what is missing.
    pub(crate) has_holes: bool,
    pub(crate) last_arrival: Option<Instant>,
    /// The last arrival that shows that work goes on: of a message sent, or of a linked trace.
    pub(crate) last_activity: Option<Instant>,
    /// When the last entry arrived; None while there is no entry.
    pub(crate) entered: Option<Instant>,
}

/// How complete a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// Spans may still arrive; this changes at that moment unless one does.
    Open(Instant),
    /// The flush bound has passed, but a part is missing; the next moment is the deadline.
    Quiet(Instant),
    /// No span is expected any more.
    Closed,
    /// The deadline has passed.
    TimedOut(AtDeadline),
}

/// The state of a trace that was not closed at the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtDeadline {
    /// The entry never arrived.
    NoEntry,
    /// The flush bound had not passed.
    Open,
    /// The flush bound had passed, and a part is missing.
    Quiet,
}

impl Flush {
    /// The flush bound of services that we started, by the longest schedule delay among them.
    #[must_use]
    pub fn of_schedule_delay(delay: Duration) -> Self {
        Self::Known(delay + MARGIN)
    }

    /// The bound that applies.
    pub(crate) fn bound(self) -> Duration {
        match self {
            Self::Known(bound) => bound,
            Self::Assumed => DEFAULT_FLUSH,
        }
    }
}

impl Start {
    pub(crate) fn moment(self) -> Instant {
        match self {
            Self::Response(at) | Self::Watch(at) => at,
        }
    }
}

impl Patience {
    /// The patience that a spec asks for, with the run's values and the defaults for the rest.
    pub(crate) fn new(
        start: Start,
        wait: crate::spec::Wait,
        of_run: Flush,
        proven: &ProvenBound,
    ) -> Self {
        let flush = wait.flush.map_or(of_run, Flush::Known);
        Self {
            start,
            flush,
            bound: flush.bound().max(proven.duration()),
            tail: wait.tail.unwrap_or_default(),
            timeout: wait.timeout.unwrap_or(DEFAULT_TIMEOUT),
            tolerates_orphans: false,
            sampled: true,
        }
    }

    /// The latest moment of the verdict.
    pub(crate) fn deadline(&self) -> Instant {
        self.start.moment() + self.timeout
    }

    /// How complete the trace is, after the flush bound has learned from spans that came later.
    /// `misses_servers` is that calls have no SERVER span: only with a known bound, that is final.
    pub(crate) fn look(
        &self,
        snapshot: &Snapshot,
        misses_servers: bool,
        proven: &ProvenBound,
    ) -> Completeness {
        let mut seen = Seen::of(snapshot);
        seen.misses_parts |= misses_servers && self.flush == Flush::Assumed;
        self.learn(snapshot, &seen, proven);
        self.completeness(&seen, proven.duration())
    }

    /// Spans that arrived after the flush bound prove that it was wrong.
    fn learn(&self, snapshot: &Snapshot, seen: &Seen, proven: &ProvenBound) {
        let Some(base) = self.base(seen).filter(|_| self.restart(seen).is_some()) else {
            return;
        };
        let spans = snapshot.trace.spans().iter().zip(&snapshot.arrivals);
        for (span, &arrival) in spans.filter(|(_, arrival)| **arrival > base + self.bound) {
            proven.note(span.service(), arrival - base, self.bound);
        }
    }

    /// How complete a trace is of which this was seen. `proven` is a flush bound that late spans of
    /// the run have proved.
    pub(crate) fn completeness(&self, seen: &Seen, proven: Duration) -> Completeness {
        let deadline = self.deadline();
        let quiet_at = self.quiet_at(seen, proven);
        let is_quiet = quiet_at.is_some_and(|quiet_at| seen.at >= quiet_at);
        let is_over = seen.at >= deadline;
        match quiet_at {
            Some(_)
                if is_quiet && (!seen.misses_parts || self.accepts_parts() || seen.has_holes) =>
            {
                Completeness::Closed
            }
            None if is_over => Completeness::TimedOut(AtDeadline::NoEntry),
            Some(_) if is_over && is_quiet => Completeness::TimedOut(AtDeadline::Quiet),
            Some(_) if is_over => Completeness::TimedOut(AtDeadline::Open),
            Some(_) if is_quiet => Completeness::Quiet(deadline),
            quiet_at => Completeness::Open(quiet_at.map_or(deadline, |at| at.min(deadline))),
        }
    }

    /// The earliest moment at which a trace of which nothing was seen yet can be complete.
    #[cfg(feature = "run")]
    pub(crate) fn quiet_after(&self) -> Instant {
        self.start.moment() + self.tail + self.bound
    }

    /// The moment at which every service has had its time; None while there is no entry.
    fn quiet_at(&self, seen: &Seen, proven: Duration) -> Option<Instant> {
        let base = self.base(seen)?;
        let from = self.restart(seen).map_or(base, |late| late.max(base));
        Some(from + self.bound.max(proven))
    }

    /// The end of the work that spans report: the flush bound counts from here.
    fn base(&self, seen: &Seen) -> Option<Instant> {
        if seen.entered.is_none() && !self.accepts_parts() && !seen.has_holes {
            return None;
        }
        let start = match self.start {
            Start::Response(at) => at,
            Start::Watch(at) => seen.entered.map_or(at, |entered| entered.max(at)),
        };
        let activity = seen.last_activity.filter(|_| !self.tail.is_zero());
        Some((start + self.tail).max(activity.unwrap_or(start)))
    }

    /// The arrival of the last span, if that was after the flush bound: the wait starts again.
    fn restart(&self, seen: &Seen) -> Option<Instant> {
        let end = self.base(seen)? + self.bound;
        seen.last_arrival.filter(|&arrival| arrival > end)
    }

    /// The trace need not be whole.
    pub(crate) fn accepts_parts(&self) -> bool {
        self.tolerates_orphans || !self.sampled
    }
}

impl Seen {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let Snapshot {
            trace, arrivals, ..
        } = snapshot;
        let producers = trace
            .spans()
            .iter()
            .zip(arrivals)
            .filter(|(span, _)| span.kind == SpanKind::Producer)
            .map(|(_, arrival)| *arrival);
        let entries = trace.entries();
        Self {
            at: snapshot.at,
            misses_parts: trace.orphans().next().is_some(),
            has_holes: !trace.holes().is_empty(),
            last_arrival: arrivals.iter().copied().max(),
            last_activity: producers.chain(snapshot.linked_arrival).max(),
            entered: entries
                .filter_map(|entry| arrivals.get(entry).copied())
                .max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Nothing was proved by late spans.
    const NOTHING: Duration = Duration::ZERO;

    /// The patience of a step whose response was received at `start`.
    fn patience(start: Instant) -> Patience {
        Patience {
            start: Start::Response(start),
            flush: Flush::Known(350 * MS),
            bound: 350 * MS,
            tail: Duration::ZERO,
            timeout: 30_000 * MS,
            tolerates_orphans: false,
            sampled: true,
        }
    }

    /// A whole trace that arrived at `start`, looked at so many milliseconds later.
    fn whole(start: Instant, millis: u32) -> Seen {
        Seen {
            at: start + millis * MS,
            misses_parts: false,
            has_holes: false,
            last_arrival: Some(start),
            last_activity: None,
            entered: Some(start),
        }
    }

    #[test]
    fn a_whole_trace_is_closed_one_flush_bound_after_the_response_and_no_sooner() {
        let start = Instant::now();
        let at = |millis| patience(start).completeness(&whole(start, millis), NOTHING);
        assert_eq!(at(349), Completeness::Open(start + 350 * MS));
        assert_eq!(at(350), Completeness::Closed);
    }

    #[test]
    fn a_trace_without_its_entry_is_open_until_the_deadline() {
        let start = Instant::now();
        let at = |millis| {
            let seen = Seen {
                entered: None,
                ..whole(start, millis)
            };
            patience(start).completeness(&seen, NOTHING)
        };
        assert_eq!(at(29_999), Completeness::Open(start + 30_000 * MS));
        assert_eq!(at(30_000), Completeness::TimedOut(AtDeadline::NoEntry));
    }

    #[test]
    fn missing_parents_keep_a_quiet_trace_from_being_closed_unless_the_author_tolerates_them() {
        let start = Instant::now();
        let at = |millis| Seen {
            misses_parts: true,
            ..whole(start, millis)
        };
        let strict = patience(start);
        let deadline = start + 30_000 * MS;
        assert_eq!(
            strict.completeness(&at(350), NOTHING),
            Completeness::Quiet(deadline)
        );
        assert_eq!(
            strict.completeness(&at(30_000), NOTHING),
            Completeness::TimedOut(AtDeadline::Quiet)
        );
        let tolerant = Patience {
            tolerates_orphans: true,
            ..strict
        };
        assert_eq!(
            tolerant.completeness(&at(350), NOTHING),
            Completeness::Closed
        );
    }

    #[test]
    fn a_timeout_before_the_flush_bound_leaves_the_trace_open() {
        let start = Instant::now();
        let hasty = Patience {
            timeout: 200 * MS,
            ..patience(start)
        };
        let at = |millis| hasty.completeness(&whole(start, millis), NOTHING);
        assert_eq!(at(100), Completeness::Open(start + 200 * MS));
        assert_eq!(at(200), Completeness::TimedOut(AtDeadline::Open));
    }

    #[test]
    fn activity_in_the_tail_prolongs_it() {
        let start = Instant::now();
        let patience = Patience {
            tail: 1_000 * MS,
            ..patience(start)
        };
        let at = |millis| {
            let seen = Seen {
                last_activity: Some(start + 2_000 * MS),
                ..whole(start, millis)
            };
            patience.completeness(&seen, NOTHING)
        };
        assert_eq!(at(1_350), Completeness::Open(start + 2_350 * MS));
        assert_eq!(at(2_350), Completeness::Closed);
    }

    #[test]
    fn an_unknown_flush_bound_is_5_5_s_however_fast_other_spans_came() {
        let start = Instant::now();
        let proven = ProvenBound::default();
        let wait = crate::spec::Wait::default();
        let patience = Patience::new(Start::Response(start), wait, Flush::Assumed, &proven);
        let at = |millis| patience.completeness(&whole(start, millis), proven.duration());
        assert_eq!(at(1_000), Completeness::Open(start + 5_500 * MS));
        assert_eq!(at(5_500), Completeness::Closed);
    }

    #[test]
    fn a_span_after_the_flush_bound_starts_the_wait_again_with_the_bound_that_it_proves() {
        let start = Instant::now();
        let at = |millis| {
            let seen = Seen {
                last_arrival: Some(start + 1_500 * MS),
                entered: Some(start + 1_500 * MS),
                ..whole(start, millis)
            };
            patience(start).completeness(&seen, 1_750 * MS)
        };
        assert_eq!(at(1_500), Completeness::Open(start + 3_250 * MS));
        assert_eq!(at(3_250), Completeness::Closed);
    }

    #[test]
    fn a_proven_bound_holds_for_later_traces_and_a_span_within_it_starts_no_wait_again() {
        let start = Instant::now();
        let proven = ProvenBound::default();
        proven.note("payment", 1_500 * MS, 350 * MS);
        let known = Flush::Known(350 * MS);
        let wait = crate::spec::Wait::default();
        let patience = Patience::new(Start::Response(start), wait, known, &proven);
        let seen = Seen {
            last_arrival: Some(start + 1_400 * MS),
            ..whole(start, 1_400)
        };
        assert_eq!(
            patience.completeness(&seen, proven.duration()),
            Completeness::Open(start + 1_750 * MS)
        );
    }

    #[test]
    fn a_trace_that_was_fired_elsewhere_is_complete_one_flush_bound_after_the_question_and_its_last_entry()
     {
        let start = Instant::now();
        let asked = start + 400 * MS;
        let patience = Patience {
            start: Start::Watch(asked),
            ..patience(asked)
        };
        let entered = |millis| {
            let seen = Seen {
                entered: Some(start + millis * MS),
                ..whole(start, 740)
            };
            patience.completeness(&seen, NOTHING)
        };
        // Another request may have been answered just before the question.
        assert_eq!(entered(0), Completeness::Open(start + 750 * MS));
        assert_eq!(entered(500), Completeness::Open(start + 850 * MS));
    }

    #[test]
    fn nothing_that_is_missing_is_waited_for_once_spans_are_known_to_be_lost() {
        let start = Instant::now();
        let at = |millis| {
            let seen = Seen {
                entered: None,
                misses_parts: true,
                has_holes: true,
                ..whole(start, millis)
            };
            patience(start).completeness(&seen, NOTHING)
        };
        assert_eq!(at(349), Completeness::Open(start + 350 * MS));
        assert_eq!(at(350), Completeness::Closed);
    }

    #[test]
    fn without_the_sampled_flag_having_no_span_is_complete() {
        let start = Instant::now();
        let patience = Patience {
            sampled: false,
            ..patience(start)
        };
        let seen = Seen {
            entered: None,
            last_arrival: None,
            ..whole(start, 350)
        };
        assert_eq!(patience.completeness(&seen, NOTHING), Completeness::Closed);
    }
}
