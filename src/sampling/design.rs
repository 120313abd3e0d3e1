//! Proposes policies of `tail_sampling` from recorded traces: errors, slow traces, rare services and root operations,
//! and a share of the rest, for a number of spans per second.
//!
//! Groups are found here; what the proposed configuration keeps, a replay decides.

mod groups;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use super::replay::Recorded;
use crate::trace::{Nanos, SECOND, StatusCode};
use groups::{rare_operations, rare_services, slow_threshold};

pub(crate) use yaml::yaml;

/// The share of traces that are slow, or that have a rare service, at most.
pub(super) const RARE: f64 = 0.01;

/// The smallest number of traces in which something can be rare.
pub(crate) const FEWEST: usize = 100;

/// The share of the budget that errors, slow and rare traces may have together.
const MOST_SPECIAL: f64 = 0.8;

/// A proposal for the policies.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) policies: Vec<Proposed>,
    /// Long enough for the longest trace.
    pub(crate) decision_wait: Duration,
    /// Spans per second of all traces.
    pub(crate) before: f64,
    /// Spans per second that the policies keep on average.
    pub(crate) expected: f64,
    /// Half of the width of the interval in which the average is with 95 % confidence, if traces are independent.
    pub(crate) margin: f64,
    /// Spans per second of traces with an error.
    pub(crate) errors: f64,
    pub(crate) seconds: f64,
    /// Policies that are not proposed, with the reasons.
    pub(crate) notes: Vec<String>,
}

/// A proposed policy.
#[derive(Clone, Debug)]
pub(crate) struct Proposed {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Indexes of the traces that it is for, without those of earlier policies.
    pub(crate) traces: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    All,
    /// The percentage of them, if they are too many.
    Errors(f64),
    /// Traces that last longer than these milliseconds.
    Slow(i64),
    Services(Vec<String>),
    Operations(Vec<String>),
    /// The percentage of the rest.
    Rest(f64),
}

/// The reason that nothing can be proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoProposal {
    NoSpans,
    /// All spans have the same time, or none.
    NoTime,
}

/// Proposes policies that keep `budget` spans per second.
pub(crate) fn propose(traces: &[Recorded], budget: f64) -> Result<Proposal, NoProposal> {
    if traces.iter().all(|trace| trace.spans.is_empty()) {
        return Err(NoProposal::NoSpans);
    }
    let seconds = seconds(traces).ok_or(NoProposal::NoTime)?;
    let mut designer = Designer {
        traces,
        seconds,
        budget,
        taken: HashSet::new(),
        policies: Vec::new(),
        notes: Vec::new(),
    };
    designer.design();
    Ok(designer.proposal())
}

struct Designer<'t> {
    traces: &'t [Recorded],
    seconds: f64,
    budget: f64,
    /// Traces that a policy is for.
    taken: HashSet<usize>,
    policies: Vec<Proposed>,
    notes: Vec<String>,
}

