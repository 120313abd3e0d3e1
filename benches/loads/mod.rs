//! Sample results of specs with many requests, for pages that show budgets.

use std::sync::Arc;
use std::time::Duration;

use spanspec::internal::budget::{
    Against, Alpha, Claim, JudgedClaim, Quantile, Reference, Samples, judge,
};
use spanspec::internal::result::{Before, Exemplar, Failing, Load, Measured, Versions};
use spanspec::internal::spec::{Arrivals, Pace, Rate};
use spanspec::{Location, Trace};

/// A budget with limits and a baseline.
pub(crate) struct Budget<'a> {
    /// The measured quantity.
    pub(crate) subject: &'a str,
    /// Of both versions.
    pub(crate) samples: u64,
    /// Microseconds: of the baseline, where there is one, and now.
    pub(crate) medians: (Option<f64>, f64),
    /// Milliseconds, at p50 and at p99.
    pub(crate) limits: (u64, u64),
    /// Of the baseline and of what is measured.
    pub(crate) versions: (&'a str, &'a str),
}

impl Budget<'_> {
    /// The measurements of this budget; `slowest` is the slowest trace.
    pub(crate) fn measured(&self, at: &Location, slowest: &Arc<Trace>) -> Measured {
        let samples = durations(self.samples, self.medians.1, 0.419);
        let before = self.medians.0.map(|median| Before {
            samples: durations(self.samples, median, 0.413),
            version: Some(self.versions.0.to_owned()),
            path: Some("specs/baselines/orders.yaml.json".into()),
        });
        Measured {
            missing: 0,
            subject: self.subject.to_owned(),
            at: at.clone(),
            judged: self.judged(&samples, before.as_ref()),
            measure: "duration",
            is_found: true,
            expects_none: false,
            largest: samples.max().map(|value| Exemplar {
                trace_id: slowest.id(),
                value,
                trace: Arc::clone(slowest),
                saved: Some("target/spanspec/slowest.json".into()),
            }),
            samples,
            quantiles: Vec::new(),
            punctual: None,
            versions: Versions::default(),
            version: Some(self.versions.1.to_owned()),
            before,
        }
    }

    fn judged(&self, samples: &Samples, before: Option<&Before>) -> Vec<JudgedClaim> {
        let limits = [
            (Quantile::P50, self.limits.0),
            (Quantile::P99, self.limits.1),
        ];
        let limits = limits
            .map(|(quantile, ms)| (quantile, Against::Limit(Duration::from_millis(ms).into())));
        let baseline = before.into_iter().flat_map(|before| {
            let against = |quantile| (quantile, Against::Baseline(Reference::new(&before.samples)));
            [Quantile::P50, Quantile::P99].map(against)
        });
        let claims: Vec<Claim<'_>> = limits
            .into_iter()
            .chain(baseline)
            .map(|(quantile, against)| Claim {
                subject: self.subject.to_owned(),
                quantile,
                candidate: samples,
                late: None,
                against,
            })
            .collect();
        judge(&claims, Alpha::FIVE_PERCENT)
    }
}

/// Log-logistic: p99 is about 6.8 times p50.
fn durations(count: u64, median: f64, shape: f64) -> Samples {
    let one = |at| {
        let share = (at as f64 + 0.5) / count as f64;
        // Whatever a curve is, it is not smooth.
        let noise = 1.0 + 0.04 * (at as f64 * 12.9898).sin();
        (median * noise * (share / (1.0 - share)).powf(shape)) as u64
    };
    (0..count).map(one).collect()
}

/// Twelve requests failed.
pub(crate) fn load(measured: Vec<Measured>, at: &Location, said: &str) -> Load {
    let requests = measured.first().map_or(500, |one| one.samples.len());
    Load {
        pace: Pace::Open {
            rate: Rate {
                per_second: 50.0,
                written: "50/s".to_owned(),
            },
            period: Duration::from_secs(10),
            arrivals: Arrivals::Poisson,
        },
        warmup: 10,
        requests,
        failed: 12,
        errored: 0,
        allowed: 20,
        duration: Duration::from_millis(10_200),
        response_times: durations(requests, 400_000.0, 0.4),
        punctual_times: None,
        stopped: None,
        behind: Duration::from_micros(1_400),
        held_back: None,
        failure_share: None,
        kept_share: None,
        other_failed: Vec::new(),
        failing: vec![Failing {
            check: None,
            what: format!("status of the response: 201 {said}"),
            at: Some(at.clone()),
            requests: 12,
        }],
        earlier: Vec::new(),
        machine: None,
        is_strict: false,
        measured,
        notices: vec![format!(
            "the baseline in `specs/baselines/orders.yaml.json` is of 3 runs {said}"
        )],
    }
}
