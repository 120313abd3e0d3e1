//! Events during a run.

use std::time::Duration;

use super::SpecReport;

/// An event for an observer of a run. It has no influence on the run.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// Specs were selected.
    Selected {
        /// Number of specs to run.
        specs: usize,
    },
    /// A service's `build` began.
    Building {
        /// The service.
        service: &'a str,
    },
    /// A line of output of a service or of its build.
    Output {
        /// The service.
        service: &'a str,
        /// The line without its line break.
        line: &'a str,
    },
    /// A service's process was started.
    Starting {
        /// The service.
        service: &'a str,
    },
    /// A service answered its `ready` probe.
    Ready {
        /// The service.
        service: &'a str,
        /// Time since its process was started.
        after: Duration,
    },
    /// A spec began.
    Started {
        /// Its name.
        name: &'a str,
    },
    /// Progress of a spec with `repeat`.
    Progress {
        /// Its name.
        name: &'a str,
        /// Number of answered requests.
        done: u64,
        /// Number of planned requests; approximate in an open loop.
        of: u64,
        /// Requests per second.
        rate: f64,
        /// Median response time so far, in microseconds.
        p50: Option<f64>,
        /// Number of requests that failed or could not be judged.
        failed: u64,
        /// Number of the run: 1, or more if an earlier run is repeated to confirm it.
        run: usize,
        /// Before a further run: the reason for it.
        pause: Option<&'a str>,
    },
    /// A spec ended, or was skipped.
    Finished(&'a SpecReport),
    /// A spec that had passed is errored, because late spans contradict its verdict.
    Overturned(&'a SpecReport),
    /// The services are being stopped.
    Stopping,
}
