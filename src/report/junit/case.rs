//! The `<testcase>` of a run, a spec, or a check.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestRerun};

use super::super::brief;
use super::super::look::Look;
use super::super::repository::Repository;
use super::super::text::{self, Detail};
use super::load::LoadNumbers;
use crate::check::{Judged, Outcome};
use crate::result::{Attempt, Phase, Report, SpecReport, StepReport, Verdict};

/// The run itself, if an error occurred before the first spec.
pub(super) fn of_run(report: &Report) -> TestCase {
    let look = Look::plain();
    let body: Vec<String> = report
        .trouble
        .iter()
        .map(|of| text::trouble(of, &look))
        .collect();
    let first = report.trouble.first().map_or_else(String::new, |trouble| {
        let at = trouble.at.as_ref();
        at.map_or_else(String::new, |at| format!("{at}: ")) + &trouble.what
    });
    let message = match report.trouble.len() {
        0 | 1 => first,
        several => format!("{first} (and {} more)", several - 1),
    };
    let status = not_well(NonSuccessKind::Error, &message, "trouble", &body.join("\n"));
    let mut case = TestCase::new("the run", status);
    case.set_classname("spanspec");
    case.set_time(report.duration);
    case
}

/// A spec as one case.
pub(super) fn of_spec(spec: &SpecReport, report: &Report, repository: &Repository) -> TestCase {
    let body = || text::spec(spec, &Look::plain(), Detail::Normal);
    let kind = match &spec.verdict {
        Verdict::Passed if report.fails_as_flaky(spec) => Some(NonSuccessKind::Failure),
        Verdict::Passed => None,
        Verdict::Skipped(reason) => return skipped(spec, reason),
        Verdict::NotRun(reason) => {
            let mut case = skipped(spec, &format!("{}: {reason}", spec.word_if_not_run()));
            if let Some(text) = text::of_stopped(spec) {
                case.status
                    .set_description(without_forbidden(text.trim_end()));
            }
            if let Some(step) = spec.decisive_step() {
                describe(&mut case, step, repository);
            }
            return case;
        }
        Verdict::Failed => Some(NonSuccessKind::Failure),
        Verdict::Errored => Some(NonSuccessKind::Error),
    };
    let mut status = match (kind, spec.last_attempt()) {
        (Some(kind), Some(_)) if spec.is_flaky() => {
            not_well(kind, &brief::flaky(spec), brief::FLAKY, &body())
        }
        (Some(kind), Some(last)) => {
            not_well(kind, &brief::message(last), brief::kind(last), &body())
        }
        (Some(kind), None) => not_well(kind, "never attempted", "trouble", &body()),
        (None, _) => TestCaseStatus::success(),
    };
    status.add_reruns(earlier(spec));
    let mut case = case(&spec.name, status, spec.at.line());
    case.set_time(spec.duration);
    if let Some(step) = spec.decisive_step() {
        describe(&mut case, step, repository);
    }
    if let Some(last) = spec.last_attempt() {
        case.set_assertions(last.steps.iter().map(|step| step.checks.len()).sum());
    }
    case
}

/// Each check of a spec as a case; a trouble of a step is another case, and so is a flaky spec that
/// fails the run.
pub(super) fn of_checks(
    spec: &SpecReport,
    report: &Report,
    repository: &Repository,
) -> Vec<TestCase> {
    let mut cases = Vec::new();
    for step in spec.last_attempt().into_iter().flat_map(|last| &last.steps) {
        if let Some(trouble) = &step.trouble {
            let body = text::trouble(trouble, &Look::plain());
            let status = not_well(NonSuccessKind::Error, &trouble.what, "trouble", &body);
            let line = trouble.at.as_ref().map_or(spec.at.line(), |at| at.line());
            let name = format!("{}: {}", spec.name, step.trigger);
            cases.push((case(&name, status, line), step));
        }
        for judged in &step.checks {
            let name = format!("{}: {}", spec.name, judged.what);
            let status = of_outcome(step, judged);
            cases.push((case(&name, status, judged.at.line()), step));
        }
    }
    if cases.is_empty() {
        return vec![of_spec(spec, report, repository)];
    }
    let mut cases: Vec<TestCase> = cases
        .into_iter()
        .map(|(mut case, step)| {
            describe(&mut case, step, repository);
            case.set_time(Duration::ZERO);
            case
        })
        .collect();
    // Checks have no duration; the sum of the suite stays correct.
    cases[0].set_time(spec.duration);
    if report.fails_as_flaky(spec) {
        let mut whole = of_spec(spec, report, repository);
        whole.set_time(Duration::ZERO);
        cases.push(whole);
    } else if spec.is_flaky() {
        cases[0].status.add_reruns(earlier(spec));
    }
    cases
}

