//! The command as a user types it, against a small system that exports real OTLP over a socket.

mod access;
mod authoring;
mod backend;
mod budgets;
mod ci;
mod completeness;
mod conformance;
mod coverage;
mod exec;
mod failures;
mod help;
mod late;
mod leftovers;
mod lint_checks;
mod loading;
mod logs;
mod matrix;
mod merge;
#[cfg(unix)]
mod metrics;
mod mutating;
mod needs;
mod observing;
mod pipeline;
mod polling;
mod propagation;
mod recording;
mod reports;
mod running;
mod sampling;
#[cfg(unix)]
mod scrape;
mod search;
mod secrets;
mod selecting;
#[cfg(unix)]
mod services;
mod shapes;
mod streams;
mod system;
mod trace_linting;
mod verdicts;
#[cfg(unix)]
mod watching;
