//! The number in an attribute that a budget measures.

use super::outcome::{NoNumber, SpanName, Unjudged};
use super::present::Present;
use crate::spec::AttributeKey;
use crate::trace::{Span, Value};

/// The number in an attribute of a span. If the source sends all values as strings, `is_read` reads a
/// number in one.
///
/// # Errors
/// The reason why there is none that can be measured.
pub(super) fn number(span: &Span, key: &AttributeKey, is_read: bool) -> Result<f64, Unjudged> {
    let found = match Present::of(&span.attributes, key) {
        Present::Several => {
            return Err(Unjudged::SeveralKeys(SpanName::of(span), key.to_string()));
        }
        Present::Nothing => Err(NoNumber::Absent),
        Present::One(value) => of_value(value, is_read),
    };
    found.map_err(|why| Unjudged::NoNumber(SpanName::of(span), key.to_string(), why))
}

fn of_value(value: &Value, is_read: bool) -> Result<f64, NoNumber> {
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
        // Without the sign of zero.
        _ => Ok(number.abs()),
    }
}

/// The number in an attribute of a span, also if it is written as a string.
pub(crate) fn number_of(span: &Span, key: &AttributeKey) -> Option<f64> {
    number(span, key, true).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_that_are_not_negative_are_measured() {
        let read = |value: Value| of_value(&value, false);
        assert_eq!(read(Value::Int(12)), Ok(12.0));
        assert_eq!(read(Value::Double(0.25)), Ok(0.25));
        assert_eq!(
            read(Value::Double(-0.0)).map(f64::is_sign_negative),
            Ok(false)
        );
        assert_eq!(read(Value::Double(f64::NAN)), Err(NoNumber::NotFinite));
        assert_eq!(read(Value::Double(f64::INFINITY)), Err(NoNumber::NotFinite));
        assert_eq!(read(Value::Int(-1)), Err(NoNumber::Negative));
        assert_eq!(read(Value::from("12")), Err(NoNumber::OtherType("string")));
    }

    #[test]
    fn of_a_source_without_types_a_string_is_read() {
        let read = |text: &str| of_value(&Value::from(text), true);
        assert_eq!(read("12"), Ok(12.0));
        assert_eq!(read("-3"), Err(NoNumber::Negative));
        assert_eq!(read("twelve"), Err(NoNumber::OtherType("string")));
    }
}
