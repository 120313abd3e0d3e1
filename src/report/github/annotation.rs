//! Selection, order and format of annotations.
//!
//! GitHub shows ten annotations of each level per step, so the most informative come first, and the
//! tenth contains the number of the others.

use super::super::look::printable;
use super::super::remarks;
use super::super::repository::Repository;
use super::super::text;
use crate::check::{CheckRef, Failure, Outcome, Unjudged};
use crate::number::counted;
use crate::result::{Attempt, Report, SpecReport, StepReport, Trouble, Verdict};
use crate::spec::Location;
use crate::trace::TraceId;

/// Maximum number of annotations of a level that GitHub shows for a step.
const MOST: usize = 10;
/// Maximum length of a line of an annotation, in characters.
const LONGEST_LINE: usize = 1_000;
const LONGEST_TITLE: usize = 200;
/// Maximum number of lines with details; the log contains all of them.
const MOST_DETAILS: usize = 5;

struct Annotation {
    at: Option<Location>,
    title: String,
    lines: Vec<String>,
}

/// All annotations of a run, one per line.
pub(super) fn all(report: &Report, repository: &Repository) -> String {
    [
        ("error", errors(report)),
        ("warning", warnings(report)),
        ("notice", notices(report)),
    ]
    .into_iter()
    .map(|(level, annotations)| written(level, annotations, repository))
    .collect()
}

/// Annotations without a place, one per line.
pub(super) fn plain(all: &[super::PlainAnnotation], repository: &Repository) -> String {
    let of_level = |level: &str| {
        let of_level = all.iter().filter(|one| one.level == level);
        let annotations = of_level.map(|one| Annotation {
            at: None,
            title: one.title.to_owned(),
            lines: one.lines.clone(),
        });
        written(level, annotations.collect(), repository)
    };
    ["error", "warning", "notice"].map(of_level).concat()
}

/// Errors of the run itself; then failed specs before errored ones, and the first failure of each
/// spec before the second of any. Flaky specs are between them if they fail the run.
fn errors(report: &Report) -> Vec<Annotation> {
    let of_run = report
        .trouble
        .iter()
        .map(|of| trouble("the run", of, of.at.clone()));
    let failed = of_specs(report, &Verdict::Failed);
    let errored = of_specs(report, &Verdict::Errored);
    let flaky = report
        .specs
        .iter()
        .filter(|spec| report.fails_as_flaky(spec));
    of_run
        .chain(in_turn(failed))
        .chain(flaky.filter_map(flaky_spec))
        .chain(in_turn(errored))
        .collect()
}

fn of_specs(report: &Report, verdict: &Verdict) -> Vec<Vec<Annotation>> {
    report
        .specs
        .iter()
        .filter(|spec| spec.verdict == *verdict)
        .map(|spec| {
            let last = spec.last_attempt();
            last.map_or_else(Vec::new, |last| of_attempt(spec, last))
        })
        .collect()
}

/// The first of each list, then the second of each, and so on.
fn in_turn(lists: Vec<Vec<Annotation>>) -> Vec<Annotation> {
    let mut numbered: Vec<(usize, Annotation)> = lists
        .into_iter()
        .flat_map(|list| list.into_iter().enumerate())
        .collect();
    numbered.sort_by_key(|(turn, _)| *turn);
    numbered
        .into_iter()
        .map(|(_, annotation)| annotation)
        .collect()
}

fn of_attempt(spec: &SpecReport, attempt: &Attempt) -> Vec<Annotation> {
    let title = match attempt.verdict {
        Verdict::Errored => format!("could not be judged: {}", spec.name),
        _ => spec.name.clone(),
    };
    let mut all = Vec::new();
    for step in &attempt.steps {
        let failed = step.checks.iter().filter_map(|judged| {
            let failed = judged.outcome.failure();
            let failed = failed.filter(|of| of.cause.is_none())?;
            Some(failure(&title, step, judged.check, failed))
        });
        all.extend(failed);
        all.extend(step.trouble.iter().map(|of| {
            let contradicted = step.contradictions().next().map(|failure| &failure.at);
            let at = of.at.as_ref().or(contradicted).unwrap_or(&spec.at);
            trouble(&title, of, Some(at.clone()))
        }));
    }
    if all.is_empty() {
        all.extend(unjudged(&title, attempt));
    }
    all
}

