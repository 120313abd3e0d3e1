//! Adds runs to a case, or replaces runs that they cannot be combined with.

use std::collections::{BTreeMap, BTreeSet};

use super::super::calibrate::{Calibration, FEWEST_RUNS, TooFewRuns, calibrate, spread_of};
use super::super::samples::Samples;
use super::super::{Against, Alpha, Claim, ClaimVerdict, Contention, Quantile, Reference, judge};
use super::{Baseline, Budget, Calibrated, Case, Fingerprint, Mismatch, Run};
use crate::number::{Rounding, Unit};

/// Runs to be added to a case.
#[derive(Clone, Debug)]
pub struct NewRuns {
    /// The environment in which they were measured.
    pub fingerprint: Fingerprint,
    /// By the subject of the budget.
    pub runs: BTreeMap<String, Budget>,
    /// Subjects with a quantile that REGRESSED. Their new runs replace the others.
    pub regressed: BTreeSet<String>,
}

/// A case with new runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// The case.
    pub case: Case,
    /// Earlier runs that are no longer part of it.
    pub replaced: Vec<ReplacedRuns>,
}

/// Runs that were replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacedRuns {
    /// The subject of the budget.
    pub subject: String,
    /// The number of runs.
    pub runs: usize,
    /// The difference from the new runs: `service.version was 2.3.0, is 2.4.0`.
    pub reason: String,
}

/// A case after a calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalibrated {
    /// The case with the new runs.
    pub joined: Joined,
    /// By the subject of the budget.
    pub found: BTreeMap<String, Calibration>,
}

/// The reason why runs cannot be used for a calibration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// Too few runs have samples.
    #[error(transparent)]
    TooFew(#[from] TooFewRuns),
    /// The runs have different versions.
    #[error(
        "a calibration needs runs of one version, and those of {subject} have service.version {}; calibrate again when the version no longer changes",
        .versions.join(", ")
    )]
    Versions {
        /// The subject of the budget.
        subject: String,
        /// All versions.
        versions: Vec<String>,
    },
}

impl Case {
    /// Adds runs to a case. Earlier runs are replaced if they come from another environment or
    /// version, or if their median provably differs: the union would describe neither version, and
    /// would hide the next regression.
    #[must_use]
    pub fn join(known: Option<&Self>, new: NewRuns) -> Joined {
        let elsewhere = known.and_then(|known| known.differences(&new.fingerprint));
        let mut replaced = Vec::new();
        let mut case = match (known, elsewhere) {
            (Some(known), None) => known.clone(),
            (known, reason) => {
                let budgets = known.map(|known| &known.budgets).into_iter().flatten();
                replaced.extend(budgets.map(|(subject, budget)| ReplacedRuns {
                    subject: subject.clone(),
                    runs: budget.runs.len(),
                    reason: reason.clone().unwrap_or_default(),
                }));
                Self {
                    budgets: BTreeMap::new(),
                    fingerprint: new.fingerprint,
                }
            }
        };
        for (subject, new_budget) in new.runs {
            let Budget { measure, runs, .. } = new_budget;
            let is_regressed = new.regressed.contains(&subject);
            let entry = case.budgets.entry(subject.clone());
            let budget = entry.or_insert_with(|| Budget::of(measure.clone()));
            let cores = case.fingerprint.cores;
            let other = (budget.measure != measure)
                .then(|| format!("it measured {}, and this is {measure}", budget.measure));
            if other.is_some() {
                *budget = Budget {
                    runs: std::mem::take(&mut budget.runs),
                    ..Budget::of(measure)
                };
            }
            let reason = other.or_else(|| budget.conflict(&runs, is_regressed, cores));
            if let Some(reason) = reason {
                replaced.push(ReplacedRuns {
                    subject,
                    runs: budget.runs.len(),
                    reason,
                });
                budget.runs.clear();
            }
            runs.into_iter().for_each(|run| budget.add(run));
        }
        Joined { case, replaced }
    }

