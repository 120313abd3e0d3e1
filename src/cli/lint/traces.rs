//! `spanspec lint --traces`: the instrumentation that saved traces show.

mod json;
mod sarif;
mod text;

use std::io::Write;

use crate::instrumentation::{Finding, Level, Observed, Settings, examine};
use crate::report::write_file;
use crate::secret::Format as FileFormat;
use crate::trace::{Origin, Trace};

use super::super::arguments::LintArguments;
use super::super::exit::{Exit, fail, note};
use super::super::lint_arguments::{LintFormat, LintReportKind};
use super::super::load::{fail_load, search};
use super::super::output;
use super::super::trace_files;
use crate::workspace::{Ports, Workspace};

/// What was found in which traces.
struct TraceLint {
    /// Findings that count, the most severe first.
    findings: Vec<Finding>,
    /// Number of findings that the project file accepts.
    ignored: usize,
    traces: usize,
    spans: usize,
}

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

impl TraceLint {
    fn of(traces: &[Trace], settings: &Settings) -> Self {
        let observed = Observed {
            traces,
            logs_without_trace: None,
        };
        let all = examine(&observed, settings);
        for (at, entry) in settings.ignored.iter().enumerate() {
            if !all.iter().any(|finding| finding.ignored_by == Some(at)) {
                note(&format!(
                    "note: {}: no finding of {} is ignored by this entry",
                    entry.at, entry.rule
                ));
            }
        }
        let (ignored, findings): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|finding| finding.ignored_by.is_some());
        Self {
            findings,
            ignored: ignored.len(),
            traces: traces.len(),
            spans: traces.iter().map(Trace::len).sum(),
        }
    }

    fn number(&self, level: Level) -> usize {
        let of_level = self.findings.iter().filter(|one| one.level == level);
        of_level.count()
    }

    fn exit(&self, strict: bool) -> Exit {
        let fails = self.number(Level::Error) > 0 || strict && self.number(Level::Warning) > 0;
        match fails {
            true => Exit::Failed,
            false => Exit::Passed,
        }
    }
}
