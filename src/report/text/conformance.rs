//! Results of conformance cases as a table.

use super::super::look::{self, BAD, DOUBT, FAINT, GOOD, LEFT_OUT, Look};
use crate::number::{count, duration};
use crate::trace::{CaseEffect, CaseResult, CaseVerdict, ConformanceResponse};

/// The case, its verdict, the strength of the requirement, and the section. A line each, with the number of verdicts
/// and the rate at the end.
pub(crate) fn table(of: &ConformanceResponse, look: &Look) -> String {
    let longest = of.cases.iter().map(|case| case.name.len()).max();
    let longest = longest.unwrap_or_default();
    let mut text: String = of
        .cases
        .iter()
        .map(|case| row(of, case, longest, look))
        .collect();
    let cases = count(of.cases.len());
    let rate = of.cases.len() as f64 / of.time.as_secs_f64().max(0.001);
    let last = format!(
        "{cases} cases of level {} in {} ({rate:.0} cases/s): {}",
        of.level,
        duration(of.time),
        of.summary()
    );
    text.push_str(&format!("   {}\n", look.paint(FAINT, &last)));
    text
}

fn row(of: &ConformanceResponse, case: &CaseResult, longest: usize, look: &Look) -> String {
    let style = match of.effect(case) {
        CaseEffect::Passes if case.verdict == CaseVerdict::Conforming => GOOD,
        CaseEffect::Fails => BAD,
        CaseEffect::Unjudged => DOUBT,
        CaseEffect::Passes | CaseEffect::Notes => LEFT_OUT,
    };
    let verdict = look.paint(style, &format!("{:13}", case.verdict.name()));
    let allowed = if case.is_allowed { " (allowed)" } else { "" };
    let rest = format!("{:6} {}{allowed}", case.requirement.name(), case.section.0);
    let room = look.width.saturating_sub(longest + 19);
    let rest = look::truncated(&rest, room);
    format!("   {:longest$}  {verdict} {rest}\n", case.name)
}
