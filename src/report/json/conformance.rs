//! Results of conformance cases in the JSON report.

use serde::Serialize;

use crate::trace::{CaseEffect, CaseResult, ConformanceResponse};

/// The results of conformance cases.
#[derive(Serialize)]
pub(in crate::report) struct JsonConformance<'a> {
    level: u8,
    strict: bool,
    cases: Vec<JsonCase<'a>>,
}

#[derive(Serialize)]
struct JsonCase<'a> {
    name: &'static str,
    verdict: &'static str,
    effect: &'static str,
    requirement: &'static str,
    level: Option<u8>,
    section: &'static str,
    url: Option<&'a str>,
    sent: &'a str,
    expected: &'a str,
    found: &'a str,
    help: Option<&'a str>,
    allowed: bool,
    trace_ids: Vec<String>,
}

impl<'a> From<&'a ConformanceResponse> for JsonConformance<'a> {
    fn from(of: &'a ConformanceResponse) -> Self {
        let cases = of.cases.iter();
        Self {
            level: of.level,
            strict: of.is_strict,
            cases: cases
                .map(|case| JsonCase::new(case, of.effect(case)))
                .collect(),
        }
    }
}

impl<'a> JsonCase<'a> {
    fn new(case: &'a CaseResult, effect: CaseEffect) -> Self {
        let (section, url) = &case.section;
        Self {
            name: case.name,
            verdict: case.verdict.name(),
            effect: match effect {
                CaseEffect::Passes => "passes",
                CaseEffect::Notes => "notes",
                CaseEffect::Fails => "fails",
                CaseEffect::Unjudged => "unjudged",
            },
            requirement: case.requirement.name(),
            level: Some(case.level).filter(|level| *level > 0),
            section,
            url: Some(url.as_str()).filter(|url| !url.is_empty()),
            sent: &case.sent,
            expected: &case.expected,
            found: &case.found,
            help: case.help.as_deref(),
            allowed: case.is_allowed,
            trace_ids: case.trace_ids.iter().map(ToString::to_string).collect(),
        }
    }
}
