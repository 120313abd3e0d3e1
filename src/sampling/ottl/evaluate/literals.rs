//! Literals, which are evaluated when a condition is read.

use super::super::compare::compare;
use super::super::datum::Datum;
use super::super::function::Function;
use super::super::record::{Fidelity, Record};
use super::super::syntax::{Call, Comparison, Expression, Literal};
use super::functions::int_or_nil;
use super::value;
use crate::trace::{Span, SpanId, TraceId};

/// A record that no literal reads.
fn without_record<T>(read: impl FnOnce(Record<'_>) -> T) -> T {
    let trace = TraceId::from_bytes([1; 16]).expect("it is not zero");
    let span = SpanId::from_bytes([1; 8]).expect("it is not zero");
    let span = Span::new(trace, span, "");
    read(Record {
        span: &span,
        event: None,
        fidelity: Fidelity::Whole,
    })
}

/// The comparison of two literals.
pub(in super::super) fn compared_literals(
    left: &Expression,
    by: Comparison,
    right: &Expression,
) -> bool {
    without_record(|record| match (value(left, record), value(right, record)) {
        (Ok(left), Ok(right)) => compare(&left, by, &right),
        _ => false,
    })
}

/// The reason that a literal argument has the wrong type, for which the Collector does not start.
pub(in super::super) fn wrong_literal(call: &Call) -> Option<String> {
    let is_wrong = |at: usize, check: fn(Datum<'_>) -> bool| {
        let argument = call
            .arguments
            .get(at)
            .filter(|argument| argument.is_literal())?;
        without_record(|record| {
            let datum = value(argument, record).ok()?;
            let found = datum.type_name();
            let what = format!("`{}` does not take {found} here", call.function.name());
            (!check(datum)).then_some(what)
        })
    };
    let text = |datum: Datum<'_>| matches!(datum, Datum::Text(_));
    let int = |datum: Datum<'_>| matches!(datum, Datum::Int(_));
    match call.function {
        Function::IsString | Function::ToLowerCase | Function::ToUpperCase => is_wrong(0, text),
        Function::Duration | Function::ConvertCase => is_wrong(0, text),
        Function::HasPrefix | Function::HasSuffix => {
            is_wrong(0, text).or_else(|| is_wrong(1, text))
        }
        Function::IsInt => is_wrong(0, int),
        Function::IsDouble => is_wrong(0, |datum| matches!(datum, Datum::Double(_))),
        Function::IsBool => is_wrong(0, |datum| matches!(datum, Datum::Bool(_))),
        Function::IsMap => is_wrong(0, |datum| matches!(datum, Datum::Map(_))),
        Function::ContainsValue => is_wrong(0, |datum| matches!(datum, Datum::List(_))),
        Function::Concat => is_wrong(1, text),
        Function::Substring => is_wrong(0, text)
            .or_else(|| is_wrong(1, int))
            .or_else(|| is_wrong(2, int)),
        Function::Int => is_wrong(0, |datum| datum.like_int().is_ok()),
        Function::IntOrNil => is_wrong(0, |datum| int_or_nil(datum).is_ok()),
        Function::Double => is_wrong(0, |datum| datum.like_double().is_ok()),
        Function::Bool => is_wrong(0, |datum| datum.like_bool().is_ok()),
        Function::Hours
        | Function::Minutes
        | Function::Seconds
        | Function::Milliseconds
        | Function::Microseconds
        | Function::Nanoseconds => is_wrong(0, |_| false),
        _ => None,
    }
}

/// The id that `TraceID` or `SpanID` makes of a literal. `None` if it is not known.
pub(in super::super) fn id_literal(call: &Call) -> std::result::Result<Option<Literal>, String> {
    without_record(|record| {
        let bytes = match value(&call.arguments[0], record) {
            Ok(Datum::Bytes(bytes)) => bytes.to_vec(),
            Ok(Datum::Text(text)) => text.as_bytes().to_vec(),
            Ok(Datum::Nil) => Vec::new(),
            _ => return Ok(None),
        };
        match call.function {
            Function::TraceId => id(&bytes).map(Literal::TraceId),
            _ => id(&bytes).map(Literal::SpanId),
        }
        .map(Some)
    })
}

/// An id of bytes, or of their hexadecimal digits.
fn id<const N: usize>(bytes: &[u8]) -> std::result::Result<[u8; N], String> {
    if let Ok(id) = <[u8; N]>::try_from(bytes) {
        return Ok(id);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = bytes.chunks_exact(2);
    let parsed: Option<Vec<u8>> = pairs
        .map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok())
        .collect();
    let parsed = parsed.filter(|_| bytes.len() == N * 2);
    parsed
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| format!("an id has {N} bytes, or {} hexadecimal digits", N * 2))
}