    /// Adds the runs of a calibration, and their spread.
    ///
    /// # Errors
    /// Too few runs have samples, or they have different versions.
    pub fn recalibrate(
        known: Option<&Self>,
        new: NewRuns,
    ) -> Result<Recalibrated, CalibrationError> {
        let mut found = BTreeMap::new();
        for (subject, Budget { runs, .. }) in &new.runs {
            expect_one_version(subject, runs)?;
            let disturbed: Vec<_> = runs.iter().map(Run::disturbed).collect();
            let mut calibration = calibrate(&disturbed, new.fingerprint.cores)?;
            if let Some(outlier) = &mut calibration.outlier {
                let run = runs.get(outlier.run - 1).and_then(Run::machine);
                let during = run.map(ToString::to_string);
                outlier.during = during.filter(|text| !text.is_empty());
            }
            found.insert(subject.clone(), calibration);
        }
        let mut joined = Self::join(known, new);
        for (subject, budget) in &mut joined.case.budgets {
            if let Some(found) = found.get(subject) {
                budget.calibration = Some(Calibrated {
                    runs: found.runs as u64,
                    spread: found.spread,
                });
            }
        }
        Ok(Recalibrated { joined, found })
    }

    /// The differences between this environment and another one, in one line.
    fn differences(&self, here: &Fingerprint) -> Option<String> {
        let differs = self.fingerprint.differences(here, Mismatch::Refused);
        let facts: Vec<String> = differs.iter().map(ToString::to_string).collect();
        (!facts.is_empty()).then(|| facts.join("; "))
    }

    /// This case with a proposal: proposed budgets replace the present ones. In the same
    /// environment the other budgets stay, and so does the calibration of the same version.
    fn accepting(&self, proposed: &Self) -> Self {
        let mut case = proposed.clone();
        if self.differences(&proposed.fingerprint).is_some() {
            return case;
        }
        for (subject, known) in &self.budgets {
            let budget = case.budgets.entry(subject.clone());
            let budget = budget.or_insert_with(|| known.clone());
            let is_same = known.measure == budget.measure;
            if is_same && known.service_version() == budget.service_version() {
                budget.calibration = budget.calibration.or(known.calibration);
            }
        }
        case
    }
}

impl Baseline {
    /// This baseline after a proposal is accepted.
    pub(super) fn accepting(&self, proposal: &Self) -> Self {
        let mut all = self.clone();
        for (name, proposed) in &proposal.cases {
            let known = self.cases.get(name);
            let case = known.map_or_else(|| proposed.clone(), |known| known.accepting(proposed));
            all.cases.insert(name.clone(), case);
        }
        all
    }
}

impl Budget {
    /// The reason why these runs cannot be combined with the present ones.
    fn conflict(&self, new: &[Run], is_regressed: bool, cores: u32) -> Option<String> {
        if self.runs.is_empty() {
            return None;
        }
        let [then, now] = [
            self.service_version(),
            new.iter().rev().find_map(Run::service_version),
        ];
        if then != now {
            let [then, now] = [then, now].map(|version| version.unwrap_or("unknown"));
            return Some(format!("service.version was {then}, is {now}"));
        }
        if let Some(medians) = self.changed_median(new, cores) {
            let [then, now] = medians.map(|of| self.unit().rounded(of, Rounding::Nearest));
            return Some(format!("p50 was {then}, is {now}"));
        }
        is_regressed.then(|| "the new run REGRESSED".to_owned())
    }

