//! The JSON of many requests: how many, how fast, and what budgets say of them.
//!
//! Microseconds, as samples are; other times are milliseconds, as in the rest of the report.

use serde::Serialize;

use super::parts::{Location, millis};
use crate::budget::baseline::Difference;
use crate::budget::{
    Alpha, Compared, Estimate, Judged, Needed, Quantile, Samples, Verdict, micros,
};
use crate::result::{self, Exemplar, Measured};
use crate::spec::{Arrivals, Pace};

/// Those that are told of everything that is measured, whatever was asked.
const USUAL: [Quantile; 4] = [Quantile::P50, Quantile::P90, Quantile::P95, Quantile::P99];

#[derive(Serialize)]
pub(super) struct Load<'a> {
    pace: Pacing<'a>,
    warmup: u64,
    requests: u64,
    failed: u64,
    errored: u64,
    allowed: u64,
    duration_ms: f64,
    rate_per_second: f64,
    response_times: Distribution,
    behind_ms: f64,
    held_back_ms: Option<f64>,
    stopped: Option<&'a str>,
    failing: Vec<Failing<'a>>,
    budgets: Vec<Budget<'a>>,
    notices: &'a [String],
}

/// One of two kinds; the keys of the other are `null`.
#[derive(Default, Serialize)]
struct Pacing<'a> {
    kind: &'static str,
    times: Option<u64>,
    concurrency: Option<u32>,
    rate: Option<&'a str>,
    rate_per_second: Option<f64>,
    for_ms: Option<f64>,
    arrivals: Option<&'static str>,
}

#[derive(Serialize)]
struct Failing<'a> {
    what: &'a str,
    location: Option<Location<'a>>,
    requests: u64,
}

/// Durations in numbers.
#[derive(Serialize)]
struct Distribution {
    samples: u64,
    unknown: u64,
    min_us: Option<u64>,
    max_us: Option<u64>,
    quantiles: Vec<AtQuantile>,
}

#[derive(Serialize)]
struct AtQuantile {
    quantile: String,
    estimate_us: f64,
    lower_us: Option<f64>,
    upper_us: Option<f64>,
}

#[derive(Serialize)]
struct Bounded {
    estimate_us: f64,
    lower_us: Option<f64>,
    upper_us: Option<f64>,
}

#[derive(Serialize)]
struct Budget<'a> {
    subject: &'a str,
    location: Location<'a>,
    version: Option<&'a str>,
    versions: Vec<Version<'a>>,
    durations: Distribution,
    missing: u64,
    baseline: Option<Baseline<'a>>,
    claims: Vec<Claim<'a>>,
    slowest: Option<Slowest>,
}

#[derive(Serialize)]
struct Version<'a> {
    version: &'a str,
    traces: u64,
}

#[derive(Serialize)]
struct Baseline<'a> {
    path: String,
    version: Option<&'a str>,
    durations: Distribution,
}

#[derive(Serialize)]
struct Claim<'a> {
    quantile: String,
    verdict: &'static str,
    sentence: String,
    confidence: f64,
    now: Option<Bounded>,
    baseline: Option<Bounded>,
    limit_us: Option<f64>,
    limit_factor: Option<f64>,
    differs: Vec<Differs<'a>>,
    needed_samples: Option<u64>,
}

#[derive(Serialize)]
struct Differs<'a> {
    fact: String,
    baseline: &'a str,
    here: &'a str,
}

#[derive(Serialize)]
struct Slowest {
    trace_id: String,
    duration_us: u64,
    saved_trace: Option<String>,
}

/// The verdict in a word that programs can rely on.
pub(in crate::report) fn verdict(of: Verdict) -> &'static str {
    match of {
        Verdict::Regressed => "regressed",
        Verdict::OverLimit => "over_limit",
        Verdict::NothingFound => "nothing_found",
        Verdict::Ok => "ok",
        Verdict::NotProven => "not_proven",
        Verdict::TooFew => "too_few",
    }
}

