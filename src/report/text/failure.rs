//! A failed check as text.

use super::super::look::{self, BAD, FAINT, GOOD, Look, STRONG, printable};
use super::super::snippet::{fits, label_column, snippet};
use super::lines::{help, indented, narrower, paragraph, with_head};
use crate::check::{Candidate, Difference, Failure, Rejection, RejectionForm, Subject};
use crate::number::count;

const MOST_DIFFERENCES: usize = 20;
const MOST_NEAREST: usize = 3;
/// Longer values, in characters, are truncated; the JSON report contains them in full.
const LONGEST_VALUE: usize = 600;
/// Maximum length of a value whose differences are listed.
const LONGEST_STRUCTURE: usize = 160;

/// The subject, the line of the spec with the value found, candidates, differences and hints.
pub(super) fn failure(of: &Failure, look: &Look) -> String {
    let mut text = paragraph(&of.subject.to_string(), 2, STRONG, look);
    if let Subject::Case(_) = of.subject {
        // The line of the spec is the same for all cases.
        text.push_str(&value("expected", GOOD, &of.expected, LONGEST_VALUE, look));
        text.push_str(&value("   found", BAD, &of.found, LONGEST_VALUE, look));
        text.push_str(&help(&of.hints, look));
        return text;
    }
    let look_inside = narrower(look, 1);
    let (label, witnesses) = (label(of), witnesses(of));
    let whole = if witnesses.is_empty() {
        label.clone()
    } else {
        format!("{label}   {witnesses}")
    };
    if fits(&of.at, &whole, &look_inside) {
        text.push_str(&indented(&snippet(&of.at, &whole, &look_inside), 1));
    } else if fits(&of.at, &label, &look_inside) {
        text.push_str(&indented(&snippet(&of.at, &label, &look_inside), 1));
        text.push_str(&by(&witnesses, label_column(&of.at) + 1, look));
    } else {
        text.push_str(&indented(&snippet(&of.at, "", &look_inside), 1));
        let longest = if of.differences.is_empty() {
            LONGEST_VALUE
        } else {
            LONGEST_STRUCTURE
        };
        text.push_str(&value("expected", GOOD, &of.expected, longest, look));
        text.push_str(&value("   found", BAD, &of.found, longest, look));
        text.push_str(&by(&witnesses, 12, look));
    }
    text.push_str(&nearest(&of.nearest, look));
    text.push_str(&differences(&of.differences, look));
    text.push_str(&help(&of.hints, look));
    text
}

/// Text beside the caret: the value found, and the expected one if the line of the spec does not
/// contain it.
fn label(of: &Failure) -> String {
    let bare = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    let (written, expected) = (bare(of.at.text()), bare(&of.expected));
    let is_said = expected.is_empty() || written == expected;
    let label = match of.found.as_str() {
        "" => format!("expected {}", of.expected),
        found if is_said => format!("found {found}"),
        found => format!("expected {}, found {found}", of.expected),
    };
    printable(&label).into_owned()
}

/// The first witness, and the number of others.
fn witnesses(of: &Failure) -> String {
    let Some(first) = of.witnesses.first() else {
        return String::new();
    };
    let unlisted = usize::try_from(of.more_witnesses).unwrap_or(usize::MAX);
    let more = match (of.witnesses.len() - 1).saturating_add(unlisted) {
        0 => String::new(),
        more => format!(", and {} more", count(more)),
    };
    let service = printable(&first.service);
    format!("({service}, span {}{more})", first.span_id)
}

fn by(witnesses: &str, column: usize, look: &Look) -> String {
    if witnesses.is_empty() {
        return String::new();
    }
    let column = column
        .min(look.width.saturating_sub(look::width(witnesses)))
        .max(3);
    paragraph(witnesses, column, FAINT, look)
}

fn value(head: &str, style: anstyle::Style, value: &str, longest: usize, look: &Look) -> String {
    let value = printable(value);
    let all = value.chars().count();
    let mut shown: String = value.chars().take(longest).collect();
    if all > longest {
        shown.push_str(&format!("… ({} characters)", count(all)));
    }
    with_head(head, style, &shown, look)
}

fn nearest(candidates: &[Candidate], look: &Look) -> String {
    if candidates.is_empty() {
        return String::new();
    }
    let mut text = "   nearest:\n".to_owned();
    for candidate in candidates.iter().take(MOST_NEAREST) {
        let arrow = look.pick("›", ">");
        let name = format!("{} {arrow} {}", candidate.service, candidate.name);
        let span = candidate.span_id.map(|id| format!(" (span {id})"));
        let line = format!("{name}{}", span.unwrap_or_default());
        text.push_str(&paragraph(&line, 5, STRONG, look));
        for rejection in &candidate.rejected {
            text.push_str(&paragraph(
                &rejected(rejection),
                7,
                anstyle::Style::new(),
                look,
            ));
        }
    }
    let more = candidates.len().saturating_sub(MOST_NEAREST);
    if more > 0 {
        text.push_str(&format!("     … {} more\n", count(more)));
    }
    text
}

fn rejected(rejection: &Rejection) -> String {
    let Rejection {
        key,
        expected,
        found,
        form,
    } = rejection;
    match form {
        RejectionForm::Missing => format!("{key} is missing, expected {expected}"),
        RejectionForm::Value => format!("{key} is {found}, not {expected}"),
        RejectionForm::Clause => format!("{key}: expected {expected}, found {found}"),
    }
}

fn differences(differences: &[Difference], look: &Look) -> String {
    let paths = differences.iter().take(MOST_DIFFERENCES);
    let column = paths
        .clone()
        .map(|difference| look::width(&printable(&difference.path)))
        .max()
        .unwrap_or(0)
        .min(look.width / 3);
    let mut text = String::new();
    for Difference {
        path,
        expected,
        found,
    } in paths
    {
        let path = printable(path);
        let said = format!("expected {expected}, found {found}");
        let said = printable(&said);
        let room = look.width.saturating_sub(3 + column + 2);
        if look::width(&path) <= column && look::width(&said) <= room {
            let path = look.paint(STRONG, &look::fitted(&path, column));
            text.push_str(&format!("   {path}  {said}\n"));
        } else {
            text.push_str(&paragraph(&path, 3, STRONG, look));
            text.push_str(&paragraph(&said, 5, anstyle::Style::new(), look));
        }
    }
    let more = differences.len().saturating_sub(MOST_DIFFERENCES);
    if more > 0 {
        text.push_str(&format!("   … {} more differences\n", count(more)));
    }
    text
}
