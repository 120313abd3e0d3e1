//! The progress of a source that polls in reading a trace.

use std::time::Instant;

use crate::trace::{Hole, Losses};

/// The progress of a source that polls in reading a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PollState {
    /// The start of the last request whose answer was the same as the one before: all spans that could
    /// be read earlier are known.
    pub(super) confirmed: Option<Instant>,
    /// The reasons why the last answer may lack spans.
    pub(super) troubles: Vec<Hole>,
    /// The reasons why the last answer may lack log records.
    pub(super) log_troubles: Vec<Hole>,
    /// The source had no log records at all when it was read last.
    pub(super) lacks_logs: bool,
    /// Fields that spans of an answer have lost, beside those that the source always loses.
    pub(super) losses: Losses,
}
