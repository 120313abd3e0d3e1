//! References between the spans of services, within a bound.

use std::collections::{HashMap, HashSet, VecDeque};

use super::ServiceNumber;
use crate::source::otlp::SpanFacts;
use crate::trace::{EdgeKind, SpanId, SpanKind, TraceId};

/// Maximum number of spans that are remembered: about 25 MiB.
const MOST_SPANS: usize = 200_000;

/// A span: ids of spans are unique within a trace only.
type SpanKey = (TraceId, SpanId);

/// A pair of services, and the kind of reference.
pub(super) type Edge = (ServiceNumber, ServiceNumber, EdgeKind);

/// The references between spans, in any order of arrival.
#[derive(Debug, Default)]
pub(super) struct EdgeIndex {
    spans: HashMap<SpanKey, SpanNode>,
    /// In the order in which they became known.
    order: VecDeque<SpanKey>,
    edges: HashMap<Edge, u64>,
}

/// A span that arrived, or one to which others refer.
#[derive(Debug, Default)]
struct SpanNode {
    /// The spans with this id. Zipkin instrumentation gives both ends of a call the same one.
    sides: Vec<Side>,
    /// The services of spans that refer to it.
    referring: Vec<(ServiceNumber, EdgeKind)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Side {
    service: ServiceNumber,
    kind: SpanKind,
}

impl SpanNode {
    /// The service to which references lead: of a shared id, the called one.
    fn target(&self) -> Option<ServiceNumber> {
        let called = self.sides.iter().find(|side| is_called(side.kind));
        called.or(self.sides.first()).map(|side| side.service)
    }

    /// The calling side of a shared id.
    fn caller(&self) -> Option<ServiceNumber> {
        let mut sides = self.sides.iter();
        let caller = sides.find(|side| matches!(side.kind, SpanKind::Client | SpanKind::Producer));
        caller.map(|side| side.service)
    }

    /// Returns `true` if the span is, or a span refers to it, of one of these services.
    fn concerns(&self, services: &HashSet<ServiceNumber>) -> bool {
        let own = self.sides.iter().map(|side| side.service);
        let referring = self.referring.iter().map(|(service, _)| *service);
        own.chain(referring)
            .any(|service| services.contains(&service))
    }
}

fn is_called(kind: SpanKind) -> bool {
    matches!(kind, SpanKind::Server | SpanKind::Consumer)
}

impl EdgeIndex {
    /// Adds a span. Returns the number of spans of these services that were forgotten to make room.
    pub(super) fn add(
        &mut self,
        (trace, span): SpanKey,
        service: ServiceNumber,
        facts: &SpanFacts,
        watched: &HashSet<ServiceNumber>,
    ) -> u64 {
        self.add_side((trace, span), service, facts.kind);
        // The called side of a shared id is below the calling side, and not below its parent.
        let caller = self.spans[&(trace, span)].caller();
        match caller.filter(|_| is_called(facts.kind)) {
            Some(caller) => self.count((caller, service, EdgeKind::Child)),
            None => {
                if let Some(parent) = facts.parent {
                    self.refer((trace, parent), service, EdgeKind::Child);
                }
            }
        }
        for &link in &facts.links {
            self.refer(link, service, EdgeKind::Link);
        }
        self.forget(watched)
    }

    /// The edges that were found.
    pub(super) fn edges(&self) -> impl Iterator<Item = (Edge, u64)> {
        let found = self.edges.iter().filter(|(_, number)| **number > 0);
        found.map(|(edge, number)| (*edge, *number))
    }

