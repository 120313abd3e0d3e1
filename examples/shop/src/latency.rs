//! Simulated duration of `inventory-check`.

use std::f64::consts::TAU;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The 99th percentile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874_040_841;

/// A log-normal distribution of durations.
#[derive(Debug)]
pub(crate) struct Latency {
    median: Duration,
    sigma: f64,
    state: AtomicU64,
}

impl Latency {
    /// Creates a distribution with these quantiles, `p50` ≤ `p99`. The same seed gives the same
    /// sequence.
    pub(crate) fn new(p50: Duration, p99: Duration, seed: Option<u64>) -> Self {
        let ratio = if p50.is_zero() {
            1.0
        } else {
            p99.as_secs_f64() / p50.as_secs_f64()
        };
        Self {
            median: p50,
            sigma: ratio.ln() / Z_99,
            state: AtomicU64::new(seed.unwrap_or_else(|| RandomState::new().hash_one(0))),
        }
    }

    /// Returns the next duration.
    pub(crate) fn draw(&self) -> Duration {
        self.median.mul_f64((self.sigma * self.normal()).exp())
    }

    /// A standard normal number (Box–Muller).
    fn normal(&self) -> f64 {
        let (radius, angle) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
    }

    /// A uniform number in [0, 1).
    fn uniform(&self) -> f64 {
        const BITS: u32 = 53;
        let bits = split_mix(self.state.fetch_add(GOLDEN, Ordering::Relaxed));
        (bits >> (u64::BITS - BITS)) as f64 / (1u64 << BITS) as f64
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014).
fn split_mix(state: u64) -> u64 {
    let z = state.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantiles(latency: &Latency) -> (Duration, Duration) {
        let mut draws: Vec<_> = (0..20_000).map(|_| latency.draw()).collect();
        draws.sort();
        (draws[10_000], draws[19_800])
    }

    #[test]
    fn draws_have_the_given_quantiles() {
        let (p50, p99) = (Duration::from_millis(120), Duration::from_millis(800));
        let (median, tail) = quantiles(&Latency::new(p50, p99, Some(7)));
        assert!((115..125).contains(&median.as_millis()), "{median:?}");
        assert!((740..860).contains(&tail.as_millis()), "{tail:?}");
    }

    #[test]
    fn equal_quantiles_give_a_constant() {
        let p50 = Duration::from_millis(5);
        assert_eq!(Latency::new(p50, p50, None).draw(), p50);
    }
}
