//! Measures the quantity of a budget in one request.

use std::time::Duration;

use crate::check::{self, SpanTime, Unjudged};
use crate::spec::{Budget, Measure};
use crate::trace::{Field, Span, Trace};

/// The measured quantity of a request.
pub(super) struct Sample {
    /// In the unit of the budget.
    pub(super) value: f64,
    /// The trace has such a span.
    pub(super) is_found: bool,
    /// `service.name` and `service.version` of the span's resource.
    pub(super) version: Option<(String, String)>,
    /// The version, if versions are compared.
    pub(super) side: Side,
}

/// The version of a measured value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Side {
    /// Versions are not compared, or the span has none.
    None,
    /// The value of the resource attribute by which versions are compared.
    Version(String),
    /// A trace without such a span, or with spans of several versions.
    Unknown,
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
            value: (nanos / 1_000) as f64,
            is_found: true,
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
            value: micros(time) as f64,
            is_found: true,
            version: trace.and_then(entry_version),
            side: Side::None,
        })),
        (_, None) => Ok(None),
        (Measure::TraceDuration, Some(trace)) => trace_duration(budget, trace).map(Some),
        (Measure::Duration(find), Some(trace)) => longest(find, SpanTime::Duration, trace),
        (Measure::SelfTime(find), Some(trace)) => longest(find, SpanTime::SelfTime, trace),
        (Measure::Count(find), Some(trace)) => {
            let found = check::all_of(find, trace)?;
            Ok(Some(total(budget, found.len() as f64, &found)))
        }
        (Measure::Attribute(find, key), Some(trace)) => {
            let found = check::numbers_of(find, key, trace)?.into_iter();
            let largest = found.max_by(|(one, _), (other, _)| one.double.total_cmp(&other.double));
            Ok(largest.map(|(number, span)| Sample {
                value: number.double,
                is_found: true,
                version: version(span),
                side: side(budget, Some(span)),
            }))
        }
        (Measure::Sum(find, key), Some(trace)) => {
            let numbers = check::numbers_of(find, key, trace)?;
            let sum = check::sum_of(&numbers, key)?;
            let found: Vec<&Span> = numbers.iter().map(|(_, span)| *span).collect();
            Ok(Some(total(budget, sum, &found)))
        }
    }
}

/// The total of all spans that were found.
fn total(budget: &Budget, value: f64, found: &[&Span]) -> Sample {
    let mut sides = found.iter().map(|span| side(budget, Some(span)));
    let side = match (&budget.compare, sides.next()) {
        (None, _) => Side::None,
        (Some(_), Some(first)) if sides.all(|other| other == first) => first,
        (Some(_), _) => Side::Unknown,
    };
    Sample {
        value,
        is_found: !found.is_empty(),
        version: found.first().and_then(|span| version(span)),
        side,
    }
}

fn trace_duration(budget: &Budget, trace: &Trace) -> Result<Sample, Unjudged> {
    match trace.spans().iter().find_map(check::no_duration) {
        Some(why) => Err(why),
        None => Ok(Sample {
            value: (trace.least_duration() / 1_000) as f64,
            is_found: true,
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

fn side(budget: &Budget, span: Option<&Span>) -> Side {
    let value = budget.compare.as_ref().zip(span);
    let value = value.and_then(|(compare, span)| span.resource.attributes.get(&compare.key));
    value.map_or(Side::None, |value| Side::Version(value.to_text()))
}

fn version(span: &Span) -> Option<(String, String)> {
    let version = span.resource.attributes.get("service.version")?;
    Some((span.service().to_owned(), version.to_text()))
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
