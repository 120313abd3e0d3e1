//! The one loop that waits for a trace.
//!
//! It is driven by arrivals and by moments, and never polls. The caller decides on snapshots alone:
//! the present is the moment at which a snapshot was taken, never the moment after it was judged.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::source::receiver::{Follow, Snapshot};

/// Takes a snapshot at once, and again when spans arrive or the moment comes that `look` gave,
/// until `look` breaks with a result. Cancel-safe.
pub(crate) async fn until<T>(
    follow: &mut Follow,
    mut look: impl FnMut(Snapshot) -> ControlFlow<T, Instant>,
) -> T {
    loop {
        let next = match look(follow.snapshot()) {
            ControlFlow::Break(result) => return result,
            ControlFlow::Continue(next) => next,
        };
        tokio::select! {
            () = follow.changed() => {}
            () = tokio::time::sleep_until(next.into()) => {}
        }
    }
}
