//! The functions, each as the Collector computes it.

use std::borrow::Cow;

use super::super::compare::compare;
use super::super::datum::{Datum, equals, expected, shortened, unknown};
use super::super::function::Function;
use super::super::record::{Record, Result, Stop};
use super::super::syntax::{Call, Comparison, Expression, Literal};
use super::value;
use crate::sampling::go_duration::go_duration;
use crate::trace::Value;

pub(super) fn of_call<'t>(call: &'t Call, record: Record<'t>) -> Result<Datum<'t>> {
    let argument = |at: usize| value(&call.arguments[at], record);
    let is = |check: fn(&Datum<'_>) -> bool| Ok(Datum::Bool(check(&argument(0)?)));
    match call.function {
        Function::IsRootSpan => Ok(Datum::Bool(record.span.parent_id.is_none())),
        Function::IsString => is(|datum| matches!(datum, Datum::Text(_))),
        Function::IsInt => is(|datum| matches!(datum, Datum::Int(_))),
        Function::IsDouble => is(|datum| matches!(datum, Datum::Double(_))),
        Function::IsBool => is(|datum| matches!(datum, Datum::Bool(_))),
        Function::IsMap => is(|datum| matches!(datum, Datum::Map(_))),
        Function::IsList => is(|datum| matches!(datum, Datum::List(_) | Datum::Records(_))),
        Function::IsEmpty => is_empty(&argument(0)?).map(Datum::Bool),
        Function::IsMatch => is_match(call, argument(0)?),
        Function::Len => length(&argument(0)?).map(Datum::Int),
        Function::Substring => substring(call, record),
        Function::Concat => concat(call, record),
        Function::ConvertCase => {
            let is_upper = matches!(argument(1)?, Datum::Text(case) if case == "upper");
            in_case(argument(0)?.into_text()?, is_upper)
        }
        Function::ToLowerCase => in_case(argument(0)?.into_text()?, false),
        Function::ToUpperCase => in_case(argument(0)?.into_text()?, true),
        Function::HasPrefix => {
            let text = argument(0)?.into_text()?;
            Ok(Datum::Bool(text.starts_with(&*argument(1)?.into_text()?)))
        }
        Function::HasSuffix => {
            let text = argument(0)?.into_text()?;
            Ok(Datum::Bool(text.ends_with(&*argument(1)?.into_text()?)))
        }
        Function::ContainsValue => contains(argument(0)?, &argument(1)?),
        Function::Int => Ok(argument(0)?.like_int()?.map_or(Datum::Nil, Datum::Int)),
        Function::IntOrNil => Ok(int_or_nil(argument(0)?)?.map_or(Datum::Nil, Datum::Int)),
        Function::Double => Ok(argument(0)?
            .like_double()?
            .map_or(Datum::Nil, Datum::Double)),
        Function::Bool => Ok(argument(0)?.like_bool()?.map_or(Datum::Nil, Datum::Bool)),
        Function::String => Ok(argument(0)?.like_text()?.map_or(Datum::Nil, Datum::Text)),
        Function::Duration => duration(&argument(0)?.into_text()?),
        Function::TraceId | Function::SpanId => Err(unknown("a computed argument")),
        Function::Hours
        | Function::Minutes
        | Function::Seconds
        | Function::Milliseconds
        | Function::Microseconds
        | Function::Nanoseconds => in_unit(call.function, &argument(0)?),
    }
}

/// A duration such as `1.5s`. The Collector reads it with each record, also if it is a literal.
fn duration(text: &str) -> Result<Datum<'static>> {
    let wrong = || Stop::Error(format!("`{}` is not a duration", shortened(text)));
    go_duration(text).map(Datum::Duration).ok_or_else(wrong)
}

/// An integer as old versions convert it: a string that is no number is nil.
pub(super) fn int_or_nil(datum: Datum<'_>) -> Result<Option<i64>> {
    match datum {
        Datum::Text(text) => Ok(text.parse().ok()),
        other => other.like_int(),
    }
}

fn is_empty(datum: &Datum<'_>) -> Result<bool> {
    Ok(match datum {
        Datum::Nil => true,
        Datum::Bool(bool) => !bool,
        Datum::Int(int) => *int == 0,
        Datum::Double(double) => double.to_bits() == 0,
        Datum::Text(text) => text.is_empty(),
        Datum::Bytes(bytes) => bytes.is_empty(),
        Datum::Map(entries) => entries.len() == 0,
        Datum::List(items) => items.is_empty(),
        Datum::TraceId(_) => false,
        Datum::SpanId(bytes) => *bytes == [0; 8],
        Datum::Duration(nanos) => *nanos == 0,
        other => return Err(unknown(&format!("`IsEmpty` of {}", other.type_name()))),
    })
}

fn is_match<'t>(call: &Call, target: Datum<'t>) -> Result<Datum<'t>> {
    let Some(pattern) = &call.pattern else {
        return Err(unknown("a computed pattern"));
    };
    let text = target.like_text()?;
    Ok(Datum::Bool(
        text.is_some_and(|text| pattern.is_match(&text)),
    ))
}

