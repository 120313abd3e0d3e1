//! Compares two running versions of a system by alternating runs of the same specs.
//!
//! [`pair_specs`] pairs the specs of both projects, [`compare`] runs them, and an [`AbComparison`] gives
//! the verdicts. Starting both versions and printing are left to the caller.

mod comparison;
mod interleave;
mod pairing;
mod turns;

pub use comparison::{AbClaim, AbComparison, AbOutcome, EarlyEnd};
pub use interleave::{AbPlan, compare};
pub use pairing::{SpecPair, fires_alike, is_comparable, pair_specs};
pub use turns::{Turn, turns};

pub use crate::budget::AbSide;

/// A value per version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both<T> {
    /// The value of A.
    pub a: T,
    /// The value of B.
    pub b: T,
}

impl<T> Both<T> {
    /// The value of a side.
    pub fn of(&self, side: AbSide) -> &T {
        match side {
            AbSide::A => &self.a,
            AbSide::B => &self.b,
        }
    }

    /// The value of a side, mutable.
    pub fn of_mut(&mut self, side: AbSide) -> &mut T {
        match side {
            AbSide::A => &mut self.a,
            AbSide::B => &mut self.b,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
