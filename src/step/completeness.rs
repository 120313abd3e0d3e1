//! Decides when a trace is complete.
//!
//! Services export spans some time after they end, in batches, and OTLP does not mark the last span.
//! The *flush bound* is an upper limit for that delay. A trace is *quiet* when its entry has arrived
//! and the flush bound has passed since the response, and *closed* when, in addition, no parent and no
//! span of a log record is missing. These are functions of moments: nothing here sleeps. `drive` waits.

use std::time::{Duration, Instant, SystemTime};

use super::delays::{ExportDelays, MARGIN};
use crate::source::{Passage, Snapshot};
#[cfg(feature = "run")]
use crate::spec::Called;
use crate::spec::Wait;
#[cfg(feature = "run")]
use crate::trace::unix_nanos;
use crate::trace::{Nanos, SpanKind};

/// The assumed flush bound: SDKs export every 5 s by default, and an export takes time.
const DEFAULT_FLUSH: Duration = Duration::from_millis(5_500);

/// Default for the time from the response to the verdict.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Longer waits end here: a moment after it may be too late for the clock to represent.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The flush bound: an upper limit for the delay between the end of a span and its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// This duration: we started the services, or the user declares it.
    Known(Duration),
    /// Unknown: 5.5 s, which covers the default delay of SDKs.
    Assumed,
}

/// The rules by which a step waits for its trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitPolicy {
    pub(super) start: WaitStart,
    pub(super) flush: Flush,
    /// The flush bound when the wait began. A later arrival disproves it.
    pub(super) bound: Duration,
    /// The time for which work may continue after the response.
    pub(super) tail: Duration,
    /// From the start to the latest moment of the verdict.
    pub(super) timeout: Duration,
    /// The spec accepts that parents never arrive.
    pub(super) tolerates_orphans: bool,
    /// The request asked services to record spans.
    pub(super) sampled: bool,
    /// A service may begin another trace, so this one may stay without any span.
    pub(super) permits_restart: bool,
    /// Maximum time between two requests of a source that polls.
    pub(super) pause: Duration,
    /// A check needs log records, so their arrivals count as those of spans.
    pub(super) needs_logs: bool,
    /// A span in another trace with a link to this one is an entry: the trigger sent a message.
    pub(super) entered_by_links: bool,
    /// The trace was sent into a pipeline, which may drop any span. The flush bound counts from the arrival of
    /// the markers, if any were sent.
    pub(super) of_pipeline: bool,
}

/// The moment from which the flush bound counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitStart {
    /// The response was received.
    Response(Instant),
    /// The wait for a trace that was fired elsewhere began, perhaps before the response: the arrival
    /// of the last entry counts if that is later. An earlier one proves nothing, because another
    /// request may have been sent in the same trace since.
    #[cfg_attr(
        not(any(feature = "run", test)),
        expect(dead_code, reason = "only a run follows such a trace")
    )]
    Watch(Instant),
    /// A trace was found that had begun before this moment, which is `wall` nanoseconds after the Unix epoch. The
    /// flush bound counts from the end of its last span.
    #[cfg_attr(
        not(any(feature = "run", test)),
        expect(dead_code, reason = "only a run follows such a trace")
    )]
    Found {
        /// The moment.
        at: Instant,
        /// The same moment by the clock of this machine.
        wall: Nanos,
    },
}

/// The facts of a snapshot that determine its completeness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceProgress {
    /// When the snapshot was taken.
    at: Instant,
    /// The source had no further span until this moment.
    known_until: Instant,
    /// A parent or the span of a log record is missing or, with an unknown flush bound, the SERVER span of
    /// a call.
    misses_parts: bool,
    /// Spans are known to be lost, so waiting for missing parts is useless.
    has_holes: bool,
    last_arrival: Option<Instant>,
    /// The last arrival that shows that work continues: of a PRODUCER span, or of a linked trace.
    last_activity: Option<Instant>,
    /// When the last entry arrived; `None` if there is no entry.
    entered: Option<Instant>,
    /// The end of the last span, by the clocks of the services.
    last_end: Nanos,
    passage: Passage,
}

/// The completeness of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// Spans may still arrive. Without an arrival, this changes at that moment.
    Open(Instant),
    /// The flush bound has passed, but a part is missing. The moment is the deadline.
    Quiet(Instant),
    /// No further span is expected.
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
    /// A marker did not come out of the pipeline.
    NoMarker,
}

impl Completeness {
    /// The moment of the next change without an arrival; `None` if the wait is over.
    pub(super) fn next_change(self) -> Option<Instant> {
        match self {
            Self::Open(next) | Self::Quiet(next) => Some(next),
            Self::Closed | Self::TimedOut(_) => None,
        }
    }
}

impl Flush {
    /// The flush bound of services that we started, by the longest schedule delay among them.
    #[must_use]
    pub fn of_schedule_delay(delay: Duration) -> Self {
        Self::Known(delay + MARGIN)
    }

