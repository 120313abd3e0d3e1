//! Events of a store, for clients that watch all traces.

use tokio::sync::broadcast;

use crate::source::stats::Refusal;
use crate::trace::TraceId;

/// Something that arrived.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreEvent {
    /// Traces of which a request had spans, with their number. A request about many traces causes several events.
    Arrived(Vec<(TraceId, usize)>),
    /// A request had spans of further traces, which no event names.
    Omitted {
        /// Number of these traces.
        traces: usize,
    },
    /// A request was refused.
    Refused(Refusal),
}

impl StoreEvent {
    /// Maximum number of traces of one event.
    pub(super) const MOST_TRACES: usize = 512;

    /// Maximum number of traces of one request that events name.
    pub(super) const MOST_ANNOUNCED: usize = 8 * Self::MOST_TRACES;
}

/// Number of events that a slow subscriber may be behind before it misses the oldest.
const CAPACITY: usize = 1024;

/// The subscribers of a store.
#[derive(Debug)]
pub(super) struct Subscribers(broadcast::Sender<StoreEvent>);

impl Default for Subscribers {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl Subscribers {
    /// A receiver of all further events.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<StoreEvent> {
        self.0.subscribe()
    }

    /// Sends an event, which is only built if there is a subscriber.
    pub(super) fn notify(&self, event: impl FnOnce() -> StoreEvent) {
        if self.0.receiver_count() > 0 {
            // The last subscriber may have left in between.
            let _ = self.0.send(event());
        }
    }
}
