//! A command that is run beside a receiver and services: what it finds in its environment, and
//! how it is run and ended.
//!
//! What starts the receiver and the services is `session`.

mod environment;
mod foreground;

pub use environment::{Environment, RESULTS_VARIABLE};
pub use foreground::{Ended, Foreground, Interruption, NotFound, find};
