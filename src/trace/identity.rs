//! Identity of spans: merges copies of a span, and resolves ids that several spans share.
//!
//! `tree` builds the tree.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Resource, Span, SpanId, SpanKind, TraceId, Value};

/// Number of a service instance within one trace.
type Instance = u32;

/// Number of spans with one identity that a copy is compared with.
const MOST_COMPARED: usize = 64;

/// A span of which one or several copies arrived.
pub(super) struct Distinct<T> {
    /// The index of the copy that takes precedence.
    pub(super) at: usize,
    /// The greatest mark of its copies.
    pub(super) mark: T,
}

/// The distinct spans of a trace by start time.
///
/// A span is identified by its id, its service instance, its kind and its start. Two such spans
/// that have ended are different if both their names and their resources differ, because the
/// workers of a service can create the same ids. Of several copies, an ended one takes precedence,
/// then a later end, then a later position.
pub(super) fn distinct<T: Ord + Copy>(id: TraceId, copies: &[(Span, T)]) -> Vec<Distinct<T>> {
    let mut instances = Instances::default();
    // The first span of each identity, and further ones, which are rare.
    let mut first: HashMap<_, usize> = HashMap::with_capacity(copies.len());
    let mut further: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut distinct: Vec<Distinct<T>> = Vec::with_capacity(copies.len());
    for (at, (span, mark)) in copies.iter().enumerate() {
        if span.trace_id != id {
            continue;
        }
        let instance = instances.number(&span.resource);
        let identity = (span.span_id, instance, span.kind, span.start);
        let next = distinct.len();
        let first = *first.entry(identity).or_insert(next);
        let copy = Distinct { at, mark: *mark };
        if first == next {
            distinct.push(copy);
            continue;
        }
        let others = further.get(&first).into_iter().flatten();
        let mut known = std::iter::once(&first).chain(others).take(MOST_COMPARED);
        match known.find(|&&known| is_copy(&copies[distinct[known].at].0, span)) {
            Some(&known) => merge(&mut distinct[known], copy, copies),
            None => {
                further.entry(first).or_default().push(next);
                distinct.push(copy);
            }
        }
    }
    distinct.sort_by_cached_key(|span| order(&copies[span.at].0));
    distinct
}

/// Returns `true` for two copies of one span, if their identities are equal. The name may change
/// until the span ends, and a Collector may add to the resource of a copy.
fn is_copy(known: &Span, copy: &Span) -> bool {
    let has_ended = |span: &Span| span.end != 0;
    !has_ended(known)
        || !has_ended(copy)
        || known.name == copy.name
        || Arc::ptr_eq(&known.resource, &copy.resource)
        || known.resource == copy.resource
}

fn merge<T: Ord>(known: &mut Distinct<T>, copy: Distinct<T>, copies: &[(Span, T)]) {
    // A span that has not ended has the end 0.
    if copies[copy.at].0.end >= copies[known.at].0.end {
        known.at = copy.at;
    }
    if copy.mark > known.mark {
        known.mark = copy.mark;
    }
}

/// By start time; an enclosing span comes first, and the caller before the called span.
fn order(span: &Span) -> impl Ord + use<> {
    let end = if span.end == 0 { u64::MAX } else { span.end };
    let is_called = is_called(span.kind);
    (span.start, Reverse(end), span.span_id, is_called, span.kind)
}

fn is_called(kind: SpanKind) -> bool {
    matches!(kind, SpanKind::Server | SpanKind::Consumer)
}

fn is_caller(kind: SpanKind) -> bool {
    matches!(kind, SpanKind::Client | SpanKind::Producer)
}

/// Finds spans by id, also if several share one.
///
/// Zipkin instrumentation gives the two ends of a call the same id. The called span is then the
/// child of the calling span, and children that refer to the id belong to the called span.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    ids: HashMap<SpanId, Sides>,
    /// For shared ids: the parent of children in this instance.
    local: HashMap<(SpanId, Instance), usize>,
}

/// The spans of one id, usually one.
#[derive(Clone, Copy, Debug)]
struct Sides {
    first: usize,
    caller: Option<usize>,
    called: Option<usize>,
    is_shared: bool,
}

impl Index {
    /// Builds the index, and finds the parent of each span.
    pub(super) fn of(spans: &[Span]) -> (Self, Vec<Option<usize>>) {
        let mut index = Self::default();
        index.ids.reserve(spans.len());
        for (at, span) in spans.iter().enumerate() {
            index.add(at, span);
        }
        let mut instances = Instances::default();
        if index.ids.len() < spans.len() {
            index.localize(spans, &mut instances);
        }
        let parents = spans
            .iter()
            .enumerate()
            .map(|(at, span)| index.parent(at, span, &mut instances))
            .collect();
        (index, parents)
    }

