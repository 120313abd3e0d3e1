//! A runtime for callers without one, and for tasks that must run while the runtime of a test is
//! blocked.
//!
//! One thread drives it until the process ends.

use std::sync::OnceLock;

use futures_util::FutureExt;
use tokio::runtime::{Builder, Handle};
use tokio::task::coop::consume_budget;

static HANDLE: OnceLock<Handle> = OnceLock::new();

/// The runtime, started on first use.
pub(crate) fn handle() -> &'static Handle {
    HANDLE.get_or_init(|| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a process that can run tests can open a poll descriptor");
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("spanspec".to_owned())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))
            .expect("a process that can run tests can start a thread");
        handle
    })
}

/// Waits for a future in a plain `#[test]`, which has no runtime. Under `#[tokio::test]`, `.await`
/// it instead.
///
/// ```
/// use spanspec::{Origin, Receiver, SpanId, TraceId};
///
/// let receiver = Receiver::start()?;
/// let mut follow = receiver.follow(TraceId::random(), Origin::Injected(SpanId::random()));
/// let soon = std::time::Duration::from_millis(1);
/// let nothing_came = spanspec::block_on(async {
///     tokio::time::timeout(soon, follow.changed()).await.is_err()
/// });
/// assert!(nothing_came);
/// # Ok::<(), spanspec::BindError>(())
/// ```
///
/// # Panics
/// Panics at the line of the caller if that is async code, whose thread it would block.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    assert!(
        !is_polled(),
        "spanspec::block_on would block the thread of async code; write `.await` instead"
    );
    handle().block_on(future)
}

/// Returns `true` if a runtime polls the calling code.
///
/// tokio has no function for that: `Handle::try_current` also succeeds on threads that may block. But
/// it has a budget for polled code only.
fn is_polled() -> bool {
    /// More than the budget of a task, 128.
    const ENOUGH: u32 = 256;
    Handle::try_current().is_ok() && (0..ENOUGH).any(|_| consume_budget().now_or_never().is_none())
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn is_refused() -> bool {
        let panic = match catch_unwind(AssertUnwindSafe(|| block_on(async { 7 }))) {
            Ok(value) => return value != 7,
            Err(panic) => panic,
        };
        let text = panic.downcast_ref::<&str>().expect("a text");
        text.contains("write `.await` instead")
    }

    #[tokio::test]
    async fn async_code_is_refused_on_one_thread() {
        assert!(is_refused());
    }

    /// The command enables the runtime with several threads.
    #[cfg(feature = "cli")]
    #[tokio::test(flavor = "multi_thread")]
    async fn async_code_is_refused_in_a_task_of_several_threads() {
        assert!(tokio::spawn(async { is_refused() }).await.unwrap());
    }

    #[test]
    fn async_code_in_block_on_is_refused() {
        assert!(block_on(async { is_refused() }));
    }

    #[tokio::test]
    async fn code_that_may_block_is_not_refused() {
        let blocking = tokio::task::spawn_blocking(is_refused);
        assert!(!blocking.await.unwrap());
    }

    #[test]
    fn a_thread_that_only_entered_a_runtime_is_not_refused() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let _within = runtime.enter();
        assert!(!is_refused());
    }
}