fn of_outcome(step: &StepReport, judged: &Judged) -> TestCaseStatus {
    let body = || text::check(step, judged, &Look::plain());
    match &judged.outcome {
        Outcome::Pass => TestCaseStatus::success(),
        Outcome::Fail(failure) => {
            let of_type = failure.subject.kind();
            not_well(kind_in(step.phase), &failure.to_string(), of_type, &body())
        }
        Outcome::Unjudged(reason) => not_well(
            NonSuccessKind::Error,
            &reason.to_string(),
            "unjudged",
            &body(),
        ),
    }
}

/// A check that fails in `setup` or `teardown` is an error, not a failure: the spec was not judged.
fn kind_in(phase: Phase) -> NonSuccessKind {
    match phase {
        Phase::Test => NonSuccessKind::Failure,
        Phase::Setup | Phase::Teardown => NonSuccessKind::Error,
    }
}

pub(in super::super) fn case(name: &str, status: TestCaseStatus, line: usize) -> TestCase {
    let mut case = TestCase::new(without_forbidden(name), status);
    case.extra.insert("line".into(), line.to_string().into());
    case
}

fn skipped(spec: &SpecReport, reason: &str) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(without_forbidden(reason));
    let mut case = case(&spec.name, status, spec.at.line());
    case.set_time(Duration::ZERO);
    case
}

pub(in super::super) fn not_well(
    kind: NonSuccessKind,
    message: &str,
    of_type: &str,
    body: &str,
) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(without_forbidden(message));
    status.set_type(of_type);
    status.set_description(without_forbidden(body.trim_end()));
    status
}

fn earlier(spec: &SpecReport) -> impl Iterator<Item = TestRerun> {
    let (_, earlier) = spec.attempts.split_last().unzip();
    earlier.unwrap_or_default().iter().map(rerun)
}

fn rerun(attempt: &Attempt) -> TestRerun {
    let kind = match attempt.verdict {
        Verdict::Errored => NonSuccessKind::Error,
        _ => NonSuccessKind::Failure,
    };
    let mut rerun = TestRerun::new(kind);
    let body = text::attempt(attempt, &Look::plain(), Detail::Normal);
    rerun.set_message(without_forbidden(&brief::message(attempt)));
    rerun.set_type(brief::kind(attempt));
    rerun.set_time(attempt.duration);
    rerun.set_stack_trace(without_forbidden(body.trim_end()));
    rerun
}

/// Adds the trace of a case, and its file.
fn describe(case: &mut TestCase, step: &StepReport, repository: &Repository) {
    if let Some(id) = step.trace_id {
        case.add_property(("trace_id", id.to_string().as_str()));
    }
    if let Some(trace) = &step.trace {
        let services: Vec<&str> = trace.services().into_iter().collect();
        let services = without_forbidden(&services.join(", "));
        case.add_property(("spans", trace.len().to_string().as_str()));
        case.add_property(("services", services.as_str()));
    }
    if let Some(load) = &step.load {
        describe_load(case, &LoadNumbers::from(&**load));
    }
    let is_unwell = matches!(case.status, TestCaseStatus::NonSuccess { .. });
    if let Some(path) = step.saved_trace.as_ref().filter(|_| is_unwell) {
        let path = repository.relative(&path.display().to_string());
        case.set_system_out(format!("[[ATTACHMENT|{path}]]"));
    }
}

/// Adds the numbers of a load and its budgets.
pub(in super::super) fn describe_load(case: &mut TestCase, load: &LoadNumbers) {
    for (name, value) in load.properties() {
        let (name, value) = (without_forbidden(&name), without_forbidden(&value));
        case.add_property((name.as_str(), value.as_str()));
    }
}

/// Removes the characters that XML 1.0 cannot express; quick-junit leaves two of them.
pub(in super::super) fn without_forbidden(text: &str) -> String {
    let allowed = |char: &char| !matches!(char, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().filter(allowed).collect()
}
