//! Arguments and the environment become what they mean, once; then each command has a file.
//!
//! Nothing else in the program reads either of them.

mod ab;
mod arguments;
mod authoring_arguments;
mod backend_traces;
mod baseline;
mod budget_arguments;
mod collect;
mod commands;
mod conformance;
mod conformance_arguments;
mod coverage;
mod coverage_arguments;
mod doctor;
mod exec;
mod exec_arguments;
mod exit;
mod generated;
#[cfg(unix)]
mod hangup;
mod host;
mod import;
mod import_arguments;
mod import_requests;
mod init;
mod judging_arguments;
mod lint;
mod lint_arguments;
mod live;
mod load;
mod merge;
mod mutate;
mod mutate_arguments;
mod output;
mod record;
mod record_file;
mod reporters;
mod run;
mod sampling;
mod sampling_arguments;
mod selection;
mod session;
mod show;
mod trace_files;
mod watch;

use std::process::ExitCode;

use crate::session::OrphanGuard;
use clap::builder::BoolishValueParser;
use clap::{ArgAction, CommandFactory, FromArgMatches};

use commands::{Arguments, Command};
use exit::Exit;

/// Reads the arguments, does what they say, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = accept_numbers(Arguments::command()).try_get_matches();
    let parsed = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors, and go to standard output.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Passed
            };
            // Without a reader, the exit code is all that is left.
            let _ = error.print();
            return exit.into();
        }
    };
    arguments.color.apply();
    // Processes that the command of `exec` leaves running belong to the user.
    let _orphans = match &arguments.command {
        Command::Exec(_) => None,
        _ => Some(OrphanGuard::adopt()),
    };
    let exit = match arguments.command {
        Command::Run(arguments) => run::run(*arguments),
        Command::Conformance(arguments) => conformance::conformance(&arguments),
        Command::Exec(arguments) => exec::exec(&arguments),
        Command::Baseline(arguments) => baseline::baseline(&arguments),
        Command::Ab(arguments) => ab::ab(&arguments),
        Command::Collect(arguments) => collect::collect(&arguments),
        Command::Merge(arguments) => merge::merge(&arguments),
        Command::Mutate(arguments) => mutate::mutate(&arguments),
        Command::Coverage(arguments) => coverage::coverage(&arguments),
        Command::Lint(arguments) => lint::lint(&arguments),
        Command::Sampling(arguments) => sampling::sampling(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Show(arguments) => show::show(&arguments),
        Command::Watch(arguments) => watch::watch(*arguments),
        Command::Record(arguments) => record::record(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Init(arguments) => init::init(&arguments),
        Command::Schema(arguments) => generated::schema(&arguments),
        Command::Completions(arguments) => generated::completions(&arguments),
        Command::Man(arguments) => generated::man(&arguments),
    };
    exit.into()
}

/// Accepts `1`, `yes` and the like as values of the environment variables of flags.
fn accept_numbers(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(BoolishValueParser::new()),
        _ => argument,
    });
    command.mut_subcommands(accept_numbers)
}
