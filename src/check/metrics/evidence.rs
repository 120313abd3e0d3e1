//! The metrics on which a step is judged.

use std::time::Instant;

use super::growth::Doubt;
use crate::trace::{
    MetricRecords, Nanos, Point, ProcessId, ProcessRecord, SeriesRecord, Temporality,
};

/// The metrics that arrived around a request.
#[derive(Clone, Debug)]
pub struct MetricEvidence {
    /// All series, with the points that arrived since a time before the trigger.
    pub records: MetricRecords,
    /// Since when they are watched.
    pub began: Instant,
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
    /// A pipeline has passed on all that it got, and the records have its output only.
    PassedOn,
    /// A marker did not come out of the pipeline.
    NotPassedOn,
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

    /// Returns `true` if an endpoint of the service was read since the trigger. An exporter of OTLP without any
    /// series sends nothing.
    pub(super) fn exposes_nothing(&self, service: &str) -> bool {
        let mut processes = self.records.processes.values();
        processes
            .any(|process| process.resource.service() == service && self.is_process_alive(process))
    }

    /// Returns `true` if the process ended during the request: another one of its service began since the
    /// trigger, and only that one has exported since the end.
    pub(super) fn was_replaced(&self, process: &ProcessRecord) -> bool {
        let service = process.resource.service();
        let is_successor = |other: &ProcessRecord| {
            let mut exports = other.exports.iter();
            other.resource.service() == service
                && exports.all(|(arrived, _)| *arrived >= self.fired)
                && self.is_process_final(other)
        };
        !self.is_process_final(process) && self.records.processes.values().any(is_successor)
    }

    /// Returns `true` if the process exported shortly before the trigger, and not after the request.
    pub(super) fn is_silent(&self, process: &ProcessRecord) -> bool {
        let mut exports = process.exports.iter();
        let is_active = exports.any(|(arrived, time)| {
            *arrived >= self.fired || process.corrected(*time) >= self.alone_since
        });
        is_active && !self.is_process_final(process) && !self.was_replaced(process)
    }

    /// A process of the service of one of these series that has none of them, and is silent: it may have
    /// further ones.
    pub(super) fn silent_replica(&self, series: &[&SeriesRecord]) -> Option<&ProcessRecord> {
        let processes = self.records.processes.iter();
        let mut silent = processes.filter(|(_, process)| self.is_silent(process));
        let is_replica = |id: ProcessId, process: &ProcessRecord| {
            let service = process.resource.service();
            let mut of_service = series.iter();
            of_service.any(|one| one.series.resource.service() == service)
                && series.iter().all(|one| one.process != id)
        };
        let found = silent.find(|(id, process)| is_replica(**id, process));
        found.map(|(_, process)| process)
    }

    /// Returns `true` if the series has a point, perhaps without a value, that was collected after the
    /// end of the request.
    pub(super) fn is_series_final(&self, record: &SeriesRecord, process: &ProcessRecord) -> bool {
        let mut points = record.points.iter();
        points.any(|point| process.corrected(point.time) >= self.settled)
            || self.ended_without_value(record, process)
    }

    fn ended_without_value(&self, record: &SeriesRecord, process: &ProcessRecord) -> bool {
        let last = record.without_value;
        last.is_some_and(|(_, time)| process.corrected(time) >= self.settled)
    }

    /// The reason why a series has no value of the time after the request.
    pub(super) fn absence(&self, record: &SeriesRecord, process: &ProcessRecord) -> Doubt {
        if self.was_replaced(process) {
            return Doubt::Reset;
        }
        match self.ended_without_value(record, process) {
            true => Doubt::NoValue,
            false => Doubt::NotExported,
        }
    }

    /// Returns `true` if points of the time after the request have several starts. Then two processes send
    /// the series in turn, or one was restarted.
    pub(super) fn is_restarted(
        &self,
        record: &SeriesRecord,
        process: &ProcessRecord,
        last: &Point,
    ) -> bool {
        let mut points = record.points.iter();
        record.series.temporality == Temporality::Cumulative
            && points.any(|point| {
                point.start != last.start && process.corrected(point.time) >= self.settled
            })
    }

    /// Returns `true` if a process exports the series, with or without a value.
    pub(super) fn is_exported(&self, record: &SeriesRecord) -> bool {
        let process = self.records.processes.get(&record.process);
        self.has_value(record)
            || record
                .without_value
                .zip(process)
                .is_some_and(|((arrived, time), process)| {
                    arrived >= self.fired || process.corrected(time) >= self.alone_since
                })
    }

    /// Returns `true` if a process exports values of the series: it has a point of this time, or it is a
    /// series of a process that exports only what changed.
    pub(super) fn has_value(&self, record: &SeriesRecord) -> bool {
        let Some(process) = self.records.processes.get(&record.process) else {
            return false;
        };
        let is_delta = record.series.temporality == Temporality::Delta;
        let mut points = record.points.iter();
        points.any(|point| {
            point.arrived >= self.fired || process.corrected(point.time) >= self.alone_since
        }) || is_delta && !record.points.is_empty() && self.is_process_alive(process)
    }
}
