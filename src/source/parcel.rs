//! Received records on their way to another process.

use std::time::Instant;

use super::otlp::Signal;

/// Spans or log records as an OTLP request in protobuf, and when they arrived.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) signal: Signal,
    pub(crate) arrived: Instant,
    pub(crate) request: Vec<u8>,
}
