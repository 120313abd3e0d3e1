//! Compares the first verdict about a step with the verdict about all of its spans.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::words::{self, When};
use crate::check::{Judged, Outcome, Unjudged};
use crate::result::StepReport;
use crate::source::LateKind;
use crate::step::LateSpans;

/// The effect of late spans on a step.
pub(super) enum Effect {
    /// They contradict checks that passed.
    Contradicts,
    /// They change nothing.
    Harmless(LateSpans, When),
    /// There are none, or the report already has a note about them.
    None,
}

/// Makes contradicted checks unjudged. Returns `false` if there are none.
pub(super) fn contradict(checks: &mut Vec<Judged>, fresh: &[Judged]) -> bool {
    let mut has_changed = false;
    for new in fresh {
        let outcome = match &new.outcome {
            Outcome::Pass => continue,
            Outcome::Fail(failure) => Outcome::Unjudged(Unjudged::Contradicted(failure.clone())),
            Outcome::Unjudged(why) => Outcome::Unjudged(why.clone()),
        };
        match checks.iter_mut().find(|old| old.check == new.check) {
            Some(old) if old.outcome == Outcome::Pass => old.outcome = outcome,
            Some(_) => continue,
            // The first verdict found no span to which this condition applies.
            None => checks.push(Judged {
                outcome,
                ..new.clone()
            }),
        }
        has_changed = true;
    }
    Judged::sort(checks);
    has_changed
}

/// Returns `true` if the step would have passed with all spans.
pub(super) fn would_pass(step: &StepReport, fresh: &[Judged]) -> bool {
    let holds = |judged: &Judged| judged.outcome == Outcome::Pass;
    let holds_now =
        |old: &Judged| holds(old) || fresh.iter().any(|new| old.check.includes(new.check));
    let has_unmet = step.checks.iter().any(|old| !holds(old));
    has_unmet && fresh.iter().all(holds) && step.checks.iter().all(holds_now)
}

/// Late spans and log records that changed no verdict.
#[derive(Default)]
pub(super) struct Harmless {
    /// For each service, its late records.
    services: BTreeMap<String, HarmlessOfService>,
}

/// Late records of one service.
#[derive(Default)]
struct HarmlessOfService {
    number: usize,
    kinds: BTreeSet<LateKind>,
    /// The longest lag while the services ran.
    lag: Option<Duration>,
}

impl Harmless {
    pub(super) fn add(&mut self, late: &LateSpans, when: When) {
        for (service, number) in &late.services {
            let known = self.services.entry(service.clone()).or_default();
            known.number += number;
            known.kinds.extend(&late.kinds);
            if when == When::Running {
                known.lag = known.lag.max(Some(late.lag));
            }
        }
    }

    /// A note for each service.
    pub(super) fn notices(&self) -> Vec<String> {
        let services = self.services.iter();
        services
            .map(|(service, late)| words::harmless(service, (late.number, &late.kinds), late.lag))
            .collect()
    }
}
