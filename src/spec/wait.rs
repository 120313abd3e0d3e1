//! Limits of the wait for a complete trace.

use std::time::Duration;

/// `wait` of a spec, step or project file. `None` for the default of the project or the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// Maximum time between the response and the verdict.
    pub timeout: Option<Duration>,
    /// Maximum time that work continues after the response.
    pub tail: Option<Duration>,
    /// Maximum delay between the end of a span and its export.
    pub flush: Option<Duration>,
    /// Maximum delay between a measurement and the export of its metric.
    pub metrics: Option<Duration>,
}

impl Wait {
    /// These limits, completed by those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            timeout: self.timeout.or(other.timeout),
            tail: self.tail.or(other.tail),
            flush: self.flush.or(other.flush),
            metrics: self.metrics.or(other.metrics),
        }
    }
}
