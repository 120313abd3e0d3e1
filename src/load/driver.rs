//! Sends the requests of a `repeat` when they are due, and collects the judged requests.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};

use super::measure::{self, micros};
use super::meter::BackgroundMeter;
use super::pace::Pacer;
use super::progress::{LoadProgress, ticks};
use super::request::{AnsweredRequest, JudgedRequest, RequestTemplate};
use super::request_stats::RequestStats;
use super::search::SpecSearch;
use super::stalls::StallMonitor;
use super::verdict::{MeasuredRun, Sending, StopReason};
use super::watched::WatchedRequests;
use crate::budget::{Quantile, Samples};
use crate::process::allow_requests;
use crate::result::HeldBack;
use crate::spec::{Pace, Repeat, Scope, Spec};
use crate::step::{RunContext, StepReader};
use crate::trigger::Session;

/// Maximum number of unanswered requests: more sockets than most systems give to a process, and few
/// enough to be closed quickly.
const MAX_IN_FLIGHT: usize = 4_096;

/// Maximum number of requests without a verdict, including answered ones.
const MAX_UNJUDGED: usize = 16_384;

/// Maximum number of requests whose traces are awaited although no check needs them.
const MAX_GATHERING: usize = 1_024;

/// Maximum size of the answers that wait for their traces: 256 MiB.
const MAX_BYTES: usize = 256 << 20;

/// The run stops when the failures exceed the limit by this number.
const MAX_EXCESS: u64 = 20;

/// Sends the requests of a spec with `repeat`.
pub(crate) struct Driver<'a> {
    pub(crate) run: &'a RunContext<'a>,
    pub(crate) spec: &'a Spec,
    pub(crate) repeat: &'a Repeat,
}

/// Statistics of the answers, which do not depend on traces.
#[derive(Default)]
struct AnswerStats {
    /// Number of requests that were sent, with or without an answer.
    sent: u64,
    counted: u64,
    times: Samples,
    first: Option<Instant>,
    last: Option<Instant>,
    behind: Duration,
    held_back: Duration,
    /// The size of the answers that are not judged yet.
    unjudged_bytes: usize,
}

