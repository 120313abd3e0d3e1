//! The result of a spec as text, for the terminal and JUnit.
//!
//! `failure` renders a failed check, `step` a trigger with its trace, `load` many requests of a step,
//! `summary` the end of a run.

mod attributes;
mod conformance;
mod detail;
mod failure;
mod lines;
#[cfg(feature = "run")]
mod load;
mod step;
mod summary;
mod traffic;
mod trouble;

#[cfg(feature = "cli")]
pub use attributes::attributes;
#[cfg(feature = "cli")]
pub(crate) use conformance::table;
pub use detail::Detail;
pub(super) use lines::paragraph;
pub use summary::summary;
pub use trouble::trouble;

use super::look::{self, BAD, DOUBT, FAINT, GOOD, LEFT_OUT, Look, STRONG, printable};
use crate::check::{Judged, Outcome, Unjudged};
use crate::number::{counted, duration};
use crate::result::{Attempt, SpecReport, StepReport, Verdict};
use crate::trace::Trace;

/// Width of the first word of a spec and the following space.
const WORD: usize = 6;
/// Between the facts of the first line.
const GAP: &str = "   ";

/// A line of output of a service, after its name. Control characters are escaped.
#[cfg(feature = "cli")]
#[must_use]
pub fn output(service: &str, line: &str) -> String {
    let parts: Vec<_> = line.split('\t').map(printable).collect();
    format!("[{}] {}", printable(service), parts.join("\t"))
}

/// The result of a spec; every line ends with a newline. Empty if the detail omits it; the summary
/// lists specs that did not run.
#[must_use]
pub fn spec(spec: &SpecReport, look: &Look, detail: Detail) -> String {
    let mut text = String::new();
    match &spec.verdict {
        Verdict::NotRun(_) => text.push_str(&cut_short(spec, look)),
        Verdict::Skipped(reason) if detail > Detail::Quiet => {
            text.push_str(&headline(spec, std::slice::from_ref(reason), look));
        }
        Verdict::Passed if detail > Detail::Quiet => {
            text.push_str(&headline(spec, &facts(spec, detail), look));
            earlier_attempts(&mut text, spec, look);
            if detail == Detail::Verbose {
                last_attempt(&mut text, spec, look, detail);
            } else {
                text.push_str(&many_requests(spec, look, detail));
                text.push_str(&notes_of_steps(spec, look));
            }
        }
        Verdict::Passed => text.push_str(&quiet(spec, look)),
        Verdict::Skipped(_) => {}
        Verdict::Failed | Verdict::Errored => {
            text.push_str(&headline(spec, &facts(spec, detail), look));
            earlier_attempts(&mut text, spec, look);
            last_attempt(&mut text, spec, look, detail);
        }
    }
    text
}

/// The failures of an attempt, without a headline, as JUnit contains earlier attempts.
#[must_use]
pub fn attempt(attempt: &Attempt, look: &Look, detail: Detail) -> String {
    step::all(attempt, look, detail)
}

/// A check that failed or was not judged, with its trace.
#[must_use]
pub fn check(step: &StepReport, judged: &Judged, look: &Look) -> String {
    step::check(step, judged, look)
}

/// One line per failure of an attempt that has no other as its cause, with its location:
/// `specs/a.yaml:12:37: …`.
#[must_use]
pub fn in_short(attempt: &Attempt) -> Vec<String> {
    let mut lines = Vec::new();
    for step in &attempt.steps {
        lines.extend(step.trouble.iter().map(|trouble| match &trouble.at {
            Some(at) => format!("{at}: {}", trouble.what),
            None => trouble.what.clone(),
        }));
        for judged in &step.checks {
            match &judged.outcome {
                Outcome::Pass => {}
                // The failure is the reason, and is listed.
                Outcome::Unjudged(Unjudged::NotReached) => {}
                Outcome::Fail(failure) if failure.cause.is_some() => {}
                Outcome::Fail(failure) => lines.push(format!("{}: {failure}", failure.at)),
                Outcome::Unjudged(reason) => {
                    lines.push(format!("{}: {}: {reason}", judged.at, judged.what));
                }
            }
        }
    }
    lines
}

