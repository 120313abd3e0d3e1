//! The loop that waits for a trace.
//!
//! It reacts to arrivals and to deadlines, and does not poll. Decisions use only the snapshot: the
//! present is the moment at which it was taken, so that a span that arrives while a snapshot is
//! judged is not missed.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::source::{Follow, Snapshot};

/// Shorter rests are left out: the timer wakes up each millisecond.
const SHORTEST_REST: Duration = Duration::from_millis(2);

/// Maximum delay of a verdict by a rest.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// A rest while spans arrive lasts at most this many times as long as the decision before.
const MOST_TIMES: u32 = 10;

/// Spans that arrive within this time after one another are decided about together.
const PAUSE: Duration = Duration::from_millis(2);

/// Takes a snapshot at once, and again when spans arrive or at the moment that `decide` returned,
/// until `decide` breaks with a result. Cancel-safe.
///
/// After each decision it rests for as long as that took, and longer while spans arrive. A large trace that comes
/// in many parts is thus judged a few times, and not with each part.
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
        let took = begun.elapsed();
        if took >= SHORTEST_REST {
            rest(follow, took, next).await;
        }
        tokio::select! {
            () = follow.changed() => {}
            () = tokio::time::sleep_until(next.into()) => {}
        }
    }
}

/// Rests after a decision that took this time, until `next` at most.
async fn rest(follow: &mut Follow, took: Duration, next: Instant) {
    let now = Instant::now();
    let until = |rest: Duration| (now + rest.min(LONGEST_REST)).min(next);
    tokio::time::sleep_until(until(took).into()).await;
    let end = until(MOST_TIMES * took);
    while Instant::now() < end && timeout(PAUSE, follow.arrival()).await.is_ok() {}
}
