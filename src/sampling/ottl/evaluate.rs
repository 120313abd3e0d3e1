//! The value of a condition for a record.

mod fields;
mod functions;
mod literals;
mod math;

use std::borrow::Cow;

use super::compare::compare;
use super::datum::{Datum, Entries, expected};
use super::record::{Record, Result};
use super::syntax::{Expression, Literal, Predicate};
use crate::trace::Value;

pub(super) use literals::{compared_literals, id_literal, wrong_literal};

use fields::{Missing, at_path, indexed};
use functions::of_call;
use math::computed;

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
