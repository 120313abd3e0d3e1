//! The span.

use std::sync::Arc;

use super::{Attributes, Event, Link, Resource, Scope, SpanId, SpanKind, Status, TraceId};

/// Nanoseconds: since the Unix epoch where a moment is meant, else a duration.
pub type Nanos = u64;

/// One timed operation, as the exporter sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span that caused it, in this or another process; nothing for a root.
    pub parent_id: Option<SpanId>,
    /// The name of the operation.
    pub name: String,
    /// Which side of a call it stands for.
    pub kind: SpanKind,
    /// When it started, by its own service's clock.
    pub start: Nanos,
    /// When it ended, by its own service's clock; 0 if it was exported before it ended.
    pub end: Nanos,
    /// How it ended.
    pub status: Status,
    /// Its attributes, and the number of those that were dropped.
    pub attributes: Attributes,
    /// What happened in the course of it.
    pub events: Vec<Event>,
    /// The number of events that are missing from `events`: `dropped_events_count`.
    pub dropped_events: u32,
    /// Spans it refers to without being their child.
    pub links: Vec<Link>,
    /// The number of links that are missing from `links`: `dropped_links_count`, and links whose
    /// ids are invalid.
    pub dropped_links: u32,
    /// The process it comes from.
    pub resource: Arc<Resource>,
    /// The library that made it.
    pub scope: Arc<Scope>,
    /// W3C `tracestate`.
    pub trace_state: String,
}

impl Span {
    /// A span with this name and nothing else: internal, of unset status, without start and end.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId, name: impl Into<String>) -> Self {
        Self {
            trace_id,
            span_id,
            parent_id: None,
            name: name.into(),
            kind: SpanKind::Internal,
            start: 0,
            end: 0,
            status: Status::default(),
            attributes: Attributes::default(),
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            resource: Arc::default(),
            scope: Arc::default(),
            trace_state: String::new(),
        }
    }

    /// `service.name` of its resource.
    #[must_use]
    pub fn service(&self) -> &str {
        self.resource.service()
    }
}
