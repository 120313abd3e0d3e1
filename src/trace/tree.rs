//! The trace: spans assembled into a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::identity::{self, Index};
use super::{Delivery, Hole, Link, LogRecord, Losses, Span, SpanId, StatusCode, TraceId};

/// The origin of a trace, which determines the parent that never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// We sent a `traceparent` with this span id; its children are roots, not orphans. If the span
    /// arrives, it belongs to a service that reported its own span id, and its parent is the one
    /// that does not arrive.
    Injected(SpanId),
    /// Another process started the trace; spans without a parent are its roots.
    Foreign,
}

/// The spans that arrived for one trace id, each once, by start time.
///
/// Spans are addressed by index. In [`Trace::top_down`], a parent precedes its children, so that
/// one pass can compute facts about all ancestors or descendants.
#[derive(Clone, Debug)]
pub struct Trace {
    id: TraceId,
    origin: Origin,
    spans: Vec<Span>,
    index: Index,
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
    top_down: Vec<usize>,
    linked: Vec<Trace>,
    losses: Losses,
    holes: Vec<Hole>,
    logs: Arc<Vec<Arc<LogRecord>>>,
    log_holes: Vec<Hole>,
    delivery: Option<Arc<Delivery>>,
}

impl Trace {
    /// Builds the tree from spans in the order of arrival. OTLP can deliver a span several times:
    /// it is identified by its id, service instance, kind and start, and an ended copy takes
    /// precedence, then a later end, then a later arrival. Spans of other traces are ignored. A
    /// cycle of parents is cut at its earliest span.
    #[must_use]
    pub fn assemble(id: TraceId, origin: Origin, spans: impl IntoIterator<Item = Span>) -> Self {
        let copies: Vec<(Span, ())> = spans.into_iter().map(|span| (span, ())).collect();
        let distinct = identity::distinct(id, &copies);
        let mut copies: Vec<Option<Span>> =
            copies.into_iter().map(|(span, ())| Some(span)).collect();
        let spans = distinct.iter().filter_map(|span| copies[span.at].take());
        Self::of_distinct(id, origin, spans.collect())
    }

    /// Like `assemble`, for spans with marks, such as times of arrival. Returns the marks in the
    /// order of [`spans`](Self::spans); a span that arrived several times has the greatest.
    pub(crate) fn assemble_marked<T: Ord + Copy>(
        id: TraceId,
        origin: Origin,
        copies: &[(Span, T)],
    ) -> (Self, Vec<T>) {
        let distinct = identity::distinct(id, copies);
        let spans = distinct.iter().map(|span| copies[span.at].0.clone());
        let spans = spans.collect();
        let marks = distinct.into_iter().map(|span| span.mark).collect();
        (Self::of_distinct(id, origin, spans), marks)
    }

