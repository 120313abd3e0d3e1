//! The metrics on which a step is judged.

use std::time::Instant;

use crate::trace::{MetricRecords, Nanos, ProcessRecord, SeriesRecord, Temporality};

/// The metrics that arrived around a request.
#[derive(Clone, Debug)]
pub struct MetricEvidence {
    /// All series, with the points that arrived since a time before the trigger.
    pub records: MetricRecords,
    /// Since when no other spec has sent a request, in nanoseconds since the Unix epoch.
    pub alone_since: Nanos,
    /// The trigger.
    pub fired: Instant,
    /// Points that were collected at this time or later count the whole request, in nanoseconds since
    /// the Unix epoch.
    pub settled: Nanos,
    /// The end of the wait for metrics.
    pub end: MetricEnd,
}

/// The end of the wait for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricEnd {
    /// Every process has had the time to export.
    Complete,
    /// The deadline passed before.
    TimedOut,
    /// The step ended before.
    NotReached,
}

impl MetricEvidence {
    /// Returns `true` if the process has exported since the end of the request.
    pub(super) fn is_process_final(&self, process: &ProcessRecord) -> bool {
        let mut exports = process.exports.iter();
        exports.any(|(_, time)| process.corrected(*time) >= self.settled)
    }

    /// Returns `true` if the process has exported since the trigger.
    pub(super) fn is_process_alive(&self, process: &ProcessRecord) -> bool {
        let mut exports = process.exports.iter();
        exports.any(|(arrived, _)| *arrived >= self.fired)
    }

    /// Returns `true` if a process exports the series: it has a point of this time, or it is a series of
    /// a process that exports only what changed.
    pub(super) fn is_exported(&self, record: &SeriesRecord) -> bool {
        let Some(process) = self.records.processes.get(&record.process) else {
            return false;
        };
        let is_delta = record.series.temporality == Temporality::Delta;
        let mut points = record.points.iter();
        points.any(|point| {
            point.arrived >= self.fired || process.corrected(point.time) >= self.alone_since
        }) || is_delta && self.is_process_alive(process)
    }
}
