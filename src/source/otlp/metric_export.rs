//! An export of metrics, as points of series.
//!
//! Series are identified by digests, so that the attributes of a series are decoded only once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use super::attribute::text;
use super::decode::attributes;
use super::error::Malformed;
use super::metric_message::{
    ExemplarMessage, ExemplarValue, MetricData, MetricMessage, MetricsData, NumberPoint,
    NumberValue, ResourceMetrics,
};
use crate::trace::{
    Exemplar, MetricKind, Naming, Nanos, PointValue, ProcessId, Resource, Scope, Series, SpanId,
    Temporality, TraceId, Value,
};

/// The flag of a point without a value.
const NO_RECORDED_VALUE: u32 = 1;

/// The points of an export, by process.
#[derive(Debug, Default)]
pub(crate) struct MetricExport {
    pub(crate) processes: Vec<ProcessExport>,
}

/// The points of one process.
#[derive(Debug)]
pub(crate) struct ProcessExport {
    pub(crate) id: ProcessId,
    pub(crate) resource: Arc<Resource>,
    /// The time of an export that may have no point.
    pub(crate) time: Option<Nanos>,
    pub(crate) points: Vec<SeriesExport>,
}

/// One point of a series.
#[derive(Debug)]
pub(crate) struct SeriesExport {
    /// A digest of what identifies the series.
    pub(crate) id: u64,
    pub(crate) start: Nanos,
    pub(crate) time: Nanos,
    /// `None` if the process sent a point without one.
    pub(crate) value: Option<PointValue>,
    pub(crate) exemplars: Vec<Exemplar>,
    metric: Arc<MetricHead>,
    attributes: Vec<Bytes>,
}

/// The parts that all series of a metric share.
#[derive(Debug)]
struct MetricHead {
    scope: Arc<Scope>,
    name: String,
    unit: String,
    kind: MetricKind,
    temporality: Temporality,
    naming: Naming,
}

/// A point as sent, of any type.
struct RawPoint {
    start: Nanos,
    time: Nanos,
    value: Option<PointValue>,
    flags: u32,
    attributes: Vec<Bytes>,
    exemplars: Vec<ExemplarMessage>,
}

impl MetricExport {
    /// Decodes an `ExportMetricsServiceRequest`.
    pub(crate) fn decode(request: Bytes) -> Result<Self, Malformed> {
        Ok(MetricsData::decode(request)?.into())
    }

    /// The points in metrics that were scraped, of this time or later, with the identities of their processes.
    #[cfg(feature = "run")]
    pub(crate) fn scraped(blocks: Vec<(String, ResourceMetrics)>, time: Nanos) -> Self {
        let processes = blocks.into_iter().map(|(identity, block)| {
            let mut digest = DefaultHasher::new();
            identity.hash(&mut digest);
            ProcessExport {
                time: Some(time),
                ..process(block, ProcessId(digest.finish()), Naming::Prometheus)
            }
        });
        Self {
            processes: processes.collect(),
        }
    }
}

impl From<MetricsData> for MetricExport {
    fn from(data: MetricsData) -> Self {
        let blocks = data.resource_metrics.into_iter();
        let processes = blocks.map(|block| {
            let resource = block.resource.as_ref();
            let id = unordered(resource.map_or(&[], |resource| &resource.attributes));
            process(block, ProcessId(id), Naming::OpenTelemetry)
        });
        Self {
            processes: processes.collect(),
        }
    }
}

impl SeriesExport {
    /// The name of the metric.
    pub(crate) fn name(&self) -> &str {
        &self.metric.name
    }

    /// The rules of its names.
    pub(crate) fn naming(&self) -> Naming {
        self.metric.naming
    }

    /// The unit of the metric; may be empty.
    #[cfg(feature = "_pure")]
    pub(crate) fn unit(&self) -> &str {
        &self.metric.unit
    }

    #[cfg(feature = "_pure")]
    pub(crate) fn kind(&self) -> MetricKind {
        self.metric.kind
    }

    /// The series of the point, which belongs to the process with this resource.
    pub(crate) fn series(&self, resource: &Arc<Resource>) -> Series {
        Series {
            resource: Arc::clone(resource),
            scope: Arc::clone(&self.metric.scope),
            name: self.metric.name.clone(),
            unit: self.metric.unit.clone(),
            kind: self.metric.kind,
            temporality: self.metric.temporality,
            attributes: attributes(self.attributes.clone(), 0),
            naming: self.metric.naming,
        }
    }
}

fn process(block: ResourceMetrics, id: ProcessId, naming: Naming) -> ProcessExport {
    let resource = block.resource.unwrap_or_default();
    let mut points = Vec::new();
    for block in block.scope_metrics {
        let message = block.scope.unwrap_or_default();
        let mut digest = DefaultHasher::new();
        (id.0, &message.name, &message.version).hash(&mut digest);
        unordered(&message.attributes).hash(&mut digest);
        let (scope, scope_id) = (Arc::new(Scope::from(message)), digest.finish());
        for metric in block.metrics {
            add_points(&mut points, metric, &scope, (scope_id, naming));
        }
    }
    ProcessExport {
        time: None,
        id,
        resource: Arc::new(resource.into()),
        points,
    }
}

