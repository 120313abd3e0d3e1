//! Values for the page: as in all reports, and never broken between number and unit.

use crate::number::{Rounding, Unit};

/// A value, rounded.
pub(super) fn rounded(unit: Unit, of: f64) -> String {
    unbroken(&unit.rounded(of, Rounding::Nearest))
}

/// A lower bound, rounded down.
pub(super) fn at_least(unit: Unit, of: f64) -> String {
    unbroken(&unit.rounded(of, Rounding::Down))
}

/// An upper bound, rounded up.
pub(super) fn at_most(unit: Unit, of: f64) -> String {
    unbroken(&unit.rounded(of, Rounding::Up))
}

/// A limit, with all digits.
pub(super) fn exact(unit: Unit, of: f64) -> String {
    unbroken(&unit.exact(of))
}

pub(super) fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}
