//! The Markdown report, for `$GITHUB_STEP_SUMMARY` and pages of GitLab.
//!
//! The page has a maximum size, so the most important part is first; a note names the parts that were
//! omitted. `inert` escapes text of the system under test; `budgets` has the table of quantiles,
//! `versions` that of two versions, and `graph` draws the services.

mod budgets;
mod graph;
mod inert;
mod versions;

use std::io;
use std::path::PathBuf;

use super::look::Look;
use super::repository::Repository;
use super::text::{self, Detail};
use super::{Reporter, file};
use crate::number::{count, counted, duration};
use crate::result::{Report, SpecReport, Verdict, WithoutSpecs};
use crate::secret::Format;
use inert::{fenced, html, inline};
pub use versions::comparisons;

/// GitHub accepts a mebibyte per step, which other commands may use too.
const LARGEST: usize = 900 * 1024;
/// Reserved for the notes about omitted parts.
const RESERVE: usize = 4 * 1024;
/// Maximum size of the text of one spec, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// Writes Markdown to a file, atomically.
#[derive(Clone, Debug)]
pub struct Markdown {
    path: PathBuf,
}

impl Markdown {
    /// Writes to this file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Reporter for Markdown {
    fn finish(&mut self, report: &Report) -> io::Result<()> {
        let text = rendered(report, &Repository::around_here(), LARGEST);
        file::write(&self.path, &text, Format::Text, &report.secrets)
    }
}

/// The page, with at most this number of bytes.
fn rendered(report: &Report, repository: &Repository, most: usize) -> String {
    let mut page = Page {
        text: headline(report),
        most: most.saturating_sub(RESERVE),
    };
    for trouble in &report.trouble {
        let body = fenced(&text::trouble(trouble, &Look::plain()));
        page.push(&format!("### The run\n\n{body}\n"));
    }
    unwell(&mut page, report, repository, &Verdict::Failed, "Failed");
    unwell(
        &mut page,
        report,
        repository,
        &Verdict::Errored,
        "Could not be judged",
    );
    budgets::add(&mut page, report);
    flaky(&mut page, report);
    page.push(&graph::section(report));
    notes(&mut page, report);
    others(&mut page, report);
    page.text
}

/// The text so far, and its maximum size.
struct Page {
    text: String,
    most: usize,
}

impl Page {
    fn room(&self) -> usize {
        self.most.saturating_sub(self.text.len())
    }

    /// Adds the text if it fits. Returns `true` if it did.
    fn push(&mut self, part: &str) -> bool {
        let fits = part.len() <= self.room();
        if fits {
            self.text.push_str(part);
        }
        fits
    }

    /// Adds the lines that fit, and a note with the number of the others.
    fn push_list(&mut self, head: &str, lines: &[String], noun: &str, end: &str) {
        if lines.is_empty() {
            return;
        }
        let has_head = self.push(head);
        let shown = lines.iter().take_while(|line| has_head && self.push(line));
        let left_out = lines.len() - shown.count();
        self.say_left_out(left_out, noun);
        self.text.push_str(if has_head { end } else { "\n" });
    }

    /// Adds a note, for which there is a reserve.
    fn say_left_out(&mut self, number: usize, noun: &str) {
        if number > 0 {
            let what = counted(number, noun);
            let sentence = format!("\n_{what} omitted: the summary is too long._\n");
            self.text.push_str(&sentence);
        }
    }
}

fn headline(report: &Report) -> String {
    let of = |is: fn(&Verdict) -> bool| report.count(is);
    let flaky = report.specs.iter().filter(|spec| spec.is_flaky()).count();
    let counts = [
        ("failed", of(|is| *is == Verdict::Failed)),
        ("errored", of(|is| *is == Verdict::Errored)),
        ("passed", of(|is| *is == Verdict::Passed)),
        ("flaky", flaky),
        ("skipped", of(|is| matches!(is, Verdict::Skipped(_)))),
        ("not run", of(|is| matches!(is, Verdict::NotRun(_)))),
    ];
    let sign = if report.exit_code() == 0 {
        "✅"
    } else {
        "❌"
    };
    let spans = usize::try_from(report.telemetry.spans).unwrap_or(usize::MAX);
    format!(
        "## {sign} spanspec: {}\n\n| {} | time | spans |\n|{}\n| {} | {} | {} |\n\n",
        in_a_word(report, &counts),
        counts.map(|(what, _)| what).join(" | "),
        "---:|".repeat(counts.len() + 2),
        counts.map(|(_, number)| count(number)).join(" | "),
        duration(report.duration),
        count(spans),
    )
}

/// The counts for the headline.
fn in_a_word(report: &Report, counts: &[(&str, usize)]) -> String {
    if report.interrupted {
        return "interrupted".to_owned();
    }
    match report.without_specs {
        Some(WithoutSpecs::Invalid) => return "nothing was run".to_owned(),
        Some(WithoutSpecs::NotSelected) => return "no spec was selected".to_owned(),
        None => {}
    }
    if !report.trouble.is_empty() {
        return "the run ended with an error".to_owned();
    }
    let has_failed = counts[..2].iter().any(|(_, number)| *number > 0);
    if report.fail_flaky && report.has_flaky() && !has_failed {
        return "flaky specs fail the run".to_owned();
    }
    let telling = counts.iter().find(|(_, number)| *number > 0);
    telling.map_or_else(
        || "no spec ran".to_owned(),
        |(what, number)| format!("{} {what}", count(*number)),
    )
}

