//! What happens in the course of a run.

use std::time::Duration;

use super::SpecReport;

/// News for whoever watches a run. Nothing that a reporter does with it flows back.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// So many specs were selected.
    Selected {
        /// How many will run.
        specs: usize,
    },
    /// A service's `build` began.
    Building {
        /// The service.
        service: &'a str,
    },
    /// A line that a service, or its build, wrote.
    Output {
        /// The service.
        service: &'a str,
        /// The line, without its end.
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
        /// Since its process was started.
        after: Duration,
    },
    /// A spec began.
    Started {
        /// Its name.
        name: &'a str,
    },
    /// How far a spec is that is fired many times.
    Progress {
        /// Its name.
        name: &'a str,
        /// How many requests were answered.
        done: u64,
        /// How many there will be; in an open loop about so many.
        of: u64,
        /// Requests a second.
        rate: f64,
        /// The median of how long callers waited so far, in microseconds.
        p50: Option<f64>,
        /// How many were not well.
        failed: u64,
    },
    /// A spec ended, or was skipped.
    Finished(&'a SpecReport),
    /// A spec that had passed is errored: spans that arrived after its verdict contradict it.
    Overturned(&'a SpecReport),
    /// The services are being stopped.
    Stopping,
}
