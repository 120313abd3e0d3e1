//! The wait for points that count the whole request.

use super::evidence::MetricEvidence;
use super::selection;
use crate::check::truth::Truth;
use crate::spec::{MetricEntry, SeriesSelector};
use crate::trace::{Naming, SeriesRecord, Temporality};

/// The data that a verdict about metrics waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AwaitedMetrics {
    /// Nothing that an export could add.
    Nothing,
    /// A series that its process may not export again.
    Series,
    /// The export of a process that has not exported since the request.
    Export,
}

/// The data that the verdicts about these entries wait for.
pub(crate) fn awaited(entries: &[MetricEntry], evidence: &MetricEvidence) -> AwaitedMetrics {
    let finds = entries.iter().map(|entry| &entry.find);
    let lacking = finds.map(|find| awaited_of(find, evidence));
    lacking.max().unwrap_or(AwaitedMetrics::Nothing)
}

fn awaited_of(find: &SeriesSelector, evidence: &MetricEvidence) -> AwaitedMetrics {
    let exported = evidence.records.series.iter().map(|record| &**record);
    let exported = exported.filter(|record| evidence.is_exported(record));
    let (found, others): (Vec<_>, Vec<_>) =
        exported.partition(|record| selection::selects(find, &record.series) != Truth::No);
    if !found.is_empty() {
        // Endpoints were read when they were due.
        let sent = found.iter();
        let sent = sent.filter(|record| record.series.naming == Naming::OpenTelemetry);
        let lacking = sent.map(|record| awaited_point(record, evidence));
        let further = evidence.silent_replica(&found).is_some();
        let further = further.then_some(AwaitedMetrics::Series);
        return lacking
            .chain(further)
            .max()
            .unwrap_or(AwaitedMetrics::Nothing);
    }
    let mut of_service = others
        .iter()
        .filter(|record| selection::may_be_of_service(find, record));
    // A new series comes with an export of the service.
    let is_silent = |record: &&SeriesRecord| {
        let process = evidence.records.processes.get(&record.process);
        process.is_some_and(|process| evidence.is_silent(process))
    };
    match of_service.any(is_silent) {
        true => AwaitedMetrics::Series,
        false => AwaitedMetrics::Nothing,
    }
}

pub(super) fn awaited_point(record: &SeriesRecord, evidence: &MetricEvidence) -> AwaitedMetrics {
    let Some(process) = evidence.records.processes.get(&record.process) else {
        return AwaitedMetrics::Nothing;
    };
    if evidence.is_series_final(record, process) {
        return AwaitedMetrics::Nothing;
    }
    let is_final = evidence.is_process_final(process);
    if record.series.temporality == Temporality::Delta {
        // It exports only what changed.
        return match is_final || !evidence.is_process_alive(process) {
            true => AwaitedMetrics::Nothing,
            false => AwaitedMetrics::Series,
        };
    }
    match is_final || evidence.was_replaced(process) {
        true => AwaitedMetrics::Series,
        false => AwaitedMetrics::Export,
    }
}
