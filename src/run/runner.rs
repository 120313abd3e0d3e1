//! Runs specs: most of them concurrently, then those with `repeat` or `metrics` one after the other.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc, watch};

use super::attempt::{WatchedAttempt, attempt};
use super::late::{self, OpenRun, RunEnd, WatchedTraces};
use super::needs::Needs;
use super::saved_traces::SavedTraces;
use crate::load::{LoadProgress, RetryState};
use crate::number::{counted, duration};
use crate::result::{Report, RunEvent, SpecReport, Telemetry, Verdict};
use crate::source::TraceSource;
use crate::spec::Spec;
use crate::step::{Options, RunContext, Stop};

/// An event from the task of a spec.
enum SpecEvent {
    Started(String),
    Progress(String, LoadProgress),
    Finished(usize, Box<SpecReport>, Vec<WatchedTraces>),
}

/// Runs specs up to the last verdict, and calls `on_event` for each event. Spans that have arrived
/// since a verdict are judged, too.
///
/// The source is ready, and so are services that this process has started. When `stop` gets a value,
/// running specs end and no further spec starts; the report is still complete.
pub async fn run(
    specs: &[Spec],
    source: &dyn TraceSource,
    options: &Options,
    stop: watch::Receiver<Option<Stop>>,
    mut on_event: impl FnMut(&RunEvent<'_>),
) -> Report {
    let open = run_open(specs, source, options, stop, &mut on_event).await;
    let end = RunEnd {
        diagnostics: source.diagnostics(Instant::now()).await,
        stopping_since: None,
    };
    open.close(&end, on_event)
}

/// Like [`run()`], but late spans may still change verdicts, such as those that services export
/// during shutdown.
pub async fn run_open(
    specs: &[Spec],
    source: &dyn TraceSource,
    options: &Options,
    stop: watch::Receiver<Option<Stop>>,
    mut on_event: impl FnMut(&RunEvent<'_>),
) -> OpenRun {
    let (started, clock) = (jiff::Timestamp::now(), Instant::now());
    let (sender, mut events) = mpsc::unbounded_channel();
    if specs.iter().any(Spec::needs_metrics) {
        source.keep_metrics();
    }
    let run = RunContext::new(source, options, stop);
    let saved_traces = SavedTraces::new(options.save_traces.clone(), run.secrets.clone());
    let runner = Runner::new(&run, &saved_traces, sender);
    on_event(&RunEvent::Selected { specs: specs.len() });
    let mut finished: Vec<Option<SpecReport>> = specs.iter().map(|_| None).collect();
    let mut watched = VecDeque::new();
    let forward_events = async {
        while let Some(event) = events.recv().await {
            match event {
                SpecEvent::Started(name) => on_event(&RunEvent::Started { name: &name }),
                SpecEvent::Progress(name, progress) => on_event(&progress_event(&name, &progress)),
                SpecEvent::Finished(number, report, traces) => {
                    on_event(&RunEvent::Finished(&report));
                    finished[number] = Some(*report);
                    late::record_delays(&mut watched, &run.delays);
                    late::watch(&mut watched, source.most_watched(), number, traces);
                }
            }
        }
    };
    tokio::join!(runner.run_all(specs), forward_events);
    let specs: Vec<SpecReport> = finished.into_iter().flatten().collect();
    let report = Report {
        started,
        duration: clock.elapsed(),
        notices: notices(&run),
        specs,
        trouble: saved_traces.troubles(),
        telemetry: Telemetry {
            listened: source.addresses().to_vec(),
            ..Telemetry::default()
        },
        interrupted: matches!(*run.stop.borrow(), Some(Stop::Interrupted)),
        without_specs: None,
        fail_flaky: false,
        secrets: run.secrets.clone(),
    };
    OpenRun::new(report, watched, saved_traces)
}

fn progress_event<'a>(name: &'a str, progress: &'a LoadProgress) -> RunEvent<'a> {
    RunEvent::Progress {
        name,
        done: progress.done,
        of: progress.of,
        rate: progress.rate,
        p50: progress.p50,
        failed: progress.failed,
        run: progress.run,
        pause: progress.pause.as_deref(),
    }
}

/// A run that is under way.
struct Runner<'a> {
    run: &'a RunContext<'a>,
    saved_traces: &'a SavedTraces,
    /// Limits the number of concurrent specs.
    jobs: Semaphore,
    not_passed: AtomicUsize,
    events: mpsc::UnboundedSender<SpecEvent>,
}

impl<'a> Runner<'a> {
    fn new(
        run: &'a RunContext<'a>,
        saved_traces: &'a SavedTraces,
        events: mpsc::UnboundedSender<SpecEvent>,
    ) -> Self {
        Self {
            run,
            saved_traces,
            jobs: Semaphore::new(run.options.jobs.max(1)),
            not_passed: AtomicUsize::new(0),
            events,
        }
    }

    /// Runs all specs, and closes the channel of events.
    async fn run_all(self, specs: &[Spec]) {
        let needs = Needs::new(specs);
        let run = async |number: usize| {
            let (report, watched) = self.run_one(number, specs, &needs).await;
            needs.ended(number, &report.verdict);
            self.send(SpecEvent::Finished(number, Box::new(report), watched));
        };
        concurrently(needs.concurrent().map(run)).await;
        for number in needs.sequential() {
            run(number).await;
        }
    }

    async fn run_one(
        &self,
        number: usize,
        specs: &[Spec],
        needs: &Needs,
    ) -> (SpecReport, Vec<WatchedTraces>) {
        let spec = &specs[number];
        if let Some(reason) = &spec.skip {
            let verdict = Verdict::Skipped(reason.clone());
            return (self.without_attempt(spec, verdict), Vec::new());
        }
        // First of all: a spec that waits must not hold a lock or occupy a job.
        if let Some(verdict) = needs.obstacle(number, specs).await {
            return (self.without_attempt(spec, verdict), Vec::new());
        }
        let shared = &self.run.options.shared;
        // The lock first: a spec that waits for it must not occupy a job.
        let lock = spec.lock.as_ref().map(|name| shared.lock(name));
        let _lock = match &lock {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        let _job = self
            .jobs
            .acquire()
            .await
            .expect("this semaphore is never closed");
        let _access = shared.access(spec).await;
        if let Some(reason) = self.reason_not_to_start() {
            let report = self.without_attempt(spec, Verdict::NotRun(reason));
            return (report, Vec::new());
        }
        self.send(SpecEvent::Started(self.run.secrets.text(&spec.name)));
        let (report, watched) = self.run_until_passed(spec).await;
        if matches!(report.verdict, Verdict::Failed | Verdict::Errored) {
            self.not_passed.fetch_add(1, Ordering::Relaxed);
        }
        (report, watched)
    }

    fn reason_not_to_start(&self) -> Option<String> {
        match &*self.run.stop.borrow() {
            Some(Stop::Interrupted) => return Some("interrupted".to_owned()),
            Some(Stop::Died(trouble)) => return Some(trouble.what.clone()),
            None => {}
        }
        let limit = self.run.options.max_fail?;
        let failed = self.not_passed.load(Ordering::Relaxed);
        (failed >= limit).then(|| match failed {
            1 => "after a failure (--fail-fast)".to_owned(),
            _ => format!("after {failed} failures (--max-fail)"),
        })
    }

    async fn run_until_passed(&self, spec: &Spec) -> (SpecReport, Vec<WatchedTraces>) {
        let run = self.run;
        let on_progress = |progress| {
            let name = run.secrets.text(&spec.name);
            self.send(SpecEvent::Progress(name, progress));
        };
        let clock = Instant::now();
        let mut attempts = Vec::new();
        loop {
            let retry = match attempts.len() < run.options.retries {
                true => RetryState::OnFailure,
                false => RetryState::Exhausted,
            };
            let WatchedAttempt { attempt, watched } =
                attempt(run, self.saved_traces, spec, retry, &on_progress).await;
            let verdict = attempt.verdict.clone();
            attempts.push(attempt);
            let is_stopped = run.stop.borrow().is_some();
            if verdict != Verdict::Passed && !is_stopped && retry != RetryState::Exhausted {
                continue;
            }
            let was_interrupted = matches!(*run.stop.borrow(), Some(Stop::Interrupted));
            let verdict = match verdict {
                Verdict::Errored if was_interrupted => {
                    Verdict::NotRun("interrupted while it ran".to_owned())
                }
                verdict => verdict,
            };
            let report = SpecReport {
                attempts,
                duration: clock.elapsed(),
                ..blank(spec, verdict)
            };
            return (run.secrets.spec(report), watched);
        }
    }

    fn without_attempt(&self, spec: &Spec, verdict: Verdict) -> SpecReport {
        self.run.secrets.spec(blank(spec, verdict))
    }

    fn send(&self, event: SpecEvent) {
        // The receiver lives longer than all specs.
        let _ = self.events.send(event);
    }
}

fn blank(spec: &Spec, verdict: Verdict) -> SpecReport {
    SpecReport {
        name: spec.name.clone(),
        at: spec.at.clone(),
        tags: spec.tags.clone(),
        verdict,
        attempts: Vec::new(),
        duration: std::time::Duration::ZERO,
    }
}

/// Polls all futures until each is done.
async fn concurrently(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    use futures_util::stream::StreamExt;
    let mut all: futures_util::stream::FuturesUnordered<_> = futures.collect();
    while all.next().await.is_some() {}
}

/// Advice for services with an unknown flush bound: a line for them, and one for the project.
const UNKNOWN_FLUSH: &str = "the flush bound of the services is unknown: each trace waits up to 5.5 s; two lines make it fast, the first in the environment of the services, the second in spanspec.yaml:\n\
    OTEL_BSP_SCHEDULE_DELAY=100\n\
    defaults: { wait: { flush: 350ms } }";

/// Advice for services with an unknown export interval of metrics: two lines for them, and one for the project.
const UNKNOWN_METRIC_BOUND: &str = "the export interval of metrics is unknown: each spec with `metrics` waited 60 s before and after its request; three lines make it fast, the first two in the environment of the services, the third in spanspec.yaml:\n\
    OTEL_METRIC_EXPORT_INTERVAL=500\n\
    OTEL_METRIC_EXPORT_TIMEOUT=500\n\
    defaults: { wait: { metrics: 750ms } }";

/// Differences of clocks up to this number of seconds have no note. `Date` of a backend has whole seconds.
const CLOSE: i64 = 2;

fn notices(run: &RunContext<'_>) -> Vec<String> {
    let mut notices = Vec::new();
    let backend = run.source.backend();
    if run.has_assumed() {
        notices.push(match &backend {
            Some(backend) => format!(
                "the time until spans can be read from {} is unknown: each trace waits up to {}; set `delay` of `source`",
                backend.name,
                duration(backend.delay)
            ),
            None => UNKNOWN_FLUSH.to_owned(),
        });
    }
    if run.has_assumed_metrics() {
        notices.push(UNKNOWN_METRIC_BOUND.to_owned());
    }
    notices.extend(run.delays.note(backend.is_some()));
    let ahead = run
        .source
        .seconds_ahead()
        .filter(|ahead| ahead.abs() > CLOSE);
    if let Some((ahead, backend)) = ahead.zip(backend) {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        notices.push(format!(
            "the clock of {} is {} {side} that of this machine",
            backend.name,
            counted(ahead.unsigned_abs(), "second")
        ));
    }
    notices.extend(run.calls_unanswered());
    notices
}
