//! What the durations of many requests may be.

use std::time::Duration;

use super::{Location, Quantile, Selector};

/// What is measured of each request, and what its quantiles may be.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Where it stands.
    pub at: Location,
    /// What it measures, as reports and baselines call it: `inventory-check`, `response time`. No
    /// two budgets of a spec have the same.
    pub subject: String,
    /// What is measured.
    pub measure: Measure,
    /// What is asked of which quantile, each once, in ascending order.
    pub quantiles: Vec<QuantileBudget>,
}

/// What is measured of a request. Where several spans are selected, the longest counts: the
/// bounds of quantiles need independent values, and those of one trace are not.
#[derive(Clone, Debug)]
pub enum Measure {
    /// How long the caller waited.
    ResponseTime,
    /// From the first start of a span to the last end of one.
    TraceDuration,
    /// How long the selected span took.
    Duration(Selector),
    /// How long it took itself, its direct children aside.
    SelfTime(Selector),
}

/// What is asked of a quantile: a limit, or to be no worse than it was, or both.
#[derive(Clone, Debug)]
pub struct QuantileBudget {
    /// Which.
    pub quantile: Quantile,
    /// The longest that it may be.
    pub limit: Option<Limit>,
    /// How it is held against the baseline; None where the author wants none of that.
    pub regression: Option<Regression>,
}

/// The longest that a quantile may be.
#[derive(Clone, Debug)]
pub struct Limit {
    /// So long.
    pub at_most: Duration,
    /// Where it stands.
    pub at: Location,
}

/// How a quantile is held against the baseline.
#[derive(Clone, Debug)]
pub struct Regression {
    /// How much worse it may become, as a share: 0.2 for 20 %. None where the author does not say.
    pub tolerance: Option<f64>,
    /// Where that stands; where the author says nothing, where the budget begins.
    pub at: Location,
}

impl QuantileBudget {
    /// Whether it is held against a baseline.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.regression.is_some()
    }
}

impl Budget {
    /// Whether any of it is held against a baseline.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        self.quantiles.iter().any(QuantileBudget::is_compared)
    }

    /// Whether it takes the trace to measure it.
    #[must_use]
    pub fn is_about_trace(&self) -> bool {
        !matches!(self.measure, Measure::ResponseTime)
    }

    /// The selector, where spans are measured.
    #[must_use]
    pub fn find(&self) -> Option<&Selector> {
        match &self.measure {
            Measure::Duration(find) | Measure::SelfTime(find) => Some(find),
            Measure::ResponseTime | Measure::TraceDuration => None,
        }
    }
}
