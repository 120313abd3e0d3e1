//! The state of the API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use super::judging_thread::JudgingThread;
use crate::source::Store;
use crate::spec::Context;
use crate::step::{Flush, Services, Settler};

/// Bytes of spans that are remembered: about 100,000 spans of usual size.
pub const REMEMBERED: usize = 64 << 20;

/// The API over one store.
#[derive(Clone, Debug)]
pub struct Api(Arc<ApiInner>);

/// Facts about the running system under test.
#[derive(Debug)]
pub struct SystemInfo {
    /// The addresses at which the receiver listens.
    pub listened: Vec<SocketAddr>,
    /// The scheme of its URLs: `http` or `https`.
    pub scheme: &'static str,
    /// Flush bound of the services.
    pub flush: Flush,
    /// The same for log records.
    pub log_flush: Flush,
    /// The same for metrics.
    pub metric_flush: Flush,
    /// Origin of the services: started by spanspec or not.
    pub services: Services,
    /// Their ports by variable.
    pub ports: BTreeMap<String, u16>,
    /// Variables and defaults for the specs of clients.
    pub context: Context,
}

#[derive(Debug)]
struct ApiInner {
    store: Store,
    state: RwLock<Arc<ApiState>>,
    judging: JudgingThread,
}

/// State of the API.
#[derive(Debug)]
pub(super) struct ApiState {
    pub(super) is_ready: bool,
    pub(super) settler: Settler,
    pub(super) known: SystemInfo,
}

impl Api {
    /// The API of a receiver that fills this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let known = SystemInfo {
            listened: Vec::new(),
            scheme: "http",
            flush: Flush::Assumed,
            log_flush: Flush::Assumed,
            metric_flush: Flush::Assumed,
            services: Services::Theirs,
            ports: BTreeMap::new(),
            context: Context::default(),
        };
        let state = ApiState::new(known, false, store.clone());
        let state = RwLock::new(Arc::new(state));
        let judging = JudgingThread::default();
        Self(Arc::new(ApiInner {
            store,
            state,
            judging,
        }))
    }

    /// Sets the facts about the services when they are ready.
    pub fn ready(&self, known: SystemInfo) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = Arc::new(ApiState::new(known, true, self.store().clone()));
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn judging(&self) -> &JudgingThread {
        &self.0.judging
    }

    pub(super) fn state(&self) -> Arc<ApiState> {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state)
    }
}

impl ApiState {
    fn new(known: SystemInfo, is_ready: bool, store: Store) -> Self {
        Self {
            is_ready,
            settler: Settler::new(known.flush, store),
            known,
        }
    }
}
