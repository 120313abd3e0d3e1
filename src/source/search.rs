//! A search for traces: query, answer and error.

use crate::trace::{Nanos, TraceId, Value};

/// A search for traces with a span that meets all parts.
///
/// A source passes on the parts that its backend can evaluate exactly as they are described here; the
/// others are evaluated on the traces that it finds. An answer can have more traces than the query
/// describes, but not fewer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchQuery {
    /// `service.name` of the span, with letter case.
    pub service: Option<String>,
    /// Its name, with letter case.
    pub name: Option<String>,
    /// Attributes of the span, strings, integers or booleans.
    pub attributes: Vec<(String, Value)>,
    /// Attributes of the resource of the span.
    pub resource: Vec<(String, Value)>,
    /// Minimum duration of the span, inclusive.
    pub at_least: Option<Nanos>,
    /// Maximum duration of the span, inclusive.
    pub at_most: Option<Nanos>,
    /// Only spans with status error.
    pub is_error: bool,
    /// Earliest start of the span, inclusive.
    pub from: Nanos,
    /// Latest start of the span, exclusive.
    pub to: Nanos,
    /// Maximum number of traces.
    pub limit: usize,
}

/// The traces that a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchAnswer {
    /// The ids, in any order, each once.
    pub traces: Vec<TraceId>,
    /// `false` if these are all traces of the backend that meet the parts it evaluates.
    pub is_cut: bool,
}

/// A source cannot be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchError {
    /// The reason.
    pub why: String,
    /// The remedy.
    pub help: String,
}
