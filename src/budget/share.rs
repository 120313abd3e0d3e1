//! Bounds of a share, such as that of failed traces among all.

use super::binomial::Binomial;

/// Steps of the bisection, which halve the error each.
const STEPS: u32 = 60;

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
    use super::{share_bounds, trials_to_prove};

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
    fn one_trial_less_does_not_prove_the_share() {
        for (share, trials) in [(0.05, 59), (0.01, 299), (0.5, 5)] {
            assert_eq!(trials_to_prove(share, 0.05), trials);
            assert!(share_bounds(0, trials, 0.05)[1] <= share);
            assert!(share_bounds(0, trials - 1, 0.05)[1] > share);
        }
    }
}
