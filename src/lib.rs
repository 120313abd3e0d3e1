//! spanspec tests a distributed system by its traces.

mod process;
pub mod service;
pub mod source;
pub mod spec;
pub mod trace;
pub mod trigger;
