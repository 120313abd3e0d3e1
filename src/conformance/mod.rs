//! Conformance cases of W3C Trace Context and Baggage, and their verdicts.
//!
//! Pure: cases are data, and a verdict is a function of observations. `probe` sends the requests and observes.

mod cases;
mod expand;
mod format;
mod observation;
mod section;
mod verdict;

#[cfg(test)]
mod tests;

pub(crate) use cases::{Case, Selection, all_names, cases};
pub(crate) use expand::{Ids, header_lines};
pub(crate) use format::Format;
pub(crate) use observation::{Answer, EchoCall, Observation, Observers, SeenSpan};
pub(crate) use verdict::{judge, unobservable};
