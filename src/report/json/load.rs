//! The JSON of a load: numbers of requests, distributions of values, and budgets.
//!
//! A distribution names its unit; other times are milliseconds, as in the rest of the report.

use serde::Serialize;

use super::parts::{JsonLocation, millis};
use crate::budget::baseline::FactDifference;
use crate::budget::{
    Alpha, ClaimVerdict, Compared, Estimate, JudgedClaim, Quantile, SampleSize, Samples,
};
use crate::number::Unit;
use crate::result::{self, Exemplar, Measured, ShareVerdict};
use crate::spec::{Arrivals, Pace};

/// Quantiles that every distribution contains.
const USUAL: [Quantile; 4] = [Quantile::P50, Quantile::P90, Quantile::P95, Quantile::P99];

#[derive(Serialize)]
pub(super) struct JsonLoad<'a> {
    pace: JsonPace<'a>,
    warmup: u64,
    requests: u64,
    failed: u64,
    errored: u64,
    allowed: u64,
    duration_ms: f64,
    rate_per_second: f64,
    response_times: JsonDistribution,
    behind_ms: f64,
    held_back_ms: Option<f64>,
    stopped: Option<&'a str>,
    earlier_runs: Vec<JsonEarlierRun>,
    failing: Vec<JsonFailing<'a>>,
    failure_share_at_most: Option<f64>,
    kept_share: Option<JsonKeptShare<'a>>,
    other_failed: Vec<JsonFailedTrace<'a>>,
    budgets: Vec<JsonBudget<'a>>,
    notices: &'a [String],
}

#[derive(Serialize)]
struct JsonEarlierRun {
    requests: u64,
    failed: u64,
    errored: u64,
    duration_ms: f64,
}

/// Closed or open; the keys of the other kind are `null`.
#[derive(Default, Serialize)]
struct JsonPace<'a> {
    kind: &'static str,
    times: Option<u64>,
    concurrency: Option<u32>,
    rate: Option<&'a str>,
    rate_per_second: Option<f64>,
    for_ms: Option<f64>,
    arrivals: Option<&'static str>,
    limit: Option<u64>,
    since_ms: Option<f64>,
}

#[derive(Serialize)]
struct JsonFailing<'a> {
    what: &'a str,
    location: Option<JsonLocation<'a>>,
    requests: u64,
}

/// The share of traces that a sampler keeps. Shares are from 0 to 1.
#[derive(Serialize)]
struct JsonKeptShare<'a> {
    processor: &'a str,
    location: JsonLocation<'a>,
    verdict: &'static str,
    least: f64,
    most: f64,
    kept: u64,
    unknown: u64,
    traces: u64,
    lower: f64,
    upper: f64,
}

/// A further failed trace of a search.
#[derive(Serialize)]
struct JsonFailedTrace<'a> {
    trace_id: String,
    failed: &'a [String],
    saved_trace: Option<String>,
}

/// A distribution of values.
#[derive(Serialize)]
struct JsonDistribution {
    unit: &'static str,
    samples: u64,
    unknown: u64,
    min: Option<f64>,
    max: Option<f64>,
    quantiles: Vec<JsonQuantile>,
}

#[derive(Serialize)]
struct JsonQuantile {
    quantile: String,
    estimate: f64,
    lower: Option<f64>,
    upper: Option<f64>,
}

#[derive(Serialize)]
struct JsonEstimate {
    estimate: f64,
    lower: Option<f64>,
    upper: Option<f64>,
}

#[derive(Serialize)]
struct JsonBudget<'a> {
    subject: &'a str,
    measure: &'static str,
    location: JsonLocation<'a>,
    version: Option<&'a str>,
    versions: Vec<JsonVersion<'a>>,
    values: JsonDistribution,
    missing: u64,
    baseline: Option<JsonBaseline<'a>>,
    claims: Vec<JsonClaim<'a>>,
    largest: Option<JsonLargest>,
}

#[derive(Serialize)]
struct JsonVersion<'a> {
    version: &'a str,
    traces: u64,
}

#[derive(Serialize)]
struct JsonBaseline<'a> {
    path: Option<String>,
    version: Option<&'a str>,
    values: JsonDistribution,
}

