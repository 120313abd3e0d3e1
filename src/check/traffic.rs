//! Checks of everything that arrived in a window.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::forest::TraceReach;
use super::judgement::{Finality, Standing};
use super::select::Evaluator;
use super::truth::Truth;
use super::{Failure, Subject, Unjudged};
use crate::number::{count, counted, duration};
use crate::spec::{Ask, Check, SignalPresence, SpanEntry, TrafficAsk, closest};
use crate::trace::{
    EdgeKind, Hole, LogRecord, Origin, RefusedExport, ServiceEdge, Signal, SignalTraffic, Trace,
    TraceId, Traffic,
};

/// Maximum number of names in a list.
const MOST_NAMED: usize = 8;

/// Judges an expectation. While the window is open, only final verdicts are valid; `each_trace` is judged elsewhere.
pub(super) fn judge(check: &Check, ask: &TrafficAsk, traffic: &Traffic) -> Standing {
    match ask {
        TrafficAsk::Signal {
            service,
            signal,
            presence: SignalPresence::Present,
        } => present(check, service, *signal, traffic),
        TrafficAsk::Signal {
            service, signal, ..
        } => absent(check, service, *signal, traffic),
        TrafficAsk::Service(service) => of_service(check, service, traffic),
        TrafficAsk::Edge(edge) => of_edge(check, edge, traffic),
        TrafficAsk::EachTrace(_) => Standing::unjudged(Unjudged::NotReached),
    }
}

/// The reason why a check is not judged if nothing arrived.
pub(crate) fn nothing_arrived(traffic: &Traffic) -> Option<Unjudged> {
    traffic.is_silent().then(|| Unjudged::Traffic {
        reason: format!("nothing arrived in {}", duration(traffic.observed)),
        remedy: String::new(),
    })
}

/// The trace that stands for a window: it has no spans, and is linked with all traces of the window.
pub(crate) fn trace_of_window(
    traces: Vec<Trace>,
    other_logs: Vec<Arc<LogRecord>>,
    span_holes: impl IntoIterator<Item = Hole>,
    log_holes: impl IntoIterator<Item = Hole>,
) -> Trace {
    Trace::assemble(TraceId::random(), Origin::Foreign, [])
        .with_linked(traces)
        .with_logs(Arc::new(other_logs))
        .with_holes(span_holes)
        .with_log_holes(log_holes)
}

fn present(check: &Check, service: &str, signal: Signal, traffic: &Traffic) -> Standing {
    let found = traffic.of(service, signal);
    if found.is_some_and(SignalTraffic::is_present) {
        return Standing::holds(Finality::Final);
    }
    if let Some(why) = why_unknown(service, &[signal], traffic) {
        return Standing::unjudged(why);
    }
    let subject = Subject::Signal {
        service: service.to_owned(),
        signal,
    };
    let found = match traffic.has_service(service) {
        true => format!("none; {}", signals_of(service, traffic)),
        false => "no telemetry of this service".to_owned(),
    };
    let expected = format!("at least 1 {}", signal.record());
    let mut failure = Failure::of_check(check, subject, expected, found);
    failure.hints = match traffic.has_service(service) {
        true => vec![exporter_hint(service, signal)],
        false => unseen(service, traffic),
    };
    Standing::fails(failure, Finality::Open)
}

fn absent(check: &Check, service: &str, signal: Signal, traffic: &Traffic) -> Standing {
    if let Some(found) = traffic
        .of(service, signal)
        .filter(|found| found.is_present())
    {
        let subject = Subject::Signal {
            service: service.to_owned(),
            signal,
        };
        let found = format!(
            "{}, the first after {}",
            counted(found.records, signal.record()),
            duration(found.first)
        );
        let failure = Failure::of_check(check, subject, "none", found);
        return Standing::fails(failure, Finality::Final);
    }
    if let Some(why) = why_unknown(service, &[signal], traffic) {
        return Standing::unjudged(why);
    }
    if !traffic.has_service(service) {
        return Standing::unjudged(Unjudged::Traffic {
            reason: format!(
                "{service} sent nothing, so that the absence of a signal proves nothing"
            ),
            remedy: "expect a signal that it sends beside this one".to_owned(),
        });
    }
    Standing::holds(Finality::Open)
}

fn of_service(check: &Check, service: &str, traffic: &Traffic) -> Standing {
    if traffic.has_service(service) {
        return Standing::holds(Finality::Final);
    }
    if let Some(why) = why_unknown(service, &Signal::ALL, traffic) {
        return Standing::unjudged(why);
    }
    let subject = Subject::Service(service.to_owned());
    let mut failure = Failure::of_check(check, subject, "telemetry of any signal", "none");
    failure.hints = unseen(service, traffic);
    Standing::fails(failure, Finality::Open)
}

