//! What many requests of one spec came to: plain data that every reporter reads.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Versions;
use crate::budget::{Alpha, Estimate, Judged, Quantile, Samples, Verdict};
use crate::check::CheckRef;
use crate::spec::{Location, Pace};
use crate::trace::{Trace, TraceId};

/// By such a share of a response time lateness is not seen.
const LATE_SHARE: f64 = 0.1;

/// Nor is this, in microseconds: a thread wakes up no sooner.
const LEAST_LATENESS: f64 = 200.0;

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
    /// In an open loop, how long they would have waited at least, had this machine kept up: sent all
    /// in time, and read answers when they were there.
    pub punctual_times: Option<Samples>,
    /// Why there were fewer requests than the spec asks for, if so.
    pub stopped: Option<String>,
    /// In an open loop, how late the latest request was sent by the fault of this machine, not of the
    /// system under test.
    pub behind: Duration,
    /// In an open loop, the requests that waited for others to be answered, if any did.
    pub held_back: Option<HeldBack>,
    /// Each check that did not hold, with the number of requests, the most frequent first.
    pub failing: Vec<Failing>,
    /// Whether what is not proven fails, too.
    pub is_strict: bool,
    /// What was measured, one for each budget.
    pub measured: Vec<Measured>,
    /// What the user should know of the baseline, a sentence each.
    pub notices: Vec<String>,
}

/// Requests that were sent late because so many others were unanswered: the work of the system under
/// test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// So many were unanswered at once.
    pub unanswered: u64,
    /// The longest that one waited for that.
    pub longest: Duration,
}

/// A check that did not hold for some requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Failing {
    /// The check; `None` if requests ended in an error that no check reports.
    pub check: Option<CheckRef>,
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
    /// What the budget asks for; none where nothing is to be judged.
    pub quantiles: Vec<Quantile>,
    /// The durations, one of each trace that has any.
    pub samples: Samples,
    /// The number of complete traces in which there is no such span.
    pub missing: u64,
    /// Of response times in an open loop, what they would have been at least, had this machine kept up.
    pub punctual: Option<Samples>,
    /// `service.version` of what was measured, if its resource says so; all of them where there are
    /// several: `2.3.0, 2.4.0`.
    pub version: Option<String>,
    /// How many traces each is of.
    pub versions: Versions,
    /// The request that took longest, of those whose trace was seen.
    pub slowest: Option<Exemplar>,
    /// What it was held against; None where there is no baseline, or where none is asked for.
    pub before: Option<Before>,
    /// What is known of each quantile, once that has been judged.
    pub judged: Vec<Judged>,
}

impl Measured {
    /// How long the slowest of all took, in microseconds, if that is another one than
    /// [`slowest`](Self::slowest): one of which no span was seen.
    #[must_use]
    pub fn slowest_unseen(&self) -> Option<u64> {
        let seen = self.slowest.as_ref()?.micros;
        self.samples.max().filter(|longest| *longest > seen)
    }

    /// The number of complete traces in which it was looked for.
    pub(crate) fn traces(&self) -> u64 {
        self.samples.len().saturating_add(self.missing)
    }

    /// What is the system's own, without what this machine added by sending late.
    pub(crate) fn punctual(&self) -> &Samples {
        self.punctual.as_ref().unwrap_or(&self.samples)
    }

    /// What is shown where nothing was judged, in microseconds: the quantiles that the budget asks
    /// for, or else those that people look for. One that the samples are too few for is left out,
    /// unless none is left then.
    pub(crate) fn unjudged(&self) -> Vec<(Quantile, Estimate)> {
        let usual = [Quantile::P50, Quantile::P95, Quantile::P99];
        let asked = match self.quantiles.as_slice() {
            [] => usual.as_slice(),
            asked => asked,
        };
        let estimate = |quantile| self.samples.estimate(quantile, Alpha::FIVE_PERCENT);
        let mut all: Vec<_> = asked
            .iter()
            .filter_map(|quantile| Some((*quantile, estimate(*quantile)?)))
            .collect();
        all.sort_by_key(|(quantile, _)| *quantile);
        let has_bounds = |of: &Estimate| of.lower.is_some() && of.upper.is_some();
        if all.iter().any(|(_, of)| has_bounds(of)) {
            all.retain(|(_, of)| has_bounds(of));
        }
        all
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

    /// Whether this machine sent requests so late that one sees it: a quantile of the response times
    /// is longer by that by more than a tenth.
    #[must_use]
    pub fn is_late(&self) -> bool {
        let is_longer = |punctual: &Samples, quantile| {
            let seen = self.response_times.quantile(quantile);
            let pair = seen.zip(punctual.quantile(quantile));
            pair.is_some_and(|(seen, own)| {
                seen > own * (1.0 + LATE_SHARE) && seen - own > LEAST_LATENESS
            })
        };
        let quantiles = [Quantile::P50, Quantile::P95, Quantile::P99];
        self.punctual_times
            .as_ref()
            .is_some_and(|punctual| quantiles.into_iter().any(|one| is_longer(punctual, one)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Place, Source};

    fn shown(asked: &[&str], samples: u64) -> Vec<String> {
        let measured = Measured {
            subject: "ship".to_owned(),
            at: Source::new("a.yaml", "a").at(Place::default()),
            quantiles: asked.iter().map(|one| one.parse().unwrap()).collect(),
            samples: (0..samples).collect(),
            missing: 0,
            punctual: None,
            version: None,
            versions: Versions::default(),
            slowest: None,
            before: None,
            judged: Vec::new(),
        };
        let shown = measured.unjudged().into_iter();
        shown.map(|(quantile, _)| quantile.to_string()).collect()
    }

    #[test]
    fn what_the_budget_asks_for_is_shown_if_there_are_samples_enough() {
        assert_eq!(shown(&["p99", "p50"], 500), ["p50", "p99"]);
        assert_eq!(shown(&["p99", "p50"], 298), ["p50"]);
        assert_eq!(shown(&["p90"], 30), ["p90"]);
        assert_eq!(shown(&[], 60), ["p50", "p95"]);
    }

    #[test]
    fn where_there_are_too_few_for_each_all_are_shown() {
        assert_eq!(shown(&["p95", "p99"], 10), ["p95", "p99"]);
        assert_eq!(shown(&["p95"], 0), [""; 0]);
    }
}
