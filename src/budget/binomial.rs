//! Tails of the binomial distribution, to nearly the last digit for millions of trials.
//!
//! A tail is the sum of its terms, all of them positive, each made of the one before. The first is
//! computed by the saddle-point expansion of C. Loader, *Fast and accurate computation of binomial
//! probabilities* (2000), as R and SciPy do: products of factorials and powers would lose all
//! digits where there are many trials.

use std::f64::consts::TAU;

/// How often an event of this chance happens in so many trials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binomial {
    /// The number of trials.
    pub(super) trials: u64,
    /// The chance of the event.
    pub(super) chance: f64,
    /// One less that chance; given apart, since a difference would lose digits.
    pub(super) rest: f64,
}

impl Binomial {
    /// The chance that it happens so often or more.
    pub(super) fn at_least(self, count: u64) -> f64 {
        if count == 0 {
            return 1.0;
        }
        if count > self.trials {
            return 0.0;
        }
        // From the mean on, the terms of the sum become smaller, and the sum has all digits.
        if count as f64 > self.trials as f64 * self.chance {
            self.sum_from(count)
        } else {
            1.0 - self.at_most_below_the_mean(count - 1)
        }
    }

    /// The chance that it happens so often or less.
    pub(super) fn at_most(self, count: u64) -> f64 {
        if count >= self.trials {
            return 1.0;
        }
        self.opposite().at_least(self.trials - count)
    }

    fn at_most_below_the_mean(self, count: u64) -> f64 {
        self.opposite().sum_from(self.trials - count)
    }

    /// How often it does not happen.
    fn opposite(self) -> Self {
        Self {
            trials: self.trials,
            chance: self.rest,
            rest: self.chance,
        }
    }

    /// Adds the terms up until they change nothing any more.
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

    /// The chance that it happens exactly so often.
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

/// `x ln(x/mean) + mean - x`, also where both are nearly the same and the parts cancel out.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - difference;
    }
    // A series in the relative difference; each term is a hundredth of the one before, or less.
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

    /// `numerator / denominator`, of the sum of whole numbers: chance = hits/of in each trial.
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
    fn tails_of_a_few_trials_are_those_of_whole_numbers() {
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
    fn a_million_coins_are_on_one_side_as_often_as_on_the_other() {
        let coins = coin(2_000_001);
        assert!(is_close(coins.at_least(1_000_001), 0.5));
        assert!(is_close(coins.at_most(1_000_000), 0.5));
    }

    #[test]
    fn what_cannot_happen_has_no_chance() {
        assert_eq!(coin(3).at_least(4), 0.0);
        assert_eq!(coin(3).at_most(3), 1.0);
        assert_eq!(coin(2_000_000).at_least(2_000_000), 0.0);
    }
}
