//! Sends what is due, and hands every answer on, until the last trace is judged.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

use super::budgets::MeasuredAttempt;
use super::measure;
use super::pace::Pacer;
use super::pulse::Pulse;
use super::request::{Answered, Pattern};
use super::tally::{Tally, micros};
use super::verdict::{Ended, Outcomes};
use super::watched::WatchedRequests;
use crate::budget::{Quantile, Samples};
use crate::process::allow_requests;
use crate::result::{HeldBack, StepReport};
use crate::spec::{Pace, Repeat, Scope, Spec};
use crate::step::{RunContext, StepReader};
use crate::trigger::Session;

/// So many requests may wait for an answer at the same time: more sockets than most systems give to
/// a process, and fewer than it takes long to let go of.
const MOST_IN_FLIGHT: usize = 4_096;

/// So many may be under way, those included that wait for their traces.
const MOST_UNDER_WAY: usize = 16_384;

/// So many bytes of answers may wait for their traces: 256 MiB.
const MOST_BYTES: usize = 256 << 20;

/// After so many failures more than may be, nobody needs the other requests.
const HOPELESS: u64 = 20;

/// How often it is told how far it is.
const TELLING: Duration = Duration::from_millis(250);

/// How far the requests of a spec are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) done: u64,
    pub(crate) of: u64,
    pub(crate) rate: f64,
    pub(crate) p50: Option<f64>,
    pub(crate) failed: u64,
}

/// Fires the only step of a spec many times.
pub(crate) struct Driver<'a> {
    pub(crate) run: &'a RunContext<'a>,
    pub(crate) spec: &'a Spec,
    pub(crate) repeat: &'a Repeat,
    /// Called four times per second.
    pub(crate) on_progress: &'a (dyn Fn(Progress) + Send + Sync),
}

/// What was answered so far, whatever its trace says.
#[derive(Default)]
struct Answers {
    counted: u64,
    times: Samples,
    first: Option<Instant>,
    last: Option<Instant>,
    behind: Duration,
    held_back: Duration,
}

/// All requests, once the last of them was judged.
pub(crate) struct RepeatedStep<'a> {
    outcomes: Outcomes<'a>,
    watched: WatchedRequests,
}

impl RepeatedStep<'_> {
    /// What they came to, with budgets judged. What was measured is written down where the options
    /// say so, unless another attempt follows.
    pub(crate) async fn report(self, attempt: MeasuredAttempt) -> (StepReport, WatchedRequests) {
        let (report, take_back) = self.outcomes.report(attempt).await;
        let mut watched = self.watched;
        watched.take_back = take_back;
        (report, watched)
    }
}

