//! The report of a `repeat`: that of one request, with the statistics of all.

use std::sync::Arc;
use std::time::Duration;

use super::budgets::{BudgetJudge, Decisions, JudgedRun, RetryState, TakeBack};
use super::request::JudgedRequest;
use super::request_stats::RequestStats;
use super::share;
use crate::budget::{share_bounds, trials_to_prove};
use crate::check::{CheckRef, Failure, Judged, Outcome, Subject};
use crate::number::{Unit, counted, figure_up};
use crate::result::{
    FailureShare, HeldBack, KeptShare, Load, Phase, ShareVerdict, StepReport, Trouble,
};
use crate::spec::{Allowance, Repeat, Spec};
use crate::step::{self, AtDeadline, DecidedStep, RunContext, Stop, WaitEnd};

/// The reason why no further request was sent.
pub(super) enum StopReason<'a> {
    /// All requests were sent.
    Complete,
    /// The failures exceed the limit by far.
    Hopeless,
    /// The connection of a warm-up request was refused.
    Refused(Box<JudgedRequest<'a>>),
    /// The traces of a search could not be found.
    Unsearchable(Box<Trouble>),
    /// The run ended.
    Stopped(Stop),
    /// The run ended after all requests, before they were sent again.
    NotRepeated(Stop),
}

/// The result of the comparison with `failures`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LimitVerdict {
    Allowed,
    Failed,
    /// Too many requests did not pass, but too few of them failed.
    Errored,
}

impl StopReason<'_> {
    fn note(&self, stats: &RequestStats<'_>, sent: u64, of: u64, allowed: u64) -> Option<String> {
        let done = stats.requests;
        // Requests in flight have no verdict.
        let sent = match sent > done {
            true => format!("{sent} of {of} requests, of which {done} have a verdict"),
            false => format!("{done} of {of} requests"),
        };
        match self {
            Self::Complete | Self::NotRepeated(_) | Self::Unsearchable(_) => None,
            Self::Hopeless => {
                let failed = stats.not_passed();
                Some(format!(
                    "stopped after {done} of {of} requests: {failed} failed ({allowed} allowed)"
                ))
            }
            Self::Refused(_) => Some("stopped in the warm-up: connection refused".to_owned()),
            Self::Stopped(Stop::Interrupted) => Some(format!("interrupted after {sent}")),
            Self::Stopped(Stop::Died(_)) => Some(format!("stopped after {sent}: a service died")),
        }
    }
}

/// The requests of one run, after the last one was judged.
pub(super) struct MeasuredRun<'a> {
    pub(super) started: jiff::Timestamp,
    pub(super) load: Load,
    pub(super) stats: RequestStats<'a>,
    pub(super) ended: StopReason<'a>,
}

/// The requests of a run, without their answers.
pub(super) struct Sending {
    /// Number of requests that count, with or without an answer.
    pub(super) sent: u64,
    /// The largest delay of a request that this machine caused.
    pub(super) behind: Duration,
    pub(super) held_back: Option<HeldBack>,
}

/// All runs of a step with `repeat`, whose budgets are not judged yet.
pub(super) struct RepeatResult<'a> {
    pub(super) run: &'a RunContext<'a>,
    pub(super) spec: &'a Spec,
    pub(super) repeat: &'a Repeat,
    pub(super) judge: BudgetJudge<'a>,
    /// The runs before the last one.
    pub(super) earlier: Vec<JudgedRun<'a>>,
    pub(super) last: MeasuredRun<'a>,
    /// The claims of the last run.
    pub(super) decided: Decisions<'a>,
    /// The excess that a further run had to confirm.
    pub(super) unconfirmed: Option<Excess>,
}

/// Claims that exceed their limits.
pub(super) struct Excess {
    /// `p50 of ship exceeds its limit`
    pub(super) what: String,
    /// The number of runs in which they all do.
    pub(super) runs: usize,
}

impl<'a> MeasuredRun<'a> {
    /// Summarizes the requests.
    pub(super) fn new(
        started: jiff::Timestamp,
        repeat: &Repeat,
        mut stats: RequestStats<'a>,
        ended: StopReason<'a>,
        sending: Sending,
    ) -> Self {
        let planned = repeat.pace.requests();
        // Of the requests sent if the run is complete, otherwise of those planned.
        let allowed = repeat.failures.of(match ended {
            StopReason::Complete => stats.requests,
            _ => planned.max(stats.requests),
        });
        let load = Load {
            behind: sending.behind,
            held_back: sending.held_back,
            stopped: ended.note(&stats, sending.sent, planned, allowed),
            failure_share: match ended {
                StopReason::Complete => failure_share(repeat, &stats),
                _ => None,
            },
            kept_share: match ended {
                StopReason::Complete => stats.kept_share(),
                _ => None,
            },
            ..load(repeat, &mut stats, allowed)
        };
        Self {
            started,
            load,
            stats,
            ended,
        }
    }

