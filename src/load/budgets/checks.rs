//! Checks for the claims of budgets, in the form of all other checks.

use super::decide::Decisions;
use super::notices;
use super::place::BaselinePlace;
use super::record::WriteDecision;
use super::requirement::Requirement;
use crate::budget;
use crate::check::{self, CheckRef, Failure, Outcome, Subject, Unjudged, Witness};
use crate::number::Unit;
use crate::result::{Load, Measured};
use crate::spec::{Budget, Measure};
use crate::trace::{Span, Trace};

/// A span explains that a response or a trace takes longer if its increase is at least this part of theirs.
const EXPLAINED: f64 = 0.8;

/// The context from which checks are made.
pub(super) struct BudgetChecks<'a> {
    pub(super) budgets: &'a [Budget],
    pub(super) load: &'a Load,
    /// The trace of any request.
    pub(super) seen: Option<&'a Trace>,
}

impl BudgetChecks<'_> {
    /// One check per claim, and a single one for a budget without samples, because all its claims
    /// fail for the same reason.
    pub(super) fn all(&self, decided: &Decisions<'_>) -> Vec<check::Judged> {
        let mut checks = Vec::new();
        let mut nothing_found = None;
        let failed = FailedClaims::of(self, decided);
        for (required, judged) in &decided.claims {
            if !self.load.measured[required.budget].found_nothing() {
                checks.push(self.claim(required, judged, failed.cause(required.check)));
            } else if nothing_found.replace(required.budget) != Some(required.budget) {
                checks.push(self.without_samples(required));
            }
        }
        checks
    }

    fn claim(
        &self,
        required: &Requirement<'_>,
        judged: &budget::JudgedClaim,
        cause: Option<CheckRef>,
    ) -> check::Judged {
        let (budget, measured) = (
            &self.budgets[required.budget],
            &self.load.measured[required.budget],
        );
        required.check(match self.load.fails(judged.verdict) {
            true => Outcome::Fail(Box::new(Failure {
                cause,
                ..failure(required, judged, budget, measured)
            })),
            false => Outcome::Pass,
        })
    }

    fn without_samples(&self, required: &Requirement<'_>) -> check::Judged {
        let (budget, samples) = (
            &self.budgets[required.budget],
            &self.load.measured[required.budget].samples,
        );
        let requests = self.load.requests.saturating_sub(samples.unknown());
        if requests == 0 {
            return required.check(Outcome::Unjudged(Unjudged::NoMeasurement));
        }
        let found = match &budget.measure {
            Measure::ResponseTime => format!("no answer to {requests} requests"),
            Measure::TraceDuration => format!("no span in {requests} traces"),
            _ => format!("no span that matches in {requests} traces"),
        };
        let found = match samples.unknown() {
            0 => found,
            unknown => format!("{found}; {unknown} requests have no complete trace"),
        };
        let expected = match budget.measure {
            Measure::Count(_) => "spans to count",
            _ if budget.measure.unit() == Unit::Number => "values to measure",
            _ => "durations to measure",
        };
        let mut failure = required.failure(expected.to_owned(), found);
        if budget.counts_none_as_zero() {
            failure.hints = vec!["write `p99: <= 0` if none is expected".to_owned()];
        }
        // The selector is wrong, not a number.
        failure.at = budget.at.clone();
        if let Some((find, seen)) = budget.find().zip(self.seen) {
            failure.nearest = check::nearest(find, seen);
        }
        check::Judged {
            at: budget.at.clone(),
            ..required.check(Outcome::Fail(Box::new(failure)))
        }
    }
}

/// The claims above their limits, of which some explain others.
struct FailedClaims<'d> {
    claims: Vec<FailedClaim<'d>>,
}

struct FailedClaim<'d> {
    required: &'d Requirement<'d>,
    judged: &'d budget::JudgedClaim,
    measure: &'d Measure,
}

impl<'d> FailedClaims<'d> {
    fn of(checks: &BudgetChecks<'d>, decided: &'d Decisions<'_>) -> Self {
        // Under `--strict`, claims that are open or have no samples fail, which explains no other.
        let failed = decided.claims.iter().filter(|(_, judged)| judged.exceeds());
        Self {
            claims: failed
                .map(|(required, judged)| FailedClaim {
                    required,
                    judged,
                    measure: &checks.budgets[required.budget].measure,
                })
                .collect(),
        }
    }

