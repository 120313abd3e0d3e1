//! Quantiles, and the ranks of samples that bound them.
//!
//! The number of samples below the true q-quantile is binomial with probability `q` for any
//! distribution, if the samples are independent. This gives the probability that the sample with a
//! certain rank is above or below the quantile.

use std::fmt;

use super::binomial::Binomial;
pub use crate::spec::Quantile;

/// The distribution of the number of samples below a quantile.
fn below(quantile: Quantile, count: u64) -> Binomial {
    Binomial {
        trials: count,
        chance: quantile.share(),
        rest: quantile.rest(),
    }
}

/// The probability that a bound is wrong.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Alpha(f64);

impl Alpha {
    /// The value for a single claim.
    pub const FIVE_PERCENT: Self = Self(0.05);

    /// Returns `None` unless `chance` is between 0 and 0.5.
    #[must_use]
    pub fn new(chance: f64) -> Option<Self> {
        (chance > 0.0 && chance < 0.5).then_some(Self(chance))
    }

    /// The probability.
    #[must_use]
    pub fn chance(self) -> f64 {
        self.0
    }

    /// The part of each of several claims.
    #[must_use]
    pub fn shared_by(self, claims: usize) -> Self {
        Self(self.0 / claims.max(1) as f64)
    }
}

/// The confidence in percent: `95`, `97.5`, `98.33`.
impl fmt::Display for Alpha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded down, so that the stated confidence holds.
        let hundredths = ((1.0 - self.0) * 10_000.0 + 1e-6).floor();
        let text = format!("{:.2}", hundredths / 100.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// The rank of the smallest sample that is an upper bound of the true quantile, which is wrong with
/// probability `alpha`; the first rank is 1. Returns `None` if the largest of `count` samples is not
/// a bound.
///
/// ```
/// use spanspec::internal::budget::{Alpha, Quantile, upper_rank};
/// assert_eq!(upper_rank(100, Quantile::P50, Alpha::FIVE_PERCENT), Some(59));
/// assert_eq!(upper_rank(298, Quantile::P99, Alpha::FIVE_PERCENT), None);
/// ```
#[must_use]
pub fn upper_rank(count: u64, quantile: Quantile, alpha: Alpha) -> Option<u64> {
    let below = below(quantile, count);
    // The sample with rank k is below the quantile if k samples are.
    let is_bound = |rank| below.at_least(rank) <= alpha.0;
    if count == 0 || !is_bound(count) {
        return None;
    }
    let (mut too_low, mut high) = (0, count);
    while high - too_low > 1 {
        let middle = too_low + (high - too_low) / 2;
        if is_bound(middle) {
            high = middle;
        } else {
            too_low = middle;
        }
    }
    Some(high)
}

/// The rank of the largest sample that is a lower bound of the true quantile, which is wrong with
/// probability `alpha`; the first rank is 1. Returns `None` if the smallest of `count` samples is not
/// a bound.
#[must_use]
pub fn lower_rank(count: u64, quantile: Quantile, alpha: Alpha) -> Option<u64> {
    let below = below(quantile, count);
    // The sample with rank k is above the quantile if fewer than k samples are below it.
    let is_bound = |rank| below.at_most(rank - 1) <= alpha.0;
    if count == 0 || !is_bound(1) {
        return None;
    }
    let (mut low, mut too_high) = (1, count + 1);
    while too_high - low > 1 {
        let middle = low + (too_high - low) / 2;
        if is_bound(middle) {
            low = middle;
        } else {
            too_high = middle;
        }
    }
    Some(low)
}

/// The smallest number of samples with both bounds.
#[must_use]
pub fn smallest_count(quantile: Quantile, alpha: Alpha) -> u64 {
    let below = below(quantile, 1);
    let scarce = below.chance.max(below.rest);
    let close = (alpha.0.ln() / scarce.ln()).ceil() as u64;
    // Logarithms are rounded, so the exact bounds decide.
    let exist = |count| {
        upper_rank(count, quantile, alpha).is_some() && lower_rank(count, quantile, alpha).is_some()
    };
    (close.saturating_sub(1)..)
        .find(|count| exist(*count))
        .expect("with enough samples there are bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALPHA: Alpha = Alpha::FIVE_PERCENT;

    #[test]
    fn bounds_exist_from_the_published_counts_on() {
        let published = [
            (Quantile::P50, 5),
            (Quantile::P90, 29),
            (Quantile::P95, 59),
            (Quantile::P99, 299),
            (Quantile::P999, 2_995),
        ];
        for (quantile, count) in published {
            assert_eq!(smallest_count(quantile, ALPHA), count, "{quantile}");
            assert_eq!(upper_rank(count - 1, quantile, ALPHA), None, "{quantile}");
            assert_eq!(
                upper_rank(count, quantile, ALPHA),
                Some(count),
                "{quantile}"
            );
        }
    }

    #[test]
    fn ranks_agree_with_the_binomial_table() {
        // Of 10 coins, 9 or more show heads in 11 of 1,024 cases, 8 or more in 56.
        assert_eq!(upper_rank(10, Quantile::P50, ALPHA), Some(9));
        assert_eq!(lower_rank(10, Quantile::P50, ALPHA), Some(2));
        // Of 20, 15 or more in 21,700 of 1,048,576, 14 or more in 60,460.
        assert_eq!(upper_rank(20, Quantile::P50, ALPHA), Some(15));
        assert_eq!(lower_rank(20, Quantile::P50, ALPHA), Some(6));
        // 0.9^29 is 0.0471; of 29, 23 or fewer are below p90 with a chance of 0.064, 22 with 0.022.
        assert_eq!(upper_rank(29, Quantile::P90, ALPHA), Some(29));
        assert_eq!(lower_rank(29, Quantile::P90, ALPHA), Some(23));
    }

    #[test]
    fn bounds_of_two_million_samples_agree_with_the_normal_distribution() {
        let deviation = (2_000_000.0_f64 * 0.25).sqrt();
        let upper = upper_rank(2_000_000, Quantile::P50, ALPHA).unwrap();
        let lower = lower_rank(2_000_000, Quantile::P50, ALPHA).unwrap();
        let expected = 1_000_000.0 + 1.644_853_6 * deviation;
        assert!((upper as f64 - expected).abs() <= 1.5, "{upper} {expected}");
        assert_eq!(lower, 2_000_001 - upper);
    }

    #[test]
    fn a_smaller_alpha_needs_more_samples() {
        assert_eq!(smallest_count(Quantile::P99, ALPHA.shared_by(2)), 368);
        assert_eq!(smallest_count(Quantile::P50, ALPHA.shared_by(4)), 7);
    }

    #[test]
    fn confidence_is_shown_in_percent() {
        let shown = |claims| ALPHA.shared_by(claims).to_string();
        assert_eq!(
            [shown(1), shown(2), shown(3), shown(4)],
            ["95", "97.5", "98.33", "98.75"]
        );
    }
}
