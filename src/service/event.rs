//! What happens while services start, run and stop.

use std::time::Duration;

/// Something that happened to a service, told as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceEvent {
    /// Its build began.
    BuildStarted {
        /// Whose.
        service: String,
        /// What is run.
        command: String,
    },
    /// Its build wrote a line.
    BuildOutput {
        /// Whose.
        service: String,
        /// The line, without its end.
        line: String,
    },
    /// Its build succeeded.
    BuildFinished {
        /// Whose.
        service: String,
        /// How long it took.
        time: Duration,
    },
    /// It was started.
    Started {
        /// Which.
        service: String,
        /// What is run.
        command: String,
    },
    /// It wrote a line.
    Output {
        /// Which.
        service: String,
        /// The line, without its end.
        line: String,
    },
    /// It is ready.
    Ready {
        /// Which.
        service: String,
        /// How long that took from its start.
        time: Duration,
    },
    /// It was stopped.
    Stopped {
        /// Which.
        service: String,
    },
}
