//! Rules about the trace context: where it is lost, and what is missing because of that.

use std::collections::{BTreeMap, HashSet};

use super::finding::Findings;
use super::lost::{in_a_service, lost_call, roots};
use super::{Observed, Rule};
use crate::check::Witness;
use crate::trace::{Field, Peers, Span, SpanId, SpanKind, Trace, TraceId, peer_name};

pub(super) fn examine(observed: &Observed<'_>, found: &mut Findings) {
    let losses = observed.losses();
    if losses.contains(Field::Kind) || losses.contains(Field::Parents) {
        return;
    }
    // By start, so that each trace is compared with those of its time only.
    let mut starts: Vec<&Span> = roots(observed.traces).collect();
    starts.sort_by_key(|root| root.start);
    let mut peers = Peers::default();
    observed.traces.iter().for_each(|trace| peers.note(trace));
    let mut lost = LostCalls::default();
    for trace in observed.traces {
        let near = of_its_time(trace, &starts);
        let broken = broken_calls(trace, near, found);
        lost.note(trace, near);
        unanswered(trace, &peers, &broken, found);
        missing_parents(trace, found);
        unlinked_consumers(trace, found);
    }
    lost.report(&starts, found);
}

/// Roots of other traces that start while this trace runs, with some tolerance.
fn of_its_time<'r, 's>(trace: &Trace, starts: &'r [&'s Span]) -> &'r [&'s Span] {
    const TOLERANCE: u64 = 50_000_000;
    let times = trace.spans().iter().filter(|span| span.start > 0);
    let first = times.clone().map(|span| span.start).min().unwrap_or(0);
    let last = times
        .map(|span| span.end.max(span.start))
        .max()
        .unwrap_or(0);
    let from = starts.partition_point(|root| root.start < first.saturating_sub(TOLERANCE));
    let to = starts.partition_point(|root| root.start <= last.saturating_add(TOLERANCE));
    &starts[from..to.max(from)]
}

/// Calls without a child at whose time the callee began a new trace.
fn broken_calls(trace: &Trace, near: &[&Span], found: &mut Findings) -> HashSet<SpanId> {
    let mut broken = HashSet::new();
    for root in others(near, trace.id()).filter(|root| root.kind == SpanKind::Server) {
        let Some(call) = lost_call(trace, root) else {
            continue;
        };
        broken.insert(call.span_id);
        found.add(
            Rule::BrokenPropagation,
            call.service(),
            format!(
                "the trace ends between {} and {}: `{}` has no child, and `{}` began a new trace at that time",
                call.service(),
                root.service(),
                call.name,
                root.name
            ),
            format!(
                "let the client of {} send `traceparent`, and {} take it over: both need `tracecontext` in `OTEL_PROPAGATORS`",
                call.service(),
                root.service()
            ),
            Witness::new(call, format!("continued by trace {}", root.trace_id.short())),
        );
    }
    broken
}

/// Number of calls from which on it is no coincidence that each was made during a span of its service.
const NO_COINCIDENCE: usize = 3;

/// Root calls by service and name, and those that were made while a span of their service ran. A job in the
/// background also makes calls as roots, but not only while requests are served.
#[derive(Default)]
struct LostCalls<'s> {
    inside: BTreeMap<(&'s str, &'s str), BTreeMap<SpanId, CallInside<'s>>>,
}

/// A root call, and a span of its service that ran meanwhile.
type CallInside<'s> = (&'s Span, &'s Span);

impl<'s> LostCalls<'s> {
    fn note(&mut self, trace: &'s Trace, near: &[&'s Span]) {
        for call in others(near, trace.id()) {
            if let Some(cause) = in_a_service(trace, call) {
                let group = (call.service(), call.name.as_str());
                let calls = self.inside.entry(group).or_default();
                calls.insert(call.span_id, (call, cause));
            }
        }
    }

    fn report(self, starts: &[&Span], found: &mut Findings) {
        for ((service, name), calls) in self.inside {
            let is_such = |root: &&&Span| {
                let is_call = matches!(root.kind, SpanKind::Client | SpanKind::Producer);
                is_call && root.service() == service && root.name == name
            };
            let all = starts.iter().filter(is_such).count();
            if calls.len() < all.max(NO_COINCIDENCE) {
                continue;
            }
            for (call, cause) in calls.into_values() {
                found.add(
                    Rule::ContextLostInCallback,
                    service,
                    format!("`{name}` begins a new trace each time, while `{}` of the same service runs", cause.name),
                    "pass the context of the request to the call, and to threads, tasks and callbacks",
                    Witness::new(cause, format!("`{name}` is trace {}", call.trace_id.short())),
                );
            }
        }
    }
}

fn others<'r, 's: 'r>(
    near: &'r [&'s Span],
    trace: TraceId,
) -> impl Iterator<Item = &'s Span> + use<'r, 's> {
    near.iter()
        .copied()
        .filter(move |root| root.trace_id != trace)
}

fn unanswered(trace: &Trace, peers: &Peers, broken: &HashSet<SpanId>, found: &mut Findings) {
    for at in peers.unanswered(trace) {
        let call = &trace.spans()[at];
        if broken.contains(&call.span_id) {
            continue;
        }
        let callee = peer_name(call).unwrap_or("its callee");
        found.add(
            Rule::ClientWithoutServer,
            call.service(),
            format!(
                "`{}` got a response of {callee}, which recorded no span of it",
                call.name
            ),
            "look at the sampler and the exporter of the callee, and at the propagators of both",
            Witness::new(call, "no SERVER span"),
        );
    }
}

fn missing_parents(trace: &Trace, found: &mut Findings) {
    let orphans: Vec<usize> = trace.orphans().collect();
    let is_headless = !trace.has_entry();
    for orphan in orphans {
        let span = &trace.spans()[orphan];
        let parent = span.parent_id.map(|id| id.to_string()).unwrap_or_default();
        let mark = Witness::new(span, format!("parent {parent} is missing"));
        match is_headless {
            true => found.add(
                Rule::MissingEntry,
                span.service(),
                format!("the caller of `{}`, the first span of its trace, is missing", span.name),
                "let the caller export its spans to the same place, or start the trace in this service",
                mark,
            ),
            false => found.add(
                Rule::Orphan,
                span.service(),
                format!("the parent of `{}` is missing", span.name),
                "look for a service that was not sampled, dropped spans, or passes on a span id that it does not export",
                mark,
            ),
        }
    }
}

/// A consumer continues the trace of its message, or links to it.
fn unlinked_consumers(trace: &Trace, found: &mut Findings) {
    if trace.losses().contains(Field::Links) {
        return;
    }
    for &root in trace.roots() {
        let span = &trace.spans()[root];
        let is_consumer = span.kind == SpanKind::Consumer && span.parent_id.is_none();
        if is_consumer && span.links.is_empty() && span.dropped_links == 0 {
            found.add(
                Rule::AsyncWithoutLink,
                span.service(),
                format!(
                    "`{}` begins a trace, and has no link to the producer of its message",
                    span.name
                ),
                "read the context from the headers of the message, and continue it or link to it",
                Witness::new(span, "no link"),
            );
        }
    }
}
