//! The HTTP API of a running receiver: tests in any language ask it for the trace of a `traceparent`.
//!
//! It is served on the receiver's ports, below `/api/v1`, with `/api` for the current version.
//! `docs/openapi.yaml` describes it, and is served by it.

mod events;
mod flat;
mod judge;
mod judging_thread;
mod problem;
mod query;
mod respond;
mod routes;
mod state;
mod stream;
mod traces;

pub use routes::OPENAPI;
pub use state::{Api, REMEMBERED, SystemInfo};
