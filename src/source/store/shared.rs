//! The lock around the state of a store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::state::StoreState;

/// The state of a store, shared by its handles and by those who follow its traces.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct SharedState(Arc<Mutex<StoreState>>);

/// A reference that does not keep the state alive.
#[derive(Clone, Debug)]
pub(super) struct WeakState(Weak<Mutex<StoreState>>);

impl SharedState {
    pub(super) fn new(state: StoreState) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    /// Nothing panics in the middle of a change, so the state behind a poisoned lock is sound.
    pub(in crate::source) fn lock(&self) -> MutexGuard<'_, StoreState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Both are the same state.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn downgrade(&self) -> WeakState {
        WeakState(Arc::downgrade(&self.0))
    }
}

impl WeakState {
    pub(super) fn upgrade(&self) -> Option<SharedState> {
        self.0.upgrade().map(SharedState)
    }
}
