//! A trace that is kept: its records as raw bytes, and the reason why they are kept.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

use super::losses::TraceLosses;
use crate::source::otlp::{Pieces, RecordWalk, ScopeAt, Signal, SpanAt, Walk};
use crate::trace::{SpanId, TraceId};

/// One copy of a span: its id, and a digest of its content and resource. An exporter that repeats
/// an export sends the same copy again; a span that is sent again with other content is another
/// copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanCopy(SpanId, u64);

impl SpanCopy {
    pub(super) fn of(walk: &Walk<'_>, span: &SpanAt<'_>) -> Self {
        let resource = &walk.resources[walk.scopes[span.scope].resource];
        let mut digest = DefaultHasher::new();
        span.bytes.hash(&mut digest);
        resource.joined().hash(&mut digest);
        Self(span.span_id, digest.finish())
    }
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
    /// In order of arrival; of a span, each copy once.
    pub(super) spans: Vec<RawRecord>,
    /// In order of arrival.
    pub(super) logs: Vec<RawRecord>,
    pub(super) copies: HashSet<SpanCopy>,
    /// The spans of which the same copy arrived again, each with its resource.
    pub(super) repeats: Vec<(SpanId, Bytes)>,
    /// The traces that its spans link to.
    pub(super) links: HashSet<TraceId>,
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

/// The resources and scopes of a request.
#[derive(Clone, Copy)]
pub(super) struct Owners<'w, 'a> {
    pub(super) resources: &'w [Pieces<'a>],
    pub(super) scopes: &'w [ScopeAt<'a>],
}

impl<'w, 'a> From<&'w Walk<'a>> for Owners<'w, 'a> {
    fn from(walk: &'w Walk<'a>) -> Self {
        Self {
            resources: &walk.resources,
            scopes: &walk.scopes,
        }
    }
}

impl<'w, 'a, R> From<&'w RecordWalk<'a, R>> for Owners<'w, 'a> {
    fn from(walk: &'w RecordWalk<'a, R>) -> Self {
        Self {
            resources: &walk.resources,
            scopes: &walk.scopes,
        }
    }
}

impl RawRecord {
    /// The memory of a record of this length, without its resource and scope.
    pub(super) fn size(bytes: &[u8]) -> usize {
        size_of::<Self>() + bytes.len()
    }

    /// Copies a record of this scope, so that it does not keep the memory of its request.
    pub(super) fn copy(
        bytes: &[u8],
        scope: usize,
        owners: Owners<'_, '_>,
        interner: &mut Interner,
        arrived: Instant,
    ) -> Self {
        let scope = &owners.scopes[scope];
        Self {
            bytes: Bytes::copy_from_slice(bytes),
            resource: interner.intern(&owners.resources[scope.resource].joined()),
            scope: interner.intern(&scope.scope.joined()),
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
