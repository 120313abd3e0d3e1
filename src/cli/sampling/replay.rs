//! `spanspec sampling replay`: which saved traces a Collector would keep, and by which policy.

mod json;
mod summary;
mod text;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;

use super::super::exit::{Exit, fail};
use super::super::output;
use super::super::sampling_arguments::{SamplingFormat, SamplingReplayArguments};
use super::file;
use super::traces::{self, Incomplete, Traces};
use crate::number::count;
use crate::sampling::config::{Level, Reading};
use crate::sampling::judge::{
    Cast, Decision, Input, Verdict, WrongCondition, in_order, reason, wrong_conditions,
};
use crate::sampling::replay::{Arrival, Ending, Replayed, replay as decide};
use crate::sampling::{CollectorVersion, Policy, Rule, Strategy, TailSampling};
use crate::trace::Span;
use crate::workspace::shown;
use crate::yaml::suggest;

use summary::Summary;

/// A configuration, the traces, and the decisions about them.
pub(super) struct Replay<'r> {
    file: &'r Path,
    config: &'r TailSampling,
    version: CollectorVersion,
    arrival: Arrival,
    traces: &'r Traces,
    results: Vec<Replayed>,
    /// Conditions that are not evaluated.
    refused: Vec<WrongCondition>,
}

impl Replay<'_> {
    /// Whether a trace is kept. `None` if that is not known, because a policy or a part of the trace is not.
    fn kept(&self, at: usize) -> Option<bool> {
        match self.incomplete(at) {
            Some(_) => None,
            None => self.results[at].kept(),
        }
    }

    /// The reason that a part of a trace is not known.
    fn incomplete(&self, at: usize) -> Option<&Incomplete> {
        self.traces.incomplete.get(&self.traces.all[at].id)
    }
}

/// Decides about traces, and prints the decisions.
pub(super) fn replay(arguments: &SamplingReplayArguments) -> Exit {
    let reading = match file::samplers(&arguments.file, arguments.collector_version) {
        Ok(reading) => reading,
        Err(exit) => return exit,
    };
    let config = match processor(&arguments.file, &reading, arguments.processor.as_deref()) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let traces = match traces::read(&arguments.traces) {
        Ok(traces) => traces,
        Err(exit) => return exit,
    };
    let arrival = arguments.arrival.into();
    let version = arguments.collector_version;
    let replay = Replay {
        file: &arguments.file,
        config,
        version,
        arrival,
        traces: &traces,
        results: decide(config, version, &traces.all, arrival),
        refused: wrong_conditions(&config.policies),
    };
    let summary = Summary::of(&replay);
    let text = match arguments.format {
        SamplingFormat::Text => text::render(&replay, &summary, arguments.all),
        SamplingFormat::Json => json::render(&replay, &summary),
    };
    match output::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(Exit::Errored, &format!("error: cannot write: {error}"))
        }
        _ if summary.unknown > 0 => Exit::Errored,
        _ => Exit::Passed,
    }
}

/// The processor with this id, or the only one. The reason that there is none has been printed.
fn processor<'r>(
    path: &Path,
    reading: &'r Reading,
    id: Option<&str>,
) -> Result<&'r TailSampling, Exit> {
    let obstacles: Vec<_> = reading.obstacles().collect();
    if !obstacles.is_empty() {
        file::print(&obstacles);
        let is_error = obstacles
            .iter()
            .any(|finding| finding.level == Level::Error);
        let what = match is_error {
            true => "the Collector refuses this configuration",
            false => "a part of this configuration is not known",
        };
        return Err(fail(
            Exit::Usage,
            &format!("error: {what}, so that nothing is decided"),
        ));
    }
    let all = &reading.configuration.tail_sampling;
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    let name = shown(path);
    match (id, all.as_slice()) {
        (None, [only]) => Ok(only),
        (None, []) => {
            let text = format!(
                "error: {name} has no `tail_sampling`\nhelp: `probabilistic_sampler` decides about spans, not traces"
            );
            Err(fail(Exit::Nothing, &text))
        }
        (None, _) => {
            let text = format!(
                "error: {name} has {} processors of type `tail_sampling`\nhelp: choose one with `--processor`: {}",
                all.len(),
                ids.join(", ")
            );
            Err(fail(Exit::Usage, &text))
        }
        (Some(id), _) => all.iter().find(|one| one.id == id).ok_or_else(|| {
            let help = suggest(id, &ids);
            let text = format!("error: {name} has no processor `{id}`\nhelp: {help}");
            fail(Exit::Usage, &text)
        }),
    }
}

impl Replay<'_> {
    /// The name of the policy that decides, if it is known.
    fn policy(&self, at: usize) -> Option<&str> {
        let verdict = self.results[at].verdict.as_ref()?;
        let policy = verdict.decision()?.policy()?;
        self.kept(at)?;
        Some(in_order(self.config).get(policy)?.name.as_str())
    }

    /// A `drop` policy decides.
    fn is_dropped(&self, at: usize) -> bool {
        let verdict = self.results[at].verdict.as_ref();
        let decision = verdict.and_then(|verdict| verdict.decision());
        matches!(decision, Some(Decision::Dropped(_)))
    }

    /// The reason of the decision, in words.
    fn reason(&self, at: usize) -> String {
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
            Ending::Decided => {}
        }
        let Some(verdict) = &result.verdict else {
            return "no span arrives".to_owned();
        };
        self.reason_of(at, verdict)
    }

    fn reason_of(&self, at: usize, verdict: &Verdict) -> String {
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
    fn depends_on_rate(&self, at: usize) -> bool {
        self.depends(at, true)
    }

    /// Another order of spans, or other delays, may change the decision.
    fn depends_on_arrival(&self, at: usize) -> bool {
        let result = &self.results[at];
        let is_cut = result.is_cut || result.late.total() > 0;
        is_cut || result.ending == Ending::Evicted || self.depends(at, false)
    }

    /// A vote of a policy that limits a rate, or of another one, may be another.
    fn depends(&self, at: usize, on_rate: bool) -> bool {
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
    fn extensions(&self) -> Vec<(&Policy, &str)> {
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
