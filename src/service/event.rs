//! Events of services.

use std::time::Duration;

/// An event of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceEvent {
    /// Its build started.
    BuildStarted {
        /// The service.
        service: String,
        /// The command.
        command: String,
    },
    /// Its build wrote a line.
    BuildOutput {
        /// The service.
        service: String,
        /// The line, without the line end.
        line: String,
    },
    /// Its build succeeded.
    BuildFinished {
        /// The service.
        service: String,
        /// Duration of the build.
        time: Duration,
    },
    /// It was started.
    Started {
        /// The service.
        service: String,
        /// The command.
        command: String,
    },
    /// It wrote a line.
    Output {
        /// The service.
        service: String,
        /// The line, without the line end.
        line: String,
    },
    /// It is ready.
    Ready {
        /// The service.
        service: String,
        /// Time since its start.
        time: Duration,
    },
    /// It was stopped.
    Stopped {
        /// The service.
        service: String,
    },
}
