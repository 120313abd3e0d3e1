//! The report in the Test Anything Protocol, version 14.
//!
//! A spec is a test point. A spec that did not pass has a block of YAML with the failure, its
//! location, and the text of the terminal. The block of a spec with budgets contains all claims.

use std::io::{self, Write};

use super::Reporter;
use super::look::{Look, printable};
use super::text::{self, Detail};
use crate::result::{Attempt, Report, SpecReport, Verdict};
use crate::secret::Format;
use crate::spec::Location;

/// Writes TAP to standard output at the end of the run.
#[derive(Clone, Copy, Debug)]
pub struct Tap(());

impl Tap {
    /// Writes to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self(())
    }
}

impl Reporter for Tap {
    fn finish(&mut self, report: &Report) -> io::Result<()> {
        let text = report.secrets.written(Format::Text, &render(report));
        match io::stdout().lock().write_all(text.as_bytes()) {
            // The reader closed the pipe on purpose.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

/// The report as TAP 14, in the order of the specs.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", report.specs.len());
    for (at, spec) in report.specs.iter().enumerate() {
        text.push_str(&point(at + 1, spec, report));
    }
    for trouble in &report.trouble {
        let look = Look::plain();
        let body = text::trouble(trouble, &look);
        text.extend(
            body.lines()
                .map(|line| format!("{}\n", format!("#{line}").trim_end())),
        );
    }
    if let Some(reason) = bail_out(report) {
        text.push_str(&format!("Bail out! {}\n", printable(&reason)));
    }
    text
}

fn bail_out(report: &Report) -> Option<String> {
    let trouble = report.trouble.first().map(|trouble| trouble.what.clone());
    trouble.or_else(|| report.interrupted.then(|| "interrupted".to_owned()))
}

fn point(number: usize, spec: &SpecReport, report: &Report) -> String {
    let word = match spec.verdict {
        Verdict::Passed if report.fails_as_flaky(spec) => "not ok",
        Verdict::Failed | Verdict::Errored => "not ok",
        Verdict::Passed | Verdict::Skipped(_) | Verdict::NotRun(_) => "ok",
    };
    let name = format!("{} › {}", spec.at.source.name(), spec.name);
    let directive = match &spec.verdict {
        Verdict::Skipped(reason) => format!(" # SKIP {}", plain(reason)),
        Verdict::NotRun(reason) => {
            format!(" # SKIP {}: {}", spec.word_if_not_run(), plain(reason))
        }
        Verdict::Passed | Verdict::Failed | Verdict::Errored => String::new(),
    };
    let line = format!("{word} {number} - {}{directive}\n", plain(&name));
    line + &diagnostics(spec) + &slowdowns(spec)
}

/// Comments about budgets that pass although they are above their limit.
fn slowdowns(spec: &SpecReport) -> String {
    let load = spec.decisive_step().and_then(|step| step.load.as_ref());
    let slow = load.into_iter().flat_map(|load| load.possible_slowdowns());
    slow.map(|(.., text)| format!("# warning: {}\n", printable(&text)))
        .collect()
}

/// The text on one line, with `#`, which starts a directive, escaped.
fn plain(text: &str) -> String {
    // A backslash in the text must not escape the next character.
    let text = printable(text).replace('\\', "\\\\");
    text.replace('#', "\\#")
}

/// The block of YAML; empty for a spec that passed and has no budgets.
fn diagnostics(spec: &SpecReport) -> String {
    let step = spec.decisive_step();
    let budgets = list("budgets", &step.map(text::claims).unwrap_or_default());
    let body = telling(spec).map(|(severity, attempt)| went_wrong(spec, severity, attempt));
    if body.is_none() && budgets.is_empty() {
        return String::new();
    }
    let [entries, text] = body.unwrap_or_default();
    format!("  ---\n{entries}{budgets}{text}  ...\n")
}

/// The failure, its location, and the text of the terminal.
fn went_wrong(spec: &SpecReport, severity: &str, attempt: &Attempt) -> [String; 2] {
    let lines = text::in_short(attempt);
    let (first, more) = lines.split_first().unzip();
    let at = place(attempt).unwrap_or(&spec.at);
    let mut entries = vec![
        ("message", quoted(first.map_or("", String::as_str))),
        ("severity", severity.to_owned()),
        ("file", quoted(at.source.name())),
        ("line", at.line().to_string()),
        ("column", at.column().to_string()),
        ("duration_ms", spec.duration.as_millis().to_string()),
        ("attempts", spec.attempts.len().to_string()),
    ];
    if let Some(step) = attempt.steps.iter().find(|step| step.has_failed()) {
        let saved = step.saved_trace.as_ref();
        entries.extend(
            step.trace_id
                .map(|id| ("trace_id", quoted(&id.to_string()))),
        );
        entries.extend(saved.map(|path| ("saved_trace", quoted(&path.display().to_string()))));
    }
    let entries = entries
        .iter()
        .map(|(key, value)| format!("  {key}: {value}\n"));
    let entries: String = entries.collect();
    let more = list("more", more.unwrap_or_default());
    let text = block(&text::attempt(attempt, &Look::plain(), Detail::Normal));
    [entries + &more, text]
}

/// The severity and the attempt to show: the first one of a flaky spec, because the last passed.
fn telling(spec: &SpecReport) -> Option<(&'static str, &Attempt)> {
    match spec.verdict {
        Verdict::Failed => Some(("fail", spec.last_attempt()?)),
        Verdict::Errored => Some(("error", spec.last_attempt()?)),
        Verdict::Passed if spec.is_flaky() => Some(("flaky", spec.attempts.first()?)),
        Verdict::Passed | Verdict::Skipped(_) | Verdict::NotRun(_) => None,
    }
}

/// The location of the first failed expectation.
fn place(attempt: &Attempt) -> Option<&Location> {
    let step = attempt.steps.iter().find(|step| step.has_failed())?;
    let mut failures = step.failures().chain(step.contradictions());
    let failure = failures.next().map(|failure| &failure.at);
    failure.or_else(|| step.trouble.as_ref()?.at.as_ref())
}

fn list(key: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let items = texts.iter().map(|text| format!("    - {}\n", quoted(text)));
    format!("  {key}:\n{}", items.collect::<String>())
}

/// A block scalar with an explicit indentation, because lines may start with spaces.
fn block(body: &str) -> String {
    let lines = body.trim_end().lines();
    let lines: String = lines
        .map(|line| format!("{}\n", format!("    {line}").trim_end()))
        .collect();
    format!("  text: |2\n{lines}")
}

/// A JSON string, which is also YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(printable(text).as_ref()).to_string()
}

#[cfg(test)]
mod tests;
