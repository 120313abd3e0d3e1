//! The shape of JSON documents in files.

use super::FieldKind::{Message, Messages};
use super::{Shape, common, field, logs, metrics, traces};

/// The keys of a JSON document: of an export request, of an envelope of Tempo or Jaeger with a trace, and of an
/// item of `resourceSpans` that stands alone. Tags are those of the request, and of the item.
pub(in super::super) static DOCUMENT: Shape = Shape::message(
    "an export request",
    &[
        field(1, "resourceSpans", Messages(&traces::RESOURCE_SPANS)),
        field(1, "batches", Messages(&traces::RESOURCE_SPANS)),
        field(1, "trace", Message(&DOCUMENT)),
        field(1, "result", Message(&DOCUMENT)),
        field(1, "resource", Message(&common::RESOURCE)),
        field(2, "scopeSpans", Messages(&traces::SCOPE_SPANS)),
        field(
            1000,
            "instrumentationLibrarySpans",
            Messages(&traces::SCOPE_SPANS),
        ),
        field(1, "resourceLogs", Messages(&logs::RESOURCE_LOGS)),
        field(1, "resourceMetrics", Messages(&metrics::RESOURCE_METRICS)),
    ],
);
