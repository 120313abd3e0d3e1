//! Processes messages: short ones at once, long ones on a thread of their own, so that other clients do not wait.

use std::panic::resume_unwind;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Longer messages are processed on a thread of their own. This length takes about a millisecond.
pub(super) const SHORT: usize = 256 << 10;

/// Maximum number of long messages that are processed at the same time. Each can take 250 MiB of memory.
const MAX_LONG: usize = 2;

/// The threads for long messages.
#[derive(Debug)]
pub(super) struct Workers(Semaphore);

impl Default for Workers {
    fn default() -> Self {
        Self(Semaphore::new(MAX_LONG))
    }
}

impl Workers {
    /// Processes a long message when it is its turn. `None` if that is not within this time.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        longest: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _turn = timeout(longest, self.0.acquire()).await.ok()?.ok()?;
        match spawn_blocking(work).await {
            Ok(done) => Some(done),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime is about to end.
                Err(_) => None,
            },
        }
    }
}
