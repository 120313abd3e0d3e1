//! Quantiles.

use std::fmt;
use std::str::FromStr;

/// Resolution of quantiles: a thousandth of a percent.
const PARTS: u32 = 100_000;

/// A quantile such as p50, the median, or p99.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantile(u32);

impl Quantile {
    /// The median.
    pub const P50: Self = Self(50_000);
    /// The 90th percentile.
    pub const P90: Self = Self(90_000);
    /// The 95th percentile.
    pub const P95: Self = Self(95_000);
    /// The 99th percentile.
    pub const P99: Self = Self(99_000);
    /// The 99.9th percentile.
    pub const P999: Self = Self(99_900);

    /// As a share: 0.99 for p99.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(PARTS)
    }

    /// The share above it: 0.01 for p99, without rounding error.
    #[must_use]
    pub fn rest(self) -> f64 {
        f64::from(PARTS - self.0) / f64::from(PARTS)
    }

    /// The rank, from 1, of the sample at this quantile: the first of `count` with at least this
    /// share at or below it.
    #[must_use]
    pub fn rank(self, count: u64) -> u64 {
        let below = u128::from(count) * u128::from(self.0);
        let rank = below.div_ceil(u128::from(PARTS));
        u64::try_from(rank)
            .expect("a rank is at most the count")
            .max(1)
    }
}

/// The notation of specs: `p50`, `p99.9`.
impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("p{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Parses `p99.9`: up to three decimals, between 0 and 100.
impl FromStr for Quantile {
    type Err = NoQuantile;

    fn from_str(text: &str) -> Result<Self, NoQuantile> {
        let parts = || {
            let (whole, decimals) = match text.strip_prefix('p')?.split_once('.') {
                Some((_, "")) => return None,
                Some((whole, decimals)) => (whole, decimals),
                None => (text.strip_prefix('p')?, ""),
            };
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let is_number = !whole.is_empty() && digits(whole) && digits(decimals);
            if !is_number || whole.len() > 2 || decimals.len() > 3 {
                return None;
            }
            format!("{whole}{decimals:0<3}").parse().ok()
        };
        parts()
            .filter(|parts| (1..PARTS).contains(parts))
            .map(Self)
            .ok_or(NoQuantile)
    }
}

/// A text that is not a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantile is written as p50, p95, p99 or p99.9")]
pub struct NoQuantile;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_read_as_it_is_written() {
        for text in ["p50", "p99", "p99.9", "p99.999", "p0.5", "p5"] {
            assert_eq!(text.parse::<Quantile>().unwrap().to_string(), text);
        }
        for text in [
            "", "p", "50", "p0", "p100", "p99.9999", "p99.", "p.5", "p-1", "p+1", "P50",
        ] {
            assert_eq!(text.parse::<Quantile>(), Err(NoQuantile), "{text}");
        }
    }

    #[test]
    fn the_rank_of_a_quantile_is_whole_and_within() {
        assert_eq!(Quantile::P50.rank(1), 1);
        assert_eq!(Quantile::P50.rank(10), 5);
        assert_eq!(Quantile::P50.rank(11), 6);
        assert_eq!(Quantile::P99.rank(200), 198);
        assert_eq!(Quantile::P999.rank(u64::MAX), 18_428_297_329_635_842_064);
    }
}
