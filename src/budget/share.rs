//! Bounds of a share, such as that of failed traces among all.

use super::binomial::Binomial;
use super::sample_size::two_digits_up;

/// Steps of the bisection, which halve the error each.
const STEPS: u32 = 60;

/// The probability that one of both bounds of a share is wrong; 5 % together.
pub const SHARE_ERROR: f64 = 0.025;

/// Bounds of the share of events, of which `count` in `trials` were seen; each is wrong with a probability of
/// at most `alpha`. C. J. Clopper, E. S. Pearson, *The use of confidence or fiducial limits* (1934).
#[must_use]
pub fn share_bounds(count: u64, trials: u64, alpha: f64) -> [f64; 2] {
    let of = |chance: f64| Binomial {
        trials,
        chance,
        rest: 1.0 - chance,
    };
    let lower = match count {
        0 => 0.0,
        _ => bisect(|chance| of(chance).at_least(count) <= alpha),
    };
    let upper = match count >= trials {
        true => 1.0,
        false => bisect(|chance| of(chance).at_most(count) > alpha),
    };
    [lower, upper]
}

/// The number of trials without an event that prove a share of at most `share`, with an error of at most
/// `alpha`.
#[must_use]
pub fn trials_to_prove(share: f64, alpha: f64) -> u64 {
    (alpha.ln() / (-share).ln_1p()).ceil() as u64
}

/// The number of trials that prove a share within a range, with an error of at most `alpha` on each side, if this
/// share of them are events; rounded up to two digits. `None` if a million do not.
#[must_use]
pub fn trials_to_prove_within(share: f64, range: [f64; 2], alpha: f64) -> Option<u64> {
    const MOST: u64 = 1_000_000;
    let is_proven = |trials: u64| {
        let [lower, upper] = share_bounds((share * trials as f64).round() as u64, trials, alpha);
        range[0] <= lower && upper <= range[1]
    };
    let mut enough = 1;
    while !is_proven(enough) {
        enough *= 2;
        if enough > MOST {
            return None;
        }
    }
    let mut too_few = enough / 2;
    while enough - too_few > 1 {
        let middle = u64::midpoint(too_few, enough);
        match is_proven(middle) {
            true => enough = middle,
            false => too_few = middle,
        }
    }
    Some(two_digits_up(enough as f64))
}

/// The largest share for which a condition holds that holds for all smaller ones.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        match holds(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::{share_bounds, trials_to_prove, trials_to_prove_within};

    #[test]
    fn bounds_agree_with_published_tables() {
        let close = |seen: [f64; 2], expected: [f64; 2]| {
            let pairs = seen.iter().zip(expected);
            pairs.into_iter().all(|(a, b)| (a - b).abs() < 5e-5)
        };
        // 95 %: 10 of 100, none of 30, and all of 30.
        assert!(close(share_bounds(10, 100, 0.025), [0.0490, 0.1762]));
        assert!(close(share_bounds(0, 30, 0.025), [0.0, 0.1157]));
        assert!(close(share_bounds(30, 30, 0.025), [0.8843, 1.0]));
    }

    #[test]
    fn a_narrower_range_takes_more_trials_and_a_share_outside_is_never_proven() {
        let needed = |share, range| trials_to_prove_within(share, range, 0.025);
        assert_eq!(needed(0.1, [0.09, 0.11]), Some(3_900));
        assert_eq!(needed(0.1, [0.05, 0.15]), Some(220));
        assert_eq!(needed(0.0, [0.0, 0.05]), Some(72));
        assert_eq!(needed(1.0, [0.95, 1.0]), Some(72));
        assert_eq!(needed(0.12, [0.09, 0.11]), None);
        assert_eq!(needed(0.11, [0.09, 0.11]), None);
    }

    #[test]
    fn one_trial_less_does_not_prove_the_share() {
        for (share, trials) in [(0.05, 59), (0.01, 299), (0.5, 5)] {
            assert_eq!(trials_to_prove(share, 0.05), trials);
            assert!(share_bounds(0, trials, 0.05)[1] <= share);
            assert!(share_bounds(0, trials - 1, 0.05)[1] > share);
        }
    }
}