    fn of_distinct(id: TraceId, origin: Origin, spans: Vec<Span>) -> Self {
        let (index, mut parents) = Index::of(&spans);
        cut_circles(&mut parents);
        let origin = origin.among(&spans, &index);
        let mut children = vec![Vec::new(); spans.len()];
        for (child, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(child);
            }
        }
        let roots: Vec<usize> = (0..spans.len())
            .filter(|&at| parents[at].is_none())
            .collect();
        let top_down = top_down(&children, &roots);
        let linked = Vec::new();
        let losses = Losses::none();
        Self {
            id,
            origin,
            spans,
            index,
            parents,
            children,
            roots,
            top_down,
            linked,
            losses,
            holes: Vec::new(),
            logs: Arc::default(),
            log_holes: Vec::new(),
            delivery: None,
        }
    }

    /// Sets the arrivals of its spans.
    #[must_use]
    pub(crate) fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = Some(Arc::new(delivery));
        self
    }

    /// The arrivals of its spans, if it was sent into a pipeline.
    pub(crate) fn delivery(&self) -> Option<&Delivery> {
        self.delivery.as_deref()
    }

    /// The part of it that arrived at a named receiver, with the same losses.
    pub(crate) fn at(&self, receiver: &str) -> Self {
        let delivery = self.delivery();
        let part = delivery.and_then(|delivery| delivery.at.get(receiver));
        let part = part.cloned();
        let part = part.unwrap_or_else(|| Self::assemble(self.id, self.origin, []));
        let part = part
            .with_losses(self.losses.clone())
            .with_holes(self.holes.iter().cloned())
            .with_log_holes(self.log_holes.iter().cloned());
        match delivery {
            Some(delivery) => part.with_delivery(delivery.only_at(receiver)),
            None => part,
        }
    }

    /// Sets the linked traces.
    #[must_use]
    pub fn with_linked(mut self, linked: Vec<Trace>) -> Self {
        self.linked = linked;
        self
    }

    /// Sets the fields that the source loses.
    #[must_use]
    pub fn with_losses(mut self, losses: Losses) -> Self {
        self.losses = losses;
        self
    }

    /// Removes the known losses of spans.
    #[cfg(feature = "run")]
    #[must_use]
    pub(crate) fn without_holes(mut self) -> Self {
        self.holes.clear();
        self
    }

    /// Sets the known losses of spans.
    #[must_use]
    pub fn with_holes(mut self, holes: impl IntoIterator<Item = Hole>) -> Self {
        self.holes.extend(holes);
        self
    }

    /// Sets the log records.
    #[must_use]
    pub fn with_logs(mut self, logs: Arc<Vec<Arc<LogRecord>>>) -> Self {
        self.logs = logs;
        self
    }

    /// Sets the known losses of log records.
    #[must_use]
    pub fn with_log_holes(mut self, holes: impl IntoIterator<Item = Hole>) -> Self {
        self.log_holes.extend(holes);
        self
    }

    /// Treats a single missing parent as the caller, if the caller is unknown and there is no other
    /// root. Its children are then not orphans. If the caller is known, the missing parent is a
    /// lost entry, and nothing changes.
    #[must_use]
    pub fn with_unseen_caller(mut self) -> Self {
        if self.origin == Origin::Foreign
            && !self.has_entry()
            && let [caller] = *self.missing_parents().into_iter().collect::<Vec<_>>()
        {
            self.origin = Origin::Injected(caller);
        }
        self
    }

    /// The same, if the missing parent has the id of spanspec as the caller, which exports no span.
    #[cfg(feature = "run")]
    #[must_use]
    pub(crate) fn with_own_caller(self) -> Self {
        let own = SpanId::of_caller(self.id);
        match self.missing_parents().into_iter().eq([own]) {
            true => self.with_unseen_caller(),
            false => self,
        }
    }

    /// The trace id.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// The origin of the trace.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The spans, by start time. Several can have the same id.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// A span, for changes that leave its place in the tree as it is: not its ids, resource, kind and start.
    #[cfg(feature = "cli")]
    pub(crate) fn span_mut(&mut self, span: usize) -> &mut Span {
        &mut self.spans[span]
    }

    /// The same traces as [`linked`](Self::linked).
    #[cfg(feature = "cli")]
    pub(crate) fn linked_mut(&mut self) -> &mut [Trace] {
        &mut self.linked
    }

    /// Traces connected with this one by span links, in either direction.
    #[must_use]
    pub fn linked(&self) -> &[Trace] {
        &self.linked
    }

    /// The fields that the source loses.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Known losses of spans. If there are any, the trace is not complete.
    #[must_use]
    pub fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// The log records with the id of this trace, in order of arrival.
    #[must_use]
    pub fn logs(&self) -> &[Arc<LogRecord>] {
        &self.logs
    }

    /// Known losses of log records. They do not concern spans.
    #[must_use]
    pub fn log_holes(&self) -> &[Hole] {
        &self.log_holes
    }

    /// Returns `true` if no span arrived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Spans that have no parent in the trace, by start time.
    #[must_use]
    pub fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// The parent of a span, if it arrived.
    #[must_use]
    pub fn parent(&self, span: usize) -> Option<usize> {
        self.parents[span]
    }

    /// The direct children of a span, by start time.
    #[must_use]
    pub fn children(&self, span: usize) -> &[usize] {
        &self.children[span]
    }

    /// All spans, depth first, each after its parent: the order of a waterfall.
    #[must_use]
    pub fn top_down(&self) -> &[usize] {
        &self.top_down
    }

    /// The span with this id; the called one if the two ends of a call share it.
    #[must_use]
    pub fn find(&self, id: SpanId) -> Option<usize> {
        self.index.get(id)
    }

    /// Returns `true` if the parent of the span never arrived and is not ours.
    #[must_use]
    pub fn is_orphan(&self, span: usize) -> bool {
        self.missing_parent(span).is_some()
    }

    /// Spans whose parent never arrived, by start time, without the children of the span id that we
    /// sent.
    pub fn orphans(&self) -> impl Iterator<Item = usize> {
        self.roots
            .iter()
            .copied()
            .filter(|&root| self.is_orphan(root))
    }

    /// The parents that never arrived.
    #[must_use]
    pub fn missing_parents(&self) -> BTreeSet<SpanId> {
        self.roots
            .iter()
            .filter_map(|&root| self.missing_parent(root))
            .collect()
    }

    /// The spans in which log records were written and that never arrived, each with its first record;
    /// without the span id that we sent.
    #[must_use]
    pub fn missing_log_spans(&self) -> BTreeMap<SpanId, &LogRecord> {
        let mut missing = BTreeMap::new();
        for record in self.logs.iter() {
            if let Some(span) = self.missing_log_span(record) {
                missing.entry(span).or_insert(&**record);
            }
        }
        missing
    }

    /// The spans that never arrived and to which others, or log records, refer.
    #[must_use]
    pub fn missing_spans(&self) -> BTreeSet<SpanId> {
        let mut missing = self.missing_parents();
        missing.extend(self.missing_log_spans().into_keys());
        missing
    }

    /// Returns `true` if there are [missing spans](Self::missing_spans).
    #[must_use]
    pub fn misses_spans(&self) -> bool {
        let mut logs = self.logs.iter();
        self.orphans().next().is_some()
            || logs.any(|record| self.missing_log_span(record).is_some())
    }

    fn missing_log_span(&self, record: &LogRecord) -> Option<SpanId> {
        let span = record.span_id?;
        let ours = self.origin == Origin::Injected(span);
        (!ours && self.find(span).is_none()).then_some(span)
    }

    /// The entry spans: children of the span id that was sent, or, in a foreign trace, spans
    /// without a parent. Excludes spans in a cycle of parents and, if a span id was sent, spans
    /// without a parent.
    pub fn entries(&self) -> impl Iterator<Item = usize> {
        let above = match self.origin {
            Origin::Injected(sent) => Some(sent),
            Origin::Foreign => None,
        };
        // A span that is its own parent is also a root.
        let has_arrived = above.is_some_and(|id| self.find(id).is_some());
        let roots = self.roots.iter().copied().filter(move |_| !has_arrived);
        roots.filter(move |&root| self.spans[root].parent_id == above)
    }

    /// Returns `true` if a link leads to the span id that was sent, of which no span arrives.
    pub(crate) fn is_caller(&self, link: &Link) -> bool {
        link.trace_id == self.id && self.origin == Origin::Injected(link.span_id)
    }

    /// Returns `true` if a span of a linked trace has a link to this one.
    pub(crate) fn is_linked_to(&self) -> bool {
        let mut spans = self.linked.iter().flat_map(Self::spans);
        spans.any(|span| span.links.iter().any(|link| link.trace_id == self.id))
    }

    /// Returns `true` if an [entry](Self::entries) arrived.
    #[must_use]
    pub fn has_entry(&self) -> bool {
        self.entries().next().is_some()
    }

    /// The names of all services, sorted.
    #[must_use]
    pub fn services(&self) -> BTreeSet<&str> {
        self.spans.iter().map(Span::service).collect()
    }

    /// Spans with status error.
    pub fn errors(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&span| self.spans[span].status.code == StatusCode::Error)
    }

    fn missing_parent(&self, span: usize) -> Option<SpanId> {
        let parent = self.spans[span].parent_id?;
        let ours = self.origin == Origin::Injected(parent);
        // A span whose parent arrived is a root only because a cycle was cut there.
        let here = self.find(parent).is_some();
        (!ours && !here).then_some(parent)
    }
}

