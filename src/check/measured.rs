//! The spans, durations and numbers that a budget measures.

use std::cmp::Ordering;

use super::forest::Forest;
use super::judgement::FailureDetail;
use super::lost::{lost_in, lost_of};
use super::present::Present;
use super::select::Evaluator;
use super::unjudged::{NoNumber, SpanName, Unjudged};
use crate::spec::{Ask, AttributeKey, Matcher, Selector};
use crate::trace::{Field, Nanos, Span, Sum, Trace, Value};

/// The duration of a span that a budget measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanTime {
    /// From the start to the end.
    Duration,
    /// The duration minus that of the children.
    SelfTime,
}

/// The span with the longest duration among those that meet a selector, with that duration; `None`
/// if none does.
///
/// # Errors
/// The reason if it is not known: a span has no duration, or lacks dropped parts that the selector
/// needs.
pub(crate) fn longest<'t>(
    selector: &Selector,
    time: SpanTime,
    trace: &'t Trace,
) -> Result<Option<(Nanos, &'t Span)>, Unjudged> {
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &[], FailureDetail::Outcome);
    let mut longest: Option<(Nanos, &Span)> = None;
    for span in evaluator.certain(selector)? {
        let taken = match time {
            SpanTime::Duration => forest.span(span).duration().ok(),
            SpanTime::SelfTime => forest.self_time(span),
        };
        let taken = taken.ok_or_else(|| evaluator.why_no_time(span))?;
        if longest.is_none_or(|(known, _)| known <= taken) {
            longest = Some((taken, forest.span(span)));
        }
    }
    Ok(longest)
}

/// All spans of a trace that meet a selector, by start time.
///
/// # Errors
/// The reason if it is not known which ones do.
pub(crate) fn all_of<'t>(selector: &Selector, trace: &'t Trace) -> Result<Vec<&'t Span>, Unjudged> {
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &[], FailureDetail::Outcome);
    let found = evaluator.certain(selector)?;
    Ok(found.into_iter().map(|span| forest.span(span)).collect())
}

/// All spans of a trace that meet a selector, each with the number in its attribute with this key.
///
/// # Errors
/// The reason if it is not known which spans do, or if one of them has no such number.
pub(crate) fn numbers_of<'t>(
    selector: &Selector,
    key: &AttributeKey,
    trace: &'t Trace,
) -> Result<Vec<(MeasuredNumber, &'t Span)>, Unjudged> {
    let forest = Forest::new(trace);
    let evaluator = Evaluator::new(&forest, &[], FailureDetail::Outcome);
    let exists = Ask::Attribute(key.clone(), Matcher::Exists);
    if let Some(field) = lost_of(&exists, trace.losses()) {
        return Err(Unjudged::Lost(field));
    }
    let prepared = evaluator.prepare(&exists, evaluator.reach(selector));
    let found = evaluator.certain(selector)?.into_iter();
    found
        .map(|span| {
            let this = forest.span(span);
            if !evaluator.meets(&exists, &prepared, span).is_known() {
                return Err(evaluator.why_unmet(&exists, &prepared, span));
            }
            let is_read = trace.losses().contains(Field::AttributeTypes);
            Ok((number(this, key, is_read)?, this))
        })
        .collect()
}

impl Evaluator<'_> {
    /// The spans that meet a selector, by start time.
    ///
    /// # Errors
    /// The reason if it is not known which ones do.
    fn certain(&self, selector: &Selector) -> Result<Vec<usize>, Unjudged> {
        if let Some(field) = lost_in(selector, self.losses()) {
            return Err(Unjudged::Lost(field));
        }
        if let Some(hole) = self.log_hole(selector) {
            return Err(hole);
        }
        let mask = self.mask(selector, self.reach(selector));
        match mask.iter().all(|truth| truth.is_known()) {
            true => Ok(self.by_start(&mask)),
            false => Err(self.why_uncertain(selector)),
        }
    }
}

/// A number that is measured. As a double, it is exact: another one could be on the other side of a limit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MeasuredNumber {
    pub(crate) double: f64,
    sent: Value,
}

/// The number in an attribute of a span. If the source sends all values as strings, `is_read` reads a
/// number in one.
///
/// # Errors
/// The reason why there is none that can be measured.
fn number(span: &Span, key: &AttributeKey, is_read: bool) -> Result<MeasuredNumber, Unjudged> {
    let found = match Present::of(&span.attributes, key) {
        Present::Several => {
            return Err(Unjudged::SeveralKeys(SpanName::of(span), key.to_string()));
        }
        Present::Nothing => Err(NoNumber::Absent),
        Present::One(value) => of_value(value, is_read),
    };
    found.map_err(|why| Unjudged::NoNumber(SpanName::of(span), key.to_string(), why))
}

