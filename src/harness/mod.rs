//! Trace tests as tests of `cargo test`: specs by [`spec_tests!`](crate::spec_tests) and
//! [`spec_test!`](crate::spec_test).
//!
//! The macros expand to calls of what is in here. Each test process has one session of each
//! project: a receiver and the project's services, started by the first test that runs.

mod environment;
mod live;
mod macros;
mod mistakes;
mod project;
mod single;
mod trials;
mod verdict;

pub use single::run_file;
pub use trials::main;
