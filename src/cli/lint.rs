//! `spanspec lint`: checks specs without running them, or the instrumentation that traces show.

mod baselines;
mod shapes;
mod traces;

use std::io::Write;

use crate::budget::{requests_to_prove, too_few_requests};
use crate::report::{Diagnostic, Look, snippet};
use crate::result::Trouble;
use crate::session::declared_flush;
use crate::spec::Spec;
use crate::step::short_timeouts;
use crate::workspace::{Ports, Search, Workspace};

use super::arguments::{LintArguments, SpecArguments};
use super::exit::{Exit, fail, note};
use super::load::{fail_load, load, search, warn_of_unused};
use super::output;
use super::selection::{nothing_selected, select};
use super::session::fail_with;
use baselines::Looked;

/// Reads everything that `run` would read, and fires nothing.
pub(super) fn lint(arguments: &LintArguments) -> Exit {
    if arguments.traces.is_about_traces() {
        return traces::lint(arguments);
    }
    let workspace = match load(&arguments.specs, Ports::Unknown) {
        Ok(workspace) => workspace,
        Err(exit) => return exit,
    };
    warn_of_unused(&workspace);
    if arguments.specs.project.profile.is_none()
        && let Err(exit) = lint_profiles(&workspace, &arguments.specs)
    {
        return exit;
    }
    let folder = arguments.baseline.as_deref();
    let mut baselines =
        baselines::look(&workspace, folder.filter(|dir| !dir.as_os_str().is_empty()));
    if arguments.specs.specs.is_empty() {
        baselines.warnings.extend(shapes::unused(&workspace.specs));
    }
    let files = workspace.files.len();
    let flush = declared_flush(&workspace);
    let lost = workspace.lost_exports();
    let known = workspace.specs.len();
    let specs = select(workspace.specs, &workspace.project.dir, &arguments.specs);
    let foreseen = too_few_requests(&specs);
    let too_short = short_timeouts(&specs, flush);
    let warnings = workspace.warnings.iter().chain(&lost);
    let warnings = warnings.chain(&foreseen).chain(&too_short);
    let mut warnings: Vec<Diagnostic> = warnings
        .map(|error| Diagnostic::warning(&output::secrets().spec_error(error.clone())))
        .collect();
    warnings.extend(std::mem::take(&mut baselines.warnings));
    if !warnings.is_empty() {
        let text = snippet::diagnostics(&warnings, &Look::of_stderr());
        note(&text);
    }
    if specs.is_empty() {
        return fail(Exit::Nothing, &nothing_selected(known, &arguments.specs));
    }
    if !baselines.errors.is_empty() {
        let troubles = baselines
            .errors
            .iter()
            .map(|error| Trouble::from_error(error));
        return fail_with(&troubles.collect::<Vec<_>>());
    }
    let counted = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    for line in proofs(&specs, &baselines) {
        let _ = writeln!(output::stdout(), "{line}");
    }
    // Without a reader, the exit code is all that is left.
    let _ = writeln!(
        output::stdout(),
        "{} in {}: no errors",
        counted(specs.len(), "spec"),
        counted(files, "file")
    );
    Exit::Passed
}

/// Reads the project and its specs under each profile. Errors have been printed.
fn lint_profiles(workspace: &Workspace, arguments: &SpecArguments) -> Result<(), Exit> {
    let mut result = Ok(());
    for name in &workspace.project.profiles.names {
        let of_profile = Search {
            profile: Some(name.clone()),
            ..search(arguments, Ports::Unknown)
        };
        if let Err(error) = Workspace::load(&of_profile) {
            note(&format!("under the profile `{name}`:"));
            result = Err(fail_load(&error));
        }
    }
    result
}

/// For each spec that sends too few requests to prove that nothing changed, the number it takes.
fn proofs(specs: &[Spec], baselines: &Looked) -> Vec<String> {
    let lines = specs.iter().filter_map(|spec| {
        let needed = requests_to_prove(spec, |subject| baselines.samples(spec, subject))?;
        let text = format!("{} › {}: {needed}", spec.at.source.name(), spec.name);
        Some(output::secrets().text(&text))
    });
    let mut lines: Vec<String> = lines.collect();
    lines.dedup();
    lines
}
