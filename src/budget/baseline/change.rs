//! What a new baseline changes of the one that is there.

use std::collections::BTreeSet;

use super::super::words::count;
use super::super::{Column, Row, Table};
use super::{Baseline, Budget, Case, Difference, Mismatch, Run, quantiles};

/// What becomes of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its name.
    pub case: String,
    /// What is not as it was when the old one was measured.
    pub differs: Vec<Difference>,
    /// The old runs beside those that are new; a table for each two versions.
    pub tables: Vec<Table>,
    /// What becomes of the runs of each budget: `ship: 1 run is new, 5 stay`.
    pub runs: Vec<String>,
    /// Budgets whose new runs began before the old ones did, a sentence each.
    pub older: Vec<String>,
}

impl Baseline {
    /// What becomes of each case if this one takes the place of the other; where there is none, all
    /// is new.
    #[must_use]
    pub fn changes(&self, old: Option<&Self>) -> Vec<Change> {
        let nothing = Self::default();
        let old = old.unwrap_or(&nothing);
        let names: BTreeSet<&String> = old.cases.keys().chain(self.cases.keys()).collect();
        names
            .into_iter()
            .map(|name| change(name, old.cases.get(name), self.cases.get(name)))
            .collect()
    }
}

fn change(name: &str, old: Option<&Case>, new: Option<&Case>) -> Change {
    let both = old.zip(new);
    let differs = both.map_or_else(Vec::new, |(old, new)| {
        (old.fingerprint).differences(&new.fingerprint, Mismatch::Refused)
    });
    let budgets = |case: Option<&Case>| -> BTreeSet<String> {
        case.map_or_else(BTreeSet::new, |case| case.budgets.keys().cloned().collect())
    };
    let subjects = &budgets(old) | &budgets(new);
    let nothing = Budget::default();
    let of = |case: Option<&'_ Case>, subject: &str| -> Budget {
        let budget = case.and_then(|case| case.budgets.get(subject));
        budget.unwrap_or(&nothing).clone()
    };
    let each = subjects.iter().map(|subject| {
        let (old, new) = (of(old, subject), of(new, subject));
        (subject, old, new)
    });
    let each: Vec<_> = each.collect();
    Change {
        case: name.to_owned(),
        differs,
        tables: Table::all(
            each.iter()
                .map(|(subject, old, new)| row(subject, old, new)),
        ),
        runs: each
            .iter()
            .map(|(subject, old, new)| format!("{subject}: {}", runs(old, new)))
            .collect(),
        older: Vec::new(),
    }
}

/// The runs that one has and the other has not.
fn beyond<'a>(runs: &'a Budget, other: &Budget) -> Vec<&'a Run> {
    let is_new = |run: &&Run| !other.runs.contains(run);
    runs.runs.iter().filter(is_new).collect()
}

fn row(subject: &str, old: &Budget, new: &Budget) -> (Column, Column, Row) {
    let mut fresh = Budget::default();
    let added = beyond(new, old);
    // Who only takes runs away, sees what is left.
    let shown = if added.is_empty() {
        new.runs.iter().collect()
    } else {
        added
    };
    fresh.runs = shown.into_iter().cloned().collect();
    let side = |budget: &Budget| {
        let samples = budget.samples();
        let column = Column {
            version: budget.service_version().map(str::to_owned),
            count: samples.len(),
        };
        (column, quantiles(&samples))
    };
    let ((baseline, before), (candidate, now)) = (side(old), side(&fresh));
    let row = Row {
        subject: subject.to_owned(),
        before,
        now,
        remarks: Vec::new(),
    };
    (baseline, candidate, row)
}

fn runs(old: &Budget, new: &Budget) -> String {
    let counted = |number: usize, what: [&str; 2]| match number {
        0 => None,
        1 => Some(format!("1 run {}", what[0])),
        _ => Some(format!("{number} runs {}", what[1])),
    };
    let added = beyond(new, old);
    let unknown = added.iter().map(|run| run.samples().unknown()).sum();
    let unknown = match unknown {
        0 => String::new(),
        1 => "; 1 request of it was not measured".to_owned(),
        _ => format!("; {} requests of it were not measured", count(unknown)),
    };
    let added = added.len();
    let parts = [
        counted(added, ["is new", "are new"]),
        counted(new.runs.len() - added, ["stays", "stay"]),
        counted(beyond(old, new).len(), ["goes", "go"]),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "no runs".to_owned();
    }
    parts.join(", ") + &unknown
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::Samples;
    use super::super::tests::{run_at, with_runs};
    use super::*;

    fn samples(micros: u64) -> Samples {
        (0..100).map(|_| micros).collect()
    }

    #[test]
    fn a_first_baseline_is_all_new() {
        let new = with_runs(vec![run_at(1, samples(120_000))]);
        let changes = new.changes(None);
        assert_eq!(changes[0].runs, ["inventory-check: 1 run is new"]);
        assert_eq!(
            changes[0].tables[0].headed(["accepted", "new"]).to_string(),
            "
              nothing accepted     v2.3.0 (new, n=100)
inventory-check   -                p50=120ms p95=120ms"
                .trim_start_matches('\n')
        );
    }

    #[test]
    fn what_was_not_measured_is_told_of_a_new_run() {
        let new = with_runs(vec![run_at(1, samples(120_000).with_unknown(20))]);
        assert_eq!(
            new.changes(None)[0].runs,
            ["inventory-check: 1 run is new; 20 requests of it were not measured"]
        );
    }

    #[test]
    fn runs_that_come_are_held_against_those_that_stay() {
        let old = with_runs(vec![
            run_at(1, samples(120_000)),
            run_at(2, samples(120_000)),
        ]);
        let mut both = old.clone();
        let case = both.cases.values_mut().next().unwrap();
        let budget = case.budgets.values_mut().next().unwrap();
        budget.add(run_at(3, samples(350_000)));
        let change = &both.changes(Some(&old))[0];
        assert_eq!(change.runs, ["inventory-check: 1 run is new, 2 runs stay"]);
        assert_eq!(change.tables[0].candidate.count, 100);
        assert_eq!(change.tables[0].rows[0].now[0].1, 350_000.0);
        let change = &old.changes(Some(&both))[0];
        assert_eq!(change.runs, ["inventory-check: 2 runs stay, 1 run goes"]);
    }

    #[test]
    fn what_differs_is_told_and_a_case_that_goes_is_there() {
        let old = with_runs(vec![run_at(1, samples(120_000))]);
        let mut new = old.clone();
        let case = new.cases.values_mut().next().unwrap();
        case.fingerprint.cores = 8;
        let differs = &new.changes(Some(&old))[0].differs;
        assert_eq!(differs[0].to_string(), "cores was 4, is 8");
        let change = &Baseline::default().changes(Some(&old))[0];
        assert_eq!(change.runs, ["inventory-check: 1 run goes"]);
    }
}
