//! Events of services.

use std::time::Duration;

/// One of the two outputs of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// The standard output.
    Stdout,
    /// The standard error.
    Stderr,
}

impl OutputStream {
    /// Both, with their names in project files.
    pub const ALL: [(&'static str, Self); 2] = [("stdout", Self::Stdout), ("stderr", Self::Stderr)];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

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
        /// The output.
        stream: OutputStream,
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
