//! What becomes of a baseline when a new one is accepted. In the meantime others may have written
//! the old one: that is not undone.

use super::{Baseline, Case, Mismatch, Run};

impl Baseline {
    /// Of what waits to be accepted the cases that are newer than those of this baseline: the
    /// others were accepted or recorded elsewhere in the meantime.
    #[must_use]
    pub fn newer(&self, waiting: Self) -> Self {
        let is_newer = |name: &String, case: &Case| {
            let known = self.cases.get(name);
            known.is_none_or(|known| case.latest() > known.latest())
        };
        let cases = waiting.cases.into_iter();
        Self {
            cases: cases.filter(|(name, case)| is_newer(name, case)).collect(),
        }
    }

    /// This baseline once what waits is accepted: its newer cases take the place of those here. A
    /// calibration that they lack stays where it is of the same version, measured alike.
    #[must_use]
    pub fn accepting(&self, waiting: Self) -> Self {
        let mut all = self.clone();
        for (name, mut case) in self.newer(waiting).cases {
            if let Some(known) = self.cases.get(&name) {
                case.keep_calibrations(known);
            }
            all.cases.insert(name, case);
        }
        all
    }
}

impl Case {
    /// When the last of its runs began.
    fn latest(&self) -> Option<jiff::Timestamp> {
        let runs = self.budgets.values().flat_map(|budget| &budget.runs);
        runs.map(Run::start).max()
    }

    fn keep_calibrations(&mut self, known: &Self) {
        let differs = (known.fingerprint).differences(&self.fingerprint, Mismatch::Refused);
        if !differs.is_empty() {
            return;
        }
        for (subject, budget) in &mut self.budgets {
            let before = known.budgets.get(subject);
            let before = before.filter(|one| one.service_version() == budget.service_version());
            budget.calibration = budget
                .calibration
                .or_else(|| before.and_then(|one| one.calibration));
        }
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

    #[test]
    fn what_was_recorded_after_the_new_one_stays() {
        let mut current = with_runs(vec![run_at(100, samples()), run_at(300, samples())]);
        let another = current.cases[CASE].clone();
        current.cases.insert("another".to_owned(), another);
        let mut waiting = with_runs(vec![run_at(200, samples())]);
        let third = waiting.cases[CASE].clone();
        waiting.cases.insert("third".to_owned(), third);
        let accepted = current.accepting(waiting.clone());
        assert_eq!(accepted.cases[CASE], current.cases[CASE]);
        assert_eq!(accepted.cases["another"], current.cases["another"]);
        assert_eq!(accepted.cases["third"], waiting.cases["third"]);
    }

    #[test]
    fn a_calibration_stays_for_the_same_version_and_machine() {
        let current = with_runs(vec![run_at(100, samples())]);
        let calibration = current.cases[CASE].budgets["inventory-check"].calibration;
        let mut waiting = with_runs(vec![run_at(200, samples())]);
        budget(&mut waiting).calibration = None;
        let mut accepted = current.accepting(waiting.clone());
        assert_eq!(budget(&mut accepted).calibration, calibration);

        let mut elsewhere = waiting.clone();
        elsewhere.cases.get_mut(CASE).unwrap().fingerprint.cores = 2;
        let mut accepted = current.accepting(elsewhere);
        assert_eq!(budget(&mut accepted).calibration, None);

        let start = jiff::Timestamp::from_second(200).unwrap();
        let run = Run::new(start, Some("2.4.0".to_owned()), samples()).unwrap();
        budget(&mut waiting).runs = vec![run];
        let mut accepted = current.accepting(waiting);
        assert_eq!(budget(&mut accepted).calibration, None);
    }
}
