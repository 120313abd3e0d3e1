//! `spanspec exec`: a command host a receiver and the services of the project.

use std::path::Path;

use crate::exec::{Ended, Foreground, find};
use crate::result::Trouble;

use super::exec_arguments::ExecArguments;
use super::exit::{Exit, fail};
use super::host::{Host, HostSetup, Interruptions, fail_with, runtime};
use super::merge::{merge_into, results_in};

/// Runs the command, and ends as it does.
pub(super) fn exec(arguments: &ExecArguments) -> Exit {
    if let Some(program) = arguments.command.first()
        && let Err(error) = find(program, std::env::var_os("PATH"))
    {
        return fail(Exit::Usage, &format!("error: {error}; nothing was run"));
    }
    let project = match HostSetup::read(&arguments.system) {
        Ok(project) => project,
        Err(exit) => return exit,
    };
    let results = match tempfile::Builder::new().prefix("spanspec-").tempdir() {
        Ok(results) => results,
        Err(error) => {
            let text = format!("error: cannot make a folder for results: {error}");
            return fail(Exit::Errored, &text);
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

async fn run(project: &HostSetup, arguments: &ExecArguments, results: &Path) -> Exit {
    let mut interruptions = match Interruptions::listen() {
        Ok(interruptions) => interruptions,
        Err(exit) => return exit,
    };
    let host = tokio::select! {
        started = project.start() => started,
        _ = interruptions.next() => return Exit::Interrupted,
    };
    let host = match host {
        Ok(host) => host,
        Err(troubles) => return fail_with(&troubles),
    };
    let environment = host.environment.clone().with_results(results);
    let exit = match Foreground::start(&arguments.command, &environment) {
        Ok(command) => follow(command, &host, &mut interruptions).await,
        Err(error) => fail_with(&[Trouble::from_error(&error)]),
    };
    // Who is in a hurry need not wait for the services.
    tokio::select! {
        () = host.stop() => exit,
        _ = interruptions.next() => Exit::Interrupted,
    }
}

/// Waits for the command's end. Who interrupts twice, kills it.
async fn follow(mut command: Foreground, host: &Host, interruptions: &mut Interruptions) -> Exit {
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
            trouble = host.died(), if death.is_none() => {
                fail_with(std::slice::from_ref(&trouble));
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
        Err(error) => fail(
            Exit::Errored,
            &format!("error: cannot wait for the command: {error}"),
        ),
    }
}
