//! The findings as annotations of GitHub Actions, after the text. A trace has no file and no line.

use super::outcome::TraceLint;
use super::text;
use crate::instrumentation::{Finding, Level};
use crate::report::github::{PlainAnnotation, with_annotations};

pub(super) fn render(lint: &TraceLint) -> String {
    let annotations: Vec<PlainAnnotation> = lint.findings.iter().map(annotation).collect();
    with_annotations(&text::render(lint), &annotations)
}

fn annotation(finding: &Finding) -> PlainAnnotation {
    let mut lines = vec![format!("{}: {}", finding.service, finding.what)];
    lines.extend(finding.spans.first().map(|span| {
        format!(
            "on {} › {} (span {} of trace {})",
            span.service, span.name, span.span_id, span.trace_id
        )
    }));
    lines.push(format!("help: {}", finding.help));
    PlainAnnotation {
        level: match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note | Level::Off => "notice",
        },
        title: finding.rule.id(),
        lines,
    }
}
