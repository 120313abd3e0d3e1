//! Metrics as they are exported: many at a time, and not for one trace.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{Resource, Scope, TraceId};

/// An export of metrics.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MetricExport {
    /// Its arrival.
    pub arrived: Instant,
    /// Its metrics, in order.
    pub metrics: Vec<Metric>,
}

/// One metric of an export, with all its points.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// The process that exported it.
    pub resource: Arc<Resource>,
    /// The meter.
    pub scope: Arc<Scope>,
    /// The traces that its exemplars name. SDKs send an exemplar in one export only.
    pub exemplars: Vec<TraceId>,
    /// OTLP's `Metric` message in protobuf. A process may have 100,000 series, so points are left to
    /// a reader that looks for one metric.
    pub message: Bytes,
}
