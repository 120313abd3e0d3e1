//! What a calibration makes of a baseline.

use std::collections::{BTreeMap, BTreeSet};

use super::super::calibrate::{Calibration, TooFewRuns, calibrate};
use super::{Budget, Calibrated, Case, Fingerprint, Mismatch, Run};

/// A case after a calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalibrated {
    /// What is to be kept of it.
    pub case: Case,
    /// What was found out, by what was measured.
    pub found: BTreeMap<String, Calibration>,
    /// The runs that were given up.
    pub replaced: Vec<Replaced>,
}

/// Why runs make no calibration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// There are too few that measured something.
    #[error(transparent)]
    TooFew(#[from] TooFewRuns),
    /// They are not of the same version.
    #[error(
        "a calibration needs runs of the same version, and those of {subject} have service.version {}; calibrate again once it does not change any more",
        .versions.join(", ")
    )]
    Versions {
        /// What they measured.
        subject: String,
        /// All of them.
        versions: Vec<String>,
    },
}

/// Runs that say nothing of this machine, spec or version, or that are not as those made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// What they measured.
    pub subject: String,
    /// How many there were.
    pub runs: usize,
    /// What is not as it was then: `service.version was 2.3.0, is 2.4.0`.
    pub differs: Vec<String>,
}

impl Case {
    /// Adds the runs of a calibration, by what they measured. Runs of another version, machine or
    /// spec are replaced by them, and so are those that were clearly faster or slower.
    ///
    /// # Errors
    /// There are too few runs that measured something, or they are not of the same version.
    pub fn recalibrated(
        known: Option<&Self>,
        fingerprint: Fingerprint,
        runs: BTreeMap<String, Vec<Run>>,
    ) -> Result<Recalibrated, CalibrationError> {
        let facts: Vec<String> = known.map_or_else(Vec::new, |known| {
            let differs = known
                .fingerprint
                .differences(&fingerprint, Mismatch::Refused);
            differs.iter().map(ToString::to_string).collect()
        });
        let kept = known.filter(|_| facts.is_empty());
        let mut all = Recalibrated {
            case: kept.cloned().unwrap_or(Self {
                fingerprint,
                budgets: BTreeMap::new(),
            }),
            found: BTreeMap::new(),
            replaced: Vec::new(),
        };
        let mut old = known.map_or_else(BTreeMap::new, |known| known.budgets.clone());
        for (subject, runs) in runs {
            of_one_version(&subject, &runs)?;
            let samples: Vec<_> = runs.iter().map(Run::samples).collect();
            let found = calibrate(&samples)?;
            let before = old.remove(&subject).unwrap_or_default();
            let differs = differing(&facts, &before, &runs, found.spread);
            let mut budget = Budget::default();
            if differs.is_empty() {
                budget.runs = before.runs;
            } else {
                all.replaced.push(Replaced {
                    subject: subject.clone(),
                    runs: before.runs.len(),
                    differs,
                });
            }
            budget.calibration = Some(Calibrated {
                runs: found.runs as u64,
                spread: found.spread,
            });
            runs.into_iter().for_each(|run| budget.add(run));
            all.case.budgets.insert(subject.clone(), budget);
            all.found.insert(subject, found);
        }
        if kept.is_none() {
            all.replaced
                .extend(old.into_iter().map(|(subject, budget)| Replaced {
                    subject,
                    runs: budget.runs.len(),
                    differs: facts.clone(),
                }));
        }
        Ok(all)
    }
}

/// Why the runs of a budget that is known are none of those that were made now.
fn differing(facts: &[String], before: &Budget, now: &[Run], spread: f64) -> Vec<String> {
    if before.runs.is_empty() {
        return Vec::new();
    }
    let here = now.iter().rev().find_map(Run::service_version);
    let mut differs = facts.to_vec();
    differs.extend(before.another_version(here));
    if differs.is_empty() {
        let contradiction = before.contradicted_by(now, spread);
        differs.extend(contradiction.map(|one| one.to_string()));
    }
    differs
}

