//! The messages of metrics.

use super::FieldKind::{
    Attributes, Bool, Double, Doubles, Enum, Fixed64, Fixed64s, Message, Messages, Points,
    SFixed64, Sint32, SpanId, Text, Time, TraceId, Uint32, Uint64s,
};
use super::common::{RESOURCE, SCOPE};
use super::{EnumNames, Shape, field};

static TEMPORALITY: EnumNames = EnumNames {
    prefix: "AGGREGATION_TEMPORALITY_",
    names: &["UNSPECIFIED", "DELTA", "CUMULATIVE"],
};

/// `ExportMetricsServiceRequest`, which is also `MetricsData`.
pub(in super::super) static REQUEST: Shape = Shape::message(
    "an export request",
    &[field(1, "resourceMetrics", Messages(&RESOURCE_METRICS))],
);

pub(in super::super) static RESOURCE_METRICS: Shape = Shape::message(
    "an item of `resourceMetrics`",
    &[
        field(1, "resource", Message(&RESOURCE)),
        field(2, "scopeMetrics", Messages(&SCOPE_METRICS)),
        field(3, "schemaUrl", Text),
    ],
);

static SCOPE_METRICS: Shape = Shape::message(
    "an item of `scopeMetrics`",
    &[
        field(1, "scope", Message(&SCOPE)),
        field(2, "metrics", Messages(&METRIC)),
        field(3, "schemaUrl", Text),
    ],
);

static METRIC: Shape = Shape::message(
    "a metric",
    &[
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
);

static GAUGE: Shape = Shape::message("a gauge", &[field(1, "dataPoints", Points(&NUMBER_POINT))]);

static SUM: Shape = Shape::message(
    "a sum",
    &[
        field(1, "dataPoints", Points(&NUMBER_POINT)),
        field(2, "aggregationTemporality", Enum(&TEMPORALITY)),
        field(3, "isMonotonic", Bool),
    ],
);

static HISTOGRAM: Shape = Shape::message(
    "a histogram",
    &[
        field(1, "dataPoints", Points(&HISTOGRAM_POINT)),
        field(2, "aggregationTemporality", Enum(&TEMPORALITY)),
    ],
);

static EXPONENTIAL: Shape = Shape::message(
    "an exponential histogram",
    &[
        field(1, "dataPoints", Points(&EXPONENTIAL_POINT)),
        field(2, "aggregationTemporality", Enum(&TEMPORALITY)),
    ],
);

static SUMMARY: Shape = Shape::message(
    "a summary",
    &[field(1, "dataPoints", Points(&SUMMARY_POINT))],
);

static NUMBER_POINT: Shape = Shape::message(
    "a data point",
    &[
        field(2, "startTimeUnixNano", Time),
        field(3, "timeUnixNano", Time),
        field(4, "asDouble", Double),
        field(5, "exemplars", Messages(&EXEMPLAR)),
        field(6, "asInt", SFixed64),
        field(7, "attributes", Attributes),
        field(8, "flags", Uint32),
    ],
);

static HISTOGRAM_POINT: Shape = Shape::message(
    "a data point of a histogram",
    &[
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
);

static EXPONENTIAL_POINT: Shape = Shape::message(
    "a data point of an exponential histogram",
    &[
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
);

static BUCKETS: Shape = Shape::message(
    "buckets",
    &[
        field(1, "offset", Sint32),
        field(2, "bucketCounts", Uint64s),
    ],
);

static SUMMARY_POINT: Shape = Shape::message(
    "a data point of a summary",
    &[
        field(2, "startTimeUnixNano", Time),
        field(3, "timeUnixNano", Time),
        field(4, "count", Fixed64),
        field(5, "sum", Double),
        field(6, "quantileValues", Messages(&QUANTILE)),
        field(7, "attributes", Attributes),
        field(8, "flags", Uint32),
    ],
);

static QUANTILE: Shape = Shape::message(
    "a value at a quantile",
    &[field(1, "quantile", Double), field(2, "value", Double)],
);

static EXEMPLAR: Shape = Shape::message(
    "an exemplar",
    &[
        field(2, "timeUnixNano", Time),
        field(3, "asDouble", Double),
        field(4, "spanId", SpanId),
        field(5, "traceId", TraceId),
        field(6, "asInt", SFixed64),
        field(7, "filteredAttributes", Attributes),
    ],
);
