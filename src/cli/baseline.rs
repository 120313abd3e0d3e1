//! `spanspec baseline`: looks at baselines, accepts and rejects new ones, and calibrates.

mod calibrate;
mod find;
mod review;

use std::io::Write;
use std::path::Path;

use crate::budget::baseline::{self, BaselineError, Proposal, pending_path, proposal, read};
use crate::report::{Look, baseline as report};
use crate::result::Trouble;
use crate::workspace::shown;

use super::budget_arguments::{BaselineArguments, BaselineCommand, StoredArguments};
use super::exit::{Exit, fail};
use super::host::fail_with;
use super::output;
use find::{Found, find};

/// Does what the arguments say.
pub(super) fn baseline(arguments: &BaselineArguments) -> Exit {
    match &arguments.command {
        BaselineCommand::Review(arguments) => with_found(arguments, review::review),
        BaselineCommand::Accept(arguments) => {
            with_found(arguments, |found| settle(found, Decision::Accept))
        }
        BaselineCommand::Reject(arguments) => {
            with_found(arguments, |found| settle(found, Decision::Reject))
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
fn settle(found: &[Found], decision: Decision) -> Exit {
    let mut exit = Exit::Passed;
    let mut is_idle = true;
    for one in found.iter().filter(|one| one.is_named || one.is_pending()) {
        is_idle = false;
        match decision.carry_out(&one.path, None) {
            Ok(done) => print(&(done + "\n")),
            Err(error) => exit = worse(exit, tell(&error)),
        }
    }
    if is_idle {
        print(&nothing_to(decision.verb()));
    }
    exit
}

/// Specs that are run by name may be none of the project's.
fn nothing_to(what: &str) -> String {
    format!(
        "nothing to {what}: no baseline of the project's specs is pending; name other specs as for `run`\n"
    )
}

/// What becomes of a new baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Accept,
    Reject,
}

impl Decision {
    fn verb(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
        }
    }

    /// Does it, and says what was done to which file. Where the user decided on what was `seen`,
    /// nothing else is accepted or rejected.
    fn carry_out(self, path: &Path, seen: Option<&Proposal>) -> Result<String, BaselineError> {
        match self {
            Self::Accept => {
                baseline::accept(path, seen)?;
                Ok(format!("accepted  {}", shown(path)))
            }
            Self::Reject => {
                baseline::reject(path, seen)?;
                Ok(format!("rejected  {}", shown(&pending_path(path))))
            }
        }
    }
}

/// Shows each baseline, and tells of new ones. A file that cannot be read is told, and the others
/// are shown.
fn show(found: &[Found]) -> Exit {
    let (mut texts, mut errors) = (Vec::new(), Vec::new());
    for one in found {
        match text(one, &mut errors) {
            Ok(text) => texts.extend(text),
            Err(error) => errors.push(error),
        }
    }
    if texts.is_empty() && errors.is_empty() {
        return fail(
            Exit::Nothing,
            "there is no baseline yet: `spanspec run` proposes one for each spec with budgets, and `spanspec baseline accept` keeps it",
        );
    }
    print(&texts.join("\n"));
    errors.iter().map(tell).fold(Exit::Passed, worse)
}

/// Nothing where there is neither an old nor a new one. Why a new one cannot be read is one of the
/// `errors`: the old one is shown all the same.
fn text(found: &Found, errors: &mut Vec<BaselineError>) -> Result<Option<String>, BaselineError> {
    let look = Look::of_stdout();
    let pending = pending_path(&found.path);
    let waits = match read(&pending) {
        Ok(waiting) => waiting.is_some(),
        Err(error) => {
            errors.push(error);
            false
        }
    };
    let mut text = format!("{}\n", shown(&found.path));
    match &read(&found.path)? {
        Some(old) => text.push_str(&report::baseline(old, &look)),
        None if waits => text.push_str("  nothing accepted yet\n"),
        None => return Ok(None),
    }
    if waits {
        text.push_str(&format!(
            "  a new one is pending in {}: `spanspec baseline review` shows what it changes\n",
            shown(&pending)
        ));
    }
    Ok(Some(text))
}

/// What a new baseline would change, and what that was read from.
fn review_text(path: &Path) -> Result<(Proposal, String), BaselineError> {
    let proposal = proposal(path)?;
    let text = report::changes(&proposal.changes(), &Look::of_stdout());
    Ok((proposal, format!("{}\n{text}", shown(&pending_path(path)))))
}

/// Tells the user why a file was not read or written.
fn tell(error: &BaselineError) -> Exit {
    let exit = fail_with(&[Trouble::of(error, None)]);
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
    let _ = output::stdout().write_all(text.as_bytes());
}
