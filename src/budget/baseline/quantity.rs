//! The measured quantity of a budget in a baseline.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::number::Unit;
use crate::spec::Measure;

/// The measured quantity. Values of two quantities are not comparable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// A duration.
    #[default]
    Time,
    /// The number of spans.
    Count,
    /// The value of the attribute with this key.
    Attribute(String),
    /// The sum of the values of the attribute with this key.
    Sum(String),
}

impl Quantity {
    /// The quantity of a budget; `masked` hides secrets in the key of an attribute.
    pub fn of(measure: &Measure, masked: impl Fn(&str) -> String) -> Self {
        match measure {
            Measure::ResponseTime
            | Measure::TraceDuration
            | Measure::Duration(_)
            | Measure::SelfTime(_) => Self::Time,
            Measure::Count(_) => Self::Count,
            Measure::Attribute(_, key) => Self::Attribute(masked(&key.to_string())),
            Measure::Sum(_, key) => Self::Sum(masked(&key.to_string())),
        }
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Self::Time => Unit::Micros,
            Self::Count | Self::Attribute(_) | Self::Sum(_) => Unit::Number,
        }
    }

    pub(super) fn is_time(&self) -> bool {
        *self == Self::Time
    }
}

/// `a duration`, `the number of spans`, `the sum of `rows``
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("a duration"),
            Self::Count => f.write_str("the number of spans"),
            Self::Attribute(key) => write!(f, "`{key}`"),
            Self::Sum(key) => write!(f, "the sum of `{key}`"),
        }
    }
}