    /// The medians of the present and of new runs, if they provably differ.
    fn changed_median(&self, new: &[Run], cores: u32) -> Option<[f64; 2]> {
        let (before, mut after) = (self.samples(), Samples::of(self.unit()));
        new.iter().for_each(|run| after.merge(run.samples()));
        let spread = match new.len() >= FEWEST_RUNS {
            true => spread_of(new.iter().map(Run::disturbed), cores).max(self.spread(cores)),
            false => self.spread(cores),
        };
        let used = Self {
            runs: new.to_vec(),
            ..Self::of(self.measure.clone())
        };
        // Other processes do not change a count.
        let both = self.disturbed_by().zip(used.disturbed_by());
        let both = both.filter(|_| self.unit() == Unit::Micros);
        let contention = both.map(|(before, now)| Contention { before, now, cores });
        let reverse = both.map(|(now, before)| Contention { before, now, cores });
        let slower = |candidate, samples, contention| Claim {
            subject: String::new(),
            quantile: Quantile::P50,
            candidate,
            late: None,
            against: Against::Baseline(Reference {
                spread,
                contention,
                ..Reference::new(samples)
            }),
        };
        let claims = [
            slower(&after, &before, contention),
            slower(&before, &after, reverse),
        ];
        let judged = judge(&claims, Alpha::FIVE_PERCENT);
        let is_changed = judged
            .iter()
            .any(|one| one.verdict == ClaimVerdict::Regressed);
        let medians = [
            before.quantile(Quantile::P50)?,
            after.quantile(Quantile::P50)?,
        ];
        is_changed.then_some(medians)
    }
}

