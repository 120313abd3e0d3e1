//! Examines a backend for `spanspec doctor`.

use std::time::{Duration, Instant, SystemTime};

use super::Backend;
use super::adapter::FetchError;
use crate::number::{counted, duration};
use crate::source::{SearchQuery, TraceSource};
use crate::trace::{Losses, Nanos, TraceId, nanos_of, unix_nanos};

/// Larger differences of clocks are worth a warning. `Date` has whole seconds.
const CLOSE: i64 = 2;

/// The window in which the newest trace is searched.
const RECENT: Duration = Duration::from_secs(60 * 60);

/// Time without a further span after which a fired trace counts as readable.
const STABLE: Duration = Duration::from_secs(5);

/// A fact about a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) grade: Grade,
    pub(crate) what: String,
    pub(crate) help: Option<String>,
}

/// The grade of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    Ok,
    Warning,
    /// Runs cannot succeed.
    Error,
}

impl Finding {
    fn ok(what: impl Into<String>) -> Self {
        Self {
            grade: Grade::Ok,
            what: what.into(),
            help: None,
        }
    }

    fn warning(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            grade: Grade::Warning,
            what: what.into(),
            help: Some(help.into()),
        }
    }

    fn error(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            grade: Grade::Error,
            ..Self::warning(what, help)
        }
    }
}

impl From<FetchError> for Finding {
    fn from(error: FetchError) -> Self {
        let (FetchError::Later { why, help, .. } | FetchError::Refused { why, help }) = error;
        Self::error(why, help)
    }
}

impl Backend {
    /// Facts about the backend. After an error, only those that are known without it.
    pub(crate) async fn examine(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.plain_text().into_iter().collect();
        let asked = Instant::now();
        match self.adapter.fetch(TraceId::random()).await {
            Err(error) => {
                findings.push(error.into());
                return findings;
            }
            Ok(fetched) if !fetched.spans.is_empty() => findings.push(Finding::error(
                format!(
                    "has {} of a trace that does not exist",
                    counted(fetched.spans.len(), "span")
                ),
                "check the address of `source`: something else answers",
            )),
            Ok(_) => findings.push(Finding::ok(format!(
                "answers after {}, and does not find an unknown trace",
                duration(asked.elapsed())
            ))),
        }
        findings.extend(self.version().await);
        findings.extend(self.clock());
        let (newest, losses) = self.newest().await;
        findings.push(newest);
        findings.push(self.marks());
        findings.push(self.lost(&losses));
        findings.push(match self.settings.delay {
            Some(delay) => Finding::ok(format!("`delay` is {}", duration(delay))),
            None => Finding::warning(
                format!(
                    "`delay` is not set: {} are assumed",
                    duration(super::DEFAULT_DELAY)
                ),
                "measure it with `spanspec doctor --fire`, and set it",
            ),
        });
        findings
    }

    /// Credentials that are sent without encryption.
    fn plain_text(&self) -> Option<Finding> {
        let url = &self.settings.url;
        let host = url.host_str().unwrap_or_default();
        let is_near = host == "localhost" || host.starts_with("127.") || host == "[::1]";
        let has_credentials = self.settings.credentials().next().is_some();
        (url.scheme() == "http" && has_credentials && !is_near)
            .then(|| Finding::warning("credentials are sent without TLS", "use an `https` address"))
    }

    async fn version(&self) -> Option<Finding> {
        match self.adapter.version().await {
            Ok(version) => version.map(|version| Finding::ok(format!("version {version}"))),
            Err(error) => Some(Finding {
                grade: Grade::Warning,
                ..error.into()
            }),
        }
    }

    fn clock(&self) -> Option<Finding> {
        let ahead = self.adapter.seconds_ahead()?;
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let seconds = counted(ahead.unsigned_abs(), "second");
        Some(match ahead.abs() <= CLOSE {
            true => Finding::ok("its clock agrees with that of this machine"),
            false => Finding::warning(
                format!("its clock is {seconds} {side} that of this machine"),
                "synchronize the clocks: `search` looks in windows of time",
            ),
        })
    }

    /// The newest trace, and what traces of the backend lose.
    async fn newest(&self) -> (Finding, Losses) {
        let now = unix_nanos(SystemTime::now());
        let query = SearchQuery {
            from: now.saturating_sub(nanos_of(RECENT)),
            to: now,
            limit: 20,
            ..SearchQuery::default()
        };
        let answer = match TraceSource::search(self, &query).await {
            Ok(answer) => answer,
            Err(error) => return (Finding::warning(error.why, error.help), Losses::none()),
        };
        let mut newest: Option<(Nanos, TraceId)> = None;
        let mut losses = Losses::none();
        for trace in answer.traces.into_iter().take(5) {
            if let Ok(fetched) = self.adapter.fetch(trace).await {
                losses.add(&fetched.losses);
                let start = fetched.spans.iter().map(|span| span.start).max();
                newest = newest.max(start.map(|start| (start, trace)));
            }
        }
        let finding = match newest {
            Some((start, trace)) => Finding::ok(format!(
                "has trace {trace}, which began {} ago",
                duration(Duration::from_nanos(now.saturating_sub(start)))
            )),
            None => Finding::warning(
                format!("has no trace of the last {}", duration(RECENT)),
                "check that the services export to it, the tenant, and how long it takes until a search finds a trace",
            ),
        };
        (finding, losses)
    }

    fn marks(&self) -> Finding {
        match self.settings.marks_requests {
            true => Finding::ok(
                "requests carry `tracestate: spanspec=1`, by which a tail sampler can keep their traces",
            ),
            false => Finding::ok("requests are not marked for samplers (`keep: none`)"),
        }
    }

    fn lost(&self, of_traces: &Losses) -> Finding {
        let mut losses = self.losses();
        losses.add(of_traces);
        let names: Vec<String> = losses.iter().map(|field| field.to_string()).collect();
        Finding::ok(format!(
            "loses {}; checks of that are not judged",
            names.join(", ")
        ))
    }

    /// Measures the time until the spans of a trace can be read, which ended at `ended`.
    pub(crate) async fn time_delay(
        &self,
        trace: TraceId,
        ended: Instant,
        most: Duration,
    ) -> Finding {
        let mut known = 0;
        let mut last = None;
        loop {
            let asked = Instant::now();
            match self.adapter.fetch(trace).await {
                Err(error @ FetchError::Refused { .. }) => return error.into(),
                Err(FetchError::Later { .. }) => {}
                Ok(fetched) if fetched.spans.len() > known => {
                    known = fetched.spans.len();
                    last = Some(asked);
                }
                Ok(_) => {}
            }
            if last.is_some_and(|last: Instant| last.elapsed() > STABLE) || ended.elapsed() > most {
                break;
            }
            tokio::time::sleep(super::SHORTEST_PAUSE).await;
        }
        let Some(last) = last else {
            return Finding::error(
                format!("has no span of trace {trace} after {}", duration(most)),
                "check that the service exports to it, that no sampler drops the trace (`tracestate: spanspec=1`), and the tenant",
            );
        };
        let delay = last.saturating_duration_since(ended);
        let what = format!(
            "{} of trace {trace} could be read after {}",
            counted(known, "span"),
            duration(delay)
        );
        match self.settings.delay {
            Some(declared) if delay > declared => Finding::error(
                format!("{what}, but `delay` is {}", duration(declared)),
                "raise `delay`",
            ),
            Some(_) => Finding::ok(what),
            None => Finding::warning(
                what,
                format!(
                    "set `delay` to at least {}",
                    duration(Duration::from_secs(2 * delay.as_secs() + 2))
                ),
            ),
        }
    }
}
