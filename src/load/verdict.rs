//! The report of many requests: that of one of them, and what all came to.

use std::sync::Arc;
use std::time::Duration;

use super::budgets::{self, MeasuredAttempt, TakeBack};
use super::request::Done;
use super::tally::Tally;
use crate::check::{CheckRef, Failure, Judged, Outcome, Subject};
use crate::result::{HeldBack, Load, Phase, StepReport};
use crate::spec::{Repeat, Spec};
use crate::step::{self, AtDeadline, DecidedStep, RunContext, Stop, WaitEnd};

/// Why no further request was sent.
pub(super) enum Ended<'a> {
    /// There were as many as the spec asks for.
    Whole,
    /// So many more failed than may that the others would change nothing.
    Hopeless,
    /// A request of the warm-up found nobody who listens.
    Refused(Box<Done<'a>>),
    /// The run ended.
    Stopped(Stop),
}

/// Whether few enough requests failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Failed,
    /// Too many were not well, but of too few it was seen what is wrong.
    Errored,
}

/// All that is known once the last request was judged.
pub(super) struct Outcomes<'a> {
    pub(super) run: &'a RunContext<'a>,
    pub(super) spec: &'a Spec,
    pub(super) repeat: &'a Repeat,
    pub(super) tally: Tally<'a>,
    pub(super) ended: Ended<'a>,
    /// How late the latest request was sent.
    pub(super) behind: Duration,
    pub(super) held_back: Option<HeldBack>,
}

impl Outcomes<'_> {
    /// The report, with budgets judged, and what was written of it.
    pub(super) async fn report(
        mut self,
        attempt: MeasuredAttempt,
    ) -> (StepReport, Option<TakeBack>) {
        let allowed = self.allowed();
        let verdict = self.verdict(allowed);
        let stopped = self.why_stopped(allowed);
        let secrets = std::mem::take(&mut self.tally.secrets);
        self.run.secrets.add(secrets.into_iter().flatten());
        // Where the requests could not be judged, what was measured of a few proves nothing.
        let is_over = matches!(self.ended, Ended::Whole | Ended::Hopeless);
        let is_judged = is_over && verdict != Verdict::Errored;
        let mut report = self.of_one(verdict).await;
        let mut load = Load {
            is_strict: self.run.options.budgets.is_strict,
            behind: self.behind,
            held_back: self.held_back,
            ..load(self.repeat, self.tally, allowed, stopped)
        };
        if is_judged && verdict == Verdict::Failed {
            report.checks.push(too_many(self.repeat, &load));
        }
        let mut aside = Vec::new();
        let checks = match is_judged {
            true => &mut report.checks,
            false => &mut aside,
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
            // The numbers stay, but nobody is to take them for verdicts.
            load.measured.iter_mut().for_each(|of| of.judged.clear());
        }
        Judged::sort(&mut report.checks);
        report.load = Some(Arc::new(load));
        (report, take_back)
    }

    /// How many requests may fail: of those that were, or of those that should have been.
    fn allowed(&self) -> u64 {
        let requests = match self.ended {
            Ended::Whole => self.tally.requests,
            _ => self.repeat.pace.requests().max(self.tally.requests),
        };
        self.repeat.failures.of(requests)
    }

    fn verdict(&self, allowed: u64) -> Verdict {
        if self.tally.failed > allowed {
            Verdict::Failed
        } else if self.tally.not_well() > allowed {
            Verdict::Errored
        } else {
            Verdict::Allowed
        }
    }

    fn why_stopped(&self, allowed: u64) -> Option<String> {
        let (done, of) = (self.tally.requests, self.repeat.pace.requests());
        match &self.ended {
            Ended::Whole => None,
            Ended::Hopeless => {
                let failed = self.tally.not_well();
                Some(format!(
                    "stopped after {done} of {of} requests: {failed} failed ({allowed} allowed)"
                ))
            }
            Ended::Refused(_) => Some("stopped in the warm-up: nobody listens".to_owned()),
            Ended::Stopped(Stop::Interrupted) => {
                Some(format!("interrupted after {done} of {of} requests"))
            }
            Ended::Stopped(Stop::Died(_)) => Some(format!(
                "stopped after {done} of {of} requests: a service died"
            )),
        }
    }

    /// The report of the request that tells most.
    async fn of_one(&mut self, verdict: Verdict) -> StepReport {
        let tally = &mut self.tally;
        let telling = match (std::mem::replace(&mut self.ended, Ended::Whole), verdict) {
            (Ended::Refused(done), _) => Some(*done),
            (Ended::Stopped(stop), _) => {
                let step = &self.spec.steps[0];
                let report = stand_in(self.run, self.spec, tally);
                return report.with_trouble(stop.trouble(step));
            }
            (_, Verdict::Failed) => tally.first_failed.take(),
            (_, Verdict::Errored) => tally.first_errored.take(),
            (_, Verdict::Allowed) => None,
        };
        match telling {
            Some(done) => explained(self.run, done).await,
            None => stand_in(self.run, self.spec, tally),
        }
    }
}

/// A request that was not well, with what explains it.
async fn explained(run: &RunContext<'_>, done: Done<'_>) -> StepReport {
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
        // Nothing is expected of the trace, and yet it was to be measured.
        let trouble = match report.trace.as_deref() {
            None => done.context.no_spans().await,
            trace => done.context.inconclusive(trace, state),
        };
        report.trouble = Some(trouble);
    }
    report
}

/// The slowest request. What it saw to be wrong, if anything, may be, and leaves no failed check.
fn stand_in(run: &RunContext<'_>, spec: &Spec, tally: &mut Tally<'_>) -> StepReport {
    let Some(done) = tally.slowest() else {
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

fn load(repeat: &Repeat, mut tally: Tally<'_>, allowed: u64, stopped: Option<String>) -> Load {
    let duration = tally.duration();
    let measured = tally.measured();
    let mut failing = tally.failing;
    failing.sort_by_key(|failing| std::cmp::Reverse(failing.requests));
    Load {
        pace: repeat.pace.clone(),
        warmup: repeat.warmup,
        requests: tally.requests,
        failed: tally.failed,
        errored: tally.errored,
        allowed,
        duration,
        response_times: tally.response_times,
        punctual_times: tally.punctual_times,
        stopped,
        behind: Duration::ZERO,
        held_back: None,
        failing,
        is_strict: false,
        measured,
        notices: Vec::new(),
    }
}

fn too_many(repeat: &Repeat, load: &Load) -> Judged {
    let failure = Failure::new(
        Subject::Failures,
        repeat.failures_at.clone(),
        format!("at most {}", load.allowed),
        format!("{} of {}", load.failed, load.requests),
    );
    Judged::failed(CheckRef::Failures, failure)
}
