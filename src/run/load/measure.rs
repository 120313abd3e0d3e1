//! What a budget measures of one request.

use std::time::Duration;

use crate::check;
use crate::spec::{Budget, Measure};
use crate::trace::{Span, Trace};

/// What was measured of a request.
pub(super) struct Sample {
    pub(super) micros: u64,
    /// `service.name` and `service.version` of the span's resource.
    pub(super) version: Option<(String, String)>,
}

/// Whether any of these looks at the trace, so that it has to be complete.
pub(super) fn any_looks_at_trace(budgets: &[Budget]) -> bool {
    budgets.iter().any(Budget::is_about_trace)
}

/// The sample that a request gives to a budget; nothing if it has none.
pub(super) fn sample(
    budget: &Budget,
    response_time: Option<Duration>,
    trace: Option<&Trace>,
) -> Option<Sample> {
    match &budget.measure {
        Measure::ResponseTime => {
            let micros = u64::try_from(response_time?.as_micros()).ok()?;
            Some(Sample {
                micros,
                version: trace.and_then(entry_version),
            })
        }
        Measure::TraceDuration => trace.map(|trace| Sample {
            micros: trace.duration() / 1_000,
            version: entry_version(trace),
        }),
        Measure::Duration(find) => {
            let spans = check::select(find, trace?).into_iter();
            longest(spans.map(|span| (span.duration(), span)))
        }
        Measure::SelfTime(find) => {
            let trace = trace?;
            let spans = check::select(find, trace).into_iter();
            longest(spans.filter_map(|span| Some((self_time(trace, span)?, span))))
        }
    }
}

fn longest<'t>(spans: impl Iterator<Item = (u64, &'t Span)>) -> Option<Sample> {
    let (nanos, span) = spans.max_by_key(|(nanos, _)| *nanos)?;
    Some(Sample {
        micros: nanos / 1_000,
        version: version(span),
    })
}

/// A selector that follows links may have found a span of a linked trace.
fn self_time(trace: &Trace, span: &Span) -> Option<u64> {
    let traces = std::iter::once(trace).chain(trace.linked());
    let mut own = traces.filter(|trace| trace.id() == span.trace_id);
    own.find_map(|trace| Some(trace.self_time(trace.find(span.span_id)?)))
}

/// The version of whoever answered the caller.
fn entry_version(trace: &Trace) -> Option<(String, String)> {
    let root = trace.roots().first()?;
    version(&trace.spans()[*root])
}

fn version(span: &Span) -> Option<(String, String)> {
    let version = span.resource.attributes.get("service.version")?;
    Some((span.service().to_owned(), version.to_text()))
}
