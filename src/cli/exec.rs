//! `spanspec exec`: a command beside a receiver and the services of the project.

use std::path::Path;

use crate::exec::{Ended, Foreground, find};
use crate::result::Trouble;

use super::beside::{Beside, Interruptions, Project, runtime, tell_trouble};
use super::exec_arguments::ExecArguments;
use super::exit::{Exit, refuse};
use super::merge::{merge_into, results_in};

/// Runs the command, and ends as it does.
pub(super) fn exec(arguments: &ExecArguments) -> Exit {
    if let Some(program) = arguments.command.first()
        && let Err(error) = find(program, std::env::var_os("PATH"))
    {
        return refuse(Exit::Usage, &format!("error: {error}; nothing was run"));
    }
    let project = match Project::read(&arguments.system) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let results = match tempfile::Builder::new().prefix("spanspec-").tempdir() {
        Ok(results) => results,
        Err(error) => {
            let text = format!("error: cannot make a folder for results: {error}");
            return refuse(Exit::Errored, &text);
        }
    };
    let exit = match runtime() {
        Ok(runtime) => runtime.block_on(run(&project, arguments, results.path())),
        Err(exit) => return exit,
    };
    if arguments.reports.is_empty() {
        return exit;
    }
    let mut files = match results_in(results.path()) {
        Ok(files) => files,
        Err(_) => return exit.or_errored(),
    };
    files.extend(arguments.merge.iter().cloned());
    match merge_into(&files, &arguments.reports) {
        Ok(_) => exit,
        Err(_) => exit.or_errored(),
    }
}

async fn run(project: &Project, arguments: &ExecArguments, results: &Path) -> Exit {
    let mut interruptions = match Interruptions::listen() {
        Ok(interruptions) => interruptions,
        Err(exit) => return exit,
    };
    let beside = tokio::select! {
        started = project.start() => started,
        _ = interruptions.next() => return Exit::Interrupted,
    };
    let beside = match beside {
        Ok(beside) => beside,
        Err(troubles) => return tell_trouble(&troubles),
    };
    let environment = beside.environment.clone().with_results(results);
    let exit = match Foreground::start(&arguments.command, &environment) {
        Ok(command) => follow(command, &beside, &mut interruptions).await,
        Err(error) => tell_trouble(&[Trouble::of(&error, None)]),
    };
    // Who is in a hurry need not wait for the services.
    tokio::select! {
        () = beside.stop() => exit,
        _ = interruptions.next() => Exit::Interrupted,
    }
}

/// Waits for the command's end. Who interrupts twice, kills it.
async fn follow(
    mut command: Foreground,
    beside: &Beside,
    interruptions: &mut Interruptions,
) -> Exit {
    let mut asked = 0;
    let mut death: Option<Trouble> = None;
    loop {
        tokio::select! {
            ended = command.ended() => return verdict(ended, asked > 0, death.is_some()),
            how = interruptions.next() => {
                asked += 1;
                match asked {
                    1 => command.interrupt(how),
                    _ => command.kill(),
                }
            }
            trouble = beside.died(), if death.is_none() => {
                tell_trouble(std::slice::from_ref(&trouble));
                death = Some(trouble);
            }
        }
    }
}

fn verdict(ended: std::io::Result<Ended>, was_interrupted: bool, has_death: bool) -> Exit {
    match ended {
        _ if was_interrupted => Exit::Interrupted,
        Ok(ended) if ended.code() == 0 && has_death => Exit::Errored,
        Ok(ended) => Exit::OfCommand(ended.code()),
        Err(error) => refuse(
            Exit::Errored,
            &format!("error: cannot wait for the command: {error}"),
        ),
    }
}
