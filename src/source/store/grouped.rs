//! The records and links of a request by trace. They are grouped before the store is locked, so that the time under
//! the lock depends on the traces that are kept.

use crate::source::otlp::{LinkAt, LogWalk, Walk};
use crate::trace::TraceId;

/// The traces of a request.
#[derive(Debug)]
pub(super) struct RequestIndex {
    pub(super) by_trace: ByTrace,
    pub(super) links: Links,
    /// The traces of its records, and those that its links refer to. `None` if a link refers to no other trace.
    with_linked: Option<Box<[TraceId]>>,
}

impl RequestIndex {
    /// The index of a request of spans.
    pub(super) fn of_spans(walk: &Walk<'_>) -> Self {
        let by_trace = ByTrace::of(walk.spans.len(), |at| Some(walk.spans[at].trace_id));
        Self::new(by_trace, Links::of(&walk.links))
    }

    /// The index of a request of log records.
    pub(super) fn of_logs(walk: &LogWalk<'_>) -> Self {
        let by_trace = ByTrace::of(walk.records.len(), |at| walk.records[at].trace_id);
        Self::new(by_trace, Links::default())
    }

    fn new(by_trace: ByTrace, links: Links) -> Self {
        let linked = links.all().iter().map(|link| link.to);
        let mut others: Vec<TraceId> = linked.filter(|to| !by_trace.contains(*to)).collect();
        let with_linked = (!others.is_empty()).then(|| {
            others.extend_from_slice(by_trace.traces());
            others.sort_unstable();
            others.dedup();
            others.into()
        });
        Self {
            by_trace,
            links,
            with_linked,
        }
    }

    /// The traces of its records, and those that its links refer to. Each once, sorted.
    pub(super) fn about(&self) -> &[TraceId] {
        let own = self.by_trace.traces();
        self.with_linked.as_deref().unwrap_or(own)
    }

    /// The memory in bytes.
    pub(super) fn size(&self) -> usize {
        let linked = self.with_linked.as_deref().map_or(0, size_of_val);
        size_of::<Self>() + self.by_trace.size() + self.links.size() + linked
    }
}

/// Positions of records by trace, in order within each trace.
#[derive(Debug, Default)]
pub(super) struct ByTrace {
    /// Each trace once, sorted.
    traces: Box<[TraceId]>,
    /// The end of each trace in `positions`.
    ends: Box<[u32]>,
    positions: Box<[u32]>,
}

impl ByTrace {
    /// Groups this number of records by their traces; those without a trace are left out.
    pub(super) fn of(number: usize, trace: impl Fn(usize) -> Option<TraceId>) -> Self {
        let at = |position: u32| trace(position as usize);
        let all = 0..u32::try_from(number).unwrap_or(u32::MAX);
        let mut positions: Box<[u32]> = all.filter(|&position| at(position).is_some()).collect();
        positions.sort_unstable_by_key(|&position| (at(position), position));
        let (mut traces, mut ends) = (Vec::new(), Vec::new());
        for part in positions.chunk_by(|&one, &next| at(one) == at(next)) {
            let before = ends.last().copied().unwrap_or(0);
            traces.extend(at(part[0]));
            ends.push(before + u32::try_from(part.len()).unwrap_or(u32::MAX));
        }
        Self {
            traces: traces.into(),
            ends: ends.into(),
            positions,
        }
    }

    /// Each trace once, sorted.
    pub(super) fn traces(&self) -> &[TraceId] {
        &self.traces
    }

    /// The positions of the records of a trace.
    pub(super) fn of_trace(&self, trace: TraceId) -> &[u32] {
        self.traces
            .binary_search(&trace)
            .map_or(&[], |at| self.at(at))
    }

    /// Each trace, with the number of its records.
    pub(super) fn counts(&self) -> impl Iterator<Item = (TraceId, usize)> {
        let numbered = self.traces.iter().enumerate();
        numbered.map(|(at, &trace)| (trace, self.at(at).len()))
    }

    pub(super) fn contains(&self, trace: TraceId) -> bool {
        self.traces.binary_search(&trace).is_ok()
    }

    /// The memory of the lists in bytes.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.traces) + size_of_val(&*self.ends) + size_of_val(&*self.positions)
    }

    fn at(&self, at: usize) -> &[u32] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.positions[start as usize..self.ends[at] as usize]
    }
}

/// The links of a request, each pair of traces once.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// By the trace that has the link, in order within each.
    by_from: Box<[LinkAt]>,
    /// By the trace that it refers to, in order within each.
    by_to: Box<[LinkAt]>,
}

impl Links {
    pub(super) fn of(links: &[LinkAt]) -> Self {
        let mut all: Vec<(LinkAt, usize)> = links.iter().copied().zip(0..).collect();
        all.sort_unstable_by_key(|(link, at)| (link.from, link.to, *at));
        all.dedup_by_key(|(link, _)| *link);
        let mut sorted = |key: fn(&LinkAt) -> TraceId| {
            all.sort_unstable_by_key(|(link, at)| (key(link), *at));
            all.iter().map(|(link, _)| *link).collect()
        };
        Self {
            by_from: sorted(|link| link.from),
            by_to: sorted(|link| link.to),
        }
    }

    /// Each pair once.
    pub(super) fn all(&self) -> &[LinkAt] {
        &self.by_from
    }

    /// The traces to which this one links.
    pub(super) fn from(&self, trace: TraceId) -> impl Iterator<Item = TraceId> {
        let range = range(&self.by_from, trace, |link| link.from);
        range.iter().map(|link| link.to)
    }

    /// The traces that link to this one.
    pub(super) fn to(&self, trace: TraceId) -> impl Iterator<Item = TraceId> {
        let range = range(&self.by_to, trace, |link| link.to);
        range.iter().map(|link| link.from)
    }

    /// The memory of the lists in bytes.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.by_from) + size_of_val(&*self.by_to)
    }
}

fn range(links: &[LinkAt], trace: TraceId, key: fn(&LinkAt) -> TraceId) -> &[LinkAt] {
    let start = links.partition_point(|link| key(link) < trace);
    let rest = &links[start..];
    &rest[..rest.partition_point(|link| key(link) == trace)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> TraceId {
        TraceId::from_bytes([number; 16]).unwrap()
    }

    #[test]
    fn records_of_a_trace_keep_their_order() {
        let traces = [Some(id(2)), Some(id(1)), None, Some(id(2)), Some(id(2))];
        let found = ByTrace::of(traces.len(), |at| traces[at]);
        assert_eq!(found.traces(), [id(1), id(2)]);
        let positions = [1, 2, 3].map(|number| found.of_trace(id(number)));
        assert_eq!(positions, [&[1][..], &[0, 3, 4], &[]]);
        let counts: Vec<_> = found.counts().collect();
        assert_eq!(counts, [(id(1), 1), (id(2), 3)]);
    }

    #[test]
    fn links_are_found_from_both_ends_in_the_order_in_which_they_were_sent() {
        let link = |from, to| LinkAt {
            from: id(from),
            to: id(to),
        };
        let links = Links::of(&[link(1, 9), link(3, 9), link(2, 9), link(1, 4), link(1, 9)]);
        assert_eq!(links.all().len(), 4);
        let to: Vec<TraceId> = links.to(id(9)).collect();
        assert_eq!(to, [id(1), id(3), id(2)]);
        let from: Vec<TraceId> = links.from(id(1)).collect();
        assert_eq!(from, [id(9), id(4)]);
        assert_eq!(links.to(id(1)).count(), 0);
    }
}
