//! Rules about the instrumentation, applied to the trace of a step.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::judgement::{Finality, Standing};
use super::{Evidence, Failure, Subject, Unjudged};
use crate::instrumentation::{Examination, Extent, Finding, Level, Observed, Unknown, examine};
use crate::number::counted;
use crate::spec::lint::{LintExpectation, RuleOrigin, Settings};
use crate::spec::{Check, Expect};
use crate::trace::{Trace, TraceId};

/// A window has the traces that began in it, and waits for their rest.
static NONE_CUT: LazyLock<HashSet<TraceId>> = LazyLock::new(HashSet::new);

/// Judges one rule. A further span can add a finding, and remove one about something that is missing.
pub(super) fn judge(
    check: &Check,
    expected: &LintExpectation,
    evidence: &Evidence<'_>,
    trace: &Trace,
) -> Standing {
    let settings = expected.settings.only([expected.rule]);
    let Examination { findings, unknown } = examine(&observed(evidence, trace), &settings);
    let counted = findings.iter().filter(|one| one.ignored_by.is_none());
    let counted: Vec<&Finding> = counted.collect();
    if let Some(first) = counted.first() {
        let failure = failure(check, expected, first, &counted[1..]);
        return Standing::fails(failure, Finality::Open);
    }
    match (expected.origin, unknown.get(&expected.rule)) {
        (RuleOrigin::Named, Some(why)) => Standing::unjudged(unjudged(why)),
        (RuleOrigin::Named, None) | (RuleOrigin::Set, _) => Standing::holds(Finality::Open),
    }
}

fn observed<'a>(evidence: &'a Evidence<'_>, trace: &'a Trace) -> Observed<'a> {
    if evidence.response.traffic().is_some() {
        // The trace that stands for the window is linked with all others.
        return Observed {
            traces: trace.linked(),
            extent: Extent::Whole(&NONE_CUT),
            logs_without_trace: None,
        };
    }
    Observed {
        traces: std::slice::from_ref(trace),
        extent: Extent::OneTrace(evidence.surroundings),
        logs_without_trace: evidence.logs_without_trace,
    }
}

fn failure(
    check: &Check,
    expected: &LintExpectation,
    first: &Finding,
    others: &[&Finding],
) -> Failure {
    let mut found = described(first);
    if !others.is_empty() {
        found.push_str(&format!(" (and {})", counted(others.len(), "more finding")));
    }
    let subject = Subject::Lint(expected.rule);
    let mut failure = Failure::of_check(check, subject, "no finding", found);
    failure.hints.push(first.help.clone());
    for other in others {
        failure.hints.push(format!("also {}", described(other)));
        if !failure.hints.contains(&other.help) {
            failure.hints.push(other.help.clone());
        }
    }
    let all = || std::iter::once(&first).chain(others);
    failure.witnesses = all().flat_map(|one| one.spans.clone()).collect();
    failure.more_witnesses = all().map(|one| one.more as u64).sum();
    failure
}

/// The service and the fact.
fn described(finding: &Finding) -> String {
    format!("{}: {}", finding.service, finding.what)
}

fn unjudged(why: &Unknown) -> Unjudged {
    match why {
        Unknown::Lost(field) => Unjudged::Lost(*field),
        Unknown::Unseen { reason, remedy } => Unjudged::Rule {
            reason: reason.clone(),
            remedy: remedy.clone(),
        },
    }
}

/// Notes of the rules of a spec: warnings, accepted findings, and rules of a set that could not be
/// judged.
#[cfg(feature = "run")]
pub(crate) fn remarks(expect: &Expect, evidence: &Evidence<'_>) -> Vec<String> {
    let Some(trace) = evidence
        .trace
        .filter(|trace| !trace.is_empty() || !trace.linked().is_empty())
    else {
        return Vec::new();
    };
    let Some(first) = expect.lint_rules().next() else {
        return Vec::new();
    };
    let Examination { findings, unknown } = examine(&observed(evidence, trace), &first.settings);
    let warnings = findings
        .iter()
        .filter(|one| one.level == Level::Warning && one.ignored_by.is_none());
    let warnings = warnings.map(|one| {
        format!(
            "lint warning `{}`: {}; {}",
            one.rule,
            described(one),
            one.help
        )
    });
    let accepted = findings
        .iter()
        .filter_map(|one| accepted(one, &first.settings));
    let in_sets = expect
        .lint_rules()
        .filter(|lint| lint.origin == RuleOrigin::Set);
    let not_judged = in_sets.filter_map(|lint| {
        let why = unknown.get(&lint.rule)?;
        Some(format!("{lint} is not judged: {why}"))
    });
    warnings.chain(accepted).chain(not_judged).collect()
}

fn accepted(finding: &Finding, settings: &Settings) -> Option<String> {
    let entry = settings.ignored.get(finding.ignored_by?)?;
    Some(format!(
        "lint rule `{}`: {} is accepted at {}: {}",
        finding.rule,
        described(finding),
        entry.at,
        entry.reason
    ))
}
