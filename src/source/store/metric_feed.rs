//! The exports of metrics as they arrive, for a reader in another process.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::source::parcel::Parcel;
use crate::trace::{Hole, Sender};

/// Number of exports that a slow reader may be behind before it misses the oldest.
const CAPACITY: usize = 256;

/// An export of metrics, or the loss of one.
#[derive(Clone, Debug)]
pub(crate) enum MetricArrival {
    /// An export.
    Export(Arc<Parcel>),
    /// An export that was lost.
    Lost(Hole),
}

/// The sender to all readers.
#[derive(Debug)]
pub(super) struct MetricReaders(broadcast::Sender<MetricArrival>);

/// Reads the exports that arrive.
#[derive(Debug)]
pub(crate) struct MetricFeed(broadcast::Receiver<MetricArrival>);

impl Default for MetricReaders {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl MetricReaders {
    pub(super) fn feed(&self) -> MetricFeed {
        MetricFeed(self.0.subscribe())
    }

    /// Sends an arrival, which is built only if there is a reader.
    pub(super) fn send(&self, arrival: impl FnOnce() -> MetricArrival) {
        if self.0.receiver_count() > 0 {
            // The last reader may have left in between.
            let _ = self.0.send(arrival());
        }
    }
}

impl MetricFeed {
    /// Waits for the next export or loss.
    pub(crate) async fn next(&mut self) -> MetricArrival {
        match self.0.recv().await {
            Ok(arrival) => arrival,
            Err(RecvError::Lagged(missed)) => MetricArrival::Lost(Hole {
                reason: format!("{missed} exports of metrics were not read in time"),
                sender: Sender::default(),
                remedy: "raise OTEL_METRIC_EXPORT_INTERVAL of the services".to_owned(),
            }),
            // The store is gone, and so is the connection.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