/// Sentences about a load: claims that are not proven, and notes.
#[cfg(feature = "cli")]
pub(in crate::report) fn remarks(load: &crate::result::Load) -> Vec<String> {
    let mut remarks = load::sentences(load, Detail::Normal);
    remarks.extend(load::notes(load));
    remarks
}

/// Notes about a load, without claims of budgets.
#[cfg(feature = "cli")]
pub(in crate::report) fn notes(load: &crate::result::Load) -> Vec<String> {
    load::notes(load)
}

/// A sentence for each claim of a budget, without duplicates.
#[cfg(feature = "cli")]
pub(in crate::report) fn claims(step: &StepReport) -> Vec<String> {
    let load = step.load.as_deref();
    let measured = load.into_iter().flat_map(|load| &load.measured);
    let mut claims: Vec<String> = measured
        .flat_map(|of| &of.judged)
        .map(ToString::to_string)
        .collect();
    claims.dedup();
    claims
}

/// The failures of a step, and its trace.
#[must_use]
pub fn step(step: &StepReport, look: &Look) -> String {
    step::section(step, look, Detail::Quiet)
}

/// The size of a trace: `6 spans, 4 services`.
#[must_use]
pub fn size(trace: &Trace) -> String {
    let spans = counted(trace.len(), "span");
    let services = counted(trace.services().len(), "service");
    format!("{spans}, {services}")
}

/// A note, independent of the verdict.
#[must_use]
pub fn notice(text: &str, look: &Look) -> String {
    step::note(text, look)
}

/// The notes of all steps.
fn notes_of_steps(spec: &SpecReport, look: &Look) -> String {
    let steps = spec.last_attempt().into_iter().flat_map(|last| &last.steps);
    let notices = steps.flat_map(|step| &step.notices);
    notices.map(|text| step::note(text, look)).collect()
}

/// The load of a spec that passed; empty if there is none.
fn many_requests(spec: &SpecReport, look: &Look, detail: Detail) -> String {
    #[cfg(feature = "run")]
    if let Some(load) = spec.decisive_step().and_then(|step| step.load.as_deref()) {
        return load::passed(load, look, detail);
    }
    let _ = (spec, look, detail);
    String::new()
}

/// The measurements of an interrupted spec, for structured reports.
#[must_use]
pub fn of_stopped(of: &SpecReport) -> Option<String> {
    matches!(of.verdict, Verdict::NotRun(_))
        .then(|| cut_short(of, &Look::plain()))
        .filter(|text| !text.is_empty())
}

/// The measurements of an interrupted spec; empty if there are none.
fn cut_short(spec: &SpecReport, look: &Look) -> String {
    let many = many_requests(spec, look, Detail::Normal);
    if many.is_empty() {
        return many;
    }
    headline(spec, &facts(spec, Detail::Normal), look) + &many
}

/// Parts that even a quiet report shows: baselines of another environment, and written files.
fn quiet(spec: &SpecReport, look: &Look) -> String {
    #[cfg(feature = "run")]
    if let Some(load) = spec.decisive_step().and_then(|step| step.load.as_deref()) {
        let said = load::loud(load, look);
        if !said.is_empty() {
            return headline(spec, &facts(spec, Detail::Normal), look) + &said;
        }
    }
    let _ = (spec, look);
    String::new()
}

fn headline(spec: &SpecReport, facts: &[String], look: &Look) -> String {
    let (word, style) = word(spec);
    let name = printable(&spec.name);
    let facts: Vec<_> = facts.iter().map(|fact| printable(fact)).collect();
    let beside = facts.join(GAP);
    let word = look.paint(style, &format!("{word:<5}"));
    if WORD + look::width(&name) + GAP.len() + look::width(&beside) <= look.width {
        let gap = if facts.is_empty() { "" } else { GAP };
        let (name, beside) = (look.paint(STRONG, &name), look.paint(FAINT, &beside));
        return format!("{word} {name}{gap}{beside}\n");
    }
    let room = look.width.saturating_sub(WORD);
    let mut text = String::new();
    for (at, line) in look::wrapped(&name, room).iter().enumerate() {
        let before = if at == 0 { word.as_str() } else { "     " };
        text.push_str(&format!("{before} {}\n", look.paint(STRONG, line)));
    }
    for line in in_lines(&facts, room) {
        text.push_str(&paragraph(&line, WORD, FAINT, look));
    }
    text
}

