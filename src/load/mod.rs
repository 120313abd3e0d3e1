//! Fires the only step of a spec many times, and says what all the requests came to.
//!
//! A request goes through three hands: [`pace`] says when it is sent, [`request`] sends it and
//! judges its trace as any step is judged, and [`tally`] counts it and forgets it. What is known in
//! the end is a [`Load`](crate::result::Load), in the report of one of the requests.

mod budgets;
mod driver;
mod measure;
mod pace;
mod pulse;
mod request;
mod tally;
mod verdict;
mod watched;

pub(crate) use budgets::{MeasuredAttempt, RetryState, TakeBack};
pub use budgets::{case_name, case_of, fingerprint};
pub(crate) use driver::{Driver, Progress, RepeatedStep};
pub(crate) use watched::{RejudgedRequest, WatchedRequests};
