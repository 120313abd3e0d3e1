//! Series of metrics, and their points as they arrived.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Attributes, Hole, Nanos, Resource, Scope, SpanId, Trace, TraceId, Value};

/// A series: one metric of one process, with one set of attributes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Series {
    /// The process that exports it.
    pub resource: Arc<Resource>,
    /// The meter.
    pub scope: Arc<Scope>,
    /// The name of the metric.
    pub name: String,
    /// Its unit, such as `s` or `{request}`; may be empty.
    pub unit: String,
    /// The type of its points.
    pub kind: MetricKind,
    /// The meaning of its values.
    pub temporality: Temporality,
    /// The attributes of its points.
    pub attributes: Attributes,
    /// The rules of its names.
    pub naming: Naming,
}

/// The rules of the names of metrics and attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Naming {
    /// As the instrumentation wrote them: `http.server.request.duration`, `http.route`.
    OpenTelemetry,
    /// As an exporter for Prometheus wrote them: `http_server_request_duration_seconds`, `http_route`. All
    /// attributes are strings.
    Prometheus,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// The last value of something.
    Gauge,
    /// A sum; one that never decreases is a counter.
    Sum {
        /// It never decreases.
        is_monotonic: bool,
    },
    /// A histogram, with buckets or exponential.
    Histogram,
    /// Quantiles that the process computed.
    Summary,
}

/// The meaning of the values of a sum or histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Not sent, or a gauge.
    Unspecified,
    /// Each point has the growth since the point before.
    Delta,
    /// Each point has the total since its start.
    Cumulative,
}

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Since when its value counts, by the clock of the process; 0 if unknown.
    pub start: Nanos,
    /// When it was collected, by the clock of the process.
    pub time: Nanos,
    /// Its arrival.
    pub arrived: Instant,
    /// Its value.
    pub value: PointValue,
}

/// The value of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointValue {
    /// An integer of a gauge or sum.
    Int(i64),
    /// A double of a gauge or sum.
    Double(f64),
    /// The measurements of a histogram or summary.
    Measurements {
        /// Their number.
        count: u64,
        /// Their sum; histograms of negative measurements have none.
        sum: Option<f64>,
    },
}

/// The reference from a measurement to the span in which it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The trace.
    pub trace_id: TraceId,
    /// The span; exemplars of Prometheus may have none.
    pub span_id: Option<SpanId>,
    /// The number that was measured; [`Value::Null`] if it is not known.
    pub value: Value,
    /// The attributes of the measurement that its series does not have.
    pub attributes: Attributes,
}

/// A measurement in a span of a trace: an exemplar, with its series.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanExemplar {
    /// The span.
    pub span_id: SpanId,
    /// The name of the metric.
    pub metric: String,
    /// The unit of the metric; may be empty.
    pub unit: String,
    /// The number that was measured; [`Value::Null`] if it is not known.
    pub value: Value,
    /// The attributes of the series, then those of the measurement alone.
    pub attributes: Attributes,
}

/// A series with the points that were kept.
#[derive(Clone, Debug)]
pub struct SeriesRecord {
    /// The series.
    pub series: Series,
    /// Its process, among those of the [`MetricRecords`].
    pub process: ProcessId,
    /// In order of arrival. The first may be from before the window.
    pub points: Vec<Point>,
    /// Arrival and time of the last point without a value.
    pub without_value: Option<(Instant, Nanos)>,
    /// The exemplars of all points of the window. SDKs send each in one export only.
    pub exemplars: Vec<Exemplar>,
}

/// Identity of a process: a digest of its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId(pub(crate) u64);

/// A process that exports metrics.
#[derive(Clone, Debug)]
pub struct ProcessRecord {
    /// Its resource.
    pub resource: Arc<Resource>,
    /// The arrival of each export, with the time of its latest point. The first may be from before the
    /// window.
    pub exports: Vec<(Instant, Nanos)>,
    /// Nanoseconds by which its clock is known to be ahead: a point arrived before its own time.
    pub ahead: Nanos,
}