/// As many facts on a line as fit.
fn in_lines(facts: &[std::borrow::Cow<'_, str>], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if look::width(line) + GAP.len() + look::width(fact) <= room => {
                line.push_str(GAP);
                line.push_str(fact);
            }
            _ => lines.push(fact.to_string()),
        }
    }
    lines
}

fn word(spec: &SpecReport) -> (&'static str, anstyle::Style) {
    match spec.verdict {
        Verdict::Passed if spec.is_flaky() => ("FLAKY", LEFT_OUT),
        Verdict::Passed => ("PASS", GOOD),
        Verdict::Failed => ("FAIL", BAD),
        Verdict::Errored => ("ERROR", DOUBT),
        Verdict::Skipped(_) => ("SKIP", LEFT_OUT),
        Verdict::NotRun(_) if spec.attempts.is_empty() => ("-", FAINT),
        Verdict::NotRun(_) => ("STOP", LEFT_OUT),
    }
}

/// The facts after the name.
fn facts(spec: &SpecReport, detail: Detail) -> Vec<String> {
    let mut facts = Vec::new();
    let is_good = spec.verdict == Verdict::Passed;
    let is_whole = !is_good || detail == Detail::Verbose;
    if is_whole {
        facts.push(spec.at.source.name().to_owned());
    }
    match load_facts(spec).or_else(|| traffic_facts(spec)) {
        Some(of_many) => facts.push(of_many),
        None if is_whole => facts.extend(trace_facts(spec)),
        None => {}
    }
    match spec.attempts.len() {
        0 | 1 => {}
        attempts if is_good => facts.push(format!("passed on attempt {attempts}")),
        attempts => facts.push(format!("{attempts} attempts")),
    }
    match facts.last_mut() {
        Some(last) if last.ends_with('s') && last.contains(" service") => {
            last.push_str(&format!(", {}", duration(spec.duration)));
        }
        _ => facts.push(duration(spec.duration)),
    }
    facts
}

/// Number and pace of the requests of a load.
fn load_facts(spec: &SpecReport) -> Option<String> {
    #[cfg(feature = "run")]
    return spec.decisive_step()?.load.as_deref().map(load::facts);
    #[cfg(not(feature = "run"))]
    return spec.decisive_step().and(None);
}

/// The size of a window: `69 checks, 21 services`.
fn traffic_facts(spec: &SpecReport) -> Option<String> {
    let step = spec.decisive_step()?;
    let traffic = step.response.as_ref()?.traffic()?;
    let checks = counted(step.checks.len(), "check");
    let services = counted(traffic.services.len(), "service");
    Some(format!("{checks}, {services}"))
}

fn trace_facts(spec: &SpecReport) -> Vec<String> {
    let Some(step) = spec.decisive_step() else {
        return Vec::new();
    };
    let id = step.trace_id.map(|id| format!("trace {}…", id.short()));
    let size = step.trace.as_ref().map(|trace| size(trace));
    id.into_iter().chain(size).collect()
}

fn earlier_attempts(text: &mut String, spec: &SpecReport, look: &Look) {
    let Some((_, earlier)) = spec.attempts.split_last() else {
        return;
    };
    for (at, attempt) in earlier.iter().enumerate() {
        let what = match attempt.verdict {
            Verdict::Failed => "failed",
            Verdict::Errored => "could not be judged",
            Verdict::Passed | Verdict::Skipped(_) | Verdict::NotRun(_) => "ended",
        };
        let line = format!("attempt {} {what}", at + 1);
        text.push_str(&paragraph(&line, 2, STRONG, look));
        for line in in_short(attempt) {
            text.push_str(&paragraph(&line, 4, FAINT, look));
        }
    }
}

fn last_attempt(text: &mut String, spec: &SpecReport, look: &Look, detail: Detail) {
    if let Some(last) = spec.last_attempt() {
        text.push_str(&attempt(last, look, detail));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests;