    /// Returns `true` if its budgets can be compared: all requests were sent, and not too many failed.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.ended, StopReason::Complete) && self.load.has_permitted_failures()
    }

    /// Its claims, for the judgement of a later run.
    pub(super) fn judged(self, decided: Decisions<'a>) -> JudgedRun<'a> {
        JudgedRun {
            started: self.started,
            load: self.load,
            decided,
        }
    }

    /// Notes that the run ended before another one.
    pub(super) fn stop_after(&mut self, stop: Stop, run: usize) {
        self.load.stopped = Some(match &stop {
            Stop::Interrupted => format!("interrupted after run {run}"),
            Stop::Died(_) => format!("stopped after run {run}: a service died"),
        });
        self.ended = StopReason::NotRepeated(stop);
    }

    fn verdict(&self) -> LimitVerdict {
        if self.load.failed > self.load.allowed {
            LimitVerdict::Failed
        } else if !self.load.has_permitted_failures() {
            LimitVerdict::Errored
        } else {
            LimitVerdict::Allowed
        }
    }
}

impl RepeatResult<'_> {
    /// The report, with budgets judged, and what was written of it.
    pub(super) async fn report(mut self, retry: RetryState) -> (StepReport, Option<TakeBack>) {
        let verdict = self.last.verdict();
        let secrets = std::mem::take(&mut self.last.stats.secrets);
        self.run.secrets.add(secrets.into_iter().flatten());
        // If too many requests could not be judged, the samples of the others prove nothing.
        let is_over = matches!(self.last.ended, StopReason::Complete | StopReason::Hopeless);
        let is_judged = is_over && verdict != LimitVerdict::Errored;
        let is_measured = matches!(self.last.ended, StopReason::NotRepeated(_));
        let mut report = self.of_one(verdict).await;
        let mut load = Load {
            is_strict: self.run.options.budgets.is_strict,
            earlier: self.earlier.iter().map(JudgedRun::summary).collect(),
            ..self.last.load
        };
        if is_judged && verdict == LimitVerdict::Failed {
            report.checks.push(too_many_failures(self.repeat, &load));
        }
        if is_judged && load.is_strict {
            report.checks.extend(unproven_failures(self.repeat, &load));
        }
        load.kept_share = first_outside(&self.earlier, load.kept_share.take());
        if is_judged {
            report.checks.extend(share::check(&load));
        }
        let mut discarded = Vec::new();
        let checks = match is_judged {
            true => &mut report.checks,
            false => &mut discarded,
        };
        let mut take_back = None;
        if load.requests > 0 {
            let mut last = JudgedRun {
                started: self.last.started,
                decided: self.decided,
                load,
            };
            let seen = report.trace.as_deref();
            let concluded = self
                .judge
                .conclude(&self.earlier, &mut last, retry, seen, checks)
                .await;
            match concluded {
                Ok(written) => take_back = written,
                Err(trouble) => {
                    report.trouble.get_or_insert(trouble);
                }
            }
            load = last.load;
        }
        if !is_judged {
            for of in &mut load.measured {
                if is_measured {
                    // Only the confirmation is missing.
                    let exceeding = of.judged.iter_mut();
                    let exceeding =
                        exceeding.filter(|one| one.exceeds() && one.unit == Unit::Micros);
                    exceeding.for_each(|one| one.leave_unconfirmed(one.earlier.len() + 1));
                } else {
                    // The report has the numbers, but no verdicts.
                    of.judged.clear();
                }
            }
            let unconfirmed = self.unconfirmed.map(|Excess { what, runs }| {
                let runs = counted(runs, "run");
                format!("{what} in {runs}, and no further run confirmed it")
            });
            load.notices.extend(unconfirmed);
        }
        Judged::sort(&mut report.checks);
        report.load = Some(Arc::new(load));
        (*report, take_back)
    }

    /// The report of the request that best explains the result.
    async fn of_one(&mut self, verdict: LimitVerdict) -> Box<StepReport> {
        let stats = &mut self.last.stats;
        let ended = std::mem::replace(&mut self.last.ended, StopReason::Complete);
        let shown = match (ended, verdict) {
            (StopReason::Refused(done), _) => Some(*done),
            (StopReason::Stopped(stop) | StopReason::NotRepeated(stop), _) => {
                let step = &self.spec.steps[0];
                let report = representative(self.run, self.spec, stats);
                return report.with_trouble(stop.trouble(step));
            }
            (StopReason::Unsearchable(trouble), _) => {
                return representative(self.run, self.spec, stats).with_trouble(*trouble);
            }
            (_, LimitVerdict::Failed) => stats.take_failed(),
            (_, LimitVerdict::Errored) => stats.first_errored.take(),
            (_, LimitVerdict::Allowed) => None,
        };
        match shown {
            Some(done) => explain(self.run, done).await,
            None => representative(self.run, self.spec, stats),
        }
    }
}

