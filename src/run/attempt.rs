//! One attempt at a spec: setup, steps or many requests, teardown.

use std::sync::Arc;
use std::time::Instant;

use super::budgets::OfAttempt;
use super::keep::{self, About};
use super::load::{Driver, Progress};
use super::setting::Setting;
use super::{Attempt, Phase, StepReport, Verdict, step};
use crate::check::Outcome;
use crate::spec::{Scope, Spec, Step};
use crate::trace::Trace;
use crate::trigger::Session;

/// What comes after an attempt that does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chance {
    /// Another attempt.
    Another,
    /// Another attempt, and it is known already that this one does not pass.
    Lost,
    /// The report.
    Last,
}

impl Chance {
    fn after(self, cleanup: &[StepReport]) -> Self {
        match self {
            Self::Another if cleanup.iter().any(StepReport::has_failed) => Self::Lost,
            other => other,
        }
    }
}

/// Makes an attempt with fresh variables, cookies and traces. `teardown` runs whatever happened.
/// Where it is fired many times, it is told how far that is.
pub(super) async fn attempt(
    setting: &Setting<'_>,
    spec: &Spec,
    chance: Chance,
    tell: &(dyn Fn(Progress) + Send + Sync),
) -> Attempt {
    let (started, clock) = (jiff::Timestamp::now(), Instant::now());
    let mut scope = spec.scope();
    setting.secrets.add(scope.secrets());
    let session = Arc::new(Session::new());
    let mut steps = Vec::new();
    walk(
        setting,
        &spec.setup,
        Phase::Setup,
        &mut scope,
        &session,
        &mut steps,
    )
    .await;
    let mut driven = None;
    match &spec.repeat {
        _ if steps.iter().any(StepReport::has_failed) => {}
        Some(repeat) => {
            let driver = Driver {
                setting,
                spec,
                repeat,
                tell,
            };
            driven = Some(driver.run(&scope, Arc::clone(&session)).await);
        }
        None => {
            walk(
                setting,
                &spec.steps,
                Phase::Test,
                &mut scope,
                &session,
                &mut steps,
            )
            .await;
        }
    }
    let mut cleanup = Vec::new();
    walk(
        setting,
        &spec.teardown,
        Phase::Teardown,
        &mut scope,
        &session,
        &mut cleanup,
    )
    .await;
    // Only now is it known whether the attempt passes, so that what it measured may be kept.
    if let Some(driven) = driven {
        let of_attempt = OfAttempt {
            started,
            chance: chance.after(&cleanup),
        };
        steps.push(driven.report(of_attempt).await);
    }
    steps.extend(cleanup);
    setting.secrets.add(scope.secrets());
    let verdict = verdict(&steps);
    let steps = steps
        .into_iter()
        .enumerate()
        .map(|(at, step)| save(setting, spec, &verdict, started, at, step))
        .collect();
    Attempt {
        verdict,
        started,
        duration: clock.elapsed(),
        steps,
    }
}

/// Runs steps in order; stops at the first that fails, but goes on with cleaning up.
async fn walk(
    setting: &Setting<'_>,
    steps: &[Step],
    phase: Phase,
    scope: &mut Scope,
    session: &Session,
    reports: &mut Vec<StepReport>,
) {
    for step in steps {
        let report = step::run(setting, step, phase, scope, session).await;
        let has_failed = report.has_failed();
        reports.push(report);
        if has_failed && phase != Phase::Teardown {
            return;
        }
    }
}

/// A check of a tested step that failed makes it failed; else anything that could not be judged,
/// or went wrong around the test, makes it errored.
fn verdict(steps: &[StepReport]) -> Verdict {
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
        let kept = keep::keep(save, &about(trace), trace);
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
