//! What a store knows about the exporters and receivers that fill it, for the reason why nothing
//! arrived.

use std::sync::{Mutex, PoisonError};

use super::store::{Store, WeakStore};

/// The stores of this process that a receiver or an exporter fills.
static FILLED: Mutex<Vec<WeakStore>> = Mutex::new(Vec::new());

/// The receiver and the exporters of a store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Presence {
    /// Its receiver was dropped.
    pub(crate) is_closed: bool,
    /// Exporters of this process that feed it.
    pub(crate) exporters: usize,
    /// Those of them that their tracer provider has shut down.
    pub(crate) shut_down: usize,
    /// Called when the receiver is dropped.
    pub(crate) on_close: Option<fn(&Store)>,
}

/// Adds a store to those that are filled.
pub(super) fn register(store: &Store) {
    let mut filled = FILLED.lock().unwrap_or_else(PoisonError::into_inner);
    filled.retain(|weak| weak.upgrade().is_some_and(|known| !known.is(store)));
    filled.push(store.downgrade());
}

/// All stores that are filled, other than this one.
pub(super) fn others(store: &Store) -> Vec<Store> {
    let filled = FILLED.lock().unwrap_or_else(PoisonError::into_inner);
    let filled = filled.iter().filter_map(WeakStore::upgrade);
    filled.filter(|other| !other.is(store)).collect()
}
