//! What many requests of one spec came to: plain data that every reporter reads.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::budget::{Alpha, Judged, Quantile, Samples, Verdict};
use crate::spec::{Location, Pace};
use crate::trace::{Trace, TraceId};

/// What became of the requests of a spec with `repeat`. Traces are not kept, but for a few.
#[derive(Clone, Debug)]
pub struct Load {
    /// When requests were sent.
    pub pace: Pace,
    /// So many came first and do not count.
    pub warmup: u64,
    /// How many count: answered, failed and errored ones.
    pub requests: u64,
    /// Of those, how many saw something that is wrong.
    pub failed: u64,
    /// Of those, how many could not be judged.
    pub errored: u64,
    /// How many may fail.
    pub allowed: u64,
    /// From the first request that counts to the last answer.
    pub duration: Duration,
    /// How long the callers waited: in an open loop since the request should have been sent.
    pub response_times: Samples,
    /// Why there were fewer requests than the spec asks for, if so.
    pub stopped: Option<String>,
    /// In an open loop, how late the latest request was sent: the work of this machine, not of the
    /// system under test.
    pub behind: Duration,
    /// Each check that did not hold, with the number of requests, the most frequent first.
    pub failing: Vec<Failing>,
    /// Whether what is not proven fails, too.
    pub is_strict: bool,
    /// What was measured, one for each budget.
    pub measured: Vec<Measured>,
    /// What the user should know of the baseline, a sentence each.
    pub notices: Vec<String>,
}

/// A check that did not hold for some requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Failing {
    /// What it asks, in a few words.
    pub what: String,
    /// Where the spec asks it, if it does.
    pub at: Option<Location>,
    /// For how many requests it did not hold.
    pub requests: u64,
}

/// What was measured for a budget, and what that says.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What was measured: `inventory-check`, `response time`.
    pub subject: String,
    /// Where the budget stands.
    pub at: Location,
    /// The durations, one of each trace that has any.
    pub samples: Samples,
    /// `service.version` of what was measured, if its resource says so.
    pub version: Option<String>,
    /// The request that took longest.
    pub slowest: Option<Exemplar>,
    /// What it was held against; None where there is no baseline, or where none is asked for.
    pub before: Option<Before>,
    /// What is known of each quantile, once that has been judged.
    pub judged: Vec<Judged>,
}

impl Measured {
    /// The quantiles that a baseline keeps, in microseconds: to show where none was judged.
    pub(crate) fn usual(&self) -> Vec<(Quantile, f64)> {
        let estimate = |quantile| self.samples.estimate(quantile, Alpha::FIVE_PERCENT);
        [Quantile::P50, Quantile::P95, Quantile::P99]
            .into_iter()
            .filter_map(|quantile| Some((quantile, estimate(quantile)?.value)))
            .collect()
    }
}

/// What a baseline knows of a budget.
#[derive(Clone, Debug)]
pub struct Before {
    /// The durations of all its runs.
    pub samples: Samples,
    /// `service.version` of the latest of them, if it has one.
    pub version: Option<String>,
    /// The file.
    pub path: PathBuf,
}

/// A request that stands for others.
#[derive(Clone, Debug)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: TraceId,
    /// What was measured of it, in microseconds.
    pub micros: u64,
    /// The trace itself.
    pub trace: Arc<Trace>,
    /// Where that was saved as OTLP/JSON.
    pub saved: Option<PathBuf>,
}

impl Load {
    /// Whether the spec fails by such a verdict.
    #[must_use]
    pub fn fails(&self, verdict: Verdict) -> bool {
        match self.is_strict {
            true => verdict.fails_strictly(),
            false => verdict.fails(),
        }
    }

    /// Requests a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.duration.as_secs_f64();
        if seconds > 0.0 {
            self.requests as f64 / seconds
        } else {
            0.0
        }
    }
}
