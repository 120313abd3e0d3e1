//! The reasons why a series did not arrive, and the series that arrived instead.

use std::collections::BTreeSet;

use super::evidence::MetricEnd;
use super::growth::Doubt;
use super::waiting::{AwaitedMetrics, awaited_point};
use super::{Selection, selection, unknown};
use crate::check::Unjudged;
use crate::check::nearest::similarity;
use crate::trace::{Naming, SeriesRecord, Temporality};

/// Upper limit of the names that a message lists.
const MOST_NAMES: usize = 5;

/// Variables that let a service export soon.
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL=500 and OTEL_METRIC_EXPORT_TIMEOUT=500";

impl<'e> Selection<'e, '_> {
    /// The series that are exported by processes that may have the series of the selector.
    fn exported(&self) -> Vec<&'e SeriesRecord> {
        let records = self.evidence.records.series.iter();
        let of_service = records.map(|record| &**record).filter(|record| {
            self.evidence.is_exported(record)
                && selection::may_be_of_service(&self.entry.find, record)
        });
        of_service.collect()
    }

    /// The reason if no process exported since the request that could have the series.
    pub(super) fn silence(&self) -> Option<Unjudged> {
        let exported = self.exported();
        if exported.is_empty() {
            return Some(self.no_metric());
        }
        let is_silent = |record: &&SeriesRecord| {
            let process = self.evidence.records.processes.get(&record.process);
            process.is_some_and(|process| self.evidence.is_silent(process))
        };
        let silent = exported.into_iter().find(is_silent)?;
        Some(self.silence_of(&[silent]))
    }

    /// The reason if a further process of the service may have series of the selector.
    pub(super) fn silent_replica(&self) -> Option<Unjudged> {
        let process = self.evidence.silent_replica(&self.series)?;
        let service = process.resource.service();
        Some(unknown(
            format!(
                "one of the processes of `{service}` exported no metrics that were collected after the request"
            ),
            format!("set {INTERVAL} for each process, or a longer `wait: {{ metrics: … }}`"),
        ))
    }

    fn no_metric(&self) -> Unjudged {
        let mut known = self.evidence.records.series.iter();
        let service = self.entry.find.exact_service();
        if let Some(service) = service
            && self.evidence.exposes_nothing(service)
        {
            return unknown(
                format!("`{service}` exposed no metric"),
                "correct the address in `scrape`, or let the service register its metrics there",
            );
        }
        let whose = service.map_or_else(String::new, |name| format!(" of `{name}`"));
        let help = |others: &str| {
            format!(
                "export metrics: set OTEL_METRICS_EXPORTER=otlp, {INTERVAL} for the service; the default interval is 60 s{others}"
            )
        };
        if known.any(|record| selection::may_be_of_service(&self.entry.find, record)) {
            let reason = format!("no metric{whose} has arrived since the request");
            return unknown(reason, help(""));
        }
        if let Some(lost) = self.evidence.records.holes.first() {
            let reason = format!(
                "no metric{whose} arrived, and some may be missing: {}",
                lost.hole
            );
            return unknown(reason, lost.hole.remedy.clone());
        }
        let others = self.evidence.records.series.iter();
        let others: BTreeSet<&str> = others
            .map(|record| record.series.resource.service())
            .collect();
        let others = match others.is_empty() {
            true => String::new(),
            false => format!(". Metrics arrived of {}", listed(others.into_iter())),
        };
        unknown(format!("no metric{whose} arrived"), help(&others))
    }

    /// The reason if these series have no point of the time after the request, and no process of them has
    /// exported since.
    pub(super) fn silence_of(&self, series: &[&SeriesRecord]) -> Unjudged {
        let service = series.first().map(|one| one.series.resource.service());
        let service = service.or_else(|| self.entry.find.exact_service());
        let whose = service.map_or_else(|| "a service".to_owned(), |name| format!("`{name}`"));
        let is_delta = |record: &&SeriesRecord| record.series.temporality == Temporality::Delta;
        unknown(
            format!("no metrics of {whose} arrived that were collected after the request"),
            match !series.is_empty() && series.iter().all(is_delta) {
                true => "with delta temporality, only what changed is exported: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative".to_owned(),
                false => format!(
                    "set {INTERVAL} for the service, or a longer `wait: {{ metrics: … }}`; and check that its clock is right"
                ),
            },
        )
    }

    /// The reason why a series has no point of the time after the request.
    pub(super) fn not_exported(&self, record: &SeriesRecord) -> Unjudged {
        let (name, service) = (&record.series.name, record.series.resource.service());
        if record.series.naming == Naming::Prometheus {
            return self.not_exposed(record);
        }
        let process = self.evidence.records.processes.get(&record.process);
        if process.is_some_and(|process| self.evidence.is_process_final(process)) {
            return unknown(
                format!(
                    "`{name}` of `{service}` was not exported again after the request, unlike other metrics"
                ),
                "let the instrument report in each export, or check another metric; a callback that reports nothing ends its series",
            );
        }
        self.silence_of(&[record])
    }

    /// The reason why a scraped series has no value of the time after the request.
    fn not_exposed(&self, record: &SeriesRecord) -> Unjudged {
        let (name, service) = (&record.series.name, record.series.resource.service());
        let mut points = record.points.iter();
        match points.any(|point| point.arrived >= self.evidence.fired) {
            true => unknown(
                format!(
                    "the time that `{service}` exposes with `{name}` is before the end of the request"
                ),
                "raise `wait: { metrics: … }` to the age of the values, or expose them without times",
            ),
            false => unknown(
                format!("`{name}` of `{service}` was not there any more after the request"),
                "let the service keep the series, or check another metric",
            ),
        }
    }

    /// The reason if a series that was found may still get points.
    pub(super) fn unfinished(&self) -> Option<Unjudged> {
        let mut series = self.series.iter();
        let open =
            series.find(|one| awaited_point(one, self.evidence) != AwaitedMetrics::Nothing)?;
        let process = self.evidence.records.processes.get(&open.process)?;
        Some(self.why(self.evidence.absence(open, process), open))
    }

    /// The reason if all series found were exported without values.
    pub(super) fn only_without_values(&self) -> Option<Unjudged> {
        let mut series = self.series.iter();
        let has_values = series.any(|record| self.evidence.has_value(record));
        let first = self.series.first().filter(|_| !has_values)?;
        Some(self.why(Doubt::NoValue, first))
    }

    /// The metrics that the service exports, similar names first.
    pub(super) fn exported_hint(&self) -> Option<String> {
        let exported = self.exported();
        let names: BTreeSet<&str> = exported.iter().map(|one| &*one.series.name).collect();
        let mut names: Vec<&str> = names.into_iter().collect();
        if let Some(wanted) = self.entry.find.name() {
            names.sort_by(|a, b| similarity(wanted, b).total_cmp(&similarity(wanted, a)));
        }
        let service = self.entry.find.exact_service();
        let whose = service.map_or_else(
            || "services export".to_owned(),
            |name| format!("`{name}` exports"),
        );
        if self.evidence.end == MetricEnd::PassedOn {
            return (!names.is_empty())
                .then(|| format!("of the output, {} arrived", listed(names.into_iter())));
        }
        let is_scraped = |one: &&SeriesRecord| one.series.naming == Naming::Prometheus;
        let when = match exported.iter().all(is_scraped) {
            true => "most exporters expose a metric once something is recorded",
            false => {
                "a metric is exported once something is recorded, at OTEL_METRIC_EXPORT_INTERVAL, and only with OTEL_METRICS_EXPORTER=otlp"
            }
        };
        (!names.is_empty()).then(|| format!("{whose} {}; {when}", listed(names.into_iter())))
    }
}

/// Names in code, up to a limit.
fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let named: Vec<String> = names
        .take(MOST_NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    match more {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
}
