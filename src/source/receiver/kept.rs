//! A trace that is kept: its spans as raw bytes, and why they are kept.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

use super::lost::Losses;
use crate::source::otlp::{SpanAt, Walk};
use crate::trace::{SpanId, TraceId};

/// One copy of a span: its id, and a digest of everything that was sent with it. An exporter that
/// repeats an export sends the same copy again; a span that is sent again with other content is
/// another copy.
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

/// A span as it came; its resource and scope are shared with its neighbours.
#[derive(Clone, Debug)]
pub(super) struct RawSpan {
    pub(super) bytes: Bytes,
    pub(super) resource: Bytes,
    pub(super) scope: Bytes,
    pub(super) arrived: Instant,
}

/// A trace that somebody follows, or that a link ties to one that somebody follows.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// In order of arrival, each copy once.
    pub(super) spans: Vec<RawSpan>,
    pub(super) seen: HashSet<SpanCopy>,
    /// The traces that its spans have links to.
    pub(super) links: HashSet<TraceId>,
    /// Those who follow it.
    pub(super) followed: Option<Followed>,
    /// The followed traces that it is linked with.
    pub(super) tied_to: HashSet<TraceId>,
    /// Its spans that are known to be lost.
    pub(super) losses: Losses,
}

/// What a trace has that somebody follows.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub(super) followers: usize,
    /// The traces that it is linked with, in the order in which that became known.
    pub(super) ties: Vec<TraceId>,
    /// Counts the changes of this trace and of those that it is linked with.
    pub(super) changes: watch::Sender<u64>,
}

impl Kept {
    /// Whether nobody needs it any longer.
    pub(super) fn is_idle(&self) -> bool {
        self.followed.is_none() && self.tied_to.is_empty()
    }

    /// Tells those who follow it that something changed.
    pub(super) fn notify(&self) {
        if let Some(followed) = &self.followed {
            followed.changes.send_modify(|changes| *changes += 1);
        }
    }
}

/// Copies of the resources and scopes that spans came with, one of each.
#[derive(Debug, Default)]
pub(super) struct Interner(HashSet<Bytes>);

impl Interner {
    /// Services repeat themselves; who does not shall not make us grow.
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
