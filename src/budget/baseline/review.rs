//! The differences between a baseline and a proposal.

use std::collections::BTreeSet;

use super::super::numbers::version;
use super::super::quantile::{Alpha, Quantile};
use super::super::samples::Samples;
use super::super::{Column, Table, TableRow};
use super::{Baseline, Budget, Case, FactDifference, Mismatch, Run};
use crate::number::count;

/// The changes that a proposal makes to one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseChange {
    /// The name of the case.
    pub case: String,
    /// Differences between the environments.
    pub differs: Vec<FactDifference>,
    /// Accepted and proposed values, one table per pair of versions.
    pub tables: Vec<Table>,
    /// The number of runs of each budget: `ship: 1 new run, replaces 5`.
    pub runs: Vec<String>,
    /// Budgets whose proposed runs are older than the accepted ones.
    pub older: Vec<String>,
}

/// The changes that a proposal makes to a baseline.
#[must_use]
pub fn changes(current: &Baseline, proposal: &Baseline) -> Vec<CaseChange> {
    let accepted = current.accepting(proposal);
    let nothing = Budget::default();
    let change = |(name, proposed): (&String, &Case)| {
        let (known, accepted) = (current.cases.get(name), accepted.cases.get(name));
        let known_budgets = known.map(|known| &known.budgets);
        let subjects: BTreeSet<&String> = known_budgets
            .into_iter()
            .flatten()
            .map(|(subject, _)| subject)
            .chain(proposed.budgets.keys())
            .collect();
        let changed = subjects.into_iter().filter_map(|subject| {
            let then = known_budgets.and_then(|budgets| budgets.get(subject));
            let now = proposed.budgets.get(subject);
            let is_kept = accepted.is_some_and(|case| case.budgets.contains_key(subject));
            let is_changed = now.is_some() || !is_kept;
            is_changed.then(|| (subject, then.unwrap_or(&nothing), now.unwrap_or(&nothing)))
        });
        let changed: Vec<_> = changed.collect();
        let each = || changed.iter().copied();
        CaseChange {
            case: name.clone(),
            differs: known.map_or_else(Vec::new, |known| {
                (known.fingerprint).differences(&proposed.fingerprint, Mismatch::Refused)
            }),
            tables: Table::all(each().map(|(subject, then, now)| row(subject, then, now))),
            runs: each()
                .map(|(subject, then, now)| format!("{subject}: {}", runs(then, now)))
                .collect(),
            older: each()
                .filter_map(|(subject, then, now)| {
                    Some(format!("{subject}: {}", older(then, now)?))
                })
                .collect(),
        }
    };
    proposal.cases.iter().map(change).collect()
}

fn row(subject: &str, then: &Budget, now: &Budget) -> (Column, Column, TableRow) {
    let column = |budget: &Budget, samples: &Samples| Column {
        version: budget.service_version().map(str::to_owned),
        count: samples.len(),
    };
    let (before, after) = (then.samples(), now.samples());
    let row = TableRow {
        subject: subject.to_owned(),
        unit: match now.runs.is_empty() {
            true => then.unit(),
            false => now.unit(),
        },
        before: quantiles(&before),
        now: quantiles(&after),
        remarks: Vec::new(),
    };
    (column(then, &before), column(now, &after), row)
}

fn runs(then: &Budget, now: &Budget) -> String {
    let (new, replaced) = (now.runs.len(), then.runs.len());
    let new = match new {
        1 => "1 new run".to_owned(),
        _ => format!("{new} new runs"),
    };
    let replaces = match replaced {
        0 => String::new(),
        _ => format!(", replaces {replaced}"),
    };
    let unknown = match now.samples().unknown() {
        0 => String::new(),
        1 => "; 1 request has no measurement".to_owned(),
        unknown => format!("; {} requests have no measurement", count(unknown)),
    };
    new + &replaces + &unknown
}

fn older(then: &Budget, now: &Budget) -> Option<String> {
    // Runs are sorted by start.
    let (then, now) = (then.runs.last()?, now.runs.last()?);
    let described = |run: &Run| {
        let start = run.start().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let version = run.service_version().map(version);
        version.map_or_else(|| start.clone(), |version| format!("{start} ({version})"))
    };
    (now.start() < then.start()).then(|| {
        format!(
            "the new runs ({}) are older than the accepted ones ({})",
            described(now),
            described(then),
        )
    })
}

