//! The properties of a case about its load and budgets.

use serde::Deserialize;

use crate::budget::{self, Compared};
use crate::report::json::load::{unit, verdict};
use crate::result;

/// The numbers of a load, from a run or from its JSON.
#[derive(Deserialize)]
pub(in crate::report) struct LoadNumbers {
    requests: u64,
    failed: u64,
    errored: u64,
    rate_per_second: f64,
    failure_share_at_most: Option<f64>,
    budgets: Vec<BudgetNumbers>,
}

#[derive(Deserialize)]
struct BudgetNumbers {
    subject: String,
    version: Option<String>,
    values: SampleCount,
    baseline: Option<BaselineNumbers>,
    claims: Vec<ClaimNumbers>,
}

#[derive(Deserialize)]
struct SampleCount {
    unit: String,
    samples: u64,
}

#[derive(Deserialize)]
struct BaselineNumbers {
    version: Option<String>,
    values: SampleCount,
}

#[derive(Deserialize)]
struct ClaimNumbers {
    quantile: String,
    verdict: String,
    warning: Option<String>,
    now: Option<EstimateNumbers>,
    baseline: Option<EstimateNumbers>,
    limit: Option<f64>,
    limit_factor: Option<f64>,
}

#[derive(Deserialize)]
struct EstimateNumbers {
    estimate: f64,
    lower: Option<f64>,
    upper: Option<f64>,
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
        let share = self.failure_share_at_most;
        all.extend(share.map(|of| ("load.failure_share_at_most".to_owned(), of.to_string())));
        all.extend(self.budgets.iter().flat_map(BudgetNumbers::properties));
        all
    }
}

impl BudgetNumbers {
    fn properties(&self) -> Vec<(String, String)> {
        let head = format!("budget.{}", self.subject);
        let mut all = vec![(format!("{head}.samples"), self.values.samples.to_string())];
        let version = self.version.clone();
        all.extend(version.map(|version| (format!("{head}.version"), version)));
        if let Some(baseline) = &self.baseline {
            let samples = baseline.values.samples.to_string();
            all.push((format!("{head}.baseline_samples"), samples));
            let version = baseline.version.clone();
            all.extend(version.map(|version| (format!("{head}.baseline_version"), version)));
        }
        let claims = self.claims.iter();
        let properties = claims.flat_map(|claim| claim.properties(&self.values.unit));
        for (name, value) in properties {
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
    /// Durations are in milliseconds, and their names say so.
    fn properties(&self, unit: &str) -> Vec<(String, String)> {
        let now = self.now.as_ref();
        let before = self.baseline.as_ref();
        let suffix = match unit {
            "us" => "_ms",
            _ => "",
        };
        let values = [
            ("now", now.map(|it| it.estimate)),
            ("lower", now.and_then(|it| it.lower)),
            ("upper", now.and_then(|it| it.upper)),
            ("baseline", before.map(|it| it.estimate)),
            ("limit", self.limit),
        ];
        let shown = |value: f64| match unit {
            "us" => decimal(value / 1_000.0),
            _ => value.to_string(),
        };
        let values = values.into_iter();
        let values =
            values.filter_map(|(name, value)| Some((format!("{name}{suffix}"), shown(value?))));
        let factor = self.limit_factor.map(decimal);
        let verdict = self.verdict.to_uppercase().replace('_', " ");
        let texts = factor.map(|factor| ("limit_factor", factor)).into_iter();
        let texts = texts
            .chain([("verdict", verdict)])
            .chain(self.warning.clone().map(|text| ("warning", text)));
        values
            .chain(texts.map(|(name, value)| (name.to_owned(), value)))
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
            failure_share_at_most: load.failure_share.map(|of| of.at_most),
            budgets: load.measured.iter().map(BudgetNumbers::from).collect(),
        }
    }
}

impl From<&result::Measured> for BudgetNumbers {
    fn from(measured: &result::Measured) -> Self {
        Self {
            subject: measured.subject.clone(),
            version: measured.version.clone(),
            values: SampleCount::from(&measured.samples),
            baseline: measured.before.as_ref().map(|before| BaselineNumbers {
                version: before.version.clone(),
                values: SampleCount::from(&before.samples),
            }),
            claims: measured.judged.iter().map(ClaimNumbers::from).collect(),
        }
    }
}

impl From<&budget::Samples> for SampleCount {
    fn from(samples: &budget::Samples) -> Self {
        Self {
            unit: unit(samples.unit()).to_owned(),
            samples: samples.len(),
        }
    }
}

impl From<&budget::JudgedClaim> for ClaimNumbers {
    fn from(judged: &budget::JudgedClaim) -> Self {
        let (baseline, limit, limit_factor) = match &judged.compared {
            Compared::Limit(limit) => (None, Some(limit.value), None),
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
            limit,
            limit_factor,
        }
    }
}

impl From<budget::Estimate> for EstimateNumbers {
    fn from(estimate: budget::Estimate) -> Self {
        Self {
            estimate: estimate.value,
            lower: estimate.lower,
            upper: estimate.upper,
        }
    }
}
