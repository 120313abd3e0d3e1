//! The rules as JUnit XML: a case each.

use std::io;

use super::outcome::{TraceLint, UnjudgedRule};
use super::text;
use crate::instrumentation::{Finding, Rule};
use crate::report::junit::rule_cases::{RuleCase, RuleStatus, rendered};

pub(super) fn render(lint: &TraceLint) -> io::Result<String> {
    let cases: Vec<RuleCase> = lint.rules.iter().map(|&rule| case(lint, rule)).collect();
    rendered(&cases)
}

fn case(lint: &TraceLint, rule: Rule) -> RuleCase {
    let findings = || lint.findings.iter().filter(|one| one.rule == rule);
    let failing: Vec<&Finding> = findings().filter(|one| lint.fails(one.level)).collect();
    let unjudged = lint.unjudged.iter().find(|one| one.rule == rule);
    let status = match (failing.first(), unjudged) {
        (Some(first), _) => RuleStatus::Failed {
            message: format!("{}: {}", first.service, first.what),
            kind: first.level.word(),
            text: failing.iter().map(|one| text::finding(one)).collect(),
        },
        (None, Some(UnjudgedRule { why, is_denied, .. })) => match is_denied {
            true => RuleStatus::Errored(why.to_string()),
            false => RuleStatus::Skipped(why.to_string()),
        },
        (None, None) => RuleStatus::Passed,
    };
    RuleCase {
        name: rule.id(),
        status,
        output: findings()
            .filter(|one| !lint.fails(one.level))
            .map(text::finding)
            .collect(),
    }
}
