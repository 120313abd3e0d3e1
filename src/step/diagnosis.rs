//! Diagnosis of missing spans: the probable cause, and instructions.
//!
//! Each cause has its own remedy: no telemetry arrived at all; only spans of other traces arrived; a
//! service lost the trace context; parents are missing.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::completeness::{AtDeadline, WaitPolicy};
use super::first_hop::FirstHop;
use super::missing::{missing_entry, missing_spans};
use super::run_context::RunContext;
use super::sampled_flag;
use super::settings::Services;
use crate::instrumentation::lost;
use crate::number::{duration, yaml};
use crate::result::Trouble;
use crate::source::{
    BackendFacts, LateTrace, ReceiverStats, Refusal, SourceDiagnostics, TraceSource,
};
use crate::spec::{Called, Location};
use crate::trace::{Hole, Span, Trace, peer_name, server_roots};

/// Maximum number of services in a list.
pub(super) const MAX_LISTED: usize = 6;

/// Maximum number of requests that are listed because they began a new trace.
const MAX_ROOTS: usize = 3;

/// The addresses of a receiver.
#[derive(Clone, Copy, Debug)]
pub struct Listening<'a> {
    /// Empty if it does not listen.
    pub addresses: &'a [SocketAddr],
    /// `http` or `https`.
    pub scheme: &'static str,
}

impl<'a> Listening<'a> {
    /// Those of a source.
    pub fn of(source: &'a dyn TraceSource) -> Self {
        Self {
            addresses: source.addresses(),
            scheme: source.scheme(),
        }
    }
}

/// The probable reason why there is no span of the trace; `holes` are its losses.
pub(super) fn no_span_of_trace(
    run: &RunContext<'_>,
    stats: &ReceiverStats,
    first: FirstHop<'_>,
    holes: &[Hole],
    at: Option<&Location>,
) -> Trouble {
    let FirstHop { called, trace, .. } = first;
    if *called == Called::Unsampled {
        return unsampled(at);
    }
    if let Some(backend) = run.source.backend() {
        let trouble = trace.and_then(|trace| run.source.trouble(trace));
        return not_in_backend(&backend, trouble, at);
    }
    if let Some(trouble) = first.trouble(at) {
        return trouble;
    }
    if stats.is_empty() {
        return nothing_at_all(Listening::of(run.source), run.options.services, at);
    }
    let mut trouble = other_telemetry(stats, at);
    if *called == Called::Command {
        trouble.help.insert(
            0,
            "check that the command sends its environment variable `TRACEPARENT` as the header `traceparent`".to_owned(),
        );
    }
    with_losses(trouble, stats, holes)
}

/// Losses other than refusals, which are named already, are a better reason than all others.
fn with_losses(mut trouble: Trouble, stats: &ReceiverStats, holes: &[Hole]) -> Trouble {
    let refused: Vec<Hole> = stats.refusals.iter().filter_map(Refusal::hole).collect();
    let lost: Vec<&Hole> = holes
        .iter()
        .filter(|hole| !refused.contains(hole))
        .collect();
    if lost.is_empty() {
        return trouble;
    }
    "there is no span of this trace, and some may have been lost".clone_into(&mut trouble.what);
    let reasons = lost.iter().map(|hole| hole.to_string());
    trouble.details.splice(0..0, reasons);
    let mut remedies: Vec<String> = lost.iter().map(|hole| hole.remedy.clone()).collect();
    remedies.dedup();
    trouble.help.splice(0..0, remedies);
    trouble
}

/// The backend has no span of the trace.
fn not_in_backend(backend: &BackendFacts, trouble: Option<Hole>, at: Option<&Location>) -> Trouble {
    if let Some(hole) = trouble {
        return Trouble::new(&hole.to_string())
            .with_location(at.cloned())
            .with_help([hole.remedy.as_str()]);
    }
    let mut help = vec![
        "look up a trace of another request there: check that the services export to this backend, and that the credentials may read it".to_owned(),
        format!(
            "set `delay` of `source` if spans need more than {} until they can be read, and `wait: {{ timeout: … }}` to more than that",
            yaml(backend.delay)
        ),
    ];
    help.push(match backend.marks_requests {
        true => "a sampler may have dropped it: let it keep traces with `spanspec=1` in `tracestate`".to_owned(),
        false => "a sampler may have dropped it: remove `keep: none`, and let it keep traces with `spanspec=1` in `tracestate`".to_owned(),
    });
    Trouble {
        what: format!("{} has no span of this trace", backend.name),
        at: at.cloned(),
        details: Vec::new(),
        help,
    }
}

