//! `observe`: a window in which everything that arrives is observed.

use std::time::Duration;

use crate::number;

/// A window in which everything that arrives is observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    /// Maximum length of the window.
    pub longest: Duration,
    /// Its end.
    pub until: ObserveUntil,
}

/// The end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObserveUntil {
    /// Its maximum length.
    Longest,
    /// The moment at which no further arrival can change a verdict.
    Satisfied,
}

impl Observe {
    /// `observe everything for 2m`.
    pub(super) fn describe(&self) -> String {
        let longest = number::duration(self.longest);
        match self.until {
            ObserveUntil::Longest => format!("observe everything for {longest}"),
            ObserveUntil::Satisfied => {
                format!("observe everything until satisfied, for at most {longest}")
            }
        }
    }
}