#[derive(Serialize)]
struct JsonClaim<'a> {
    quantile: String,
    verdict: &'static str,
    sentence: String,
    confidence: f64,
    now: Option<JsonEstimate>,
    earlier_runs: Vec<JsonEstimate>,
    warning: Option<String>,
    baseline: Option<JsonEstimate>,
    limit: Option<f64>,
    limit_is_exclusive: bool,
    limit_factor: Option<f64>,
    differs: Vec<JsonEnvironmentDifference<'a>>,
    needed_samples: Option<u64>,
}

#[derive(Serialize)]
struct JsonEnvironmentDifference<'a> {
    fact: String,
    baseline: &'a str,
    here: &'a str,
}

#[derive(Serialize)]
struct JsonLargest {
    trace_id: String,
    value: f64,
    saved_trace: Option<String>,
}

/// The unit in UCUM; part of the format.
pub(in crate::report) fn unit(of: Unit) -> &'static str {
    match of {
        Unit::Micros => "us",
        Unit::Number => "1",
    }
}

/// The name of the verdict; part of the format.
pub(in crate::report) fn verdict(of: ClaimVerdict) -> &'static str {
    match of {
        ClaimVerdict::Regressed => "regressed",
        ClaimVerdict::OverLimit => "over_limit",
        ClaimVerdict::NothingFound => "nothing_found",
        ClaimVerdict::Ok => "ok",
        ClaimVerdict::NotProven => "not_proven",
        ClaimVerdict::TooFew => "too_few",
    }
}

impl<'a> From<&'a result::Load> for JsonLoad<'a> {
    fn from(load: &'a result::Load) -> Self {
        Self {
            pace: JsonPace::from(&load.pace),
            warmup: load.warmup,
            requests: load.requests,
            failed: load.failed,
            errored: load.errored,
            allowed: load.allowed,
            duration_ms: millis(load.duration),
            rate_per_second: load.rate(),
            response_times: JsonDistribution::from(&load.response_times),
            behind_ms: millis(load.behind),
            held_back_ms: load.held_back.map(|of| millis(of.longest)),
            stopped: load.stopped.as_deref(),
            earlier_runs: load.earlier.iter().map(JsonEarlierRun::from).collect(),
            failing: load.failing.iter().map(JsonFailing::from).collect(),
            failure_share_at_most: load.failure_share.map(|of| of.at_most),
            kept_share: load.kept_share.as_ref().map(JsonKeptShare::from),
            other_failed: load
                .other_failed
                .iter()
                .map(JsonFailedTrace::from)
                .collect(),
            budgets: load.measured.iter().map(JsonBudget::from).collect(),
            notices: &load.notices,
        }
    }
}

impl From<&result::EarlierRun> for JsonEarlierRun {
    fn from(run: &result::EarlierRun) -> Self {
        Self {
            requests: run.requests,
            failed: run.failed,
            errored: run.errored,
            duration_ms: millis(run.duration),
        }
    }
}

impl<'a> From<&'a Pace> for JsonPace<'a> {
    fn from(pace: &'a Pace) -> Self {
        match pace {
            Pace::Search { limit, since } => Self {
                kind: "search",
                limit: Some(*limit),
                since_ms: Some(millis(*since)),
                ..Self::default()
            },
            Pace::Closed { times, concurrency } => Self {
                kind: "closed",
                times: Some(*times),
                concurrency: Some(*concurrency),
                ..Self::default()
            },
            Pace::Open {
                rate,
                period,
                arrivals,
            } => Self {
                kind: "open",
                rate: Some(&rate.written),
                rate_per_second: Some(rate.per_second),
                for_ms: Some(millis(*period)),
                arrivals: Some(match arrivals {
                    Arrivals::Poisson => "poisson",
                    Arrivals::Constant => "constant",
                }),
                ..Self::default()
            },
        }
    }
}

impl<'a> From<&'a result::Failing> for JsonFailing<'a> {
    fn from(failing: &'a result::Failing) -> Self {
        Self {
            what: &failing.what,
            location: failing.at.as_ref().map(JsonLocation::from),
            requests: failing.requests,
        }
    }
}

impl<'a> From<&'a result::KeptShare> for JsonKeptShare<'a> {
    fn from(share: &'a result::KeptShare) -> Self {
        let [lower, upper] = share.bounds();
        Self {
            processor: &share.processor,
            location: JsonLocation::from(&share.at),
            verdict: match share.verdict() {
                ShareVerdict::Ok => "ok",
                ShareVerdict::OverLimit => "over_limit",
                ShareVerdict::UnderLimit => "under_limit",
                ShareVerdict::NotProven => "not_proven",
            },
            least: share.expected.least,
            most: share.expected.most,
            kept: share.kept,
            unknown: share.unknown,
            traces: share.traces,
            lower,
            upper,
        }
    }
}

