//! Checks that each call continues the trace in the service that it calls.
//!
//! `trace` finds the other end of each call; here the ends become an outcome, with evidence and remedy.

use std::collections::{BTreeSet, HashSet};

use super::judgement::{Finality, Standing};
use super::lost::lost_attributes;
use super::unjudged::{DroppedPart, SpanName};
use super::window::{RestartedRequest, WindowEvidence};
use super::{Evidence, Failure, Subject, Unjudged, Witness, words};
use crate::number::counted;
use crate::spec::Check;
use crate::trace::{Field, Fit, Hop, HopEnd, Span, SpanKind, Trace, hops, peer_name};

/// Maximum number of hops in a text.
const MOST_LISTED: usize = 4;

/// The hops of a trace, and of the traces that permitted restarts began.
struct Judged<'t> {
    continued: usize,
    broken: Vec<Hop<'t>>,
    /// Hops of which nothing shows if they are broken, and those that need no span.
    unknown: Vec<Hop<'t>>,
    idle: Vec<Hop<'t>>,
    /// The services that received a request.
    entered: BTreeSet<&'t str>,
    /// The request of the trigger, if it began a trace that it may not begin.
    first_hop: Option<&'t RestartedRequest>,
}

/// Judges the calls of a trace. `restarted` are the services that may begin a new trace.
pub(super) fn judge(
    check: &Check,
    restarted: &[String],
    evidence: &Evidence<'_>,
    trace: &Trace,
) -> Standing {
    let window = evidence.window;
    let judged = Judged::new(restarted, window, trace);
    if let Some(failure) = judged.failure(check, restarted) {
        let links = [Field::Links, Field::LinkingTraces].into_iter();
        let lost = links
            .into_iter()
            .find(|&field| trace.losses().contains(field));
        return match lost {
            Some(field) => Standing::unjudged(Unjudged::Lost(field)),
            None => Standing::fails(failure, Finality::Open),
        };
    }
    if trace.is_empty() && judged.continued == 0 {
        return Standing::unjudged(Unjudged::NoSpans);
    }
    if let Some(hop) = judged.unknown.first() {
        return Standing::unjudged(why_unknown(hop));
    }
    let nameless = judged.idle.iter().find_map(|hop| why_nameless(hop, trace));
    if let Some(why) = nameless {
        return Standing::unjudged(why);
    }
    let is_unseen = |name: &&String| !judged.entered.contains(name.as_str());
    if let Some(unseen) = restarted.iter().find(is_unseen) {
        return match window.is_some_and(|window| window.others.is_some() && window.has_all) {
            true => Standing::fails(unseen_service(check, unseen), Finality::Open),
            false => Standing::unjudged(Unjudged::Propagation {
                reason: format!(
                    "no span of `{unseen}` is in this trace, and not all other traces are known"
                ),
                remedy: format!(
                    "let {unseen} continue the trace, or check this with the receiver of spanspec"
                ),
            }),
        };
    }
    if judged.continued == 0 {
        return Standing::unjudged(nothing_to_judge(&judged.idle));
    }
    Standing::holds(Finality::Open)
}

/// The calls that a passed check did not judge, in a sentence.
#[cfg(feature = "run")]
pub(crate) fn hops_not_judged(
    judged: &[super::Judged],
    expect: &crate::spec::Expect,
    evidence: &Evidence<'_>,
) -> Option<String> {
    use crate::spec::Condition;
    let trace = evidence.trace?;
    let mut passed = judged
        .iter()
        .filter(|one| one.outcome == super::Outcome::Pass)
        .filter_map(|one| one.check.condition(expect));
    let restarted = passed.find_map(|condition| match condition {
        Condition::Continued(restarted) => Some(restarted),
        _ => None,
    })?;
    let judged = Judged::new(restarted, evidence.window, trace);
    let idle = described(&judged.idle);
    (!idle.is_empty()).then(|| {
        format!(
            "`propagation` did not judge {}: {}",
            counted(judged.idle.len(), "call"),
            idle.join("; ")
        )
    })
}

