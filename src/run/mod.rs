//! The order of things: fire, follow, settle, judge, report.
//!
//! [`run`] takes specs, a receiver that listens and, through its options, what is known of the
//! services; it tells events to a closure and ends with a [`Report`](crate::result::Report). It
//! knows no reporter.

mod attempt;
mod earlier;
mod keep;
mod late;
mod runner;

pub(crate) use earlier::Archive;
pub use late::{OpenRun, RunEnd};
pub use runner::{run, run_open};
