//! What is said of a case that waits.

use super::super::cells::in_millis;
use super::super::quantile::Quantile;
use super::super::words::version;
use super::{Budget, Case, Mismatch, Proposal, Run, quantiles};

impl Proposal {
    /// Since when a case waits, and how it differs from what was accepted; None if it does not:
    /// `since 2026-11-25 10:10:00Z: v2.4.0, p50 of inventory-check 350 ms rather than 120 ms`.
    #[must_use]
    pub fn told(&self, case: &str) -> Option<String> {
        let waiting = self.waiting.cases.get(case)?;
        let known = self.current.cases.get(case);
        let runs = || waiting.budgets.values().flat_map(|budget| &budget.runs);
        let since = runs().map(Run::start).min()?;
        let versions = runs().rev().find_map(Run::service_version).map(version);
        let differs = known.map_or_else(Vec::new, |known| differences(known, waiting));
        let facts: Vec<String> = versions.into_iter().chain(differs).collect();
        let since = since.strftime("%Y-%m-%d %H:%M:%SZ");
        Some(match facts.is_empty() {
            true => format!("since {since}"),
            false => format!("since {since}: {}", facts.join(", ")),
        })
    }
}

/// Where they were measured alike, what differs most.
fn differences(known: &Case, waiting: &Case) -> Vec<String> {
    let elsewhere = (known.fingerprint).differences(&waiting.fingerprint, Mismatch::Refused);
    if !elsewhere.is_empty() {
        return elsewhere.iter().map(ToString::to_string).collect();
    }
    let all = waiting.budgets.iter().flat_map(|(subject, now)| {
        let then = known.budgets.get(subject);
        let pairs = then.map_or_else(Vec::new, |then| pairs(then, now));
        pairs.into_iter().map(move |pair| (subject, pair))
    });
    // Less than a microsecond counts as one.
    let factor = |[then, now]: [f64; 2]| (now.max(1.0) / then.max(1.0)).ln().abs();
    // Of those that differ alike, the first.
    let all: Vec<_> = all.collect();
    let most = all
        .into_iter()
        .rev()
        .max_by(|(_, (_, one)), (_, (_, other))| factor(*one).total_cmp(&factor(*other)));
    let most = most.map(|(subject, (quantile, [then, now]))| {
        let (then, now) = (in_millis(then), in_millis(now));
        format!("{quantile} of {subject} {now} rather than {then}")
    });
    most.into_iter().collect()
}

/// Each quantile that both tell, then and now.
fn pairs(then: &Budget, now: &Budget) -> Vec<(Quantile, [f64; 2])> {
    let [then, now] = [then, now].map(|budget| quantiles(&budget.samples()));
    let both = then.into_iter().filter_map(|(quantile, before)| {
        let (_, after) = now.iter().find(|(one, _)| *one == quantile)?;
        Some((quantile, [before, *after]))
    });
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run_at, with_runs};
    use super::super::{Baseline, Samples};
    use super::*;

    const CASE: &str = "placing an order [size=big]";

    fn told(current: Baseline, waiting: Baseline) -> String {
        Proposal { current, waiting }.told(CASE).unwrap()
    }

    fn of(at: i64, micros: u64) -> Baseline {
        let samples: Samples = (0..100).map(|_| micros).collect();
        with_runs(vec![run_at(at, samples)])
    }

    #[test]
    fn what_waits_is_told_with_what_differs_most() {
        let mut waiting = of(300, 350_000);
        assert_eq!(
            told(of(1, 120_000), waiting.clone()),
            "since 1970-01-01 00:05:00Z: v2.3.0, p50 of inventory-check 350 ms rather than 120 ms"
        );
        assert_eq!(
            told(Baseline::default(), waiting.clone()),
            "since 1970-01-01 00:05:00Z: v2.3.0"
        );
        let case = waiting.cases.get_mut(CASE).unwrap();
        case.fingerprint.cores = 8;
        assert_eq!(
            told(of(1, 120_000), waiting),
            "since 1970-01-01 00:05:00Z: v2.3.0, cores was 4, is 8"
        );
    }

    #[test]
    fn nothing_is_told_of_a_case_that_does_not_wait() {
        let proposal = Proposal {
            current: of(1, 120_000),
            waiting: Baseline::default(),
        };
        assert_eq!(proposal.told(CASE), None);
    }
}