    /// The parent of children that refer to this id.
    pub(super) fn get(&self, id: SpanId) -> Option<usize> {
        self.ids
            .get(&id)
            .map(|sides| sides.called.unwrap_or(sides.first))
    }

    fn add(&mut self, at: usize, span: &Span) {
        let (caller, called) = (is_caller(span.kind), is_called(span.kind));
        let sides = self.ids.entry(span.span_id).or_insert(Sides {
            first: at,
            caller: None,
            called: None,
            is_shared: false,
        });
        sides.is_shared |= sides.first != at;
        sides.caller = sides.caller.or(caller.then_some(at));
        sides.called = sides.called.or(called.then_some(at));
    }

    fn localize(&mut self, spans: &[Span], instances: &mut Instances) {
        for (at, span) in spans.iter().enumerate() {
            let sides = &self.ids[&span.span_id];
            if sides.is_shared && (is_called(span.kind) || sides.called.is_none()) {
                let instance = instances.number(&span.resource);
                self.local.entry((span.span_id, instance)).or_insert(at);
            }
        }
    }

    fn parent(&self, at: usize, span: &Span, instances: &mut Instances) -> Option<usize> {
        let own = self.ids.get(&span.span_id);
        if let Some(caller) = own.and_then(|sides| sides.caller).filter(|&it| it != at)
            && is_called(span.kind)
        {
            return Some(caller);
        }
        let parent = span.parent_id?;
        let sides = self.ids.get(&parent)?;
        if !sides.is_shared {
            return Some(sides.first);
        }
        let instance = instances.number(&span.resource);
        let local = self.local.get(&(parent, instance)).copied();
        local.or(sides.called).or(Some(sides.first))
    }
}

/// Numbers the service instances of a trace, comparing each resource once.
#[derive(Default)]
struct Instances {
    by_resource: HashMap<*const Resource, Instance>,
    by_name: HashMap<[Option<String>; 3], Instance>,
}

