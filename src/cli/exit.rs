//! Exit codes: part of the interface, for CI systems decide by them.

use std::io::Write;
use std::process::ExitCode;

use crate::result::Report;

use super::output;

/// The exit code of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Everything passed.
    Passed,
    /// A spec failed.
    Failed,
    /// The arguments or a spec cannot be understood.
    Usage,
    /// We could not judge: a service is not there, a port is taken, no telemetry came.
    Errored,
    /// Nothing was selected.
    Nothing,
    /// The user ended it; the reports were written.
    Interrupted,
    /// As the command that `exec` ran.
    OfCommand(u8),
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Errored => 3,
            Self::Nothing => 4,
            Self::Interrupted => 130,
            Self::OfCommand(code) => code,
        }
    }

    /// The same, unless all was well and something else was not.
    pub(super) fn or_errored(self) -> Self {
        match self {
            Self::Passed | Self::OfCommand(0) => Self::Errored,
            other => other,
        }
    }

    /// The exit code of a run.
    pub(super) fn of(report: &Report) -> Self {
        match report.exit_code() {
            0 => Self::Passed,
            1 => Self::Failed,
            2 => Self::Usage,
            130 => Self::Interrupted,
            _ => Self::Errored,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Prints why a command did not succeed to standard error. Returns `exit`.
pub(super) fn fail(exit: Exit, message: &str) -> Exit {
    note(message);
    exit
}

/// Prints a line to standard error.
pub(super) fn note(message: &str) {
    // Without standard error, the exit code is all that is left.
    let _ = writeln!(output::stderr(), "{message}");
}
