//! Requests whose traces are still followed after their verdicts: the last ones of many.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::budgets::TakeBack;
use super::measure;
use super::request::Done;
use crate::spec::Budget;
use crate::step::{Rejudged, WatchedTrace};
use crate::trace::{Trace, TraceId};

/// More traces that are no longer followed are not remembered.
const MOST_GIVEN_UP: usize = 4_096;

/// Requests that were well, with traces that a further span could change.
#[derive(Default)]
pub(crate) struct WatchedRequests {
    most: usize,
    budgets: Vec<Budget>,
    kept: VecDeque<Request>,
    /// Of those that are not followed any more, the last ones.
    given_up: VecDeque<TraceId>,
    /// The baseline that was written.
    pub(crate) take_back: Option<TakeBack>,
}

struct Request {
    trace_id: Option<TraceId>,
    watched: WatchedTrace,
    waited: Option<Duration>,
    /// What each budget measured.
    samples: Vec<Option<u64>>,
}

/// A request judged again.
pub(crate) struct RejudgedRequest {
    pub(crate) again: Rejudged,
    /// A budget would have measured another duration, or could have.
    pub(crate) is_measured_otherwise: bool,
}

impl WatchedRequests {
    /// Follows the last traces, up to `most`.
    pub(super) fn of(budgets: &[Budget], most: usize) -> Self {
        Self {
            most,
            budgets: budgets.to_vec(),
            ..Self::default()
        }
    }

    /// Keeps a request if it was well and a further span could change that.
    pub(super) fn add(&mut self, done: &mut Done<'_>) {
        let Some(watched) = done.watched.take() else {
            return;
        };
        if !done.counts || done.report.has_failed() {
            return;
        }
        let trace = done.report.trace.as_deref();
        let budgets = self.budgets.iter();
        let samples = budgets.map(|budget| measured(budget, done.waited, trace));
        self.kept.push_back(Request {
            trace_id: done.report.trace_id,
            watched,
            waited: done.waited,
            samples: samples.collect(),
        });
        if self.kept.len() > self.most
            && let Some(oldest) = self.kept.pop_front()
        {
            self.given_up.extend(oldest.trace_id);
        }
        if self.given_up.len() > MOST_GIVEN_UP {
            self.given_up.pop_front();
        }
    }

    /// The traces that are no longer followed.
    pub(crate) fn given_up(&self) -> HashSet<TraceId> {
        self.given_up.iter().copied().collect()
    }

    /// Judges and measures those again that got further spans.
    pub(crate) fn again(&mut self) -> Vec<RejudgedRequest> {
        let budgets = &self.budgets;
        let requests = self.kept.iter_mut();
        let all = requests.filter_map(|request| {
            let again = request.watched.judge_again()?;
            let mut before = budgets.iter().zip(&request.samples);
            let is_measured_otherwise = before.any(|(budget, before)| {
                budget.is_about_trace() && !again.is_whole
                    || measured(budget, request.waited, Some(&again.trace)) != *before
            });
            Some(RejudgedRequest {
                again,
                is_measured_otherwise,
            })
        });
        all.collect()
    }
}

/// What a budget measures of a request, in microseconds.
fn measured(budget: &Budget, waited: Option<Duration>, trace: Option<&Trace>) -> Option<u64> {
    let sample = measure::sample(budget, waited, trace).ok()??;
    Some(sample.micros)
}
