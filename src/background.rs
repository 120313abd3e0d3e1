//! A runtime for whoever has none, and for what must go on while a test's own runtime stands still.
//!
//! One thread drives it until the process ends. Who waits does so on a thread of his own.

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
/// Within a runtime, whose other work would come to a halt.
pub fn block_on<F: Future>(future: F) -> F::Output {
    handle().block_on(future)
}
