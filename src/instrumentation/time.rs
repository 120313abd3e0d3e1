//! Rules about times, and about what SDKs dropped.

use super::finding::Findings;
use super::{Observed, Rule, Settings};
use crate::number::{self, counted};
use crate::trace::{Nanos, NoDuration, Span, SpanKind, Trace, Witness};

/// Clocks of machines that are synchronized by NTP differ by less: 5 ms.
const TOLERANCE: Nanos = 5_000_000;

/// The rules of this file.
pub(super) const RULES: &[Rule] = &[
    Rule::ClockSkew,
    Rule::UnendedDuration,
    Rule::ZeroDuration,
    Rule::DroppedAttributes,
];

pub(super) fn examine(observed: &Observed<'_>, _: &Settings, found: &mut Findings) {
    for (trace, at, span) in observed.spans() {
        durations(span, found);
        skew(trace, at, found);
        dropped(span, found);
    }
}

fn durations(span: &Span, found: &mut Findings) {
    let what = match span.duration() {
        Ok(0) if matches!(span.kind, SpanKind::Client | SpanKind::Server) => {
            return found.add(
                Rule::ZeroDuration,
                span.service(),
                format!("`{}` took no time", span.name),
                "use a clock with a finer resolution than the duration of the call",
                Witness::new(span, "took no time"),
            );
        }
        Ok(_) => return,
        Err(NoDuration::NeverEnded) => "was exported without an end",
        Err(NoDuration::EndsBeforeStart(_)) => "ends before it starts",
        Err(NoDuration::NoStart) => "has no start",
    };
    found.add(
        Rule::UnendedDuration,
        span.service(),
        format!("`{}` {what}", span.name),
        "end each span once, and take start and end from one clock that is never set back",
        Witness::new(span, what),
    );
}

/// A callee cannot start before the call.
fn skew(trace: &Trace, at: usize, found: &mut Findings) {
    let span = &trace.spans()[at];
    let Some(parent) = trace.parent(at).map(|parent| &trace.spans()[parent]) else {
        return;
    };
    let (Some(caller), Some(callee)) = (parent.known_start(), span.known_start()) else {
        return;
    };
    let ahead = caller.saturating_sub(callee);
    if parent.service() != span.service() && ahead > TOLERANCE {
        let by = number::duration(std::time::Duration::from_nanos(ahead));
        found.add(
            Rule::ClockSkew,
            span.service(),
            format!(
                "spans of {} start before their callers in {}",
                span.service(),
                parent.service()
            ),
            "synchronize the clocks of the machines; durations within a service are not affected",
            Witness::new(span, format!("starts {by} before its caller")),
        );
    }
}

fn dropped(span: &Span, found: &mut Findings) {
    let parts = [
        (
            span.attributes.dropped(),
            "attribute",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        ),
        (span.dropped_events, "event", "OTEL_SPAN_EVENT_COUNT_LIMIT"),
        (span.dropped_links, "link", "OTEL_SPAN_LINK_COUNT_LIMIT"),
    ];
    for (number, part, limit) in parts {
        if number > 0 {
            found.add(
                Rule::DroppedAttributes,
                span.service(),
                format!("`{}` lost {part}s: the SDK dropped them", span.name),
                format!("record fewer {part}s, or raise `{limit}`"),
                Witness::new(span, format!("{} dropped", counted(number, part))),
            );
        }
    }
}
