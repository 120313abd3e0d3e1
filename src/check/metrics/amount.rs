//! Numbers of metrics that are known exactly, or within bounds.

use std::cmp::Ordering;

use crate::check::matching::meets;
use crate::spec::{Comparison, Matcher};
use crate::trace::{PointValue, Value};

/// A value of a metric, or a difference of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    Int(i64),
    Double(f64),
}

/// The bounds of an amount. `None` is without a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) low: Option<Amount>,
    pub(super) high: Option<Amount>,
}

impl Amount {
    pub(super) const ZERO: Self = Self::Int(0);

    /// The value of a gauge or sum, or the number of measurements.
    pub(super) fn of(value: PointValue) -> Self {
        match value {
            PointValue::Int(int) => Self::Int(int),
            PointValue::Double(double) => Self::Double(double),
            PointValue::Measurements { count, .. } => Self::of_count(count),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a count beyond 63 bits is not exact anyway"
    )]
    pub(super) fn of_count(count: u64) -> Self {
        i64::try_from(count).map_or(Self::Double(count as f64), Self::Int)
    }

    #[expect(clippy::cast_precision_loss, reason = "a double was asked for")]
    fn double(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Double(double) => double,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(b)
        {
            return Self::Int(sum);
        }
        Self::Double(self.double() + other.double())
    }

    pub(super) fn minus(self, other: Self) -> Self {
        if let (Self::Int(a), Self::Int(b)) = (self, other)
            && let Some(difference) = a.checked_sub(b)
        {
            return Self::Int(difference);
        }
        Self::Double(self.double() - other.double())
    }

    pub(super) fn is_less(self, other: Self) -> bool {
        self.value().compare(&other.value()) == Some(Ordering::Less)
    }

    pub(super) fn is_finite(self) -> bool {
        self.double().is_finite()
    }

    pub(super) fn is_nan(self) -> bool {
        self.double().is_nan()
    }

    pub(super) fn value(self) -> Value {
        match self {
            Self::Int(int) => Value::Int(int),
            Self::Double(double) => Value::Double(double),
        }
    }
}

impl Range {
    pub(super) const ANY: Self = Self {
        low: None,
        high: None,
    };
    pub(super) const NONE: Self = Self::exactly(Amount::ZERO);

    pub(super) const fn exactly(amount: Amount) -> Self {
        Self {
            low: Some(amount),
            high: Some(amount),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let both = |a: Option<Amount>, b: Option<Amount>| a.zip(b).map(|(a, b)| a.plus(b));
        Self {
            low: both(self.low, other.low),
            high: both(self.high, other.high),
        }
    }

    /// The amount, if it is known exactly.
    pub(super) fn exact(self) -> Option<Amount> {
        self.low.filter(|_| self.low == self.high)
    }

    /// Whether all amounts in the range match, or none; `None` if that is not known.
    pub(super) fn matches(self, matcher: &Matcher) -> Option<bool> {
        if let Some(amount) = self.exact() {
            return Some(meets(matcher, Some(&amount.value())));
        }
        match matcher {
            Matcher::Compare(side, limit) => self.compared(*side, limit),
            Matcher::Between(least, greatest) => {
                let end = |side, limit: &Option<Value>| match limit {
                    Some(limit) => self.compared(side, limit),
                    None => Some(true),
                };
                all([
                    end(Comparison::GreaterOrEqual, least),
                    end(Comparison::LessOrEqual, greatest),
                ])
            }
            Matcher::Equal(value) => {
                let may_be = all([
                    self.compared(Comparison::GreaterOrEqual, value),
                    self.compared(Comparison::LessOrEqual, value),
                ]);
                may_be.filter(|is_equal| !is_equal)
            }
            Matcher::Not(inner) => self.matches(inner).map(|matches| !matches),
            Matcher::Number(inner) => self.matches(inner),
            Matcher::Every(several) => all(several.iter().map(|one| self.matches(one))),
            Matcher::OneOf(several) => {
                let fails = several.iter().map(|one| self.matches(one).map(|is| !is));
                all(fails).map(|fails| !fails)
            }
            _ => None,
        }
    }

    fn compared(self, side: Comparison, limit: &Value) -> Option<bool> {
        let allows = |end: Option<Amount>| {
            let order = end?.value().compare(limit)?;
            Some(side.allows(order))
        };
        // The end that meets the comparison last.
        let (worst, best) = match side {
            Comparison::Less | Comparison::LessOrEqual => (self.high, self.low),
            Comparison::Greater | Comparison::GreaterOrEqual => (self.low, self.high),
        };
        match (allows(worst), allows(best)) {
            (Some(true), _) => Some(true),
            (_, Some(false)) => Some(false),
            _ => None,
        }
    }
}

/// `false` if one is, `true` if all are.
fn all(answers: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for answer in answers {
        match answer {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: i64, high: Option<i64>) -> Range {
        Range {
            low: Some(Amount::Int(low)),
            high: high.map(Amount::Int),
        }
    }

    fn int(value: i64) -> Value {
        Value::Int(value)
    }

    #[test]
    fn a_range_matches_if_all_of_it_does_and_not_if_none_of_it_does() {
        let less = Matcher::Compare(Comparison::Less, int(3));
        let from = Matcher::Between(Some(int(2)), None);
        let two = Matcher::Equal(int(2));
        let not_two = Matcher::Not(Box::new(two.clone()));
        let some = Matcher::OneOf(vec![less.clone(), two.clone()]);
        for (range, matcher, expected) in [
            (range(0, Some(2)), &less, Some(true)),
            (range(0, Some(3)), &less, None),
            (range(3, None), &less, Some(false)),
            (range(2, None), &from, Some(true)),
            (range(0, Some(1)), &from, Some(false)),
            (range(0, None), &from, None),
            (range(2, Some(2)), &two, Some(true)),
            (range(0, Some(1)), &two, Some(false)),
            (range(3, None), &two, Some(false)),
            (range(0, None), &two, None),
            (range(3, None), &not_two, Some(true)),
            (range(0, Some(2)), &not_two, None),
            (range(0, Some(2)), &some, Some(true)),
            (range(4, None), &some, Some(false)),
            (Range::ANY, &from, None),
        ] {
            assert_eq!(range.matches(matcher), expected, "{range:?} {matcher}");
        }
    }
}
