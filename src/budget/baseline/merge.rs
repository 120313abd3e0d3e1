//! Puts runs of two baselines together; each run stays a run.

use std::collections::btree_map::Entry;

use super::{Baseline, Case, Difference, Mismatch};

/// Runs that were measured in different ways do not make one baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the runs of `{case}` were not measured alike: {}", list(.differs))]
pub struct MergeError {
    /// The case.
    pub case: String,
    /// What is not as it was.
    pub differs: Vec<Difference>,
}

fn list(differs: &[Difference]) -> String {
    let facts: Vec<String> = differs.iter().map(ToString::to_string).collect();
    facts.join("; ")
}

impl Baseline {
    /// Adds the runs of another one. Where both know a case, this one's fingerprint stays.
    ///
    /// # Errors
    /// A case was measured somewhere else or in another way; then nothing is added.
    pub fn merge(&mut self, other: Self, mismatch: Mismatch) -> Result<(), MergeError> {
        for (name, case) in &other.cases {
            let differs = self.cases.get(name).map_or_else(Vec::new, |known| {
                known.fingerprint.differences(&case.fingerprint, mismatch)
            });
            if !differs.is_empty() {
                return Err(MergeError {
                    case: name.clone(),
                    differs,
                });
            }
        }
        for (name, case) in other.cases {
            match self.cases.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(case);
                }
                Entry::Occupied(known) => known.into_mut().add(case),
            }
        }
        Ok(())
    }
}

impl Case {
    /// Adds the runs of each budget. Of two calibrations that of more runs stays.
    fn add(&mut self, other: Self) {
        for (name, budget) in other.budgets {
            let known = self.budgets.entry(name).or_default();
            for run in budget.runs {
                known.add(run);
            }
            let both = [known.calibration, budget.calibration];
            known.calibration = both.into_iter().flatten().max_by_key(|one| one.runs);
        }
    }
}
