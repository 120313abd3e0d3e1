//! Durations for the page: as in all reports, and never broken between number and unit.

use crate::number::{Rounding, exact_micros, micros};

/// Microseconds, rounded.
pub(super) fn duration(of: f64) -> String {
    unbroken(&micros(of, Rounding::Nearest))
}

/// A lower bound, rounded down.
pub(super) fn at_least(of: f64) -> String {
    unbroken(&micros(of, Rounding::Down))
}

/// An upper bound, rounded up.
pub(super) fn at_most(of: f64) -> String {
    unbroken(&micros(of, Rounding::Up))
}

/// A limit, to the nanosecond.
pub(super) fn limit(of: f64) -> String {
    unbroken(&exact_micros(of))
}

fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}
