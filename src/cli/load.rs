//! Reads the project and the specs that the arguments name, or prints their errors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::report::{Diagnostic, Look, snippet};
use crate::result::Trouble;
use crate::spec::SpecError;
use crate::workspace::{LoadError, Ports, Search, Workspace};

use super::arguments::{ProjectArguments, SpecArguments};
use super::exit::{Exit, fail, note};
use super::output;

/// Maximum number of errors that are printed.
const MOST_SHOWN: usize = 100;

/// Reads the project and its specs. Errors have been printed.
pub(super) fn load(arguments: &SpecArguments, ports: Ports) -> Result<Workspace, Exit> {
    Workspace::load(&search(arguments, ports)).map_err(|error| fail_load(&error))
}

/// The search for specs that arguments and environment describe.
pub(super) fn search(arguments: &SpecArguments, ports: Ports) -> Search {
    Search {
        specs: arguments.specs.clone(),
        ..project_search(&arguments.project, ports)
    }
}

/// The search for the project alone.
pub(super) fn project_search(arguments: &ProjectArguments, ports: Ports) -> Search {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let assignments = arguments.vars.iter();
    Search {
        config: arguments.config.clone(),
        vars: assignments
            .map(|one| (one.name.clone(), one.value.clone()))
            .collect(),
        var_files: arguments.var_file.clone(),
        secrets: arguments.secrets.clone(),
        hidden: output::secrets(),
        ports,
        profile: arguments.profile.clone(),
        ..Search::from(here, environment())
    }
}

/// The variables of the environment that are UTF-8.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Prints a warning for each `--var` that has no effect.
pub(super) fn warn_of_unused(workspace: &Workspace) {
    for text in workspace.unused_variables() {
        note(&format!("warning: {text}"));
    }
}

/// Prints the errors of a project.
pub(super) fn fail_load(error: &LoadError) -> Exit {
    match error {
        LoadError::Wrong { unreadable, errors } => {
            let lines: Vec<String> = unreadable
                .iter()
                .map(|error| format!("error: {error}"))
                .collect();
            if !lines.is_empty() {
                fail(Exit::Usage, &lines.join("\n"));
            }
            if !errors.is_empty() {
                print_errors(errors);
            }
            Exit::Usage
        }
        LoadError::NoProject
        | LoadError::SeveralProjects { .. }
        | LoadError::UnknownProfile { .. }
        | LoadError::UnknownPort { .. } => fail(Exit::Usage, &format!("error: {error}")),
        LoadError::NoPort(cause) => fail(Exit::Errored, &format!("error: {error}: {cause}")),
    }
}

/// The errors of a project, for reports.
pub(super) fn troubles(error: &LoadError) -> Vec<Trouble> {
    match error {
        LoadError::Wrong { unreadable, errors } => {
            let unreadable = unreadable.iter().map(|error| Trouble::from_error(error));
            let errors = errors.iter().take(MOST_SHOWN).map(Trouble::from);
            unreadable.chain(errors).collect()
        }
        error => vec![Trouble::from_error(error)],
    }
}

/// Prints errors with their lines.
fn print_errors(errors: &[SpecError]) {
    let diagnostics: Vec<Diagnostic> = errors
        .iter()
        .take(MOST_SHOWN)
        .map(|error| Diagnostic::from(&output::secrets().spec_error(error.clone())))
        .collect();
    let look = Look::of_stderr();
    let count = errors.len();
    let errors = match count {
        1 => "error",
        2..=MOST_SHOWN => "errors",
        _ => "errors, of which the first 100 are shown",
    };
    let text = snippet::diagnostics(&diagnostics, &look);
    fail(
        Exit::Usage,
        &format!("{text}\n{count} {errors}; nothing was run"),
    );
}