impl<'a> Driver<'a> {
    /// Sends all requests once. `scope` has the variables after the setup.
    pub(super) async fn run(
        &self,
        scope: &Scope,
        session: &Arc<Session>,
        watched: &mut WatchedRequests,
        on_progress: &(dyn Fn(LoadProgress) + Send + Sync),
    ) -> MeasuredRun<'a> {
        let started = jiff::Timestamp::now();
        let monitor = StallMonitor::start();
        let share = self.spec.steps[0].share.clone();
        let template = RequestTemplate {
            run: self.run,
            reader: StepReader::new(&self.spec.steps[0]),
            scope: scope.for_repeat(),
            session: Arc::clone(session),
            measures: measure::any_looks_at_trace(&self.spec.budgets) || share.is_some(),
            stalls: Arc::clone(monitor.stalls()),
            pace: &self.repeat.pace,
            // A budget counts the versions that answered.
            gathering: Semaphore::new(match self.spec.budgets.is_empty() {
                true => 0,
                false => MAX_GATHERING,
            }),
            slowest: AtomicU64::new(0),
            has_answers: AtomicBool::new(false),
        };
        allow_requests(self.max_in_flight());
        let mut stats = RequestStats::new(&self.spec.budgets, share, &self.repeat.pace);
        let mut answers = AnswerStats::default();
        let mut meter = BackgroundMeter::start().await;
        let ended = match self.repeat.pace {
            Pace::Search { .. } => {
                let search = SpecSearch {
                    template: &template,
                    repeat: self.repeat,
                    budgets: &self.spec.budgets,
                    on_progress,
                };
                search.run(&mut stats).await
            }
            Pace::Closed { .. } | Pace::Open { .. } => {
                let parts = (&mut stats, &mut answers);
                self.drive(&template, parts, watched, &mut meter, on_progress)
                    .await
            }
        };
        let held_back = (answers.held_back > Duration::ZERO).then_some(HeldBack {
            unanswered: MAX_IN_FLIGHT as u64,
            longest: answers.held_back,
        });
        let mut run = MeasuredRun::new(
            started,
            self.repeat,
            stats,
            ended,
            Sending {
                sent: answers.sent,
                behind: answers.behind,
                held_back,
            },
        );
        run.load.machine = meter.disturbance().await;
        run
    }

    async fn drive(
        &self,
        template: &RequestTemplate<'a>,
        (stats, answers): (&mut RequestStats<'a>, &mut AnswerStats),
        watched: &mut WatchedRequests,
        meter: &mut BackgroundMeter,
        on_progress: &(dyn Fn(LoadProgress) + Send + Sync),
    ) -> StopReason<'a> {
        let mut stopped = pin!(self.run.stopped());
        let mut pacer = Pacer::new(self.repeat);
        let mut in_flight: JoinSet<AnsweredRequest> = JoinSet::new();
        let mut unsettled = FuturesUnordered::new();
        // The last moment at which the limit was reached because the service did not answer, and not
        // because this process did not read its answers.
        let mut crowded = None;
        let mut ticks = ticks();
        loop {
            if pacer.is_over() && in_flight.is_empty() {
                meter.end();
                if unsettled.is_empty() {
                    return StopReason::Complete;
                }
            }
            let mut waiting = in_flight.len();
            if waiting >= MAX_IN_FLIGHT {
                // Answers that were not read yet do not count as work of the service.
                while let Some(answered) = in_flight.try_join_next() {
                    unsettled.push(answers.settle(answered, template));
                }
                waiting = in_flight.len();
            }
            let now = Instant::now();
            if waiting >= MAX_IN_FLIGHT && template.stalls.keeps_up(now) {
                crowded = Some(now);
            }
            let has_room = waiting < MAX_IN_FLIGHT
                && waiting + unsettled.len() < MAX_UNJUDGED
                && answers.unjudged_bytes < MAX_BYTES;
            // Not biased: with priority for new requests, no time would be left to judge any.
            let done = tokio::select! {
                stop = &mut stopped => return StopReason::Stopped(stop),
                _ = ticks.tick() => {
                    on_progress(answers.progress(self.repeat, stats));
                    None
                }
                Some(answered) = in_flight.join_next() => {
                    unsettled.push(answers.settle(answered, template));
                    None
                }
                due = pacer.next(waiting), if has_room && !pacer.is_over() => {
                    due.and_then(|due| {
                        answers.sent += u64::from(due.counts);
                        template.send(due, crowded, &mut in_flight).err()
                    })
                }
                Some(done) = unsettled.next() => Some(Box::new(done)),
            };
            answers.unjudged_bytes -= done.as_ref().map_or(0, |done| done.size);
            match done {
                Some(mut done) if done.counts => {
                    watched.add(&mut done);
                    stats.add(*done);
                }
                Some(done) if done.is_refused => return StopReason::Refused(done),
                _ => {}
            }
            if stats.not_passed() > self.allowed().saturating_add(MAX_EXCESS) {
                return StopReason::Hopeless;
            }
        }
    }

    fn max_in_flight(&self) -> u64 {
        match self.repeat.pace {
            Pace::Closed { concurrency, .. } => concurrency.into(),
            Pace::Open { .. } => MAX_IN_FLIGHT as u64,
            Pace::Search { .. } => 0,
        }
    }

    fn allowed(&self) -> u64 {
        self.repeat.failures.of(self.repeat.pace.requests())
    }
}

/// Continues a panic of a task.
fn unless_panicked(answered: Result<AnsweredRequest, JoinError>) -> AnsweredRequest {
    match answered.map_err(JoinError::try_into_panic) {
        Ok(answered) => answered,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => unreachable!("requests in flight are aborted only when they are dropped"),
    }
}

impl AnswerStats {
    /// Counts an answer, and judges its request when its trace is complete.
    fn settle<'t, 'a>(
        &mut self,
        answered: Result<AnsweredRequest, JoinError>,
        template: &'t RequestTemplate<'a>,
    ) -> impl Future<Output = JudgedRequest<'a>> + use<'t, 'a> {
        let answered = unless_panicked(answered);
        self.unjudged_bytes += answered.size;
        self.note(&answered);
        template.settle(answered)
    }

    fn note(&mut self, answered: &AnsweredRequest) {
        if !answered.counts {
            return;
        }
        self.counted += 1;
        self.behind = self.behind.max(answered.lateness.own);
        self.held_back = self.held_back.max(answered.lateness.held_back);
        self.first.get_or_insert(answered.fired);
        self.last = self.last.max(Some(answered.responded));
        if let Some(time) = answered.waited() {
            self.times.add(micros(time) as f64);
        }
    }

    fn progress(&self, repeat: &Repeat, stats: &RequestStats<'_>) -> LoadProgress {
        let seconds = match (self.first, self.last) {
            (Some(first), Some(last)) => last.saturating_duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        LoadProgress {
            done: self.counted,
            rate: match seconds > 0.0 {
                true => self.counted as f64 / seconds,
                false => 0.0,
            },
            p50: self.times.quantile(Quantile::P50),
            failed: stats.not_passed(),
            ..LoadProgress::of_none(repeat)
        }
    }
}
