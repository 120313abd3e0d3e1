//! Estimates the number of samples that would decide a claim, if the observed quantiles stay.
//!
//! The distance of the bounds shrinks with the square root of the number of samples.

use std::fmt;

use super::samples::Estimate;
use crate::number::count;

/// Larger numbers are not printed.
const MOST: f64 = 1_000_000.0;

/// An estimate of the number of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleSize {
    /// The number, rounded up to two digits.
    About(u64),
    /// More than a million, because the observed quantile is close to the limit.
    TooMany,
}

impl SampleSize {
    /// The number per side for a comparison with a baseline. Returns `None` if a bound is missing.
    pub(super) fn to_compare(candidate: &Estimate, before: &Estimate, tau: f64) -> Option<Self> {
        let seen = (candidate.value / before.value).ln();
        let distance = seen - tau.ln();
        let parts = if distance > 0.0 {
            [candidate.lower_part()?, before.upper_part()?]
        } else {
            [candidate.upper_part()?, before.lower_part()?]
        };
        Some(Self::of(parts.iter().sum(), distance))
    }

    /// The number for a limit in microseconds. Returns `None` if a bound is missing.
    pub(super) fn to_limit(candidate: &Estimate, limit: f64) -> Option<Self> {
        let distance = (candidate.value / limit).ln();
        let part = if distance > 0.0 {
            candidate.lower_part()?
        } else {
            candidate.upper_part()?
        };
        Some(Self::of(part, distance))
    }

    fn of(width: f64, distance: f64) -> Self {
        let samples = (width / distance).powi(2);
        // NaN if both are 0.
        if samples.is_nan() || samples > MOST {
            return Self::TooMany;
        }
        Self::About(two_digits_up(samples))
    }
}

impl Estimate {
    /// The logarithmic distance of the lower bound, scaled to a single sample.
    fn lower_part(&self) -> Option<f64> {
        Some((self.value / self.lower?).ln() * (self.count as f64).sqrt())
    }

    fn upper_part(&self) -> Option<f64> {
        Some((self.upper? / self.value).ln() * (self.count as f64).sqrt())
    }
}

fn two_digits_up(number: f64) -> u64 {
    let whole = number.max(1.0).ceil() as u64;
    let step = 10_u64.pow(whole.ilog10().saturating_sub(1));
    whole.div_ceil(step) * step
}

/// `About 700`, `More than a million`.
impl fmt::Display for SampleSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About(samples) => write!(f, "About {}", count(*samples)),
            Self::TooMany => f.write_str("More than a million"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(count: u64, lower: f64, value: f64, upper: f64) -> Estimate {
        Estimate {
            count,
            unknown: 0,
            value,
            lower: Some(lower),
            upper: Some(upper),
        }
    }

    #[test]
    fn half_as_wide_bounds_need_four_times_the_samples() {
        let seen = estimate(100, 80.0, 100.0, 121.0);
        assert_eq!(
            SampleSize::to_limit(&seen, 110.0),
            Some(SampleSize::About(400))
        );
    }

    #[test]
    fn a_value_on_the_limit_is_never_decided() {
        let seen = estimate(100, 80.0, 100.0, 120.0);
        assert_eq!(
            SampleSize::to_limit(&seen, 100.0),
            Some(SampleSize::TooMany)
        );
        let exact = estimate(100, 100.0, 100.0, 100.0);
        assert_eq!(
            SampleSize::to_limit(&exact, 100.0),
            Some(SampleSize::TooMany)
        );
    }

    #[test]
    fn numbers_are_rounded_up_to_two_digits() {
        let rounded = [0.3, 7.0, 61.2, 641.0, 8_000.0, 12_345.0].map(two_digits_up);
        assert_eq!(rounded, [1, 7, 62, 650, 8_000, 13_000]);
    }
}
