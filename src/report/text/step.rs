//! A step as text: failed and unjudged checks, the response and the trace.

use super::super::look::{self, BAD, DOUBT, FAINT, GOOD, LEFT_OUT, Look, STRONG, printable};
use super::super::waterfall::{Mark, Records, USUAL_ROWS, waterfall};
use super::attributes::attributes;
use super::detail::Detail;
use super::failure::failure;
use super::lines::{indented, narrower, paragraph, quoted, with_head};
use super::trouble::trouble;
use crate::check::{Failure, Judged, Outcome, Subject, Unjudged};
use crate::number::{count, counted, duration};
use crate::result::{Attempt, Phase, StepReport};
use crate::trace::{GrpcResponse, HttpResponse, Response, Trace};

const MOST_UNJUDGED: usize = 8;
/// Maximum number of spans with their attributes.
const MOST_SPANS: usize = 100;
/// Maximum number of lines of a response.
const MOST_LINES: usize = 12;
/// Maximum width of such a line.
const LONGEST_LINE: usize = 300;

/// The steps of an attempt that did not pass, or all of them with [`Detail::Verbose`].
pub(super) fn all(attempt: &Attempt, look: &Look, detail: Detail) -> String {
    let shown = |step: &&StepReport| step.has_failed() || detail == Detail::Verbose;
    let sections: Vec<String> = attempt
        .steps
        .iter()
        .filter(shown)
        .map(|step| title(step, attempt, look) + &section(step, look, detail))
        .collect();
    sections.join("\n")
}

/// Identifies the step if there are several.
fn title(step: &StepReport, attempt: &Attempt, look: &Look) -> String {
    let phase = |other: &&StepReport| other.phase == step.phase;
    let of = attempt.steps.iter().filter(phase).count();
    let number = attempt
        .steps
        .iter()
        .filter(phase)
        .position(|other| std::ptr::eq(other, step))
        .map_or(1, |before| before + 1);
    let kind = match step.phase {
        Phase::Setup => "setup",
        Phase::Test => "step",
        Phase::Teardown => "teardown",
    };
    let place = if of > 1 {
        format!("{kind} {number} of {of}")
    } else {
        kind.to_owned()
    };
    let title = match &step.name {
        Some(name) => format!("{place}: {name}"),
        None if step.phase == Phase::Test && of == 1 => return String::new(),
        None => format!("{place}: {}", step.trigger),
    };
    paragraph(&title, 2, LEFT_OUT, look)
}