/// The series that are known, with the points that arrived in a window.
#[derive(Clone, Debug, Default)]
pub struct MetricRecords {
    /// All series.
    pub series: Vec<Arc<SeriesRecord>>,
    /// All processes.
    pub processes: HashMap<ProcessId, ProcessRecord>,
    /// Known losses.
    pub holes: Vec<MetricHole>,
}

/// Metrics that were sent and are not in the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricHole {
    /// The name of the metric; `None` if it may be any.
    pub name: Option<String>,
    /// The service; `None` if it may be any.
    pub service: Option<String>,
    /// The service in the project file whose endpoint could not be read.
    pub scraped: Option<String>,
    /// Reason and remedy.
    pub hole: Hole,
}

impl MetricRecords {
    /// Only what arrived since this moment. Series and processes without anything are left out.
    #[cfg(feature = "run")]
    pub(crate) fn since(mut self, moment: Instant) -> Self {
        for record in &mut self.series {
            let record = Arc::make_mut(record);
            record.points.retain(|point| point.arrived >= moment);
            record.without_value = record
                .without_value
                .filter(|(arrived, _)| *arrived >= moment);
        }
        self.series
            .retain(|record| !record.points.is_empty() || record.without_value.is_some());
        for process in self.processes.values_mut() {
            process.exports.retain(|(arrived, _)| *arrived >= moment);
        }
        self.processes
            .retain(|_, process| !process.exports.is_empty());
        self
    }

    /// Without points of these values, which markers have.
    #[cfg(feature = "run")]
    pub(crate) fn without(mut self, markers: &[i64]) -> Self {
        let is_marker = |point: &Point| matches!(point.value, PointValue::Int(value) if markers.contains(&value));
        self.series
            .retain(|record| !record.points.iter().all(is_marker) || record.points.is_empty());
        self
    }

    /// The exemplars in spans of a trace and its linked traces, by metric; not more than this number.
    #[must_use]
    pub fn exemplars_of(&self, trace: &Trace, most: usize) -> Vec<SpanExemplar> {
        let ids: Vec<TraceId> = std::iter::once(trace)
            .chain(trace.linked())
            .map(Trace::id)
            .collect();
        let mut found: Vec<SpanExemplar> = Vec::new();
        for SeriesRecord {
            series, exemplars, ..
        } in self.series.iter().map(|record| &**record)
        {
            let of_trace = exemplars.iter().filter(|one| ids.contains(&one.trace_id));
            for exemplar in of_trace.take(most - found.len()) {
                let Some(one) = SpanExemplar::of(series, exemplar) else {
                    continue;
                };
                // Some SDKs send an exemplar in several exports.
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
        found.sort_by_cached_key(|one| (one.metric.clone(), format!("{:?}", one.attributes)));
        found
    }
}

impl SpanExemplar {
    /// `None` if the exemplar names no span.
    fn of(series: &Series, exemplar: &Exemplar) -> Option<Self> {
        let attributes = series.attributes.iter().chain(exemplar.attributes.iter());
        let attributes = attributes.map(|(key, value)| (key, value.clone()));
        Some(Self {
            span_id: exemplar.span_id?,
            metric: series.name.clone(),
            unit: series.unit.clone(),
            value: exemplar.value.clone(),
            attributes: attributes.collect(),
        })
    }
}

impl MetricKind {
    /// Its word in specs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Sum { .. } => "sum",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }

    /// Returns `true` if values of a cumulative series never decrease, except after a restart.
    #[must_use]
    pub fn is_monotonic(self) -> bool {
        match self {
            Self::Gauge => false,
            Self::Sum { is_monotonic } => is_monotonic,
            Self::Histogram | Self::Summary => true,
        }
    }
}

impl ProcessRecord {
    /// A time of this process, not later than by the clock of this machine.
    #[must_use]
    pub fn corrected(&self, time: Nanos) -> Nanos {
        time.saturating_sub(self.ahead)
    }
}
