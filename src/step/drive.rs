//! The loop that waits for a trace.
//!
//! It reacts to arrivals and to deadlines, and does not poll. Decisions use only the snapshot: the
//! present is the moment at which it was taken, so that a span that arrives while a snapshot is
//! judged is not missed.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::source::{Follow, Snapshot};

/// Takes a snapshot at once, and again when spans arrive or at the moment that `decide` returned,
/// until `decide` breaks with a result. Cancel-safe.
pub(super) async fn drive<T>(
    follow: &mut Follow,
    mut decide: impl FnMut(Snapshot) -> ControlFlow<T, Instant>,
) -> T {
    loop {
        let next = match decide(follow.snapshot()) {
            ControlFlow::Break(result) => return result,
            ControlFlow::Continue(next) => next,
        };
        tokio::select! {
            () = follow.changed() => {}
            () = tokio::time::sleep_until(next.into()) => {}
        }
    }
}
