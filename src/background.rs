//! A runtime for callers without one, and for tasks that must run while the runtime of a test is
//! blocked.
//!
//! One thread drives it until the process ends.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle};

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
/// Panics if called within a runtime, which it would block.
pub fn block_on<F: Future>(future: F) -> F::Output {
    handle().block_on(future)
}
