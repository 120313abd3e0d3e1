//! The last requests of a `repeat`, whose traces are followed after their verdicts.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::budgets::TakeBack;
use super::measure;
use super::request::JudgedRequest;
use super::share;
use crate::check::Outcome;
use crate::spec::{Budget, ExpectedShare, Spec};
use crate::step::{Rejudged, WatchedTrace};
use crate::trace::{Trace, TraceId};

/// Maximum number of remembered traces that are not followed any more.
const MAX_UNWATCHED: usize = 4_096;

/// Requests that passed, and whose verdicts a further span could change.
#[derive(Default)]
pub(crate) struct WatchedRequests {
    max: usize,
    budgets: Vec<Budget>,
    share: Option<Arc<ExpectedShare>>,
    kept: VecDeque<WatchedRequest>,
    /// The last traces that are not followed any more.
    unwatched: VecDeque<TraceId>,
    /// The baseline that the run has written.
    pub(crate) take_back: Option<TakeBack>,
}

struct WatchedRequest {
    trace_id: Option<TraceId>,
    watched: Box<WatchedTrace>,
    waited: Option<Duration>,
    /// The sample of each budget.
    samples: Vec<Option<f64>>,
    /// The decision of the sampler whose share is checked.
    is_kept: Option<bool>,
    secrets: Vec<String>,
}

/// A request judged again.
pub(crate) struct RejudgedRequest {
    pub(crate) again: Rejudged,
    /// A budget would have measured another value, or could have.
    pub(crate) is_measured_otherwise: bool,
    /// Its credentials, cookies and secret captures.
    pub(crate) secrets: Vec<String>,
}

impl RejudgedRequest {
    /// Returns `true` if late spans or losses overturn the request.
    pub(crate) fn contradicts(&self) -> bool {
        let mut checks = self.again.checks.iter();
        self.is_measured_otherwise || checks.any(|judged| judged.outcome != Outcome::Pass)
    }
}

impl WatchedRequests {
    /// Follows the last traces, up to `max`.
    pub(super) fn of(spec: &Spec, max: usize) -> Self {
        Self {
            max,
            budgets: spec.budgets.clone(),
            share: spec.steps[0].share.clone(),
            ..Self::default()
        }
    }

    /// Keeps a request if it passed and a further span could change that.
    pub(super) fn add(&mut self, done: &mut JudgedRequest<'_>) {
        let Some(watched) = done.watched.take() else {
            return;
        };
        let measures = measure::any_looks_at_trace(&self.budgets) || self.share.is_some();
        let is_errored = measures && !done.report.was_closed;
        if !done.counts || done.report.has_failed() || is_errored {
            return;
        }
        let trace = done.report.trace.as_deref();
        let budgets = self.budgets.iter();
        let samples = budgets.map(|budget| measured(budget, done.waited, trace));
        self.kept.push_back(WatchedRequest {
            trace_id: done.report.trace_id,
            watched,
            waited: done.waited,
            samples: samples.collect(),
            is_kept: trace.and_then(|trace| self.is_kept(trace)),
            secrets: done.secrets.clone(),
        });
        if self.kept.len() > self.max
            && let Some(oldest) = self.kept.pop_front()
        {
            self.unwatched.extend(oldest.trace_id);
        }
        if self.unwatched.len() > MAX_UNWATCHED {
            self.unwatched.pop_front();
        }
    }

    fn is_kept(&self, trace: &Trace) -> Option<bool> {
        share::is_kept(self.share.as_ref()?, trace).ok()
    }

    /// The traces that are not followed any more.
    pub(crate) fn unwatched(&self) -> HashSet<TraceId> {
        self.unwatched.iter().copied().collect()
    }

    /// Number of traces that are followed.
    pub(crate) fn number(&self) -> usize {
        self.kept.len()
    }

    /// Judges and measures requests again that got further spans.
    pub(crate) fn again(&mut self) -> Vec<RejudgedRequest> {
        let (budgets, share) = (&self.budgets, &self.share);
        let requests = self.kept.iter_mut();
        let all = requests.filter_map(|request| {
            let again = request.watched.judge_again()?;
            let mut before = budgets.iter().zip(&request.samples);
            let is_decided_otherwise = share.as_ref().is_some_and(|share| {
                !again.is_whole || share::is_kept(share, &again.trace).ok() != request.is_kept
            });
            let is_measured_otherwise = is_decided_otherwise
                || before.any(|(budget, before)| {
                    budget.is_about_trace() && !again.is_whole
                        || measured(budget, request.waited, Some(&again.trace)) != *before
                });
            Some(RejudgedRequest {
                secrets: request
                    .secrets
                    .iter()
                    .chain(&again.secrets)
                    .cloned()
                    .collect(),
                again,
                is_measured_otherwise,
            })
        });
        all.collect()
    }
}

/// The sample of a request for a budget.
fn measured(budget: &Budget, waited: Option<Duration>, trace: Option<&Trace>) -> Option<f64> {
    let sample = measure::sample(budget, waited, trace).ok()??;
    Some(sample.value)
}