/// The probable reason why there is no span of a trace that was fired elsewhere; `holes` are its losses.
/// Lists recent requests that began a new trace, since one of them may belong to it.
#[must_use]
pub fn absent(
    diagnostics: &SourceDiagnostics,
    holes: &[Hole],
    listening: Listening<'_>,
    services: Services,
) -> Trouble {
    if diagnostics.stats.is_empty() {
        return nothing_at_all(listening, services, None);
    }
    let mut trouble = other_telemetry(&diagnostics.stats, None);
    let roots: Vec<&Span> = server_roots(&diagnostics.unrelated).collect();
    let last = roots.iter().rev().take(MAX_ROOTS).map(|root| {
        format!(
            "`{}` of {} began a new trace: {}",
            root.name,
            root.service(),
            root.trace_id
        )
    });
    trouble.details.extend(last);
    with_losses(trouble, &diagnostics.stats, holes)
}

pub(super) fn other_telemetry(stats: &ReceiverStats, at: Option<&Location>) -> Trouble {
    let mut trouble = if stats.spans > 0 {
        only_other_traces(stats, at)
    } else if stats.requests > 0 {
        no_spans(stats, at)
    } else {
        only_refusals(at)
    };
    let refusals = refusals(stats);
    let texts = refusals.iter().map(|refusal| format!("refused {refusal}"));
    trouble.details.extend(texts);
    let mut help: Vec<String> = Vec::new();
    for refusal in refusals {
        if !help.contains(&refusal.remedy) {
            help.push(refusal.remedy.clone());
        }
    }
    // Refusals are the most likely cause.
    help.append(&mut trouble.help);
    trouble.help = help;
    trouble
}

fn only_refusals(at: Option<&Location>) -> Trouble {
    Trouble::new("no span arrived: all export requests were refused").with_location(at.cloned())
}

/// The last refusals, each kind once.
fn refusals(stats: &ReceiverStats) -> Vec<&Refusal> {
    let mut kinds: Vec<&Refusal> = Vec::new();
    for refusal in stats.refusals.iter().rev() {
        let is_same = |known: &&Refusal| {
            (&known.endpoint, &known.reason) == (&refusal.endpoint, &refusal.reason)
        };
        if !kinds.iter().any(is_same) {
            kinds.push(refusal);
        }
    }
    kinds.truncate(MAX_LISTED);
    kinds.reverse();
    kinds
}

/// Services that were asked not to record spans export none.
fn unsampled(at: Option<&Location>) -> Trouble {
    Trouble::new("no span of this trace arrived, as expected: the request asked services not to record spans")
        .with_location(at.cloned())
        .with_help(["with `sampled: false` only `span_count: 0`, `logs`, and checks of the response can hold"])
}

/// The trace was not complete at the deadline.
pub(super) fn inconclusive(
    policy: &WaitPolicy,
    trace: Option<&Trace>,
    state: AtDeadline,
    at: &Location,
) -> Trouble {
    const ORPHANS: &str = "`orphans: 0..` in `expect` accepts missing parents, as of a mesh or a browser that reports elsewhere";
    const OF_LOGS: &str = "`orphans: 0..` in `expect` accepts that the spans of log records are missing, as after sampling in the service";
    const LONGER: &str = "`wait: { timeout: … }` waits longer";
    let has_orphans = trace.is_none_or(|trace| trace.orphans().next().is_some());
    let accept = match has_orphans || !trace.is_some_and(Trace::misses_spans) {
        true => ORPHANS,
        false => OF_LOGS,
    };
    if policy.is_found() {
        return incomplete_when_found(policy, trace, state, at).with_help([match state {
            AtDeadline::Open => LONGER,
            AtDeadline::Quiet | AtDeadline::NoEntry | AtDeadline::NoMarker => accept,
        }]);
    }
    let timeout = policy.timeout;
    let mut trouble = Trouble {
        what: format!(
            "the trace is still incomplete {} after the response, so what holds so far may not be all",
            duration(timeout)
        ),
        at: Some(at.clone()),
        details: trace.map(missing_spans).unwrap_or_default(),
        help: vec![accept.to_owned(), LONGER.to_owned()],
    };
    match state {
        AtDeadline::Quiet | AtDeadline::NoMarker => {}
        AtDeadline::NoEntry => {
            let missing = missing_entry(trace);
            trouble.details.splice(0..0, missing);
        }
        AtDeadline::Open => {
            let (flush, tail) = (policy.bound, policy.tail);
            let until = match tail.is_zero() {
                true => format!("{} after the response, the flush bound", duration(flush)),
                false => format!(
                    "{} after the response: `tail` of {} and the flush bound of {}",
                    duration(tail + flush),
                    duration(tail),
                    duration(flush)
                ),
            };
            trouble
                .details
                .insert(0, format!("{} may arrive until {until}", policy.records()));
            trouble.help = vec![format!(
                "set `wait: {{ timeout: … }}` to more than {}",
                yaml(tail + flush + policy.pause)
            )];
        }
    }
    trouble
}

