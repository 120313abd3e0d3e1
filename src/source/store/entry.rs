//! A trace that is kept: its records as raw bytes, and the reason why they are kept.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

use super::losses::TraceLosses;
use super::recent::RecordView;
use crate::source::otlp::Signal;
use crate::trace::{SpanId, TraceId};

/// One copy of a span: its id, and a digest of its content and resource. An exporter that repeats
/// an export sends the same copy again; a span that is sent again with other content is another
/// copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanCopy {
    pub(super) span: SpanId,
    pub(super) digest: u64,
}

impl SpanCopy {
    /// The copy with this content, and this digest of the resource.
    pub(super) fn of(span: SpanId, bytes: &[u8], resource: u64) -> Self {
        let mut digest = DefaultHasher::new();
        bytes.hash(&mut digest);
        resource.hash(&mut digest);
        Self {
            span,
            digest: digest.finish(),
        }
    }
}

/// The digest of a resource.
pub(super) fn digest(resource: &[u8]) -> u64 {
    let mut digest = DefaultHasher::new();
    resource.hash(&mut digest);
    digest.finish()
}

/// A span or log record as it arrived. Its resource and scope are shared with other records.
#[derive(Clone, Debug)]
pub(in crate::source) struct RawRecord {
    pub(in crate::source) bytes: Bytes,
    pub(in crate::source) resource: Bytes,
    pub(in crate::source) scope: Bytes,
    pub(in crate::source) arrived: Instant,
}

/// A trace that is followed, or that a link ties to a followed one.
#[derive(Debug, Default)]
pub(super) struct TraceEntry {
    /// No other entry of the store has this number.
    pub(super) number: u64,
    /// In order of arrival; of a span, each copy once.
    pub(super) spans: Vec<RawRecord>,
    /// In order of arrival.
    pub(super) logs: Vec<RawRecord>,
    pub(super) copies: HashSet<SpanCopy>,
    /// The size of `spans`.
    pub(super) span_bytes: usize,
    /// The spans of which the same copy arrived again, each with its resource.
    pub(super) repeats: Vec<(SpanId, Bytes)>,
    /// The traces that its spans link to, each with the number of the link.
    pub(super) links: HashMap<TraceId, u64>,
    /// Links were ignored, because there are too many.
    pub(super) exceeds_ties: bool,
    /// Present while the trace is followed.
    pub(super) followed: Option<Followed>,
    /// The followed traces that it is linked with.
    pub(super) tied_to: HashSet<TraceId>,
    /// Its spans that are known to be lost.
    pub(super) losses: TraceLosses,
    /// Its log records that are known to be lost.
    pub(super) log_losses: TraceLosses,
}

/// State of a followed trace.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub(super) followers: usize,
    /// The linked traces, in the order in which the links became known.
    pub(super) ties: Vec<TraceId>,
    /// Counts the changes of this trace and of the linked ones.
    pub(super) changes: watch::Sender<u64>,
}

impl TraceEntry {
    pub(super) fn records(&self, signal: Signal) -> &[RawRecord] {
        match signal {
            Signal::Traces => &self.spans,
            Signal::Logs => &self.logs,
            // Metrics are not exported for one trace.
            Signal::Metrics => &[],
        }
    }

    pub(super) fn is_followed(&self) -> bool {
        self.followed.is_some()
    }

    /// Returns `true` if it is neither followed nor linked with a followed trace.
    pub(super) fn is_idle(&self) -> bool {
        self.followed.is_none() && self.tied_to.is_empty()
    }

    /// Notifies the followers of a change.
    pub(super) fn notify(&self) {
        if let Some(followed) = &self.followed {
            followed.changes.send_modify(|changes| *changes += 1);
        }
    }
}

impl RawRecord {
    /// The memory of a record of this length, without its resource and scope.
    pub(super) fn size(bytes: &[u8]) -> usize {
        size_of::<Self>() + bytes.len()
    }

    /// The memory of a span of this length in an entry.
    pub(super) fn size_of_span(bytes: &[u8]) -> usize {
        Self::size(bytes) + 2 * size_of::<SpanCopy>()
    }

    /// Copies a record, so that it does not keep the memory of its request.
    pub(super) fn copy(record: &RecordView<'_>, interner: &mut Interner, arrived: Instant) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(record.bytes),
            resource: interner.intern(&record.resource),
            scope: interner.intern(&record.scope),
            arrived,
        }
    }
}

/// Copies of resources and scopes, each stored once.
#[derive(Debug, Default)]
pub(super) struct Interner(HashSet<Bytes>);

impl Interner {
    /// Bound for services that send another resource with each request.
    const CAPACITY: usize = 1024;

    pub(super) fn intern(&mut self, bytes: &[u8]) -> Bytes {
        if let Some(known) = self.0.get(bytes) {
            return known.clone();
        }
        if self.0.len() >= Self::CAPACITY {
            self.0.clear();
        }
        let copy = Bytes::copy_from_slice(bytes);
        self.0.insert(copy.clone());
        copy
    }
}
