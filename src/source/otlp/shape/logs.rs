//! The messages of logs.

use super::FieldKind::{Attributes, Enum, Message, Messages, SpanId, Text, Time, TraceId, Uint32};
use super::common::{ANY_VALUE, RESOURCE, SCOPE};
use super::{EnumNames, Others, Shape, field};

/// `ExportLogsServiceRequest`, which is also `LogsData`.
pub(in super::super) static REQUEST: Shape = Shape::message(
    "an export request",
    &[field(1, "resourceLogs", Messages(&RESOURCE_LOGS))],
)
.with_others(Others::WithoutLists("resourceLogs"));

pub(in super::super) static RESOURCE_LOGS: Shape = Shape::message(
    "an item of `resourceLogs`",
    &[
        field(1, "resource", Message(&RESOURCE)),
        field(2, "scopeLogs", Messages(&SCOPE_LOGS)),
    ],
)
.with_others(Others::WithoutLists("scopeLogs"));

static SCOPE_LOGS: Shape = Shape::message(
    "an item of `scopeLogs`",
    &[
        field(1, "scope", Message(&SCOPE)),
        field(2, "logRecords", Messages(&LOG_RECORD)),
    ],
)
.with_others(Others::WithoutLists("logRecords"));

static LOG_RECORD: Shape = Shape::message(
    "a log record",
    &[
        field(1, "timeUnixNano", Time),
        field(11, "observedTimeUnixNano", Time),
        field(2, "severityNumber", Enum(&SEVERITY)),
        field(3, "severityText", Text),
        field(5, "body", Message(&ANY_VALUE)),
        field(6, "attributes", Attributes),
        field(7, "droppedAttributesCount", Uint32),
        field(9, "traceId", TraceId),
        field(10, "spanId", SpanId),
        field(12, "eventName", Text),
    ],
);

static SEVERITY: EnumNames = EnumNames {
    prefix: "SEVERITY_NUMBER_",
    names: &[
        "UNSPECIFIED",
        "TRACE",
        "TRACE2",
        "TRACE3",
        "TRACE4",
        "DEBUG",
        "DEBUG2",
        "DEBUG3",
        "DEBUG4",
        "INFO",
        "INFO2",
        "INFO3",
        "INFO4",
        "WARN",
        "WARN2",
        "WARN3",
        "WARN4",
        "ERROR",
        "ERROR2",
        "ERROR3",
        "ERROR4",
        "FATAL",
        "FATAL2",
        "FATAL3",
        "FATAL4",
    ],
};
