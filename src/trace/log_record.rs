//! The log record.

use std::sync::Arc;

use super::{Attributes, Nanos, Resource, Scope, SpanId, TraceId, Value};

/// A log record with the id of a trace, as the exporter sent it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogRecord {
    /// The trace in which it was written.
    pub trace_id: TraceId,
    /// The span in which it was written; `None` if that id is missing or invalid.
    pub span_id: Option<SpanId>,
    /// Nanoseconds since the Unix epoch, by the clock of the service, or of the SDK that observed it
    /// if the record has no time of its own.
    pub time: Nanos,
    /// From 1 (TRACE) to 24 (FATAL4); `None` if it is unspecified. Numbers are comparable between
    /// languages, texts are not.
    pub severity: Option<u8>,
    /// The name of the severity in the logging library.
    pub severity_text: String,
    /// A string, or a map from a structured logger; null if it is missing.
    pub body: Value,
    /// The name of an event; empty for other records.
    pub event_name: String,
    /// Its attributes, and the number of those that were dropped.
    pub attributes: Attributes,
    /// The process that exported it.
    pub resource: Arc<Resource>,
    /// The logger.
    pub scope: Arc<Scope>,
}