/// Those that do not tell their version may be of any.
fn of_one_version(subject: &str, runs: &[Run]) -> Result<(), CalibrationError> {
    let versions: BTreeSet<&str> = runs.iter().filter_map(Run::service_version).collect();
    if versions.len() > 1 {
        return Err(CalibrationError::Versions {
            subject: subject.to_owned(),
            versions: versions.into_iter().map(str::to_owned).collect(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests;
    use super::*;

    fn fingerprint(cpu: &str) -> Fingerprint {
        Fingerprint {
            cpu: cpu.to_owned(),
            ..tests::fingerprint()
        }
    }

    fn runs(count: i64, version: &str) -> BTreeMap<String, Vec<Run>> {
        let run = |at: i64| {
            let start = jiff::Timestamp::from_second(at).unwrap();
            let median = 100_000 + u64::try_from(at).unwrap() % 3;
            Run::new(
                start,
                Some(version.to_owned()),
                (median..median + 100).collect(),
            )
            .unwrap()
        };
        let first = count * 1_000;
        [("ship".to_owned(), (first..first + count).map(run).collect())].into()
    }

    fn known() -> Case {
        let here = fingerprint("AMD EPYC 7763");
        Case::recalibrated(None, here, runs(5, "2.3.0"))
            .unwrap()
            .case
    }

    #[test]
    fn a_first_calibration_makes_a_case() {
        let case = known();
        let ship = &case.budgets["ship"];
        assert_eq!(ship.runs.len(), 5);
        assert_eq!(ship.calibration.map(|one| one.runs), Some(5));
    }

    #[test]
    fn runs_of_the_same_version_and_machine_stay() {
        let case = known();
        let here = fingerprint("AMD EPYC 7763");
        let found = Case::recalibrated(Some(&case), here, runs(6, "2.3.0")).unwrap();
        assert_eq!(found.replaced, []);
        assert_eq!(found.case.budgets["ship"].runs.len(), 11);
        assert_eq!(found.found["ship"].runs, 6);
    }

    #[test]
    fn runs_of_another_version_are_replaced_and_it_is_said_why() {
        let case = known();
        let here = fingerprint("AMD EPYC 7763");
        let found = Case::recalibrated(Some(&case), here, runs(6, "2.4.0")).unwrap();
        assert_eq!(found.case.budgets["ship"].runs.len(), 6);
        assert_eq!(found.replaced[0].runs, 5);
        assert_eq!(
            found.replaced[0].differs,
            ["service.version was 2.3.0, is 2.4.0"]
        );
    }

    #[test]
    fn all_that_another_machine_measured_is_replaced() {
        let mut case = known();
        case.budgets
            .insert("pay".to_owned(), case.budgets["ship"].clone());
        let here = fingerprint("Intel Xeon");
        let found = Case::recalibrated(Some(&case), here.clone(), runs(6, "2.3.0")).unwrap();
        assert_eq!(found.case.fingerprint, here);
        assert_eq!(found.case.budgets.keys().collect::<Vec<_>>(), ["ship"]);
        let subjects: Vec<_> = found
            .replaced
            .iter()
            .map(|one| one.subject.as_str())
            .collect();
        assert_eq!(subjects, ["ship", "pay"]);
        assert_eq!(
            found.replaced[1].differs,
            ["CPU was AMD EPYC 7763, is Intel Xeon"]
        );
    }

    #[test]
    fn four_runs_are_too_few() {
        let here = fingerprint("AMD EPYC 7763");
        let error = Case::recalibrated(None, here, runs(4, "2.3.0")).unwrap_err();
        assert_eq!(error, CalibrationError::TooFew(TooFewRuns { found: 4 }));
    }

    /// As [`runs`], so many times as long.
    fn scaled(factor: u64) -> BTreeMap<String, Vec<Run>> {
        let scale = |run: &Run| {
            let samples = (100_000..100_100).map(|micros| micros * factor / 10);
            let start = run.start();
            Run::new(start, Some("2.3.0".to_owned()), samples.collect()).unwrap()
        };
        let mut all = runs(6, "2.3.0");
        for runs in all.values_mut() {
            *runs = runs.iter().map(scale).collect();
        }
        all
    }

    #[test]
    fn runs_that_are_clearly_slower_or_faster_now_replace_the_others() {
        let case = known();
        for (factor, is) in [(20, "200 ms"), (5, "50 ms")] {
            let here = fingerprint("AMD EPYC 7763");
            let found = Case::recalibrated(Some(&case), here, scaled(factor)).unwrap();
            assert_eq!(
                found.replaced[0].differs,
                [format!("p50 was 100 ms, is {is}")]
            );
            let ship = &found.case.budgets["ship"];
            assert_eq!(ship.runs.len(), 6);
            assert!(ship.spread() < 0.01, "{}", ship.spread());
        }
        let here = fingerprint("AMD EPYC 7763");
        let found = Case::recalibrated(Some(&case), here, scaled(11)).unwrap();
        assert_eq!(found.case.budgets["ship"].runs.len(), 11);
    }

    #[test]
    fn runs_of_two_versions_make_no_calibration() {
        let mut mixed = runs(6, "2.3.0");
        let another = runs(1, "2.4.0").remove("ship").unwrap();
        mixed.get_mut("ship").unwrap().extend(another);
        let here = fingerprint("AMD EPYC 7763");
        let error = Case::recalibrated(None, here, mixed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a calibration needs runs of the same version, and those of ship have service.version 2.3.0, 2.4.0; calibrate again once it does not change any more"
        );
    }

    #[test]
    fn the_newest_twenty_runs_stay() {
        let here = fingerprint("AMD EPYC 7763");
        let mut case = known();
        for count in [7, 8, 9] {
            let found = Case::recalibrated(Some(&case), here.clone(), runs(count, "2.3.0"));
            case = found.unwrap().case;
        }
        assert_eq!(case.budgets["ship"].runs.len(), 20);
    }
}
