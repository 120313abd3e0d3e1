//! The fields of OTLP's messages of metrics, by which `metric_wire` changes and writes them without losing one.

/// A message.
#[derive(Debug)]
pub(super) struct Shape {
    /// Its name in error messages, such as `a data point`.
    pub(super) name: &'static str,
    pub(super) fields: &'static [ShapeField],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct ShapeField {
    /// Its key in JSON.
    pub(super) name: &'static str,
    pub(super) tag: u32,
    pub(super) kind: FieldKind,
}

/// The type of a field.
#[derive(Debug)]
pub(super) enum FieldKind {
    Message(&'static Shape),
    Messages(&'static Shape),
    /// The same, of data points.
    Points(&'static Shape),
    /// `KeyValue` messages.
    Attributes,
    Text,
    Texts,
    /// A time, as a fixed64.
    Time,
    Fixed64,
    SFixed64,
    Double,
    Uint32,
    Sint32,
    Bool,
    Temporality,
    Fixed64s,
    Doubles,
    Uint64s,
    TraceId,
    SpanId,
}

use FieldKind::{
    Attributes, Bool, Double, Doubles, Fixed64, Fixed64s, Message, Messages, Points, SFixed64,
    Sint32, SpanId, Temporality, Text, Texts, Time, TraceId, Uint32, Uint64s,
};

impl Shape {
    pub(super) fn of_tag(&self, tag: u32) -> Option<&'static ShapeField> {
        self.fields.iter().find(|field| field.tag == tag)
    }

    pub(super) fn of_key(&self, key: &str) -> Option<&'static ShapeField> {
        self.fields.iter().find(|field| field.name == key)
    }
}

const fn field(tag: u32, name: &'static str, kind: FieldKind) -> ShapeField {
    ShapeField { name, tag, kind }
}

/// `ExportMetricsServiceRequest`, which is also `MetricsData`.
pub(super) static REQUEST: Shape = Shape {
    name: "an export request",
    fields: &[field(1, "resourceMetrics", Messages(&RESOURCE_METRICS))],
};

static RESOURCE_METRICS: Shape = Shape {
    name: "an item of `resourceMetrics`",
    fields: &[
        field(1, "resource", Message(&RESOURCE)),
        field(2, "scopeMetrics", Messages(&SCOPE_METRICS)),
        field(3, "schemaUrl", Text),
    ],
};

static RESOURCE: Shape = Shape {
    name: "a resource",
    fields: &[
        field(1, "attributes", Attributes),
        field(2, "droppedAttributesCount", Uint32),
        field(3, "entityRefs", Messages(&ENTITY)),
    ],
};

static ENTITY: Shape = Shape {
    name: "an item of `entityRefs`",
    fields: &[
        field(1, "schemaUrl", Text),
        field(2, "type", Text),
        field(3, "idKeys", Texts),
        field(4, "descriptionKeys", Texts),
    ],
};

static SCOPE_METRICS: Shape = Shape {
    name: "an item of `scopeMetrics`",
    fields: &[
        field(1, "scope", Message(&SCOPE)),
        field(2, "metrics", Messages(&METRIC)),
        field(3, "schemaUrl", Text),
    ],
};

static SCOPE: Shape = Shape {
    name: "a scope",
    fields: &[
        field(1, "name", Text),
        field(2, "version", Text),
        field(3, "attributes", Attributes),
        field(4, "droppedAttributesCount", Uint32),
    ],
};

static METRIC: Shape = Shape {
    name: "a metric",
    fields: &[
        field(1, "name", Text),
        field(2, "description", Text),
        field(3, "unit", Text),
        field(5, "gauge", Message(&GAUGE)),
        field(7, "sum", Message(&SUM)),
        field(9, "histogram", Message(&HISTOGRAM)),
        field(10, "exponentialHistogram", Message(&EXPONENTIAL)),
        field(11, "summary", Message(&SUMMARY)),
        field(12, "metadata", Attributes),
    ],
};

static GAUGE: Shape = Shape {
    name: "a gauge",
    fields: &[field(1, "dataPoints", Points(&NUMBER_POINT))],
};

static SUM: Shape = Shape {
    name: "a sum",
    fields: &[
        field(1, "dataPoints", Points(&NUMBER_POINT)),
        field(2, "aggregationTemporality", Temporality),
        field(3, "isMonotonic", Bool),
    ],
};

static HISTOGRAM: Shape = Shape {
    name: "a histogram",
    fields: &[
        field(1, "dataPoints", Points(&HISTOGRAM_POINT)),
        field(2, "aggregationTemporality", Temporality),
    ],
};

static EXPONENTIAL: Shape = Shape {
    name: "an exponential histogram",
    fields: &[
        field(1, "dataPoints", Points(&EXPONENTIAL_POINT)),
        field(2, "aggregationTemporality", Temporality),
    ],
};

static SUMMARY: Shape = Shape {
    name: "a summary",
    fields: &[field(1, "dataPoints", Points(&SUMMARY_POINT))],
};

static NUMBER_POINT: Shape = Shape {
    name: "a data point",
    fields: &[
        field(2, "startTimeUnixNano", Time),
        field(3, "timeUnixNano", Time),
        field(4, "asDouble", Double),
        field(5, "exemplars", Messages(&EXEMPLAR)),
        field(6, "asInt", SFixed64),
        field(7, "attributes", Attributes),
        field(8, "flags", Uint32),
    ],
};

static HISTOGRAM_POINT: Shape = Shape {
    name: "a data point of a histogram",
    fields: &[
        field(2, "startTimeUnixNano", Time),
        field(3, "timeUnixNano", Time),
        field(4, "count", Fixed64),
        field(5, "sum", Double),
        field(6, "bucketCounts", Fixed64s),
        field(7, "explicitBounds", Doubles),
        field(8, "exemplars", Messages(&EXEMPLAR)),
        field(9, "attributes", Attributes),
        field(10, "flags", Uint32),
        field(11, "min", Double),
        field(12, "max", Double),
    ],
};

static EXPONENTIAL_POINT: Shape = Shape {
    name: "a data point of an exponential histogram",
    fields: &[
        field(1, "attributes", Attributes),
        field(2, "startTimeUnixNano", Time),
        field(3, "timeUnixNano", Time),
        field(4, "count", Fixed64),
        field(5, "sum", Double),
        field(6, "scale", Sint32),
        field(7, "zeroCount", Fixed64),
        field(8, "positive", Message(&BUCKETS)),
        field(9, "negative", Message(&BUCKETS)),
        field(10, "flags", Uint32),
        field(11, "exemplars", Messages(&EXEMPLAR)),
        field(12, "min", Double),
        field(13, "max", Double),
        field(14, "zeroThreshold", Double),
    ],
};

static BUCKETS: Shape = Shape {
    name: "buckets",
    fields: &[
        field(1, "offset", Sint32),
        field(2, "bucketCounts", Uint64s),
    ],
};

static SUMMARY_POINT: Shape = Shape {
    name: "a data point of a summary",
    fields: &[
        field(2, "startTimeUnixNano", Time),
        field(3, "timeUnixNano", Time),
        field(4, "count", Fixed64),
        field(5, "sum", Double),
        field(6, "quantileValues", Messages(&QUANTILE)),
        field(7, "attributes", Attributes),
        field(8, "flags", Uint32),
    ],
};

static QUANTILE: Shape = Shape {
    name: "a value at a quantile",
    fields: &[field(1, "quantile", Double), field(2, "value", Double)],
};

static EXEMPLAR: Shape = Shape {
    name: "an exemplar",
    fields: &[
        field(2, "timeUnixNano", Time),
        field(3, "asDouble", Double),
        field(4, "spanId", SpanId),
        field(5, "traceId", TraceId),
        field(6, "asInt", SFixed64),
        field(7, "filteredAttributes", Attributes),
    ],
};
