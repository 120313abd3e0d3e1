//! Selectors of series of metrics, and conditions on them.

use std::fmt;

use super::selector::Pattern;
use super::{AttributeKey, Choice, Location, Matcher};

/// An entry of `metrics`.
#[derive(Clone, Debug)]
pub struct MetricEntry {
    /// The selector.
    pub find: SeriesSelector,
    /// Place of `find`.
    pub find_at: Location,
    /// Conditions on the series that match.
    pub asks: Vec<MetricCondition>,
    /// Place of the entry in the spec.
    pub at: Location,
    /// Captures without a value. It is unjudged while there are any.
    pub awaits: Vec<String>,
}

/// Selects series: those that meet every condition. At least one condition.
#[derive(Clone, Debug)]
pub struct SeriesSelector {
    /// The conditions.
    pub conditions: Vec<SeriesAsk>,
}

/// A condition that selects series.
#[derive(Clone, Debug)]
pub enum SeriesAsk {
    /// The name of the metric.
    Name(Matcher),
    /// `service.name` of its resource.
    Service(Matcher),
    /// Its type is one of these.
    Type(Choice<SeriesType>),
    /// Its unit.
    Unit(Matcher),
    /// The name of its instrumentation scope.
    Scope(Matcher),
    /// An attribute of its points.
    Attribute(AttributeKey, Matcher),
    /// An attribute of its resource.
    Resource(AttributeKey, Matcher),
}

/// A type of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesType {
    /// The last value of something.
    Gauge,
    /// A counter, or a sum that can decrease.
    Sum,
    /// A histogram, with buckets or exponential.
    Histogram,
    /// Quantiles that the process computed.
    Summary,
}

/// A condition on the series that an entry selects, with its place in the spec.
#[derive(Clone, Debug)]
pub struct MetricCondition {
    /// The condition.
    pub ask: MetricAsk,
    /// Its place in the spec.
    pub at: Location,
}

/// A condition on the series that an entry selects.
#[derive(Clone, Debug)]
pub enum MetricAsk {
    /// The growth of all series since the trigger.
    Change(Matcher),
    /// The last value of each series.
    Value(Matcher),
    /// The number of measurements of all series.
    Count(Matcher),
    /// The sum of the measurements of all series.
    Sum(Matcher),
    /// The number of data points of all series.
    Points(Matcher),
    /// An exemplar of the trace, in a span like this, or in any.
    Exemplar(Option<Pattern>),
}

impl SeriesType {
    /// All types, with their names in specs.
    pub const ALL: [(&'static str, Self); 4] = [
        ("gauge", Self::Gauge),
        ("sum", Self::Sum),
        ("histogram", Self::Histogram),
        ("summary", Self::Summary),
    ];
}

impl MetricEntry {
    /// Returns `true` if nothing is asked but the number of data points, which can be 0.
    #[must_use]
    pub fn only_counts_points(&self) -> bool {
        matches!(self.asks.as_slice(), [one] if matches!(one.ask, MetricAsk::Points(_)))
    }

    /// Returns `true` if a condition is about spans.
    #[must_use]
    pub fn needs_spans(&self) -> bool {
        let mut asks = self.asks.iter();
        asks.any(|one| matches!(one.ask, MetricAsk::Exemplar(Some(_))))
    }
}

impl SeriesSelector {
    /// The service, if the selector requires exactly one.
    #[must_use]
    pub fn exact_service(&self) -> Option<&str> {
        let mut conditions = self.conditions.iter();
        conditions.find_map(|condition| match condition {
            SeriesAsk::Service(Matcher::Equal(name)) => name.as_str(),
            _ => None,
        })
    }

    /// The condition on the name.
    #[must_use]
    pub fn name(&self) -> Option<&Matcher> {
        let mut conditions = self.conditions.iter();
        conditions.find_map(|condition| match condition {
            SeriesAsk::Name(matcher) => Some(matcher),
            _ => None,
        })
    }
}

impl SeriesAsk {
    /// The subject of the condition in messages.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Name(_) => "name".to_owned(),
            Self::Service(_) => "service".to_owned(),
            Self::Type(_) => "type".to_owned(),
            Self::Unit(_) => "unit".to_owned(),
            Self::Scope(_) => "scope".to_owned(),
            Self::Attribute(key, _) => format!("attribute `{key}`"),
            Self::Resource(key, _) => format!("resource attribute `{key}`"),
        }
    }

    /// The expectation, as messages have it after `expected`.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Type(choice) => choice.written.clone(),
            Self::Name(matcher)
            | Self::Service(matcher)
            | Self::Unit(matcher)
            | Self::Scope(matcher)
            | Self::Attribute(_, matcher)
            | Self::Resource(_, matcher) => matcher.to_string(),
        }
    }
}

impl MetricAsk {
    /// Its key in a spec.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Change(_) => "change",
            Self::Value(_) => "value",
            Self::Count(_) => "count",
            Self::Sum(_) => "sum",
            Self::Points(_) => "points",
            Self::Exemplar(_) => "exemplar",
        }
    }

    /// The expectation, as messages have it after `expected`.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Change(matcher)
            | Self::Value(matcher)
            | Self::Count(matcher)
            | Self::Sum(matcher)
            | Self::Points(matcher) => matcher.to_string(),
            Self::Exemplar(None) => "an exemplar of this trace".to_owned(),
            Self::Exemplar(Some(pattern)) => format!("an exemplar in {pattern}"),
        }
    }
}

/// In words: ``{ name "http.server.request.duration", service "gateway" }``.
impl fmt::Display for SeriesSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conditions.as_slice() {
            [SeriesAsk::Name(Matcher::Equal(name))] => write!(f, "`{}`", name.to_text()),
            conditions => {
                let each: Vec<String> = conditions
                    .iter()
                    .map(|one| format!("{} {}", one.subject(), one.expected()))
                    .collect();
                write!(f, "{{ {} }}", each.join(", "))
            }
        }
    }
}
