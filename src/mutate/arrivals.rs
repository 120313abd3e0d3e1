//! The arrivals of spans that came out of a pipeline, with a fault.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::trace::{Delivery, Origin, Span, SpanId, Trace};

/// The arrivals after a change of the trace: those of its spans. A new span arrived where the span above it did, or
/// else where any did.
pub(super) fn of_changed(delivery: &Delivery, before: &Trace, after: &Trace) -> Delivery {
    let mut arrivals = BTreeMap::new();
    for span in after.spans() {
        let of = |id: SpanId| delivery.arrivals.get(&id);
        let receivers = of(span.span_id)
            .or_else(|| of(span.parent_id?))
            .or_else(|| delivery.arrivals.values().next());
        let receivers = receivers.cloned();
        arrivals.insert(
            span.span_id,
            receivers.unwrap_or_else(|| vec![String::new()]),
        );
    }
    let mut changed = Delivery {
        arrivals,
        ..delivery.clone()
    };
    for (receiver, part) in &delivery.at {
        let part = part_of(&changed, receiver, part, (before, after));
        changed.at.insert(receiver.clone(), part);
    }
    changed
}

/// The part of a changed trace that arrived at a receiver. A span that is not changed is as it arrived there.
fn part_of(
    delivery: &Delivery,
    receiver: &str,
    part: &Trace,
    (before, after): (&Trace, &Trace),
) -> Trace {
    let in_trace = |trace: &Trace, id: SpanId| Some(trace.spans()[trace.find(id)?].clone());
    let arrived = |span: &&Span| {
        let receivers = delivery.arrivals.get(&span.span_id);
        receivers.is_some_and(|all| all.iter().any(|name| name == receiver))
    };
    let spans = after.spans().iter().filter(arrived).map(|span| {
        let is_same = in_trace(before, span.span_id).as_ref() == Some(span);
        let own = in_trace(part, span.span_id).filter(|_| is_same);
        own.unwrap_or_else(|| span.clone())
    });
    let logs = after.logs().iter();
    let logs = logs.filter(|record| record.resource.receiver() == receiver);
    Trace::assemble(after.id(), after.origin(), spans).with_logs(Arc::new(logs.cloned().collect()))
}

/// The arrivals if a span arrives once more.
pub(super) fn repeated(delivery: &Delivery, span: SpanId) -> Delivery {
    let mut changed = delivery.clone();
    if let Some(receivers) = changed.arrivals.get_mut(&span) {
        let first = receivers.first().cloned();
        receivers.extend(first);
    }
    changed
}

/// The arrivals if a span arrives at this receiver only.
pub(super) fn rerouted(delivery: &Delivery, span: &Span, receiver: &str) -> Delivery {
    let mut changed = delivery.clone();
    let only = vec![receiver.to_owned()];
    changed.arrivals.insert(span.span_id, only);
    let none = || Trace::assemble(span.trace_id, Origin::Foreign, []);
    changed.at.entry(receiver.to_owned()).or_insert_with(none);
    for (name, part) in &mut changed.at {
        let others = part
            .spans()
            .iter()
            .filter(|one| one.span_id != span.span_id);
        let here = (name == receiver).then_some(span);
        let spans: Vec<Span> = others.chain(here).cloned().collect();
        let logs = Arc::new(part.logs().to_vec());
        *part = Trace::assemble(part.id(), part.origin(), spans).with_logs(logs);
    }
    changed
}
