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
    /// A spec ended, or was skipped.
    Finished(&'a SpecReport),
    /// Something that the user should know once, such as an assumed flush bound.
    Notice(&'a str),
    /// The user pressed Ctrl-C; what runs is being stopped.
    Interrupted,
    /// The services are being stopped.
    Stopping,
}
