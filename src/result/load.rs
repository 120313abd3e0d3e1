//! The result of a spec with `repeat`, as plain data.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{KeptShare, ShareVerdict, Versions};
use crate::budget::{Alpha, ClaimVerdict, Estimate, JudgedClaim, Quantile, Samples};
use crate::check::CheckRef;
use crate::machine::Disturbance;
use crate::number::{Rounding, Unit, micros};
use crate::spec::{Allowance, Location, Pace};
use crate::trace::{Trace, TraceId};

/// A delay up to this share of a quantile is negligible.
const LATE_SHARE: f64 = 0.1;

/// So is a delay up to this, in microseconds: threads do not wake up sooner.
const LEAST_LATENESS: f64 = 200.0;

/// The statistics of the requests of a spec with `repeat`. Contains the traces of few requests.
#[derive(Clone, Debug)]
pub struct Load {
    /// The schedule of the requests.
    pub pace: Pace,
    /// Number of requests before those that count.
    pub warmup: u64,
    /// Number of requests that count, including failed and errored ones.
    pub requests: u64,
    /// Number of requests with a failed check.
    pub failed: u64,
    /// Number of requests that could not be judged.
    pub errored: u64,
    /// Maximum number of failures that the spec permits.
    pub allowed: u64,
    /// The time from the first request that counts to the last answer.
    pub duration: Duration,
    /// The response times; in an open loop from the scheduled moment of the request.
    pub response_times: Samples,
    /// The response times without delays that this machine caused, a lower bound; only in an open
    /// loop.
    pub punctual_times: Option<Samples>,
    /// The reason why there were fewer requests than planned.
    pub stopped: Option<String>,
    /// The largest delay of a request that this machine caused; only in an open loop.
    pub behind: Duration,
    /// Requests that were sent late because too many were unanswered; only in an open loop.
    pub held_back: Option<HeldBack>,
    /// The proven share of failures, if the spec permits any; not for a search.
    pub failure_share: Option<FailureShare>,
    /// The share of traces that a sampler keeps, if the spec expects one.
    pub kept_share: Option<KeptShare>,
    /// The failed checks and errors, each with the number of requests, the most frequent first.
    pub failing: Vec<Failing>,
    /// Of a search, the worst failed traces apart from the one that is reported.
    pub other_failed: Vec<FailedTrace>,
    /// Earlier runs of the same requests, in order. This is the last one.
    pub earlier: Vec<EarlierRun>,
    /// The disturbance of the machine; `None` if it was not measured.
    pub machine: Option<Disturbance>,
    /// Verdicts that are not proven fail.
    pub is_strict: bool,
    /// The measurements, one for each budget.
    pub measured: Vec<Measured>,
    /// Notes about the baseline.
    pub notices: Vec<String>,
}

/// A run that was repeated, because a budget exceeded its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierRun {
    /// Number of requests that count.
    pub requests: u64,
    /// Number of requests with a failed check.
    pub failed: u64,
    /// Number of requests that could not be judged.
    pub errored: u64,
    /// The time from the first request that counts to the last answer.
    pub duration: Duration,
}

/// Requests that were sent late because the system under test left too many others unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The limit of unanswered requests.
    pub unanswered: u64,
    /// The longest delay.
    pub longest: Duration,
}

/// The share of all possible requests that fail, as far as those that were sent prove it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureShare {
    /// Its upper bound, with 95 % confidence. Requests that could not be judged count as failed.
    pub at_most: f64,
    /// The failures that the spec permits.
    pub permitted: Allowance,
}

impl FailureShare {
    /// The error probability of the bound.
    pub const ERROR: f64 = 0.05;

    /// The share that the spec permits, if the requests do not prove it.
    #[must_use]
    pub fn unproven(&self) -> Option<f64> {
        match self.permitted {
            Allowance::Share(share) if self.at_most > share => Some(share),
            _ => None,
        }
    }
}

/// A check that did not hold for some requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Failing {
    /// The check; `None` if requests ended in an error that no check reports.
    pub check: Option<CheckRef>,
    /// A short description of the check or error.
    pub what: String,
    /// The location in the spec.
    pub at: Option<Location>,
    /// Number of requests.
    pub requests: u64,
}

/// A trace with failed checks.
#[derive(Clone, Debug)]
pub struct FailedTrace {
    /// The trace.
    pub trace: Arc<Trace>,
    /// The failed checks, in short.
    pub failed: Vec<String>,
    /// The file with the trace.
    pub saved: Option<PathBuf>,
}

/// A quantile of response times that delays of this machine made longer than is negligible. Durations
/// of spans do not include such delays. All in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lateness {
    /// The quantile.
    pub quantile: Quantile,
    /// Its value.
    pub seen: f64,
    /// Its value without the delays.
    pub punctual: f64,
    /// The largest difference that is negligible.
    pub limit: f64,
}

/// The measurement of a budget, and its verdicts.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The measured quantity: `inventory-check`, `response time`.
    pub subject: String,
    /// The value of `measure` in the spec; of a map its key.
    pub measure: &'static str,
    /// The location of the budget.
    pub at: Location,
    /// The quantiles of the budget; empty if it has no limit.
    pub quantiles: Vec<Quantile>,
    /// The values, one for each trace with such a span. Counts and sums also have the zeros of traces
    /// without one.
    pub samples: Samples,
    /// A trace has such a span.
    pub is_found: bool,
    /// A limit permits 0 only, so that no such span is expected.
    pub expects_none: bool,
    /// Number of complete traces without such a span; for counts and sums, without any span.
    pub missing: u64,
    /// The response times without delays that this machine caused; only in an open loop.
    pub punctual: Option<Samples>,
    /// `service.version` of the measured service; all of them if there are several: `2.3.0, 2.4.0`.
    pub version: Option<String>,
    /// The number of traces of each version.
    pub versions: Versions,
    /// The request with the largest value that has a trace.
    pub largest: Option<Exemplar>,
    /// The baseline; `None` if there is none, or if the budget does not compare.
    pub before: Option<Before>,
    /// The verdict about each quantile; empty if the run was not judged.
    pub judged: Vec<JudgedClaim>,
}