/// A digest that does not depend on the order.
fn unordered(attributes: &[Bytes]) -> u64 {
    let digests = attributes.iter().map(|attribute| {
        let mut digest = DefaultHasher::new();
        attribute.hash(&mut digest);
        digest.finish()
    });
    digests.fold(0, u64::wrapping_add)
}

fn add_points(
    points: &mut Vec<SeriesExport>,
    metric: MetricMessage,
    scope: &Arc<Scope>,
    (scope_id, naming): (u64, Naming),
) {
    let Some(data) = metric.data else {
        return;
    };
    let (kind, temporality, raw) = read(data);
    let metric = Arc::new(MetricHead {
        scope: Arc::clone(scope),
        name: text(&metric.name),
        unit: text(&metric.unit),
        kind,
        temporality,
        naming,
    });
    for point in raw {
        let value = point.value.filter(|_| point.flags & NO_RECORDED_VALUE == 0);
        let mut digest = DefaultHasher::new();
        (scope_id, &metric.name, &metric.unit, kind, temporality).hash(&mut digest);
        unordered(&point.attributes).hash(&mut digest);
        points.push(SeriesExport {
            id: digest.finish(),
            start: point.start,
            time: point.time,
            value,
            exemplars: point.exemplars.iter().filter_map(exemplar).collect(),
            metric: Arc::clone(&metric),
            attributes: point.attributes,
        });
    }
}

fn read(data: MetricData) -> (MetricKind, Temporality, Vec<RawPoint>) {
    match data {
        MetricData::Gauge(gauge) => {
            let points = gauge.data_points.into_iter().map(RawPoint::from);
            (
                MetricKind::Gauge,
                Temporality::Unspecified,
                points.collect(),
            )
        }
        MetricData::Sum(sum) => {
            let kind = MetricKind::Sum {
                is_monotonic: sum.is_monotonic,
            };
            let points = sum.data_points.into_iter().map(RawPoint::from);
            (
                kind,
                temporality(sum.aggregation_temporality),
                points.collect(),
            )
        }
        MetricData::Histogram(histogram) => {
            let points = histogram.data_points.into_iter().map(|point| RawPoint {
                start: point.start_time_unix_nano,
                time: point.time_unix_nano,
                value: Some(measurements(point.count, point.sum)),
                flags: point.flags,
                attributes: point.attributes,
                exemplars: point.exemplars,
            });
            (
                MetricKind::Histogram,
                temporality(histogram.aggregation_temporality),
                points.collect(),
            )
        }
        MetricData::Exponential(histogram) => {
            let points = histogram.data_points.into_iter().map(|point| RawPoint {
                start: point.start_time_unix_nano,
                time: point.time_unix_nano,
                value: Some(measurements(point.count, point.sum)),
                flags: point.flags,
                attributes: point.attributes,
                exemplars: point.exemplars,
            });
            (
                MetricKind::Histogram,
                temporality(histogram.aggregation_temporality),
                points.collect(),
            )
        }
        MetricData::Summary(summary) => {
            let points = summary.data_points.into_iter().map(|point| RawPoint {
                start: point.start_time_unix_nano,
                time: point.time_unix_nano,
                value: Some(measurements(point.count, Some(point.sum))),
                flags: point.flags,
                attributes: point.attributes,
                exemplars: Vec::new(),
            });
            // OTLP defines the values of a summary as totals.
            (
                MetricKind::Summary,
                Temporality::Cumulative,
                points.collect(),
            )
        }
    }
}

fn measurements(count: u64, sum: Option<f64>) -> PointValue {
    PointValue::Measurements { count, sum }
}

impl From<NumberPoint> for RawPoint {
    fn from(point: NumberPoint) -> Self {
        Self {
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            value: point.value.map(|value| match value {
                NumberValue::Int(int) => PointValue::Int(int),
                NumberValue::Double(double) => PointValue::Double(double),
            }),
            flags: point.flags,
            attributes: point.attributes,
            exemplars: point.exemplars,
        }
    }
}

fn temporality(number: i32) -> Temporality {
    match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    }
}

/// `None` if one of its ids is invalid, or there is no trace id.
fn exemplar(message: &ExemplarMessage) -> Option<Exemplar> {
    let span_id = match message.span_id.is_empty() {
        true => None,
        false => Some(SpanId::from_slice(&message.span_id)?),
    };
    Some(Exemplar {
        trace_id: TraceId::from_slice(&message.trace_id)?,
        span_id,
        value: match message.value {
            Some(ExemplarValue::Int(int)) => Value::Int(int),
            Some(ExemplarValue::Double(double)) => Value::Double(double),
            None => Value::Null,
        },
        attributes: attributes(message.filtered_attributes.clone(), 0),
    })
}