impl<'a> From<&'a result::Load> for Load<'a> {
    fn from(load: &'a result::Load) -> Self {
        Self {
            pace: Pacing::from(&load.pace),
            warmup: load.warmup,
            requests: load.requests,
            failed: load.failed,
            errored: load.errored,
            allowed: load.allowed,
            duration_ms: millis(load.duration),
            rate_per_second: load.rate(),
            response_times: Distribution::from(&load.response_times),
            behind_ms: millis(load.behind),
            held_back_ms: load.held_back.map(|of| millis(of.longest)),
            stopped: load.stopped.as_deref(),
            failing: load.failing.iter().map(Failing::from).collect(),
            budgets: load.measured.iter().map(Budget::from).collect(),
            notices: &load.notices,
        }
    }
}

impl<'a> From<&'a Pace> for Pacing<'a> {
    fn from(pace: &'a Pace) -> Self {
        match pace {
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

impl<'a> From<&'a result::Failing> for Failing<'a> {
    fn from(failing: &'a result::Failing) -> Self {
        Self {
            what: &failing.what,
            location: failing.at.as_ref().map(Location::from),
            requests: failing.requests,
        }
    }
}

impl From<&Samples> for Distribution {
    fn from(samples: &Samples) -> Self {
        let estimate = |quantile: Quantile| {
            let estimate = samples.estimate(quantile, Alpha::FIVE_PERCENT)?;
            Some(AtQuantile {
                quantile: quantile.to_string(),
                estimate_us: estimate.value,
                lower_us: estimate.lower,
                upper_us: estimate.upper,
            })
        };
        Self {
            samples: samples.len(),
            unknown: samples.unknown(),
            min_us: samples.min(),
            max_us: samples.max(),
            quantiles: USUAL.into_iter().filter_map(estimate).collect(),
        }
    }
}

impl From<&Estimate> for Bounded {
    fn from(estimate: &Estimate) -> Self {
        Self {
            estimate_us: estimate.value,
            lower_us: estimate.lower,
            upper_us: estimate.upper,
        }
    }
}

impl<'a> From<&'a Measured> for Budget<'a> {
    fn from(measured: &'a Measured) -> Self {
        Self {
            subject: &measured.subject,
            location: Location::from(&measured.at),
            version: measured.version.as_deref(),
            versions: (measured.versions.each())
                .map(|(version, traces)| Version { version, traces })
                .collect(),
            durations: Distribution::from(&measured.samples),
            missing: measured.missing,
            baseline: measured.before.as_ref().map(Baseline::from),
            claims: measured.judged.iter().map(Claim::from).collect(),
            slowest: measured.slowest.as_ref().map(Slowest::from),
        }
    }
}

impl<'a> From<&'a result::Before> for Baseline<'a> {
    fn from(before: &'a result::Before) -> Self {
        Self {
            path: before.path.display().to_string(),
            version: before.version.as_deref(),
            durations: Distribution::from(&before.samples),
        }
    }
}

impl<'a> From<&'a Judged> for Claim<'a> {
    fn from(judged: &'a Judged) -> Self {
        let (before, limit_us, limit_factor, differs) = match &judged.compared {
            Compared::Limit(limit) => (None, Some(micros(*limit)), None, [].as_slice()),
            Compared::Baseline {
                before,
                tau,
                differs,
            } => (before.as_ref(), None, Some(*tau), differs.as_slice()),
        };
        Self {
            quantile: judged.quantile.to_string(),
            verdict: verdict(judged.verdict),
            sentence: judged.to_string(),
            confidence: 1.0 - judged.alpha.chance(),
            now: judged.candidate.as_ref().map(Bounded::from),
            baseline: before.map(Bounded::from),
            limit_us,
            limit_factor,
            differs: differs.iter().map(Differs::from).collect(),
            needed_samples: match judged.needed() {
                Some(Needed::About(samples)) => Some(samples),
                Some(Needed::TooMany) | None => None,
            },
        }
    }
}

impl<'a> From<&'a Difference> for Differs<'a> {
    fn from(difference: &'a Difference) -> Self {
        Self {
            fact: difference.fact.to_string(),
            baseline: &difference.baseline,
            here: &difference.here,
        }
    }
}

impl From<&Exemplar> for Slowest {
    fn from(of: &Exemplar) -> Self {
        Self {
            trace_id: of.trace_id.to_string(),
            duration_us: of.micros,
            saved_trace: of.saved.as_ref().map(|path| path.display().to_string()),
        }
    }
}
