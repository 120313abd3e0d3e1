//! What a store tells those who want to hear of everything.

use super::census::Refusal;
use crate::trace::TraceId;

/// Something that came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// Traces that a request had spans for, and how many for each.
    Arrived(Vec<(TraceId, usize)>),
    /// A request that was not accepted.
    Refused(Refusal),
}