impl Measured {
    /// The unit of the values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.samples.unit()
    }

    /// Returns `true` if no trace has such a span, although one is expected. A count of 0 in each trace
    /// is more probably an error of the selector.
    #[must_use]
    pub fn found_nothing(&self) -> bool {
        self.samples.is_empty() || !(self.is_found || self.expects_none)
    }

    /// The longest duration in microseconds, if it belongs to a request without a trace, which is not
    /// [`largest`](Self::largest).
    #[must_use]
    pub fn slowest_unseen(&self) -> Option<f64> {
        if self.samples.is_ranked() {
            // The other traces were not read.
            return None;
        }
        let seen = self.largest.as_ref()?.value;
        self.samples.max().filter(|longest| *longest > seen)
    }

    /// Number of complete traces.
    pub(crate) fn traces(&self) -> u64 {
        self.samples.len().saturating_add(self.missing)
    }

    /// The durations without delays that this machine caused.
    pub(crate) fn punctual(&self) -> &Samples {
        self.punctual.as_ref().unwrap_or(&self.samples)
    }

    /// Estimates for a report without verdicts: the quantiles of the budget, or the
    /// usual ones. A quantile with too few samples is left out unless all have too few.
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

/// The baseline of a budget.
#[derive(Clone, Debug)]
pub struct Before {
    /// The values of all runs.
    pub samples: Samples,
    /// `service.version` of the latest run.
    pub version: Option<String>,
    /// The file of the baseline; `None` for another version that ran side by side.
    pub path: Option<PathBuf>,
}

/// A request that represents others.
#[derive(Clone, Debug)]
pub struct Exemplar {
    /// The id of its trace.
    pub trace_id: TraceId,
    /// The measured value.
    pub value: f64,
    /// The trace.
    pub trace: Arc<Trace>,
    /// The file of the saved trace, as OTLP/JSON.
    pub saved: Option<PathBuf>,
}

impl Lateness {
    fn of(all: &Samples, punctual: &Samples, quantile: Quantile) -> Option<Self> {
        let (seen, punctual) = all.quantile(quantile).zip(punctual.quantile(quantile))?;
        let limit = (punctual * LATE_SHARE).max(LEAST_LATENESS);
        (seen - punctual > limit).then_some(Self {
            quantile,
            seen,
            punctual,
            limit,
        })
    }
}

/// `510 µs of the p50 of the response times (1.52 ms) are delay of the load generator (200 µs permitted)`.
impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of the {} of the response times ({}) are delay of the load generator ({} permitted)",
            micros(self.seen - self.punctual, Rounding::Up),
            self.quantile,
            micros(self.seen, Rounding::Nearest),
            micros(self.limit, Rounding::Down),
        )
    }
}

impl Load {
    /// Returns `true` if not more requests failed, or could not be judged, than the spec permits.
    #[must_use]
    pub fn has_permitted_failures(&self) -> bool {
        self.failed + self.errored <= self.allowed
    }

    /// Returns `true` if the spec fails with such a verdict.
    #[must_use]
    pub fn fails(&self, verdict: ClaimVerdict) -> bool {
        match self.is_strict {
            true => verdict.fails_strictly(),
            false => verdict.fails(),
        }
    }

    /// Returns `true` if the spec fails with such a share.
    #[must_use]
    pub fn fails_share(&self, verdict: ShareVerdict) -> bool {
        match verdict {
            ShareVerdict::Ok => false,
            ShareVerdict::NotProven => self.is_strict,
            ShareVerdict::OverLimit | ShareVerdict::UnderLimit => true,
        }
    }

    /// Claims that pass although they are above their limit, because that is not proven: with the
    /// budget, and each in short.
    pub fn possible_slowdowns(&self) -> impl Iterator<Item = (&Measured, &JudgedClaim, String)> {
        let claims =
            (self.measured.iter()).flat_map(|of| of.judged.iter().map(move |one| (of, one)));
        let passing = claims.filter(|(_, one)| !self.fails(one.verdict));
        passing.filter_map(|(of, one)| Some((of, one, one.possible_slowdown()?)))
    }

    /// The first quantile of a budget that delays of this machine spoil. The measurement cannot be a
    /// baseline then.
    #[must_use]
    pub fn late_budget(&self) -> Option<Lateness> {
        self.measured.iter().find_map(|one| {
            let punctual = one.punctual.as_ref()?;
            let mut quantiles = one.quantiles.iter();
            quantiles.find_map(|quantile| Lateness::of(&one.samples, punctual, *quantile))
        })
    }

    /// The same for the response times that a report prints; those of budgets first.
    #[must_use]
    pub fn lateness(&self) -> Option<Lateness> {
        let quantiles = [Quantile::P50, Quantile::P95, Quantile::P99];
        let of_all = || {
            let punctual = self.punctual_times.as_ref()?;
            let mut quantiles = quantiles.into_iter();
            quantiles.find_map(|one| Lateness::of(&self.response_times, punctual, one))
        };
        self.late_budget().or_else(of_all)
    }

    /// Requests per second.
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
            measure: "duration",
            samples: (0..samples).collect(),
            is_found: true,
            expects_none: false,
            missing: 0,
            punctual: None,
            version: None,
            versions: Versions::default(),
            largest: None,
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
