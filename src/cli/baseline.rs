//! `spanspec baseline`: reviews, accepts, rejects, shows and calibrates baselines.

mod calibrate;
mod find;
mod shapes;

use std::io::Write;
use std::path::Path;

use crate::budget::baseline::{self, BaselineError, changes, pending_path, read};
use crate::report::{Look, baseline as report};
use crate::result::Trouble;
use crate::shape_file::ShapeFileError;
use crate::workspace::shown;

use super::budget_arguments::{BaselineArguments, BaselineCommand, StoredArguments};
use super::exit::{Exit, fail};
use super::output;
use super::session::fail_with;
use find::find;

/// Runs the subcommand.
pub(super) fn baseline(arguments: &BaselineArguments) -> Exit {
    match &arguments.command {
        BaselineCommand::Review(arguments) => {
            each_pending(arguments, "review", review, shapes::review)
        }
        BaselineCommand::Accept(arguments) => {
            each_pending(arguments, "accept", accept, shapes::accept)
        }
        BaselineCommand::Reject(arguments) => {
            each_pending(arguments, "reject", reject, shapes::reject)
        }
        BaselineCommand::Show(arguments) => show(arguments),
        BaselineCommand::Calibrate(arguments) => calibrate::calibrate(arguments),
    }
}

fn accept(path: &Path) -> Result<String, BaselineError> {
    baseline::accept(path)?;
    Ok(format!("accepted  {}\n", shown(path)))
}

fn reject(path: &Path) -> Result<String, BaselineError> {
    baseline::reject(path)?;
    Ok(format!("rejected  {}\n", shown(&pending_path(path))))
}

/// Prints the result for each pending proposal, and for each file that was named. Goes on after an
/// error.
fn each_pending(
    arguments: &StoredArguments,
    verb: &str,
    baseline: impl Fn(&Path) -> Result<String, BaselineError>,
    shape: impl Fn(&Path) -> Result<String, ShapeFileError>,
) -> Exit {
    let found = match find(arguments) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let mut pending = found
        .iter()
        .filter(|one| one.is_named || one.is_pending())
        .peekable();
    if pending.peek().is_none() {
        print(&format!(
            "nothing to {verb}: no baseline or shape of the project's specs is pending; name other specs as for `run`\n"
        ));
    }
    let mut exit = Exit::Passed;
    for one in pending {
        let done = match shapes::is_shape(&one.path) {
            true => shape(&one.path).map_err(|error| shapes::fail_shape(&error)),
            false => baseline(&one.path).map_err(|error| fail_baseline(&error)),
        };
        match done {
            Ok(text) => print(&text),
            Err(failed) => exit = worse(exit, failed),
        }
    }
    exit
}

/// The proposal beside the accepted baseline.
fn review(path: &Path) -> Result<String, BaselineError> {
    let pending = pending_path(path);
    let proposal = read(&pending)?.ok_or_else(|| BaselineError::NothingPending {
        path: pending.clone(),
    })?;
    let current = read(path)?.unwrap_or_default();
    let text = report::changes(&changes(&current, &proposal), &Look::of_stdout());
    let accept = shell_words::quote(&shown(path)).into_owned();
    Ok(format!(
        "{}\n{text}  accept it with `spanspec baseline accept {accept}`, or delete it with `spanspec baseline reject {accept}`\n\n",
        shown(&pending)
    ))
}

/// Shows each baseline, and mentions pending proposals. Goes on after an error.
fn show(arguments: &StoredArguments) -> Exit {
    let found = match find(arguments) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let (mut texts, mut errors) = (Vec::new(), Vec::new());
    let mut exit = Exit::Passed;
    for one in &found {
        if shapes::is_shape(&one.path) {
            match shapes::show(&one.path) {
                Ok(text) => texts.extend(text),
                Err(error) => exit = worse(exit, shapes::fail_shape(&error)),
            }
            continue;
        }
        match text(&one.path, &mut errors) {
            Ok(text) => texts.extend(text),
            Err(error) => errors.push(error),
        }
    }
    if texts.is_empty() && errors.is_empty() && exit == Exit::Passed {
        if let [one] = found.as_slice()
            && one.is_named
        {
            let text = format!(
                "error: there is no baseline {}: `spanspec baseline show` lists those of the project, and `spanspec run` proposes new ones",
                shown(&one.path)
            );
            return fail(Exit::Nothing, &text);
        }
        if !arguments.files.is_empty() {
            let given = arguments.files.join(" ");
            let text = format!(
                "there is no baseline for {given}: `spanspec run` proposes one for each spec with budgets"
            );
            return fail(Exit::Nothing, &text);
        }
        return fail(
            Exit::Nothing,
            "there is no baseline yet: `spanspec run` proposes one for each spec with budgets, and `spanspec baseline accept` accepts it",
        );
    }
    print(&texts.join("\n"));
    errors.iter().map(fail_baseline).fold(exit, worse)
}

/// Returns `None` if there is neither a baseline nor a proposal. An unreadable proposal is added to
/// `errors`, and the baseline is shown nevertheless.
fn text(path: &Path, errors: &mut Vec<BaselineError>) -> Result<Option<String>, BaselineError> {
    let pending = pending_path(path);
    let is_pending = match read(&pending) {
        Ok(proposal) => proposal.is_some(),
        Err(error) => {
            errors.push(error);
            false
        }
    };
    let mut text = format!("{}\n", shown(path));
    match &read(path)? {
        Some(accepted) => text.push_str(&report::baseline(accepted, &Look::of_stdout())),
        None if is_pending => text.push_str("  nothing accepted yet\n"),
        None => return Ok(None),
    }
    if is_pending {
        text.push_str(&format!(
            "  a new one is pending in {}: `spanspec baseline review` shows the changes\n",
            shown(&pending)
        ));
    }
    Ok(Some(text))
}

/// Prints the error.
fn fail_baseline(error: &BaselineError) -> Exit {
    let exit = fail_with(&[Trouble::from_error(error)]);
    match error {
        // A name on the command line has no proposal.
        BaselineError::NothingPending { .. } => Exit::Usage,
        _ => exit,
    }
}

/// The one that comes first in the table of exit codes.
fn worse(one: Exit, other: Exit) -> Exit {
    [Exit::Usage, Exit::Interrupted, Exit::Failed, Exit::Errored]
        .into_iter()
        .find(|exit| [one, other].contains(exit))
        .unwrap_or(one)
}

/// Errors of standard output are ignored.
fn print(text: &str) {
    let _ = output::stdout().write_all(text.as_bytes());
}
