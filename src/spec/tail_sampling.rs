//! What a Collector's tail sampling is expected to decide about a trace.

use std::sync::Arc;

use crate::sampling::{CollectorVersion, TailSampling};
use crate::yaml::Location;

/// Expectations for the decision of a `tail_sampling` processor, of which there is at least one.
#[derive(Clone, Debug)]
pub struct TailExpectation {
    pub(crate) processor: Arc<TailSampling>,
    pub(crate) version: CollectorVersion,
    /// Whether the trace is kept.
    pub(crate) kept: Option<bool>,
    /// The policy that keeps it.
    pub(crate) kept_by: Option<String>,
    /// Policies that match the trace, or that do not.
    pub(crate) policies: Vec<(String, bool)>,
    /// The file of the configuration, for messages.
    pub(crate) config: Location,
}
