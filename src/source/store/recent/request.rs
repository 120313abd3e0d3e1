//! A recent request, with the places of its records.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::super::entry::{SpanCopy, digest};
use super::super::grouped::{Links, RequestIndex};
use crate::source::otlp::{LogWalk, Pieces, ScopeAt, Walk};
use crate::trace::{SpanId, TraceId};

/// A request that was accepted, and where its records are.
#[derive(Debug)]
pub(in crate::source::store) struct RecentRequest {
    bytes: Box<[u8]>,
    arrived: Instant,
    resources: Box<[Part]>,
    /// Each scope, with the index of its resource.
    scopes: Box<[(u32, Part)]>,
    /// In the order of the request.
    records: Box<[Record]>,
    index: Arc<RequestIndex>,
}

/// The place of a message.
#[derive(Debug)]
enum Part {
    In(Place),
    /// It was sent in pieces.
    Joined(Box<[u8]>),
}

#[derive(Clone, Copy, Debug)]
struct Place {
    at: u32,
    length: u32,
}

#[derive(Debug)]
struct Record {
    place: Place,
    scope: u32,
    trace: Option<TraceId>,
    span: Option<SpanId>,
}

/// A record in a request.
#[derive(Clone, Debug)]
pub(in crate::source::store) struct RecordView<'a> {
    pub(in crate::source::store) trace: Option<TraceId>,
    /// The id of a span; `None` for a log record.
    pub(in crate::source::store) span: Option<SpanId>,
    pub(in crate::source::store) bytes: &'a [u8],
    pub(in crate::source::store) resource: Cow<'a, [u8]>,
    pub(in crate::source::store) scope: Cow<'a, [u8]>,
}

impl RecordView<'_> {
    /// The copy that a span is; `None` for a log record.
    pub(in crate::source::store) fn copy(&self) -> Option<SpanCopy> {
        let span = self.span?;
        Some(SpanCopy::of(span, self.bytes, digest(&self.resource)))
    }
}

impl RecentRequest {
    /// A copy of a request of spans.
    pub(in crate::source::store) fn of_spans(
        request: &[u8],
        walk: &Walk<'_>,
        index: Arc<RequestIndex>,
        arrived: Instant,
    ) -> Self {
        let records = walk.spans.iter().map(|span| Record {
            place: place(request, span.bytes),
            scope: short(span.scope),
            trace: Some(span.trace_id),
            span: Some(span.span_id),
        });
        let owners = (walk.resources.as_slice(), walk.scopes.as_slice());
        Self::new(request, owners, records, index, arrived)
    }

    /// A copy of a request of log records.
    pub(in crate::source::store) fn of_logs(
        request: &[u8],
        walk: &LogWalk<'_>,
        index: Arc<RequestIndex>,
        arrived: Instant,
    ) -> Self {
        let records = walk.records.iter().map(|record| Record {
            place: place(request, record.bytes),
            scope: short(record.scope),
            trace: record.trace_id,
            span: None,
        });
        let owners = (walk.resources.as_slice(), walk.scopes.as_slice());
        Self::new(request, owners, records, index, arrived)
    }

    fn new(
        request: &[u8],
        (resources, scopes): (&[Pieces<'_>], &[ScopeAt<'_>]),
        records: impl Iterator<Item = Record>,
        index: Arc<RequestIndex>,
        arrived: Instant,
    ) -> Self {
        let part = |pieces: &Pieces<'_>| match pieces.joined() {
            Cow::Borrowed(bytes) => Part::In(place(request, bytes)),
            Cow::Owned(bytes) => Part::Joined(bytes.into()),
        };
        let scopes = scopes.iter();
        Self {
            bytes: request.into(),
            arrived,
            resources: resources.iter().map(part).collect(),
            scopes: scopes
                .map(|scope| (short(scope.resource), part(&scope.scope)))
                .collect(),
            records: records.collect(),
            index,
        }
    }

    pub(in crate::source::store) fn arrived(&self) -> Instant {
        self.arrived
    }

    /// The traces of its records, and those that its links refer to.
    pub(in crate::source::store) fn about(&self) -> &[TraceId] {
        self.index.about()
    }

    pub(in crate::source::store) fn links(&self) -> &Links {
        &self.index.links
    }

    /// Its records in order.
    pub(in crate::source::store) fn records(&self) -> impl Iterator<Item = RecordView<'_>> {
        self.records.iter().map(|record| self.view(record))
    }

    /// Its records of this trace in order.
    pub(in crate::source::store) fn records_of(
        &self,
        trace: TraceId,
    ) -> impl Iterator<Item = RecordView<'_>> {
        let positions = self.index.by_trace.of_trace(trace).iter();
        positions.map(|&at| self.view(&self.records[at as usize]))
    }

    /// The memory in bytes.
    pub(super) fn size(&self) -> usize {
        let resources = self.resources.iter();
        let parts = resources.chain(self.scopes.iter().map(|(_, scope)| scope));
        let joined: usize = parts.map(Part::joined_size).sum();
        let lists = size_of_val(&*self.resources)
            + size_of_val(&*self.scopes)
            + size_of_val(&*self.records);
        size_of::<Self>() + self.bytes.len() + joined + lists + self.index.size()
    }

    fn view(&self, record: &Record) -> RecordView<'_> {
        let (resource, scope) = &self.scopes[record.scope as usize];
        RecordView {
            trace: record.trace,
            span: record.span,
            bytes: self.slice(record.place),
            resource: Cow::Borrowed(self.part(&self.resources[*resource as usize])),
            scope: Cow::Borrowed(self.part(scope)),
        }
    }

    fn part<'s>(&'s self, part: &'s Part) -> &'s [u8] {
        match part {
            Part::In(place) => self.slice(*place),
            Part::Joined(bytes) => bytes,
        }
    }

    fn slice(&self, place: Place) -> &[u8] {
        &self.bytes[place.at as usize..][..place.length as usize]
    }
}

impl Part {
    fn joined_size(&self) -> usize {
        match self {
            Self::In(_) => 0,
            Self::Joined(bytes) => bytes.len(),
        }
    }
}

/// The place of a part of a request. An empty part may be elsewhere.
fn place(request: &[u8], part: &[u8]) -> Place {
    let at = match part.is_empty() {
        true => 0,
        false => part.as_ptr().addr() - request.as_ptr().addr(),
    };
    Place {
        at: short(at),
        length: short(part.len()),
    }
}

/// Requests with room are shorter than 4 GiB.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
