//! The value of a condition for a record.

use std::borrow::Cow;

use super::compare::compare;
use super::datum::{Datum, Entries, equals, expected, unknown};
use super::function::Function;
use super::number;
use super::path::{EventField, Path, ResourceField, ScopeField, SpanField};
use super::record::{Fidelity, Record, Stop};
use super::syntax::{Call, Comparison, Expression, Key, Literal, Operation, Predicate};
use crate::sampling::{attribute, state_value};
use crate::trace::{Attributes, Span, SpanId, SpanKind, TraceId, Value};

type Result<T> = std::result::Result<T, Stop>;

/// The truth of a condition. An error in a part that decides nothing is not seen, as in the Collector.
pub(super) fn predicate(predicate: &Predicate, record: Record<'_>) -> Result<bool> {
    let is_true = |part: &Predicate| self::predicate(part, record);
    match predicate {
        Predicate::Literal(value) => Ok(*value),
        Predicate::Not(part) => is_true(part).map(|value| !value),
        Predicate::All(parts) => until(parts, false, is_true),
        Predicate::Any(parts) => until(parts, true, is_true),
        Predicate::Compare(left, by, right) => {
            let left = value(left, record)?;
            Ok(compare(&left, *by, &value(right, record)?))
        }
        Predicate::Call(call) => match value(call, record)? {
            Datum::Bool(value) => Ok(value),
            other => Err(expected("a boolean", &other)),
        },
    }
}

/// The value that decides as soon as a part has it, or else the opposite.
fn until(
    parts: &[Predicate],
    decides: bool,
    is_true: impl Fn(&Predicate) -> Result<bool>,
) -> Result<bool> {
    for part in parts {
        if is_true(part)? == decides {
            return Ok(decides);
        }
    }
    Ok(!decides)
}

fn value<'t>(expression: &'t Expression, record: Record<'t>) -> Result<Datum<'t>> {
    match expression {
        Expression::Literal(literal) => Ok(of_literal(literal)),
        Expression::Constant(literal) => Ok(of_literal(literal)),
        Expression::Path(path, keys) => at_path(path, keys, record),
        Expression::Call(call) => {
            let result = of_call(call, record)?;
            match call.keys.as_slice() {
                [] => Ok(result),
                keys => indexed(result, keys, record, Missing::Error),
            }
        }
        Expression::Math(left, by, right) => {
            let left = value(left, record)?;
            computed(left, *by, value(right, record)?)
        }
        Expression::Negated(part) => match value(part, record)? {
            Datum::Int(int) => Ok(Datum::Int(int.wrapping_neg())),
            Datum::Double(double) => Ok(Datum::Double(-double)),
            other => Err(expected("a number", &other)),
        },
        Expression::List(items) => list(items, record),
        Expression::Map(entries) => map(entries, record),
    }
}

fn of_literal(literal: &Literal) -> Datum<'_> {
    match literal {
        Literal::Nil => Datum::Nil,
        Literal::Value(value) => Datum::of(value),
        Literal::TraceId(bytes) => Datum::TraceId(*bytes),
        Literal::SpanId(bytes) => Datum::SpanId(*bytes),
        Literal::Duration(nanos) => Datum::Duration(*nanos),
    }
}

fn list<'t>(items: &'t [Expression], record: Record<'t>) -> Result<Datum<'t>> {
    let items = items.iter().map(|item| value(item, record)?.into_value());
    Ok(Datum::List(Cow::Owned(items.collect::<Result<_>>()?)))
}

/// If a key is repeated, the last value counts.
fn map<'t>(entries: &'t [(String, Expression)], record: Record<'t>) -> Result<Datum<'t>> {
    let mut map: Vec<(String, Value)> = Vec::new();
    for (key, expression) in entries {
        let value = value(expression, record)?.into_value()?;
        map.retain(|(known, _)| known != key);
        map.push((key.clone(), value));
    }
    Ok(Datum::Map(Entries::Values(Cow::Owned(map))))
}

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
pub(super) fn compared_literals(left: &Expression, by: Comparison, right: &Expression) -> bool {
    without_record(|record| match (value(left, record), value(right, record)) {
        (Ok(left), Ok(right)) => compare(&left, by, &right),
        _ => false,
    })
}

