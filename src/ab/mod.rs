//! A against B: two versions of a system that are up at the same time, compared by runs of the same
//! specs in turn.
//!
//! [`couple`] finds what both have in common, [`compare`] runs it, and a [`Comparison`] says what
//! that comes to. Starting both versions, and telling the user, is left to whoever asked.

mod comparison;
mod couple;
mod interleave;
mod turns;

pub use comparison::{Claim, Comparison, Ended, Outcome};
pub use couple::{Couple, couple, fires_alike, is_comparable};
pub use interleave::{Plan, compare};
pub use turns::{Turn, turns};

/// Which of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is known.
    A,
    /// The one in question.
    B,
}

/// Something of each version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both<T> {
    /// Of the one that is known.
    pub a: T,
    /// Of the one in question.
    pub b: T,
}

impl<T> Both<T> {
    /// That of one of them.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// That of one of them, to be changed.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