impl<'a> Driver<'a> {
    /// Fires the requests with what is known after the setup.
    pub(crate) async fn run(self, scope: &Scope, session: Arc<Session>) -> RepeatedStep<'a> {
        let pulse = Pulse::start();
        let pattern = Pattern {
            run: self.run,
            reader: StepReader::new(&self.spec.steps[0]),
            scope: scope.for_repeat(),
            session,
            measures: measure::any_looks_at_trace(&self.spec.budgets),
            stalls: Arc::clone(pulse.stalls()),
        };
        allow_requests(self.most_in_flight());
        let mut tally = Tally::new(&self.spec.budgets, &self.repeat.pace);
        let mut answers = Answers::default();
        let mut watched = WatchedRequests::of(&self.spec.budgets, self.run.source.most_watched());
        let ended = self
            .drive(&pattern, &mut tally, &mut answers, &mut watched)
            .await;
        let outcomes = Outcomes {
            run: self.run,
            spec: self.spec,
            repeat: self.repeat,
            tally,
            ended,
            behind: answers.behind,
            held_back: (answers.held_back > Duration::ZERO).then_some(HeldBack {
                unanswered: MOST_IN_FLIGHT as u64,
                longest: answers.held_back,
            }),
        };
        RepeatedStep { outcomes, watched }
    }

    async fn drive(
        &self,
        pattern: &Pattern<'a>,
        tally: &mut Tally<'a>,
        answers: &mut Answers,
        watched: &mut WatchedRequests,
    ) -> Ended<'a> {
        let mut stopped = pin!(self.run.stopped());
        let mut pacer = Pacer::new(self.repeat);
        let mut in_flight: JoinSet<Answered> = JoinSet::new();
        let mut unsettled = FuturesUnordered::new();
        let mut bytes = 0;
        // When there was last no room because of the service, which does not answer: not of us, who
        // do not read what it answers.
        let mut crowded = None;
        let mut ticks = tokio::time::interval(TELLING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if pacer.is_over() && in_flight.is_empty() && unsettled.is_empty() {
                return Ended::Whole;
            }
            let mut waiting = in_flight.len();
            if waiting >= MOST_IN_FLIGHT {
                // What was answered, and only not looked at yet, is no work of the service.
                while let Some(answered) = in_flight.try_join_next() {
                    let answered = unless_panicked(answered);
                    answers.note(&answered);
                    bytes += answered.size;
                    unsettled.push(pattern.settle(answered));
                }
                waiting = in_flight.len();
            }
            let now = Instant::now();
            if waiting >= MOST_IN_FLIGHT && pattern.stalls.keeps_up(now) {
                crowded = Some(now);
            }
            let has_room = waiting < MOST_IN_FLIGHT
                && waiting + unsettled.len() < MOST_UNDER_WAY
                && bytes < MOST_BYTES;
            // None comes first: sent as quickly as they are answered, requests would leave no time
            // to judge any. The time of an answer is known when it is here.
            let done = tokio::select! {
                stop = &mut stopped => return Ended::Stopped(stop),
                _ = ticks.tick() => {
                    (self.on_progress)(answers.progress(self.repeat, tally));
                    None
                }
                Some(answered) = in_flight.join_next() => {
                    let answered = unless_panicked(answered);
                    answers.note(&answered);
                    bytes += answered.size;
                    unsettled.push(pattern.settle(answered));
                    None
                }
                due = pacer.next(waiting), if has_room && !pacer.is_over() => {
                    due.and_then(|due| pattern.send(due, crowded, &mut in_flight).err())
                }
                Some(done) = unsettled.next() => Some(Box::new(done)),
            };
            bytes -= done.as_ref().map_or(0, |done| done.size);
            match done {
                Some(mut done) if done.counts => {
                    watched.add(&mut done);
                    tally.add(*done);
                }
                Some(done) if done.is_refused => return Ended::Refused(done),
                _ => {}
            }
            if tally.not_well() > self.allowed().saturating_add(HOPELESS) {
                return Ended::Hopeless;
            }
        }
    }

    fn most_in_flight(&self) -> u64 {
        match self.repeat.pace {
            Pace::Closed { concurrency, .. } => concurrency.into(),
            Pace::Open { .. } => MOST_IN_FLIGHT as u64,
        }
    }

    fn allowed(&self) -> u64 {
        self.repeat.failures.of(self.repeat.pace.requests())
    }
}

/// A panic in a task is one of ours.
fn unless_panicked(answered: Result<Answered, JoinError>) -> Answered {
    match answered.map_err(JoinError::try_into_panic) {
        Ok(answered) => answered,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => unreachable!("what is in flight is only aborted when it is dropped"),
    }
}

impl Answers {
    fn note(&mut self, answered: &Answered) {
        if !answered.counts {
            return;
        }
        self.counted += 1;
        self.behind = self.behind.max(answered.lateness.own);
        self.held_back = self.held_back.max(answered.lateness.held_back);
        self.first.get_or_insert(answered.fired);
        self.last = self.last.max(Some(answered.responded));
        if let Some(time) = answered.waited() {
            self.times.add(micros(time));
        }
    }

    fn progress(&self, repeat: &Repeat, tally: &Tally<'_>) -> Progress {
        let seconds = match (self.first, self.last) {
            (Some(first), Some(last)) => last.saturating_duration_since(first).as_secs_f64(),
            _ => 0.0,
        };
        Progress {
            done: self.counted,
            of: repeat.pace.requests(),
            rate: match seconds > 0.0 {
                true => self.counted as f64 / seconds,
                false => 0.0,
            },
            p50: self.times.quantile(Quantile::P50),
            failed: tally.not_well(),
        }
    }
}
