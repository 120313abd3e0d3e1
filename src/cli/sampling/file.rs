//! Reads a file with samplers, or prints why it is not one.

use std::path::Path;

use crate::report::snippet::Severity;
use crate::report::{Diagnostic, Look, snippet};
use crate::sampling::CollectorVersion;
use crate::sampling::config::{self, Environment, Finding, Level, NotASampler, Reading};
use crate::workspace::{FileKind, read, shown};

use super::super::exit::{Exit, fail, note};
use super::super::output;

/// Maximum number of findings that are printed for a file.
const MOST_SHOWN: usize = 100;

/// Reads the samplers of a file. Variables are those of this process. If it has none, the reason has been printed.
pub(super) fn samplers(path: &Path, version: CollectorVersion) -> Result<Reading, Exit> {
    let source = match read(path) {
        Ok(source) => source,
        Err(error) => return Err(fail(Exit::Usage, &format!("error: {error}"))),
    };
    let environment = Environment {
        version,
        variable: &|name| std::env::var(name).ok(),
    };
    config::read(&source, &environment).map_err(|error| no_samplers(path, error))
}

fn no_samplers(path: &Path, error: NotASampler) -> Exit {
    let name = shown(path);
    let (exit, what, help) = match error {
        NotASampler::Syntax(error) => {
            let diagnostic = Diagnostic {
                title: error.text,
                at: Some(error.at),
                ..Diagnostic::default()
            };
            return fail(
                Exit::Usage,
                &snippet::diagnostic(&diagnostic, &Look::of_stderr()),
            );
        }
        NotASampler::Empty => (
            Exit::Usage,
            format!("{name} is empty"),
            "name the file that the Collector gets with `--config`".to_owned(),
        ),
        NotASampler::NotACollector => match FileKind::of(path) {
            Some(kind) => (
                Exit::Usage,
                format!("{name} is {}, not a configuration of a Collector", kind.name()),
                kind.command(path),
            ),
            None => (
                Exit::Usage,
                format!("{name} is not a configuration of a Collector: it has no `processors`"),
                "name the file that the Collector gets with `--config`, or Jaeger's file of sampling strategies".to_owned(),
            ),
        },
        NotASampler::NoSampler => (
            Exit::Nothing,
            format!("{name} has no `tail_sampling` and no `probabilistic_sampler`"),
            "name the file that defines them below `processors`".to_owned(),
        ),
    };
    fail(exit, &format!("error: {what}\nhelp: {help}"))
}

/// Prints findings to standard error, each with its place.
pub(super) fn print(findings: &[&Finding]) {
    if findings.is_empty() {
        return;
    }
    let diagnostics: Vec<Diagnostic> = findings
        .iter()
        .take(MOST_SHOWN)
        .map(|finding| diagnostic(finding))
        .collect();
    note(&snippet::diagnostics(&diagnostics, &Look::of_stderr()));
    if let Some(more) = findings
        .len()
        .checked_sub(MOST_SHOWN)
        .filter(|more| *more > 0)
    {
        note(&format!("… and {more} more"));
    }
}

fn diagnostic(finding: &Finding) -> Diagnostic {
    let secrets = output::secrets();
    let help = Some(secrets.text(&finding.help)).filter(|help| !help.is_empty());
    Diagnostic {
        severity: match finding.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
        },
        id: Some(finding.rule.id()),
        title: secrets.text(&finding.what),
        at: Some(finding.at.clone()),
        label: secrets.text(&finding.label),
        also: finding.also.iter().cloned().collect(),
        help: help.into_iter().collect(),
    }
}
