//! The findings as text.

use super::outcome::TraceLint;
use crate::instrumentation::{Finding, Level};
use crate::number::{count, counted};
use crate::report::printable;

/// Maximum number of spans that are shown for a finding.
const MOST_SPANS: usize = 3;

pub(super) fn render(lint: &TraceLint) -> String {
    let findings = lint.findings.iter().map(finding);
    let mut text: String = findings.collect();
    text.push_str(&summary(lint));
    text
}

pub(super) fn finding(finding: &Finding) -> String {
    let mut text = format!(
        "{}[{}]: {}: {}\n",
        finding.level.word(),
        finding.rule,
        printable(&finding.service),
        printable(&finding.what)
    );
    for span in finding.spans.iter().take(MOST_SPANS) {
        text.push_str(&format!(
            "   {} › {} (span {} of trace {}): {}\n",
            printable(&span.service),
            printable(&span.name),
            span.span_id,
            span.trace_id.short(),
            printable(&span.mark)
        ));
    }
    let more = finding.count().saturating_sub(MOST_SPANS);
    if more > 0 {
        let spans = if more == 1 { "span" } else { "spans" };
        text.push_str(&format!("   … {} more {spans}\n", count(more)));
    }
    text.push_str(&format!("   help: {}\n\n", printable(&finding.help)));
    text
}

fn summary(lint: &TraceLint) -> String {
    let level = |level, noun| match lint.number(level) {
        0 => None,
        number => Some(counted(number, noun)),
    };
    let found: Vec<String> = [
        level(Level::Error, "error"),
        level(Level::Warning, "warning"),
        level(Level::Note, "note"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let found = match found.is_empty() {
        true => "no findings".to_owned(),
        false => found.join(", "),
    };
    let ignored = match lint.ignored {
        0 => String::new(),
        number => format!(" ({} ignored)", counted(number, "finding")),
    };
    format!(
        "{found} in {} with {}{ignored}\n",
        counted(lint.traces, "trace"),
        counted(lint.spans, "span")
    )
}
