//! `poll`: a step is fired again until its response meets a condition.

use std::time::Duration;

use super::{Check, Location};

/// Fires a step again until its response meets all conditions.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Conditions on the response.
    pub until: Vec<Check>,
    /// Time between the starts of two tries. A try starts after the response of the one before.
    pub every: Duration,
    /// Time from the first try after which no response counts.
    pub timeout: Duration,
    /// Location of `until`.
    pub at: Location,
}

impl Poll {
    /// Default of `every`: 200 ms.
    pub(super) const EVERY: Duration = Duration::from_millis(200);
    /// Default of `timeout`: 10 s.
    pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
}
