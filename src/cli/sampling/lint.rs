//! `spanspec sampling lint`: findings about samplers, with their places.

use std::io::Write;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::number::counted;
use crate::sampling::config::{Finding, Level, LintRule, Reading, of_replicas};

use super::super::exit::{Exit, note};
use super::super::output;
use super::super::sampling_arguments::{SamplingFormat, SamplingLintArguments};
use super::file;
use crate::workspace::shown;

/// Checks each file. Goes on after a file that cannot be read.
pub(super) fn lint(arguments: &SamplingLintArguments) -> Exit {
    let mut exit = Exit::Passed;
    let mut read: Vec<(&Path, Reading)> = Vec::new();
    for path in &arguments.files {
        match file::samplers(path, arguments.collector_version) {
            Ok(reading) => read.push((path, reading)),
            Err(failed) => exit = worse(exit, failed),
        }
    }
    if read.is_empty() {
        return exit;
    }
    let configurations: Vec<_> = read
        .iter()
        .map(|(_, reading)| &reading.configuration)
        .collect();
    let of_replicas = of_replicas(&configurations, arguments.replicas);
    let own = read.iter().flat_map(|(_, reading)| &reading.findings);
    let is_shown = |finding: &&Finding| is_shown(finding, &arguments.allow);
    let findings: Vec<&Finding> = own.chain(&of_replicas).filter(is_shown).collect();
    match arguments.format {
        SamplingFormat::Text => print_text(&read, &findings),
        SamplingFormat::Json => print_json(&read, &findings),
    }
    match counts(&findings) {
        (0, warnings) if warnings == 0 || !arguments.strict => exit,
        _ => worse(exit, Exit::Usage),
    }
}

/// Errors are shown always: the Collector does not start with them.
fn is_shown(finding: &Finding, allowed: &[LintRule]) -> bool {
    finding.level == Level::Error || !allowed.contains(&finding.rule)
}

/// The exit code for several files: a file that cannot be read counts more than one without samplers.
fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Usage, _) | (_, Exit::Usage) => Exit::Usage,
        (Exit::Passed, other) => other,
        (one, _) => one,
    }
}

fn counts(findings: &[&Finding]) -> (usize, usize) {
    let errors = findings
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .count();
    (errors, findings.len() - errors)
}

fn print_text(read: &[(&Path, Reading)], findings: &[&Finding]) {
    file::print(findings);
    for (path, reading) in read {
        if reading.configuration.pipelines.is_empty() && reading.configuration.strategies == 0 {
            note(&format!(
                "note: {} has no pipelines, so the order of processors is not checked",
                shown(path)
            ));
        }
    }
    let (errors, warnings) = counts(findings);
    let errors = match errors {
        0 => "no errors".to_owned(),
        number => counted(number, "error"),
    };
    let warnings = match warnings {
        0 => String::new(),
        number => format!(", {}", counted(number, "warning")),
    };
    let configurations = read.iter().map(|(_, reading)| &reading.configuration);
    let samplers: usize = configurations
        .clone()
        .map(|one| one.tail_sampling.len() + one.probabilistic.len())
        .sum();
    let subject = match configurations.map(|one| one.strategies).sum() {
        0_usize => counted(samplers, "sampler"),
        1 => "1 strategy".to_owned(),
        number => format!("{number} strategies"),
    };
    // Without a reader, the exit code is all that is left.
    let _ = writeln!(
        output::stdout(),
        "{} in {}: {errors}{warnings}",
        subject,
        counted(read.len(), "file")
    );
}

fn print_json(read: &[(&Path, Reading)], findings: &[&Finding]) {
    let files: Vec<Json> = read
        .iter()
        .map(|(path, _)| of_file(path, findings))
        .collect();
    let (errors, warnings) = counts(findings);
    let document = json!({ "errors": errors, "warnings": warnings, "files": files });
    let _ = writeln!(output::stdout(), "{document:#}");
}

fn of_file(path: &Path, findings: &[&Finding]) -> Json {
    let name = shown(path);
    let own = findings
        .iter()
        .filter(|finding| finding.at.source.name() == name);
    json!({ "file": name, "findings": own.map(|finding| of_finding(finding)).collect::<Vec<_>>() })
}

fn of_finding(finding: &Finding) -> Json {
    json!({
        "rule": finding.rule.id(),
        "level": match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
        },
        "message": finding.what,
        "label": Some(&finding.label).filter(|label| !label.is_empty()),
        "help": Some(&finding.help).filter(|help| !help.is_empty()),
        "line": finding.at.line(),
        "column": finding.at.column(),
    })
}