impl Origin {
    fn among(self, spans: &[Span], index: &Index) -> Self {
        let Self::Injected(told) = self else {
            return self;
        };
        match index.get(told) {
            None => self,
            Some(span) => spans[span].parent_id.map_or(Self::Foreign, Self::Injected),
        }
    }
}

/// Walks up from each span. A walk that meets itself found a cycle; the earliest span of the cycle
/// loses its parent. Each span is visited once.
fn cut_circles(parents: &mut [Option<usize>]) {
    const UNSEEN: usize = usize::MAX;
    let mut seen_by = vec![UNSEEN; parents.len()];
    for start in 0..parents.len() {
        let mut at = start;
        while seen_by[at] == UNSEEN {
            seen_by[at] = start;
            match parents[at] {
                Some(parent) => at = parent,
                None => break,
            }
        }
        if seen_by[at] == start && parents[at].is_some() {
            let earliest = circle(at, parents).min().unwrap_or(at);
            parents[earliest] = None;
        }
    }
}

fn circle(at: usize, parents: &[Option<usize>]) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(at), move |&span| {
        parents[span].filter(|&parent| parent != at)
    })
}

fn top_down(children: &[Vec<usize>], roots: &[usize]) -> Vec<usize> {
    let mut order = Vec::with_capacity(children.len());
    let mut open: Vec<usize> = roots.iter().rev().copied().collect();
    while let Some(span) = open.pop() {
        order.push(span);
        open.extend(children[span].iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> SpanId {
        SpanId::from_bytes([0, 0, 0, 0, 0, 0, 0, n]).unwrap()
    }

    fn trace_id() -> TraceId {
        TraceId::from_bytes([1; 16]).unwrap()
    }

    /// A span from its number to 100, below `parent`.
    fn span(n: u8, parent: Option<u8>) -> Span {
        Span {
            parent_id: parent.map(id),
            start: u64::from(n),
            end: 100,
            ..Span::new(trace_id(), id(n), format!("span {n}"))
        }
    }

    fn assemble(spans: Vec<Span>) -> Trace {
        Trace::assemble(trace_id(), Origin::Injected(id(255)), spans)
    }

    fn names<'a>(trace: &'a Trace, spans: &[usize]) -> Vec<&'a str> {
        spans
            .iter()
            .map(|&span| trace.spans()[span].name.as_str())
            .collect()
    }

    #[test]
    fn parents_stand_before_their_children_and_children_in_the_order_of_their_start() {
        let trace = assemble(vec![
            span(4, Some(2)),
            span(3, Some(1)),
            span(2, Some(1)),
            span(1, None),
        ]);
        assert_eq!(
            names(&trace, trace.top_down()),
            ["span 1", "span 2", "span 4", "span 3"]
        );
    }

    #[test]
    fn a_child_of_the_span_that_we_sent_is_a_root_and_no_orphan() {
        let trace = assemble(vec![span(1, Some(255)), span(2, Some(9))]);
        assert_eq!(names(&trace, trace.roots()), ["span 1", "span 2"]);
        assert_eq!(trace.orphans().collect::<Vec<_>>(), [1]);
        assert_eq!(trace.missing_parents(), BTreeSet::from([id(9)]));
        assert!(trace.has_entry());
    }

    #[test]
    fn only_a_child_of_the_span_that_we_sent_is_an_entry() {
        let stray = span(1, None);
        let itself = span(2, Some(2));
        let circle = [span(3, Some(4)), span(4, Some(3))];
        let orphan = span(5, Some(9));
        let mut spans = vec![stray, itself, orphan];
        spans.extend(circle);
        assert!(!assemble(spans.clone()).has_entry());
        spans.push(span(6, Some(255)));
        let trace = assemble(spans);
        let entries: Vec<usize> = trace.entries().collect();
        assert_eq!(names(&trace, &entries), ["span 6"]);
        assert!(!assemble(vec![span(255, Some(255))]).has_entry());
    }

    #[test]
    fn an_entry_of_a_trace_that_somebody_else_started_has_no_parent() {
        let foreign = |spans| Trace::assemble(trace_id(), Origin::Foreign, spans);
        let circle = vec![
            span(1, Some(1)),
            span(2, Some(3)),
            span(3, Some(2)),
            span(4, Some(9)),
        ];
        assert!(!foreign(circle.clone()).has_entry());
        let with_root = [circle, vec![span(5, None)]].concat();
        assert!(foreign(with_root).has_entry());
    }

    #[test]
    fn a_span_delivered_twice_counts_once_and_spans_of_other_traces_do_not_count() {
        let stranger = Span::new(
            TraceId::from_bytes([2; 16]).unwrap(),
            id(3),
            "of another trace",
        );
        let trace = assemble(vec![span(1, None), span(1, None), stranger]);
        assert_eq!(trace.len(), 1);
    }

    #[test]
    fn a_circle_of_parents_is_cut_at_its_earliest_span() {
        let trace = assemble(vec![
            span(1, Some(3)),
            span(2, Some(1)),
            span(3, Some(2)),
            span(4, Some(3)),
            span(5, Some(5)),
        ]);
        assert_eq!(names(&trace, trace.roots()), ["span 1", "span 5"]);
        assert_eq!(trace.top_down().len(), 5);
        assert_eq!(trace.orphans().count(), 0);
    }

    #[test]
    fn a_hundred_thousand_spans_below_one_another_are_no_trouble() {
        let deep = |n: u64| SpanId::from_bytes((n + 1).to_be_bytes()).unwrap();
        let spans = (0..100_000_u64).map(|n| Span {
            parent_id: n.checked_sub(1).map(deep),
            ..Span::new(trace_id(), deep(n), "deep")
        });
        assert_eq!(
            Trace::assemble(trace_id(), Origin::Foreign, spans)
                .top_down()
                .len(),
            100_000
        );
    }
}