/// The exact sum of the numbers in an attribute.
///
/// # Errors
/// It has too many digits.
pub(crate) fn sum_of(
    numbers: &[(MeasuredNumber, &Span)],
    key: &AttributeKey,
) -> Result<f64, Unjudged> {
    let mut values = numbers.iter().map(|(number, _)| &number.sent);
    let sum = values.try_fold(Sum::default(), |sum, value| sum.plus(value));
    let total = sum.and_then(Sum::total).and_then(exactly);
    total.ok_or_else(|| {
        let first = numbers.first();
        let name = first.map_or_else(SpanName::default, |(_, span)| SpanName::of(span));
        Unjudged::NoNumber(name, key.to_string(), NoNumber::Inexact)
    })
}

/// A number as a double, if that is exact.
fn exactly(number: Value) -> Option<f64> {
    let double = match &number {
        Value::Int(int) => *int as f64,
        Value::Double(double) => *double,
        Value::Number(number) => number.nearest_double(),
        _ => return None,
    };
    (number.compare(&Value::Double(double)) == Some(Ordering::Equal)).then_some(double)
}

fn of_value(value: &Value, is_read: bool) -> Result<MeasuredNumber, NoNumber> {
    let number = match value {
        Value::Int(int) => *int as f64,
        Value::Double(double) => *double,
        Value::Number(number) => number.nearest_double(),
        Value::String(text) if is_read => match Value::number(text) {
            Some(spelled) => return of_value(&spelled, false),
            None => return Err(NoNumber::OtherType("string")),
        },
        other => return Err(NoNumber::OtherType(other.type_name())),
    };
    match number {
        _ if !number.is_finite() => Err(NoNumber::NotFinite),
        _ if number < 0.0 => Err(NoNumber::Negative),
        _ => match exactly(value.clone()) {
            Some(double) => Ok(MeasuredNumber {
                // Without the sign of zero.
                double: double.abs(),
                sent: value.clone(),
            }),
            None => Err(NoNumber::Inexact),
        },
    }
}

/// The number in an attribute of a span, also if it is written as a string.
pub(crate) fn number_of(span: &Span, key: &AttributeKey) -> Option<f64> {
    number(span, key, true).ok().map(|number| number.double)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_that_are_not_negative_are_measured() {
        let read = |value: Value| of_value(&value, false).map(|number| number.double);
        assert_eq!(read(Value::Int(12)), Ok(12.0));
        assert_eq!(read(Value::Double(0.25)), Ok(0.25));
        assert_eq!(
            read(Value::Double(-0.0)).map(f64::is_sign_negative),
            Ok(false)
        );
        assert_eq!(read(Value::Double(f64::NAN)), Err(NoNumber::NotFinite));
        assert_eq!(read(Value::Double(f64::INFINITY)), Err(NoNumber::NotFinite));
        assert_eq!(read(Value::Int(-1)), Err(NoNumber::Negative));
        // Doubles have 53 bits.
        assert_eq!(read(Value::Int(1 << 53)), Ok(9_007_199_254_740_992.0));
        assert_eq!(read(Value::Int((1 << 53) + 1)), Err(NoNumber::Inexact));
        assert_eq!(read(Value::Int((1 << 53) + 2)), Ok(9_007_199_254_740_994.0));
        assert_eq!(read(Value::Double(1e300)), Ok(1e300));
        assert_eq!(read(Value::from("12")), Err(NoNumber::OtherType("string")));
    }

    #[test]
    fn of_a_source_without_types_a_string_is_read() {
        let read = |text: &str| of_value(&Value::from(text), true).map(|number| number.double);
        assert_eq!(read("0.1"), Ok(0.1));
        assert_eq!(read("9007199254740993"), Err(NoNumber::Inexact));
        assert_eq!(read("12"), Ok(12.0));
        assert_eq!(read("-3"), Err(NoNumber::Negative));
        assert_eq!(read("twelve"), Err(NoNumber::OtherType("string")));
    }

    #[test]
    fn a_sum_is_exact_or_not_measured() {
        use crate::trace::{SpanId, TraceId};
        let (trace, id) = (TraceId::random(), SpanId::from_bytes([1; 8]).unwrap());
        let span = Span::new(trace, id, "query");
        let key = AttributeKey::parse("rows").unwrap();
        let sum = |values: &[Value]| {
            let numbers = values.iter().map(|value| of_value(value, true).unwrap());
            let numbers: Vec<_> = numbers.map(|number| (number, &span)).collect();
            sum_of(&numbers, &key).ok()
        };
        let half = Value::Int(1 << 52);
        assert_eq!(sum(&[]), Some(0.0));
        assert_eq!(sum(&[Value::Double(0.1), Value::from("0.2")]), Some(0.3));
        assert_eq!(
            sum(&[half.clone(), half.clone()]),
            Some(9_007_199_254_740_992.0)
        );
        // In doubles, the last 1 has no effect.
        assert_eq!(sum(&[half.clone(), half, Value::Int(1)]), None);
    }
}
