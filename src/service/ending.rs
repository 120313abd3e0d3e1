//! How a process ended, and what it wrote last.

use std::fmt;
use std::io;
use std::process::ExitStatus;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// The system does not tell.
    Unknown,
}

/// A service that ended though nobody stopped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Which service.
    pub service: String,
    /// How it ended.
    pub ending: Ending,
    /// Its last lines, of both outputs.
    pub tail: Vec<String>,
}

impl Ending {
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

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(9) => write!(f, "signal 9 (killed; perhaps out of memory)"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::Unknown => write!(f, "an unknown exit code"),
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            ending,
            tail,
        } = self;
        let hint = match ending {
            Ending::Code(0) => ", but a service has to stay in the foreground",
            _ => "",
        };
        write!(
            f,
            "service `{service}` ended with {ending}{hint}{}",
            LastWords(tail)
        )
    }
}

/// The last lines of an output, below a sentence.
pub(super) struct LastWords<'a>(pub(super) &'a [String]);

impl fmt::Display for LastWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "; it wrote nothing");
        }
        write!(f, "; the end of its output:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