impl Designer<'_> {
    fn design(&mut self) {
        let all: Vec<usize> = (0..self.traces.len()).collect();
        if self.rate(&all) <= self.budget {
            self.add("all", Kind::All, all);
            return;
        }
        let errors = self.errors();
        let rate = self.rate(&errors);
        if rate > self.budget {
            let percentage = percentage(self.budget / rate);
            self.notes.push(format!(
                "traces with an error alone have {} spans per second: a share of them is kept, and nothing else",
                crate::number::figure(rate)
            ));
            self.add("errors", Kind::Errors(percentage), errors);
            return;
        }
        self.add("errors", Kind::Errors(100.0), errors);
        self.slow();
        self.rare();
        self.rest();
    }

    fn errors(&self) -> Vec<usize> {
        self.select(|trace| {
            let mut spans = trace.spans.iter();
            spans.any(|span| span.status.code == StatusCode::Error)
        })
    }

    /// Traces that no policy is for.
    fn select(&self, condition: impl Fn(&Recorded) -> bool) -> Vec<usize> {
        let traces = self.traces.iter().enumerate();
        let free = traces.filter(|(at, _)| !self.taken.contains(at));
        let found = free.filter(|(_, trace)| condition(trace));
        found.map(|(at, _)| at).collect()
    }

    fn add(&mut self, name: &'static str, kind: Kind, traces: Vec<usize>) {
        self.taken.extend(&traces);
        self.policies.push(Proposed { name, kind, traces });
    }

    /// Returns `true` if traces fit into the part of the budget for special traces.
    fn fits(&self, traces: &[usize]) -> bool {
        let taken: Vec<usize> = self.taken.iter().copied().collect();
        self.rate(&taken) + self.rate(traces) <= MOST_SPECIAL * self.budget
    }

    fn slow(&mut self) {
        let Some(threshold) = slow_threshold(self.traces) else {
            self.notes.push(
                "no policy for slow traces: none lasts much longer than the others".to_owned(),
            );
            return;
        };
        let slow = self.select(|trace| groups::milliseconds(trace) > threshold);
        if slow.is_empty() {
            return;
        }
        match self.fits(&slow) {
            true => self.add("slow", Kind::Slow(threshold), slow),
            false => self.notes.push(format!(
                "no policy for slow traces: those above {threshold} ms alone do not fit"
            )),
        }
    }

    fn rare(&mut self) {
        if self.traces.len() < FEWEST {
            self.notes.push(format!(
                "no policy for rare services and operations: {} are needed to call one rare",
                crate::number::counted(FEWEST, "trace")
            ));
            return;
        }
        let services = rare_services(self.traces);
        let has = |trace: &Recorded, names: &[String]| {
            let mut spans = trace.spans.iter();
            spans.any(|span| names.iter().any(|name| name == span.service()))
        };
        let traces = self.select(|trace| has(trace, &services));
        if !traces.is_empty() && self.fits(&traces) {
            self.add("rare-services", Kind::Services(services), traces);
        }
        match rare_operations(self.traces) {
            Ok(names) => {
                let has =
                    |trace: &Recorded| groups::roots(trace).any(|root| names.contains(&root.name));
                let traces = self.select(has);
                if !traces.is_empty() && self.fits(&traces) {
                    self.add("rare-operations", Kind::Operations(names), traces);
                }
            }
            Err(number) => self.notes.push(format!(
                "no policy for rare root operations: {} have names of their own",
                crate::number::counted(number, "operation")
            )),
        }
    }

    fn rest(&mut self) {
        let rest = self.select(|_| true);
        let taken: Vec<usize> = self.taken.iter().copied().collect();
        let left = self.budget - self.rate(&taken);
        let rate = self.rate(&rest);
        if rate > 0.0 {
            self.add("rest", Kind::Rest(percentage(left / rate)), rest);
        }
    }

    /// Spans per second of these traces.
    fn rate(&self, traces: &[usize]) -> f64 {
        let spans = traces.iter().map(|at| self.traces[*at].spans.len());
        spans.sum::<usize>() as f64 / self.seconds
    }

    fn proposal(self) -> Proposal {
        let all: Vec<usize> = (0..self.traces.len()).collect();
        let mut expected = 0.0;
        let mut variance = 0.0;
        for policy in &self.policies {
            let chance = policy.kind.share();
            for at in &policy.traces {
                let spans = self.traces[*at].spans.len() as f64;
                expected += chance * spans;
                // The number of traces of a size in this time is that of a Poisson process, thinned by sampling.
                variance += chance * chance * spans * spans;
            }
        }
        /// Standard deviations of a 95 % interval.
        const WIDTH: f64 = 1.96;
        Proposal {
            before: self.rate(&all),
            expected: expected / self.seconds,
            margin: WIDTH * variance.sqrt() / self.seconds,
            errors: self.rate(&self.all_errors()),
            decision_wait: groups::decision_wait(self.traces),
            seconds: self.seconds,
            policies: self.policies,
            notes: self.notes,
        }
    }

    fn all_errors(&self) -> Vec<usize> {
        let has_error = |trace: &Recorded| {
            let mut spans = trace.spans.iter();
            spans.any(|span| span.status.code == StatusCode::Error)
        };
        let traces = self.traces.iter().enumerate();
        let found = traces.filter(|(_, trace)| has_error(trace));
        found.map(|(at, _)| at).collect()
    }
}

impl Kind {
    /// The share of its traces that a policy keeps.
    pub(crate) fn share(&self) -> f64 {
        match self {
            Self::Errors(percentage) | Self::Rest(percentage) => percentage / 100.0,
            _ => 1.0,
        }
    }
}

/// A percentage with three digits, rounded down, so that the budget is kept.
fn percentage(share: f64) -> f64 {
    let percentage = (100.0 * share).clamp(0.0, 100.0);
    if percentage == 0.0 {
        return 0.0;
    }
    let digits = 2 - percentage.log10().floor() as i32;
    let scale = 10_f64.powi(digits);
    (percentage * scale).floor() / scale
}

/// From the first start to the last end of all spans. `None` if that is no time.
fn seconds(traces: &[Recorded]) -> Option<f64> {
    let spans = || {
        traces
            .iter()
            .flat_map(|trace| &trace.spans)
            .filter(|span| span.start > 0)
    };
    let first = spans().map(|span| span.start).min()?;
    let last: Nanos = spans().map(|span| span.end.max(span.start)).max()?;
    let nanos = last.saturating_sub(first);
    (nanos > 0).then(|| nanos as f64 / SECOND as f64)
}