/// A trace of a search is not complete.
fn incomplete_when_found(
    policy: &WaitPolicy,
    trace: Option<&Trace>,
    state: AtDeadline,
    at: &Location,
) -> Trouble {
    let what = match state {
        AtDeadline::Open => format!(
            "spans may still be missing after {}: the last span of this trace ended less than {} before, by the clock of its service, or answers of the backend differ",
            duration(policy.timeout),
            duration(policy.bound),
        ),
        AtDeadline::Quiet | AtDeadline::NoEntry | AtDeadline::NoMarker => {
            "spans of this trace are missing, so what holds so far may not be all".to_owned()
        }
    };
    Trouble::new(&what)
        .with_location(Some(at.clone()))
        .with_details(trace.map(missing_spans).unwrap_or_default())
}

/// Descriptions of calls that got an answer and have no SERVER span.
pub(super) fn unanswered(trace: &Trace, calls: &[usize]) -> BTreeSet<String> {
    let calls = calls.iter().map(|&call| &trace.spans()[call]);
    calls
        .map(|call| {
            format!(
                "`{}` of {} got an answer from {}, but no SERVER span of it arrived: it was dropped, not sampled, or began a new trace",
                call.name,
                call.service(),
                peer_name(call).unwrap_or("a traced service"),
            )
        })
        .collect()
}

/// Calls without a SERVER span kept the trace open, since the flush bound is unknown.
pub(super) fn add_unanswered(
    trouble: &mut Trouble,
    trace: &Trace,
    calls: &[usize],
    backend: Option<&BackendFacts>,
) {
    if calls.is_empty() {
        return;
    }
    trouble
        .details
        .extend(unanswered(trace, calls).into_iter().take(MAX_LISTED));
    let help = match backend {
        Some(_) => "a declared `delay` of `source` makes this a note",
        None => {
            "a known flush bound makes this a note: set `OTEL_BSP_SCHEDULE_DELAY=100` for the services and `wait: { flush: 350ms }` in spanspec.yaml"
        }
    };
    trouble.help.push(help.to_owned());
}

/// Possible reasons for a failure: services that lost the trace context and, after the end of the
/// wait, parents that never arrived.
pub(super) fn remarks(
    diagnostics: &SourceDiagnostics,
    trace: &Trace,
    (is_over, is_sampled): (bool, bool),
    names_calls: bool,
) -> Vec<String> {
    let missing = if is_over {
        missing_spans(trace)
    } else {
        Vec::new()
    };
    let lost = match names_calls {
        true => Vec::new(),
        false => lost::contexts(trace, &diagnostics.unrelated),
    };
    let sampling = sampled_flag::remarks(trace, is_sampled);
    lost.into_iter().chain(missing).chain(sampling).collect()
}

/// A note about spans that arrived after the verdict about their complete trace.
pub(crate) fn late<'a>(late: impl Iterator<Item = &'a LateTrace>) -> Option<String> {
    let (traces, spans, by) = late.fold((0, 0, None), |(traces, spans, by), one| {
        (traces + 1, spans + one.spans, by.max(Some(one.by)))
    });
    Some(format!(
        "{spans} late {} of {traces} judged {} arrived up to {} after the verdict: raise `wait.flush` by as much",
        if spans == 1 { "span" } else { "spans" },
        if traces == 1 { "trace" } else { "traces" },
        duration(by?)
    ))
}

/// A note about attributes that could not be decoded.
pub(crate) fn dropped(stats: &ReceiverStats) -> Option<String> {
    let first = stats.drops.front()?;
    let number = stats.dropped_attributes;
    let s = if number == 1 { "" } else { "s" };
    Some(format!(
        "dropped {number} attribute{s} that cannot be decoded, such as {first}"
    ))
}

