//! The result of `spanspec mutate` as text.

use crate::mutate::{ExaminedSpec, FaultsOfPlace, IdleCheck, Suite};
use crate::number::counted;
use crate::report::look::{BAD, FAINT, GOOD, HELP, LEFT_OUT, Look, STRONG, printable};
use crate::report::snippet::{Diagnostic, diagnostics};
use crate::spec::Location;

/// The faults that no check notices, the checks that no fault makes fail, and the score. `minimum` is the
/// least score that passes.
pub(crate) fn text(suite: &Suite, minimum: Option<f64>, look: &Look) -> String {
    let mut text = String::new();
    section(&mut text, missed(suite, look));
    section(&mut text, idle(&suite.idle, look));
    section(&mut text, not_examined(suite, look));
    section(&mut text, unused(suite, look));
    section(&mut text, specs(&suite.specs, look));
    text.push_str(&summary(suite, minimum, look));
    text
}

fn section(text: &mut String, section: String) {
    if !section.is_empty() {
        text.push_str(&section);
        text.push('\n');
    }
}

fn missed(suite: &Suite, look: &Look) -> String {
    if suite.missed.is_empty() {
        return String::new();
    }
    let mut text = heading("faults that no check notices, the worst first", look);
    for place in &suite.missed {
        text.push('\n');
        text.push_str(&of_place(place, look));
    }
    text
}

fn of_place(of: &FaultsOfPlace, look: &Look) -> String {
    let place = look.paint(STRONG, &printable(&of.place));
    let spec = format!("{} › {}", line_of(&of.at), printable(&of.spec));
    let mut text = format!("{place}  {}\n", look.paint(FAINT, &spec));
    for fault in &of.faults {
        let equal = match fault.equal {
            0 | 1 => String::new(),
            several => look.paint(FAINT, &format!(" (1 of {several})")),
        };
        let without = match fault.is_covered || of.remedy.is_none() {
            true => String::new(),
            false => look.paint(FAINT, " (not by the checks below)"),
        };
        let kind = look.paint(BAD, &format!("{:<16}", fault.kind.name()));
        text.push_str(&format!(
            "  {kind} {}{equal}{without}\n",
            printable(&fault.what)
        ));
    }
    let Some(remedy) = &of.remedy else {
        return text;
    };
    let help = look.paint(HELP, "help");
    text.push_str(&format!("  {help}: add to `expect`:\n"));
    for line in remedy.lines() {
        text.push_str(&format!("    {}\n", printable(line)));
    }
    text
}

fn idle(checks: &[IdleCheck], look: &Look) -> String {
    if checks.is_empty() {
        return String::new();
    }
    let mut text = heading("checks that no fault makes fail", look);
    for check in checks {
        let place = format!("{}:{}", line_of(&check.at), check.at.column());
        text.push_str(&format!("  {place}  {}\n", printable(&check.what)));
        text.push_str(&format!("    {}\n", look.paint(FAINT, check.why)));
    }
    text
}

fn not_examined(suite: &Suite, look: &Look) -> String {
    let mut text = String::new();
    for spec in &suite.not_examined {
        let word = look.paint(LEFT_OUT, "not examined");
        text.push_str(&format!(
            "{word} {} › {}: {}\n",
            line_of(&spec.at),
            printable(&spec.name),
            printable(&spec.why)
        ));
    }
    text
}

fn unused(suite: &Suite, look: &Look) -> String {
    let warnings: Vec<Diagnostic> = suite.unused.iter().map(Diagnostic::warning).collect();
    diagnostics(&warnings, look)
}

fn specs(all: &[ExaminedSpec], look: &Look) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut text = heading("faults that each spec catches alone", look);
    for spec in all {
        let score = format!("{} of {}", spec.score.caught, spec.score.counted);
        text.push_str(&format!(
            "  {score:>12}  {} › {}\n",
            line_of(&spec.at),
            printable(&spec.name)
        ));
        for note in &spec.notes {
            let note = format!("{:14}  {}", "", printable(note));
            text.push_str(&format!("{}\n", look.paint(FAINT, &note)));
        }
    }
    text
}

fn summary(suite: &Suite, minimum: Option<f64>, look: &Look) -> String {
    let score = suite.score;
    let Some(share) = score.share() else {
        return match suite.is_interrupted {
            true => "interrupted: no fault was judged\n".to_owned(),
            false => "no fault was judged\n".to_owned(),
        };
    };
    let is_enough = minimum.is_none_or(|minimum| share >= minimum);
    let style = if is_enough { GOOD } else { BAD };
    let head = look.paint(style, &format!("score {}", two_digits(share)));
    let mut text = format!(
        "{head}: {} of {} caught",
        score.caught,
        counted(score.counted, "fault")
    );
    if suite.errored > 0 {
        text.push_str(&format!(", {} of them as an errored spec", suite.errored));
    }
    if suite.ignored > 0 {
        text.push_str(&format!(", {} ignored", suite.ignored));
    }
    text.push_str(&format!(" ({} judged)\n", counted(suite.judged, "fault")));
    if suite.is_interrupted {
        text.push_str("interrupted: the score is that of the faults that were judged\n");
    }
    if let Some(minimum) = minimum.filter(|_| !is_enough) {
        text.push_str(&format!("the minimum is {minimum} (--min-score)\n"));
    }
    text
}

/// Rounded down, so that a score below a limit does not look like the limit.
pub(super) fn two_digits(share: f64) -> String {
    format!("{:.2}", (share * 100.0).floor() / 100.0)
}

fn heading(text: &str, look: &Look) -> String {
    format!("{}\n", look.paint(STRONG, text))
}

/// `specs/a.yaml:7`.
pub(super) fn line_of(at: &Location) -> String {
    format!("{}:{}", printable(at.source.name()), at.line())
}
