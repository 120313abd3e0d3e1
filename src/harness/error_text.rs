//! Errors in specs and project files, with the same text as on the command line.

use crate::report::{Diagnostic, Look, snippet};
use crate::secret::Secrets;
use crate::spec::SpecError;
#[cfg(feature = "harness")]
use crate::workspace::LoadError;

/// Maximum number of errors that are printed.
const MOST_SHOWN: usize = 100;

/// The errors of a project.
#[cfg(feature = "harness")]
pub(super) fn of_load(error: &LoadError, hidden: &Secrets) -> String {
    match error {
        LoadError::Wrong { unreadable, errors } => {
            let lines = unreadable.iter().map(|error| format!("error: {error}\n"));
            let lines: String = lines.collect();
            if errors.is_empty() {
                lines
            } else {
                lines + &of_specs(errors, hidden)
            }
        }
        LoadError::NoProject
        | LoadError::SeveralProjects { .. }
        | LoadError::UnknownProfile { .. }
        | LoadError::UnknownPort { .. } => format!("error: {error}\n"),
        LoadError::NoPort(cause) => format!("error: {error}: {cause}\n"),
    }
}

/// Errors, each with its line, without secrets.
pub(super) fn of_specs(errors: &[SpecError], hidden: &Secrets) -> String {
    let shown = errors.iter().take(MOST_SHOWN);
    let shown: Vec<Diagnostic> = shown
        .map(|error| Diagnostic::from(&hidden.spec_error(error.clone())))
        .collect();
    let text = snippet::diagnostics(&shown, &Look::plain());
    let count = match errors.len() {
        1 => "1 error".to_owned(),
        count if count > MOST_SHOWN => {
            format!("{count} errors, of which the first {MOST_SHOWN} are shown")
        }
        count => format!("{count} errors"),
    };
    format!("{text}\n{count}; nothing of it was run\n")
}
