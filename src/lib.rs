//! spanspec tests a distributed system by its traces.

pub mod check;
mod process;
pub mod report;
pub mod run;
pub mod service;
pub mod source;
pub mod spec;
pub mod trace;
pub mod trigger;
