//! The report of a `repeat`: that of one request, with the statistics of all.

use std::sync::Arc;
use std::time::Duration;

use super::budgets::{self, MeasuredAttempt, TakeBack};
use super::request::JudgedRequest;
use super::request_stats::RequestStats;
use crate::check::{CheckRef, Failure, Judged, Outcome, Subject};
use crate::result::{HeldBack, Load, Phase, StepReport};
use crate::spec::{Repeat, Spec};
use crate::step::{self, AtDeadline, DecidedStep, RunContext, Stop, WaitEnd};

/// The reason why no further request was sent.
pub(super) enum StopReason<'a> {
    /// All requests were sent.
    Complete,
    /// The failures exceed the limit by far.
    Hopeless,
    /// The connection of a warm-up request was refused.
    Refused(Box<JudgedRequest<'a>>),
    /// The run ended.
    Stopped(Stop),
}

/// The result of the comparison with `failures`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LimitVerdict {
    Allowed,
    Failed,
    /// Too many requests did not pass, but too few of them failed.
    Errored,
}

/// The results after the last request was judged.
pub(super) struct RepeatResult<'a> {
    pub(super) run: &'a RunContext<'a>,
    pub(super) spec: &'a Spec,
    pub(super) repeat: &'a Repeat,
    pub(super) stats: RequestStats<'a>,
    pub(super) ended: StopReason<'a>,
    /// The largest delay of a request that this machine caused.
    pub(super) behind: Duration,
    pub(super) held_back: Option<HeldBack>,
}

impl RepeatResult<'_> {
    /// The report, with budgets judged, and what was written of it.
    pub(super) async fn report(
        mut self,
        attempt: MeasuredAttempt,
    ) -> (StepReport, Option<TakeBack>) {
        let allowed = self.allowed();
        let verdict = self.verdict(allowed);
        let stopped = self.stop_note(allowed);
        let secrets = std::mem::take(&mut self.stats.secrets);
        self.run.secrets.add(secrets.into_iter().flatten());
        // If too many requests could not be judged, the samples of the others prove nothing.
        let is_over = matches!(self.ended, StopReason::Complete | StopReason::Hopeless);
        let is_judged = is_over && verdict != LimitVerdict::Errored;
        let mut report = self.of_one(verdict).await;
        let mut load = Load {
            is_strict: self.run.options.budgets.is_strict,
            behind: self.behind,
            held_back: self.held_back,
            ..load(self.repeat, self.stats, allowed, stopped)
        };
        if is_judged && verdict == LimitVerdict::Failed {
            report.checks.push(too_many_failures(self.repeat, &load));
        }
        let mut discarded = Vec::new();
        let checks = match is_judged {
            true => &mut report.checks,
            false => &mut discarded,
        };
        let mut take_back = None;
        if load.requests > 0 {
            let seen = report.trace.as_deref();
            let judged =
                budgets::judge(self.run, self.spec, attempt, seen, &mut load, checks).await;
            match judged {
                Ok(written) => take_back = written,
                Err(trouble) => {
                    report.trouble.get_or_insert(trouble);
                }
            }
        }
        if !is_judged {
            // The report has the numbers, but no verdicts.
            load.measured.iter_mut().for_each(|of| of.judged.clear());
        }
        Judged::sort(&mut report.checks);
        report.load = Some(Arc::new(load));
        (report, take_back)
    }

    /// Maximum number of failed requests: of those sent if the run is complete, otherwise of those
    /// planned.
    fn allowed(&self) -> u64 {
        let requests = match self.ended {
            StopReason::Complete => self.stats.requests,
            _ => self.repeat.pace.requests().max(self.stats.requests),
        };
        self.repeat.failures.of(requests)
    }

    fn verdict(&self, allowed: u64) -> LimitVerdict {
        if self.stats.failed > allowed {
            LimitVerdict::Failed
        } else if self.stats.not_passed() > allowed {
            LimitVerdict::Errored
        } else {
            LimitVerdict::Allowed
        }
    }

    fn stop_note(&self, allowed: u64) -> Option<String> {
        let (done, of) = (self.stats.requests, self.repeat.pace.requests());
        match &self.ended {
            StopReason::Complete => None,
            StopReason::Hopeless => {
                let failed = self.stats.not_passed();
                Some(format!(
                    "stopped after {done} of {of} requests: {failed} failed ({allowed} allowed)"
                ))
            }
            StopReason::Refused(_) => Some("stopped in the warm-up: connection refused".to_owned()),
            StopReason::Stopped(Stop::Interrupted) => {
                Some(format!("interrupted after {done} of {of} requests"))
            }
            StopReason::Stopped(Stop::Died(_)) => Some(format!(
                "stopped after {done} of {of} requests: a service died"
            )),
        }
    }

    /// The report of the request that best explains the result.
    async fn of_one(&mut self, verdict: LimitVerdict) -> StepReport {
        let stats = &mut self.stats;
        let shown = match (
            std::mem::replace(&mut self.ended, StopReason::Complete),
            verdict,
        ) {
            (StopReason::Refused(done), _) => Some(*done),
            (StopReason::Stopped(stop), _) => {
                let step = &self.spec.steps[0];
                let report = representative(self.run, self.spec, stats);
                return report.with_trouble(stop.trouble(step));
            }
            (_, LimitVerdict::Failed) => stats.first_failed.take(),
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
async fn explain(run: &RunContext<'_>, done: JudgedRequest<'_>) -> StepReport {
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
            None => done.context.no_spans().await,
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
fn representative(run: &RunContext<'_>, spec: &Spec, stats: &mut RequestStats<'_>) -> StepReport {
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

fn load(
    repeat: &Repeat,
    mut stats: RequestStats<'_>,
    allowed: u64,
    stopped: Option<String>,
) -> Load {
    let duration = stats.duration();
    let measured = stats.measured();
    let mut failing = stats.failing;
    failing.sort_by_key(|failing| std::cmp::Reverse(failing.requests));
    Load {
        pace: repeat.pace.clone(),
        warmup: repeat.warmup,
        requests: stats.requests,
        failed: stats.failed,
        errored: stats.errored,
        allowed,
        duration,
        response_times: stats.response_times,
        punctual_times: stats.punctual_times,
        stopped,
        behind: Duration::ZERO,
        held_back: None,
        failing,
        is_strict: false,
        measured,
        notices: Vec::new(),
    }
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