    /// The default for a step, if this is the flush bound of the started services: it does not apply
    /// to services elsewhere.
    #[cfg(feature = "run")]
    pub(super) fn of_step(self, step: &crate::spec::Step) -> Self {
        match step.is_elsewhere {
            true => Self::Assumed,
            false => self,
        }
    }

    /// The flush bound.
    pub(super) fn bound(self) -> Duration {
        match self {
            Self::Known(bound) => bound,
            Self::Assumed => DEFAULT_FLUSH,
        }
    }
}

impl WaitStart {
    /// The start of the wait for the trace of a trigger.
    #[cfg(feature = "run")]
    pub(super) fn of(called: &Called, responded: Instant) -> Self {
        match called {
            Called::Nothing => Self::Watch(responded),
            Called::Found => Self::found(responded),
            Called::Path(_)
            | Called::Method(..)
            | Called::Command
            | Called::Message(_)
            | Called::Sent
            | Called::Unsampled => Self::Response(responded),
        }
    }

    /// A trace that was found at this moment.
    #[cfg(feature = "run")]
    fn found(at: Instant) -> Self {
        let wall = unix_nanos(SystemTime::now() - at.elapsed());
        Self::Found { at, wall }
    }

    pub(super) fn moment(self) -> Instant {
        match self {
            Self::Response(at) | Self::Watch(at) | Self::Found { at, .. } => at,
        }
    }

    /// The moment of this time, if the trace was found.
    fn moment_of(self, time: Nanos) -> Option<Instant> {
        let Self::Found { at, wall } = self else {
            return None;
        };
        let (since, until) = (wall.saturating_sub(time), time.saturating_sub(wall));
        let until = Duration::from_nanos(until).min(LONGEST);
        // A span that ended before this machine started has been readable for long.
        Some(at.checked_sub(Duration::from_nanos(since)).unwrap_or(at) + until)
    }
}

impl WaitPolicy {
    /// The policy of `wait` in a spec. `default_flush` is the flush bound of the run.
    pub(super) fn new(
        start: WaitStart,
        wait: Wait,
        default_flush: Flush,
        delays: &ExportDelays,
    ) -> Self {
        let flush = wait.flush.map_or(default_flush, Flush::Known);
        Self {
            start,
            flush,
            bound: flush.bound().max(delays.bound()).min(LONGEST),
            tail: wait.tail.unwrap_or_default().min(LONGEST),
            timeout: wait.timeout.unwrap_or(DEFAULT_TIMEOUT).min(LONGEST),
            tolerates_orphans: false,
            sampled: true,
            permits_restart: false,
            pause: Duration::ZERO,
            needs_logs: false,
            entered_by_links: false,
            of_pipeline: false,
        }
    }

    /// Waits for the output of a pipeline, of which all arrives within this time after the last marker.
    #[cfg(feature = "run")]
    pub(super) fn wait_for_pipeline(&mut self, within: Option<Duration>) {
        self.of_pipeline = true;
        self.bound = within.unwrap_or(MARGIN).min(LONGEST);
        self.flush = Flush::Known(self.bound);
    }

    /// Waits for log records too, which arrive within this bound.
    #[cfg(feature = "run")]
    pub(super) fn wait_for_logs(&mut self, bound: Duration) {
        self.needs_logs = true;
        if !self.of_pipeline {
            self.bound = self.bound.max(bound).min(LONGEST);
        }
    }

