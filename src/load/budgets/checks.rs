//! Checks of what budgets ask, so that a report shows them as any other.

use super::asked::Asked;
use super::decide::Decided;
use super::place::Place;
use crate::budget;
use crate::check::{self, Failure, Outcome, Subject, Witness};
use crate::result::{Load, Measured};
use crate::spec::{Budget, Measure, Selector};
use crate::trace::{Span, Trace};

/// What is told of claims, and what shows it.
pub(super) struct Told<'a> {
    pub(super) budgets: &'a [Budget],
    pub(super) load: &'a Load,
    /// The trace of any of the requests.
    pub(super) seen: Option<&'a Trace>,
}

impl Told<'_> {
    /// A check for each claim. Where nothing was measured, one for the whole budget: there is one
    /// reason for all that does not hold.
    pub(super) fn claims(&self, decided: &Decided<'_>) -> Vec<check::Judged> {
        let mut checks = Vec::new();
        let mut nothing_found = None;
        for (asked, judged) in &decided.claims {
            if !self.load.measured[asked.budget].samples.is_empty() {
                checks.push(self.claim(asked, judged));
            } else if nothing_found.replace(asked.budget) != Some(asked.budget) {
                checks.push(self.without_samples(asked));
            }
        }
        checks
    }

    fn claim(&self, asked: &Asked<'_>, judged: &budget::Judged) -> check::Judged {
        let (budget, measured) = (
            &self.budgets[asked.budget],
            &self.load.measured[asked.budget],
        );
        asked.check(match self.load.fails(judged.verdict) {
            true => Outcome::Fail(Box::new(failure(asked, judged, budget, measured))),
            false => Outcome::Pass,
        })
    }

    fn without_samples(&self, asked: &Asked<'_>) -> check::Judged {
        let (budget, samples) = (
            &self.budgets[asked.budget],
            &self.load.measured[asked.budget].samples,
        );
        let requests = self.load.requests.saturating_sub(samples.unknown());
        let found = match &budget.measure {
            Measure::ResponseTime => format!("no answer to {requests} requests"),
            Measure::TraceDuration => format!("no span in {requests} traces"),
            Measure::Duration(_) | Measure::SelfTime(_) => {
                format!("no span that matches in {requests} traces")
            }
        };
        let found = match samples.unknown() {
            0 => found,
            unknown => format!("{found}; {unknown} requests left no whole trace"),
        };
        let mut failure = asked.failure("durations to measure".to_owned(), found);
        // What is wrong is what the budget looks for, not a number.
        failure.at = budget.at.clone();
        if let Some((find, seen)) = budget.find().zip(self.seen) {
            failure.nearest = check::nearest(find, seen);
        }
        check::Judged {
            at: budget.at.clone(),
            ..asked.check(Outcome::Fail(Box::new(failure)))
        }
    }
}

/// Nothing passes because there was nothing to compare with: under `--strict`, a check for each
/// claim that lacks a baseline.
pub(super) fn without_baseline<'a>(
    decided: &'a Decided<'_>,
    place: &'a Place,
) -> impl Iterator<Item = check::Judged> + 'a {
    decided.missing.iter().map(|asked| {
        let mut failure = asked.failure(
            "a baseline to compare with".to_owned(),
            format!("none of it in {}", place.path.display()),
        );
        failure.hints = vec![
            format!(
                "`spanspec run` measures one where `CI` is not set, and `{}` takes it; commit the file",
                place.accept
            ),
            "`regression: none` asks for no baseline".to_owned(),
        ];
        asked.check(Outcome::Fail(Box::new(failure)))
    })
}

impl Asked<'_> {
    fn check(&self, outcome: Outcome) -> check::Judged {
        check::Judged {
            check: self.check,
            what: self.what.clone(),
            at: self.at.clone(),
            outcome,
        }
    }

    fn failure(&self, expected: String, found: String) -> Failure {
        let subject = Subject::Budget {
            quantile: self.quantile,
            subject: self.subject.to_owned(),
        };
        Failure::new(subject, self.at.clone(), expected, found)
    }
}

fn failure(
    asked: &Asked<'_>,
    judged: &budget::Judged,
    budget: &Budget,
    measured: &Measured,
) -> Failure {
    let before = measured.before.as_ref();
    let before = before.and_then(|before| before.version.as_deref());
    let mut failure = asked.failure(
        judged.expected(before),
        judged.found(measured.version.as_deref()),
    );
    failure.witnesses = witness(budget, measured).into_iter().collect();
    failure
}

/// The span that took longest of all that were measured.
fn witness(budget: &Budget, measured: &Measured) -> Option<Witness> {
    let Measure::Duration(find) = &budget.measure else {
        return None;
    };
    let span = slowest(find, measured)?;
    Some(Witness {
        trace_id: span.trace_id,
        span_id: span.span_id,
        service: span.service().to_owned(),
        name: span.name.clone(),
        mark: "the slowest of all".to_owned(),
    })
}

fn slowest<'m>(find: &Selector, measured: &'m Measured) -> Option<&'m Span> {
    let trace = &measured.slowest.as_ref()?.trace;
    let selected = check::select(find, trace);
    selected.into_iter().max_by_key(|span| span.duration().ok())
}
