//! Remarks about spans whose sampled flag or threshold differs from what was sent.

use crate::sampling::{OtelState, Randomness};
use crate::trace::{Field, Span, Trace};

/// The trace flags within `flags` of a span. Some exporters send none.
const TRACE_FLAGS: u32 = 0xff;

/// The sampled flag among the trace flags.
const SAMPLED: u32 = 1;

/// The places where sampling was decided anew: `sampled` is the flag that was sent.
pub(super) fn remarks(trace: &Trace, sampled: bool) -> Vec<String> {
    if trace.losses().contains(Field::TraceContext) {
        return Vec::new();
    }
    let spans = || trace.spans().iter();
    let resampled = match sampled {
        true => spans().find(|span| is_unsampled(span)).map(unsampled),
        false => spans().next().map(sampled_again),
    };
    let dropped = spans().find_map(|span| Some((span, dropping(span)?)));
    let dropped = dropped.map(|(span, threshold)| {
        format!(
            "`{}` of {} has {threshold} in its `tracestate`, which drops this trace: services that follow it record no spans below it; evidence of one request only, so repeat it",
            span.name,
            span.service()
        )
    });
    resampled.into_iter().chain(dropped).collect()
}

fn is_unsampled(span: &Span) -> bool {
    span.flags & TRACE_FLAGS != 0 && span.flags & SAMPLED == 0
}

fn unsampled(span: &Span) -> String {
    let (name, service) = (&span.name, span.service());
    format!(
        "`{name}` of {service} was recorded without the sampled flag, which the request had: {service}, or a proxy before it, decided anew, and services below that follow the flag record nothing; let its sampler follow its caller: OTEL_TRACES_SAMPLER=parentbased_always_on"
    )
}

fn sampled_again(span: &Span) -> String {
    let (name, service) = (&span.name, span.service());
    format!(
        "`{name}` of {service} was recorded although the request was sent without the sampled flag: {service}, or a proxy before it, decided anew; OTEL_TRACES_SAMPLER=parentbased_always_on follows the caller"
    )
}

/// The threshold in `tracestate` that drops the trace.
fn dropping(span: &Span) -> Option<String> {
    let state = OtelState::of(&span.trace_state).ok()??;
    let randomness = state
        .randomness
        .unwrap_or_else(|| Randomness::of(span.trace_id));
    let threshold = state.threshold?;
    (!threshold.keeps(randomness)).then(|| threshold.to_string())
}