impl<'t> Judged<'t> {
    fn new(restarted: &[String], window: Option<&'t WindowEvidence>, trace: &'t Trace) -> Self {
        let others = window.and_then(|window| window.others.as_deref());
        let others = others.unwrap_or_default();
        let mut peers = window
            .map(|window| window.peers.clone())
            .unwrap_or_default();
        let all = std::iter::once(trace).chain(trace.linked()).chain(others);
        all.for_each(|trace| peers.note(trace));
        let mut judged = Self {
            continued: 0,
            broken: Vec::new(),
            unknown: Vec::new(),
            idle: Vec::new(),
            entered: BTreeSet::new(),
            first_hop: None,
        };
        let mut open = vec![trace];
        let mut seen: HashSet<_> = [trace.id()].into();
        let trace_of = |root: &Span| {
            let mut all = others.iter().chain(trace.linked());
            all.find(|other| other.id() == root.trace_id)
        };
        let may_restart = |root: &Span| restarted.iter().any(|name| name == root.service());
        let first = window.and_then(|window| window.first_hop.as_ref());
        if let Some(first) = first.filter(|_| !trace.has_entry()) {
            match may_restart(&first.root) {
                true => {
                    judged.continued += 1;
                    open.extend(trace_of(&first.root).filter(|other| seen.insert(other.id())));
                }
                false => judged.first_hop = Some(first),
            }
        }
        while let Some(part) = open.pop() {
            judged.enter(part);
            for hop in hops(part, others, &peers) {
                match hop.end {
                    HopEnd::Restarted(root, fit) if fit >= Fit::Name && may_restart(root) => {
                        judged.continued += 1;
                        open.extend(trace_of(root).filter(|other| seen.insert(other.id())));
                    }
                    HopEnd::Unclear(root)
                        if peer_name(hop.caller) == Some(root.service()) && may_restart(root) =>
                    {
                        judged.continued += 1;
                        open.extend(trace_of(root).filter(|other| seen.insert(other.id())));
                    }
                    _ => judged.add(hop),
                }
            }
        }
        judged
    }

    fn enter(&mut self, part: &'t Trace) {
        let entries = part.spans().iter();
        let entries =
            entries.filter(|span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer));
        self.entered.extend(entries.map(Span::service));
    }

    fn add(&mut self, hop: Hop<'t>) {
        match hop.end {
            HopEnd::Continued | HopEnd::ContinuedUnseen => self.continued += 1,
            HopEnd::Restarted(..) | HopEnd::Missing => self.broken.push(hop),
            HopEnd::Unclear(_) | HopEnd::NoAnswer => self.unknown.push(hop),
            HopEnd::UnknownCallee | HopEnd::NotReceived => self.idle.push(hop),
        }
    }

    fn failure(&self, check: &Check, restarted: &[String]) -> Option<Failure> {
        let first = self.first_hop.map(|first| {
            format!(
                "the request of the trigger: `{}` of {} began trace {} in place of this one",
                words::excerpt(&first.root.name),
                first.root.service(),
                first.root.trace_id.short()
            )
        });
        let number = self.broken.len() + usize::from(first.is_some());
        if number == 0 {
            return None;
        }
        let broken = described(&self.broken);
        let broken: Vec<String> = first.into_iter().chain(broken).collect();
        let found = format!(
            "{number} of {} broken: {}",
            counted(number + self.continued, "call"),
            broken.join("; ")
        );
        let mut failure =
            Failure::of_check(check, Subject::Propagation, "each call continued", found);
        failure.show(&self.broken, |hop| {
            let mark = match hop.end {
                HopEnd::Restarted(root, _) => {
                    format!("continued by trace {}", root.trace_id.short())
                }
                _ => format!("no SERVER span of {}", callee(hop)),
            };
            Witness::new(hop.caller, mark)
        });
        if let Some(first) = self.first_hop {
            failure.hints.extend(first.evidence.iter().cloned());
            failure.hints.extend(first.assumption.map(str::to_owned));
            failure.hints.push(permit(first.root.service(), restarted));
        }
        for hop in self.broken.iter().take(MOST_LISTED) {
            for hint in remedies(hop, restarted) {
                if !failure.hints.contains(&hint) {
                    failure.hints.push(hint);
                }
            }
        }
        let idle = described(&self.idle);
        if !idle.is_empty() {
            failure
                .hints
                .push(format!("not judged: {}", idle.join("; ")));
        }
        Some(failure)
    }
}

