//! `spanspec lint`: whether specs can be understood.

use std::io::Write;

use spanspec::budget::too_few_requests;
use spanspec::report::{Diagnostic, Look, snippet};
use spanspec::workspace::Ports;

use super::arguments::LintArguments;
use super::exit::{Exit, refuse};
use super::selection::select;
use super::understand::understand;

/// Reads everything that `run` would read, and fires nothing.
pub(super) fn lint(arguments: &LintArguments) -> Exit {
    let workspace = match understand(&arguments.specs, Ports::Unknown) {
        Ok(workspace) => workspace,
        Err(exit) => return exit,
    };
    let files = workspace.files.len();
    let specs = select(workspace.specs, &arguments.specs);
    let foreseen = too_few_requests(&specs);
    let warnings = workspace.warnings.iter().chain(&foreseen);
    let warnings: Vec<Diagnostic> = warnings.map(Diagnostic::warning).collect();
    if !warnings.is_empty() {
        let text = snippet::diagnostics(&warnings, &Look::of_stderr());
        refuse(Exit::Passed, &text);
    }
    if specs.is_empty() {
        return refuse(Exit::Nothing, "no spec was selected");
    }
    let counted = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    // Where nobody can read it, the exit code has to do.
    let _ = writeln!(
        anstream::stdout(),
        "{} in {}: no mistake",
        counted(specs.len(), "spec"),
        counted(files, "file")
    );
    Exit::Passed
}
