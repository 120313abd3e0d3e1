//! Load: fires the only step of a spec many times, and judges its budgets.
//!
//! [`pace`] determines when a request is sent, [`request`] sends it and judges its trace like that
//! of any step, and [`request_stats`] counts it. [`driver`] does so for all requests of a run, and
//! [`confirm`] repeats a run whose budgets exceed their limits. The result is a
//! [`Load`](crate::result::Load) in the report of one request.

mod budgets;
mod confirm;
mod driver;
mod engine;
mod measure;
mod meter;
mod pace;
mod progress;
mod query;
mod request;
mod request_stats;
mod search;
mod share;
mod sides;
mod stalls;
mod verdict;
mod watched;

pub(crate) use budgets::{RetryState, TakeBack};
pub use budgets::{case_name, case_of, fingerprint};
pub(crate) use confirm::{RepeatedStep, Repetition};
pub(crate) use progress::LoadProgress;
pub(crate) use watched::{RejudgedRequest, WatchedRequests};
