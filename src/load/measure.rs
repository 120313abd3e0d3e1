//! Measures the quantity of a budget in one request.

use std::time::Duration;

use crate::check::{self, SpanTime, Unjudged};
use crate::spec::{Budget, Measure};
use crate::trace::{Field, Span, Trace};

/// The measured quantity of a request.
pub(super) struct Sample {
    pub(super) micros: u64,
    /// `service.name` and `service.version` of the span's resource.
    pub(super) version: Option<(String, String)>,
    /// The value of the resource attribute by which versions are compared.
    pub(super) side: Option<String>,
}

/// Returns `true` if a budget measures the trace, which must then be complete.
pub(super) fn any_looks_at_trace(budgets: &[Budget]) -> bool {
    budgets.iter().any(Budget::is_about_trace)
}

/// The sample of a request for a budget; `None` if it has none.
///
/// # Errors
/// The reason why the trace does not determine the quantity.
pub(super) fn sample(
    budget: &Budget,
    response_time: Option<Duration>,
    trace: Option<&Trace>,
) -> Result<Option<Sample>, Unjudged> {
    let longest = |find, time, trace| {
        let found = check::longest(find, time, trace)?;
        Ok(found.map(|(nanos, span)| Sample {
            micros: nanos / 1_000,
            version: version(span),
            side: side(budget, Some(span)),
        }))
    };
    if let Some(trace) = trace.filter(|_| budget.compare.is_some()) {
        let lost = [Field::Resource, Field::AttributeOrigin];
        if let Some(field) = lost
            .into_iter()
            .find(|field| trace.losses().contains(*field))
        {
            return Err(Unjudged::Lost(field));
        }
    }
    match (&budget.measure, trace) {
        (Measure::ResponseTime, _) => Ok(response_time.map(|time| Sample {
            micros: micros(time),
            version: trace.and_then(entry_version),
            side: None,
        })),
        (_, None) => Ok(None),
        (Measure::TraceDuration, Some(trace)) => trace_duration(budget, trace).map(Some),
        (Measure::Duration(find), Some(trace)) => longest(find, SpanTime::Duration, trace),
        (Measure::SelfTime(find), Some(trace)) => longest(find, SpanTime::SelfTime, trace),
    }
}

fn trace_duration(budget: &Budget, trace: &Trace) -> Result<Sample, Unjudged> {
    match trace.spans().iter().find_map(check::no_duration) {
        Some(why) => Err(why),
        None => Ok(Sample {
            micros: trace.least_duration() / 1_000,
            version: entry_version(trace),
            side: side(budget, entry(trace)),
        }),
    }
}

/// The version of the service that answered the trigger.
fn entry_version(trace: &Trace) -> Option<(String, String)> {
    version(entry(trace)?)
}

fn entry(trace: &Trace) -> Option<&Span> {
    let root = trace.roots().first()?;
    Some(&trace.spans()[*root])
}

fn side(budget: &Budget, span: Option<&Span>) -> Option<String> {
    let compare = budget.compare.as_ref()?;
    let value = span?.resource.attributes.get(&compare.key)?;
    Some(value.to_text())
}

fn version(span: &Span) -> Option<(String, String)> {
    let version = span.resource.attributes.get("service.version")?;
    Some((span.service().to_owned(), version.to_text()))
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
