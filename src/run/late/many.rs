//! Late spans of the requests of a `repeat`.

use crate::check::{Judged, Outcome, Unjudged};
use crate::load::RejudgedRequest;
use crate::result::{Failing, Load, StepReport};
use crate::step::LateSpans;

/// Requests whose first verdict late spans contradict.
pub(super) struct Contradictions {
    pub(super) requests: u64,
    /// The contradicted checks, each with the number of requests.
    pub(super) failing: Vec<Failing>,
    /// All late spans, also those that contradict nothing.
    pub(super) late: LateSpans,
}

/// The contradicted requests; `None` if no late span arrived.
pub(super) fn contradictions(
    all: Vec<RejudgedRequest>,
    masked: impl Fn(&str) -> String,
) -> Option<Contradictions> {
    let mut all = all.into_iter();
    let mut found = Contradictions::of(all.next()?, &masked);
    for one in all {
        found.add(Contradictions::of(one, &masked));
    }
    Some(found)
}

impl Contradictions {
    fn of(one: RejudgedRequest, masked: &impl Fn(&str) -> String) -> Self {
        let not_holding = |judged: &&Judged| judged.outcome != Outcome::Pass;
        let unmet = one.again.checks.iter().filter(not_holding);
        let mut failing: Vec<Failing> = unmet
            .map(|judged| failing(masked(&judged.what), Some(judged)))
            .collect();
        if one.is_measured_otherwise && failing.is_empty() {
            failing.push(self::failing("the measured duration".to_owned(), None));
        }
        Self {
            requests: u64::from(!failing.is_empty()),
            failing,
            late: one.again.late,
        }
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.late.add(&other.late);
        for one in other.failing {
            let is_it = |known: &&mut Failing| known.check == one.check;
            match self.failing.iter_mut().find(is_it) {
                Some(known) => known.requests += one.requests,
                None => self.failing.push(one),
            }
        }
    }
}

fn failing(what: String, judged: Option<&Judged>) -> Failing {
    let is_lost = |judged: &Judged| {
        let outcome = &judged.outcome;
        matches!(outcome, Outcome::Unjudged(Unjudged::Hole(_)))
    };
    let why = match judged.is_some_and(is_lost) {
        true => "spans may be missing",
        false => "contradicted by late spans",
    };
    Failing {
        what: format!("{what}: {why}"),
        check: judged.map(|judged| judged.check),
        at: judged.map(|judged| judged.at.clone()),
        requests: 1,
    }
}

/// Counts the requests as errored. Returns `true` if `failures` permits them, whichever run of the
/// step they belong to.
pub(super) fn count(load: &mut Load, found: &Contradictions) -> bool {
    let earlier = load.earlier.iter().map(|run| run.failed + run.errored);
    let most = earlier.max().unwrap_or_default();
    load.errored += found.requests;
    load.failing.extend(found.failing.iter().cloned());
    load.failing
        .sort_by_key(|failing| std::cmp::Reverse(failing.requests));
    load.has_permitted_failures() && most + found.requests <= load.allowed
}

/// Removes the verdicts that depend on these requests.
pub(super) fn disprove(step: &mut StepReport) {
    for judged in &mut step.checks {
        if judged.outcome == Outcome::Pass {
            judged.outcome = Outcome::Unjudged(Unjudged::LateSpans);
        }
    }
    if let Some(load) = step.load.as_mut().map(std::sync::Arc::make_mut) {
        load.measured.iter_mut().for_each(|of| of.judged.clear());
    }
}