pub(super) fn section(step: &StepReport, look: &Look, detail: Detail) -> String {
    #[cfg(feature = "run")]
    if let Some(load) = &step.load {
        return super::load::section(step, load, look, detail);
    }
    let mut parts = Vec::new();
    if detail == Detail::Verbose {
        parts.push(circumstances(step, look) + &checks(&step.checks, look));
    }
    parts.extend(super::traffic::failed_cells(&step.checks, look));
    let others = step
        .checks
        .iter()
        .filter(|one| !super::traffic::is_cell(one));
    parts.extend(others.filter_map(|one| Some(failure(one.outcome.failure()?, look))));
    parts.extend(step.trouble.iter().map(|of| trouble(of, look)));
    let contradictions: Vec<&Failure> = step.contradictions().collect();
    parts.extend(contradictions.iter().map(|of| failure(of, look)));
    let failures: Vec<&Failure> = step.failures().collect();
    // The failure is the reason, and is shown.
    if failures.is_empty() || detail == Detail::Verbose {
        parts.push(unjudged(&step.checks, look));
    }
    if detail == Detail::Verbose || failures.iter().any(|of| of.subject.is_in_response()) {
        parts.push(response(step, look));
    }
    parts.push(step.notices.iter().map(|text| note(text, look)).collect());
    let shown: Vec<&Failure> = failures.into_iter().chain(contradictions).collect();
    parts.push(picture(step.trace.as_deref(), &shown, look));
    if detail == Detail::Verbose
        && let Some(trace) = &step.trace
    {
        let attributes = attributes(trace, &narrower(look, 3), MOST_SPANS);
        parts.push(indented(&attributes, 3));
    }
    parts.push(saved(step, look));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// A single check of a step.
pub(super) fn check(step: &StepReport, judged: &Judged, look: &Look) -> String {
    #[cfg(feature = "run")]
    if let Some(load) = &step.load {
        return super::load::check(step, load, judged, look);
    }
    let outcome = &judged.outcome;
    let failures: Vec<&Failure> = outcome
        .failure()
        .or(outcome.contradiction())
        .into_iter()
        .collect();
    let mut parts: Vec<String> = failures.iter().map(|of| failure(of, look)).collect();
    parts.push(unjudged(std::slice::from_ref(judged), look));
    if failures
        .iter()
        .any(|failure| failure.subject.is_in_response())
    {
        parts.push(response(step, look));
    }
    parts.push(picture(step.trace.as_deref(), &failures, look));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

pub(super) fn note(text: &str, look: &Look) -> String {
    with_head("note:", STRONG, text, look)
}

/// The trigger, the full trace id, and the timing.
fn circumstances(step: &StepReport, look: &Look) -> String {
    let mut text = paragraph(&step.trigger, 3, anstyle::Style::new(), look);
    if let Some(id) = step.trace_id {
        text.push_str(&paragraph(&format!("trace {id}"), 3, FAINT, look));
    }
    let timing = [
        ("response", step.timing.response),
        ("last span", step.timing.last_span),
        ("verdict", step.timing.verdict),
    ];
    let tries = step.tries.as_ref().map(|tries| tries.to_string());
    let timing = timing.into_iter();
    let timing =
        timing.filter_map(|(what, after)| Some(format!("{what} after {}", duration(after?))));
    let timing: Vec<String> = tries.into_iter().chain(timing).collect();
    if !timing.is_empty() {
        text.push_str(&paragraph(&timing.join(", "), 3, FAINT, look));
    }
    text
}

fn checks(checks: &[Judged], look: &Look) -> String {
    checks
        .iter()
        .map(|judged| {
            let (sign, style) = match judged.outcome {
                Outcome::Pass => (look.pick("✓", "ok  "), GOOD),
                Outcome::Fail(_) => (look.pick("✗", "FAIL"), BAD),
                Outcome::Unjudged(_) => (look.pick("?", "?   "), DOUBT),
            };
            let what = printable(&judged.what);
            let room = look.width.saturating_sub(4 + look::width(sign));
            let what = look::truncated(&what, room);
            format!("   {} {what}\n", look.paint(style, sign))
        })
        .collect()
}

/// Unjudged checks, grouped by reason.
fn unjudged(checks: &[Judged], look: &Look) -> String {
    let mut reasons: Vec<(&Unjudged, Vec<&Judged>)> = Vec::new();
    for judged in checks {
        if let Outcome::Unjudged(reason) = &judged.outcome
            && judged.outcome.contradiction().is_none()
        {
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, checks)) => checks.push(judged),
                None => reasons.push((reason, vec![judged])),
            }
        }
    }
    let mut text = String::new();
    for (reason, checks) in reasons {
        let number = counted(checks.len(), "check");
        let title = format!("{number} could not be judged: {reason}");
        text.push_str(&paragraph(&title, 2, STRONG, look));
        for judged in checks.iter().take(MOST_UNJUDGED) {
            let line = format!("{}: {}", judged.at, judged.what);
            text.push_str(&paragraph(&line, 4, anstyle::Style::new(), look));
        }
        let more = checks.len().saturating_sub(MOST_UNJUDGED);
        if more > 0 {
            text.push_str(&format!("    … {} more\n", count(more)));
        }
        if let Some(help) = reason.help() {
            text.push_str(&with_head("help:", STRONG, &help, look));
        }
    }
    text
}

