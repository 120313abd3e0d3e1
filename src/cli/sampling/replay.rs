//! `spanspec sampling replay`: which saved traces a Collector would keep, and by which policy.

mod decisions;
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
use super::super::trace_files;
use super::file;
use crate::sampling::TailSampling;
use crate::sampling::config::{Level, Reading};
use crate::sampling::judge::wrong_conditions;
use crate::sampling::replay::replay as decide;
use crate::workspace::shown;
use crate::yaml::suggest;

use decisions::Replay;
use summary::Summary;

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
    let traces = match trace_files::read(&arguments.traces) {
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
