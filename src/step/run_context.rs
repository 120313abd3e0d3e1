//! Context of a run, which all its steps share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, watch};

use super::completeness::Flush;
use super::delays::ExportDelays;
use super::settings::{Options, Stop};
use crate::secret::Secrets;
use crate::source::TraceSource;
use crate::trace::{Peers, Trace};

/// Maximum number of calls without a SERVER span in the notes of a run.
const MAX_CALLS: usize = 6;

/// State that all steps of a run share.
pub(crate) struct RunContext<'a> {
    pub(crate) source: &'a dyn TraceSource,
    pub(crate) options: &'a Options,
    pub(crate) delays: Arc<ExportDelays>,
    pub(crate) secrets: Secrets,
    pub(crate) stop: watch::Receiver<Option<Stop>>,
    /// Limits the requests in flight, so that many concurrent specs do not overload the system.
    pub(super) in_flight: Arc<Semaphore>,
    /// The services that had SERVER spans.
    peers: Arc<Mutex<Peers>>,
    /// Calls of such services without a SERVER span, in traces that were complete by a known flush
    /// bound; each with its number.
    unanswered: Mutex<BTreeMap<String, usize>>,
    /// A trace waited for the default flush bound.
    has_assumed: AtomicBool,
    /// A step waited for the default metric bound.
    has_assumed_metrics: AtomicBool,
}

impl<'a> RunContext<'a> {
    pub(crate) fn new(
        source: &'a dyn TraceSource,
        options: &'a Options,
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        let shared = options.shared.clone();
        Self {
            source,
            options,
            delays: shared.delays,
            secrets: options.secrets.clone(),
            stop,
            in_flight: shared.in_flight,
            peers: shared.peers,
            unanswered: Mutex::default(),
            has_assumed: AtomicBool::new(false),
            has_assumed_metrics: AtomicBool::new(false),
        }
    }

    /// Calls without a SERVER span, of services that had such spans in this run: the indexes of
    /// their spans.
    pub(super) fn unanswered(&self, trace: &Trace) -> Vec<usize> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.note(trace);
        peers.unanswered(trace)
    }

    /// The services that had SERVER spans in this run, with those of this trace.
    pub(super) fn peers(&self, trace: &Trace) -> Peers {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.note(trace);
        peers.clone()
    }

    /// Records descriptions of calls without a SERVER span in a complete trace.
    pub(super) fn record_unanswered(&self, calls: impl IntoIterator<Item = String>) {
        let unanswered = self.unanswered.lock();
        let mut unanswered = unanswered.unwrap_or_else(PoisonError::into_inner);
        for call in calls {
            *unanswered.entry(call).or_default() += 1;
        }
    }

    /// Descriptions of the recorded calls without a SERVER span.
    pub(crate) fn calls_unanswered(&self) -> Vec<String> {
        let unanswered = self.unanswered.lock();
        let unanswered = unanswered.unwrap_or_else(PoisonError::into_inner);
        let sentence = |(call, times): (&String, &usize)| match times {
            1 => call.clone(),
            _ => format!("{call} ({times} times)"),
        };
        unanswered.iter().take(MAX_CALLS).map(sentence).collect()
    }

    /// Records that a trace waited for this flush bound.
    pub(super) fn record_wait(&self, flush: Flush) {
        if flush == Flush::Assumed {
            self.has_assumed.store(true, Ordering::Relaxed);
        }
    }

    /// Records that a step waited for the default metric bound.
    pub(super) fn record_unknown_metric_bound(&self) {
        self.has_assumed_metrics.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if a step waited for the default metric bound.
    pub(crate) fn has_assumed_metrics(&self) -> bool {
        self.has_assumed_metrics.load(Ordering::Relaxed)
    }

    /// Returns `true` if a trace waited for the default flush bound.
    pub(crate) fn has_assumed(&self) -> bool {
        self.has_assumed.load(Ordering::Relaxed)
    }

    /// Resolves when the run should end early.
    pub(crate) async fn stopped(&self) -> Stop {
        let mut stop = self.stop.clone();
        let stopped = stop
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|stop| stop.clone());
        match stopped {
            Some(stop) => stop,
            // The sender is dropped, so the run cannot be stopped any more.
            None => std::future::pending().await,
        }
    }
}