    /// What is waited for.
    pub(super) fn records(&self) -> &'static str {
        match self.needs_logs {
            true => "spans and log records",
            false => "spans",
        }
    }

    /// The latest moment of the verdict.
    pub(super) fn deadline(&self) -> Instant {
        self.start.moment() + self.timeout
    }

    /// The completeness of a trace. Records spans that arrived after the flush bound in `delays`.
    ///
    /// `misses_servers`: calls have no SERVER span. It matters only with an unknown flush bound.
    pub(super) fn completeness(
        &self,
        snapshot: &Snapshot,
        misses_servers: bool,
        delays: &ExportDelays,
    ) -> Completeness {
        let mut progress = TraceProgress::of(snapshot);
        if self.entered_by_links && snapshot.trace.is_linked_to() {
            progress.entered = progress.entered.max(snapshot.linked_arrival);
        }
        if self.needs_logs {
            progress.last_arrival = progress.last_arrival.max(snapshot.log_arrival);
        }
        progress.misses_parts |= misses_servers && self.flush == Flush::Assumed;
        self.record_late_spans(snapshot, &progress, delays);
        self.completeness_at(&progress, delays.bound())
    }

    /// Spans that arrived after the flush bound disprove it.
    fn record_late_spans(
        &self,
        snapshot: &Snapshot,
        progress: &TraceProgress,
        delays: &ExportDelays,
    ) {
        let base = self.base(progress).filter(|_| !self.of_pipeline);
        let Some(base) = base.filter(|_| self.restart(progress).is_some()) else {
            return;
        };
        let spans = snapshot.trace.spans().iter().zip(&snapshot.arrivals);
        for (span, &arrival) in spans.filter(|(_, arrival)| **arrival > base + self.bound) {
            delays.record(span.service(), arrival - base, self.bound);
        }
    }

    /// The completeness of a trace in this state. `proven` is the flush bound that late spans of the
    /// run have proved.
    fn completeness_at(&self, progress: &TraceProgress, proven: Duration) -> Completeness {
        let deadline = self.deadline();
        let quiet_at = self.quiet_at(progress, proven);
        let is_quiet = quiet_at.is_some_and(|quiet_at| progress.known_until >= quiet_at);
        let is_over = progress.at >= deadline;
        let has_parts = !progress.misses_parts || self.accepts_parts() || progress.has_holes;
        match quiet_at {
            Some(_) if is_quiet && has_parts => Completeness::Closed,
            None if is_over && progress.passage == Passage::Missing => {
                Completeness::TimedOut(AtDeadline::NoMarker)
            }
            None if is_over => Completeness::TimedOut(AtDeadline::NoEntry),
            Some(_) if is_over && is_quiet => Completeness::TimedOut(AtDeadline::Quiet),
            Some(_) if is_over => Completeness::TimedOut(AtDeadline::Open),
            // Nothing is in progress that could add the missing parts.
            Some(_) if is_quiet && self.is_found() => Completeness::TimedOut(AtDeadline::Quiet),
            Some(_) if is_quiet => Completeness::Quiet(deadline),
            // The next answer of a source that polls can change it.
            Some(quiet_at) if progress.at >= quiet_at => Completeness::Open(deadline),
            quiet_at => Completeness::Open(quiet_at.map_or(deadline, |at| at.min(deadline))),
        }
    }

    /// The earliest moment at which a trace without any span so far can be complete.
    #[cfg(feature = "run")]
    pub(super) fn quiet_after(&self) -> Instant {
        match self.start {
            WaitStart::Found { at, .. } => at,
            WaitStart::Response(at) | WaitStart::Watch(at) => at + self.tail + self.bound,
        }
    }

    /// Returns `true` if the trace was found, and not caused.
    pub(super) fn is_found(&self) -> bool {
        matches!(self.start, WaitStart::Found { .. })
    }

    /// The moment at which the flush bound has passed; `None` while there is no entry.
    fn quiet_at(&self, progress: &TraceProgress, proven: Duration) -> Option<Instant> {
        let base = self.base(progress)?;
        let from = self.restart(progress).map_or(base, |late| late.max(base));
        let quiet_at = from + self.bound.max(proven);
        match self.start {
            // Only answers that were requested after it was found count.
            WaitStart::Found { at, .. } => Some(quiet_at.max(at + Duration::from_nanos(1))),
            WaitStart::Response(_) | WaitStart::Watch(_) => Some(quiet_at),
        }
    }

    /// The end of the work that spans report, from which the flush bound counts.
    fn base(&self, progress: &TraceProgress) -> Option<Instant> {
        if let Some(ended) = self.start.moment_of(progress.last_end) {
            return Some(ended + self.tail);
        }
        let may_stay_empty = self.permits_restart && progress.last_arrival.is_none();
        let has_entry = progress.entered.is_some() || may_stay_empty;
        if !has_entry && !self.accepts_parts() && !progress.has_holes {
            return None;
        }
        let start = match self.start {
            WaitStart::Response(at) | WaitStart::Found { at, .. } => at,
            WaitStart::Watch(at) => progress.entered.map_or(at, |entered| entered.max(at)),
        };
        let start = match progress.passage {
            Passage::NotAwaited => start,
            Passage::Missing => return None,
            Passage::Complete(at) => start.max(at),
        };
        let activity = progress.last_activity.filter(|_| !self.tail.is_zero());
        Some((start + self.tail).max(activity.unwrap_or(start)))
    }

    /// The arrival of the last span, if that was after the flush bound: the wait starts again.
    fn restart(&self, progress: &TraceProgress) -> Option<Instant> {
        if self.is_found() {
            return None;
        }
        let end = self.base(progress)? + self.bound;
        progress.last_arrival.filter(|&arrival| arrival > end)
    }

    /// Returns `true` if the trace may stay incomplete.
    pub(super) fn accepts_parts(&self) -> bool {
        self.tolerates_orphans || !self.sampled || self.of_pipeline
    }
}

impl TraceProgress {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
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
            known_until: snapshot.known_until,
            misses_parts: trace.misses_spans(),
            has_holes: !trace.holes().is_empty(),
            last_arrival: arrivals.iter().copied().max(),
            last_activity: producers.chain(snapshot.linked_arrival).max(),
            entered: entries
                .filter_map(|entry| arrivals.get(entry).copied())
                .max(),
            last_end: trace.spans().iter().map(|span| span.end).max().unwrap_or(0),
            passage: snapshot.passage,
        }
    }

    /// The arrival of the last entry, if no part is missing or lost.
    #[cfg(feature = "run")]
    pub(super) fn whole_since(&self) -> Option<Instant> {
        self.entered
            .filter(|_| !self.misses_parts && !self.has_holes)
    }
}

#[cfg(test)]
mod tests;
