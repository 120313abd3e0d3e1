//! The text of a test whose spec did not pass.

use crate::report::{Detail, Look, text};
use crate::result::{Report, SpecReport, Trouble, Verdict};
use crate::spec::Spec;

/// The result of a spec for a test runner.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SpecResult {
    Passed,
    /// Left out, with the reason.
    Skipped(String),
    /// Failed or errored: the text begins with the word.
    NotPassed(String),
}

/// The result of all specs of a run.
pub(super) fn of(report: &Report) -> SpecResult {
    let unwell: String = report.specs.iter().map(unwell).collect();
    if !unwell.is_empty() {
        return SpecResult::NotPassed(unwell + &of_run(report));
    }
    let reasons: Vec<&str> = report
        .specs
        .iter()
        .filter_map(|spec| match &spec.verdict {
            Verdict::Skipped(reason) => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    if reasons.len() == report.specs.len() && !reasons.is_empty() {
        return SpecResult::Skipped(reasons.join("; "));
    }
    SpecResult::Passed
}

/// The text for specs whose services could not be started.
pub(super) fn unstarted(specs: &[Spec], troubles: &[Trouble]) -> String {
    let heads = specs
        .iter()
        .map(|spec| head(&spec.name, spec.at.source.name()));
    let troubles = troubles
        .iter()
        .map(|trouble| text::trouble(trouble, &Look::plain()));
    heads.chain(troubles).collect()
}

fn unwell(spec: &SpecReport) -> String {
    match &spec.verdict {
        Verdict::Passed | Verdict::Skipped(_) => String::new(),
        Verdict::Failed | Verdict::Errored => text::spec(spec, &Look::plain(), Detail::Quiet),
        Verdict::NotRun(why) => {
            format!(
                "{}  not run: {why}\n\n",
                head(&spec.name, spec.at.source.name())
            )
        }
    }
}

fn of_run(report: &Report) -> String {
    let look = Look::plain();
    let troubles = report
        .trouble
        .iter()
        .map(|trouble| format!("ERROR the run\n{}\n", text::trouble(trouble, &look)));
    let notices = report
        .notices
        .iter()
        .map(|notice| text::notice(notice, &look));
    troubles.chain(notices).collect()
}

fn head(name: &str, file: &str) -> String {
    format!("ERROR {name}   {file}\n")
}
