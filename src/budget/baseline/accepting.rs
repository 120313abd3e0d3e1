//! What waits to be accepted, and what becomes of a baseline then.
//!
//! The file of new ones holds the cases that are proposed, and of each what is proposed of it.
//! Whoever accepts it gets all of that, whatever else was written in the meantime.

use super::super::words::version;
use super::{Baseline, Budget, Case, Change, Mismatch, Run};

/// What waits beside a baseline, as it was when it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub(super) current: Baseline,
    pub(super) waiting: Baseline,
}

impl Proposal {
    /// The baseline once this is accepted.
    #[must_use]
    pub fn accepted(&self) -> Baseline {
        let mut all = self.current.clone();
        for (name, proposed) in &self.waiting.cases {
            let case = match self.current.cases.get(name) {
                Some(known) => known.accepting(proposed.clone()),
                None => proposed.clone(),
            };
            all.cases.insert(name.clone(), case);
        }
        all
    }

    /// What becomes of each case that waits.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let waits = |change: &Change| self.waiting.cases.contains_key(&change.case);
        let mut changes = self.accepted().changes(Some(&self.current));
        changes.retain(waits);
        for change in &mut changes {
            change.older = self.older(&change.case);
        }
        changes
    }

    /// The budgets of a case that were measured before what would make room for them.
    fn older(&self, case: &str) -> Vec<String> {
        let both = (self.current.cases.get(case)).zip(self.waiting.cases.get(case));
        let Some((known, proposed)) = both else {
            return Vec::new();
        };
        let subjects = proposed.budgets.iter();
        subjects
            .filter_map(|(subject, budget)| {
                let known = known.budgets.get(subject)?;
                let [then, now] = [known, budget].map(latest);
                let said = |run: &Run| {
                    let of = run
                        .service_version()
                        .map_or_else(String::new, |one| format!(" ({})", version(one)));
                    run.start().strftime("%Y-%m-%d %H:%M:%SZ").to_string() + &of
                };
                let (then, now) = (then?, now?);
                (now.start() < then.start()).then(|| {
                    format!(
                        "{subject}: the new runs are older than the accepted ones: {} against {}",
                        said(now),
                        said(then)
                    )
                })
            })
            .collect()
    }
}

/// They are in the order of their starts.
fn latest(budget: &Budget) -> Option<&Run> {
    budget.runs.last()
}

impl Case {
    /// This case once what is proposed of it is accepted. Measured alike, the other budgets stay,
    /// and so does a calibration of the same version that the proposal lacks; else nothing does.
    #[must_use]
    pub fn accepting(&self, mut proposed: Self) -> Self {
        let differs = (self.fingerprint).differences(&proposed.fingerprint, Mismatch::Refused);
        if !differs.is_empty() {
            return proposed;
        }
        for (subject, known) in &self.budgets {
            let budget = proposed.budgets.entry(subject.clone());
            let budget = budget.or_insert_with(|| known.clone());
            if known.service_version() == budget.service_version() {
                budget.calibration = budget.calibration.or(known.calibration);
            }
        }
        proposed
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{run_at, with_runs};
    use super::super::{Budget, Samples};
    use super::*;

    const CASE: &str = "placing an order [size=big]";

    fn samples() -> Samples {
        (100..200).collect()
    }

    fn budget(of: &mut Baseline) -> &mut Budget {
        let case = of.cases.get_mut(CASE).unwrap();
        case.budgets.get_mut("inventory-check").unwrap()
    }

    fn accepting(current: &Baseline, waiting: &Baseline) -> Baseline {
        let proposal = Proposal {
            current: current.clone(),
            waiting: waiting.clone(),
        };
        proposal.accepted()
    }

    #[test]
    fn what_is_proposed_is_taken_whatever_its_time_and_the_rest_stays() {
        let mut current = with_runs(vec![run_at(100, samples()), run_at(300, samples())]);
        let another = current.cases[CASE].clone();
        current.cases.insert("another".to_owned(), another);
        let mut waiting = with_runs(vec![run_at(200, samples())]);
        let third = waiting.cases[CASE].clone();
        waiting.cases.insert("third".to_owned(), third);
        let accepted = accepting(&current, &waiting);
        assert_eq!(accepted.cases[CASE], waiting.cases[CASE]);
        assert_eq!(accepted.cases["another"], current.cases["another"]);
        assert_eq!(accepted.cases["third"], waiting.cases["third"]);
    }

    #[test]
    fn budgets_that_are_not_proposed_stay_where_they_were_measured_alike() {
        let mut current = with_runs(vec![run_at(100, samples())]);
        let known = budget(&mut current).clone();
        let case = current.cases.get_mut(CASE).unwrap();
        case.budgets.insert("another".to_owned(), known.clone());
        let mut waiting = with_runs(vec![run_at(200, samples())]);
        let accepted = accepting(&current, &waiting);
        assert_eq!(accepted.cases[CASE].budgets["another"], known);
        let runs = &accepted.cases[CASE].budgets["inventory-check"].runs;
        assert_eq!(runs, &[run_at(200, samples())]);
        waiting.cases.get_mut(CASE).unwrap().fingerprint.cores = 2;
        assert_eq!(accepting(&current, &waiting), waiting);
    }

    #[test]
    fn a_calibration_stays_for_the_same_version_and_machine() {
        let current = with_runs(vec![run_at(100, samples())]);
        let calibration = current.cases[CASE].budgets["inventory-check"].calibration;
        let mut waiting = with_runs(vec![run_at(200, samples())]);
        budget(&mut waiting).calibration = None;
        let mut accepted = accepting(&current, &waiting);
        assert_eq!(budget(&mut accepted).calibration, calibration);

        let mut elsewhere = waiting.clone();
        elsewhere.cases.get_mut(CASE).unwrap().fingerprint.cores = 2;
        let mut accepted = accepting(&current, &elsewhere);
        assert_eq!(budget(&mut accepted).calibration, None);

        let start = jiff::Timestamp::from_second(200).unwrap();
        let run = Run::new(start, Some("2.4.0".to_owned()), samples()).unwrap();
        budget(&mut waiting).runs = vec![run];
        let mut accepted = accepting(&current, &waiting);
        assert_eq!(budget(&mut accepted).calibration, None);
    }

    #[test]
    fn what_was_measured_before_the_accepted_runs_is_called_older() {
        let mut current = with_runs(vec![run_at(100, samples()), run_at(300, samples())]);
        let another = current.cases[CASE].clone();
        current.cases.insert("another".to_owned(), another);
        let waiting = with_runs(vec![run_at(200, samples())]);
        let changes = Proposal { current, waiting }.changes();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(
            changes[0].older,
            [
                "inventory-check: the new runs are older than the accepted ones: 1970-01-01 00:03:20Z (v2.3.0) against 1970-01-01 00:05:00Z (v2.3.0)"
            ]
        );
        assert_eq!(
            changes[0].runs,
            ["inventory-check: 1 run is new, 2 runs go"]
        );
    }
}
