//! The loop that waits for a trace.
//!
//! It reacts to arrivals and to deadlines, and does not poll. Decisions use only the snapshot: the
//! present is the moment at which it was taken, so that a span that arrives while a snapshot is
//! judged is not missed.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::source::{Follow, Snapshot};

/// Shorter rests are left out: the timer wakes up each millisecond.
const SHORTEST_REST: Duration = Duration::from_millis(2);

/// Maximum delay of a verdict by a rest.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// Takes a snapshot at once, and again when spans arrive or at the moment that `decide` returned,
/// until `decide` breaks with a result. Cancel-safe.
///
/// After each decision it rests for as long as that took. A large trace that comes in many parts is thus judged
/// about each time that it has doubled, and not with each part.
pub async fn drive<T>(
    follow: &mut Follow,
    mut decide: impl FnMut(Snapshot) -> ControlFlow<T, Instant>,
) -> T {
    loop {
        let begun = Instant::now();
        let next = match decide(follow.snapshot()) {
            ControlFlow::Break(result) => return result,
            ControlFlow::Continue(next) => next,
        };
        let rested = begun.elapsed().min(LONGEST_REST);
        if rested >= SHORTEST_REST {
            tokio::time::sleep(rested.min(next.saturating_duration_since(Instant::now()))).await;
        }
        tokio::select! {
            () = follow.changed() => {}
            () = tokio::time::sleep_until(next.into()) => {}
        }
    }
}
