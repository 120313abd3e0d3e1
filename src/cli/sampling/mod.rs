//! `spanspec sampling`: the sampling of a Collector, checked and replayed.

mod design;
mod file;
mod lint;
mod replay;

use super::exit::Exit;
use super::sampling_arguments::{SamplingArguments, SamplingCommand};

/// Runs the subcommand.
pub(super) fn sampling(arguments: &SamplingArguments) -> Exit {
    match &arguments.command {
        SamplingCommand::Lint(arguments) => lint::lint(arguments),
        SamplingCommand::Design(arguments) => design::design(arguments),
        SamplingCommand::Replay(arguments) => replay::replay(arguments),
    }
}