/// Quantiles that the file stores for each run.
const STORED: [Quantile; 3] = [Quantile::P50, Quantile::P95, Quantile::P99];

/// p50, p95 and p99, without those that have too few samples for bounds: the p99 of
/// ten samples is their maximum. If no quantile has bounds, all three.
pub(crate) fn quantiles(samples: &Samples) -> Vec<(Quantile, f64)> {
    let is_bounded = |one: &Quantile| {
        let estimate = samples.estimate(*one, Alpha::FIVE_PERCENT);
        estimate.is_some_and(|one| one.lower.is_some() && one.upper.is_some())
    };
    let is_any = STORED.iter().any(is_bounded);
    let shown = STORED.into_iter().filter(|one| !is_any || is_bounded(one));
    shown
        .filter_map(|one| Some((one, samples.quantile(one)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run_at, with_runs};
    use super::*;

    fn of(at: i64, micros: u64) -> Baseline {
        with_runs(vec![run_at(at, (0..100).map(|_| micros).collect())])
    }

    #[test]
    fn a_first_proposal_is_new() {
        let changes = changes(&Baseline::default(), &of(1, 120_000));
        assert_eq!(changes[0].runs, ["inventory-check: 1 new run"]);
        assert_eq!(
            changes[0].tables[0].headed(["accepted", "new"]).to_string(),
            "
              nothing accepted     v2.3.0 (new, n=100)
inventory-check   -                p50=120 ms p95=120 ms"
                .trim_start_matches('\n')
        );
    }

    #[test]
    fn replaced_runs_requests_without_measurement_and_older_runs_are_listed() {
        let current = with_runs(vec![
            run_at(100, (0..100).collect()),
            run_at(300, (0..100).collect()),
        ]);
        let samples = (0..100).collect::<Samples>().with_unknown(20);
        let change = &changes(&current, &with_runs(vec![run_at(200, samples)]))[0];
        assert_eq!(
            change.runs,
            ["inventory-check: 1 new run, replaces 2; 20 requests have no measurement"]
        );
        assert_eq!(
            change.older,
            [
                "inventory-check: the new runs (1970-01-01 00:03:20Z (v2.3.0)) are older than the accepted ones (1970-01-01 00:05:00Z (v2.3.0))"
            ]
        );
    }

    #[test]
    fn another_environment_removes_budgets_that_are_not_proposed() {
        let mut current = of(1, 120_000);
        let case = current.cases.values_mut().next().unwrap();
        let budget = case.budgets["inventory-check"].clone();
        case.budgets.insert("pay".to_owned(), budget);
        let mut proposal = of(2, 120_000);
        assert_eq!(changes(&current, &proposal)[0].runs.len(), 1);
        let case = proposal.cases.values_mut().next().unwrap();
        case.fingerprint.cores = 8;
        let change = &changes(&current, &proposal)[0];
        assert_eq!(change.differs[0].to_string(), "cores was 4, is 8");
        assert_eq!(
            change.runs,
            [
                "inventory-check: 1 new run, replaces 1",
                "pay: 0 new runs, replaces 1"
            ]
        );
    }

    #[test]
    fn quantiles_without_bounds_are_omitted_unless_none_has_bounds() {
        let shown = |count: u64| -> Vec<String> {
            let all = quantiles(&(1..=count).collect());
            all.iter().map(|(one, _)| one.to_string()).collect()
        };
        assert_eq!(shown(0), [""; 0]);
        assert_eq!(shown(4), ["p50", "p95", "p99"]);
        assert_eq!(shown(10), ["p50"]);
        assert_eq!(shown(59), ["p50", "p95"]);
        assert_eq!(shown(298), ["p50", "p95"]);
        assert_eq!(shown(299), ["p50", "p95", "p99"]);
        let some_unknown = quantiles(&(1..=380).collect::<Samples>().with_unknown(20));
        assert_eq!(some_unknown.len(), 1, "{some_unknown:?}");
    }
}
