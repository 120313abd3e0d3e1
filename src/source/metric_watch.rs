//! Watches the metrics of all processes.

use std::fmt;
#[cfg(feature = "run")]
use std::time::Instant;

use tokio::sync::watch;

#[cfg(feature = "run")]
use super::otlp::MetricExport;
use super::store::SharedState;
use crate::trace::MetricRecords;

/// Watches the metrics that arrive. All their points are kept until this is dropped.
pub struct MetricWatch {
    state: SharedState,
    changes: watch::Receiver<u64>,
}

impl MetricWatch {
    pub(super) fn new(state: SharedState) -> Self {
        let changes = state.lock().watch_metrics();
        Self { state, changes }
    }

    /// Waits for an export that arrived since the last reading. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The state that we hold has the sender.
            std::future::pending::<()>().await;
        }
    }

    /// Adds metrics that were read elsewhere.
    #[cfg(feature = "run")]
    pub(super) fn take_in(&self, export: MetricExport) {
        self.state.lock().take_in_metrics(export, Instant::now());
    }

    /// All series that are known, with the points that arrived since the watch began.
    pub fn read(&mut self) -> MetricRecords {
        self.changes.mark_unchanged();
        self.state.lock().metric_records()
    }
}

impl Drop for MetricWatch {
    fn drop(&mut self) {
        self.state.lock().unwatch_metrics();
    }
}

impl fmt::Debug for MetricWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricWatch").finish_non_exhaustive()
    }
}
