//! Facts about all spans of a trace, each found in one pass.

use std::collections::HashSet;

use crate::trace::{SpanId, Trace};

/// Facts about the spans of a trace, by their indexes.
pub(super) struct TreeFacts<'e> {
    /// The number of spans at and below each.
    pub(super) sizes: Vec<usize>,
    /// The root above each, or the span itself.
    pub(super) roots: Vec<usize>,
    /// The sibling that started before each.
    pub(super) earlier: Vec<Option<usize>>,
    entries: HashSet<usize>,
    /// The first two services by name.
    services: Vec<&'e str>,
    /// The spans with an exception among the log records.
    exceptions: HashSet<SpanId>,
}

impl<'e> TreeFacts<'e> {
    pub(super) fn of(trace: &'e Trace) -> Self {
        let mut this = Self {
            sizes: vec![1; trace.len()],
            roots: (0..trace.len()).collect(),
            earlier: vec![None; trace.len()],
            entries: trace.entries().collect(),
            services: trace.services().into_iter().take(2).collect(),
            exceptions: exceptions(trace),
        };
        for &at in trace.top_down() {
            for siblings in trace.children(at).windows(2) {
                this.earlier[siblings[1]] = Some(siblings[0]);
            }
            if let Some(parent) = trace.parent(at) {
                this.roots[at] = this.roots[parent];
            }
        }
        for &at in trace.top_down().iter().rev() {
            if let Some(parent) = trace.parent(at) {
                this.sizes[parent] += this.sizes[at];
            }
        }
        this
    }

    pub(super) fn is_entry(&self, span: usize) -> bool {
        self.entries.contains(&span)
    }

    /// Another service of the trace.
    pub(super) fn other_service(&self, service: &str) -> Option<&'e str> {
        let mut services = self.services.iter().copied();
        services.find(|other| *other != service)
    }

    pub(super) fn has_exception_in_log(&self, span: SpanId) -> bool {
        self.exceptions.contains(&span)
    }
}

fn exceptions(trace: &Trace) -> HashSet<SpanId> {
    let records = trace.logs().iter();
    let exceptions = records.filter(|record| record.attributes.get("exception.type").is_some());
    exceptions.filter_map(|record| record.span_id).collect()
}