    fn node(&mut self, key: SpanKey) -> &mut SpanNode {
        self.spans.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            SpanNode::default()
        })
    }

    fn add_side(&mut self, key: SpanKey, service: ServiceNumber, kind: SpanKind) {
        let side = Side { service, kind };
        let node = self.node(key);
        if node.sides.contains(&side) || node.sides.len() >= MOST_SIDES {
            return;
        }
        let before = node.target();
        node.sides.push(side);
        let after = node.target();
        if before == after {
            return;
        }
        let referring = node.referring.clone();
        for (child, by) in referring {
            if let Some(before) = before {
                self.uncount((before, child, by));
            }
            if let Some(after) = after {
                self.count((after, child, by));
            }
        }
    }

    /// Adds a reference of a span of this service, once for each service.
    fn refer(&mut self, key: SpanKey, service: ServiceNumber, by: EdgeKind) {
        let node = self.node(key);
        if node.referring.contains(&(service, by)) || node.referring.len() >= MOST_REFERRING {
            return;
        }
        node.referring.push((service, by));
        if let Some(target) = node.target() {
            self.count((target, service, by));
        }
    }

    fn count(&mut self, edge: Edge) {
        *self.edges.entry(edge).or_default() += 1;
    }

    fn uncount(&mut self, edge: Edge) {
        if let Some(number) = self.edges.get_mut(&edge) {
            *number = number.saturating_sub(1);
        }
    }

    fn forget(&mut self, watched: &HashSet<ServiceNumber>) -> u64 {
        let mut forgotten = 0;
        while self.spans.len() > MOST_SPANS
            && let Some(oldest) = self.order.pop_front()
        {
            let node = self.spans.remove(&oldest);
            forgotten += u64::from(node.is_some_and(|node| node.concerns(watched)));
        }
        forgotten
    }
}

/// Maximum number of spans with the same id.
const MOST_SIDES: usize = 4;

/// Maximum number of services that refer to one span.
const MOST_REFERRING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(trace: u8, span: u8) -> SpanKey {
        (
            TraceId::from_bytes([trace; 16]).unwrap(),
            SpanId::from_bytes([span; 8]).unwrap(),
        )
    }

    fn facts(parent: Option<u8>, kind: SpanKind) -> SpanFacts {
        SpanFacts {
            parent: parent.map(|id| key(1, id).1),
            kind,
            time: 0,
            links: Vec::new(),
        }
    }

    fn found(index: &EdgeIndex) -> Vec<(ServiceNumber, ServiceNumber)> {
        let mut all: Vec<_> = index
            .edges()
            .map(|((from, to, _), _)| (from, to))
            .filter(|(from, to)| from != to)
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_parent_makes_the_edge_also_when_it_arrives_after_its_child() {
        let mut index = EdgeIndex::default();
        let none = HashSet::new();
        index.add(key(1, 2), 20, &facts(Some(1), SpanKind::Server), &none);
        assert_eq!(found(&index), []);
        index.add(key(1, 1), 10, &facts(None, SpanKind::Client), &none);
        assert_eq!(found(&index), [(10, 20)]);
    }

    #[test]
    fn equal_span_ids_in_two_traces_make_no_edge() {
        let mut index = EdgeIndex::default();
        let none = HashSet::new();
        index.add(key(1, 1), 10, &facts(None, SpanKind::Client), &none);
        index.add(key(2, 2), 20, &facts(Some(1), SpanKind::Server), &none);
        assert_eq!(found(&index), []);
    }

    #[test]
    fn children_of_a_shared_id_belong_to_its_called_side() {
        let mut index = EdgeIndex::default();
        let none = HashSet::new();
        index.add(key(1, 3), 30, &facts(Some(2), SpanKind::Server), &none);
        index.add(key(1, 2), 10, &facts(Some(1), SpanKind::Client), &none);
        index.add(key(1, 2), 20, &facts(Some(1), SpanKind::Server), &none);
        assert_eq!(found(&index), [(10, 20), (20, 30)]);
    }

    #[test]
    fn spans_of_watched_services_are_counted_when_they_are_forgotten() {
        let mut index = EdgeIndex::default();
        let watched = HashSet::from([10]);
        index.add(key(1, 1), 10, &facts(None, SpanKind::Client), &watched);
        let mut forgotten = 0;
        for number in 0..MOST_SPANS as u64 {
            let id = SpanId::from_bytes((number + 1).to_be_bytes()).unwrap();
            let key = (key(2, 1).0, id);
            forgotten += index.add(key, 30, &facts(None, SpanKind::Internal), &watched);
        }
        assert_eq!(forgotten, 1);
    }
}
