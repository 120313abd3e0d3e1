//! The number in an attribute that a budget measures.

use std::cmp::Ordering;

use super::outcome::{NoNumber, SpanName, Unjudged};
use super::present::Present;
use crate::spec::AttributeKey;
use crate::trace::{Span, Sum, Value};

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
pub(super) fn number(
    span: &Span,
    key: &AttributeKey,
    is_read: bool,
) -> Result<MeasuredNumber, Unjudged> {
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
#[cfg(feature = "run")]
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

    #[cfg(feature = "run")]
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
