//! Suites from a JSON report of ours, equal to the JUnit report of that run.

use std::collections::HashMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestRerun, TestSuite};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::report::brief;
use crate::report::junit::case::{case, describe_load, not_well, without_forbidden};
use crate::report::junit::load::LoadNumbers;
use crate::report::junit::paths::class_name;
use crate::report::repository::Repository;
use crate::result::word_if_not_run;

#[derive(Deserialize)]
struct ReadReport {
    duration_ms: f64,
    specs: Vec<ReadSpec>,
    trouble: Vec<ReadTrouble>,
}

#[derive(Deserialize)]
struct ReadTrouble {
    what: String,
    details: Vec<String>,
    help: Vec<String>,
}

#[derive(Deserialize)]
struct ReadSpec {
    name: String,
    location: ReadLocation,
    verdict: String,
    reason: Option<String>,
    /// Absent in older reports.
    #[serde(default)]
    fails_as_flaky: bool,
    duration_ms: f64,
    text: Option<String>,
    attempts: Vec<ReadAttempt>,
}

#[derive(Deserialize)]
struct ReadLocation {
    file: String,
    line: usize,
}

#[derive(Deserialize)]
struct ReadAttempt {
    verdict: String,
    started: String,
    duration_ms: f64,
    message: Option<String>,
    kind: Option<String>,
    text: Option<String>,
    steps: Vec<ReadStep>,
}

#[derive(Deserialize)]
struct ReadStep {
    phase: String,
    trace_id: Option<String>,
    trace: Option<ReadTrace>,
    saved_trace: Option<String>,
    checks: Vec<ReadCheck>,
    trouble: Option<Json>,
    /// Absent in older reports.
    load: Option<LoadNumbers>,
}

#[derive(Deserialize)]
struct ReadTrace {
    spans: usize,
    services: Vec<String>,
}

#[derive(Deserialize)]
struct ReadCheck {
    outcome: String,
}

/// A suite for each file of specs, and one for errors of the run itself.
pub(super) fn suites(
    document: &Json,
    repository: &Repository,
) -> Result<Vec<TestSuite>, serde_json::Error> {
    let report = ReadReport::deserialize(document)?;
    let mut suites: Vec<TestSuite> = Vec::new();
    if !report.trouble.is_empty() {
        let mut suite = TestSuite::new("spanspec");
        suite.add_test_case(of_run(&report));
        suites.push(suite);
    }
    let names = suites.iter().map(|suite| suite.name.as_str().to_owned());
    let mut known: HashMap<String, usize> = names.zip(0..).collect();
    for spec in &report.specs {
        let file = repository.relative(&spec.location.file);
        let at = *known.entry(file.clone()).or_insert(suites.len());
        if at == suites.len() {
            suites.push(TestSuite::new(&file));
        }
        add(&mut suites[at], spec, &file, repository);
    }
    Ok(suites)
}

fn of_run(report: &ReadReport) -> TestCase {
    let body: Vec<String> = report.trouble.iter().map(ReadTrouble::text).collect();
    let message = report.trouble.first().map_or("", |trouble| &trouble.what);
    let status = not_well(NonSuccessKind::Error, message, "trouble", &body.join("\n"));
    let mut case = TestCase::new("the run", status);
    case.set_classname("spanspec");
    case.set_time(millis(report.duration_ms));
    case
}

impl ReadTrouble {
    fn text(&self) -> String {
        let details = self.details.iter().map(|line| format!("  {line}"));
        let help = self.help.iter().map(|line| format!("  help: {line}"));
        let lines = std::iter::once(self.what.clone())
            .chain(details)
            .chain(help);
        lines.collect::<Vec<String>>().join("\n")
    }
}

fn add(suite: &mut TestSuite, spec: &ReadSpec, file: &str, repository: &Repository) {
    let mut of_spec = of_spec(spec, repository);
    of_spec.set_classname(class_name(file));
    of_spec.extra.insert("file".into(), file.into());
    let starts = spec.attempts.iter().map(|attempt| attempt.started.as_str());
    let starts = starts.filter_map(|start| start.parse().ok());
    suite.timestamp = suite.timestamp.into_iter().chain(starts).min();
    let so_far = suite.time.unwrap_or_default();
    suite.set_time(so_far.saturating_add(of_spec.time.unwrap_or_default()));
    suite.add_test_case(of_spec);
}