fn response(step: &StepReport, look: &Look) -> String {
    match &step.response {
        None | Some(Response::None) => String::new(),
        Some(Response::Http(http)) => {
            let title = format!("response: {} in {}", http.status, duration(http.time));
            paragraph(&title, 3, FAINT, look) + &body(http, look)
        }
        Some(Response::Grpc(grpc)) => {
            let status = grpc.status();
            let title = format!("response: {status} in {}", duration(grpc.time));
            paragraph(&title, 3, FAINT, look) + &messages(grpc, look)
        }
        Some(Response::Message(message)) => {
            let title = format!(
                "acknowledged by {} in {}",
                message.broker,
                duration(message.time)
            );
            paragraph(&title, 3, FAINT, look) + &excerpt(&message.receipt, look)
        }
        Some(Response::Sent(sent)) => {
            let title = format!("sent {} in {}", sent.amount(), duration(sent.time));
            paragraph(&title, 3, FAINT, look)
        }
        Some(Response::Conformance(conformance)) => super::conformance::table(conformance, look),
        Some(Response::Traffic(traffic)) => super::traffic::services(traffic, look),
        Some(Response::Command(command)) => {
            let ended = command.ending();
            let title = format!("command: {ended} after {}", duration(command.time));
            paragraph(&title, 3, FAINT, look)
                + &last_lines(&command.stdout, look)
                + &last_lines(&command.stderr, look)
        }
    }
}

/// The first messages of a gRPC response, and the details of its status, each on a line.
fn messages(grpc: &GrpcResponse, look: &Look) -> String {
    let shown = grpc.messages.iter().take(MOST_LINES).chain(&grpc.details);
    let shown: String = shown
        .map(|message| excerpt(&message.to_json_text(), look))
        .collect();
    match grpc.messages.len() > MOST_LINES {
        true => {
            shown
                + &quoted(
                    &format!("… ({} messages in all)", grpc.messages.len()),
                    look,
                )
        }
        false => shown,
    }
}

fn body(http: &HttpResponse, look: &Look) -> String {
    if http.body.contains(&0) {
        let size = counted(http.body.len(), "byte");
        return quoted(&format!("({size}, no text)"), look);
    }
    // Bodies may have megabytes, and only the first lines are shown.
    let head = &http.body[..http.body.len().min(MOST_LINES * 1_000)];
    let text = String::from_utf8_lossy(head);
    let lines: Vec<&str> = text.lines().take(MOST_LINES).collect();
    let shown: String = lines.iter().map(|line| excerpt(line, look)).collect();
    if text.lines().count() > MOST_LINES || head.len() < http.body.len() {
        let size = counted(http.body.len(), "byte");
        return shown + &quoted(&format!("… ({size} in all)"), look);
    }
    shown
}

fn last_lines(text: &str, look: &Look) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(MOST_LINES)..]
        .iter()
        .map(|line| excerpt(line, look))
        .collect()
}

/// The start of a line, which may have megabytes.
fn excerpt(line: &str, look: &Look) -> String {
    quoted(&look::truncated(line, LONGEST_LINE), look)
}

/// The trace, with the spans of failures marked.
pub(super) fn picture(trace: Option<&Trace>, failures: &[&Failure], look: &Look) -> String {
    let Some(trace) = trace else {
        return String::new();
    };
    let marks = marks(failures, trace);
    let is_about_logs = failures
        .iter()
        .any(|failure| failure.subject.is_about_logs());
    let records = match is_about_logs {
        true => Records::All,
        false => Records::Warnings,
    };
    let drawn = waterfall(trace, &marks, records, &narrower(look, 3), USUAL_ROWS);
    indented(&drawn, 3)
}

/// Marks of all failures, and of the nearest span if none was found.
fn marks(failures: &[&Failure], trace: &Trace) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for failure in failures {
        marks.extend(failure.witnesses.iter().map(Mark::from));
        // A log record stands below its span, and needs no mark.
        let nearest = match failure.subject {
            Subject::SelectedLogs(_) => None,
            _ => failure.nearest.first(),
        };
        marks.extend(nearest.and_then(|candidate| {
            let span_id = candidate.span_id?;
            Some(Mark {
                trace_id: std::iter::once(trace)
                    .chain(trace.linked())
                    .find(|trace| trace.find(span_id).is_some())
                    .map_or(trace.id(), Trace::id),
                span_id,
                service: Some(candidate.service.clone()),
                text: "nearest".to_owned(),
            })
        }));
    }
    marks
}

fn saved(step: &StepReport, look: &Look) -> String {
    let Some(path) = step.saved_trace.as_ref().filter(|_| step.has_failed()) else {
        return String::new();
    };
    // On one line, so that it can be copied.
    let path = path.display().to_string();
    let line = format!("trace saved: {}", printable(&path));
    format!("   {}\n", look.paint(FAINT, &line))
}