/// The reason that a literal argument has the wrong type, for which the Collector does not start.
pub(super) fn wrong_literal(call: &Call) -> Option<String> {
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

/// The value of a function of literals that is computed once.
pub(super) fn constant(call: &Call) -> std::result::Result<Literal, String> {
    without_record(|record| {
        let argument = value(&call.arguments[0], record);
        match (call.function, argument) {
            (Function::Duration, Ok(Datum::Text(text))) => number::duration(&text)
                .map(Literal::Duration)
                .ok_or_else(|| format!("`{text}` is not a duration such as `1.5s`")),
            (Function::TraceId, Ok(argument)) => id(argument).map(Literal::TraceId),
            (_, Ok(argument)) => id(argument).map(Literal::SpanId),
            (_, Err(_)) => Err("the argument has no value".to_owned()),
        }
    })
}

/// An id of bytes, or of their hexadecimal digits.
fn id<const N: usize>(argument: Datum<'_>) -> std::result::Result<[u8; N], String> {
    let bytes = match &argument {
        Datum::Bytes(bytes) => bytes.to_vec(),
        Datum::Text(text) => text.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    if let Ok(id) = <[u8; N]>::try_from(bytes.as_slice()) {
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

/// What a missing key of a map is.
#[derive(Clone, Copy)]
enum Missing {
    Nil,
    Error,
}

fn at_path<'t>(path: &'t Path, keys: &'t [Key], record: Record<'t>) -> Result<Datum<'t>> {
    let attributes = match path {
        Path::Span(SpanField::Attributes) => &record.span.attributes,
        Path::Span(field) => return of_span(field, keys, record),
        Path::Event(field) => {
            let Some((at, event)) = record.event else {
                return Err(unknown("an event"));
            };
            match field {
                EventField::Attributes => &event.attributes,
                EventField::Name => return Ok(Datum::Text(Cow::Borrowed(&event.name))),
                EventField::Time => return Ok(Datum::Time(nanos(event.time))),
                EventField::TimeNanos => return Ok(Datum::Int(nanos(event.time))),
                EventField::Index => return Ok(Datum::Int(i64::try_from(at).unwrap_or(i64::MAX))),
                EventField::DroppedAttributes => {
                    return dropped(event.attributes.dropped(), record);
                }
            }
        }
        Path::Scope(field) => match field {
            ScopeField::Attributes => &record.span.scope.attributes,
            ScopeField::Name => return Ok(Datum::Text(Cow::Borrowed(&record.span.scope.name))),
            ScopeField::Version => {
                return Ok(Datum::Text(Cow::Borrowed(&record.span.scope.version)));
            }
            ScopeField::DroppedAttributes => {
                return dropped(record.span.scope.attributes.dropped(), record);
            }
        },
        Path::Resource(ResourceField::Attributes) => &record.span.resource.attributes,
        Path::Resource(ResourceField::DroppedAttributes) => {
            return dropped(record.span.resource.attributes.dropped(), record);
        }
    };
    of_attributes(attributes, keys, record)
}

fn of_attributes<'t>(
    attributes: &'t Attributes,
    keys: &'t [Key],
    record: Record<'t>,
) -> Result<Datum<'t>> {
    let Some((first, rest)) = keys.split_first() else {
        return Ok(Datum::Map(Entries::Attributes(attributes)));
    };
    let found = match key(first, record)? {
        Datum::Text(name) => attribute(attributes, &name),
        other => return Err(expected("a string as the index", &other)),
    };
    match found {
        None => Ok(Datum::Nil),
        Some(value) if rest.is_empty() => Ok(Datum::of(value)),
        Some(value) => indexed(Datum::of(value), rest, record, Missing::Nil),
    }
}

fn key<'t>(key: &'t Key, record: Record<'t>) -> Result<Datum<'t>> {
    match key {
        Key::Text(text) => Ok(Datum::Text(Cow::Borrowed(text))),
        Key::Int(int) => Ok(Datum::Int(*int)),
        Key::Expression(expression) => value(expression, record),
    }
}

/// The value behind further indexes.
fn indexed<'t>(
    mut datum: Datum<'t>,
    keys: &'t [Key],
    record: Record<'t>,
    missing: Missing,
) -> Result<Datum<'t>> {
    for of in keys {
        let index = key(of, record)?;
        datum = match (datum, index, missing) {
            (Datum::Map(entries), Datum::Text(key), _) => match entry(entries, &key) {
                Some(value) => value,
                None if matches!(missing, Missing::Nil) => return Ok(Datum::Nil),
                None => return Err(Stop::Error(format!("no key `{key}` in the map"))),
            },
            (Datum::List(items), Datum::Int(at), _) => item(items, at)?,
            (Datum::Bytes(bytes), Datum::Int(_), Missing::Error) => {
                let _ = bytes;
                return Err(unknown("an index of bytes"));
            }
            (datum, index, _) => {
                let (index, of) = (index.type_name(), datum.type_name());
                return Err(Stop::Error(format!("{index} is no index of {of}")));
            }
        };
    }
    Ok(datum)
}

