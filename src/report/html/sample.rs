//! Loads built by hand, for the tests of this module.

use std::sync::Arc;
use std::time::Duration;

use super::super::sample::{self, at};
use crate::budget::{Against, Alpha, Claim, Quantile, Reference, Samples, judge};
use crate::result::{Before, Exemplar, Failing, Load, Measured, Report, Versions};
use crate::spec::Pace;

/// A long tail around a median, in microseconds; the tail's quantiles are those of a log-logistic
/// distribution.
pub(super) fn durations(count: u64, median: f64, shape: f64) -> Samples {
    let one = |at| {
        let share = (f64::from(u32::try_from(at).unwrap()) + 0.5) / count as f64;
        (median * (share / (1.0 - share)).powf(shape)) as u64
    };
    (0..count).map(one).collect()
}

/// 2.9 times slower than the baseline, with limits.
pub(super) fn regressed() -> Measured {
    measured(
        "inventory-check",
        durations(500, 350_000.0, 0.419),
        Some(durations(500, 120_000.0, 0.413)),
    )
}

/// Limits of 150 ms at p50 and 3 s at p99, and a comparison with the baseline.
pub(super) fn measured(subject: &str, samples: Samples, before: Option<Samples>) -> Measured {
    let limits = [(Quantile::P50, 150), (Quantile::P99, 3_000)];
    let limits =
        limits.map(|(quantile, ms)| (quantile, Against::Limit(Duration::from_millis(ms).into())));
    let baseline = before.iter().flat_map(|before| {
        [Quantile::P50, Quantile::P99]
            .map(|quantile| (quantile, Against::Baseline(Reference::new(before))))
    });
    let claims: Vec<Claim<'_>> = limits
        .into_iter()
        .chain(baseline)
        .map(|(quantile, against)| Claim {
            subject: subject.to_owned(),
            quantile,
            candidate: &samples,
            late: None,
            against,
        })
        .collect();
    let judged = judge(&claims, Alpha::FIVE_PERCENT);
    Measured {
        missing: 0,
        subject: subject.to_owned(),
        at: at("process_payment"),
        measure: "duration",
        is_found: true,
        expects_none: false,
        largest: samples.max().map(exemplar),
        samples,
        quantiles: Vec::new(),
        punctual: None,
        versions: Versions::default(),
        version: Some("v2.4.0".to_owned()),
        before: before.map(|samples| Before {
            samples,
            version: Some("2.3.0".to_owned()),
            path: Some("specs/baselines/place-order.yaml.json".into()),
        }),
        judged,
    }
}

fn exemplar(value: f64) -> Exemplar {
    Exemplar {
        trace_id: sample::trace_id(),
        value,
        trace: Arc::new(sample::shop()),
        saved: Some("target/spanspec/slowest.json".into()),
    }
}

pub(super) fn load(measured: Vec<Measured>) -> Load {
    Load {
        pace: Pace::Closed {
            times: 500,
            concurrency: 4,
        },
        warmup: 10,
        requests: 500,
        failed: 12,
        errored: 0,
        allowed: 0,
        duration: Duration::from_millis(42_500),
        response_times: durations(500, 400_000.0, 0.4),
        punctual_times: None,
        stopped: None,
        behind: Duration::ZERO,
        held_back: None,
        machine: None,
        failure_share: None,
        kept_share: None,
        other_failed: Vec::new(),
        failing: vec![Failing {
            check: None,
            what: "status of the response: 201".to_owned(),
            at: Some(at("201")),
            requests: 12,
        }],
        earlier: Vec::new(),
        is_strict: false,
        measured,
        notices: Vec::new(),
    }
}

/// The second spec has a load.
pub(super) fn report(load: Load) -> Report {
    let mut report = sample::report();
    report.specs[1].attempts[0].steps[0].load = Some(Arc::new(load));
    report
}
