//! A command that is run beside a receiver and services: what it finds in its environment, and
//! how it is run and ended.
//!
//! What starts the receiver and the services is `session`.

mod environment;
mod foreground;

pub use environment::Environment;
pub use foreground::{Ended, Foreground, Interruption, find};
