//! The findings as SARIF 2.1.0, which code scanning reads.
//!
//! A trace has no file and no line: the places are logical, `checkout › POST /orders`.

use serde_json::{Value as Json, json};

use super::outcome::TraceLint;
use crate::check::Witness;
use crate::instrumentation::{Finding, Level, Rule};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

const PAGE: &str = "https://github.com/spanspec/spanspec/blob/main/docs/lint.md";

pub(super) fn render(lint: &TraceLint) -> String {
    let driver = json!({
        "name": "spanspec",
        "version": env!("CARGO_PKG_VERSION"),
        "informationUri": PAGE,
        "rules": Rule::ALL.iter().map(|rule| described(*rule)).collect::<Vec<_>>(),
    });
    let results: Vec<Json> = lint.findings.iter().map(result).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    });
    format!("{document:#}\n")
}

fn described(rule: Rule) -> Json {
    json!({
        "id": rule.id(),
        "shortDescription": { "text": rule.title() },
        "helpUri": format!("{PAGE}#{}", rule.id()),
        "defaultConfiguration": { "level": level(rule.recommended()) },
    })
}

fn result(finding: &Finding) -> Json {
    json!({
        "ruleId": finding.rule.id(),
        "level": level(finding.level),
        "message": { "text": format!("{}: {} ({})", finding.service, finding.what, finding.help) },
        "locations": finding.spans.iter().map(location).collect::<Vec<_>>(),
        "occurrenceCount": finding.count().max(1),
    })
}

fn location(span: &Witness) -> Json {
    json!({
        "logicalLocations": [{
            "name": span.name,
            "fullyQualifiedName": format!("{} › {}", span.service, span.name),
            "kind": "span",
        }],
        "message": {
            "text": format!("span {} of trace {}: {}", span.span_id, span.trace_id, span.mark),
        },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Off => "none",
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
