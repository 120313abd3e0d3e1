//! Comparison by OTTL's rules: values of different types differ, and nil equals nothing but nil. Numbers of both
//! types compare as doubles.

use std::cmp::Ordering;

use super::datum::{Datum, all_equal};
use super::syntax::Comparison;

/// Returns `true` if the comparison holds.
pub(super) fn compare(a: &Datum<'_>, by: Comparison, b: &Datum<'_>) -> bool {
    match (a, b) {
        (Datum::Nil, Datum::Nil) => ordered(Some(Ordering::Equal), by),
        (Datum::Bool(a), Datum::Bool(b)) => ordered(Some(a.cmp(b)), by),
        (Datum::Int(a), Datum::Int(b)) => ordered(Some(a.cmp(b)), by),
        (Datum::Int(a), Datum::Double(b)) => ordered((*a as f64).partial_cmp(b), by),
        (Datum::Double(a), Datum::Int(b)) => ordered(a.partial_cmp(&(*b as f64)), by),
        (Datum::Double(a), Datum::Double(b)) => ordered(a.partial_cmp(b), by),
        (Datum::Text(a), Datum::Text(b)) => ordered(Some(a.as_bytes().cmp(b.as_bytes())), by),
        (Datum::Bytes(a), Datum::Bytes(b)) => ordered(Some(a.cmp(b)), by),
        (Datum::Time(a), Datum::Time(b)) | (Datum::Duration(a), Datum::Duration(b)) => {
            ordered(Some(a.cmp(b)), by)
        }
        (Datum::TraceId(a), Datum::TraceId(b)) => equal(a == b, by),
        (Datum::SpanId(a), Datum::SpanId(b)) => equal(a == b, by),
        (Datum::Map(a), Datum::Map(b)) => equal(a.equals(b), by),
        (Datum::List(a), Datum::List(b)) => equal(all_equal(a, b), by),
        _ => by == Comparison::NotEqual,
    }
}

/// The comparison of values with an order; `None` beside NaN.
fn ordered(order: Option<Ordering>, by: Comparison) -> bool {
    match by {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::AtMost => order.is_some_and(Ordering::is_le),
        Comparison::AtLeast => order.is_some_and(Ordering::is_ge),
        Comparison::More => order == Some(Ordering::Greater),
    }
}

/// The comparison of values without an order.
fn equal(is_equal: bool, by: Comparison) -> bool {
    match by {
        Comparison::Equal => is_equal,
        Comparison::NotEqual => !is_equal,
        _ => false,
    }
}
