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
        let mut help = remedy::ended(self.ending, &self.tail);
        if help.is_empty() && self.tail.is_empty() {
            help.push(
                "it wrote no reason: run its command in a terminal, with the same `dir` and `env`"
                    .to_owned(),
            );
        }
        help
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

#[cfg(test)]
mod tests {
    use super::*;

    fn help(code: i32, tail: &[&str]) -> Vec<String> {
        let exit = UnexpectedExit {
            service: "shop".to_owned(),
            ending: ExitReason::Code(code),
            tail: tail.iter().map(|line| (*line).to_owned()).collect(),
        };
        exit.help()
    }

    #[test]
    fn a_remedy_takes_the_place_of_an_output() {
        let silent =
            "it wrote no reason: run its command in a terminal, with the same `dir` and `env`";
        assert_eq!(help(1, &[]), [silent]);
        assert_eq!(help(1, &["out of cheese"]), [""; 0]);
        let not_found = "a program of the command was not found: check its name, `dir` and `PATH`";
        assert_eq!(help(127, &[]), [not_found]);
    }
}
