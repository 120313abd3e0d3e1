//! The order in which spans arrive.

use std::sync::Arc;

use super::{Recorded, arrival_of};
use crate::trace::Nanos;

/// Spans of one trace that arrive at the same time, from one resource.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) at: Nanos,
    /// The index of the trace in the shard.
    pub(super) trace: usize,
    /// Indexes of its spans.
    pub(super) spans: Vec<usize>,
}

/// All batches, by time. Those of the same time are in the order of the file.
pub(super) fn batches(traces: &[(usize, &Recorded)]) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for (trace, (_, recorded)) in traces.iter().enumerate() {
        let spans = &recorded.spans;
        let mut order: Vec<usize> = (0..spans.len()).collect();
        order.sort_by_key(|&span| arrival_of(&spans[span]));
        let same = |a: &usize, b: &usize| {
            let (a, b) = (&spans[*a], &spans[*b]);
            arrival_of(a) == arrival_of(b) && Arc::ptr_eq(&a.resource, &b.resource)
        };
        batches.extend(order.chunk_by(same).map(|chunk| Batch {
            at: arrival_of(&spans[chunk[0]]),
            trace,
            spans: chunk.to_vec(),
        }));
    }
    batches.sort_by_key(|batch| batch.at);
    batches
}