/// Each spec in a collapsed section with its text. If the space is used up, only a line.
fn unwell(
    page: &mut Page,
    report: &Report,
    repository: &Repository,
    verdict: &Verdict,
    title: &str,
) {
    let specs: Vec<&SpecReport> = report
        .specs
        .iter()
        .filter(|spec| spec.verdict == *verdict)
        .collect();
    if specs.is_empty() {
        return;
    }
    if !page.push(&format!("### {title}\n\n")) {
        page.say_left_out(specs.len(), "spec");
        return;
    }
    let lines: Vec<String> = specs.iter().map(|spec| line(spec, repository)).collect();
    let mut needed: usize = lines.iter().map(String::len).sum();
    let (mut as_line, mut left_out) = (0, 0);
    for (spec, line) in specs.iter().zip(&lines) {
        needed -= line.len();
        // Rendering thousands of texts takes long, so this stops at the first that does not fit.
        let whole = (as_line + left_out == 0).then(|| fold(spec, repository));
        let whole = whole.filter(|whole| whole.len() + needed <= page.room());
        if whole.is_some_and(|whole| page.push(&whole)) {
            continue;
        }
        if page.push(line) {
            as_line += 1;
        } else {
            left_out += 1;
        }
    }
    page.say_left_out(as_line, "text");
    page.say_left_out(left_out, "spec");
    if as_line + left_out > 0 {
        page.text.push('\n');
    }
}

fn line(spec: &SpecReport, repository: &Repository) -> String {
    format!("- {}\n", summary(spec, repository))
}

fn summary(spec: &SpecReport, repository: &Repository) -> String {
    let file = repository.relative(spec.at.source.name());
    format!(
        "<b>{}</b> <code>{}:{}</code> {}",
        html(&spec.name),
        html(&file),
        spec.at.line(),
        duration(spec.duration),
    )
}

fn fold(spec: &SpecReport, repository: &Repository) -> String {
    let mut body = text::spec(spec, &Look::plain(), Detail::Normal);
    if let Some((end, _)) = body.char_indices().find(|(at, _)| *at >= LONGEST_TEXT) {
        body.truncate(end);
        body.push_str("\n… truncated; the log contains the full text\n");
    }
    let short = spec.last_attempt().map(text::in_short).unwrap_or_default();
    let first = short
        .first()
        .map_or_else(String::new, |first| format!("{}\n\n", inline(first)));
    format!(
        "<details><summary>{}</summary>\n\n{first}{}\n</details>\n\n",
        summary(spec, repository),
        fenced(&body),
    )
}

fn flaky(page: &mut Page, report: &Report) {
    let flaky = report.specs.iter().filter(|spec| spec.is_flaky());
    let rows: Vec<String> = flaky
        .map(|spec| {
            let first = spec
                .attempts
                .first()
                .map(text::in_short)
                .unwrap_or_default();
            let first = first.first().map_or("", String::as_str);
            let (name, attempts) = (inline(&spec.name), spec.attempts.len());
            format!("| {name} | {attempts} | {} |\n", inline(first))
        })
        .collect();
    let title = match report.fail_flaky {
        true => "Flaky, which fails the run",
        false => "Flaky",
    };
    let head =
        format!("### {title}\n\n| spec | passed on attempt | first failure |\n|---|---:|---|\n");
    page.push_list(&head, &rows, "flaky spec", "\n");
}

fn notes(page: &mut Page, report: &Report) {
    let notices = report.notices.iter();
    let lines: Vec<String> = notices
        .map(|of| of.lines().map(inline).collect::<Vec<_>>().join("<br>"))
        .map(|lines| format!("- {lines}\n"))
        .collect();
    page.push_list("### Notes\n\n", &lines, "note", "\n");
}

/// Specs that passed or did not run: omitted first if space is short.
fn others(page: &mut Page, report: &Report) {
    let rows: Vec<String> = report
        .specs
        .iter()
        .filter_map(|spec| {
            let became = match &spec.verdict {
                Verdict::Passed if report.fails_as_flaky(spec) => return None,
                Verdict::Passed => format!("passed in {}", duration(spec.duration)),
                Verdict::Skipped(reason) => format!("skipped: {}", inline(reason)),
                Verdict::NotRun(reason) => {
                    format!("{}: {}", spec.word_if_not_run(), inline(reason))
                }
                Verdict::Failed | Verdict::Errored => return None,
            };
            let file = inline(spec.at.source.name());
            Some(format!("| {file} | {} | {became} |\n", inline(&spec.name)))
        })
        .collect();
    let title = counted(rows.len(), "other spec");
    let head = format!("<details><summary>{title}</summary>\n\n| file | spec | |\n|---|---|---|\n");
    page.push_list(&head, &rows, "spec", "\n</details>\n");
}

#[cfg(test)]
mod tests;