impl<'a> From<&'a result::FailedTrace> for JsonFailedTrace<'a> {
    fn from(failed: &'a result::FailedTrace) -> Self {
        Self {
            trace_id: failed.trace.id().to_string(),
            failed: &failed.failed,
            saved_trace: failed.saved.as_ref().map(|path| path.display().to_string()),
        }
    }
}

impl From<&Samples> for JsonDistribution {
    fn from(samples: &Samples) -> Self {
        let estimate = |quantile: Quantile| {
            let estimate = samples.estimate(quantile, Alpha::FIVE_PERCENT)?;
            Some(JsonQuantile {
                quantile: quantile.to_string(),
                estimate: estimate.value,
                lower: estimate.lower,
                upper: estimate.upper,
            })
        };
        Self {
            unit: unit(samples.unit()),
            samples: samples.len(),
            unknown: samples.unknown(),
            min: samples.min(),
            max: samples.max(),
            quantiles: USUAL.into_iter().filter_map(estimate).collect(),
        }
    }
}

impl From<&Estimate> for JsonEstimate {
    fn from(estimate: &Estimate) -> Self {
        Self {
            estimate: estimate.value,
            lower: estimate.lower,
            upper: estimate.upper,
        }
    }
}

impl<'a> From<&'a Measured> for JsonBudget<'a> {
    fn from(measured: &'a Measured) -> Self {
        Self {
            subject: &measured.subject,
            measure: measured.measure,
            location: JsonLocation::from(&measured.at),
            version: measured.version.as_deref(),
            versions: (measured.versions.each())
                .map(|(version, traces)| JsonVersion { version, traces })
                .collect(),
            values: JsonDistribution::from(&measured.samples),
            missing: measured.missing,
            baseline: measured.before.as_ref().map(JsonBaseline::from),
            claims: measured.judged.iter().map(JsonClaim::from).collect(),
            largest: measured.largest.as_ref().map(JsonLargest::from),
        }
    }
}

impl<'a> From<&'a result::Before> for JsonBaseline<'a> {
    fn from(before: &'a result::Before) -> Self {
        Self {
            path: before.path.as_ref().map(|path| path.display().to_string()),
            version: before.version.as_deref(),
            values: JsonDistribution::from(&before.samples),
        }
    }
}

impl<'a> From<&'a JudgedClaim> for JsonClaim<'a> {
    fn from(judged: &'a JudgedClaim) -> Self {
        let (before, limit, limit_factor, differs) = match &judged.compared {
            Compared::Limit(limit) => (None, Some(limit), None, [].as_slice()),
            Compared::Baseline {
                before,
                tau,
                differs,
                ..
            } => (before.as_ref(), None, Some(*tau), differs.as_slice()),
        };
        Self {
            quantile: judged.quantile.to_string(),
            verdict: verdict(judged.verdict),
            sentence: judged.to_string(),
            confidence: 1.0 - judged.alpha.chance(),
            now: judged.candidate.as_ref().map(JsonEstimate::from),
            earlier_runs: judged
                .earlier
                .iter()
                .map(|run| JsonEstimate::from(&run.now))
                .collect(),
            warning: judged.possible_slowdown(),
            baseline: before.map(JsonEstimate::from),
            limit: limit.map(|limit| limit.value),
            limit_is_exclusive: limit.is_some_and(|limit| limit.is_exclusive),
            limit_factor,
            differs: differs
                .iter()
                .map(JsonEnvironmentDifference::from)
                .collect(),
            needed_samples: match judged.needed() {
                Some(SampleSize::About(samples)) => Some(samples),
                Some(SampleSize::TooMany) | None => None,
            },
        }
    }
}

impl<'a> From<&'a FactDifference> for JsonEnvironmentDifference<'a> {
    fn from(difference: &'a FactDifference) -> Self {
        Self {
            fact: difference.fact.to_string(),
            baseline: &difference.baseline,
            here: &difference.here,
        }
    }
}

impl From<&Exemplar> for JsonLargest {
    fn from(of: &Exemplar) -> Self {
        Self {
            trace_id: of.trace_id.to_string(),
            value: of.value,
            saved_trace: of.saved.as_ref().map(|path| path.display().to_string()),
        }
    }
}
