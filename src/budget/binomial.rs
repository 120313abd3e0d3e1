//! Tails of the binomial distribution, with nearly full precision for millions of trials.
//!
//! A tail is a sum of positive terms, each computed from the previous one. The first term uses the
//! saddle-point expansion of C. Loader, *Fast and accurate computation of binomial probabilities*
//! (2000), as R and SciPy do. Products of factorials and powers would lose all digits.

use std::f64::consts::TAU;

/// The number of events in independent trials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binomial {
    /// The number of trials.
    pub(super) trials: u64,
    /// The probability of an event.
    pub(super) chance: f64,
    /// 1 - `chance`, stored because the subtraction would lose digits.
    pub(super) rest: f64,
}

impl Binomial {
    /// The probability of `count` or more events.
    pub(super) fn at_least(self, count: u64) -> f64 {
        if count == 0 {
            return 1.0;
        }
        if count > self.trials {
            return 0.0;
        }
        // Above the mean the terms decrease, so the sum is precise.
        if count as f64 > self.trials as f64 * self.chance {
            self.sum_from(count)
        } else {
            1.0 - self.at_most_below_the_mean(count - 1)
        }
    }

    /// The probability of `count` or fewer events.
    pub(super) fn at_most(self, count: u64) -> f64 {
        if count >= self.trials {
            return 1.0;
        }
        self.opposite().at_least(self.trials - count)
    }

    fn at_most_below_the_mean(self, count: u64) -> f64 {
        self.opposite().sum_from(self.trials - count)
    }

    /// The number of trials without an event.
    fn opposite(self) -> Self {
        Self {
            trials: self.trials,
            chance: self.rest,
            rest: self.chance,
        }
    }

    /// Sums terms until they no longer change the result.
    fn sum_from(self, first: u64) -> f64 {
        let odds = self.chance / self.rest;
        let mut term = self.exactly(first);
        let mut sum = 0.0;
        for count in first..=self.trials {
            sum += term;
            term *= (self.trials - count) as f64 / (count + 1) as f64 * odds;
            if term <= sum * 1e-17 {
                break;
            }
        }
        sum.min(1.0)
    }

    /// The probability of exactly `count` events.
    fn exactly(self, count: u64) -> f64 {
        let (n, k) = (self.trials as f64, count as f64);
        if count == 0 {
            return (n * self.rest.ln()).exp();
        }
        if count == self.trials {
            return (n * self.chance.ln()).exp();
        }
        let misses = n - k;
        let exponent = stirling_error(self.trials)
            - stirling_error(count)
            - stirling_error(self.trials - count)
            - deviance(k, n * self.chance)
            - deviance(misses, n * self.rest);
        exponent.exp() * (n / (TAU * k * misses)).sqrt()
    }
}

/// `ln n! - ln(√(2πn) (n/e)^n)`.
fn stirling_error(of: u64) -> f64 {
    let n = of as f64;
    if of <= 15 {
        let factorial: f64 = (1..=of).map(|factor| factor as f64).product();
        return factorial.ln() - (n + 0.5) * n.ln() + n - 0.5 * TAU.ln();
    }
    let square = n * n;
    (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1_260.0 - (1.0 / 1_680.0 - 1.0 / 1_188.0 / square) / square) / square)
            / square)
        / n
}

/// `x ln(x/mean) + mean - x`, precise even if `x` is close to `mean` and the parts cancel out.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - difference;
    }
    // A series in the relative difference; each term is at most a hundredth of the previous one.
    let relative = difference / (x + mean);
    let mut sum = difference * relative;
    let mut power = 2.0 * x * relative;
    for odd in (3_u32..).step_by(2) {
        power *= relative * relative;
        let next = sum + power / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coin(trials: u64) -> Binomial {
        Binomial {
            trials,
            chance: 0.5,
            rest: 0.5,
        }
    }

    /// Exact arithmetic for a probability of `hits / of`.
    fn exact_at_least(trials: u32, count: u32, hits: u128, of: u128) -> f64 {
        let choose = |k: u32| {
            (0..k).fold(1_u128, |product, at| {
                product * u128::from(trials - at) / u128::from(at + 1)
            })
        };
        let sum: u128 = (count..=trials)
            .map(|k| choose(k) * hits.pow(k) * (of - hits).pow(trials - k))
            .sum();
        sum as f64 / of.pow(trials) as f64
    }

    fn is_close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-13 * expected
    }

    #[test]
    fn tails_of_a_few_trials_agree_with_integer_arithmetic() {
        for (hits, of) in [(1, 2), (9, 10), (19, 20), (1, 10), (1, 4)] {
            let binomial = |trials| Binomial {
                trials,
                chance: hits as f64 / of as f64,
                rest: (of - hits) as f64 / of as f64,
            };
            let most = if of == 2 { 60 } else { 28 };
            for trials in 1..=most {
                for count in 0..=trials {
                    let expected = exact_at_least(trials, count, hits, of);
                    let found = binomial(trials.into()).at_least(count.into());
                    assert!(
                        is_close(found, expected),
                        "{trials} {count}: {found} {expected}"
                    );
                }
                for count in 0..trials {
                    let expected = exact_at_least(trials, trials - count, of - hits, of);
                    let found = binomial(trials.into()).at_most(count.into());
                    assert!(
                        is_close(found, expected),
                        "{trials} {count}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn tails_of_two_million_coins_are_symmetric() {
        let coins = coin(2_000_001);
        assert!(is_close(coins.at_least(1_000_001), 0.5));
        assert!(is_close(coins.at_most(1_000_000), 0.5));
    }

    #[test]
    fn impossible_counts_have_probability_zero() {
        assert_eq!(coin(3).at_least(4), 0.0);
        assert_eq!(coin(3).at_most(3), 1.0);
        assert_eq!(coin(2_000_000).at_least(2_000_000), 0.0);
    }
}
