//! One attempt at a spec: setup, steps or repeated requests, teardown.

use std::sync::Arc;
use std::time::Instant;

use super::late::WatchedTraces;
use super::saved_traces::{SavedAttempt, SavedTraces};
use crate::load::{LoadProgress, RepeatedStep, Repetition, RetryState};
use crate::result::{Attempt, Phase, StepReport, Verdict};
use crate::spec::{Scope, Spec, Step};
use crate::step::{self, RunContext, Window};
use crate::trigger::Session;

/// An attempt, with the traces that are still followed.
pub(super) struct WatchedAttempt {
    pub(super) attempt: Attempt,
    /// One entry for each step.
    pub(super) watched: Vec<WatchedTraces>,
}

/// A step, with its traces that are still followed.
type RunStep = (StepReport, WatchedTraces);

/// Makes an attempt with fresh variables, cookies and traces. `teardown` always runs.
/// `on_progress` is called only for specs with `repeat`.
pub(super) async fn attempt(
    run: &RunContext<'_>,
    saved_traces: &SavedTraces,
    spec: &Spec,
    retry: RetryState,
    on_progress: &(dyn Fn(LoadProgress) + Send + Sync),
) -> WatchedAttempt {
    let (started, clock) = (jiff::Timestamp::now(), Instant::now());
    let mut context = AttemptContext::new(run, spec);
    let mut all = context.run_steps(&spec.setup, Phase::Setup).await;
    let tested = match all.iter().any(|(step, _)| step.has_failed()) {
        true => Tested::Steps(Vec::new()),
        false => context.test(on_progress).await,
    };
    let teardown = context.run_steps(&spec.teardown, Phase::Teardown).await;
    // A baseline may be written only now that the result of the teardown is known.
    let retry = retry_after(retry, &teardown);
    all.extend(tested.reports(retry).await);
    all.extend(teardown);
    let (steps, watched): (Vec<StepReport>, Vec<_>) = all.into_iter().unzip();
    run.secrets.add(context.scope.secrets());
    let verdict = Verdict::of_steps(&steps);
    let name = run.secrets.text(&spec.name);
    let saved = SavedAttempt {
        name: &name,
        file: spec.at.source.name(),
        verdict: &verdict,
        started,
    };
    let steps = steps.into_iter().enumerate().map(|(number, step)| {
        let mut step = run.secrets.step(step);
        saved_traces.save(&saved, number, &mut step);
        step
    });
    let attempt = Attempt {
        steps: steps.collect(),
        verdict,
        started,
        duration: clock.elapsed(),
    };
    WatchedAttempt { attempt, watched }
}

fn retry_after(retry: RetryState, teardown: &[RunStep]) -> RetryState {
    match retry {
        RetryState::OnFailure if teardown.iter().any(|(step, _)| step.has_failed()) => {
            RetryState::Certain
        }
        other => other,
    }
}

/// State that the steps of an attempt share.
struct AttemptContext<'a> {
    run: &'a RunContext<'a>,
    spec: &'a Spec,
    scope: Scope,
    session: Arc<Session>,
    /// The window of the next step that observes.
    window: Option<Window>,
}

/// The tested steps of an attempt.
enum Tested<'a> {
    Steps(Vec<RunStep>),
    /// A step with `repeat`, whose budgets are not judged yet.
    Repeated(Box<RepeatedStep<'a>>),
}

impl<'a> AttemptContext<'a> {
    fn new(run: &'a RunContext<'a>, spec: &'a Spec) -> Self {
        let scope = spec.scope();
        run.secrets.add(scope.secrets());
        Self {
            run,
            spec,
            window: Window::open(run, &spec.steps, &scope),
            scope,
            session: Arc::new(Session::new()),
        }
    }

    async fn test(&mut self, on_progress: &'a (dyn Fn(LoadProgress) + Send + Sync)) -> Tested<'a> {
        let Some(repeat) = &self.spec.repeat else {
            return Tested::Steps(self.run_steps(&self.spec.steps, Phase::Test).await);
        };
        let repetition = Repetition {
            run: self.run,
            spec: self.spec,
            repeat,
            on_progress,
        };
        let repeated = Box::pin(repetition.run(&self.scope, Arc::clone(&self.session))).await;
        Tested::Repeated(Box::new(repeated))
    }

    /// Runs steps in order, up to the first that fails. Teardown continues after a failure.
    async fn run_steps(&mut self, steps: &[Step], phase: Phase) -> Vec<RunStep> {
        let mut reports = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let (report, watched) = match step.observes() {
                true => (self.observe(step, &steps[index + 1..]).await, None),
                false => {
                    let (scope, session) = (&mut self.scope, &*self.session);
                    // Boxed: it is too large for the stack of a thread, together with what awaits it.
                    Box::pin(step::run_step(self.run, step, phase, scope, session)).await
                }
            };
            let has_failed = report.has_failed();
            reports.push((*report, WatchedTraces::of(watched)));
            if has_failed && phase != Phase::Teardown {
                break;
            }
        }
        reports
    }
}

impl AttemptContext<'_> {
    /// Runs a step that observes, and opens the window of the next one.
    async fn observe(&mut self, step: &Step, later: &[Step]) -> Box<StepReport> {
        let window = self.window.take();
        let observed = step::run_observation(self.run, step, &self.scope, window);
        let report = Box::pin(observed).await;
        self.window = Window::open(self.run, later, &self.scope);
        report
    }
}

impl Tested<'_> {
    async fn reports(self, retry: RetryState) -> Vec<RunStep> {
        match self {
            Self::Steps(reports) => reports,
            Self::Repeated(repeated) => {
                let (report, watched) = Box::pin(repeated.report(retry)).await;
                vec![(report, WatchedTraces::Many(Box::new(watched)))]
            }
        }
    }
}
