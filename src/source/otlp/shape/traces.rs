//! The messages of traces.

use super::FieldKind::{
    Attributes, Enum, Fixed32, Message, Messages, SpanId, Text, Time, TraceId, Uint32,
};
use super::common::{RESOURCE, SCOPE};
use super::{EnumNames, Others, Shape, field};

/// `ExportTraceServiceRequest`, which is also `TracesData`.
pub(in super::super) static REQUEST: Shape = Shape::message(
    "an export request",
    &[field(1, "resourceSpans", Messages(&RESOURCE_SPANS))],
)
.with_others(Others::OfTraceRequest);

pub(in super::super) static RESOURCE_SPANS: Shape = Shape::message(
    "an item of `resourceSpans`",
    &[
        field(1, "resource", Message(&RESOURCE)),
        field(2, "scopeSpans", Messages(&SCOPE_SPANS)),
        // Their name until version 0.15 of OTLP, and that of the Collector for them.
        field(1000, "instrumentationLibrarySpans", Messages(&SCOPE_SPANS)),
        field(1000, "deprecatedScopeSpans", Messages(&SCOPE_SPANS)),
    ],
)
.with_others(Others::WithoutSpans("scopeSpans"));

pub(in super::super) static SCOPE_SPANS: Shape = Shape::message(
    "an item of `scopeSpans`",
    &[
        field(1, "scope", Message(&SCOPE)),
        field(2, "spans", Messages(&SPAN)),
        field(1, "instrumentationLibrary", Message(&SCOPE)),
    ],
)
.with_others(Others::WithoutSpans("spans"));

static SPAN: Shape = Shape::message(
    "a span",
    // In the order in which most exporters write them.
    &[
        field(1, "traceId", TraceId),
        field(2, "spanId", SpanId),
        field(3, "traceState", Text),
        field(4, "parentSpanId", SpanId),
        field(16, "flags", Fixed32),
        field(5, "name", Text),
        field(6, "kind", Enum(&KIND)),
        field(7, "startTimeUnixNano", Time),
        field(8, "endTimeUnixNano", Time),
        field(9, "attributes", Attributes),
        field(10, "droppedAttributesCount", Uint32),
        field(11, "events", Messages(&EVENT)),
        field(12, "droppedEventsCount", Uint32),
        field(13, "links", Messages(&LINK)),
        field(14, "droppedLinksCount", Uint32),
        field(15, "status", Message(&STATUS)),
    ],
);

static KIND: EnumNames = EnumNames {
    prefix: "SPAN_KIND_",
    names: &[
        "UNSPECIFIED",
        "INTERNAL",
        "SERVER",
        "CLIENT",
        "PRODUCER",
        "CONSUMER",
    ],
};

static EVENT: Shape = Shape::message(
    "an event",
    &[
        field(1, "timeUnixNano", Time),
        field(2, "name", Text),
        field(3, "attributes", Attributes),
        field(4, "droppedAttributesCount", Uint32),
    ],
);

static LINK: Shape = Shape::message(
    "a link",
    &[
        field(1, "traceId", TraceId),
        field(2, "spanId", SpanId),
        field(3, "traceState", Text),
        field(4, "attributes", Attributes),
        field(5, "droppedAttributesCount", Uint32),
        field(6, "flags", Fixed32),
    ],
);

static STATUS: Shape = Shape::message(
    "a status",
    &[
        field(2, "message", Text),
        field(3, "code", Enum(&STATUS_CODE)),
    ],
);

static STATUS_CODE: EnumNames = EnumNames {
    prefix: "STATUS_CODE_",
    names: &["UNSET", "OK", "ERROR"],
};
