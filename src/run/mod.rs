//! Runs specs: selects their order, retries them, and judges late spans.
//!
//! [`run()`] takes specs, a source of traces and options. It calls a closure for each event, and
//! returns a [`Report`](crate::result::Report). Reporters are unknown here.

mod attempt;
mod late;
mod needs;
mod runner;
mod saved_traces;
#[cfg(feature = "cli")]
mod shapes;

pub use self::late::{OpenRun, RunEnd};
pub use self::runner::{run, run_open};
#[cfg(feature = "cli")]
pub(crate) use self::saved_traces::passing_trace;
#[cfg(feature = "cli")]
pub(crate) use self::shapes::propose_shapes;
