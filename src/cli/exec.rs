//! `spanspec exec`: a command host a receiver and the services of the project.

use std::path::Path;

use crate::exec::{Ended, Foreground, find};
use crate::result::Trouble;

use super::exec_arguments::ExecArguments;
use super::exit::{Exit, fail};
use super::host::{Host, HostSetup, with_host};
use super::merge::{merge_into, results_in};
use super::session::{Interruptions, fail_with};

/// Runs the command. Returns its exit code.
pub(super) fn exec(arguments: &ExecArguments) -> Exit {
    if let Some(program) = arguments.command.first()
        && let Err(error) = find(program, std::env::var_os("PATH"))
    {
        return fail(Exit::Usage, &format!("error: {error}; nothing was run"));
    }
    let setup = match HostSetup::read(&arguments.system) {
        Ok(setup) => setup,
        Err(exit) => return exit,
    };
    let results = match tempfile::Builder::new().prefix("spanspec-").tempdir() {
        Ok(results) => results,
        Err(error) => {
            let text = format!("error: cannot make a folder for results: {error}");
            return fail(Exit::Errored, &text);
        }
    };
    let exit = with_host(&setup, async |host, interruptions| {
        run(host, interruptions, arguments, results.path()).await
    });
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

async fn run(
    host: &Host,
    interruptions: &mut Interruptions,
    arguments: &ExecArguments,
    results: &Path,
) -> Exit {
    let environment = host.environment.clone().with_results(results);
    match Foreground::start(&arguments.command, &environment) {
        Ok(command) => follow(command, host, interruptions).await,
        Err(error) => fail_with(&[Trouble::from_error(&error)]),
    }
}

/// Waits for the end of the command. The first interruption is passed on to it, the second kills it.
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
