//! Reads traces from a tracing backend, which is asked again and again.
//!
//! An [`Adapter`](adapter::Adapter) for each kind of backend, in a folder of its own, reads a trace once;
//! `polling` decides when, and gives the spans to a store of this process, in which a trace is followed
//! as if the spans had been sent here.

mod adapter;
#[cfg(test)]
mod any_span;
mod budget;
mod clickhouse;
mod clock;
mod dash0;
mod datadog;
mod elasticsearch;
#[cfg(feature = "cli")]
mod examination;
mod files;
mod honeycomb;
mod http;
mod jaeger;
mod json;
mod otlp_answer;
mod polling;
#[cfg(test)]
mod replay;
mod settings;
mod tempo;
#[cfg(test)]
mod tests;
mod xray;
mod zipkin;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use adapter::{Adapter, FetchError};
pub(crate) use adapter::{AddressForm, Kind};
#[cfg(feature = "cli")]
pub(crate) use examination::{Finding, Grade};
use polling::{LONGEST_PAUSE, Polling, SHORTEST_PAUSE, Troubles};
pub(crate) use settings::DEFAULT_DELAY;
pub use settings::SourceSettings;

use super::contract::{BackendFacts, TraceSource};
use super::diagnostics::SourceDiagnostics;
use super::follow::Follow;
use super::gone::Gone;
use super::poll_state::PollState;
use super::search::{SearchAnswer, SearchError, SearchQuery};
use super::store::Store;
use crate::spec::keys::{Keys, key};
#[cfg(feature = "cli")]
use crate::trace::Span;
use crate::trace::{Field, Hole, Losses, Nanos, Origin, TraceId};

/// All kinds of backends.
pub(crate) static KINDS: &[Kind] = &[
    jaeger::KIND,
    tempo::KIND,
    zipkin::KIND,
    clickhouse::KIND,
    elasticsearch::ELASTICSEARCH,
    elasticsearch::OPENSEARCH,
    files::KIND,
    xray::KIND,
    datadog::KIND,
    honeycomb::KIND,
    dash0::KIND,
];

/// The keys of `source`.
pub(crate) const KEYS: Keys = Keys(&[
    &[
        jaeger::KIND.key,
        tempo::KIND.key,
        zipkin::KIND.key,
        clickhouse::KIND.key,
        elasticsearch::ELASTICSEARCH.key,
        elasticsearch::OPENSEARCH.key,
        files::KIND.key,
        xray::KIND.key,
        datadog::KIND.key,
        honeycomb::KIND.key,
        dash0::KIND.key,
    ],
    jaeger::KIND.options,
    tempo::KIND.options,
    zipkin::KIND.options,
    clickhouse::KIND.options,
    // Those of OpenSearch are the same.
    elasticsearch::ELASTICSEARCH.options,
    files::KIND.options,
    xray::KIND.options,
    datadog::KIND.options,
    dash0::KIND.options,
    &[
        key(
            "headers",
            "texts_by_name",
            "Headers of requests to the backend, such as Authorization.",
        ),
        key("tenant", "text", "The tenant whose traces are read."),
        key("tls", "tls", "Certificates for `https`."),
        key(
            "delay",
            "duration",
            "Maximum time from the end of a span until it can be read; default 15 s. Replaces `wait.flush`.",
        ),
        key(
            "keep",
            "keep",
            "`none`: requests do not carry `tracestate: spanspec=1`, by which a sampler can keep their traces.",
        ),
    ],
]);

/// Maximum time until a search has an answer.
const LONGEST_SEARCH: Duration = Duration::from_secs(30);

/// Maximum number of requests for traces at the same time.
const MOST_REQUESTS: usize = 16;

/// A backend as a source of traces.
#[derive(Debug)]
pub(crate) struct Backend {
    settings: SourceSettings,
    adapter: Arc<dyn Adapter>,
    store: Store,
    gone: Gone,
    troubles: Troubles,
    /// Limits the requests for traces.
    permits: Arc<Semaphore>,
}

/// A trace as a backend has it.
#[cfg(feature = "cli")]
#[derive(Clone, Debug)]
pub(crate) struct ReadTrace {
    /// Empty if the backend does not have the trace.
    pub(crate) spans: Vec<Span>,
    /// Spans that are missing.
    pub(crate) holes: Vec<Hole>,
    /// The fields that its spans have lost.
    pub(crate) losses: Losses,
}

/// The settings of a backend cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SourceError(String);

impl Backend {
    /// # Errors
    /// The settings cannot be used.
    pub(crate) fn new(settings: SourceSettings) -> Result<Self, SourceError> {
        let adapter = (settings.kind.adapter)(&settings).map_err(|error| match error {
            FetchError::Later { why, help, .. } | FetchError::Refused { why, help } => {
                SourceError(format!("{why}; {help}"))
            }
        })?;
        Ok(Self {
            adapter: Arc::from(adapter),
            settings,
            store: Store::new(),
            gone: Gone::default(),
            troubles: Troubles::default(),
            permits: Arc::new(Semaphore::new(MOST_REQUESTS)),
        })
    }
}