pub(super) fn nothing_at_all(
    listening: Listening<'_>,
    services: Services,
    at: Option<&Location>,
) -> Trouble {
    let mut trouble = Trouble {
        what: "no telemetry arrived at all: no service has exported anything".to_owned(),
        at: at.cloned(),
        details: Vec::new(),
        help: Vec::new(),
    };
    if listening.addresses.is_empty() {
        let help = "check that the services export their spans to the backend that spanspec reads";
        trouble.help.push(help.to_owned());
        return trouble;
    }
    trouble.details.push(format!(
        "listened on {} (OTLP over gRPC and HTTP)",
        list(listening.addresses)
    ));
    match services {
        Services::Ours => trouble.help.extend([
            "the services were started with OTEL_EXPORTER_OTLP_ENDPOINT and related variables: check that they load an OpenTelemetry SDK or agent".to_owned(),
            "a Collector among them exports to spanspec with `endpoint: ${env:OTEL_EXPORTER_OTLP_ENDPOINT}`".to_owned(),
            "Python: start with `opentelemetry-instrument`; Node: `node --require @opentelemetry/auto-instrumentations-node/register`; Java: `-javaagent:opentelemetry-javaagent.jar`".to_owned(),
        ]),
        Services::Theirs => {
            trouble.help.push(format!(
                "set these where the services run, and restart them: {}",
                variables(listening)
            ));
        }
    }
    trouble
}

fn variables(listening: Listening<'_>) -> String {
    let port = listening.addresses.first().map_or(4317, SocketAddr::port);
    let (endpoint, certificate) = match listening.scheme {
        "https" => (
            format!("https://localhost:{port}"),
            " OTEL_EXPORTER_OTLP_CERTIFICATE=… (the file of `receiver.tls.ca` or `cert`)",
        ),
        _ => (format!("http://127.0.0.1:{port}"), ""),
    };
    format!(
        "OTEL_EXPORTER_OTLP_ENDPOINT={endpoint} OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=parentbased_always_on OTEL_PROPAGATORS=tracecontext,baggage OTEL_BSP_SCHEDULE_DELAY=100{certificate}"
    )
}

pub(super) fn list(addresses: &[SocketAddr]) -> String {
    addresses
        .iter()
        .map(SocketAddr::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn no_spans(stats: &ReceiverStats, at: Option<&Location>) -> Trouble {
    Trouble {
        what: "telemetry arrived, but no span of any trace".to_owned(),
        at: at.cloned(),
        details: vec![format!(
            "received {} log records and {} metric points",
            stats.log_records, stats.metric_points
        )],
        help: vec![
            "check that OTEL_TRACES_EXPORTER is not `none`, and set OTEL_TRACES_SAMPLER=parentbased_always_on".to_owned(),
            "check that the SDK or agent instruments this framework: an old agent exports metrics, but knows no spans of a newer one".to_owned(),
        ],
    }
}

fn only_other_traces(stats: &ReceiverStats, at: Option<&Location>) -> Trouble {
    let (others, ours): (u64, u64) = (stats.unrelated.values().sum(), stats.related.values().sum());
    let mut by_service: Vec<(&String, &u64)> = stats.unrelated.iter().collect();
    by_service.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    let listed: Vec<String> = by_service
        .iter()
        .take(MAX_LISTED)
        .map(|(name, count)| format!("{name} ({count} spans)"))
        .collect();
    let mut details = Vec::new();
    if !listed.is_empty() {
        details.push(format!("spans of unrelated traces: {}", listed.join(", ")));
    }
    if ours > 0 {
        let services: Vec<&str> = stats
            .related
            .keys()
            .take(MAX_LISTED)
            .map(String::as_str)
            .collect();
        details.push(format!(
            "spans of the traces of other specs came from {}",
            services.join(", ")
        ));
    }
    let what = if others + ours == 0 {
        "no span of this trace arrived".to_owned()
    } else {
        format!(
            "no span of this trace arrived, but {} of other traces",
            others + ours
        )
    };
    Trouble::new(&what)
        .with_location(at.cloned())
        .with_details(details)
        .with_help([
            "the called service may ignore `traceparent`: set OTEL_PROPAGATORS=tracecontext,baggage, and instrument its HTTP server",
            "it may not sample: set OTEL_TRACES_SAMPLER=parentbased_always_on",
        ])
}
