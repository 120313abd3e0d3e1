//! Checks for the claims of budgets, in the form of all other checks.

use super::decide::Decisions;
use super::notices;
use super::place::BaselinePlace;
use super::record::WriteDecision;
use super::requirement::Requirement;
use crate::budget;
use crate::check::{self, Failure, Outcome, Subject, Witness};
use crate::result::{Load, Measured};
use crate::spec::{Budget, Measure, Selector};
use crate::trace::{Span, Trace};

/// A span explains the slowdown of a response from this share of it.
const MOST_OF_IT: f64 = 0.8;

/// The context from which checks are made.
pub(super) struct BudgetChecks<'a> {
    pub(super) budgets: &'a [Budget],
    pub(super) load: &'a Load,
    /// The trace of any request.
    pub(super) seen: Option<&'a Trace>,
}

impl BudgetChecks<'_> {
    /// One check per claim, and a single one for claims that fail for the same reason: those of one
    /// budget, or those of a response whose slowdown a span explains.
    pub(super) fn all(&self, decided: &Decisions<'_>) -> Vec<check::Judged> {
        let failed = FailedClaims::of(self, decided);
        let mut checks = Vec::new();
        let mut nothing_found = None;
        for (at, (required, judged)) in decided.claims.iter().enumerate() {
            if !self.load.measured[required.budget].samples.is_empty() {
                if failed.cause(at) == at {
                    checks.push(self.claim(required, judged, failed.effects(at)));
                }
            } else if nothing_found.replace(required.budget) != Some(required.budget) {
                checks.push(self.without_samples(required));
            }
        }
        checks
    }

    /// The check of a claim. If it fails, `effects` are the other claims that fail for this reason.
    fn claim(
        &self,
        required: &Requirement<'_>,
        judged: &budget::JudgedClaim,
        effects: Vec<&FailedClaim<'_>>,
    ) -> check::Judged {
        let (budget, measured) = (
            &self.budgets[required.budget],
            &self.load.measured[required.budget],
        );
        required.check(match self.load.fails(judged.verdict) {
            true => {
                let mut failure = failure(required, judged, budget, measured);
                let effects = effects.iter().map(|(_, required, judged)| {
                    let of = &self.load.measured[required.budget];
                    let (expected, found) = sides(judged, of);
                    let (what, at) = (&required.what, required.at);
                    format!("{what} fails for the same reason: expected {expected}, found {found} ({at})")
                });
                failure.hints.extend(effects);
                Outcome::Fail(Box::new(failure))
            }
            false => Outcome::Pass,
        })
    }

    fn without_samples(&self, required: &Requirement<'_>) -> check::Judged {
        let (budget, samples) = (
            &self.budgets[required.budget],
            &self.load.measured[required.budget].samples,
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
            unknown => format!("{found}; {unknown} requests have no complete trace"),
        };
        let mut failure = required.failure("durations to measure".to_owned(), found);
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

/// A failed claim with its index.
type FailedClaim<'d> = (usize, &'d Requirement<'d>, &'d budget::JudgedClaim);

/// The claims that fail, of which some explain others.
struct FailedClaims<'d> {
    claims: Vec<FailedClaim<'d>>,
    budgets: &'d [Budget],
}

impl<'d> FailedClaims<'d> {
    fn of(checks: &BudgetChecks<'d>, decided: &'d Decisions<'_>) -> Self {
        let claims = decided.claims.iter().enumerate();
        let claims = claims.filter(|(_, (required, judged))| {
            let measured = &checks.load.measured[required.budget];
            !measured.samples.is_empty() && judged.verdict.fails()
        });
        Self {
            claims: claims
                .map(|(at, (required, judged))| (at, required, judged))
                .collect(),
            budgets: checks.budgets,
        }
    }

    /// The claim that stands for a claim: itself, unless it fails for the same reason as another.
    fn cause(&self, at: usize) -> usize {
        let Some(claim) = self.claims.iter().find(|(other, ..)| *other == at) else {
            return at;
        };
        let explaining = self.claims.iter().find(|other| self.explains(other, claim));
        let (_, required, _) = explaining.unwrap_or(claim);
        let mut of_budget = self
            .claims
            .iter()
            .filter(|(_, other, _)| other.budget == required.budget);
        // Another claim of a response may have a cause of its own.
        let first = of_budget.find(|one| {
            explaining.is_some() || !self.claims.iter().any(|other| self.explains(other, one))
        });
        first.map_or(at, |(first, ..)| *first)
    }

    fn effects(&self, at: usize) -> Vec<&FailedClaim<'d>> {
        let others = self.claims.iter().filter(|(other, ..)| *other != at);
        others
            .filter(|(other, ..)| self.cause(*other) == at)
            .collect()
    }

    /// Returns `true` if a span became slower by most of what a response, or the whole trace, did.
    fn explains(&self, one: &FailedClaim<'_>, other: &FailedClaim<'_>) -> bool {
        let measure = |claim: &FailedClaim<'_>| &self.budgets[claim.1.budget].measure;
        let is_span = matches!(measure(one), Measure::Duration(_) | Measure::SelfTime(_));
        let is_whole = matches!(
            measure(other),
            Measure::ResponseTime | Measure::TraceDuration
        );
        if !is_span || !is_whole || one.1.quantile != other.1.quantile {
            return false;
        }
        let increases = one.2.increase().zip(other.2.increase());
        increases.is_some_and(|(part, whole)| part >= MOST_OF_IT * whole)
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
    let (expected, found) = sides(judged, measured);
    let mut failure = required.failure(expected, found);
    failure.witnesses = witness(budget, measured).into_iter().collect();
    failure
}

/// The expected and the found value.
fn sides(judged: &budget::JudgedClaim, measured: &Measured) -> (String, String) {
    let before = measured.before.as_ref();
    let before = before.and_then(|before| before.version.as_deref());
    let now = measured.version.as_deref();
    (judged.expected(before), judged.found(now))
}

/// The slowest measured span.
fn witness(budget: &Budget, measured: &Measured) -> Option<Witness> {
    let Measure::Duration(find) = &budget.measure else {
        return None;
    };
    let span = slowest(find, measured)?;
    Some(Witness::new(span, "the slowest of all"))
}

fn slowest<'m>(find: &Selector, measured: &'m Measured) -> Option<&'m Span> {
    let trace = &measured.slowest.as_ref()?.trace;
    let selected = check::select(find, trace);
    selected.into_iter().max_by_key(|span| span.duration().ok())
}
