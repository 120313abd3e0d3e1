//! The wait for metrics: for points from before the trigger, and for points that count the whole
//! request.
//!
//! A process exports all its series at an interval, whether or not they changed. The *metric bound* is
//! an upper limit for the delay between a measurement and the arrival of its metric.

use std::time::{Duration, Instant, SystemTime};

use super::completeness::{AtDeadline, Flush, LONGEST, WaitPolicy};
use super::context::StepContext;
use super::run_context::RunContext;
use super::settings::Stop;
use super::wait_end::WaitEnd;
use crate::check::{self, AwaitedMetrics, MetricEnd, MetricEvidence};
use crate::source::{MetricWatch, Scraper};
use crate::spec::{Expect, Step};
use crate::trace::{
    MetricHole, MetricRecords, Nanos, Trace, TraceId, marker_value, nanos_of, unix_nanos,
};

/// The assumed metric bound: SDKs export every 60 s by default, and an export takes time.
const DEFAULT_BOUND: Duration = Duration::from_millis(60_250);

/// Instrumentation measures a request a moment after its response was sent.
const SETTLING: Duration = Duration::from_millis(100);

/// Time in which an endpoint that failed is read again.
const RETRIES: Duration = Duration::from_secs(1);

/// Time for the verdict after the metric bound, if that is longer than the default timeout.
const RESERVE: Duration = Duration::from_secs(5);

/// The metrics of a step, from before its trigger.
pub(crate) struct StepMetrics {
    watch: MetricWatch,
    began: Instant,
    alone_since: Nanos,
    bound: Duration,
    /// Reads the metrics that services expose, if there are any.
    scraper: Option<Scraper>,
    /// The metrics that could not be read.
    unread: Vec<MetricHole>,
}

/// The response of a step, and its trace at the verdict.
#[derive(Clone, Copy)]
pub(super) struct AfterResponse<'t> {
    pub(super) responded: Instant,
    pub(super) trace: &'t Trace,
    pub(super) policy: &'t WaitPolicy,
}

/// The metric bound of a step, and `true` if it is known.
fn bound_of(run: &RunContext<'_>, step: &Step) -> (Duration, bool) {
    let flush = run.options.metric_flush.of_step(step);
    match step.wait.metrics.map_or(flush, Flush::Known) {
        Flush::Known(bound) => (bound.min(LONGEST), true),
        Flush::Assumed => (DEFAULT_BOUND, false),
    }
}

impl StepMetrics {
    /// Waits until each process has had the time to export once, with no request of another spec since.
    /// `None` if the step needs no metrics, or the source has none.
    pub(super) async fn before_trigger(
        run: &RunContext<'_>,
        step: &Step,
    ) -> Result<Option<Self>, Stop> {
        if !step.needs_metrics {
            return Ok(None);
        }
        let Some(watch) = run.source.watch_metrics() else {
            return Ok(None);
        };
        let (bound, is_known) = bound_of(run, step);
        let sends_metrics = step.sends_metrics();
        if !is_known && !sends_metrics {
            run.record_unknown_metric_bound();
        }
        let alone_since = unix_nanos(SystemTime::now() + SETTLING);
        let targets = &run.options.scrape;
        let mut metrics = Self {
            watch,
            began: Instant::now(),
            alone_since,
            bound,
            scraper: (!targets.is_empty()).then(|| Scraper::new(targets.clone())),
            unread: Vec::new(),
        };
        if sends_metrics {
            // What arrived before does not matter.
            return Ok(Some(metrics));
        }
        tokio::select! {
            () = metrics.baseline() => Ok(Some(metrics)),
            stop = run.stopped() => Err(stop),
        }
    }

    /// A point of each process that exports. One that is slower than the bound is not waited for long.
    /// Endpoints are read twice: a series that grows between the readings also counts something else than
    /// the specs, such as the readings.
    async fn baseline(&mut self) {
        let due = self.began + SETTLING + self.bound;
        let latest = due + self.bound;
        reached(self.alone_since).await;
        self.scrape(due).await;
        reached(self.alone_since + nanos_of(self.bound)).await;
        self.scrape(latest).await;
        tokio::time::sleep_until(due.into()).await;
        while Instant::now() < latest && !self.has_baseline() {
            tokio::select! {
                () = self.watch.changed() => {}
                () = tokio::time::sleep_until(latest.into()) => {}
            }
        }
    }

    /// Reads the metrics that services expose. Their values may be as old as the metric bound.
    async fn scrape(&mut self, deadline: Instant) {
        if let Some(scraper) = &mut self.scraper {
            let unread = scraper.scrape(&self.watch, self.bound, deadline).await;
            self.unread.extend(unread);
        }
    }

    fn has_baseline(&mut self) -> bool {
        let records = self.watch.read();
        records.processes.values().all(|process| {
            let mut of_window = process.exports.iter();
            let is_active = of_window.any(|(arrived, _)| *arrived >= self.began);
            let mut exports = process.exports.iter();
            !is_active || exports.any(|(_, time)| process.corrected(*time) >= self.alone_since)
        })
    }