fn of_edge(check: &Check, edge: &ServiceEdge, traffic: &Traffic) -> Standing {
    if traffic.has_edge(edge) {
        return Standing::holds(Finality::Final);
    }
    let ServiceEdge { from, to, by } = edge;
    if let Some(why) = nothing_arrived(traffic) {
        return Standing::unjudged(why);
    }
    if traffic.forgotten_spans > 0 {
        return Standing::unjudged(Unjudged::Traffic {
            reason: format!(
                "{} of services in edges had to be forgotten, so that a reference may have been missed",
                counted(traffic.forgotten_spans, "span")
            ),
            remedy: "send spanspec the telemetry of fewer services".to_owned(),
        });
    }
    let ends = [from, to];
    let refused = ends
        .iter()
        .find_map(|service| traffic.refused_of(service, Signal::Traces).next());
    if let Some(export) = refused {
        return Standing::unjudged(lost(export));
    }
    if let Some(old) = ends
        .iter()
        .find_map(|service| only_old(service, &[Signal::Traces], traffic))
    {
        return Standing::unjudged(old);
    }
    let subject = Subject::Reference(edge.clone());
    let expected = match by {
        EdgeKind::Child => format!("a span of {to} whose parent is a span of {from}"),
        EdgeKind::Link => format!("a span of {to} with a link to a span of {from}"),
    };
    let mut failure = Failure::of_check(check, subject, expected, found_instead(edge, traffic));
    failure.hints = edge_hints(edge, traffic);
    Standing::fails(failure, Finality::Open)
}

/// The references that were found instead of an edge.
fn found_instead(edge: &ServiceEdge, traffic: &Traffic) -> String {
    let ServiceEdge { from, to, .. } = edge;
    for service in [from, to] {
        if !traffic
            .of(service, Signal::Traces)
            .is_some_and(SignalTraffic::is_present)
        {
            return format!("no span of {service}");
        }
    }
    let of_kind = |other: &&ServiceEdge| other.by == EdgeKind::Child && other.from != other.to;
    let calls = traffic.edges.keys().filter(of_kind);
    let callers = calls.clone().filter(|other| other.to == *to);
    let callers: Vec<&str> = callers.map(|other| other.from.as_str()).collect();
    let called = calls.filter(|other| other.from == *from);
    let called: Vec<&str> = called.map(|other| other.to.as_str()).collect();
    let callers = match callers.as_slice() {
        [] => format!("no service has a parent of spans of {to}"),
        callers => format!("parents of spans of {to} are of {}", named(callers)),
    };
    match called.as_slice() {
        [] => format!("none; {callers}"),
        called => format!("none; {callers}; {from} has children in {}", named(called)),
    }
}

fn edge_hints(edge: &ServiceEdge, traffic: &Traffic) -> Vec<String> {
    let ServiceEdge { from, to, by } = edge;
    let missing = [from, to];
    let missing = missing.iter().find(|service| !traffic.has_service(service));
    if let Some(service) = missing {
        return unseen(service, traffic);
    }
    let other = |from: &String, to: &String, by| ServiceEdge {
        from: from.clone(),
        to: to.clone(),
        by,
    };
    let is_found = |edge: ServiceEdge| traffic.has_edge(&edge);
    match by {
        EdgeKind::Child if is_found(other(from, to, EdgeKind::Link)) => vec![format!(
            "{to} has a link to {from}: `{{ link: {from} -> {to} }}`"
        )],
        EdgeKind::Link if is_found(other(from, to, EdgeKind::Child)) => vec![format!(
            "spans of {to} are children of spans of {from}: `{from} -> {to}`"
        )],
        _ if is_found(other(to, from, *by)) => {
            vec![format!("the opposite was found: {to} -> {from}")]
        }
        EdgeKind::Child => vec![format!(
            "let {from} send the header `traceparent` to {to}, and {to} read it; or nothing called it in this time"
        )],
        EdgeKind::Link => vec![format!(
            "let {from} put the trace context into messages, and {to} add a link; or no message was sent in this time"
        )],
    }
}

/// The reason if it is not known whether a service sends any of these signals.
fn why_unknown(service: &str, signals: &[Signal], traffic: &Traffic) -> Option<Unjudged> {
    if let Some(why) = nothing_arrived(traffic) {
        return Some(why);
    }
    let mut of_signals = signals.iter();
    let refused = of_signals.find_map(|signal| traffic.refused_of(service, *signal).next());
    if let Some(export) = refused {
        return Some(lost(export));
    }
    only_old(service, signals, traffic)
}

fn lost(export: &RefusedExport) -> Unjudged {
    Unjudged::Traffic {
        reason: format!("records may be missing: {}", export.hole),
        remedy: export.hole.remedy.clone(),
    }
}

/// The reason if only records arrived that are older than the window.
fn only_old(service: &str, signals: &[Signal], traffic: &Traffic) -> Option<Unjudged> {
    let mut found = signals.iter().filter_map(|signal| {
        let of = traffic.of(service, *signal)?;
        (of.old > 0 && of.records == 0).then_some((*signal, of))
    });
    let (signal, of) = found.next()?;
    Some(Unjudged::Traffic {
        reason: format!(
            "{} of {service} arrived, and all are dated {} or more before the window",
            counted(of.old, signal.record()),
            duration(of.old_by)
        ),
        remedy: format!(
            "set the clock of {service}; or empty the queue of the Collector, which sent the telemetry of an earlier run"
        ),
    })
}

