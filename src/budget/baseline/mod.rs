//! Baselines: the measurements of one version of a system, kept in a file beside the spec.
//!
//! The file is text with sorted keys, meant to be committed and reviewed;
//! `docs/baseline.schema.json` describes it. A run writes its values to a second file with the
//! suffix `.new`; [`accept`] moves them into the baseline, [`reject`] deletes them. A file that
//! cannot be read is never overwritten.

mod error;
mod file;
mod fingerprint;
mod format;
mod join;
mod layout;
mod path;
mod quantity;
mod review;

use std::collections::BTreeMap;
use std::fmt;

pub use error::BaselineError;
pub(crate) use file::{Undo, Undone};
pub use file::{accept, lock, propose, read, reject, write};
#[cfg(test)]
pub use fingerprint::Fact;
pub use fingerprint::{FactDifference, Fingerprint, LoadModel, Mismatch, ReceivedBy};
pub(crate) use format::FORMAT;
pub use format::{parse, render};
pub use join::{Joined, NewRuns, Recalibrated, ReplacedRuns};
pub use path::{path_beside, path_of, path_within, pending_path, real_path};
pub use quantity::Quantity;
pub(crate) use review::quantiles;
pub use review::{CaseChange, changes};

use serde::{Deserialize, Serialize};

use super::calibrate::{DisturbedRun, FEWEST_RUNS, spread_of};
use super::contention::comparable;
use super::samples::Samples;
use crate::machine::Disturbance;
use crate::number::Unit;

/// The version of the file format.
pub const SCHEMA_VERSION: u64 = 2;

/// Maximum number of runs per budget; the newest are kept, because machines change.
pub const MOST_RUNS: usize = 20;

/// Maximum number of requests without a measurement in a run. The bounds for more of them take
/// minutes to compute.
pub const MOST_UNKNOWN: u64 = 1_000_000;

/// The content of a baseline file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// By the name of the spec, or of a case of its matrix.
    pub cases: BTreeMap<String, Case>,
}

/// The runs of one spec, or of one case of its matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// By the subject of the budget.
    pub budgets: BTreeMap<String, Budget>,
    /// The environment of all runs.
    pub fingerprint: Fingerprint,
}

/// The runs of one budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The result of `spanspec baseline calibrate`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calibration: Option<Calibrated>,
    /// The measured quantity; absent for durations.
    #[serde(skip_serializing_if = "Quantity::is_time", default)]
    pub measure: Quantity,
    /// Sorted by start.
    #[serde(deserialize_with = "format::sorted_runs")]
    pub runs: Vec<Run>,
}

/// The variation between runs of one version that a calibration found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrated {
    /// Number of runs.
    pub runs: u64,
    /// Standard deviation of the logarithm of p50.
    #[serde(rename = "s_run", deserialize_with = "format::non_negative")]
    pub spread: f64,
}

/// The values of one run, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    start: jiff::Timestamp,
    service_version: Option<String>,
    samples: Samples,
    machine: Option<Disturbance>,
}

/// The variation of p50 between runs, and its origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Variation {
    /// Found by a calibration.
    Calibrated(Calibrated),
    /// Found in the runs of the baseline.
    Observed(Calibrated),
}

impl Run {
    /// Returns `None` if there are no samples, or more than [`MOST_UNKNOWN`] without a measurement.
    #[must_use]
    pub fn new(
        start: jiff::Timestamp,
        service_version: Option<String>,
        samples: Samples,
    ) -> Option<Self> {
        let is_valid = !samples.is_empty() && samples.unknown() <= MOST_UNKNOWN;
        is_valid.then_some(Self {
            start,
            service_version,
            samples,
            machine: None,
        })
    }

    /// This run with the disturbance of the machine, if it was measured.
    #[must_use]
    pub fn on(self, machine: Option<Disturbance>) -> Self {
        Self { machine, ..self }
    }

