//! A command that is run beside a receiver and services: what it finds in its environment, and
//! how it is run and ended.
//!
//! `session` starts the receiver and the services.

mod environment;
mod foreground;

pub use environment::Environment;
pub use foreground::{Ended, Foreground, Interruption, find};