/// `traces (last 3 s ago) and metrics (last 12 s ago) arrived`
fn signals_of(service: &str, traffic: &Traffic) -> String {
    let of = traffic.services.get(service);
    let signals = of.into_iter().flat_map(|of| &of.signals);
    let present = signals.filter(|(_, of)| of.is_present());
    let all: Vec<String> = present
        .map(|(signal, of)| {
            let ago = duration(ago(of, traffic));
            format!("{} (last {ago} ago)", signal.name())
        })
        .collect();
    format!("{} arrived", all.join(" and "))
}

fn ago(of: &SignalTraffic, traffic: &Traffic) -> Duration {
    traffic.observed.saturating_sub(of.last)
}

/// The instruction for a signal that a service does not send.
fn exporter_hint(service: &str, signal: Signal) -> String {
    let variable = match signal {
        Signal::Traces => "OTEL_TRACES_EXPORTER=otlp",
        Signal::Logs => "OTEL_LOGS_EXPORTER=otlp",
        Signal::Metrics => "OTEL_METRICS_EXPORTER=otlp",
    };
    match signal {
        Signal::Metrics => format!(
            "set `{variable}` for {service}, and OTEL_METRIC_EXPORT_INTERVAL (60 s by default) shorter than the window"
        ),
        Signal::Traces | Signal::Logs => format!("set `{variable}` for {service}"),
    }
}

/// The services that were seen, and the one that is probably meant.
fn unseen(service: &str, traffic: &Traffic) -> Vec<String> {
    let names: Vec<&str> = traffic.services.keys().map(String::as_str).collect();
    let is_same = |name: &&&str| name.eq_ignore_ascii_case(service);
    let meant = names.iter().find(is_same).copied();
    let meant = meant.or_else(|| closest(service, &names));
    let meant = meant.map(|meant| format!("did you mean `{meant}`?"));
    let mut hints: Vec<String> = meant.into_iter().collect();
    if !names.is_empty() {
        hints.push(format!("telemetry arrived from {}", named(&names)));
    }
    hints
}

/// Returns `true` for a condition on the relations of a span.
fn is_about_tree(ask: &Ask) -> bool {
    match ask {
        Ask::Relation(_) | Ask::SelfTime(_) => true,
        Ask::AnyOf(alternatives) => {
            let mut all = alternatives.iter().flatten();
            all.any(|one| is_about_tree(&one.ask))
        }
        _ => false,
    }
}

/// The first names of a list, and the number of the others.
fn named(names: &[&str]) -> String {
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    let first: Vec<&str> = distinct.iter().copied().take(MOST_NAMED).collect();
    match distinct.len().saturating_sub(MOST_NAMED) {
        0 => first.join(", "),
        more => format!("{} and {} more", first.join(", "), count(more)),
    }
}

impl Evaluator<'_> {
    /// Returns `true` if the forest has all traces of a window.
    fn is_of_window(&self) -> bool {
        self.least_reach == TraceReach::Links
    }

    /// The reason why a check of spans proves nothing: none arrived in the window.
    pub(super) fn why_no_spans(&self) -> Option<Unjudged> {
        let is_empty = self.forest.len_within(TraceReach::Links) == 0;
        (self.is_of_window() && is_empty).then(|| Unjudged::Traffic {
            reason: "no trace began in the window".to_owned(),
            remedy: "set `OTEL_TRACES_EXPORTER=otlp` for the services, let a client use them, and set their clocks"
                .to_owned(),
        })
    }

    /// The reason why relations of spans are not known: parents are missing in a trace with such a span.
    pub(super) fn why_tree_unknown(&self, entry: &SpanEntry) -> Option<Unjudged> {
        let conditions = entry.find.all_conditions();
        let mut asks = conditions.iter().map(|one| &one.ask);
        let each = entry.each.iter().map(|one| &one.ask);
        let is_known = !asks.any(is_about_tree) && !each.into_iter().any(is_about_tree);
        if !self.is_of_window() || is_known {
            return None;
        }
        let mut plain = entry.find.clone();
        plain.conditions.retain(|one| !is_about_tree(&one.ask));
        plain.take = None;
        let mask = self.mask(&plain, TraceReach::Links);
        let mut incomplete = self.forest.traces(TraceReach::Links);
        incomplete.find_map(|(start, trace)| {
            let own = mask.get(start..start + trace.len())?;
            let has_such = own.iter().any(|truth| *truth != Truth::No);
            Unjudged::missing_spans(trace).filter(|_| has_such)
        })
    }

    /// The reason why a check of log records proves nothing: none arrived in the window.
    pub(super) fn why_no_logs(&self) -> Option<Unjudged> {
        let traces = self.forest.traces(TraceReach::Links);
        let is_empty = traces.into_iter().all(|(_, trace)| trace.logs().is_empty());
        (self.is_of_window() && is_empty).then(|| Unjudged::Traffic {
            reason: "no log record arrived in the window".to_owned(),
            remedy: "set `OTEL_LOGS_EXPORTER=otlp` for the services".to_owned(),
        })
    }
}
