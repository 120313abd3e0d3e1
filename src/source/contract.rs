//! The contract of a source.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::diagnostics::SourceDiagnostics;
use super::follow::Follow;
use super::metric_watch::MetricWatch;
use super::search::{SearchAnswer, SearchError, SearchQuery};
#[cfg(feature = "run")]
use super::store::TrafficInterest;
#[cfg(feature = "run")]
use super::traffic_watch::TrafficWatch;
use crate::trace::{Hole, LogsWithoutTrace, Losses, Nanos, Origin, TraceId};

/// Facts about a backend from which traces are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendFacts {
    /// Its name and address.
    pub name: String,
    /// Upper bound of the time from the end of a span until it can be read. Takes the place of the
    /// flush bound, and is assumed if it is not known.
    pub delay: Duration,
    /// `delay` is declared, and not assumed.
    pub is_delay_known: bool,
    /// Maximum time between two requests for a trace.
    pub pause: Duration,
    /// Requests carry `tracestate: spanspec=1`, so that a sampler can keep their traces.
    pub marks_requests: bool,
}

/// A source of traces.
///
/// Following a trace yields a snapshot on every change. A source that has to fetch spans does that
/// in its own tasks.
pub trait TraceSource: Debug + Send + Sync {
    /// Starts to follow a trace. The first snapshot has the spans that have arrived already.
    fn follow(&self, trace: TraceId, origin: Origin) -> Follow;

    /// Facts that explain why a trace is missing or incomplete; traces that are not followed only
    /// as far as they arrived since this moment.
    fn diagnostics(&self, since: Instant) -> BoxFuture<'_, SourceDiagnostics>;

    /// Keeps metrics from now on: specs of the run need them.
    fn keep_metrics(&self) {}

    /// Watches the metrics that arrive; `None` if the source has no metrics.
    fn watch_metrics(&self) -> Option<MetricWatch> {
        None
    }

    /// Watches everything that arrives from now on, of any trace; `None` if the source is not the receiver.
    #[cfg(feature = "run")]
    fn watch_traffic(&self, _: TrafficInterest) -> Option<TrafficWatch> {
        None
    }

    /// The reason why the last answer of a backend about this trace is missing.
    fn trouble(&self, _: TraceId) -> Option<Hole> {
        None
    }

    /// The addresses at which services can send OTLP. Empty if the source does not listen.
    fn addresses(&self) -> &[SocketAddr] {
        &[]
    }

    /// The scheme of URLs with these addresses: `http`, or `https` if it requires TLS.
    fn scheme(&self) -> &'static str {
        "http"
    }

    /// The backend from which traces are read; `None` if services send their spans here.
    fn backend(&self) -> Option<BackendFacts> {
        None
    }

    /// Maximum number of traces that can be followed after their verdicts.
    fn most_watched(&self) -> usize {
        1_024
    }

    /// The fields that spans lose on the way.
    fn losses(&self) -> Losses {
        Losses::none()
    }

    /// The log records without a trace id that arrived since this moment, or all that are remembered. `None` if the
    /// source does not have such records.
    fn logs_without_trace(
        &self,
        _since: Option<Instant>,
    ) -> BoxFuture<'_, Option<LogsWithoutTrace>> {
        std::future::ready(None).boxed()
    }

    /// Searches the traces that the source has.
    ///
    /// # Errors
    /// It cannot be searched, or does not answer.
    fn search<'a>(
        &'a self,
        _: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, SearchError>> {
        std::future::ready(Err(SearchError {
            why: "`search` needs a backend, and this run receives its spans itself".to_owned(),
            help: "add `source` to spanspec.yaml or to a profile, or use `--source`".to_owned(),
        }))
        .boxed()
    }

    /// The reason why a search can miss traces, if it can.
    fn search_gap(&self) -> Option<&'static str> {
        None
    }

    /// Returns `true` if its engine counts and orders the spans of all traces exactly.
    fn has_exact_engine(&self) -> bool {
        false
    }

    /// The number of traces with a span that meets a query, for each value of a resource attribute of such
    /// spans; empty where it is missing. Of all traces if the name of the attribute is empty.
    ///
    /// # Errors
    /// The engine does not answer.
    fn count_by<'a>(
        &'a self,
        _: &'a SearchQuery,
        _resource: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, u64)>, SearchError>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    /// The durations at these ranks, among the longest span that meets a query in each trace; rank 1 is the
    /// shortest. `count` is the number of these traces by `count_by`.
    ///
    /// # Errors
    /// The engine does not answer, or the number of traces has changed.
    fn durations_at<'a>(
        &'a self,
        _: &'a SearchQuery,
        _count: u64,
        _ranks: &'a [u64],
    ) -> BoxFuture<'a, Result<Vec<Nanos>, SearchError>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    /// Seconds by which the clock of a backend is ahead of that of this machine, if they are known; negative if it
    /// is behind.
    fn seconds_ahead(&self) -> Option<i64> {
        None
    }

    /// Resolves to the reason when the source cannot be read any longer.
    fn gone(&self) -> BoxFuture<'static, String> {
        std::future::pending().boxed()
    }
}
