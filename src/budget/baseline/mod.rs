//! Baselines: what a version of the system took, kept in a file beside the spec.
//!
//! The file is text with sorted keys, made to be committed and reviewed; `docs/baseline.schema.json`
//! describes it. A run writes what it measured into a file of the same name with `.new` behind it,
//! and who has looked at it moves that into place. What cannot be read is never overwritten.

mod accepting;
mod calibrating;
mod change;
mod contradiction;
mod error;
mod fingerprint;
mod layout;
mod lock;
mod raised;
mod shown;
mod store;
mod undo;
mod waiting;
mod wire;

use std::collections::BTreeMap;

pub use accepting::Proposal;
pub use calibrating::Recalibrated;
pub use change::Change;
pub use contradiction::{Contradiction, Trend};
pub use error::BaselineError;
#[cfg(test)]
pub use fingerprint::Fact;
pub use fingerprint::{Difference, Fingerprint, Load, Mismatch, ReceivedBy};
pub(crate) use lock::hand_over;
pub use lock::{Lock, PATIENCE, lock};
pub use raised::{Raised, Spread};
pub(crate) use shown::quantiles;
pub use store::{
    accept, path_beside, path_of, pending_in, pending_path, proposal, read, record, reject, write,
};
pub(crate) use undo::{Undo, Undone};
pub use wire::{parse, render};

use super::calibrate::{FEWEST_RUNS, spread};
use super::samples::Samples;

/// The version of the file's format.
pub const SCHEMA_VERSION: u64 = 1;

/// The runs of a budget that are kept, the newest: a machine changes, and so does what it shows.
pub const MOST_RUNS: usize = 20;

/// A run with more requests that could not be measured is no baseline, and a file with such a run is
/// damaged: bounds for so many take minutes.
pub const MOST_UNKNOWN: u64 = 1_000_000;

/// All that is known of the specs of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// By the name of the spec, or of the case of a matrix.
    pub cases: BTreeMap<String, Case>,
}

/// What is known of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Where and how it was measured.
    pub fingerprint: Fingerprint,
    /// By what was measured.
    pub budgets: BTreeMap<String, Budget>,
}

/// What is known of one budget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    /// How much the machine changes from run to run, if that was measured.
    pub calibration: Option<Calibrated>,
    /// The runs in the order in which they began.
    pub runs: Vec<Run>,
}

/// How much runs of one version differ; what a calibration leaves in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibrated {
    /// Of how many runs.
    pub runs: u64,
    /// The standard deviation of the logarithm of p50.
    pub spread: f64,
}

/// The durations of one run; it has at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    start: jiff::Timestamp,
    service_version: Option<String>,
    samples: Samples,
}

impl Run {
    /// None without samples, or where more than [`MOST_UNKNOWN`] could not be measured.
    #[must_use]
    pub fn new(
        start: jiff::Timestamp,
        service_version: Option<String>,
        samples: Samples,
    ) -> Option<Self> {
        let is_known = !samples.is_empty() && samples.unknown() <= MOST_UNKNOWN;
        is_known.then_some(Self {
            start,
            service_version,
            samples,
        })
    }

    /// When it began.
    #[must_use]
    pub fn start(&self) -> jiff::Timestamp {
        self.start
    }

    /// `service.version` of the resource of the spans, if there is one.
    #[must_use]
    pub fn service_version(&self) -> Option<&str> {
        self.service_version.as_deref()
    }

    /// What it took.
    #[must_use]
    pub fn samples(&self) -> &Samples {
        &self.samples
    }
}

impl Budget {
    /// The durations of all runs.
    #[must_use]
    pub fn samples(&self) -> Samples {
        let mut all = Samples::default();
        for run in &self.runs {
            all.merge(&run.samples);
        }
        all
    }

    /// How much p50 differs from run to run: the greater of what a calibration found and of what
    /// the runs here show; 0 where neither says anything.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let known = [self.calibration, self.seen()].into_iter().flatten();
        known.map(|one| one.spread).fold(0.0, f64::max)
    }

    /// How much p50 of the runs here differs. Fewer than [`FEWEST_RUNS`] say nothing of a machine:
    /// one of two may be a cold start.
    #[must_use]
    pub fn seen(&self) -> Option<Calibrated> {
        (self.runs.len() >= FEWEST_RUNS).then(|| Calibrated {
            runs: self.runs.len() as u64,
            spread: spread(self.runs.iter().map(Run::samples)),
        })
    }

    /// `service.version` of the latest run that has one.
    #[must_use]
    pub fn service_version(&self) -> Option<&str> {
        self.runs.iter().rev().find_map(Run::service_version)
    }

    /// Adds a run in the order of their starts; one that is there already is not added again. Of
    /// more than [`MOST_RUNS`] the oldest go.
    pub fn add(&mut self, run: Run) {
        if !self.runs.contains(&run) {
            let at = self.runs.partition_point(|other| other.start <= run.start);
            self.runs.insert(at, run);
            let surplus = self.runs.len().saturating_sub(MOST_RUNS);
            self.runs.drain(..surplus);
        }
    }

    /// Why runs of this version are not beside those that are here, if so.
    #[must_use]
    pub fn another_version(&self, now: Option<&str>) -> Option<String> {
        let then = self.service_version();
        let said = |version: Option<&str>| version.unwrap_or("not told").to_owned();
        let is_another = !self.runs.is_empty() && then != now;
        is_another.then(|| format!("service.version was {}, is {}", said(then), said(now)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