/// Searches until the backend answers, at most for this time.
async fn ask_again<'a, T>(
    longest: Duration,
    ask: impl Fn() -> BoxFuture<'a, Result<T, FetchError>>,
) -> Result<T, SearchError> {
    let slow = SearchError {
        why: format!("the search took longer than {} s", longest.as_secs()),
        help: "choose a shorter `since`, or add conditions to `find`".to_owned(),
    };
    ask_until(longest, slow, ask).await
}

/// Asks until the backend answers. If it takes longer than this time, the error is `slow`.
async fn ask_until<'a, T>(
    longest: Duration,
    slow: SearchError,
    ask: impl Fn() -> BoxFuture<'a, Result<T, FetchError>>,
) -> Result<T, SearchError> {
    let deadline = Instant::now() + longest;
    let mut pause = SHORTEST_PAUSE;
    loop {
        let error = match timeout_at(deadline.into(), ask()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => return Err(slow),
        };
        let next = Instant::now().checked_add(pause.max(error.after()));
        let next = next.filter(|&next| next <= deadline);
        let (Some(next), FetchError::Later { .. }) = (next, &error) else {
            let Hole { reason, remedy, .. } = error.into();
            return Err(SearchError {
                why: reason,
                help: remedy,
            });
        };
        tokio::time::sleep_until(next.into()).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

#[cfg(feature = "cli")]
impl Backend {
    /// Reads a trace that is complete, once.
    ///
    /// # Errors
    /// The backend does not answer, or refuses.
    pub(crate) async fn read(&self, trace: TraceId) -> Result<ReadTrace, SearchError> {
        let slow = SearchError {
            why: format!(
                "trace {trace} was not read within {} s",
                LONGEST_SEARCH.as_secs()
            ),
            help: "check the backend with `spanspec doctor`".to_owned(),
        };
        let fetched = ask_until(LONGEST_SEARCH, slow, || self.adapter.fetch(trace)).await?;
        let mut losses = self.losses();
        losses.add(&fetched.losses);
        let mut spans = fetched.spans;
        spans.sort_by_key(|span| (span.start, span.span_id));
        Ok(ReadTrace {
            spans,
            holes: fetched.holes,
            losses,
        })
    }
}

impl TraceSource for Backend {
    fn follow(&self, trace: TraceId, origin: Origin) -> Follow {
        let state = watch::Sender::new(PollState::default());
        let read = state.subscribe();
        let polling = Polling {
            trace,
            adapter: Arc::clone(&self.adapter),
            store: self.store.clone(),
            state,
            troubles: Arc::clone(&self.troubles),
            permits: Arc::clone(&self.permits),
        };
        let gone = self.gone.clone();
        let (start, started) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if started.await.is_ok() {
                let why = polling.run().await;
                gone.record(|| why);
            }
        });
        let follow = self.store.follow(trace, origin);
        follow.polled_by(read, start, tasks)
    }

    fn diagnostics(&self, _: Instant) -> BoxFuture<'_, SourceDiagnostics> {
        let diagnostics = SourceDiagnostics {
            stats: self.store.stats(),
            ..SourceDiagnostics::default()
        };
        std::future::ready(diagnostics).boxed()
    }

    fn backend(&self) -> Option<BackendFacts> {
        Some(BackendFacts {
            name: self.settings.name(),
            delay: self.settings.delay.unwrap_or(DEFAULT_DELAY),
            is_delay_known: self.settings.delay.is_some(),
            pause: LONGEST_PAUSE.mul_f64(1.1),
            marks_requests: self.settings.marks_requests,
        })
    }

    fn trouble(&self, trace: TraceId) -> Option<Hole> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.get(&trace).cloned()
    }

    /// A backend limits requests, and its declared delay has passed.
    fn most_watched(&self) -> usize {
        0
    }

    fn losses(&self) -> Losses {
        // Neither can be found by the id of this trace.
        let losses = self.adapter.losses().iter().copied();
        let of_logs = (!self.adapter.reads_logs()).then_some(Field::LogRecords);
        losses
            .chain([Field::LinkingTraces, Field::TraceContext])
            .chain(of_logs)
            .collect()
    }

    fn search<'a>(
        &'a self,
        query: &'a SearchQuery,
    ) -> BoxFuture<'a, Result<SearchAnswer, SearchError>> {
        ask_again(LONGEST_SEARCH, || self.adapter.search(query)).boxed()
    }

    fn has_exact_engine(&self) -> bool {
        self.adapter.has_exact_engine()
    }

    fn count_by<'a>(
        &'a self,
        query: &'a SearchQuery,
        resource: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, u64)>, SearchError>> {
        ask_again(LONGEST_SEARCH, || self.adapter.count_by(query, resource)).boxed()
    }

    fn durations_at<'a>(
        &'a self,
        query: &'a SearchQuery,
        count: u64,
        ranks: &'a [u64],
    ) -> BoxFuture<'a, Result<Vec<Nanos>, SearchError>> {
        ask_again(LONGEST_SEARCH, move || {
            self.adapter.durations_at(query, count, ranks)
        })
        .boxed()
    }

    fn search_gap(&self) -> Option<&'static str> {
        self.adapter.search_gap()
    }

    fn seconds_ahead(&self) -> Option<i64> {
        self.adapter.seconds_ahead()
    }

    fn gone(&self) -> BoxFuture<'static, String> {
        self.gone.reason()
    }
}
