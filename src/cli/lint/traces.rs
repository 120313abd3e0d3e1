//! `spanspec lint --traces`: the instrumentation that saved traces show.

mod json;
mod outcome;
mod sarif;
mod text;

use std::io::Write;

use crate::report::write_file;
use crate::secret::Format as FileFormat;
use crate::trace::{Origin, Trace};

use super::super::arguments::LintArguments;
use super::super::exit::{Exit, fail};
use super::super::lint_arguments::{LintFormat, LintReportKind};
use super::super::load::{fail_load, search};
use super::super::output;
use super::super::trace_files;
use crate::workspace::{Ports, Workspace};

use outcome::TraceLint;

/// Examines traces by the rules of the project file and of the arguments.
pub(super) fn lint(arguments: &LintArguments) -> Exit {
    let settings = match Workspace::without_specs(&search(&arguments.specs, Ports::Unknown)) {
        Ok(workspace) => arguments.traces.change(workspace.project.lint),
        Err(error) => return fail_load(&error),
    };
    let read = match trace_files::read(&arguments.traces.traces) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    let traces: Vec<Trace> = read
        .all
        .into_iter()
        .map(|one| {
            let trace = Trace::assemble(one.id, Origin::Foreign, one.spans);
            // The parent of the first span of a trace that spanspec started is no span.
            trace.with_losses(one.losses).with_own_caller()
        })
        .collect();
    let lint = TraceLint::of(&traces, &settings);
    let mut exit = lint.exit(arguments.traces.strict);
    for report in &arguments.traces.reports {
        let text = match report.kind {
            LintReportKind::Sarif => sarif::render(&lint),
            LintReportKind::Json => json::render(&lint),
        };
        if let Err(error) = write_file(&report.path, &text, FileFormat::Json, &output::secrets()) {
            fail(Exit::Errored, &format!("error: {error}"));
            exit = exit.or_errored();
        }
    }
    let text = match arguments.traces.format {
        LintFormat::Text => text::render(&lint),
        LintFormat::Json => json::render(&lint),
    };
    // Without a reader, the exit code is all that is left.
    let _ = output::stdout().write_all(text.as_bytes());
    exit
}
