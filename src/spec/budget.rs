//! Limits for the durations of many requests, and for other numbers that are measured in them.

use std::time::Duration;

use super::{Ask, AttributeKey, Location, Matcher, Quantile, Selector, SpanCondition};
use crate::number::Unit;

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

/// The measured quantity of a request. Of several selected spans, the longest or largest counts: the
/// bounds of quantiles require independent values, and those of one trace are not.
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
    /// Number of selected spans.
    Count(Selector),
    /// Value of the attribute with this key of the selected span.
    Attribute(Selector, AttributeKey),
    /// Sum of the values of the attribute with this key over all selected spans.
    Sum(Selector, AttributeKey),
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
    /// Its value.
    pub most: UpperLimit,
    /// Its place in the spec.
    pub at: Location,
}

/// An upper limit, in the unit of the measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpperLimit {
    /// The limit.
    pub value: f64,
    /// The limit itself is not permitted.
    pub is_exclusive: bool,
}

impl UpperLimit {
    /// Returns `true` if the value is within the limit.
    #[must_use]
    pub fn permits(self, value: f64) -> bool {
        value < self.value || value == self.value && !self.is_exclusive
    }
}

/// A duration that is permitted.
impl From<Duration> for UpperLimit {
    fn from(at_most: Duration) -> Self {
        Self {
            value: at_most.as_nanos() as f64 / 1_000.0,
            is_exclusive: false,
        }
    }
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

    /// Returns `true` if a trace without such a span has the value 0.
    #[must_use]
    pub fn counts_none_as_zero(&self) -> bool {
        matches!(self.measure, Measure::Count(_) | Measure::Sum(..))
    }

    /// Returns `true` if a limit permits 0 only, so that no such span is expected.
    #[must_use]
    pub fn expects_none(&self) -> bool {
        let least = match self.measure {
            Measure::Count(_) => 1.0,
            _ => f64::MIN_POSITIVE,
        };
        let mut limits = self.quantiles.iter().filter_map(|one| one.limit.as_ref());
        self.counts_none_as_zero() && limits.any(|limit| !limit.most.permits(least))
    }

    /// Returns `true` if another budget with this subject measures the same spans.
    #[cfg(feature = "run")]
    pub(crate) fn is_of_same_spans(&self, other: &str) -> bool {
        let spans = self.find().map(name_of);
        let is_same = |spans: String| other == spans || other.ends_with(&format!(" of {spans}"));
        spans.is_some_and(is_same)
    }

    /// The selector, if spans are measured.
    #[must_use]
    pub fn find(&self) -> Option<&Selector> {
        match &self.measure {
            Measure::Duration(find)
            | Measure::SelfTime(find)
            | Measure::Count(find)
            | Measure::Attribute(find, _)
            | Measure::Sum(find, _) => Some(find),
            Measure::ResponseTime | Measure::TraceDuration => None,
        }
    }
}

impl Measure {
    /// Its name in reports and baselines: `inventory-check`, `count of SELECT`.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::ResponseTime => "response time".to_owned(),
            Self::TraceDuration => "trace duration".to_owned(),
            Self::Duration(find) => name_of(find),
            Self::SelfTime(find) => format!("self time of {}", name_of(find)),
            Self::Count(find) => format!("count of {}", name_of(find)),
            Self::Attribute(find, key) => format!("{key} of {}", name_of(find)),
            Self::Sum(find, key) => format!("sum of {key} of {}", name_of(find)),
        }
    }

    /// The value of `measure`; of a map its key.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ResponseTime => "response_time",
            Self::TraceDuration => "trace_duration",
            Self::Duration(_) => "duration",
            Self::SelfTime(_) => "self_time",
            Self::Count(_) => "count",
            Self::Attribute(..) => "attribute",
            Self::Sum(..) => "sum",
        }
    }

    /// The unit of the measured values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::ResponseTime | Self::TraceDuration | Self::Duration(_) | Self::SelfTime(_) => {
                Unit::Micros
            }
            Self::Count(_) | Self::Attribute(..) | Self::Sum(..) => Unit::Number,
        }
    }
}

/// The selector as a name; a bare name has no quotes.
fn name_of(find: &Selector) -> String {
    match find.conditions.as_slice() {
        [
            SpanCondition {
                ask: Ask::Name(Matcher::Equal(name)),
                ..
            },
        ] if find.take.is_none() => name.to_text(),
        _ => {
            // The order of the keys makes no difference.
            let mut find = find.clone();
            find.conditions
                .sort_by_cached_key(|condition| condition.ask.subject());
            find.to_string()
        }
    }
}