fn length(datum: &Datum<'_>) -> Result<i64> {
    let length = match datum {
        Datum::Text(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        Datum::Map(entries) => entries.len(),
        Datum::List(items) => items.len(),
        Datum::Records(number) => *number,
        other => return Err(expected("a string, list or map", other)),
    };
    Ok(i64::try_from(length).unwrap_or(i64::MAX))
}

/// A part of a string, in bytes.
fn substring<'t>(call: &'t Call, record: Record<'t>) -> Result<Datum<'t>> {
    let number = |at: usize| value(&call.arguments[at], record)?.into_int();
    let wrong = |what: &str| Stop::Error(format!("`Substring`: {what}"));
    let start = number(1)?;
    if start < 0 {
        return Err(wrong("the start is negative"));
    }
    let length = number(2)?;
    if length <= 0 {
        return Err(wrong("the length is not positive"));
    }
    if start.checked_add(length).is_none() {
        return Err(unknown("a range of more than 64 bits"));
    }
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let text = value(&call.arguments[0], record)?.into_text()?;
    let end = usize::try_from(length)
        .ok()
        .and_then(|length| start.checked_add(length));
    let Some(end) = end.filter(|end| *end <= text.len()) else {
        return Err(wrong("the range is longer than the string"));
    };
    let is_safe = matches!(
        call.arguments.get(3),
        Some(Expression::Literal(Literal::Value(Value::Bool(true))))
    );
    let (start, end) = match is_safe {
        true => whole_characters(&text, start, end),
        false => (start, end),
    };
    match text.get(start..end) {
        Some(part) => Ok(Datum::text(part)),
        None => Err(unknown("a part of a string that cuts a character")),
    }
}

/// Moves the start and the end of a range to the limits of characters.
fn whole_characters(text: &str, mut start: usize, mut end: usize) -> (usize, usize) {
    while !text.is_char_boundary(start) {
        start += 1;
    }
    while start < end && !text.is_char_boundary(end) {
        end -= 1;
    }
    (start, end.max(start))
}

fn concat<'t>(call: &'t Call, record: Record<'t>) -> Result<Datum<'t>> {
    let delimiter = value(&call.arguments[1], record)?.into_text()?;
    let texts: Vec<String> = match &call.arguments[0] {
        Expression::List(items) => items
            .iter()
            .map(|item| {
                let text = value(item, record)?.like_text()?;
                Ok(text.map_or_else(|| "<nil>".to_owned(), Cow::into_owned))
            })
            .collect::<Result<_>>()?,
        computed => match value(computed, record)? {
            Datum::List(items) => items.iter().map(item_text).collect::<Result<_>>()?,
            Datum::Nil => Vec::new(),
            other => return Err(expected("a list", &other)),
        },
    };
    Ok(Datum::text(texts.join(&delimiter)))
}

/// An item of a computed list, which is written as in an attribute.
fn item_text(item: &Value) -> Result<String> {
    match item {
        Value::Null => Ok(String::new()),
        Value::String(_) | Value::Bool(_) | Value::Int(_) | Value::Double(_) => {
            let text = Datum::of(item).like_text()?;
            Ok(text.unwrap_or_default().into_owned())
        }
        other => Err(unknown(&format!(
            "{} as a string",
            Datum::of(other).type_name()
        ))),
    }
}

/// A text in one case. Go and Rust differ beyond ASCII.
fn in_case(text: Cow<'_, str>, is_upper: bool) -> Result<Datum<'_>> {
    if !text.is_ascii() {
        return Err(unknown("the case of letters beyond ASCII"));
    }
    Ok(Datum::text(match is_upper {
        true => text.to_ascii_uppercase(),
        false => text.to_ascii_lowercase(),
    }))
}

/// Items are compared as attributes are, so that `1` contains `1.0`.
fn contains<'t>(list: Datum<'t>, item: &Datum<'_>) -> Result<Datum<'t>> {
    let Datum::List(items) = list else {
        return Err(expected("a list", &list));
    };
    let mut items = items.iter();
    let is_item = |known: &Value| match (known, item) {
        (Value::Map(_), Datum::Map(_)) => {
            let item = item.clone().into_value();
            item.is_ok_and(|item| equals(known, &item))
        }
        _ => compare(&Datum::of(known), Comparison::Equal, item),
    };
    Ok(Datum::Bool(items.any(is_item)))
}

fn in_unit(unit: Function, datum: &Datum<'_>) -> Result<Datum<'static>> {
    let Datum::Duration(nanos) = *datum else {
        return Err(expected("a duration", datum));
    };
    // Go divides the whole and the rest apart.
    let split = |unit: i64| (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64;
    Ok(match unit {
        Function::Hours => Datum::Double(split(3_600_000_000_000)),
        Function::Minutes => Datum::Double(split(60_000_000_000)),
        Function::Seconds => Datum::Double(split(1_000_000_000)),
        Function::Milliseconds => Datum::Int(nanos / 1_000_000),
        Function::Microseconds => Datum::Int(nanos / 1_000),
        _ => Datum::Int(nanos),
    })
}
