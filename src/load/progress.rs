//! The progress of the requests of a spec.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

use crate::spec::Repeat;

/// Interval between calls of `on_progress`.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Progress of the requests of a spec.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoadProgress {
    pub(crate) done: u64,
    pub(crate) of: u64,
    pub(crate) rate: f64,
    pub(crate) p50: Option<f64>,
    pub(crate) failed: u64,
    /// The number of the run: 1, or more if an earlier run is repeated.
    pub(crate) run: usize,
    /// Before a further run: the reason for it.
    pub(crate) pause: Option<String>,
}

impl LoadProgress {
    /// Before the first request.
    pub(super) fn of_none(repeat: &Repeat) -> Self {
        Self {
            done: 0,
            of: repeat.pace.requests(),
            rate: 0.0,
            p50: None,
            failed: 0,
            run: 1,
            pause: None,
        }
    }
}

/// The moments at which progress is reported.
pub(super) fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(PROGRESS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
