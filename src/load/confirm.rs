//! Repeats a run whose budgets exceed their limits: a budget fails only if it does in each run.
//!
//! A disturbance of the machine that lasts for seconds slows one run, a slow version all of them.

use std::sync::Arc;

use super::budgets::{BudgetJudge, JudgedRun, RetryState};
use super::driver::Driver;
use super::progress::LoadProgress;
use super::verdict::{Excess, RepeatResult};
use super::watched::WatchedRequests;
use crate::budget::JudgedClaim;
use crate::result::{Measured, StepReport};
use crate::spec::{Repeat, Scope, Spec};
use crate::step::{RunContext, Stop};
use crate::trigger::Session;

/// A step with `repeat`.
pub(crate) struct Repetition<'a> {
    pub(crate) run: &'a RunContext<'a>,
    pub(crate) spec: &'a Spec,
    pub(crate) repeat: &'a Repeat,
    /// Called four times per second.
    pub(crate) on_progress: &'a (dyn Fn(LoadProgress) + Send + Sync),
}

/// A step with `repeat` after its last request.
pub(crate) struct RepeatedStep<'a> {
    outcomes: RepeatResult<'a>,
    watched: WatchedRequests,
}

impl RepeatedStep<'_> {
    /// The report, with budgets judged. Writes a baseline if the options ask for it, unless another
    /// attempt follows.
    pub(crate) async fn report(self, retry: RetryState) -> (StepReport, WatchedRequests) {
        let (report, take_back) = Box::pin(self.outcomes.report(retry)).await;
        let mut watched = self.watched;
        watched.take_back = take_back;
        (report, watched)
    }
}

impl<'a> Repetition<'a> {
    /// Sends all requests, and again while budgets exceed their limits and `confirm` permits it.
    /// `scope` has the variables after the setup.
    pub(crate) async fn run(self, scope: &Scope, session: Arc<Session>) -> RepeatedStep<'a> {
        let driver = Driver {
            run: self.run,
            spec: self.spec,
            repeat: self.repeat,
        };
        let mut watched = WatchedRequests::of(self.spec, self.run.source.most_watched());
        let on_progress = self.on_progress;
        let mut last = driver.run(scope, &session, &mut watched, on_progress).await;
        // Names in a baseline are masked.
        self.run.secrets.add(last.stats.shown_secrets());
        let judge = BudgetJudge::new(self.run, self.spec, &self.repeat.pace).await;
        let mut decided = judge.decide(&last.load);
        let mut earlier: Vec<JudgedRun<'a>> = Vec::new();
        let mut unconfirmed = None;
        while last.is_complete() && earlier.len() < self.most_confirmations() {
            // The spec has failed already.
            if last.load.measured.iter().any(Measured::found_nothing) {
                break;
            }
            let Some(excess) = Excess::of(&decided.exceeded_after(&earlier, &last.load)) else {
                break;
            };
            let run = earlier.len() + 2;
            let why = excess.what.clone();
            unconfirmed = Some(excess);
            if let Err(stop) = self.pause(run, why).await {
                last.stop_after(stop, run - 1);
                break;
            }
            earlier.push(last.judged(decided));
            let tell = |progress| on_progress(LoadProgress { run, ..progress });
            last = driver.run(scope, &session, &mut watched, &tell).await;
            decided = judge.decide(&last.load);
        }
        RepeatedStep {
            outcomes: RepeatResult {
                run: self.run,
                spec: self.spec,
                repeat: self.repeat,
                judge,
                earlier,
                last,
                decided,
                unconfirmed,
            },
            watched,
        }
    }

    fn most_confirmations(&self) -> usize {
        if self.repeat.pace.is_search() {
            // It would find the same traces.
            return 0;
        }
        let options = self.run.options.budgets.confirm;
        options.unwrap_or(self.repeat.confirm).into()
    }

    /// Waits, so that a short disturbance is over before the next run.
    ///
    /// # Errors
    /// The run ends.
    async fn pause(&self, run: usize, why: String) -> Result<(), Stop> {
        (self.on_progress)(LoadProgress {
            run,
            pause: Some(why),
            ..LoadProgress::of_none(self.repeat)
        });
        tokio::select! {
            biased;
            stop = self.run.stopped() => Err(stop),
            () = tokio::time::sleep(self.run.options.budgets.confirm_pause) => Ok(()),
        }
    }
}

impl Excess {
    /// `None` if no claim exceeds its limit. Each claim has the number of runs in which it does.
    fn of(claims: &[(&JudgedClaim, usize)]) -> Option<Self> {
        let names: Vec<String> = claims.iter().map(|(one, _)| one.claim()).collect();
        let what = match names.as_slice() {
            [] => return None,
            [one] => format!("{one} exceeds its limit"),
            many => format!("{} exceed their limits", many.join(", ")),
        };
        // The largest number that is true for all of them.
        let runs = claims.iter().map(|(_, runs)| *runs).min()?;
        Some(Self { what, runs })
    }
}
