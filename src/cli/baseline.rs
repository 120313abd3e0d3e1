//! `spanspec baseline`: looks at baselines, accepts and rejects new ones, and calibrates.

mod calibrate;
mod find;
mod review;

use std::io::Write;
use std::path::Path;

use spanspec::budget::baseline::{self, Accepted, BaselineError, accepted, pending_path, read};
use spanspec::report::{Look, baseline as report};
use spanspec::run::Trouble;
use spanspec::workspace::shown;

use super::beside::tell_trouble;
use super::budget_arguments::{BaselineArguments, BaselineCommand, StoredArguments};
use super::exit::{Exit, refuse};
use find::{Found, find};

/// Does what the arguments say.
pub(super) fn baseline(arguments: &BaselineArguments) -> Exit {
    match &arguments.command {
        BaselineCommand::Review(arguments) => with_found(arguments, review::review),
        BaselineCommand::Accept(arguments) => {
            with_found(arguments, |found| settle(found, "accept", accept))
        }
        BaselineCommand::Reject(arguments) => {
            with_found(arguments, |found| settle(found, "reject", reject))
        }
        BaselineCommand::Show(arguments) => with_found(arguments, show),
        BaselineCommand::Calibrate(arguments) => calibrate::calibrate(arguments),
    }
}

fn with_found(arguments: &StoredArguments, act: impl FnOnce(&[Found]) -> Exit) -> Exit {
    match find(arguments) {
        Ok(found) => act(&found),
        Err(exit) => exit,
    }
}

/// Accepts or rejects all that is pending. A file that cannot be read is told, and the others go on.
fn settle(
    found: &[Found],
    what: &str,
    act: fn(&Path) -> Result<&'static str, BaselineError>,
) -> Exit {
    let mut exit = Exit::Passed;
    let mut is_idle = true;
    for one in found.iter().filter(|one| one.is_named || one.is_pending()) {
        is_idle = false;
        match act(&one.path) {
            Ok(done) => print(&format!("{done}  {}\n", shown(&one.path))),
            Err(error) => exit = worse(exit, tell(&error)),
        }
    }
    if is_idle {
        print(&nothing_to(what));
    }
    exit
}

/// Specs that are run by name may be none of the project's.
fn nothing_to(what: &str) -> String {
    format!(
        "nothing to {what}: no baseline of the project's specs is pending; name other specs as for `run`\n"
    )
}

/// Says what was done.
fn accept(path: &Path) -> Result<&'static str, BaselineError> {
    Ok(match baseline::accept(path)? {
        Accepted::Taken => "accepted",
        Accepted::NothingNewer => "nothing newer than",
    })
}

/// Says what was done.
fn reject(path: &Path) -> Result<&'static str, BaselineError> {
    baseline::reject(path).map(|()| "rejected")
}

/// Shows each baseline, and tells of new ones.
fn show(found: &[Found]) -> Exit {
    let (mut exit, mut texts) = (Exit::Passed, Vec::new());
    for one in found {
        match text(one) {
            Ok(Some(text)) => texts.push(text),
            Ok(None) => {}
            Err(error) => exit = worse(exit, tell(&error)),
        }
    }
    if texts.is_empty() && exit == Exit::Passed {
        return refuse(
            Exit::Nothing,
            "there is no baseline yet: `spanspec run` proposes one for each spec with budgets, and `spanspec baseline accept` keeps it",
        );
    }
    print(&texts.join("\n"));
    exit
}

/// Nothing where there is neither an old nor a new one.
fn text(found: &Found) -> Result<Option<String>, BaselineError> {
    let look = Look::of_stdout();
    let old = read(&found.path)?;
    let mut text = format!("{}\n", shown(&found.path));
    match &old {
        Some(old) => text.push_str(&report::baseline(old, &look)),
        None if found.is_pending() => text.push_str("  nothing accepted yet\n"),
        None => return Ok(None),
    }
    if found.is_pending() {
        text.push_str(&format!(
            "  a new one is pending in {}: `spanspec baseline review` shows what it changes\n",
            shown(&pending_path(&found.path))
        ));
    }
    Ok(Some(text))
}

/// What a new baseline would change.
fn review_text(path: &Path) -> Result<String, BaselineError> {
    let pending = pending_path(path);
    let old = read(path)?;
    let changes = accepted(path)?.changes(old.as_ref());
    let text = report::changes(&changes, &Look::of_stdout());
    Ok(format!("{}\n{text}", shown(&pending)))
}

/// Tells the user why a file was not read or written.
fn tell(error: &BaselineError) -> Exit {
    let exit = tell_trouble(&[Trouble::of(error, None)]);
    match error {
        // Who names it, meant another one.
        BaselineError::NothingPending { .. } => Exit::Usage,
        _ => exit,
    }
}

/// Of two, that which comes first in the table of exit codes.
fn worse(one: Exit, other: Exit) -> Exit {
    [Exit::Usage, Exit::Interrupted, Exit::Failed, Exit::Errored]
        .into_iter()
        .find(|exit| [one, other].contains(exit))
        .unwrap_or(one)
}

/// Where nobody can read it, the exit code has to do.
fn print(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}
