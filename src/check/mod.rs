//! Judges a trace and a response against the checks of a spec.

mod failure;
mod outcome;

pub use failure::{Candidate, Difference, Failure, Rejection, Subject, Witness};
pub use outcome::{Judged, Outcome, Unjudged};
