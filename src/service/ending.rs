//! The exit of a process, with the last lines of its output.

use std::fmt;
use std::io;
use std::process::ExitStatus;

use super::remedy;
use crate::process::signal;
use crate::trace::signal_in_words;

/// The reason for the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
    /// Unknown to the system.
    Unknown,
}

/// The unexpected end of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexpectedExit {
    /// The service.
    pub service: String,
    /// The reason for its end.
    pub ending: ExitReason,
    /// The last lines of both outputs.
    pub tail: Vec<String>,
}

impl UnexpectedExit {
    /// Likely remedies.
    #[must_use]
    pub fn help(&self) -> Vec<String> {
        remedy::ended(self.ending, &self.tail)
    }
}

impl ExitReason {
    pub(super) fn of(status: io::Result<ExitStatus>) -> Self {
        let Ok(status) = status else {
            return Self::Unknown;
        };
        match (status.code(), signal(status)) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => f.write_str(&signal_in_words(*signal)),
            Self::Unknown => write!(f, "an unknown exit code"),
        }
    }
}

impl fmt::Display for UnexpectedExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            ending,
            tail,
        } = self;
        let hint = match ending {
            ExitReason::Code(0) => ", but a service has to stay in the foreground",
            _ => "",
        };
        write!(
            f,
            "service `{service}` ended with {ending}{hint}{}",
            LastLines(tail)
        )
    }
}

/// The last lines of an output, to be printed after a message.
pub(super) struct LastLines<'a>(pub(super) &'a [String]);

impl fmt::Display for LastLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "; it wrote nothing");
        }
        write!(f, "; the end of its output:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