    fn disturbed(&self) -> DisturbedRun<'_> {
        (&self.samples, self.machine.as_ref().map(Disturbance::cores))
    }

    /// The disturbance of the machine; `None` if it is unknown.
    #[must_use]
    pub fn machine(&self) -> Option<&Disturbance> {
        self.machine.as_ref()
    }

    /// The time at which the first request was sent.
    #[must_use]
    pub fn start(&self) -> jiff::Timestamp {
        self.start
    }

    /// `service.version` of the resource of the spans.
    #[must_use]
    pub fn service_version(&self) -> Option<&str> {
        self.service_version.as_deref()
    }

    /// The values.
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.samples
    }
}

impl Budget {
    /// The values of all runs.
    #[must_use]
    pub fn samples(&self) -> Samples {
        let mut all = Samples::of(self.unit());
        for run in &self.runs {
            all.merge(&run.samples);
        }
        all
    }

    /// No runs of this quantity yet.
    #[must_use]
    pub fn of(measure: Quantity) -> Self {
        Self {
            measure,
            ..Self::default()
        }
    }

    /// The unit of the values of all runs.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.measure.unit()
    }

    /// The larger of the calibrated and the observed variation, on a machine with this number of cores.
    /// Fewer than [`FEWEST_RUNS`] runs are not used: one of two may be a cold start.
    #[must_use]
    pub fn variation(&self, cores: u32) -> Option<Variation> {
        let observed = (self.runs.len() >= FEWEST_RUNS).then(|| {
            Variation::Observed(Calibrated {
                runs: self.runs.len() as u64,
                spread: spread_of(self.runs.iter().map(Run::disturbed), cores),
            })
        });
        let calibrated = self.calibration.map(Variation::Calibrated);
        let all = [observed, calibrated].into_iter().flatten();
        all.max_by(|one, other| one.spread().total_cmp(&other.spread()))
    }

    /// The spread of [`Self::variation`]; 0 if it is unknown.
    #[must_use]
    pub fn spread(&self, cores: u32) -> f64 {
        self.variation(cores).map_or(0.0, Variation::spread)
    }

    /// This budget with the runs that can be compared with one in which others used these cores. Other
    /// processes do not change a count, so all runs with one can be compared.
    #[must_use]
    pub fn comparable_to(&self, used: Option<f64>, cores: u32) -> Self {
        let used = used.filter(|_| self.unit() == Unit::Micros);
        let runs = comparable(&self.runs, |run| run.disturbed().1, used, cores);
        Self {
            runs: runs.into_iter().cloned().collect(),
            ..self.clone()
        }
    }

    /// Cores that others used on average; `None` if it is unknown.
    #[must_use]
    pub fn disturbed_by(&self) -> Option<f64> {
        let known = self.runs.iter().filter_map(Run::machine);
        let known: Vec<f64> = known.map(Disturbance::cores).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }

    /// `service.version` of the latest run that has one.
    #[must_use]
    pub fn service_version(&self) -> Option<&str> {
        self.runs.iter().rev().find_map(Run::service_version)
    }

    /// Inserts a run by its start, unless it is present. The oldest runs beyond [`MOST_RUNS`] are
    /// dropped.
    pub fn add(&mut self, run: Run) {
        if !self.runs.contains(&run) {
            let at = self.runs.partition_point(|other| other.start <= run.start);
            self.runs.insert(at, run);
            let surplus = self.runs.len().saturating_sub(MOST_RUNS);
            self.runs.drain(..surplus);
        }
    }
}

impl Variation {
    /// Standard deviation of the logarithm of p50.
    #[must_use]
    pub fn spread(self) -> f64 {
        let (Self::Calibrated(runs) | Self::Observed(runs)) = self;
        runs.spread
    }
}

/// `p50 varies by 13.1 % between the 6 runs of the baseline`
impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runs, origin) = match self {
            Self::Calibrated(runs) => (runs, "calibration"),
            Self::Observed(runs) => (runs, "baseline"),
        };
        let percent = 100.0 * runs.spread;
        let runs = runs.runs;
        write!(
            f,
            "p50 varies by {percent:.1} % between the {runs} runs of the {origin}"
        )
    }
}

#[cfg(test)]
pub(crate) mod tests;
