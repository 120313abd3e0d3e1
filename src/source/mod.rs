//! Where spans come from.
//!
//! A [`TraceSource`] follows traces: the [`Receiver`] in this process, or a [`Remote`] one in
//! another. When a trace is complete is decided elsewhere, the same way for each of them.

#[cfg(feature = "opentelemetry_0_33")]
pub mod opentelemetry_0_33;
pub mod otlp;
pub mod receiver;
#[cfg(feature = "run")]
pub mod remote;

use std::net::SocketAddr;
use std::time::Instant;

use futures_util::future::BoxFuture;

pub use receiver::{Receiver, Store};
#[cfg(feature = "run")]
pub use remote::Remote;

use crate::trace::{Losses, Origin, Trace, TraceId};
use receiver::{Census, Follow, Late};

/// What traces can be followed with.
///
/// Following yields a snapshot on every change, whether spans are pushed or fetched.
pub trait TraceSource: Send + Sync {
    /// Starts to follow a trace, and takes up what came for it already.
    fn follow(&self, trace: TraceId, origin: Origin) -> Follow;

    /// What else there is to know, when a trace did not come or is not as expected: with the
    /// traces that nobody asked for, as far as they came since this moment.
    fn sightings(&self, since: Instant) -> BoxFuture<'_, Sightings>;

    /// Where it listens for OTLP.
    fn addresses(&self) -> &[SocketAddr];

    /// The number of traces that can be followed after their verdicts without keeping others from
    /// being followed.
    fn most_watched(&self) -> usize {
        1_024
    }

    /// What it cannot tell of a span.
    fn losses(&self) -> Losses {
        Losses::none()
    }
}

/// What a source saw beside the traces that are followed.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    /// All of it, in numbers.
    pub census: Census,
    /// See [`Store::strangers`](receiver::Store::strangers).
    pub strangers: Vec<Trace>,
    /// See [`Store::late`](receiver::Store::late).
    pub late: Vec<Late>,
}
