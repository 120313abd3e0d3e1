//! A configuration, the traces, and the decisions about them, in words.

use std::path::Path;

use super::super::super::trace_files::{Incomplete, Traces};
use crate::number::count;
use crate::sampling::judge::{Cast, Decision, Input, Verdict, WrongCondition, in_order, reason};
use crate::sampling::replay::{Arrival, Ending, Replayed};
use crate::sampling::{CollectorVersion, Policy, Rule, Strategy, TailSampling};
use crate::trace::Span;

/// A configuration, the traces, and the decisions about them.
pub(super) struct Replay<'r> {
    pub(super) file: &'r Path,
    pub(super) config: &'r TailSampling,
    pub(super) version: CollectorVersion,
    pub(super) arrival: Arrival,
    pub(super) traces: &'r Traces,
    pub(super) results: Vec<Replayed>,
    /// Conditions that are not evaluated.
    pub(super) refused: Vec<WrongCondition>,
}

impl Replay<'_> {
    /// Returns `true` if a trace is kept. `None` if a policy, or a part of the trace, is not known.
    pub(super) fn kept(&self, at: usize) -> Option<bool> {
        match self.incomplete(at) {
            Some(_) => None,
            None => self.results[at].kept(),
        }
    }

    /// The reason that a part of a trace is not known.
    pub(super) fn incomplete(&self, at: usize) -> Option<&Incomplete> {
        self.traces.incomplete.get(&self.traces.all[at].id)
    }
}

impl Replay<'_> {
    /// The name of the policy that decides, if it is known.
    pub(super) fn policy(&self, at: usize) -> Option<&str> {
        let verdict = self.results[at].verdict.as_ref()?;
        let policy = verdict.decision()?.policy()?;
        self.kept(at)?;
        Some(in_order(self.config).get(policy)?.name.as_str())
    }

    /// A `drop` policy decides.
    pub(super) fn is_dropped(&self, at: usize) -> bool {
        let verdict = self.results[at].verdict.as_ref();
        let decision = verdict.and_then(|verdict| verdict.decision());
        matches!(decision, Some(Decision::Dropped(_)))
    }

    /// The reason of the decision, in words.
    pub(super) fn reason(&self, at: usize) -> String {
        let result = &self.results[at];
        if let Some(Incomplete(why)) = self.incomplete(at) {
            return format!("a span is missing: {why}");
        }
        match result.ending {
            Ending::Evicted => {
                let most = count(self.config.num_traces);
                return format!("removed before the decision: `num_traces` {most} others came");
            }
            Ending::TooLarge(size) => {
                let limit = count(self.config.maximum_trace_size_bytes);
                let size = count(u64::try_from(size).unwrap_or(0));
                return format!("{size} bytes, more than `maximum_trace_size_bytes` {limit}");
            }
            Ending::UnknownSize(field) => {
                return format!(
                    "its size is not known for `maximum_trace_size_bytes`: the source of the trace loses {field}"
                );
            }
            Ending::Decided => {}
        }
        let Some(verdict) = &result.verdict else {
            return "no span arrives".to_owned();
        };
        self.reason_of(at, verdict)
    }

    pub(super) fn reason_of(&self, at: usize, verdict: &Verdict) -> String {
        let trace = &self.traces.all[at];
        let judged = self.results[at].judged.iter();
        let spans: Vec<&Span> = judged.map(|&span| &trace.spans[span]).collect();
        let input = Input::new(&spans, &trace.losses);
        let policies = in_order(self.config);
        let said = |(policy, cast): (&&Policy, Option<&Cast>)| {
            Some((policy.name.clone(), reason(policy, cast?, input)))
        };
        let votes = policies.iter().zip(verdict.casts());
        if let Some(decision) = verdict.decision() {
            let decides = decision.policy().and_then(|at| votes.clone().nth(at));
            return decides
                .and_then(said)
                .map_or_else(|| "no policy keeps it".to_owned(), |(_, why)| why);
        }
        let mut unknown = votes.filter(|(_, cast)| cast.is_some_and(|cast| cast.vote().is_none()));
        match unknown.next().and_then(said) {
            Some((name, why)) if self.kept(at).is_some() => {
                format!("whatever `{name}` votes: {why}")
            }
            Some((name, why)) => format!("`{name}`: {why}"),
            None => "several decisions are possible".to_owned(),
        }
    }

    /// Another rate of traces may change the decision.
    pub(super) fn depends_on_rate(&self, at: usize) -> bool {
        self.depends(at, true)
    }

    /// Another order of spans, or other delays, may change the decision.
    pub(super) fn depends_on_arrival(&self, at: usize) -> bool {
        let result = &self.results[at];
        let is_cut = result.is_cut || result.late.total() > 0;
        is_cut || result.ending == Ending::Evicted || self.depends(at, false)
    }

    /// A vote of a policy that limits a rate, or of another one, may be another.
    pub(super) fn depends(&self, at: usize, on_rate: bool) -> bool {
        let Some(verdict) = self.results[at].verdict.as_ref() else {
            return false;
        };
        let policies = in_order(self.config);
        let mut votes = policies.iter().zip(verdict.casts());
        let has_cause = votes.any(|(policy, cast)| {
            cast.is_some_and(Cast::depends) && policy.limits_rate() == on_rate
        });
        let of_batches = !on_rate && self.config.strategy == Strategy::SpanIngest;
        verdict.depends() && (has_cause || of_batches)
    }

    /// Policies whose type is an extension.
    pub(super) fn extensions(&self) -> Vec<(&Policy, &str)> {
        let mut found = Vec::new();
        for policy in &self.config.policies {
            add_extensions(policy, &mut found);
        }
        found
    }
}

fn add_extensions<'p>(policy: &'p Policy, found: &mut Vec<(&'p Policy, &'p str)>) {
    if let Rule::Extension(id) = &policy.rule {
        found.push((policy, id));
    }
    for inner in policy.inner() {
        add_extensions(inner, found);
    }
}