    /// The check that stands for a check that fails, if it is another one: the first of its budget, or of
    /// the budget of a span that explains it.
    fn cause(&self, check: CheckRef) -> Option<CheckRef> {
        let mut claims = self.claims.iter();
        let claim = claims.find(|one| one.required.check == check)?;
        let explained_by = self.explained_by(claim);
        let first = match explained_by {
            Some(cause) => self.of_budget(cause.required.budget).next(),
            // Another claim of this budget may have a cause of its own.
            None => {
                let mut unexplained = self.of_budget(claim.required.budget);
                unexplained.find(|one| self.explained_by(one).is_none())
            }
        };
        let cause = first?.required.check;
        (cause != check).then_some(cause)
    }

    fn of_budget(&self, budget: usize) -> impl Iterator<Item = &FailedClaim<'d>> {
        let claims = self.claims.iter();
        claims.filter(move |one| one.required.budget == budget)
    }

    /// The claim of a span whose increase is most of that of a response or a trace.
    fn explained_by(&self, claim: &FailedClaim<'_>) -> Option<&FailedClaim<'d>> {
        if !matches!(
            claim.measure,
            Measure::ResponseTime | Measure::TraceDuration
        ) {
            return None;
        }
        let whole = claim.judged.increase()?;
        self.claims.iter().find(|one| {
            let is_span = matches!(one.measure, Measure::Duration(_) | Measure::SelfTime(_));
            let part = one.judged.increase();
            is_span
                && one.required.quantile == claim.required.quantile
                && part.is_some_and(|part| part >= EXPLAINED * whole)
        })
    }
}

/// Under `--strict`, a failed check for each claim without a baseline.
pub(super) fn without_baseline<'a>(
    decided: &'a Decisions<'_>,
    place: &'a BaselinePlace,
    decision: WriteDecision,
    load: &'a Load,
) -> impl Iterator<Item = check::Judged> + 'a {
    decided.missing.iter().map(move |required| {
        let mut failure = required.failure(
            "a baseline to compare with".to_owned(),
            format!("none in {}", place.path.display()),
        );
        failure.hints = vec![
            notices::how_to_record(decision, place, load),
            "or write `regression: none` to compare with no baseline".to_owned(),
        ];
        required.check(Outcome::Fail(Box::new(failure)))
    })
}

impl Requirement<'_> {
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
    required: &Requirement<'_>,
    judged: &budget::JudgedClaim,
    budget: &Budget,
    measured: &Measured,
) -> Failure {
    let before = measured.before.as_ref();
    let before = before.and_then(|before| before.version.as_deref());
    let mut failure = required.failure(
        judged.expected(before),
        judged.found(measured.version.as_deref()),
    );
    add_witnesses(&mut failure, budget, measured);
    failure
}

/// Marks the measured spans in the trace with the largest value.
fn add_witnesses(failure: &mut Failure, budget: &Budget, measured: &Measured) {
    let Some(largest) = &measured.largest else {
        return;
    };
    let (find, trace) = (budget.find(), &largest.trace);
    let Some(spans) = find.map(|find| check::select(find, trace)) else {
        return;
    };
    let number = spans.len();
    let marked = |(at, span)| Witness::new(span, format!("{} of {number}", at + 1));
    match &budget.measure {
        Measure::Duration(_) => {
            let slowest = spans.into_iter().max_by_key(|span| span.duration().ok());
            failure.show(slowest, |span| Witness::new(span, "the slowest of all"));
        }
        Measure::Count(_) | Measure::Sum(..) => failure.show(spans.into_iter().enumerate(), marked),
        Measure::Attribute(_, key) => {
            let value = |span: &&Span| check::number_of(span, key) == Some(largest.value);
            let largest = spans.into_iter().find(value);
            failure.show(largest, |span| Witness::new(span, "the largest of all"));
        }
        Measure::ResponseTime | Measure::TraceDuration | Measure::SelfTime(_) => {}
    }
}