fn failure(title: &str, step: &StepReport, check: CheckRef, failure: &Failure) -> Annotation {
    let mut lines = vec![failure.to_string()];
    if check == CheckRef::Failures {
        lines.extend(failing_most(step));
    }
    if let Some(witness) = failure.witnesses.first() {
        let more = match failure.witnesses.len() as u64 - 1 + failure.more_witnesses {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let (service, name, id) = (&witness.service, &witness.name, witness.span_id);
        lines.push(format!("on {service} › {name} (span {id}{more})"));
    }
    lines.extend(remarks::effects(step, check).map(|effect| format!("also: {effect}")));
    lines.extend(failure.hints.iter().map(|hint| format!("help: {hint}")));
    lines.extend(telling_trace(step, check).map(|id| format!("trace {id}")));
    Annotation {
        at: Some(failure.at.clone()),
        title: title.to_owned(),
        lines,
    }
}

/// The checks of a load that failed most often.
fn failing_most(step: &StepReport) -> Vec<String> {
    let load = step.load.iter();
    let failing = load.flat_map(|load| load.failing.iter().take(MOST_DETAILS));
    failing
        .map(|of| format!("{}x {}", of.requests, of.what))
        .collect()
}

/// The trace with the largest value of a budget, else that of the step.
fn telling_trace(step: &StepReport, check: CheckRef) -> Option<TraceId> {
    match (check, &step.load) {
        (CheckRef::Budget { budget, .. }, Some(load)) => {
            let largest = load.measured.get(budget)?.largest.as_ref();
            largest.map(|largest| largest.trace_id)
        }
        _ => step.trace_id,
    }
}

fn trouble(title: &str, trouble: &Trouble, at: Option<Location>) -> Annotation {
    let mut lines = vec![trouble.what.clone()];
    lines.extend(trouble.details.iter().take(MOST_DETAILS).cloned());
    lines.extend(trouble.help.iter().map(|help| format!("help: {help}")));
    Annotation {
        at,
        title: title.to_owned(),
        lines,
    }
}

/// The first unjudged check, and the number of others: they usually have the same reason.
fn unjudged(title: &str, attempt: &Attempt) -> Option<Annotation> {
    let checks = attempt.steps.iter().flat_map(|step| &step.checks);
    let mut unjudged = checks.filter_map(|judged| match &judged.outcome {
        Outcome::Unjudged(Unjudged::NotReached) | Outcome::Pass | Outcome::Fail(_) => None,
        Outcome::Unjudged(reason) => Some((judged, reason)),
    });
    let (judged, reason) = unjudged.next()?;
    let more = match unjudged.count() {
        0 => String::new(),
        more => format!(" (and {})", counted(more, "more check")),
    };
    Some(Annotation {
        at: Some(judged.at.clone()),
        title: title.to_owned(),
        lines: std::iter::once(format!("{}: {reason}{more}", judged.what))
            .chain(reason.help().map(|help| format!("help: {help}")))
            .collect(),
    })
}

/// Flaky specs that do not fail the run, and specs that pass although a budget is above its limit.
fn warnings(report: &Report) -> Vec<Annotation> {
    let flaky = report
        .specs
        .iter()
        .filter(|spec| spec.is_flaky() && !report.fails_as_flaky(spec));
    let mut all: Vec<Annotation> = flaky.filter_map(flaky_spec).collect();
    all.extend(report.specs.iter().filter_map(slowdown));
    all
}

fn slowdown(spec: &SpecReport) -> Option<Annotation> {
    let passed = Some(spec).filter(|spec| spec.verdict == Verdict::Passed)?;
    let load = passed.decisive_step()?.load.as_ref()?;
    let (at, lines): (Vec<_>, Vec<_>) = load
        .possible_slowdowns()
        .map(|(of, claim, _)| (&of.at, claim.to_string()))
        .unzip();
    Some(Annotation {
        at: Some((*at.first()?).clone()),
        title: format!("over its limit, but not proven: {}", spec.name),
        lines,
    })
}

/// The first failure of a flaky spec.
fn flaky_spec(spec: &SpecReport) -> Option<Annotation> {
    let title = format!("flaky: {}", spec.name);
    let first = of_attempt(spec, spec.attempts.first()?)
        .into_iter()
        .next()?;
    let passed = format!(
        "passed on attempt {}; the first attempt:",
        spec.attempts.len()
    );
    let lines = std::iter::once(passed).chain(first.lines).collect();
    Some(Annotation {
        title,
        lines,
        ..first
    })
}

fn notices(report: &Report) -> Vec<Annotation> {
    let plain = |at: Option<&Location>, title: &str, line: &str| Annotation {
        at: at.cloned(),
        title: title.to_owned(),
        lines: line.lines().map(str::to_owned).collect(),
    };
    let mut all: Vec<Annotation> = report
        .notices
        .iter()
        .map(|notice| plain(None, "spanspec", notice))
        .collect();
    for spec in &report.specs {
        let last = spec.last_attempt().into_iter();
        let said = last
            .flat_map(|last| &last.steps)
            .flat_map(|step| step.notices.iter().cloned().chain(of_load(step)));
        all.extend(said.map(|notice| plain(Some(&spec.at), &spec.name, &notice)));
        match &spec.verdict {
            Verdict::Skipped(reason) => {
                all.push(plain(
                    Some(&spec.at),
                    &format!("skipped: {}", spec.name),
                    reason,
                ));
            }
            Verdict::NotRun(reason) => {
                all.push(plain(
                    Some(&spec.at),
                    &format!("{}: {}", spec.word_if_not_run(), spec.name),
                    reason,
                ));
            }
            Verdict::Passed | Verdict::Failed | Verdict::Errored => {}
        }
    }
    all
}

/// Notes about a load, without claims that are not proven: most runs have some.
fn of_load(step: &StepReport) -> Vec<String> {
    step.load.as_deref().map(text::notes).unwrap_or_default()
}

/// At most [`MOST`] annotations; the last one contains the number of those that are omitted.
fn written(level: &str, mut annotations: Vec<Annotation>, repository: &Repository) -> String {
    if annotations.len() > MOST {
        let more = counted(annotations.len() - (MOST - 1), &format!("more {level}"));
        annotations.truncate(MOST - 1);
        annotations.push(Annotation {
            at: None,
            title: "spanspec".to_owned(),
            lines: vec![format!("{more} in the log")],
        });
    }
    let lines = annotations
        .iter()
        .map(|one| command(level, one, repository));
    lines.collect()
}

/// The workflow command of an annotation.
fn command(level: &str, annotation: &Annotation, repository: &Repository) -> String {
    let mut properties = Vec::new();
    if let Some(at) = &annotation.at {
        let file = repository.relative(at.source.name());
        properties.push(format!("file={}", property(&printable(&file))));
        properties.push(format!("line={}", at.line()));
        properties.push(format!("col={}", at.column()));
    }
    let title = shortened(&printable(&annotation.title), LONGEST_TITLE);
    properties.push(format!("title={}", property(&title)));
    let lines = annotation.lines.iter();
    let text: Vec<String> = lines
        .map(|line| shortened(&printable(line), LONGEST_LINE))
        .collect();
    let text = message(&text.join("\n"));
    format!("::{level} {}::{text}\n", properties.join(","))
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The escapes that the runner decodes.
fn message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
