//! `spanspec lint` of traces: the instrumentation that saved, stored or arriving traces show.

mod github;
mod input;
mod json;
mod junit;
mod observe;
mod outcome;
mod sarif;
mod text;
mod weaver;

use std::io::Write;

use super::super::arguments::LintArguments;
use super::super::exit::{Exit, fail};
use super::super::lint_arguments::{LintFormat, LintReportKind};
use super::super::load::{fail_load, search};
use super::super::output;
use super::super::reporters::is_on_github;
use crate::report::write_file;
use crate::secret::Format as FileFormat;
use crate::workspace::{Ports, Workspace};

use outcome::{Strictness, TraceLint};

/// Examines traces by the rules of the project file and of the arguments.
pub(super) fn lint(arguments: &LintArguments) -> Exit {
    let of_traces = &arguments.traces;
    let project = search(&arguments.specs, Ports::Unknown);
    let workspace = match Workspace::without_specs(&project) {
        Ok(workspace) => workspace,
        Err(error) => return fail_load(&error),
    };
    let settings = of_traces.change(workspace.project.lint.clone());
    let input = match input::read(of_traces, project, &workspace) {
        Ok(input) => input,
        Err(exit) => return exit,
    };
    let strictness = match of_traces.strict {
        true => Strictness::Warnings,
        false => Strictness::Errors,
    };
    let of_weaver = match weaver::findings(&input.traces, &settings) {
        Ok(findings) => findings,
        Err(exit) => return exit,
    };
    let lint = TraceLint::of(&input, of_weaver, &settings, strictness);
    let mut exit = lint.exit();
    for report in &of_traces.reports {
        let (text, format) = match report.kind {
            LintReportKind::Sarif => (Ok(sarif::render(&lint)), FileFormat::Json),
            LintReportKind::Json => (Ok(json::render(&lint)), FileFormat::Json),
            LintReportKind::Junit => (junit::render(&lint), FileFormat::Markup),
        };
        let written =
            text.and_then(|text| write_file(&report.path, &text, format, &output::secrets()));
        if let Err(error) = written {
            fail(Exit::Errored, &format!("error: {error}"));
            exit = exit.or_errored();
        }
    }
    write(&lint, of_traces.format);
    exit
}

/// Writes the findings to standard output. Without a reader, the exit code is all that is left.
fn write(lint: &TraceLint, format: LintFormat) {
    let text = match format {
        LintFormat::Text if !is_on_github() => text::render(lint),
        LintFormat::Json => json::render(lint),
        // In other output, workflow commands are disabled.
        LintFormat::Text | LintFormat::Github => {
            let text = output::secrets().text(&github::render(lint));
            let _ = std::io::stdout().write_all(text.as_bytes());
            return;
        }
    };
    let _ = output::stdout().write_all(text.as_bytes());
}
