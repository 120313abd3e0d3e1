//! The stores of this process that a receiver or an exporter fills.

use std::sync::{Mutex, PoisonError};

use super::shared::{SharedState, WeakState};

static FILLED: Mutex<Vec<WeakState>> = Mutex::new(Vec::new());

/// Adds a store to those that are filled.
pub(super) fn register(store: &SharedState) {
    let mut filled = FILLED.lock().unwrap_or_else(PoisonError::into_inner);
    filled.retain(|weak| weak.upgrade().is_some_and(|known| !known.is(store)));
    filled.push(store.downgrade());
}

/// All stores that are filled, other than this one.
pub(super) fn others(store: &SharedState) -> Vec<SharedState> {
    let filled = FILLED.lock().unwrap_or_else(PoisonError::into_inner);
    let filled = filled.iter().filter_map(WeakState::upgrade);
    filled.filter(|other| !other.is(store)).collect()
}
