//! The lock around the state of a store.
//!
//! It is held for a few milliseconds at most: requests are read before, and records are kept and read in portions.
//! Between two portions of a large request, a trace can have a part of its spans, as between two requests. If it is
//! judged then, the others are late.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::entry::RawRecord;
#[cfg(feature = "run")]
use super::request::{LogArrival, services_of};
use super::request::{LogRequest, RejectedLoss, SpanRequest};
use super::state::{PORTION, StoreState, wanted};
use super::uncorrelated::ArrivedLogs;
use crate::source::otlp::{Malformed, Signal};
use crate::trace::{Sender, TraceId};

/// A thread that has more portions lets the others go first for this time. A mutex is not fair.
const GIVE_WAY: Duration = Duration::from_micros(50);

/// The state of a store, shared by its handles and by those who follow its traces.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct SharedState(Arc<LockedState>);

/// A reference that does not keep the state alive.
#[derive(Clone, Debug)]
pub(super) struct WeakState(Weak<LockedState>);

#[derive(Debug)]
struct LockedState {
    state: Mutex<StoreState>,
    /// Number of threads that wait for the lock.
    waiting: AtomicUsize,
    /// Capacity for recent requests of one signal, in bytes.
    capacity: usize,
}

impl Default for LockedState {
    fn default() -> Self {
        Self::new(StoreState::default())
    }
}

impl LockedState {
    fn new(state: StoreState) -> Self {
        Self {
            capacity: state.capacity(),
            state: Mutex::new(state),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl SharedState {
    pub(super) fn new(state: StoreState) -> Self {
        Self(Arc::new(LockedState::new(state)))
    }

    /// Nothing panics in the middle of a change, so the state behind a poisoned lock is sound.
    pub(in crate::source) fn lock(&self) -> MutexGuard<'_, StoreState> {
        match self.0.state.try_lock() {
            Ok(state) => return state,
            Err(TryLockError::Poisoned(state)) => return state.into_inner(),
            Err(TryLockError::WouldBlock) => {}
        }
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        let state = self.0.state.lock();
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Self::lock`], for the portion with this number, counted from 0.
    fn lock_for(&self, portion: usize) -> MutexGuard<'_, StoreState> {
        if portion > 0 && self.0.waiting.load(Ordering::Relaxed) > 0 {
            sleep(GIVE_WAY);
        }
        self.lock()
    }

    /// Reads a request of spans.
    pub(super) fn read_spans<'a>(
        &self,
        request: &'a [u8],
        arrived: Instant,
    ) -> Result<SpanRequest<'a>, Malformed> {
        SpanRequest::of(request, arrived, self.0.capacity)
    }

    /// Reads a request of log records.
    pub(super) fn read_logs<'a>(
        &self,
        request: &'a [u8],
        arrived: Instant,
    ) -> Result<LogRequest<'a>, Malformed> {
        LogRequest::of(request, arrived, self.0.capacity)
    }

    /// Adds the spans of a request to the entries of their traces, or the request to the recent ones.
    pub(super) fn take_in_spans(&self, request: &SpanRequest<'_>, sender: &Sender) {
        // Losses first, so that no snapshot has the other spans without them.
        self.note_rejected(&request.rejected(sender));
        #[cfg(feature = "run")]
        self.observe_spans(request);
        let entered = self.lock().enter(request);
        let portions = entered.spans.chunks(PORTION);
        for (number, portion) in portions.enumerate() {
            let prepared = entered.prepared(request, portion);
            self.lock_for(number).keep(request, &entered, prepared);
        }
        self.lock().announce(request);
    }

    fn note_rejected(&self, rejected: &[RejectedLoss]) {
        const MOST_LOSSES: usize = 4096;
        for (number, portion) in rejected.chunks(MOST_LOSSES).enumerate() {
            self.lock_for(number).note_rejected(portion);
        }
    }

    /// Records spans in the open windows.
    #[cfg(feature = "run")]
    fn observe_spans(&self, request: &SpanRequest<'_>) {
        let portions = request.walk.spans.chunks(PORTION);
        for (number, portion) in portions.enumerate() {
            let mut state = self.lock_for(number);
            if !state.traffic.are_open() {
                return;
            }
            state.traffic.spans(request, portion);
        }
    }

    /// Adds log records to the entries of their traces, or the request to the recent ones.
    pub(super) fn take_in_logs(&self, request: &LogRequest<'_>) {
        let discarded = self.lock().take_in_logs(request);
        drop(discarded);
    }

    /// Records log records in the open windows.
    #[cfg(feature = "run")]
    pub(super) fn observe_logs(&self, request: &LogRequest<'_>, by: LogArrival) {
        let are_open = self.lock().traffic.are_open();
        if !are_open {
            return;
        }
        if by == LogArrival::Printed {
            return self.lock().traffic.printed(request);
        }
        let services = services_of(&request.walk.resources);
        let portions = request.walk.records.chunks(PORTION);
        for (number, portion) in portions.enumerate() {
            let mut state = self.lock_for(number);
            state.traffic.logs(request, portion, &services);
        }
    }

    /// The log records that arrived since this moment, or ever, and are still remembered.
    pub(in crate::source) fn arrived_logs(&self, since: Option<Instant>) -> ArrivedLogs {
        let found = self.lock().found_logs(since);
        ArrivedLogs::of(&found, |ids| {
            let traces = ids.iter().map(|(trace, _)| *trace).collect();
            let (requests, mut spans) = {
                let state = self.lock();
                (state.recent(None), state.kept_spans(&traces))
            };
            spans.extend(wanted(&requests, |span| {
                let ids_of_span = span.trace.zip(span.span);
                ids_of_span.is_some_and(|one| ids.contains(&one))
            }));
            spans
        })
    }

    /// The records of a followed trace without the first ones.
    pub(in crate::source) fn records_from(
        &self,
        trace: TraceId,
        signal: Signal,
        known: usize,
    ) -> Vec<RawRecord> {
        let mut all = Vec::new();
        for number in 0.. {
            let start = known + all.len();
            let state = self.lock_for(number);
            let portion = state.records_in(trace, signal, start..start + PORTION);
            all.extend_from_slice(portion);
            if all.len() < (number + 1) * PORTION {
                break;
            }
        }
        all
    }

    /// Removes a follower of this trace.
    pub(in crate::source) fn release(&self, trace: TraceId) {
        let released = self.lock().release(trace);
        drop(released);
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
