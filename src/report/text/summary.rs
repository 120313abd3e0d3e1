//! The end of a run as text.

use std::collections::HashSet;
use std::path::PathBuf;

use super::super::look::{self, BAD, DOUBT, FAINT, GOOD, LEFT_OUT, Look, STRONG, printable};
use super::lines::with_head;
use super::{Detail, WORD, paragraph, step::note, trouble, word};
use crate::number::{count, counted, duration};
use crate::result::{Report, SpecReport, StepReport, Verdict};

const MOST_NAMES: usize = 50;

/// The end of a run: its errors, the specs that did not pass, notes, and last the counts.
#[must_use]
pub fn summary(of: &Report, look: &Look, detail: Detail) -> String {
    let mut parts: Vec<String> = Vec::new();
    for of in &of.trouble {
        let head = look.paint(DOUBT, "ERROR");
        parts.push(format!("{head} the run\n{}", trouble(of, look)));
    }
    parts.push(names(of, look));
    parts.push(not_run(of, look));
    #[cfg(feature = "run")]
    parts.push(slowdowns(of, look));
    parts.push(notes(of, look, detail));
    parts.push(counts(of, look));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The names of specs that did not pass, whose text may have scrolled away. Empty for a single spec.
fn names(of: &Report, look: &Look) -> String {
    let unwell: Vec<&SpecReport> = of
        .specs
        .iter()
        .filter(|spec| {
            matches!(spec.verdict, Verdict::Failed | Verdict::Errored) || of.fails_as_flaky(spec)
        })
        .collect();
    if of.specs.len() < 2 {
        return String::new();
    }
    let mut text: String = unwell
        .iter()
        .take(MOST_NAMES)
        .map(|spec| name(spec, look))
        .collect();
    text.push_str(&and_more(unwell.len()));
    text
}

fn name(spec: &SpecReport, look: &Look) -> String {
    let (word, style) = word(spec);
    let place = spec.at.to_string();
    let name = printable(&spec.name);
    let room = look.width.saturating_sub(WORD + look::width(&place) + 3);
    let name = look::truncated(&name, room.max(20));
    let word = look.paint(style, &format!("{word:<5}"));
    format!("{word} {name}   {}\n", look.paint(FAINT, &place))
}

/// Specs that pass although a budget is above its limit.
#[cfg(feature = "run")]
fn slowdowns(of: &Report, look: &Look) -> String {
    let passed = of
        .specs
        .iter()
        .filter(|spec| spec.verdict == Verdict::Passed);
    let slow = passed.filter_map(|spec| {
        let load = spec.decisive_step()?.load.as_ref()?;
        let claims: Vec<String> = load.possible_slowdowns().map(|(.., text)| text).collect();
        let text = format!("`{}`: {}", spec.name, claims.join("; "));
        (!claims.is_empty()).then(|| with_head("warning:", DOUBT, &text, look))
    });
    slow.collect()
}

fn not_run(of: &Report, look: &Look) -> String {
    let mut reasons: Vec<([&str; 2], Vec<&SpecReport>)> = Vec::new();
    for spec in &of.specs {
        if let Verdict::NotRun(reason) = &spec.verdict {
            let why = [spec.word_if_not_run(), reason];
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, specs)) => specs.push(spec),
                None => reasons.push((why, vec![spec])),
            }
        }
    }
    let mut text = String::new();
    for ([word, reason], specs) in reasons {
        let title = format!("{word}: {}, {reason}", counted(specs.len(), "spec"));
        text.push_str(&paragraph(&title, 0, STRONG, look));
        let lines = specs.iter().take(MOST_NAMES).map(|spec| name(spec, look));
        text.extend(lines);
        text.push_str(&and_more(specs.len()));
    }
    text
}

fn and_more(number: usize) -> String {
    match number.saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!("      … {} more\n", count(more)),
    }
}

