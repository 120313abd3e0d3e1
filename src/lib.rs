//! spanspec tests a distributed system by its traces.
pub mod trace;
