//! The log records and metrics of a file that stand beside its traces, as text.

use std::collections::{BTreeMap, BTreeSet};

use crate::number::counted;
use crate::report::printable;
use crate::source::otlp::MetricExport;
use crate::spec::severity_name;
use crate::trace::{Exemplar, LogRecord, MetricKind, Value};

/// Maximum number of traces that a line of log records, or a metric, names.
const MOST_TRACES: usize = 3;

/// Maximum number of metrics that are named without `--all`.
const MOST_METRICS: usize = 200;

/// The log records of one service.
#[derive(Default)]
struct ServiceLogs {
    records: usize,
    /// By number, the most severe last.
    severities: BTreeMap<Option<u8>, usize>,
    by_trace: BTreeMap<String, usize>,
    without_trace: usize,
}

/// The points of one metric of one service.
#[derive(Default)]
struct MetricPoints<'e> {
    kind: Option<MetricKind>,
    unit: &'e str,
    series: BTreeSet<u64>,
    points: usize,
    exemplars: Vec<&'e Exemplar>,
}

/// For each service, the log records by severity and trace.
pub(super) fn log_records(records: &[LogRecord]) -> String {
    let mut services: BTreeMap<&str, ServiceLogs> = BTreeMap::new();
    for record in records {
        let logs = services.entry(record.service()).or_default();
        logs.records += 1;
        *logs.severities.entry(record.severity).or_default() += 1;
        match record.trace_id {
            Some(id) => *logs.by_trace.entry(id.to_string()).or_default() += 1,
            None => logs.without_trace += 1,
        }
    }
    let of_services = services.iter().map(|(service, logs)| {
        let severities = logs.severities.iter().rev();
        let severities: Vec<String> = severities
            .map(|(severity, number)| match severity {
                Some(severity) => format!("{number} {}", severity_name(*severity)),
                None => format!("{number} without a severity"),
            })
            .collect();
        let traces = logs.by_trace.iter().take(MOST_TRACES);
        let mut places: Vec<String> = traces
            .map(|(id, number)| format!("  trace {id}: {number}\n"))
            .collect();
        if let Some(more) = more(logs.by_trace.len(), MOST_TRACES) {
            places.push(format!("  and {}\n", counted(more, "more trace")));
        }
        if logs.without_trace > 0 {
            places.push(format!("  without a trace: {}\n", logs.without_trace));
        }
        format!(
            "{} of {}: {}\n{}",
            counted(logs.records, "log record"),
            of_service(service),
            severities.join(", "),
            places.concat()
        )
    });
    of_services.collect::<Vec<_>>().join("\n")
}

/// For each service, its metrics with the numbers of their series and points, and their exemplars.
pub(super) fn metrics(export: &MetricExport, shows_all: bool) -> String {
    let mut services: BTreeMap<&str, BTreeMap<&str, MetricPoints<'_>>> = BTreeMap::new();
    for process in &export.processes {
        let metrics = services.entry(process.resource.service()).or_default();
        for point in &process.points {
            let metric = metrics.entry(point.name()).or_default();
            metric.kind = Some(point.kind());
            metric.unit = point.unit();
            metric.series.insert(point.id);
            metric.points += 1;
            metric.exemplars.extend(&point.exemplars);
        }
    }
    services.retain(|_, metrics| !metrics.is_empty());
    let most = if shows_all { usize::MAX } else { MOST_METRICS };
    let of_services = services.iter().map(|(service, metrics)| {
        let mut lines: Vec<String> = metrics
            .iter()
            .take(most)
            .map(|(name, metric)| line(name, metric))
            .collect();
        if let Some(more) = more(metrics.len(), most) {
            lines.push(format!(
                "  and {}: add `--all`\n",
                counted(more, "more metric")
            ));
        }
        let metrics = counted(metrics.len(), "metric");
        format!("{metrics} of {}\n{}", of_service(service), lines.concat())
    });
    of_services.collect::<Vec<_>>().join("\n")
}

fn line(name: &str, metric: &MetricPoints<'_>) -> String {
    let unit = match metric.unit {
        "" => String::new(),
        unit => format!(" in {}", printable(unit)),
    };
    let mut shown: Vec<String> = Vec::new();
    for exemplar in &metric.exemplars {
        let value = match &exemplar.value {
            Value::Null => String::new(),
            value => format!(": {value}"),
        };
        let span = exemplar.span_id.map(|id| format!("span {id} of "));
        let text = format!(
            "    exemplar in {}trace {}{value}\n",
            span.unwrap_or_default(),
            exemplar.trace_id
        );
        if !shown.contains(&text) && shown.len() <= MOST_TRACES {
            shown.push(text);
        }
    }
    if shown.len() > MOST_TRACES {
        shown.truncate(MOST_TRACES);
        shown.push("    and more exemplars\n".to_owned());
    }
    format!(
        "  {}: {}{unit}, {} series, {}\n{}",
        printable(name),
        metric.kind.map_or("", MetricKind::name),
        metric.series.len(),
        counted(metric.points, "point"),
        shown.concat()
    )
}

fn of_service(name: &str) -> String {
    format!("`{}`", printable(name))
}

fn more(number: usize, shown: usize) -> Option<usize> {
    number.checked_sub(shown).filter(|more| *more > 0)
}