/// Each hop once, with its number: `` `GET` of web to stock (2 times) ``.
fn described(hops: &[Hop<'_>]) -> Vec<String> {
    let mut all: Vec<(String, usize)> = Vec::new();
    for hop in hops {
        let text = describe(hop);
        match all.iter_mut().find(|(known, _)| *known == text) {
            Some((_, times)) => *times += 1,
            None => all.push((text, 1)),
        }
    }
    let more = all.len().saturating_sub(MOST_LISTED);
    let first = all.into_iter().take(MOST_LISTED);
    let texts = first.map(|(text, times)| match times {
        1 => text,
        _ => format!("{text} ({times} times)"),
    });
    let more = (more > 0).then(|| format!("{more} more"));
    texts.chain(more).collect()
}

fn describe(hop: &Hop<'_>) -> String {
    let (name, service) = (words::excerpt(&hop.caller.name), hop.caller.service());
    let call = match hop.end {
        HopEnd::Restarted(root, _) | HopEnd::Unclear(root) => {
            format!("`{name}` of {service} to {}", root.service())
        }
        HopEnd::NotReceived => format!("`{name}` of {service}"),
        _ => format!("`{name}` of {service} to {}", callee(hop)),
    };
    match hop.end {
        HopEnd::Continued | HopEnd::ContinuedUnseen => call,
        HopEnd::Restarted(root, _) => format!(
            "{call}, where `{}` began trace {}",
            words::excerpt(&root.name),
            root.trace_id.short()
        ),
        HopEnd::Missing => format!("{call}, which answered and has no SERVER span"),
        HopEnd::Unclear(root) => format!(
            "{call}, where `{}` began a trace at that time",
            words::excerpt(&root.name)
        ),
        HopEnd::NoAnswer => format!("{call}, which got no response"),
        HopEnd::UnknownCallee => format!("{call}, of which no SERVER span is known"),
        HopEnd::NotReceived => format!("{call}, of which no span shows that it was received"),
    }
}

fn callee<'t>(hop: &Hop<'t>) -> &'t str {
    peer_name(hop.caller).unwrap_or("a service that the call does not name")
}

fn remedies(hop: &Hop<'_>, restarted: &[String]) -> Vec<String> {
    let caller = hop.caller.service();
    match hop.end {
        HopEnd::Restarted(root, _) if root.kind == SpanKind::Consumer => vec![format!(
            "let {caller} write the context into the headers of the message, and let {} continue it or link to it",
            root.service()
        )],
        HopEnd::Restarted(root, fit) => {
            let callee = root.service();
            let mut all = vec![
                evidence(root, fit),
                format!(
                    "let the client of {caller} send `traceparent`, and {callee} take it over: both need `tracecontext` in OTEL_PROPAGATORS"
                ),
            ];
            if !restarted.iter().any(|name| name == callee) {
                all.push(permit(callee, restarted));
            }
            all
        }
        _ => vec![format!(
            "{} recorded other requests: look at its sampler and exporter, and at the propagators of both",
            callee(hop)
        )],
    }
}

fn evidence(root: &Span, fit: Fit) -> String {
    let root = words::excerpt(&root.name);
    format!("evidence that `{root}` is of this call: {}", fit.evidence())
}

fn permit(service: &str, restarted: &[String]) -> String {
    let names: Vec<&str> = restarted.iter().map(String::as_str).collect();
    let names = [names, vec![service]].concat().join(", ");
    format!("if {service} may begin a new trace, write `propagation: {{ restarted: [{names}] }}`")
}

fn unseen_service(check: &Check, name: &str) -> Failure {
    let found = "neither in this trace nor as the beginning of another";
    let expected = format!("a SERVER span of `{name}`, which may restart the trace");
    let mut failure = Failure::of_check(check, Subject::Propagation, expected, found);
    failure.hints.push(format!(
        "`restarted` names services by their `service.name`; {name} must export its spans to the same place"
    ));
    failure
}

fn why_unknown(hop: &Hop<'_>) -> Unjudged {
    let remedy = match hop.end {
        HopEnd::Unclear(root) => format!(
            "stop other requests to {} while this spec runs, or let its spans have `url.path`, so that requests can be told apart",
            root.service()
        ),
        _ => "let the callee answer, or check the other calls with `edges`".to_owned(),
    };
    let reason = match hop.end {
        HopEnd::Unclear(_) => format!("{}, perhaps of another request", describe(hop)),
        _ => format!("{}, so nothing shows if it arrived there", describe(hop)),
    };
    Unjudged::Propagation { reason, remedy }
}

/// The reason if a call may have named its callee in an attribute that was lost.
fn why_nameless(hop: &Hop<'_>, trace: &Trace) -> Option<Unjudged> {
    if !matches!(hop.end, HopEnd::UnknownCallee) {
        return None;
    }
    let number = hop.caller.attributes.dropped();
    if number > 0 {
        let name = SpanName::of(hop.caller);
        return Some(Unjudged::Dropped(name, DroppedPart::Attributes, number));
    }
    lost_attributes(trace.losses()).map(Unjudged::Lost)
}

fn nothing_to_judge(idle: &[Hop<'_>]) -> Unjudged {
    let calls = described(idle);
    let reason = match calls.as_slice() {
        [] => "the trace has no call of a service, so no propagation was seen".to_owned(),
        calls => format!("no propagation was seen: {}", calls.join("; ")),
    };
    Unjudged::Propagation {
        reason,
        remedy: "instrument the clients and the servers of these services, or remove `propagation`; `services` checks that a service is reached".to_owned(),
    }
}
