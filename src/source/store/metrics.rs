//! The last exports of metrics, within a bound.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::trace::MetricExport;

/// Bound in bytes.
const CAPACITY: usize = 16 << 20;

/// The exports that arrived while a trace was followed, oldest first.
#[derive(Debug, Default)]
pub(super) struct RecentMetrics {
    exports: VecDeque<(Arc<MetricExport>, usize)>,
    bytes: usize,
}

impl RecentMetrics {
    /// Adds an export of this size, and discards the oldest ones to make room.
    pub(super) fn push(&mut self, export: MetricExport, size: usize) {
        self.bytes += size;
        self.exports.push_back((Arc::new(export), size));
        while self.bytes > CAPACITY
            && let Some((_, size)) = self.exports.pop_front()
        {
            self.bytes -= size;
        }
    }

    /// The exports that arrived at this moment or later.
    pub(super) fn since(&self, moment: Instant) -> Vec<Arc<MetricExport>> {
        let exports = self.exports.iter().map(|(export, _)| export);
        exports
            .filter(|export| export.arrived >= moment)
            .cloned()
            .collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
