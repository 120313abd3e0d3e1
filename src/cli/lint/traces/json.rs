//! The findings as JSON.

use serde_json::{Value as Json, json};

use super::outcome::{TraceLint, UnjudgedRule};
use crate::check::Witness;
use crate::instrumentation::{Finding, Level};

pub(super) fn render(lint: &TraceLint) -> String {
    let document = json!({
        "traces": lint.traces,
        "spans": lint.spans,
        "errors": lint.number(Level::Error),
        "warnings": lint.number(Level::Warning),
        "notes": lint.number(Level::Note),
        "ignored": lint.ignored,
        "unjudged": lint.unjudged.iter().map(unjudged).collect::<Vec<_>>(),
        "findings": lint.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn finding(finding: &Finding) -> Json {
    json!({
        "rule": finding.rule.id(),
        "level": finding.level.word(),
        "service": finding.service,
        "message": finding.what,
        "help": finding.help,
        "count": finding.count(),
        "spans": finding.spans.iter().map(span).collect::<Vec<_>>(),
    })
}

fn unjudged(of: &UnjudgedRule) -> Json {
    json!({
        "rule": of.rule.id(),
        "reason": of.why.to_string(),
        "denied": of.is_denied,
    })
}

fn span(span: &Witness) -> Json {
    json!({
        "trace_id": span.trace_id.to_string(),
        "span_id": span.span_id.to_string(),
        "service": span.service,
        "name": span.name,
        "mark": span.mark,
    })
}
