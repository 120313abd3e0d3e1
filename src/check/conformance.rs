//! The conformance cases of a response, each as a check.

use super::judgement::{Finality, Judgement, Standing};
use super::{CheckRef, Failure, Outcome, Subject, Unjudged};
use crate::spec::Check;
use crate::trace::{CaseEffect, CaseResult, ConformanceResponse};

/// Judges each case.
pub(super) fn judge(check: &Check, response: &ConformanceResponse) -> Vec<Judgement> {
    let cases = response.cases.iter().enumerate();
    cases
        .map(|(index, case)| {
            let outcome = match response.effect(case) {
                CaseEffect::Passes | CaseEffect::Notes => Outcome::Pass,
                CaseEffect::Fails => Outcome::Fail(Box::new(failure(check, case))),
                CaseEffect::Unjudged => Outcome::Unjudged(Unjudged::Unobservable {
                    reason: case.found.clone(),
                    remedy: case.help.clone().unwrap_or_default(),
                }),
            };
            let standing = Standing {
                outcome,
                finality: Finality::Final,
            };
            let what = format!("case `{}`: {}", case.name, case.verdict.name());
            Judgement::new(CheckRef::Case(index), what, check.at.clone(), standing)
        })
        .collect()
}

fn failure(check: &Check, case: &CaseResult) -> Failure {
    let subject = Subject::Case(case.name.to_owned());
    let mut failure = Failure::of_check(check, subject, &case.expected, &case.found);
    let (title, address) = &case.section;
    let section = match address.is_empty() {
        true => (*title).to_owned(),
        false => format!("{title} ({address})"),
    };
    failure.hints.push(format!(
        "{} of the section {section}",
        case.requirement.name().to_uppercase()
    ));
    failure.hints.push(format!("sent: {}", case.sent));
    failure.hints.extend(case.help.clone());
    failure
}
