//! The arrivals of the spans of a trace that was sent into a pipeline.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(feature = "run")]
use super::TraceId;
use super::{Resource, SpanId, Trace, Value};

/// The attribute of resources with the name of the receiver at which they arrived.
pub(crate) const RECEIVER: &str = "spanspec.receiver";

/// The value by which the data point of a marker is recognized, since metrics have no trace ids: the first 48 bits
/// of its trace id.
#[cfg(feature = "run")]
pub(crate) fn marker_value(trace: TraceId) -> i64 {
    let first = trace.as_bytes().iter().take(6);
    first.fold(0, |value, byte| value << 8 | i64::from(*byte))
}

/// The number of arrivals of each span, and the named receivers that got it.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// The receivers of all arrivals of each span; an empty name for the receiver without one.
    pub(crate) arrivals: BTreeMap<SpanId, Vec<String>>,
    /// The trace of the spans and log records that arrived at each named receiver.
    pub(crate) at: BTreeMap<String, Trace>,
    /// The named receivers at which a marker arrived; `None` if no marker was sent.
    pub(crate) marked: Option<BTreeSet<String>>,
    /// Repeated exports of a span are counted.
    pub(crate) has_repeats: bool,
}

impl Delivery {
    /// Number of arrivals of a span.
    pub(crate) fn times(&self, span: SpanId) -> usize {
        self.arrivals.get(&span).map_or(0, Vec::len)
    }

    /// The arrivals at one receiver.
    pub(crate) fn only_at(&self, receiver: &str) -> Self {
        let arrivals = self.arrivals.iter().filter_map(|(span, at)| {
            let at: Vec<String> = at
                .iter()
                .filter(|name| *name == receiver)
                .cloned()
                .collect();
            (!at.is_empty()).then_some((*span, at))
        });
        Self {
            arrivals: arrivals.collect(),
            at: BTreeMap::new(),
            marked: self.marked.clone(),
            has_repeats: self.has_repeats,
        }
    }

    /// Returns `true` unless markers were sent and none arrived at this receiver.
    pub(crate) fn is_marked(&self, receiver: &str) -> bool {
        let marked = self.marked.as_ref();
        marked.is_none_or(|marked| marked.contains(receiver))
    }
}

impl Resource {
    /// The name of the receiver at which its records arrived; empty for the receiver without a name.
    pub(crate) fn receiver(&self) -> &str {
        let name = self.attributes.get(RECEIVER);
        name.and_then(Value::as_str).unwrap_or_default()
    }
}
