//! The properties of a case about its load and budgets.

use serde::Deserialize;

use crate::budget::micros;
use crate::budget::{self, Compared};
use crate::report::json::load::verdict;
use crate::result;

/// The numbers of a load, from a run or from its JSON.
#[derive(Deserialize)]
pub(in crate::report) struct LoadNumbers {
    requests: u64,
    failed: u64,
    errored: u64,
    rate_per_second: f64,
    budgets: Vec<BudgetNumbers>,
}

#[derive(Deserialize)]
struct BudgetNumbers {
    subject: String,
    version: Option<String>,
    durations: SampleCount,
    baseline: Option<BaselineNumbers>,
    claims: Vec<ClaimNumbers>,
}

#[derive(Deserialize)]
struct SampleCount {
    samples: u64,
}

#[derive(Deserialize)]
struct BaselineNumbers {
    version: Option<String>,
    durations: SampleCount,
}

#[derive(Deserialize)]
struct ClaimNumbers {
    quantile: String,
    verdict: String,
    warning: Option<String>,
    now: Option<EstimateNumbers>,
    baseline: Option<EstimateNumbers>,
    limit_us: Option<f64>,
    limit_factor: Option<f64>,
}

#[derive(Deserialize)]
struct EstimateNumbers {
    estimate_us: f64,
    lower_us: Option<f64>,
    upper_us: Option<f64>,
}

impl LoadNumbers {
    /// Names and values, such as `budget.inventory-check.p50.now_ms` and `350`. Names are unique.
    pub(in crate::report) fn properties(&self) -> Vec<(String, String)> {
        let number = |name: &str, number: u64| (format!("load.{name}"), number.to_string());
        let mut all = vec![
            number("requests", self.requests),
            number("failed", self.failed),
            number("errored", self.errored),
            (
                "load.rate_per_second".to_owned(),
                decimal(self.rate_per_second),
            ),
        ];
        all.extend(self.budgets.iter().flat_map(BudgetNumbers::properties));
        all
    }
}

impl BudgetNumbers {
    fn properties(&self) -> Vec<(String, String)> {
        let head = format!("budget.{}", self.subject);
        let mut all = vec![(
            format!("{head}.samples"),
            self.durations.samples.to_string(),
        )];
        let version = self.version.clone();
        all.extend(version.map(|version| (format!("{head}.version"), version)));
        if let Some(baseline) = &self.baseline {
            let samples = baseline.durations.samples.to_string();
            all.push((format!("{head}.baseline_samples"), samples));
            let version = baseline.version.clone();
            all.extend(version.map(|version| (format!("{head}.baseline_version"), version)));
        }
        for (name, value) in self.claims.iter().flat_map(ClaimNumbers::properties) {
            let name = format!("{head}.{name}");
            match all.iter_mut().find(|(known, _)| *known == name) {
                // The quantile has a limit and a comparison with the baseline.
                Some((_, known)) if name.ends_with(".verdict") => {
                    known.push_str(", ");
                    known.push_str(&value);
                }
                Some(_) => {}
                None => all.push((name, value)),
            }
        }
        all
    }
}

impl ClaimNumbers {
    fn properties(&self) -> Vec<(String, String)> {
        let now = self.now.as_ref();
        let before = self.baseline.as_ref();
        let millis = [
            ("now_ms", now.map(|it| it.estimate_us)),
            ("lower_ms", now.and_then(|it| it.lower_us)),
            ("upper_ms", now.and_then(|it| it.upper_us)),
            ("baseline_ms", before.map(|it| it.estimate_us)),
            ("limit_ms", self.limit_us),
        ];
        let millis = millis
            .into_iter()
            .filter_map(|(name, micros)| Some((name, decimal(micros? / 1_000.0))));
        let factor = self.limit_factor.map(decimal);
        let verdict = self.verdict.to_uppercase().replace('_', " ");
        millis
            .chain(factor.map(|factor| ("limit_factor", factor)))
            .chain([("verdict", verdict)])
            .chain(self.warning.clone().map(|text| ("warning", text)))
            .map(|(name, value)| (format!("{}.{name}", self.quantile), value))
            .collect()
    }
}

/// At most three decimals, without trailing zeros.
fn decimal(number: f64) -> String {
    if !number.is_finite() {
        return "0".to_owned();
    }
    ((number * 1_000.0).round() / 1_000.0).to_string()
}

impl From<&result::Load> for LoadNumbers {
    fn from(load: &result::Load) -> Self {
        Self {
            requests: load.requests,
            failed: load.failed,
            errored: load.errored,
            rate_per_second: load.rate(),
            budgets: load.measured.iter().map(BudgetNumbers::from).collect(),
        }
    }
}

impl From<&result::Measured> for BudgetNumbers {
    fn from(measured: &result::Measured) -> Self {
        Self {
            subject: measured.subject.clone(),
            version: measured.version.clone(),
            durations: SampleCount {
                samples: measured.samples.len(),
            },
            baseline: measured.before.as_ref().map(|before| BaselineNumbers {
                version: before.version.clone(),
                durations: SampleCount {
                    samples: before.samples.len(),
                },
            }),
            claims: measured.judged.iter().map(ClaimNumbers::from).collect(),
        }
    }
}

impl From<&budget::JudgedClaim> for ClaimNumbers {
    fn from(judged: &budget::JudgedClaim) -> Self {
        let (baseline, limit_us, limit_factor) = match &judged.compared {
            Compared::Limit(limit) => (None, Some(micros(*limit)), None),
            Compared::Baseline { before, tau, .. } => {
                (before.map(EstimateNumbers::from), None, Some(*tau))
            }
        };
        Self {
            quantile: judged.quantile.to_string(),
            verdict: verdict(judged.verdict).to_owned(),
            warning: judged.possible_slowdown(),
            now: judged.candidate.map(EstimateNumbers::from),
            baseline,
            limit_us,
            limit_factor,
        }
    }
}

impl From<budget::Estimate> for EstimateNumbers {
    fn from(estimate: budget::Estimate) -> Self {
        Self {
            estimate_us: estimate.value,
            lower_us: estimate.lower,
            upper_us: estimate.upper,
        }
    }
}