/// The report of a request that did not pass, with an explanation.
async fn explain(run: &RunContext<'_>, done: JudgedRequest<'_>) -> Box<StepReport> {
    run.secrets.add(done.secrets);
    let decided = DecidedStep {
        report: done.report,
        end: done.end,
        basis: None,
    };
    let mut report = done.context.explain(decided).await;
    if !report.has_failed() {
        let state = match done.end {
            Some(WaitEnd::TimedOut(state)) => state,
            _ => AtDeadline::Quiet,
        };
        // No check needs the trace, but a budget measures it.
        let trouble = match report.trace.as_deref() {
            None => done.context.no_spans(&report).await,
            Some(trace) if !trace.holes().is_empty() => {
                let holes: Vec<_> = trace.holes().iter().collect();
                done.context.lost_spans(&holes)
            }
            trace => done.context.inconclusive(trace, state),
        };
        report.trouble = Some(trouble);
    }
    report
}

/// The report of the representative request. Its failures, if any, are within `failures`, so they
/// are removed.
fn representative(
    run: &RunContext<'_>,
    spec: &Spec,
    stats: &mut RequestStats<'_>,
) -> Box<StepReport> {
    let Some(done) = stats.slowest() else {
        return step::blank(&spec.steps[0], Phase::Test);
    };
    run.secrets.add(done.secrets);
    let mut report = done.report;
    report.trouble = None;
    report
        .checks
        .retain(|judged| matches!(judged.outcome, Outcome::Pass));
    report
}

fn load(repeat: &Repeat, stats: &mut RequestStats<'_>, allowed: u64) -> Load {
    let duration = stats.duration();
    let measured = stats.measured();
    let mut failing = std::mem::take(&mut stats.failing);
    failing.sort_by_key(|failing| std::cmp::Reverse(failing.requests));
    Load {
        pace: repeat.pace.clone(),
        warmup: repeat.warmup,
        requests: stats.requests,
        failed: stats.failed,
        errored: stats.errored,
        allowed,
        duration,
        response_times: std::mem::take(&mut stats.response_times),
        punctual_times: stats.punctual_times.take(),
        stopped: None,
        behind: Duration::ZERO,
        held_back: None,
        machine: None,
        failing,
        failure_share: None,
        kept_share: None,
        other_failed: stats.other_failed(),
        earlier: Vec::new(),
        is_strict: false,
        measured,
        notices: std::mem::take(&mut stats.search_notes),
    }
}

/// Bounds the share of failures, if the spec permits some.
fn failure_share(repeat: &Repeat, stats: &RequestStats<'_>) -> Option<FailureShare> {
    let permits_some = repeat.failures != Allowance::Count(0) && !repeat.pace.is_search();
    let is_known = permits_some && stats.requests > 0;
    is_known.then(|| {
        let [_, at_most] = share_bounds(stats.not_passed(), stats.requests, FailureShare::ERROR);
        FailureShare {
            at_most,
            permitted: repeat.failures,
        }
    })
}

/// The failed check if the requests do not prove the permitted share.
fn unproven_failures(repeat: &Repeat, load: &Load) -> Option<Judged> {
    let share = load.failure_share?;
    let permitted = share.unproven()?;
    let mut failure = Failure::new(
        Subject::Failures,
        repeat.failures_at.clone(),
        format!("proof of at most {}", share.permitted),
        format!("at most {} %", figure_up(100.0 * share.at_most)),
    );
    let needed = trials_to_prove(permitted, FailureShare::ERROR);
    failure.hints.push(format!(
        "{} without a failure prove it",
        counted(needed, load.pace.unit())
    ));
    Some(Judged::failed(CheckRef::Failures, failure))
}

/// The share of the first run in which it is outside its range, or that of the last one. No disturbance of the
/// machine changes decisions, so that no further run has to confirm it.
fn first_outside(earlier: &[JudgedRun<'_>], last: Option<KeptShare>) -> Option<KeptShare> {
    let is_outside = |share: &&KeptShare| {
        matches!(
            share.verdict(),
            ShareVerdict::OverLimit | ShareVerdict::UnderLimit
        )
    };
    let earlier = earlier
        .iter()
        .filter_map(|run| run.load.kept_share.as_ref());
    earlier.chain(&last).find(is_outside).cloned().or(last)
}

fn too_many_failures(repeat: &Repeat, load: &Load) -> Judged {
    let failure = Failure::new(
        Subject::Failures,
        repeat.failures_at.clone(),
        format!("at most {}", load.allowed),
        format!("{} of {}", load.failed, load.requests),
    );
    Judged::failed(CheckRef::Failures, failure)
}
