//! Holm's procedure: claims share the probability of an error.
//!
//! Each of k claims is decided at alpha / k; after one is decided, the others share alpha (S. Holm, *A
//! simple sequentially rejective multiple test procedure*, 1979).

use super::quantile::Alpha;

/// The decisions about one family of claims.
pub(super) struct StepDown {
    /// The level at which each was decided.
    pub(super) decided: Vec<Option<Alpha>>,
    /// The level at which the others were not decided.
    pub(super) last: Alpha,
}

impl StepDown {
    /// `decides` is `true` for a claim that is decided at a level.
    pub(super) fn of<T>(claims: &[T], alpha: Alpha, decides: impl Fn(&T, Alpha) -> bool) -> Self {
        let mut decided = vec![None; claims.len()];
        loop {
            let open = decided.iter().filter(|one| one.is_none()).count();
            let level = alpha.shared_by(open);
            let mut is_over = true;
            for (claim, one) in claims.iter().zip(&mut decided) {
                if one.is_none() && decides(claim, level) {
                    *one = Some(level);
                    is_over = false;
                }
            }
            if is_over {
                return Self {
                    decided,
                    last: level,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decided_claim_leaves_the_others_a_larger_share() {
        let decided = |chances: &[f64]| {
            let of = StepDown::of(chances, Alpha::FIVE_PERCENT, |chance, level| {
                *chance <= level.chance()
            });
            let decided = of.decided.iter().map(Option::is_some);
            decided.collect::<Vec<bool>>()
        };
        assert_eq!(decided(&[0.024, 0.01, 0.04]), [true, true, true]);
        assert_eq!(decided(&[0.03, 0.01, 0.04]), [false, true, false]);
        assert_eq!(decided(&[0.02, 0.02, 0.02]), [false, false, false]);
    }
}
