//! Estimates the number of samples that would decide a claim, if the observed quantiles stay, and the
//! number that proves an unchanged quantile.
//!
//! The distance of the bounds shrinks with the square root of the number of samples.

use std::f64::consts::TAU;
use std::fmt;

use super::quantile::{Alpha, Quantile, smallest_count};
use super::samples::{Estimate, Samples};
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

/// The number of samples with which a quantile has both bounds, whatever is decided about the other
/// claims that share the probability of an error.
///
/// ```
/// use spanspec::internal::budget::{Quantile, samples_for_bounds};
/// assert_eq!([1, 4].map(|claims| samples_for_bounds(Quantile::P99, claims)), [299, 437]);
/// ```
#[must_use]
pub fn samples_for_bounds(quantile: Quantile, claims: usize) -> u64 {
    smallest_count(quantile, Alpha::FIVE_PERCENT.shared_by(claims))
}

/// The standard deviation of the logarithm of a quantile, for one sample. It shrinks with the square
/// root of the number of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scatter(f64);

impl Scatter {
    /// That of a typical service: log-normal with a standard deviation of 0.5, and 2 % of the durations
    /// are six times as long.
    #[must_use]
    pub fn typical(quantile: Quantile) -> Self {
        const SIGMA: f64 = 0.5;
        const SLOW: f64 = 0.02;
        let shift = 6.0_f64.ln() / SIGMA;
        let beyond = |z: f64| (1.0 - SLOW) * beyond(z) + SLOW * beyond(z - shift);
        let z = falling_root(beyond, quantile.rest());
        let density = (1.0 - SLOW) * density(z) + SLOW * density(z - shift);
        Self((quantile.share() * quantile.rest()).sqrt() * SIGMA / density)
    }

    /// That of measured durations. Returns `None` without bounds, or if the bounds are equal.
    #[must_use]
    pub fn of(samples: &Samples, quantile: Quantile) -> Option<Self> {
        let of = samples.estimate(quantile, Alpha::FIVE_PERCENT)?;
        let width = of.lower_part()? + of.upper_part()?;
        let scatter = width / (2.0 * deviations(Alpha::FIVE_PERCENT.chance()));
        (scatter > 0.0 && scatter.is_finite()).then_some(Self(scatter))
    }
}

/// The standard normal distribution: the probability of more than `z` (Bowling et al. 2009, with an
/// error below 0.00014).
fn beyond(z: f64) -> f64 {
    1.0 / (1.0 + (0.070_56 * z.powi(3) + 1.5976 * z).exp())
}

fn density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / TAU.sqrt()
}

/// The number of standard deviations that is exceeded with this probability.
fn deviations(chance: f64) -> f64 {
    falling_root(beyond, chance)
}

fn falling_root(of: impl Fn(f64) -> f64, value: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 16.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if of(middle) > value {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

impl SampleSize {
    /// The number per side with which a quantile that did not change is OK in 19 of 20 comparisons.
    /// `claims` share the probability of an error.
    ///
    /// ```
    /// use spanspec::internal::budget::{Quantile, SampleSize, Scatter};
    /// let needed = |quantile, claims| {
    ///     SampleSize::to_prove(0.2, Scatter::typical(quantile), claims).to_string()
    /// };
    /// assert_eq!(needed(Quantile::P50, 1), "About 390");
    /// assert_eq!(needed(Quantile::P50, 4), "About 580");
    /// assert_eq!(needed(Quantile::P95, 2), "About 2,800");
    /// ```
    #[must_use]
    pub fn to_prove(tolerance: f64, scatter: Scatter, claims: usize) -> Self {
        let alpha = Alpha::FIVE_PERCENT;
        // Both bounds, and the difference of two runs.
        let bounds = 2.0 * deviations(alpha.shared_by(claims).chance());
        let runs = deviations(alpha.chance()) * 2.0_f64.sqrt();
        Self::of((bounds + runs) * scatter.0, tolerance.ln_1p())
    }

    /// Returns `true` if it takes more samples than these.
    pub(crate) fn exceeds(self, samples: u64) -> bool {
        match self {
            Self::About(needed) => needed > samples,
            Self::TooMany => true,
        }
    }

    /// The number per side for a comparison with a baseline. Returns `None` if a bound is missing, or if a
    /// value is 0.
    pub(super) fn to_compare(candidate: &Estimate, before: &Estimate, tau: f64) -> Option<Self> {
        let seen = (candidate.value / before.value).ln();
        let distance = seen - tau.ln();
        let parts = if distance > 0.0 {
            [candidate.lower_part()?, before.upper_part()?]
        } else {
            [candidate.upper_part()?, before.lower_part()?]
        };
        let is_known = distance.is_finite() && parts.iter().all(|part| part.is_finite());
        is_known.then(|| Self::of(parts.iter().sum(), distance))
    }

    /// The number for a limit. Returns `None` if a bound is missing, or if a value is 0.
    pub(super) fn to_limit(candidate: &Estimate, limit: f64) -> Option<Self> {
        let distance = (candidate.value / limit).ln();
        let part = if distance > 0.0 {
            candidate.lower_part()?
        } else {
            candidate.upper_part()?
        };
        let is_known = distance.is_finite() && part.is_finite();
        is_known.then(|| Self::of(part, distance))
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

pub(super) fn two_digits_up(number: f64) -> u64 {
    let whole = number.max(1.0).ceil() as u64;
    let step = 10_u64.pow(whole.ilog10().saturating_sub(1));
    whole.div_ceil(step) * step
}

/// `About 700`.
impl fmt::Display for SampleSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About(samples) => write!(f, "About {}", count(*samples)),
            Self::TooMany => f.write_str("No number of"),
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
