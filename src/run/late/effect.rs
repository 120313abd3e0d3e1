//! Compares the first verdict about a step with the verdict about all of its spans.

use std::collections::BTreeMap;
use std::time::Duration;

use super::words::{self, When};
use crate::check::{Judged, Outcome, Unjudged};
use crate::result::StepReport;
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

const BOTH: (&str, &str) = ("spans and log records", "spans and log records");

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
    /// The name of the records if they are all of one kind.
    nouns: Option<(&'static str, &'static str)>,
    /// The longest lag while the services ran.
    lag: Option<Duration>,
}

impl Harmless {
    pub(super) fn add(&mut self, late: &LateSpans, when: When) {
        for (service, number) in &late.services {
            let known = self.services.entry(service.clone()).or_default();
            known.number += number;
            let nouns = (late.noun(1), late.noun(2));
            known.nouns = match known.nouns {
                Some(other) if other != nouns => Some(BOTH),
                _ => Some(nouns),
            };
            if when == When::Running {
                known.lag = known.lag.max(Some(late.lag));
            }
        }
    }

    /// A note for each service.
    pub(super) fn notices(&self) -> Vec<String> {
        let services = self.services.iter();
        services
            .map(|(service, late)| {
                let (one, many) = late.nouns.unwrap_or(BOTH);
                let noun = if late.number == 1 { one } else { many };
                words::harmless(service, (late.number, noun), late.lag)
            })
            .collect()
    }
}
