//! The receiver and the exporters that fill a store, for the reason why nothing arrived.

use std::fmt;

/// The receiver and the exporters of a store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Presence {
    /// Its receiver was dropped.
    pub(crate) is_closed: bool,
    /// Exporters of this process that feed it.
    pub(crate) exporters: usize,
    /// Those of them that their tracer provider has shut down.
    pub(crate) shut_down: usize,
}

/// Called when the receiver is dropped.
pub(super) struct OnClose(pub(super) Box<dyn FnOnce() + Send>);

impl fmt::Debug for OnClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnClose")
    }
}
