//! Arithmetic.

use super::super::datum::Datum;
use super::super::record::{Result, Stop};
use super::super::syntax::Operation;

pub(super) fn computed<'t>(left: Datum<'t>, by: Operation, right: Datum<'t>) -> Result<Datum<'t>> {
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
