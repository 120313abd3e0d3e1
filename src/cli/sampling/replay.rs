//! `spanspec sampling replay`: which saved traces a Collector would keep, and by which policy.

mod decisions;
mod json;
mod spans;
mod summary;
mod text;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;

use super::super::backend_traces::{self, TraceQuery};
use super::super::exit::{Exit, fail};
use super::super::load::project_search;
use super::super::output;
use super::super::sampling_arguments::{SamplingFormat, SamplingReplayArguments};
use super::super::trace_files::{self, Traces};
use super::file;
use crate::sampling::config::{Level, Reading};
use crate::sampling::judge::wrong_conditions;
use crate::sampling::replay::replay as decide;
use crate::sampling::{ProbabilisticSampler, TailSampling};
use crate::workspace::{Ports, shown};
use crate::yaml::suggest;

use decisions::Replay;
use spans::{SpanReplay, SpanSummary};
use summary::Summary;

/// Decides about traces, and prints the decisions.
pub(super) fn replay(arguments: &SamplingReplayArguments) -> Exit {
    let reading = match file::samplers(&arguments.file, arguments.collector_version) {
        Ok(reading) => reading,
        Err(exit) => return exit,
    };
    let sampler = match sampler(&arguments.file, &reading, arguments.processor.as_deref()) {
        Ok(sampler) => sampler,
        Err(exit) => return exit,
    };
    let traces = match arguments.traces.is_empty() {
        true => backend_traces::read(&query(arguments)),
        false => trace_files::read(&arguments.traces),
    };
    let traces = match traces {
        Ok(traces) => traces,
        Err(exit) => return exit,
    };
    let (text, unknown) = match sampler {
        Sampler::Tail(config) => decide_traces(arguments, config, &traces),
        Sampler::Probabilistic(sampler) => decide_spans(arguments, sampler, &traces),
    };
    match output::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(Exit::Errored, &format!("error: cannot write: {error}"))
        }
        _ if unknown > 0 => Exit::Errored,
        _ => Exit::Passed,
    }
}

fn query(arguments: &SamplingReplayArguments) -> TraceQuery {
    let source = &arguments.source;
    let mut project = project_search(&source.project, Ports::Absent);
    project.backend.clone_from(&source.source);
    TraceQuery {
        project,
        since: source.since,
        limit: source.limit,
        service: None,
    }
}

/// The output, and the number of traces about which nothing is decided.
fn decide_traces(
    arguments: &SamplingReplayArguments,
    config: &TailSampling,
    traces: &Traces,
) -> (String, u64) {
    let arrival = arguments.arrival.into();
    let version = arguments.collector_version;
    let replay = Replay {
        file: &arguments.file,
        config,
        version,
        arrival,
        traces,
        results: decide(config, version, &traces.all, arrival),
        refused: wrong_conditions(&config.policies, version),
    };
    let summary = Summary::of(&replay);
    let text = match arguments.format {
        SamplingFormat::Text => text::render(&replay, &summary, arguments.all),
        SamplingFormat::Json => json::render(&replay, &summary),
    };
    (text, summary.unknown)
}

/// The same for single spans.
fn decide_spans(
    arguments: &SamplingReplayArguments,
    sampler: &ProbabilisticSampler,
    traces: &Traces,
) -> (String, u64) {
    let version = arguments.collector_version;
    let replay = SpanReplay::new(&arguments.file, sampler, version, traces);
    let summary = SpanSummary::of(&replay);
    let text = match arguments.format {
        SamplingFormat::Text => spans::render_text(&replay, &summary, arguments.all),
        SamplingFormat::Json => spans::render_json(&replay, &summary),
    };
    (text, summary.unknown)
}

/// A processor that samples.
#[derive(Clone, Copy)]
enum Sampler<'r> {
    Tail(&'r TailSampling),
    Probabilistic(&'r ProbabilisticSampler),
}

impl<'r> Sampler<'r> {
    fn all(reading: &'r Reading) -> Vec<Self> {
        let configuration = &reading.configuration;
        let tail = configuration.tail_sampling.iter().map(Self::Tail);
        let of_spans = configuration.probabilistic.iter();
        tail.chain(of_spans.map(Self::Probabilistic)).collect()
    }

    fn id(self) -> &'r str {
        match self {
            Self::Tail(config) => &config.id,
            Self::Probabilistic(sampler) => &sampler.id,
        }
    }
}

/// The processor with this id, or the only one. The reason that there is none has been printed.
fn sampler<'r>(path: &Path, reading: &'r Reading, id: Option<&str>) -> Result<Sampler<'r>, Exit> {
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
    let all = Sampler::all(reading);
    let ids: Vec<&str> = all.iter().map(|one| one.id()).collect();
    let name = shown(path);
    // One that decides about spans is meant only if it is named, or alone, as in specs.
    let tails = &reading.configuration.tail_sampling;
    match (id, all.as_slice()) {
        (None, [only]) => Ok(*only),
        (None, _) if tails.len() == 1 => Ok(Sampler::Tail(&tails[0])),
        (None, []) => {
            let text = format!(
                "error: {name} has no `tail_sampling` and no `probabilistic_sampler`\nhelp: Jaeger's strategies are checked by `spanspec sampling lint`"
            );
            Err(fail(Exit::Nothing, &text))
        }
        (None, _) => {
            let text = format!(
                "error: {name} has {} processors that sample\nhelp: choose one with `--processor`: {}",
                all.len(),
                ids.join(", ")
            );
            Err(fail(Exit::Usage, &text))
        }
        (Some(id), _) => all
            .iter()
            .find(|one| one.id() == id)
            .copied()
            .ok_or_else(|| {
                let help = suggest(id, &ids);
                let text = format!("error: {name} has no processor `{id}`\nhelp: {help}");
                fail(Exit::Usage, &text)
            }),
    }
}
