//! Descriptions of spans that never arrived, by what refers to them.

use std::collections::BTreeSet;

use crate::check;
use crate::trace::{Origin, Span, SpanId, SpanKind, Trace};

/// Maximum number of missing spans in a list.
const MAX_LISTED: usize = 6;

/// Possible reasons why a single span did not arrive.
const ABSENT: &str = "it was dropped, not sampled, or exported elsewhere";

/// In `flags` of a span: it is known where the parent is, and the parent is in another process.
const KNOWS_PARENT: u32 = 0x100;
const REMOTE_PARENT: u32 = 0x200;

/// Descriptions of spans that never arrived: parents with their children, and spans of log records.
#[must_use]
pub fn missing_spans(trace: &Trace) -> Vec<String> {
    let parents = trace.missing_parents();
    let of_logs = trace.missing_log_spans().into_iter();
    let of_logs = of_logs
        .filter(|(span, _)| !parents.contains(span))
        .map(|(span, record)| {
            format!(
                "the span {span} never arrived, in which log record {} was written: {ABSENT}",
                check::record_name(record)
            )
        });
    let of_parents: Vec<String> = match replaced_caller(trace) {
        Some(by) => vec![replaced(trace, by)],
        None => parents
            .iter()
            .take(MAX_LISTED)
            .map(|&parent| missing_parent(trace, parent))
            .collect(),
    };
    let all = of_parents.into_iter().chain(of_logs);
    all.take(MAX_LISTED).collect()
}

/// The entry of a trace never arrived. `None` if its missing parents say so.
pub(super) fn missing_entry(trace: Option<&Trace>) -> Option<String> {
    if trace.and_then(replaced_caller).is_some() {
        return None;
    }
    Some(match trace.map(Trace::origin) {
        Some(Origin::Injected(sent)) => format!(
            "no span has the parent {sent}, which was sent as `traceparent`: the span of the service that was called was dropped, not sampled, or exported elsewhere"
        ),
        _ => "every span of this trace has a parent that never arrived".to_owned(),
    })
}

/// The unknown parent of all first spans, which receive requests: a proxy may have put it in place of the
/// span id that was sent.
pub(super) fn replaced_caller(trace: &Trace) -> Option<SpanId> {
    if trace.has_entry() || !matches!(trace.origin(), Origin::Injected(_)) {
        return None;
    }
    let orphans: Vec<&Span> = trace.orphans().map(|at| &trace.spans()[at]).collect();
    let is_received = |span: &&Span| {
        matches!(span.kind, SpanKind::Server | SpanKind::Consumer) && !is_local(span)
    };
    let [parent] = *trace.missing_parents().into_iter().collect::<Vec<_>>() else {
        return None;
    };
    let is_whole = orphans.len() == trace.roots().len();
    (is_whole && orphans.iter().all(is_received)).then_some(parent)
}

fn replaced(trace: &Trace, by: SpanId) -> String {
    let first = trace.orphans().next().map(|at| &trace.spans()[at]);
    let first = first.map_or_else(String::new, |span| {
        format!(" of `{}` of {}", span.name, span.service())
    });
    format!(
        "the parent{first} is {by}, which never arrived, in place of the span id that was sent: a proxy that exports no spans may have continued the trace, which is no loss, and `orphans: 0..` accepts it; or the span of the service that was called was dropped, not sampled, or exported elsewhere"
    )
}

fn missing_parent(trace: &Trace, parent: SpanId) -> String {
    let orphans = trace.orphans().map(|span| &trace.spans()[span]);
    let children: Vec<&Span> = orphans
        .filter(|span| span.parent_id == Some(parent))
        .collect();
    let names: BTreeSet<String> = children
        .iter()
        .map(|span| format!("`{}` of {}", span.name, span.service()))
        .collect();
    let more = match names.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names: Vec<String> = names.into_iter().take(3).collect();
    format!(
        "the span {parent} never arrived, which is the parent of {}{more}: {}",
        names.join(", "),
        cause(&children)
    )
}

/// The probable cause, by the process of the missing parent.
fn cause(children: &[&Span]) -> String {
    let services: BTreeSet<&str> = children.iter().map(|span| span.service()).collect();
    if let Some(service) = services.first().filter(|_| services.len() == 1)
        && children.iter().any(|span| is_local(span))
    {
        let certainty = match children.iter().any(|span| knows_parent(span)) {
            true => "it is",
            false => "by the kind of its children, it is",
        };
        return format!(
            "{certainty} of {service} itself, which exported other spans of this trace, so it was sampled, and was dropped (a full queue, or an end of the process before the last export) or has not ended"
        );
    }
    let is_received = |span: &&Span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer);
    match children.iter().all(is_received) {
        true => format!(
            "{ABSENT}, or is of a proxy or mesh that continues the trace and exports no spans"
        ),
        false => ABSENT.to_owned(),
    }
}

fn knows_parent(span: &Span) -> bool {
    span.flags & KNOWS_PARENT != 0
}

/// Returns `true` if the parent of a span is in the same process, by its flags or, without flags, by its kind.
fn is_local(span: &Span) -> bool {
    match knows_parent(span) {
        true => span.flags & REMOTE_PARENT == 0,
        false => matches!(
            span.kind,
            SpanKind::Internal | SpanKind::Client | SpanKind::Producer
        ),
    }
}
