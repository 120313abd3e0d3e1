//! Traces without the span of a budget.

use std::fmt;

use crate::number::count;

/// More traces have no such span than permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingSpans {
    /// The traces without it.
    pub missing: u64,
    /// All complete traces.
    pub traces: u64,
    /// The number that `failures` permits.
    pub allowed: u64,
}

/// `950 of 1,000 traces have no such span (0 allowed): find out why, or raise `failures``
impl fmt::Display for MissingSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} traces have no such span ({} allowed): find out why, or raise `failures`",
            count(self.missing),
            count(self.traces),
            count(self.allowed),
        )
    }
}
