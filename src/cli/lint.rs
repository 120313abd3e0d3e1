//! `spanspec lint`: whether specs can be understood.

use std::io::Write;

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
    let warnings: Vec<Diagnostic> = workspace.warnings.iter().map(Diagnostic::warning).collect();
    if !warnings.is_empty() {
        let text = snippet::diagnostics(&warnings, &Look::of_stderr());
        refuse(Exit::Passed, &text);
    }
    let files = workspace.files.len();
    let specs = select(workspace.specs, &arguments.specs).len();
    if specs == 0 {
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
        counted(specs, "spec"),
        counted(files, "file")
    );
    Exit::Passed
}