    /// Waits until each process has had the time to export what the request changed.
    pub(super) async fn after_response(
        &mut self,
        context: &StepContext<'_>,
        expect: &Expect,
        after: AfterResponse<'_>,
    ) -> Result<MetricEvidence, Stop> {
        let ended = wall_of_end(&after);
        let settled = ended.saturating_add(nanos_of(after.policy.tail + SETTLING));
        let now = unix_nanos(SystemTime::now());
        let settled_at = Instant::now() + Duration::from_nanos(settled.saturating_sub(now))
            - Duration::from_nanos(now.saturating_sub(settled)).min(after.responded.elapsed());
        let due = settled_at + self.bound;
        let deadline = self.deadline(context, &after).max(due);
        if self.scraper.is_some() {
            let read = async {
                reached(settled.saturating_add(nanos_of(self.bound))).await;
                self.scrape(deadline.min(due + RETRIES)).await;
            };
            tokio::select! {
                () = read => {}
                stop = context.run.stopped() => return Err(stop),
            }
        }
        loop {
            let evidence = self.evidence(context.fired, settled, MetricEnd::Complete);
            let now = Instant::now();
            let until = match check::awaited_metrics(&expect.metrics, &evidence) {
                AwaitedMetrics::Nothing => due,
                AwaitedMetrics::Series => deadline.min(due + self.bound),
                AwaitedMetrics::Export => deadline,
            };
            if now >= until {
                return Ok(evidence);
            }
            let next = if now < due { due } else { until };
            tokio::select! {
                () = self.watch.changed(), if now >= due => {}
                () = tokio::time::sleep_until(next.into()) => {}
                stop = context.run.stopped() => return Err(stop),
            }
        }
    }

    /// A timeout that the spec sets holds. The default one is extended for a long metric bound.
    fn deadline(&self, context: &StepContext<'_>, after: &AfterResponse<'_>) -> Instant {
        let timeout = match context.step.wait.timeout {
            Some(_) => after.policy.timeout,
            None => after
                .policy
                .timeout
                .max(after.policy.tail + self.bound + RESERVE),
        };
        after.responded + timeout
    }

    /// The metrics that came out of a pipeline since the trigger, after the wait ended in this way.
    pub(super) fn output(
        &mut self,
        fired: Instant,
        markers: &[TraceId],
        end: WaitEnd,
    ) -> MetricEvidence {
        let end = match end {
            WaitEnd::Closed => MetricEnd::PassedOn,
            WaitEnd::TimedOut(AtDeadline::NoMarker) => MetricEnd::NotPassedOn,
            WaitEnd::Early | WaitEnd::Quiet | WaitEnd::TimedOut(_) => MetricEnd::NotReached,
        };
        let markers: Vec<i64> = markers.iter().map(|&id| marker_value(id)).collect();
        let evidence = self.evidence(fired, 0, end);
        MetricEvidence {
            records: evidence.records.since(fired).without(&markers),
            alone_since: 0,
            ..evidence
        }
    }

    /// The metrics so far, for a step that ends before they are complete.
    pub(super) fn so_far(&mut self, fired: Instant) -> MetricEvidence {
        self.evidence(fired, Nanos::MAX, MetricEnd::NotReached)
    }

    fn evidence(&mut self, fired: Instant, settled: Nanos, end: MetricEnd) -> MetricEvidence {
        let mut records: MetricRecords = self.watch.read();
        records.holes.extend(self.unread.iter().cloned());
        MetricEvidence {
            records,
            began: self.began,
            alone_since: self.alone_since,
            fired,
            settled,
            end,
        }
    }

    /// Since when metrics are watched.
    pub(super) fn began(&self) -> Instant {
        self.began
    }
}

/// The metrics that arrived in a window.
pub(super) fn metrics_of_window(watch: &mut MetricWatch, began: Instant) -> MetricEvidence {
    MetricEvidence {
        records: watch.read().since(began),
        began,
        alone_since: 0,
        fired: began,
        settled: 0,
        end: MetricEnd::PassedOn,
    }
}

/// Waits until this time by the clock of this machine.
async fn reached(time: Nanos) {
    loop {
        let left = time.saturating_sub(unix_nanos(SystemTime::now()));
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_nanos(left)).await;
    }
}

/// The end of the request: the response, or the last end of a span. A span that ends in the future has
/// a wrong clock.
fn wall_of_end(after: &AfterResponse<'_>) -> Nanos {
    let now = SystemTime::now();
    let responded = unix_nanos(now - after.responded.elapsed());
    let last = after.trace.spans().iter().map(|span| span.end).max();
    responded.max(last.unwrap_or_default().min(unix_nanos(now)))
}

/// Metrics from exports in OTLP/JSON, or from texts of OpenMetrics that the service `gateway` exposes, before and
/// after a trigger, for tests of reports.
///
/// # Panics
/// If an export cannot be read.
#[cfg(feature = "cli")]
#[doc(hidden)]
#[must_use]
pub fn metrics_of_exports(
    (before, after): (&[String], &[String]),
    (alone_since, settled): (Nanos, Nanos),
) -> MetricEvidence {
    let store = crate::source::Store::new();
    let began = Instant::now();
    let mut watch = store.watch_metrics();
    let take_in = |exports: &[String], time| {
        for export in exports {
            match export.starts_with('{') {
                true => store
                    .ingest_json_metrics(export.clone())
                    .expect("the export of a test can be read"),
                false => crate::source::expose(&watch, "gateway", export, time),
            }
        }
    };
    take_in(before, alone_since);
    let fired = Instant::now();
    take_in(after, settled);
    MetricEvidence {
        records: watch.read(),
        began,
        alone_since,
        fired,
        settled,
        end: MetricEnd::Complete,
    }
}
