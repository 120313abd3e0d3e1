//! Fires the only step of a spec many times, and says what all the requests came to.
//!
//! A request goes through three hands: [`pace`] says when it is sent, [`request`] sends it and
//! judges its trace as any step is judged, and [`tally`] counts it and forgets it. What is known in
//! the end is a [`Load`], in the report of one of the requests.

mod driver;
mod measure;
mod pace;
mod pulse;
mod report;
mod request;
mod tally;
mod verdict;
mod versions;
mod watched;

pub use report::{Before, Exemplar, Failing, HeldBack, Load, Measured};
pub use versions::Versions;

pub(super) use driver::{Driven, Driver, Progress};
pub(super) use watched::{RequestAgain, WatchedRequests};
