//! Limits for the durations of many requests.

use std::time::Duration;

use super::{Location, Quantile, Selector};

/// A measured quantity with the limits of its quantiles.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Its place in the spec.
    pub at: Location,
    /// Name of the measured quantity in reports and baselines: `inventory-check`, `response time`.
    /// Unique within a spec.
    pub subject: String,
    /// The measured quantity.
    pub measure: Measure,
    /// The quantiles, each once, in ascending order.
    pub quantiles: Vec<QuantileBudget>,
    /// The versions that are compared with each other, instead of a baseline.
    pub compare: Option<CompareVersions>,
}

/// A comparison of versions that run side by side.
#[derive(Clone, Debug)]
pub struct CompareVersions {
    /// Its place in the spec.
    pub at: Location,
    /// The resource attribute with the version.
    pub key: String,
    /// The version to compare with and the one that is judged; `None` for the newest two.
    pub versions: Option<(String, String)>,
}

/// The measured quantity of a request. Of several selected spans, the longest counts: the bounds
/// of quantiles require independent values, and those of one trace are not.
#[derive(Clone, Debug)]
pub enum Measure {
    /// Time until the response was complete.
    ResponseTime,
    /// From the first start of a span to the last end.
    TraceDuration,
    /// Duration of the selected span.
    Duration(Selector),
    /// Duration of the selected span without its direct children.
    SelfTime(Selector),
}

/// The limit of a quantile, its comparison with the baseline, or both.
#[derive(Clone, Debug)]
pub struct QuantileBudget {
    /// The quantile.
    pub quantile: Quantile,
    /// Its upper limit.
    pub limit: Option<Limit>,
    /// Its comparison with the baseline. `None` for `regression: none`.
    pub regression: Option<Regression>,
}

/// The upper limit of a quantile.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Largest permitted value.
    pub at_most: Duration,
    /// Its place in the spec.
    pub at: Location,
}

/// The comparison of a quantile with the baseline.
#[derive(Clone, Debug)]
pub struct Regression {
    /// Tolerated increase as a share: 0.2 for 20 %. `None` for the default.
    pub tolerance: Option<f64>,
    /// Its place in the spec; for the default, that of the budget.
    pub at: Location,
}

impl QuantileBudget {
    /// Returns `true` if it is compared with a baseline.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.regression.is_some()
    }
}

impl Budget {
    /// Returns `true` if any quantile is compared with a baseline.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.compare.is_none() && self.quantiles.iter().any(QuantileBudget::is_compared)
    }

    /// Returns `true` if the measurement needs the trace.
    #[must_use]
    pub fn is_about_trace(&self) -> bool {
        !matches!(self.measure, Measure::ResponseTime)
    }

    /// The selector, if spans are measured.
    #[must_use]
    pub fn find(&self) -> Option<&Selector> {
        match &self.measure {
            Measure::Duration(find) | Measure::SelfTime(find) => Some(find),
            Measure::ResponseTime | Measure::TraceDuration => None,
        }
    }
}
