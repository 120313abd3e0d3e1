//! Other traces of the time of a trace.

use crate::trace::{Peers, Span, Trace};

/// Evidence of the time of a trace, apart from the trace.
#[derive(Clone, Debug, Default)]
pub struct WindowEvidence {
    /// Other traces of which spans arrived since the trigger; `None` if the source does not show any.
    pub(crate) others: Option<Vec<Trace>>,
    /// No trace was discarded to make room for later ones.
    pub(crate) has_all: bool,
    /// The services that had SERVER spans in this run.
    pub(crate) peers: Peers,
    /// The SERVER span that began another trace with the request of the trigger.
    pub(crate) first_hop: Option<RestartedRequest>,
}

/// A request of a trigger that began another trace.
#[derive(Clone, Debug)]
pub struct RestartedRequest {
    /// The first span of the other trace.
    pub(crate) root: Span,
    /// The evidence in words.
    pub(crate) evidence: Vec<String>,
    /// The remaining assumption; `None` if the system itself ties the span to the request.
    pub(crate) assumption: Option<&'static str>,
}