/// The first entry with a key, as the Collector finds it.
fn entry<'t>(entries: Entries<'t>, key: &str) -> Option<Datum<'t>> {
    match entries {
        Entries::Attributes(attributes) => attribute(attributes, key).map(Datum::of),
        Entries::Values(Cow::Borrowed(values)) => {
            let found = values.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| Datum::of(value))
        }
        Entries::Values(Cow::Owned(values)) => {
            let found = values.into_iter().find(|(name, _)| name == key);
            found.map(|(_, value)| owned(value))
        }
    }
}

fn item(items: Cow<'_, [Value]>, at: i64) -> Result<Datum<'_>> {
    let out_of_bounds = || Stop::Error(format!("index {at} is out of bounds"));
    let index = usize::try_from(at).map_err(|_| out_of_bounds())?;
    match items {
        Cow::Borrowed(items) => items.get(index).map(Datum::of),
        Cow::Owned(items) => items.into_iter().nth(index).map(owned),
    }
    .ok_or_else(out_of_bounds)
}

fn owned<'t>(value: Value) -> Datum<'t> {
    match value {
        Value::String(text) => Datum::Text(Cow::Owned(text)),
        Value::Bytes(bytes) => Datum::Bytes(Cow::Owned(bytes)),
        Value::Array(items) => Datum::List(Cow::Owned(items)),
        Value::Map(entries) => Datum::Map(Entries::Values(Cow::Owned(entries))),
        Value::Bool(bool) => Datum::Bool(bool),
        Value::Int(int) => Datum::Int(int),
        Value::Double(double) => Datum::Double(double),
        Value::Number(_) | Value::Null => Datum::Nil,
    }
}

fn of_span<'t>(field: &SpanField, keys: &'t [Key], record: Record<'t>) -> Result<Datum<'t>> {
    let span = record.span;
    let hex = |id: Option<String>, zeros: &str| Datum::text(id.unwrap_or_else(|| zeros.to_owned()));
    Ok(match field {
        SpanField::TraceId => Datum::TraceId(*span.trace_id.as_bytes()),
        SpanField::TraceIdText => Datum::text(span.trace_id.to_string()),
        SpanField::SpanId => Datum::SpanId(*span.span_id.as_bytes()),
        SpanField::SpanIdText => Datum::text(span.span_id.to_string()),
        SpanField::ParentId => {
            Datum::SpanId(span.parent_id.map_or([0; 8], |parent| *parent.as_bytes()))
        }
        SpanField::ParentIdText => hex(span.parent_id.map(|id| id.to_string()), "0000000000000000"),
        SpanField::TraceState => return state(keys, record),
        SpanField::Name => Datum::Text(Cow::Borrowed(&span.name)),
        SpanField::Kind => Datum::Int(nth(&SpanKind::ALL, &span.kind)),
        SpanField::KindText => Datum::text(capitalized(span.kind.as_str())),
        SpanField::KindConstant => Datum::text(format!(
            "SPAN_KIND_{}",
            span.kind.as_str().to_ascii_uppercase()
        )),
        SpanField::StartNanos => Datum::Int(nanos(span.start)),
        SpanField::EndNanos => Datum::Int(nanos(span.end)),
        SpanField::Start => Datum::Time(nanos(span.start)),
        SpanField::End => Datum::Time(nanos(span.end)),
        SpanField::Attributes => Datum::Map(Entries::Attributes(&span.attributes)),
        SpanField::DroppedAttributes => return dropped(span.attributes.dropped(), record),
        SpanField::Events => Datum::Records(span.events.len()),
        SpanField::DroppedEvents => return dropped(span.dropped_events, record),
        SpanField::Links => Datum::Records(span.links.len()),
        SpanField::DroppedLinks => return dropped(span.dropped_links, record),
        SpanField::Status => Datum::Status,
        SpanField::StatusCode => Datum::Int(nth(&crate::trace::StatusCode::ALL, &span.status.code)),
        SpanField::StatusMessage => Datum::Text(Cow::Borrowed(&span.status.message)),
        SpanField::Flags => Datum::Int(span.flags.into()),
    })
}

/// `tracestate`, or the value of one of its keys.
fn state<'t>(keys: &'t [Key], record: Record<'t>) -> Result<Datum<'t>> {
    let header = &record.span.trace_state;
    match keys {
        [Key::Text(key)] => Ok(state_value::value(header, key)
            .map_or(Datum::Nil, |value| Datum::Text(Cow::Borrowed(value)))),
        _ => Ok(Datum::Text(Cow::Borrowed(header))),
    }
}

fn dropped(number: u32, record: Record<'_>) -> Result<Datum<'static>> {
    match record.fidelity {
        Fidelity::Whole => Ok(Datum::Int(number.into())),
        Fidelity::Partial => Err(Stop::Unknown(
            "the source of the trace may lose the numbers of dropped records".to_owned(),
        )),
    }
}

fn nth<T: PartialEq>(all: &[T], one: &T) -> i64 {
    let at = all.iter().position(|known| known == one);
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or(0)
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|char| char.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn nanos(time: u64) -> i64 {
    time.cast_signed()
}

fn computed<'t>(left: Datum<'t>, by: Operation, right: Datum<'t>) -> Result<Datum<'t>> {
    match (&left, &right) {
        (Datum::Int(a), Datum::Int(b)) => ints(*a, by, *b).map(Datum::Int),
        (Datum::Int(a), Datum::Double(b)) => doubles(*a as f64, by, *b).map(Datum::Double),
        (Datum::Double(a), Datum::Int(b)) => doubles(*a, by, *b as f64).map(Datum::Double),
        (Datum::Double(a), Datum::Double(b)) => doubles(*a, by, *b).map(Datum::Double),
        (Datum::Time(a), Datum::Time(b)) if by == Operation::Subtract => {
            Ok(Datum::Duration(a.saturating_sub(*b)))
        }
        (Datum::Time(time), Datum::Duration(by_nanos)) => match by {
            Operation::Add => Ok(Datum::Time(time.saturating_add(*by_nanos))),
            Operation::Subtract => Ok(Datum::Time(time.saturating_sub(*by_nanos))),
            _ => Err(no_result(&left, &right)),
        },
        (Datum::Duration(a), Datum::Duration(b)) => match by {
            Operation::Add => Ok(Datum::Duration(a.wrapping_add(*b))),
            Operation::Subtract => Ok(Datum::Duration(a.wrapping_sub(*b))),
            _ => Err(no_result(&left, &right)),
        },
        (Datum::Duration(nanos), Datum::Time(time)) if by == Operation::Add => {
            Ok(Datum::Time(time.saturating_add(*nanos)))
        }
        _ => Err(no_result(&left, &right)),
    }
}

fn no_result(left: &Datum<'_>, right: &Datum<'_>) -> Stop {
    let (left, right) = (left.type_name(), right.type_name());
    Stop::Error(format!("no arithmetic with {left} and {right}"))
}

fn ints(a: i64, by: Operation, b: i64) -> Result<i64> {
    match by {
        Operation::Add => Ok(a.wrapping_add(b)),
        Operation::Subtract => Ok(a.wrapping_sub(b)),
        Operation::Multiply => Ok(a.wrapping_mul(b)),
        Operation::Divide if b == 0 => Err(by_zero()),
        Operation::Divide => Ok(a.wrapping_div(b)),
    }
}

fn doubles(a: f64, by: Operation, b: f64) -> Result<f64> {
    match by {
        Operation::Add => Ok(a + b),
        Operation::Subtract => Ok(a - b),
        Operation::Multiply => Ok(a * b),
        Operation::Divide if b == 0.0 => Err(by_zero()),
        Operation::Divide => Ok(a / b),
    }
}

fn by_zero() -> Stop {
    Stop::Error("a division by zero".to_owned())
}

fn of_call<'t>(call: &'t Call, record: Record<'t>) -> Result<Datum<'t>> {
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
        Function::Double => Ok(argument(0)?
            .like_double()?
            .map_or(Datum::Nil, Datum::Double)),
        Function::Bool => Ok(argument(0)?.like_bool()?.map_or(Datum::Nil, Datum::Bool)),
        Function::String => Ok(argument(0)?.like_text()?.map_or(Datum::Nil, Datum::Text)),
        Function::Duration | Function::TraceId | Function::SpanId => {
            Err(unknown("a computed argument"))
        }
        Function::Hours
        | Function::Minutes
        | Function::Seconds
        | Function::Milliseconds
        | Function::Microseconds
        | Function::Nanoseconds => in_unit(call.function, &argument(0)?),
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
    let start = usize::try_from(number(1)?).map_err(|_| wrong("the start is negative"))?;
    let length = number(2)?;
    if length <= 0 {
        return Err(wrong("the length is not positive"));
    }
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
    let items: Vec<Datum<'_>> = match &call.arguments[0] {
        Expression::List(items) => items
            .iter()
            .map(|item| value(item, record))
            .collect::<Result<_>>()?,
        other => match value(other, record)? {
            Datum::List(items) => items.iter().cloned().map(owned).collect(),
            other => return Err(expected("a list", &other)),
        },
    };
    let texts: Vec<String> = items
        .into_iter()
        .map(|item| {
            let text = item.like_text()?;
            Ok(text.map_or_else(|| "<nil>".to_owned(), Cow::into_owned))
        })
        .collect::<Result<_>>()?;
    Ok(Datum::text(texts.join(&delimiter)))
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