/// Runs without a version are accepted.
fn expect_one_version(subject: &str, runs: &[Run]) -> Result<(), CalibrationError> {
    let versions: BTreeSet<&str> = runs.iter().filter_map(Run::service_version).collect();
    if versions.len() <= 1 {
        return Ok(());
    }
    Err(CalibrationError::Versions {
        subject: subject.to_owned(),
        versions: versions.into_iter().map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CASE, fingerprint, with_runs};
    use super::*;

    /// Runs of one version whose p50 is about this long.
    fn runs(count: i64, version: &str, micros: u64) -> NewRuns {
        let run = |at: i64| {
            let start = jiff::Timestamp::from_second(count * 1_000 + at).unwrap();
            let first = micros + u64::try_from(at).unwrap() % 3;
            let samples = (first..first + 100).collect();
            Run::new(start, Some(version.to_owned()), samples).unwrap()
        };
        let budget = Budget {
            runs: (0..count).map(run).collect(),
            ..Budget::default()
        };
        NewRuns {
            fingerprint: fingerprint(),
            runs: BTreeMap::from([("ship".to_owned(), budget)]),
            regressed: BTreeSet::new(),
        }
    }

    fn known() -> Case {
        let calibrated = Case::recalibrate(None, runs(5, "2.3.0", 100_000)).unwrap();
        calibrated.joined.case
    }

    fn ship(joined: &Joined) -> (usize, Vec<&str>) {
        let reasons = joined.replaced.iter().map(|one| one.reason.as_str());
        (joined.case.budgets["ship"].runs.len(), reasons.collect())
    }

    #[test]
    fn runs_of_one_version_and_environment_are_joined() {
        let found = Case::recalibrate(Some(&known()), runs(6, "2.3.0", 100_000)).unwrap();
        assert_eq!(ship(&found.joined), (11, vec![]));
        assert_eq!(found.found["ship"].runs, 6);
        let calibration = found.joined.case.budgets["ship"].calibration;
        assert_eq!(calibration.map(|one| one.runs), Some(6));
        let joined = Case::join(Some(&found.joined.case), runs(1, "2.3.0", 110_000));
        assert_eq!(ship(&joined), (12, vec![]));
    }

    #[test]
    fn runs_of_another_version_replace_the_others() {
        let joined = Case::join(Some(&known()), runs(6, "2.4.0", 100_000));
        assert_eq!(
            ship(&joined),
            (6, vec!["service.version was 2.3.0, is 2.4.0"])
        );
        assert_eq!(joined.replaced[0].runs, 5);
    }

    #[test]
    fn runs_with_another_median_replace_the_others() {
        for (micros, reason) in [
            (200_000, "p50 was 100 ms, is 200 ms"),
            (50_000, "p50 was 100 ms, is 50 ms"),
        ] {
            let joined = Case::join(Some(&known()), runs(1, "2.3.0", micros));
            assert_eq!(ship(&joined), (1, vec![reason]));
        }
    }

    #[test]
    fn a_regression_of_another_quantile_replaces_the_runs() {
        let mut new = runs(1, "2.3.0", 100_000);
        new.regressed.insert("ship".to_owned());
        let joined = Case::join(Some(&known()), new);
        assert_eq!(ship(&joined), (1, vec!["the new run REGRESSED"]));
    }

    #[test]
    fn runs_of_another_environment_replace_all_budgets() {
        let mut case = known();
        case.budgets
            .insert("pay".to_owned(), case.budgets["ship"].clone());
        let mut new = runs(6, "2.3.0", 100_000);
        new.fingerprint.cpu = "Intel Xeon".to_owned();
        let joined = Case::join(Some(&case), new);
        let reason = "CPU was AMD EPYC 7763, is Intel Xeon";
        assert_eq!(ship(&joined), (6, vec![reason, reason]));
        assert_eq!(joined.case.budgets.len(), 1);
        assert_eq!(joined.case.fingerprint.cpu, "Intel Xeon");
    }

    #[test]
    fn a_calibration_needs_five_runs_of_one_version() {
        let error = Case::recalibrate(None, runs(4, "2.3.0", 100_000)).unwrap_err();
        assert_eq!(error, CalibrationError::TooFew(TooFewRuns { found: 4 }));
        let mut mixed = runs(6, "2.3.0", 100_000);
        let other = runs(1, "2.4.0", 100_000).runs.remove("ship").unwrap();
        mixed.runs.get_mut("ship").unwrap().runs.extend(other.runs);
        assert_eq!(
            Case::recalibrate(None, mixed).unwrap_err().to_string(),
            "a calibration needs runs of one version, and those of ship have service.version 2.3.0, 2.4.0; calibrate again when the version no longer changes"
        );
    }

    #[test]
    fn the_newest_twenty_runs_are_kept() {
        let mut case = known();
        for count in [7, 8, 9] {
            case = Case::join(Some(&case), runs(count, "2.3.0", 100_000)).case;
        }
        assert_eq!(case.budgets["ship"].runs.len(), 20);
    }

    fn budget(of: &mut Baseline) -> &mut Budget {
        let case = of.cases.get_mut(CASE).unwrap();
        case.budgets.get_mut("inventory-check").unwrap()
    }

    fn of_one_run(at: i64, version: &str) -> Baseline {
        let start = jiff::Timestamp::from_second(at).unwrap();
        let samples = (100..200).collect();
        with_runs(vec![
            Run::new(start, Some(version.to_owned()), samples).unwrap(),
        ])
    }

    #[test]
    fn accepting_replaces_proposed_budgets_and_keeps_the_others() {
        let mut current = of_one_run(300, "2.3.0");
        let known = budget(&mut current).clone();
        let case = current.cases.get_mut(CASE).unwrap();
        case.budgets.insert("another".to_owned(), known.clone());
        let other = case.clone();
        current.cases.insert("other".to_owned(), other.clone());
        let mut proposal = of_one_run(200, "2.3.0");
        let mut accepted = current.accepting(&proposal);
        assert_eq!(
            budget(&mut accepted).runs,
            budget(&mut proposal.clone()).runs
        );
        assert_eq!(accepted.cases[CASE].budgets["another"], known);
        assert_eq!(accepted.cases["other"], other);
        proposal.cases.get_mut(CASE).unwrap().fingerprint.cores = 2;
        let accepted = current.accepting(&proposal);
        assert_eq!(accepted.cases[CASE], proposal.cases[CASE]);
    }

    #[test]
    fn accepting_keeps_a_calibration_of_the_same_version_and_environment() {
        let mut current = of_one_run(100, "2.3.0");
        let calibration = budget(&mut current).calibration;
        let accepted = |version: &str, cores: u32| {
            let mut proposal = of_one_run(200, version);
            budget(&mut proposal).calibration = None;
            proposal.cases.get_mut(CASE).unwrap().fingerprint.cores = cores;
            budget(&mut current.accepting(&proposal)).calibration
        };
        assert_eq!(accepted("2.3.0", 4), calibration);
        assert_eq!(accepted("2.4.0", 4), None);
        assert_eq!(accepted("2.3.0", 2), None);
    }
}
