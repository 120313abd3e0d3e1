//! The span.

use std::sync::Arc;

use super::{Attributes, Event, Link, Resource, Scope, SpanId, SpanKind, Status, TraceId, unit_of};

/// Nanoseconds: a time since the Unix epoch, or a duration.
pub type Nanos = u64;

/// One timed operation, as the exporter sent it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its trace id.
    pub trace_id: TraceId,
    /// Its span id.
    pub span_id: SpanId,
    /// The id of its parent, in this or another process; `None` for a root.
    pub parent_id: Option<SpanId>,
    /// The name of the operation.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// Start, by the clock of the service.
    pub start: Nanos,
    /// End, by the clock of the service; 0 if it was exported before its end.
    pub end: Nanos,
    /// Its status.
    pub status: Status,
    /// Its attributes, and the number of those that were dropped.
    pub attributes: Attributes,
    /// Its events.
    pub events: Vec<Event>,
    /// Number of events that are missing from `events`: `dropped_events_count`.
    pub dropped_events: u32,
    /// Its links to spans that are not its parent.
    pub links: Vec<Link>,
    /// Number of links that are missing from `links`: `dropped_links_count`, and links with invalid
    /// ids.
    pub dropped_links: u32,
    /// The process that exported it.
    pub resource: Arc<Resource>,
    /// The library that created it.
    pub scope: Arc<Scope>,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// `flags` of OTLP: the W3C trace flags in the lowest 8 bits; bit 8 if the exporter knows where the parent
    /// is, and bit 9 for a parent in another process. 0 from an exporter that sends no flags.
    pub flags: u32,
}

impl Span {
    /// A span with this name: internal, with unset status, without start and end.
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
            flags: 0,
        }
    }

    /// Supposes that attributes, events or links were dropped where there are as many as SDKs permit by
    /// default. For formats that lose the numbers of dropped ones.
    #[cfg(feature = "run")]
    #[must_use]
    pub(crate) fn with_usual_limits(mut self) -> Self {
        /// `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, and those of events and links.
        const LIMIT: usize = 128;
        let dropped = |number: usize| u32::from(number >= LIMIT);
        let number = self.attributes.iter().len();
        let known = self.attributes.dropped();
        self.attributes = self.attributes.with_dropped(known.max(dropped(number)));
        self.dropped_events = self.dropped_events.max(dropped(self.events.len()));
        self.dropped_links = self.dropped_links.max(dropped(self.links.len()));
        self
    }

    /// Returns `true` if it can have been open at a time that logging libraries may have cut off. It can always if
    /// the time is 0.
    pub(crate) fn may_contain(&self, time: Nanos) -> bool {
        let is_started = self.start <= time.saturating_add(unit_of(time) - 1);
        time == 0 || is_started && (self.end == 0 || time <= self.end)
    }

    /// `service.name` of its resource.
    #[must_use]
    pub fn service(&self) -> &str {
        self.resource.service()
    }
}
