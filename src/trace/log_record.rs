//! The log record.

use std::sync::Arc;

use super::{Attributes, Nanos, Resource, Scope, SpanId, TraceId, Value};

/// The log records without a trace id that arrived in some time, and those with the id of any trace.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LogsWithoutTrace {
    /// The records without a trace id, in order of arrival.
    pub records: Vec<Arc<LogRecord>>,
    /// Records whose span did not arrive, or was not open at their time.
    pub stray: Vec<Arc<LogRecord>>,
    /// Records whose span arrived and was open at their time.
    pub in_span: Vec<Arc<LogRecord>>,
    /// None of them was lost.
    pub has_all: bool,
}

/// A log record, as the exporter sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// The trace in which it was written; `None` if that id is missing or invalid.
    pub trace_id: Option<TraceId>,
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
    /// An equal record arrived in another export: the service wrote it twice, or it was sent twice.
    pub is_repeated: bool,
}

impl LogsWithoutTrace {
    /// These records, of which none was lost.
    #[must_use]
    pub fn complete(records: Vec<Arc<LogRecord>>) -> Self {
        Self {
            records,
            has_all: true,
            ..Self::default()
        }
    }
}

impl LogRecord {
    /// An empty record, written in this span.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        Self {
            trace_id: Some(trace_id),
            span_id: Some(span_id),
            time: 0,
            severity: None,
            severity_text: String::new(),
            body: Value::Null,
            event_name: String::new(),
            attributes: Attributes::default(),
            resource: Arc::default(),
            scope: Arc::default(),
            is_repeated: false,
        }
    }

    /// The name of the service, as of a span.
    #[must_use]
    pub fn service(&self) -> &str {
        self.resource.service()
    }
}