fn notes(of: &Report, look: &Look, detail: Detail) -> String {
    let mut notes: Vec<String> = of.notices.clone();
    notes.extend(refused(of, detail));
    match of.telemetry.late_spans {
        late if late > 0 && detail == Detail::Verbose => notes.push(format!(
            "{} arrived after the verdict on the trace",
            counted(usize::try_from(late).unwrap_or(usize::MAX), "span")
        )),
        // The run has a note about those that may change a verdict.
        _ => {}
    }
    let mut seen = HashSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    let notes = notes.iter().map(|text| note(text, look));
    notes.chain(saved(of, look)).collect()
}

fn refused(of: &Report, detail: Detail) -> Vec<String> {
    let number = of.telemetry.refused_count;
    if number == 0 {
        return Vec::new();
    }
    let requests = counted(
        usize::try_from(number).unwrap_or(usize::MAX),
        "export request",
    );
    let reasons = &of.telemetry.refused;
    if detail < Detail::Verbose {
        let first = reasons.first().map(String::as_str).unwrap_or_default();
        return vec![match number {
            1 => format!("{requests} refused: {first}"),
            _ => format!("{requests} refused, the first: {first}; `--verbose` lists them"),
        }];
    }
    let lines = reasons.iter().map(|reason| format!("refused: {reason}"));
    std::iter::once(format!("{requests} refused"))
        .chain(lines)
        .collect()
}

/// On one line, so that it can be copied.
fn saved(of: &Report, look: &Look) -> Option<String> {
    let steps = of.specs.iter().filter_map(SpecReport::decisive_step);
    let mut paths = steps
        .filter(|step| step.has_failed())
        .filter_map(drawn_and_saved);
    let first = paths.next()?;
    let path = first.display().to_string();
    let head = look.paint(STRONG, "note:");
    let path = printable(&path);
    Some(format!(
        "   {head} to show a saved trace: spanspec show {path}\n"
    ))
}

/// The file of the trace that was drawn.
fn drawn_and_saved(step: &StepReport) -> Option<&PathBuf> {
    #[cfg(feature = "run")]
    let slowest = step.load.as_ref().and_then(|load| {
        let is_well = load.has_permitted_failures();
        let failing = load.measured.iter().filter(|of| {
            let mut judged = of.judged.iter();
            judged.any(|one| one.verdict.fails())
        });
        let mut saved = failing.filter_map(|of| of.largest.as_ref()?.saved.as_ref());
        saved.next().filter(|_| is_well)
    });
    #[cfg(not(feature = "run"))]
    let slowest = None;
    slowest.or(step.saved_trace.as_ref())
}

fn counts(of: &Report, look: &Look) -> String {
    let flaky = of.specs.iter().filter(|spec| spec.is_flaky()).count();
    let passed = match flaky {
        0 => "passed".to_owned(),
        _ => format!("passed ({} flaky)", count(flaky)),
    };
    let without_verdict = |word: &str| {
        let specs = of.specs.iter();
        let is_it = |spec: &&SpecReport| {
            matches!(spec.verdict, Verdict::NotRun(_)) && spec.word_if_not_run() == word
        };
        specs.filter(is_it).count()
    };
    let counts = [
        (of.count(|is| *is == Verdict::Failed), "failed", BAD),
        (of.count(|is| *is == Verdict::Errored), "errored", DOUBT),
        (of.count(|is| *is == Verdict::Passed), passed.as_str(), GOOD),
        (
            of.count(|is| matches!(is, Verdict::Skipped(_))),
            "skipped",
            LEFT_OUT,
        ),
        (without_verdict("stopped"), "stopped", LEFT_OUT),
        (without_verdict("not run"), "not run", LEFT_OUT),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, what, style)| look.paint(style, &format!("{} {what}", count(number))))
        .collect();
    let parts = if parts.is_empty() {
        "no spec ran".to_owned()
    } else {
        parts.join(", ")
    };
    let head = if of.interrupted { "interrupted: " } else { "" };
    let spans = usize::try_from(of.telemetry.spans).unwrap_or(usize::MAX);
    let received = counted(spans, "span");
    let rest = format!(" in {}, {received} received", duration(of.duration));
    format!("{head}{parts}{}\n", look.paint(FAINT, &rest))
}
