//! How long a trace may take to be complete.

use std::time::Duration;

/// The author's word on waiting; what he does not say is left to the project or to the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// From the response until the verdict at the latest.
    pub timeout: Option<Duration>,
    /// How long work may go on after the response.
    pub tail: Option<Duration>,
    /// How long a service may keep a span before it exports it.
    pub flush: Option<Duration>,
}

impl Wait {
    /// What is said here, and where nothing is, what is said there.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            timeout: self.timeout.or(other.timeout),
            tail: self.tail.or(other.tail),
            flush: self.flush.or(other.flush),
        }
    }
}
