//! What a calibration makes of a baseline.

use std::collections::BTreeMap;

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

/// Runs that say nothing of this machine, spec or version.
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
    /// spec are replaced by them.
    ///
    /// # Errors
    /// There are too few runs that measured something.
    pub fn recalibrated(
        known: Option<&Self>,
        fingerprint: Fingerprint,
        runs: BTreeMap<String, Vec<Run>>,
    ) -> Result<Recalibrated, TooFewRuns> {
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
            let samples: Vec<_> = runs.iter().map(Run::samples).collect();
            let found = calibrate(&samples)?;
            let before = old.remove(&subject).unwrap_or_default();
            let differs = differing(&facts, &before, &runs);
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
fn differing(facts: &[String], before: &Budget, now: &[Run]) -> Vec<String> {
    if before.runs.is_empty() {
        return Vec::new();
    }
    let here = now.iter().rev().find_map(Run::service_version);
    let mut differs = facts.to_vec();
    differs.extend(before.another_version(here));
    differs
}

#[cfg(test)]
mod tests {
    use super::super::Load;
    use super::*;

    fn fingerprint(cpu: &str) -> Fingerprint {
        Fingerprint {
            cores: 4,
            cpu: cpu.to_owned(),
            load: Load::Concurrency(4),
            machine: None,
            memory_mib: 16_000,
            os: "Linux 6.8".to_owned(),
            probe: 41_000,
            spanspec: "0.1.0".to_owned(),
            spec_hash: "9f3c".to_owned(),
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
        assert_eq!(error.found, 4);
    }
}
