//! Rules about the trace context: where it is lost, and what is missing because of that.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::consumers;
use super::finding::Findings;
use super::lost::in_a_service;
use super::observed::Extent;
use super::{Observed, Rule, Settings};
use crate::number::counted;
use crate::trace::{
    Fit, Peers, Span, SpanId, SpanKind, Trace, TraceId, Witness, distance, fit,
    is_call_of_a_service, peer_name, roots,
};

/// The rules of this file.
pub(super) const RULES: &[Rule] = &[
    Rule::BrokenPropagation,
    Rule::ContextLostInCallback,
    Rule::MissingEntry,
    Rule::Orphan,
    Rule::AsyncWithoutLink,
    Rule::ClientWithoutServer,
];

pub(super) fn examine(observed: &Observed<'_>, _: &Settings, found: &mut Findings) {
    let others = observed.extent.others();
    // By start, so that each trace is compared with those of its time only.
    let mut starts: Vec<&Span> = roots(observed.traces).chain(roots(others)).collect();
    starts.sort_by_key(|root| root.start);
    let mut peers = Peers::default();
    let all = observed.traces.iter().chain(others);
    all.for_each(|trace| peers.note(trace));
    let least = match observed.extent {
        Extent::Whole(_) => Fit::Name,
        Extent::OneTrace(_) => Fit::Time,
    };
    let (mut lost, mut open) = (LostCalls::default(), OpenCalls::default());
    for trace in observed.traces {
        let near = of_its_time(trace, &starts);
        lost.note(trace, near);
        consumers::examine(trace, observed.extent, found);
        if observed.extent.is_complete(trace) {
            open.note(trace, near, least);
        }
    }
    let broken = open.report(observed.extent, found);
    let complete = observed.traces.iter();
    for trace in complete.filter(|trace| observed.extent.is_complete(trace)) {
        let mut calls = peers.unanswered(trace);
        calls.extend(known_unanswered(trace, observed.extent));
        calls.sort_unstable();
        calls.dedup();
        unanswered(trace, &calls, &broken, found);
        missing_parents(trace, found);
    }
    lost.report(&starts, observed.extent, found);
    note_gap(observed, found);
    note_holes(observed.traces, found);
}

/// The rules about spans that are missing.
const OF_ABSENCE: [Rule; 4] = [
    Rule::BrokenPropagation,
    Rule::MissingEntry,
    Rule::Orphan,
    Rule::ClientWithoutServer,
];

/// In a trace of which spans were lost, their absence is no finding.
fn note_holes(traces: &[Trace], found: &mut Findings) {
    let mut holed = traces.iter().filter(|trace| !trace.holes().is_empty());
    let Some(first) = holed.next().and_then(|trace| trace.holes().first()) else {
        return;
    };
    let number = counted(holed.count() + 1, "trace");
    for rule in OF_ABSENCE {
        let reason = format!("spans of {number} may be missing: {first}");
        found.unseen(rule, reason, &*first.remedy);
    }
}

/// Calls that recorded nothing, as far as the surroundings of the trace show.
fn known_unanswered(trace: &Trace, extent: Extent<'_>) -> Vec<usize> {
    let known = extent.unanswered();
    let spans = trace.spans().iter().enumerate();
    spans
        .filter(|(_, span)| known.contains(&span.span_id))
        .map(|(at, _)| at)
        .collect()
}

/// Without the other traces, a lost context cannot be seen.
fn note_gap(observed: &Observed<'_>, found: &mut Findings) {
    let Some((reason, remedy)) = observed.extent.gap() else {
        return;
    };
    found.unseen(Rule::ContextLostInCallback, reason, remedy);
    if observed.traces.iter().any(has_open_call) {
        found.unseen(Rule::BrokenPropagation, reason, remedy);
        found.unseen(Rule::ClientWithoutServer, reason, remedy);
    }
}