fn of_spec(spec: &ReadSpec, repository: &Repository) -> TestCase {
    let mut of_spec = case(&spec.name, status(spec), spec.location.line);
    of_spec.set_time(millis(spec.duration_ms));
    let Some(last) = spec.attempts.last() else {
        return of_spec;
    };
    of_spec.set_assertions(last.steps.iter().map(|step| step.checks.len()).sum());
    if let Some(step) = last.decisive_step() {
        describe(&mut of_spec, step, repository);
    }
    of_spec
}

fn status(spec: &ReadSpec) -> TestCaseStatus {
    let reason = spec.reason.as_deref().unwrap_or_default();
    let kind = match spec.verdict.as_str() {
        "passed" if spec.fails_as_flaky => Some(NonSuccessKind::Failure),
        "passed" => None,
        "failed" => Some(NonSuccessKind::Failure),
        "skipped" => return skipped(reason),
        "not_run" => {
            let word = word_if_not_run(spec.attempts.len());
            let mut status = skipped(&format!("{word}: {reason}"));
            if let Some(text) = &spec.text {
                status.set_description(without_forbidden(text.trim_end()));
            }
            return status;
        }
        _ => Some(NonSuccessKind::Error),
    };
    let last = spec.attempts.last();
    let message = match spec.attempts.first().filter(|_| spec.fails_as_flaky) {
        Some(first) => {
            let first = first.message.as_deref().unwrap_or("failed");
            Some(brief::flaky_after(spec.attempts.len(), first))
        }
        None => last.and_then(|last| last.message.clone()),
    };
    let word = match spec.fails_as_flaky {
        true => Some(brief::FLAKY),
        false => last.and_then(|last| last.kind.as_deref()),
    };
    let mut status = kind.map_or_else(TestCaseStatus::success, |kind| {
        not_well(
            kind,
            message.as_deref().unwrap_or("never attempted"),
            word.unwrap_or("trouble"),
            spec.text.as_deref().unwrap_or_default(),
        )
    });
    let earlier = spec.attempts.split_last().map(|(_, earlier)| earlier);
    status.add_reruns(earlier.unwrap_or_default().iter().map(rerun));
    status
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(without_forbidden(reason));
    status
}

fn rerun(attempt: &ReadAttempt) -> TestRerun {
    let mut rerun = TestRerun::new(match attempt.verdict.as_str() {
        "errored" => NonSuccessKind::Error,
        _ => NonSuccessKind::Failure,
    });
    let message = attempt.message.as_deref().unwrap_or("failed");
    rerun.set_message(without_forbidden(message));
    rerun.set_type(attempt.kind.as_deref().unwrap_or("unjudged"));
    rerun.set_time(millis(attempt.duration_ms));
    let text = attempt.text.as_deref().unwrap_or_default();
    rerun.set_stack_trace(without_forbidden(text.trim_end()));
    rerun
}

fn describe(of_spec: &mut TestCase, step: &ReadStep, repository: &Repository) {
    if let Some(id) = &step.trace_id {
        of_spec.add_property(("trace_id", id.as_str()));
    }
    if let Some(trace) = &step.trace {
        let services = without_forbidden(&trace.services.join(", "));
        of_spec.add_property(("spans", trace.spans.to_string().as_str()));
        of_spec.add_property(("services", services.as_str()));
    }
    if let Some(load) = &step.load {
        describe_load(of_spec, load);
    }
    let is_unwell = matches!(of_spec.status, TestCaseStatus::NonSuccess { .. });
    if let Some(path) = step.saved_trace.as_ref().filter(|_| is_unwell) {
        let path = repository.relative(path);
        of_spec.set_system_out(format!("[[ATTACHMENT|{path}]]"));
    }
}

impl ReadAttempt {
    /// The step that failed, else the last one that was tested.
    fn decisive_step(&self) -> Option<&ReadStep> {
        let mut steps = self.steps.iter();
        steps.find(|step| step.has_failed()).or_else(|| {
            let mut steps = self.steps.iter();
            steps.rfind(|step| step.phase == "test")
        })
    }
}

impl ReadStep {
    fn has_failed(&self) -> bool {
        self.trouble.is_some() || self.checks.iter().any(|check| check.outcome != "pass")
    }
}

/// Zero if the number is not a valid duration.
fn millis(number: f64) -> Duration {
    Duration::try_from_secs_f64(number / 1_000.0).unwrap_or_default()
}