impl Instances {
    const KEYS: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];

    /// The number of the instance with this resource.
    fn number(&mut self, resource: &Arc<Resource>) -> Instance {
        let known = self.by_name.len();
        *self
            .by_resource
            .entry(Arc::as_ptr(resource))
            .or_insert_with(|| {
                let name = Self::KEYS.map(|key| resource.attributes.get(key).map(Value::to_text));
                let next = Instance::try_from(known).unwrap_or(Instance::MAX);
                *self.by_name.entry(name).or_insert(next)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, Trace};
    use super::*;

    fn id(n: u8) -> SpanId {
        SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, n]).unwrap()
    }

    fn trace_id() -> TraceId {
        TraceId::from_bytes([1; 16]).unwrap()
    }

    fn span(n: u8, parent: u8, service: &str, kind: SpanKind) -> Span {
        let attributes = [("service.name", service)].into_iter().collect();
        Span {
            parent_id: Some(id(parent)),
            kind,
            start: u64::from(n),
            end: 100,
            resource: Arc::new(Resource { attributes }),
            ..Span::new(trace_id(), id(n), service)
        }
    }

    fn of_instance(mut span: Span, instance: &str) -> Span {
        let pairs = [
            ("service.name", span.service()),
            ("service.instance.id", instance),
        ];
        let attributes = pairs.into_iter().collect();
        span.resource = Arc::new(Resource { attributes });
        span
    }

    fn tree(spans: impl IntoIterator<Item = Span>) -> Vec<(String, Option<String>)> {
        let trace = Trace::assemble(trace_id(), Origin::Injected(id(99)), spans);
        let name = |span: usize| {
            let span = &trace.spans()[span];
            format!("{} {}", span.name, span.kind)
        };
        let of = |&span: &usize| (name(span), trace.parent(span).map(name));
        trace.top_down().iter().map(of).collect()
    }

    #[test]
    fn the_server_half_of_a_shared_id_is_below_the_client_half_and_has_the_children() {
        let spans = [
            span(1, 99, "front", SpanKind::Server),
            span(2, 1, "front", SpanKind::Client),
            span(2, 1, "order", SpanKind::Server),
            span(3, 2, "order", SpanKind::Internal),
            span(4, 2, "stock", SpanKind::Server),
        ];
        let expected = [
            ("front server", None),
            ("front client", Some("front server")),
            ("order server", Some("front client")),
            ("order internal", Some("order server")),
            ("stock server", Some("order server")),
        ]
        .map(|(name, parent)| (name.to_owned(), parent.map(str::to_owned)));
        assert_eq!(tree(spans.clone()), expected);
        assert_eq!(tree(spans.into_iter().rev()), expected);
    }

    #[test]
    fn workers_that_made_the_same_ids_keep_their_own_children() {
        let worker = |n, parent, kind, instance| {
            of_instance(span(n, parent, "worker", kind), &format!("i{instance}"))
        };
        let spans = [
            worker(1, 99, SpanKind::Server, 1),
            worker(1, 99, SpanKind::Server, 2),
            worker(2, 1, SpanKind::Internal, 1),
            worker(2, 1, SpanKind::Internal, 2),
        ];
        let trace = Trace::assemble(trace_id(), Origin::Injected(id(99)), spans);
        assert_eq!((trace.len(), trace.roots().len()), (4, 2));
        for &root in trace.roots() {
            let [child] = trace.children(root) else {
                panic!("one child each")
            };
            let resource = |span: usize| &trace.spans()[span].resource;
            assert_eq!(resource(root), resource(*child));
        }
    }

    #[test]
    fn of_several_copies_the_ended_one_counts_then_the_later_end_then_the_later_arrival() {
        let copy = |name: &str, end| Span {
            name: name.to_owned(),
            end,
            ..span(1, 99, "order", SpanKind::Server)
        };
        let kept = |copies: Vec<Span>| {
            let trace = Trace::assemble(trace_id(), Origin::Foreign, copies);
            assert_eq!(trace.len(), 1);
            trace.spans()[0].name.clone()
        };
        assert_eq!(kept(vec![copy("begun", 0), copy("ended", 50)]), "ended");
        assert_eq!(kept(vec![copy("ended", 50), copy("begun", 0)]), "ended");
        assert_eq!(kept(vec![copy("later", 60), copy("sooner", 50)]), "later");
        assert_eq!(kept(vec![copy("first", 50), copy("again", 50)]), "again");
    }

    #[test]
    fn a_copy_moves_the_mark_of_its_span_whichever_counts() {
        let copy = |end| Span {
            end,
            ..span(1, 99, "order", SpanKind::Server)
        };
        let copies = [(copy(50), 3), (copy(0), 7), (copy(20), 5)];
        let marked: Vec<_> = distinct(trace_id(), &copies)
            .iter()
            .map(|span| (copies[span.at].0.end, span.mark))
            .collect();
        assert_eq!(marked, [(50, 7)]);
    }

    #[test]
    fn spans_of_one_id_that_differ_in_start_or_in_name_and_resource_are_two() {
        let of_pod = |pod: &str, name: &str, start, end| {
            let pairs = [("service.name", "order"), ("k8s.pod.name", pod)];
            let resource = Resource {
                attributes: pairs.into_iter().collect(),
            };
            Span {
                name: name.to_owned(),
                start,
                end,
                resource: Arc::new(resource),
                ..span(1, 99, "order", SpanKind::Internal)
            }
        };
        let count = |copies: [Span; 2]| {
            let again = copies.clone().into_iter().rev();
            let count =
                |spans: Vec<Span>| Trace::assemble(trace_id(), Origin::Foreign, spans).len();
            assert_eq!(count(copies.to_vec()), count(again.collect()));
            count(copies.to_vec())
        };
        assert_eq!(count([of_pod("a", "x", 1, 9), of_pod("b", "y", 1, 9)]), 2);
        assert_eq!(count([of_pod("a", "x", 1, 9), of_pod("b", "x", 2, 9)]), 2);
        assert_eq!(count([of_pod("a", "x", 1, 9), of_pod("a", "x", 2, 9)]), 2);
        // A Collector added to the resource; a name was changed before the end.
        assert_eq!(count([of_pod("a", "x", 1, 9), of_pod("b", "x", 1, 9)]), 1);
        assert_eq!(count([of_pod("a", "x", 1, 0), of_pod("b", "y", 1, 9)]), 1);
    }

    #[test]
    fn a_hundred_thousand_spans_of_one_id_are_no_trouble() {
        let spans = (0..50_000).flat_map(|n| {
            let worker = of_instance(span(1, 99, "worker", SpanKind::Server), &n.to_string());
            let child = Span {
                resource: Arc::clone(&worker.resource),
                ..span(2, 1, "worker", SpanKind::Internal)
            };
            [worker, child]
        });
        let trace = Trace::assemble(trace_id(), Origin::Injected(id(99)), spans);
        assert_eq!((trace.len(), trace.roots().len()), (100_000, 50_000));
    }
}