/// Returns `true` if a call of a service has no child.
fn has_open_call(trace: &Trace) -> bool {
    let mut spans = trace.spans().iter().enumerate();
    spans.any(|(at, span)| is_call_of_a_service(span) && trace.children(at).is_empty())
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

/// Calls without a child, and roots of other traces that may be their other end.
#[derive(Default)]
struct OpenCalls<'s>(Vec<(Fit, u64, &'s Span, &'s Span)>);

impl<'s> OpenCalls<'s> {
    /// `least` is the weakest fit that counts.
    fn note(&mut self, trace: &'s Trace, near: &[&'s Span], least: Fit) {
        let calls = (0..trace.len()).filter(|&at| trace.children(at).is_empty());
        let calls: Vec<&Span> = calls
            .map(|at| &trace.spans()[at])
            .filter(|span| is_call_of_a_service(span))
            .collect();
        let servers = others(near, trace.id()).filter(|root| root.kind == SpanKind::Server);
        for root in servers {
            let fitting = calls.iter().filter_map(|call| {
                let fit = fit(call, root).filter(|fit| *fit >= least)?;
                Some((fit, distance(call, root), *call, root))
            });
            self.0.extend(fitting);
        }
    }

    /// Reports the calls whose callee began a new trace, and returns them. A root is the other end of one call: the
    /// one that fits best. The time alone is no evidence, since other clients call the service too.
    fn report(mut self, extent: Extent<'_>, found: &mut Findings) -> HashSet<(TraceId, SpanId)> {
        self.0
            .sort_by_key(|&(fit, distance, ..)| (Reverse(fit), distance));
        let (mut broken, mut used) = (HashSet::new(), HashSet::new());
        for (fit, _, call, root) in self.0 {
            let of = |span: &Span| (span.trace_id, span.span_id);
            if broken.contains(&of(call)) || used.contains(&of(root)) {
                continue;
            }
            if fit == Fit::Time {
                note_unclear(call, root, extent, found);
                continue;
            }
            broken.insert(of(call));
            used.insert(of(root));
            restarted(call, root, found);
        }
        broken
    }
}

/// In a single trace, a call that may be broken must not pass as one that is not.
fn note_unclear(call: &Span, root: &Span, extent: Extent<'_>, found: &mut Findings) {
    if let Extent::OneTrace(_) = extent {
        let reason = format!(
            "`{}` of {} has no child, and `{}` of {} began a new trace at that time, perhaps of another request",
            call.name,
            call.service(),
            root.name,
            root.service()
        );
        let remedy = "stop other requests to these services while this spec runs, or let their spans have `url.path`, so that requests can be told apart";
        found.unseen(Rule::BrokenPropagation, reason, remedy);
    }
}

fn restarted(call: &Span, root: &Span, found: &mut Findings) {
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

    fn report(self, starts: &[&Span], extent: Extent<'_>, found: &mut Findings) {
        for ((service, name), calls) in self.inside {
            let is_such = |root: &&&Span| {
                let is_call = matches!(root.kind, SpanKind::Client | SpanKind::Producer);
                is_call && root.service() == service && root.name == name
            };
            let all = starts.iter().filter(is_such).count();
            if calls.len() < all {
                continue;
            }
            if calls.len() < NO_COINCIDENCE {
                if let Extent::OneTrace(_) = extent {
                    suspect(name, &calls, found);
                }
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

/// Fewer calls than prove it.
fn suspect(name: &str, calls: &BTreeMap<SpanId, CallInside<'_>>, found: &mut Findings) {
    if let Some((call, cause)) = calls.values().next() {
        found.unseen(
            Rule::ContextLostInCallback,
            format!(
                "`{name}` of {} began a new trace while `{}` ran, which can be a coincidence",
                call.service(),
                cause.name
            ),
            "pass the context of the request to this call, or stop other work of the service",
        );
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

fn unanswered(
    trace: &Trace,
    calls: &[usize],
    broken: &HashSet<(TraceId, SpanId)>,
    found: &mut Findings,
) {
    for &at in calls {
        let call = &trace.spans()[at];
        if broken.contains(&(call.trace_id, call.span_id)) {
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
