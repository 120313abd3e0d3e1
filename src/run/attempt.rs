//! One attempt at a spec: setup, steps or many requests, teardown.

use std::sync::Arc;
use std::time::Instant;

use super::keep::{self, About};
use super::late::Watching;
use crate::check::Outcome;
use crate::load::{Driven, Driver, MeasuredAttempt, Progress, RetryState};
use crate::result::{Attempt, Phase, StepReport, Verdict};
use crate::spec::{Scope, Spec, Step};
use crate::step::{self, Setting};
use crate::trace::Trace;
use crate::trigger::Session;

/// An attempt, and the traces of its steps that are still followed.
pub(super) struct Attempted {
    pub(super) attempt: Attempt,
    /// One entry for each step.
    pub(super) watched: Vec<Watching>,
}

/// A step, and its traces that are still followed.
type Walked = (StepReport, Watching);

fn after(retry: RetryState, cleanup: &[Walked]) -> RetryState {
    match retry {
        RetryState::Another if cleanup.iter().any(|(step, _)| step.has_failed()) => {
            RetryState::Lost
        }
        other => other,
    }
}

/// Makes an attempt with fresh variables, cookies and traces. `teardown` runs whatever happened.
/// Where it is fired many times, it is told how far that is.
pub(super) async fn attempt(
    setting: &Setting<'_>,
    spec: &Spec,
    retry: RetryState,
    tell: &(dyn Fn(Progress) + Send + Sync),
) -> Attempted {
    let (started, clock) = (jiff::Timestamp::now(), Instant::now());
    let mut stage = Stage::new(setting, spec);
    let mut walked = stage.walk(&spec.setup, Phase::Setup).await;
    let tested = match walked.iter().any(|(step, _)| step.has_failed()) {
        true => Tested::Steps(Vec::new()),
        false => stage.test(tell).await,
    };
    let cleanup = stage.walk(&spec.teardown, Phase::Teardown).await;
    // Only now is it known whether the attempt passes, so that what it measured may be kept.
    let of_attempt = MeasuredAttempt {
        started,
        retry: after(retry, &cleanup),
    };
    walked.extend(tested.reports(of_attempt).await);
    walked.extend(cleanup);
    let (steps, watched): (Vec<StepReport>, Vec<_>) = walked.into_iter().unzip();
    setting.secrets.add(stage.scope.secrets());
    let verdict = verdict(&steps);
    let steps = steps
        .into_iter()
        .enumerate()
        .map(|(at, step)| save(setting, spec, &verdict, started, at, step))
        .collect();
    let attempt = Attempt {
        verdict,
        started,
        duration: clock.elapsed(),
        steps,
    };
    Attempted { attempt, watched }
}

/// What the steps of an attempt have in common.
struct Stage<'a> {
    setting: &'a Setting<'a>,
    spec: &'a Spec,
    scope: Scope,
    session: Arc<Session>,
}

/// What became of the test itself.
enum Tested<'a> {
    Steps(Vec<Walked>),
    /// It was fired many times, and budgets are not judged yet.
    Many(Box<Driven<'a>>),
}

impl<'a> Stage<'a> {
    fn new(setting: &'a Setting<'a>, spec: &'a Spec) -> Self {
        let scope = spec.scope();
        setting.secrets.add(scope.secrets());
        Self {
            setting,
            spec,
            scope,
            session: Arc::new(Session::new()),
        }
    }

    async fn test(&mut self, tell: &'a (dyn Fn(Progress) + Send + Sync)) -> Tested<'a> {
        let Some(repeat) = &self.spec.repeat else {
            return Tested::Steps(self.walk(&self.spec.steps, Phase::Test).await);
        };
        let driver = Driver {
            setting: self.setting,
            spec: self.spec,
            repeat,
            tell,
        };
        let driven = driver.run(&self.scope, Arc::clone(&self.session)).await;
        Tested::Many(Box::new(driven))
    }

    /// Runs steps in order; stops at the first that fails, but goes on with cleaning up.
    async fn walk(&mut self, steps: &[Step], phase: Phase) -> Vec<Walked> {
        let mut reports = Vec::new();
        for step in steps {
            let (scope, session) = (&mut self.scope, &*self.session);
            let (report, watched) = step::run(self.setting, step, phase, scope, session).await;
            let has_failed = report.has_failed();
            reports.push((report, watched.map_or(Watching::Nothing, Watching::of)));
            if has_failed && phase != Phase::Teardown {
                break;
            }
        }
        reports
    }
}

impl Tested<'_> {
    async fn reports(self, of_attempt: MeasuredAttempt) -> Vec<Walked> {
        match self {
            Self::Steps(reports) => reports,
            Self::Many(driven) => {
                let (report, watched) = driven.report(of_attempt).await;
                vec![(report, Watching::Many(Box::new(watched)))]
            }
        }
    }
}

/// A check of a tested step that failed makes it failed; else anything that could not be judged,
/// or went wrong around the test, makes it errored.
pub(super) fn verdict(steps: &[StepReport]) -> Verdict {
    let has_failed = |step: &StepReport| {
        let fails = |judged: &crate::check::Judged| matches!(judged.outcome, Outcome::Fail(_));
        step.phase == Phase::Test && step.checks.iter().any(fails)
    };
    if steps.iter().any(has_failed) {
        Verdict::Failed
    } else if steps.iter().any(StepReport::has_failed) {
        Verdict::Errored
    } else {
        Verdict::Passed
    }
}

fn save(
    setting: &Setting<'_>,
    spec: &Spec,
    verdict: &Verdict,
    started: jiff::Timestamp,
    at: usize,
    step: StepReport,
) -> StepReport {
    let mut step = setting.secrets.step(step);
    let (save, file) = (&setting.options.save_traces, spec.at.source.name());
    // A secret in the name of a spec stays out of the file, too.
    let name = setting.secrets.text(&spec.name);
    let about = |trace: &Trace| About::new(&name, file, at, verdict, started, trace);
    let keep = |trace: &Trace| {
        let kept = keep::keep(save, &about(trace), trace, &setting.secrets);
        kept.unwrap_or_else(|error| {
            setting.note_unsaved(error.to_string());
            None
        })
    };
    if let Some(trace) = &step.trace {
        // Before the new one is written, which may take the place of the old one.
        if step.has_failed() {
            step.earlier = setting.archive.latest_passing(save, &about(trace));
        }
        step.saved_trace = keep(trace);
    }
    if let Some(load) = step.load.as_mut().map(Arc::make_mut) {
        let slowest = load.measured.iter_mut();
        for one in slowest.filter_map(|measured| measured.slowest.as_mut()) {
            one.saved = keep(&one.trace);
        }
    }
    step
}
